"""Whatever people ask wrongly beside a promotion: one clear error with its exit code, and nothing recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lampway.cli.people import span
from typist import Run, begin, enforce, typist

AWAY = ("delegate", "--to", "ada", "--from", "2020-01-01", "--until", "2999-12-31")


@pytest.fixture
def ready(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ben, in a folder whose strategy is in force."""
    run = typist(monkeypatch, tmp_path, by="ben")
    begin(run)
    enforce(run)
    return run


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("waive", "orders", "lock", "--until", "2999-12-31", "--reason", "x"), 2, "no open promotion orders"),
        (("waive", "orders", "lock"), 2, "--until"),
        (("ask", "orders", "why?"), 2, "no open promotion orders"),
        (("answer", "orders", "so"), 2, "no open promotion orders"),
        (("checklist", "orders"), 2, "no open promotion orders"),
        (("checklist", "orders", "--answer", "backup"), 2, "not an answer"),
        (("checklist", "orders", "--answer", "backup=no"), 2, "needs a note"),
        (("delegate",), 2, "missing: --to, --from, --until"),
        (("delegate", "--end", "x", "--to", "ada"), 2, "either --end or"),
        (("delegate", "--end", "x"), 2, "no delegation x"),
        (AWAY, 2, "a reason is needed"),
        ((*AWAY[:-1], "soon", "--reason", "x"), 2, "not a day"),
        ((*AWAY[:-1], "2020-01-02", "--reason", "x"), 2, "over before it begins"),
        (("metrics", "waiting", "orders"), 2, "no solution named *orders*"),
        (("approve", "orders", "--for", "ada"), 2, "no open promotion"),
    ],
)
def test_what_is_asked_wrongly_is_told_once_and_records_nothing(
    ready: Any, words: tuple[str, ...], code: int, said: str
) -> None:
    before = ready("history", "--json")[1]
    found, out, err = ready(*words)
    assert (found, out) == (code, "")
    assert said in err
    assert err.count("error:") == 1
    assert "hint:" in err
    assert ready("history", "--json")[1] == before


def test_a_delegation_is_given_shown_and_taken_back(ready: Any) -> None:
    assert ready("delegations")[1] == "nobody approves for anybody else\n"
    given = json.loads(ready(*AWAY, "--reason", "away", "--json")[1])
    assert (given["by"], given["to"], given["until"]) == ("ben", "ada", "2999-12-31T23:59:59.999+00:00")
    assert "ada for ben" in ready("delegations")[1]
    assert "ada approves for ben" in ready("history")[1]
    code, out, _ = ready("delegate", "--end", given["id"])
    assert (code, out) == (0, "ada no longer approves for ben; what was decided stands\n")
    assert ready("delegations", "--json")[1] == "[]\n"
    assert "ada for ben" in ready("delegations", "--everything")[1]
    assert ready("audit", "verify")[0] == 0


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (59.6, "1m"), (3661, "1h 1m"), (90000, "1d 1h"), (86400, "1d"), (5, "5s")]
)
def test_times_are_told_in_their_two_largest_units(seconds: float, text: str) -> None:
    assert span(seconds) == text
