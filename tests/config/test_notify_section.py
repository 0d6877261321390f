"""Who is told what, as lampway.yaml says it: read as it is meant, and one mistake per slip."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy
from lampway.domain.notify import Channel, Notify, Route

GOOD = """\
notify:
  url: https://lampway.example/
  on_call: [platform-admin]
  allow: [10.0.0.0/8]
  channels:
    chat: {apprise: env:CHAT_URL}
    hook: {webhook: https://hooks.example.com/lampway, secret: env:HOOK_SECRET}
  send:
    - {through: [chat], kinds: [approval-needed], roles: [approver]}
    - {through: [hook], people: [ada], digest: 24h}
"""
FILE, BEFORE = "lampway.yaml", "pipelines:\n"


def test_what_is_declared_comes_out_as_it_is_meant(altered) -> None:
    assert load_strategy(altered(FILE, BEFORE, GOOD + BEFORE)).notify == Notify(
        (
            Channel("chat", apprise="env:CHAT_URL"),
            Channel("hook", webhook="https://hooks.example.com/lampway", secret="env:HOOK_SECRET"),
        ),
        (
            Route(("chat",), kinds=("approval-needed",), roles=("approver",)),
            Route(("hook",), people=("ada",), digest=86400.0),
        ),
        url="https://lampway.example",
        on_call=("platform-admin",),
        allow=("10.0.0.0/8",),
    )


def test_without_it_nobody_is_told(files) -> None:
    assert load_strategy(files).notify is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("{apprise: env:CHAT_URL}", "{apprise: 'slack://token'}", "given by reference"),
        ("{apprise: env:CHAT_URL}", "{}", "a channel needs apprise or webhook"),
        (
            "apprise: env:CHAT_URL",
            "apprise: env:A, webhook: https://h.example, secret: env:B",
            "either apprise or webhook",
        ),
        ("apprise: env:CHAT_URL", "apprise: env:A, secret: env:B", "only a webhook is signed"),
        (", secret: env:HOOK_SECRET", "", "a webhook needs a secret"),
        (
            "https://hooks.example.com/lampway",
            "https://me:sesame@hooks.example.com",
            "must not hold a user or a password",
        ),
        ("https://hooks.example.com/lampway", "https://hooks.example.com/?key=1", "must not have a query"),
        ("kinds: [approval-needed]", "kinds: [approvals]", "unknown kind of notice: approvals"),
        ("through: [chat]", "through: [chat, pager]", "unknown channel: pager"),
        ("roles: [approver]", "roles: [boss]", "unknown role: boss"),
        ("people: [ada]", "people: [zoe]", "unknown person: zoe"),
        ("on_call: [platform-admin]", "on_call: [nobody]", "unknown role: nobody"),
        ("through: [chat]", "through: [hook]", "nothing goes through the channel chat"),
        ("10.0.0.0/8", "10.0.0.1/8", "must be a network"),
        ("digest: 24h", "digest: daily", "must be a length of time"),
    ],
)
def test_each_slip_is_one_mistake_with_its_place(altered, mistakes_of, old: str, new: str, said: str) -> None:
    assert old in GOOD
    (mistake,) = mistakes_of(altered(FILE, BEFORE, GOOD.replace(old, new, 1) + BEFORE))
    assert said in mistake.message
    assert mistake.line
    assert "sesame" not in str(mistake)
