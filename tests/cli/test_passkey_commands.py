"""Passkeys on the command line: listed, put into people.yaml, removed."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from authenticator import Device

from lampway.app import LocalSession
from lampway.domain.events import Actor
from lampway.engine.passkeys import RegisterPasskey, register_passkey
from lampway.integrations.passkeys import to_base64url
from typist import Run, begin, enforce, typist

DEVICE = Device()


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ben, in a folder whose strategy is in force and in which ben has a passkey."""
    run = typist(monkeypatch, tmp_path, by="ben")
    begin(run)
    enforce(run)
    assert run("passkey", "list")[1].startswith("no passkeys")
    opened = LocalSession(tmp_path)
    try:
        ben = Actor("ben", "link", authenticated=True, name="Ben Approver")
        asked = RegisterPasskey("laptop", to_base64url(DEVICE.credential), DEVICE.key)
        register_passkey(opened.engine, asked, ben)
    finally:
        opened.close()
    return run


def only(ready: Any, *more: str) -> dict[str, Any]:
    (found,) = json.loads(ready("passkey", "list", *more, "--json")[1])
    return dict(found)


def test_a_passkey_is_put_into_people_yaml_and_signs_once_somebody_else_applied_that(
    ready: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = only(ready)
    assert (found["signs_in"], found["signs"]) == (True, False)
    assert "do not name its key yet" in ready("passkey", "list")[1]
    code, out, _ = ready("passkey", "show", found["passkey"]["id"])
    assert (code, DEVICE.key in out) == (0, True)
    assert DEVICE.key not in (tmp_path / "people.yaml").read_text()
    assert ready("passkey", "show", found["passkey"]["id"], "--add")[0] == 0
    assert DEVICE.key in (tmp_path / "people.yaml").read_text()
    assert not only(ready)["signs"], "it stands there, and nobody applied it"
    apply = ("strategy", "apply", "-m", "A passkey to sign with")
    assert "a second platform-admin must apply it" in ready(*apply)[2]
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    assert ready("strategy", "apply")[0] == 0
    assert only(ready)["signs"]
    assert "passkey laptop of ben registered" in ready("history", "--everything")[1]


def test_a_removed_passkey_counts_no_more(ready: Any) -> None:
    key = only(ready)["passkey"]["id"]
    assert ready("passkey", "remove", key)[0] == 2
    assert ready("passkey", "remove", key, "--reason", "lost on the train")[1:] == (
        "passkey laptop of ben counts no more\n",
        "take its key out of people.yaml as well, or give it `revoked`, where it stands there\n",
    )
    assert ready("passkey", "list", "--json")[1] == "[]\n"
    assert only(ready, "--all")["why_not"] == "the passkey was removed"
    assert "removed: lost on the train" in ready("history", "--everything")[1]
    assert ready("audit", "verify")[0] == 0


@pytest.mark.parametrize("words", [("show", "nothing"), ("remove", "nothing", "--reason", "x")])
def test_a_passkey_that_is_not_there_is_said_once(ready: Any, words: tuple[str, ...]) -> None:
    code, out, err = ready("passkey", *words)
    assert (code, out) == (2, "")
    assert "no passkey nothing" in err
    assert "hint: lampway passkey list" in err
