"""What is published counts as live when n8n says so and goes on saying so, and is waited for within bounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.going_live import wait_until_live, wait_until_quiet

KEY = {"token": Secret("key")}
BOTH = {**KEY, "user": Secret("ada@example.org"), "password": Secret("password")}
HOOK = {"name": "Hook", "type": "n8n-nodes-base.webhook", "parameters": {"path": "bulb"}}
RUNS = {"nodes": [HOOK], "connections": {}}
BULB = {"id": "a", "name": "Bulb", "active": True, "activeVersion": RUNS, **RUNS}
ANSWERS = "This webhook is not registered for PATCH requests. Did you mean to make a GET request?"


class Instance:
    """Tells by the second what it tells of a publication, and whether it answers the webhook."""

    def __init__(self, tell: Callable[[float], str], *, answers: bool = True) -> None:
        self.now = 0.0
        self.looks: list[str] = []
        self._tell = tell
        self._answers = answers

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path == "/rest/login":
            return httpx.Response(200, json={"data": {"id": "1"}}, headers={"set-cookie": "n8n-auth=good"})
        if path.startswith("/webhook/"):
            return httpx.Response(404, json={"message": ANSWERS if self._answers else "not registered"})
        status = self._tell(self.now)
        self.looks.append(status)
        live = "7" if status == "published" else None
        told: dict[str, Any] = {"status": status, "liveVersionId": live, "triggers": []}
        return httpx.Response(200, json={"data": told})

    def pause(self, seconds: float) -> None:
        self.now += seconds

    def api(self, credentials: dict[str, Secret]) -> Api:
        access = Access("prod", "http://n8n.example", credentials)
        return Api(access, transport=httpx.MockTransport(self), clock=lambda: self.now)


def waited(instance: Instance, credentials: dict[str, Secret] = BOTH) -> list[str]:
    with instance.api(credentials) as api:
        return wait_until_live(api, {"a": BULB}, {"a": "7"}, instance.pause)


def test_what_stays_live_for_a_few_looks_is_live() -> None:
    instance = Instance(lambda now: "published")
    assert waited(instance) == []
    assert instance.now < 1


def test_what_is_live_and_then_is_not_is_waited_for_again() -> None:
    instance = Instance(lambda now: "in_progress" if 0.15 < now < 0.75 else "published")
    assert waited(instance) == []
    assert instance.now > 1
    assert instance.looks[:2] == ["published", "published"]


def test_what_n8n_takes_up_again_after_it_died_is_waited_for() -> None:
    """It does so two minutes after it was started."""
    instance = Instance(lambda now: "in_progress" if now < 135 else "published")
    assert waited(instance) == []


@pytest.mark.parametrize(
    ("status", "answers", "seconds"),
    [("in_progress", True, 150), ("published", False, 45), ("not_published", True, 45)],
)
def test_what_never_becomes_live_is_told_in_bounded_time(status: str, *, answers: bool, seconds: int) -> None:
    instance = Instance(lambda now: status, answers=answers)
    (told,) = waited(instance)
    assert told.startswith(f"after {seconds} seconds not yet ")
    assert "*Bulb*" in told
    assert instance.now < seconds + 1


def test_what_n8n_says_has_failed_is_told_at_once() -> None:
    instance = Instance(lambda now: "failed")
    (told,) = waited(instance)
    assert "*Bulb* was published and does not run" in told
    assert instance.now < 1


@pytest.mark.parametrize(("answers", "seconds"), [(True, 2), (False, 47)])
def test_with_a_key_alone_webhooks_say_whether_it_is_live(*, answers: bool, seconds: int) -> None:
    instance = Instance(lambda now: "nobody is told", answers=answers)
    assert (waited(instance, KEY) == []) is answers
    assert instance.now < seconds
    assert instance.looks == []


def test_what_ended_is_quiet_once_nobody_answers_its_webhooks() -> None:
    loud, quiet = Instance(lambda now: "not_published"), Instance(lambda now: "not_published", answers=False)
    for instance in (loud, quiet):
        with instance.api(BOTH) as api:
            told = wait_until_quiet(api, [BULB], instance.pause)
        assert bool(told) is (instance is loud)
    busy = Instance(lambda now: "in_progress" if now < 100 else "not_published", answers=False)
    with busy.api(BOTH) as api:
        assert wait_until_quiet(api, [BULB], busy.pause) == []
    assert busy.now > 100
