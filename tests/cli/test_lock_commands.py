"""Locks from the command line: plain words, the right exit code, and one clear error for what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from typist import Run, begin, enforce, typist

PEOPLE = (
    *("--person", "ada:Ada Maker:ada@example.org:maker"),
    *("--person", "ben:Ben Approver:ben@example.org:approver,platform-admin"),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner in a folder whose strategy is in force, with environments that lead nowhere."""
    monkeypatch.setenv("PROD_TOKEN", "no-token-at-all")
    run = typist(monkeypatch, tmp_path, by="ben")
    begin(run, *PEOPLE)
    enforce(run)
    return run


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("unlock", "prod"), 2, "for how long"),
        (("unlock", "prod", "--for", "2h"), 2, "a reason is needed"),
        (("unlock", "prod", "--for", "soon", "--reason", "x"), 2, "not a length of time: soon"),
        (("unlock", "prod", "--for", "9h", "--reason", "x"), 2, "4 h at most, not 9 h"),
        (("unlock", "dev", "--for", "1h", "--reason", "x"), 2, "not to be locked"),
        (("unlock", "nowhere", "--for", "1h", "--reason", "x"), 2, "nowhere"),
        (("unlock", "prod", "--for", "1h", "--confirm"), 2, "one of them"),
        (("unlock", "prod", "--confirm", "--reason", "x"), 2, "neither --reason nor --with"),
        (("unlock", "prod", "--confirm"), 2, "nobody asks for prod to be unlocked"),
        (("unlock", "prod", "--review", "fine"), 2, "nothing in prod waits for a review"),
        (("unlock", "prod", "--for", "1h", "--reason", "x"), 1, "nobody else is here who could review it"),
        (("lock", "--history"), 2, "whose history"),
        (("lock", "nowhere"), 2, "nowhere"),
        (("lock", "nowhere", "--history"), 2, "nowhere"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error_and_leaves_nothing_behind(
    run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    before = json.loads(run("audit", "verify", "--json")[1])["events"]
    found = run(*words, "--json")
    error = json.loads(found[2])["error"]
    assert (found[0], found[1]) == (code, "")
    assert said in error["message"]
    assert error["hint"]
    assert json.loads(run("audit", "verify", "--json")[1])["events"] == before


def test_who_may_not_unlock_is_told_who_may(run: Run) -> None:
    code, _, err = run("unlock", "prod", "--for", "1h", "--reason", "x", by="ada")
    assert (code, "who may: ben" in err) == (1, True)


def test_an_environment_that_cannot_be_asked_is_told_and_exits_with_three(run: Run) -> None:
    code, out, _ = run("lock")
    assert (code, "prod: could not be looked at or locked" in out) == (3, True)
    code, out, _ = run("lock", "prod", "--json")
    assert (code, json.loads(out)["state"]) == (3, "never")
    assert run("lock", "prod", "--history")[1] == "nobody has looked yet: lampway lock prod\n"


def test_the_doctor_says_what_nobody_has_looked_at(run: Run) -> None:
    found = {line["check"]: line for line in json.loads(run("doctor", "--json")[1])}
    assert (found["locks"]["ok"], found["locks"]["detail"]) == (True, "nobody has looked at prod: lampway lock")
