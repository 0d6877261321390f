"""Stopping from the command line: plain words, the right exit code, and one clear error for what makes no sense."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from typist import Run, begin, enforce, typist

PEOPLE = (
    *("--person", "ada:Ada Maker:ada@example.org:maker"),
    *("--person", "ben:Ben Approver:ben@example.org:approver,platform-admin"),
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner in a folder whose strategy is in force."""
    run = typist(monkeypatch, tmp_path, by="ada")
    begin(run, *PEOPLE)
    enforce(run)
    return run


def test_a_hold_is_set_shown_and_lifted(run: Run) -> None:
    code, out, _ = run("hold", "--environment", "prod", "--reason", "year end", "--until", "2999-01-01")
    assert (code, out.splitlines()) == (
        0,
        [
            "hold on prod until Wed 2999-01-02 00:00 UTC by ada: year end",
            "  lift it: lampway unhold --environment prod",
        ],
    )
    (held,) = json.loads(run("stops", "--json")[1])["holds"]
    assert (held["environment"], held["by"], held["emergency"]) == ("prod", "ada", False)
    assert "hold on prod" in run("stops")[1]
    assert run("unhold", "--environment", "prod", by="ben")[0] == 0
    assert run("stops")[1] == "nothing is held, stopped or vetoed\n"


def test_an_emergency_stop_of_everything_is_lifted_with_a_reason_by_who_may(run: Run) -> None:
    assert run("stop", "--all", "--reason", "incident 7", by="ben")[0] == 0
    code, _, err = run("start", "--all", "--reason", "I need it")
    assert code == 1
    assert "Ada Maker may not lift the emergency stop of every environment" in err
    assert run("start", "--all", by="ben")[0] == 2
    code, out, _ = run("start", "--all", "--reason", "over", by="ben")
    assert (code, out) == (0, "lifted: emergency stop of every environment by ben: incident 7\n")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("hold", "--reason", "x"), 2, "say what to hold"),
        (("hold", "orders", "--reason", "x"), 2, "no solution named *orders*"),
        (("hold", "--environment", "prod"), 2, "a reason is needed"),
        (("hold", "--environment", "prd", "--reason", "x"), 2, "no environment named *prd*"),
        (("hold", "--environment", "prod", "--reason", "x", "--until", "soon"), 2, "not a date: soon"),
        (("hold", "--environment", "prod", "--reason", "x", "--until", "2001-01-01"), 2, "2001-01-01 is in the past"),
        (("unhold",), 2, "say which hold to lift"),
        (("unhold", "--environment", "prod"), 2, "no hold of that scope stands"),
        (("stop", "--reason", "x"), 2, "name one environment, or say --all"),
        (("stop", "prod", "--all", "--reason", "x"), 2, "name one environment, or say --all"),
        (("start", "prod", "--reason", "x"), 2, "no emergency stop of that scope stands"),
        (("veto", "orders", "--in", "prod", "--reason", "x"), 2, "a veto is about one release: orders"),
        (("veto", "orders@1.0.0", "--in", "prod", "--reason", "x"), 2, "orders has no release yet"),
        (("veto", "orders@1.0.0", "--reason", "x"), 2, "--in"),
    ],
)
def test_what_makes_no_sense_is_one_clear_error(run: Run, words: tuple[str, ...], code: int, message: str) -> None:
    found, out, err = run(*words)
    assert (found, out) == (code, "")
    assert message in err
    assert err.startswith("error: ")
    assert run("stops", "--json")[1] == '{\n  "holds": [],\n  "vetoes": []\n}\n'


def test_a_valid_strategy_is_told_what_it_leaves_open(run: Run) -> None:
    code, out, _ = run("strategy", "check")
    assert code == 0
    assert "note: environments/test.yaml does not say what data is there" in out
    assert len(json.loads(run("strategy", "check", "--json")[1])["warnings"]) == 2


def test_a_strategy_that_lets_prod_be_entered_unprotected_is_neither_valid_nor_applied(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "lampway.yaml"
    text = path.read_text()
    path.write_text(text.replace("          - gate: rollback-target", "          # - gate: rollback-target"))
    code, _, err = run("strategy", "check")
    assert code == 2
    assert "a stage of the last tier needs the gate rollback-target" in err
    assert run("strategy", "apply", "-m", "Careless")[0] == 2


def test_what_the_template_offers_in_comments_is_valid_when_it_is_taken(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "lampway.yaml"
    offered = re.compile(
        r"^( *)# (max_age:|- gate: soak|  for:|- any:|    - gate:|      kinds:|      for:"
        r"|windows:|  - \{days:|expires:|freezes:|  - \{from:)",
        re.MULTILINE,
    )
    path.write_text(offered.sub(r"\1\2", path.read_text()))
    code, out, err = run("strategy", "check")
    assert (code, err) == (0, ""), err
    changes = run("strategy", "diff")[1]
    wanted = [
        "gate soak added: 2 h",
        "gate any added",
        "window Mon-Thu 08:00-17:00 Europe/Berlin added",
        "promotions expire after: never → 14 d",
        "lapses after: never → 7 d",
        "freeze added: prod",
    ]
    for words in wanted:
        assert words in changes
    assert out.startswith("valid")
