"""Inviting on the command line: a link is printed once, listed without its secret, and taken back."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from authenticator import Device

from lampway.app import LocalSession
from lampway.domain.digest import digest_bytes
from lampway.domain.events import Actor
from lampway.domain.invitations import via_invitation
from lampway.engine.invitations import Invite
from lampway.engine.passkeys import RegisterPasskey, register_passkey
from lampway.integrations.passkeys import to_base64url
from typist import Run, begin, enforce, typist

PEOPLE = (
    *("--person", "ada:Ada Maker:ada@example.org:maker"),
    *("--person", "ben:Ben Admin:ben@example.org:approver,platform-admin"),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ben, in a folder whose strategy is in force."""
    run = typist(monkeypatch, tmp_path, by="ben")
    begin(run, *PEOPLE)
    enforce(run)
    return run


def test_a_link_is_printed_once_listed_and_taken_back(run: Run) -> None:
    assert run("invite", "--list")[1] == "no invitations: lampway invite PERSON\n"
    code, link, said = run("invite", "ada", "--for", "2h")
    assert code == 0
    assert link.startswith("http://localhost:8420/sign-in?code=invitation_")
    assert "ada is told" in said
    key, secret = link.strip().split("invitation_")[1].split("_", 1)
    shown = run("invite", "--list")[1]
    assert (key in shown, secret in shown) == (True, False)
    assert "until" in run("people")[1]
    assert run("invite", "--revoke", key, "--reason", "a wrong address")[1] == "the invitation of ada counts no more\n"
    assert run("invite", "--list")[1].startswith("no invitations")
    assert "revoked" in run("invite", "--list", "--all")[1]
    (row,) = json.loads(run("invite", "--list", "--all", "--json")[1])
    assert (row["person"], row["by"], bool(row["revoked_at"])) == ("ada", "ben", True)
    assert secret not in run("history")[1]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 2, "invite whom"),
        (("ada", "--list"), 2, "invite whom"),
        (("ada", "--for", "soon"), 2, "not a length of time"),
        (("ada", "--for", "8d"), 2, "seven days at most"),
        (("nobody",), 2, "nobody is nobody in people.yaml"),
        (("ben",), 1, "nobody invites themselves"),
        (("--revoke", "x"), 2, "no invitation x"),
    ],
)
def test_what_is_asked_wrongly_is_told_and_nobody_is_invited(
    run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    told = run("invite", *words)
    assert (told[0], said in told[2]) == (code, True), told
    assert run("invite", "--list", "--all")[1].startswith("no invitations")


def test_whoever_puts_a_key_into_people_yaml_is_told_that_it_was_registered_by_an_invitation(
    run: Run, tmp_path: Path
) -> None:
    opened = LocalSession(tmp_path)
    device = Device()
    asked = RegisterPasskey("laptop", to_base64url(device.credential), device.key)
    try:
        made = opened.run(Invite(person="ada", digest=digest_bytes(b"secret")))
        ada = Actor("ada", via_invitation(made.id), authenticated=True, name="Ada Maker")
        known = register_passkey(opened.engine, asked, ada)
    finally:
        opened.close()
    assert f"registered by invitation {made.id}" in run("passkey", "list")[1]
    code, _, said = run("passkey", "show", known.id)
    assert (code, "let ada say that it is theirs first" in said) == (0, True)


def test_a_maker_invites_nobody(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    code, _, said = run("invite", "ben")
    assert (code, "who may: ben" in said) == (1, True)
    (ada, ben) = json.loads(run("people", "--json")[1])
    assert (ada["person"], ada["roles"], ben["invited_until"]) == ("ada", ["maker"], "")
