"""Campaigns, reviews and retirements from the command line: one clear error for what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from typist import Run, begin, enforce, typist, write_solution

PEOPLE = (
    *("--person", "ada:Ada Maker:ada@example.org:maker,platform-admin"),
    *("--person", "ben:Ben Approver:ben@example.org:approver"),
)
SOLUTION = "pipeline: standard\nowner: ada\ncontains: [Orders]\n"
RULES = "\nrecertification:\n  starts: 2030-01-31\n  medium: {every: 12, answer: 30d}\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ada, in a folder with a solution and campaigns that are in force."""
    run = typist(monkeypatch, tmp_path)
    begin(run, *PEOPLE)
    write_solution(tmp_path, "orders", SOLUTION)
    file = tmp_path / "lampway.yaml"
    file.write_text(file.read_text() + RULES)
    enforce(run)
    return run


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("recertify",), 2, "which SOLUTION"),
        (("recertify", "orders", "--list"), 2, "--list shows all of them"),
        (("recertify", "orders", "--show", "--not-needed"), 2, "one thing at a time: --show and --not-needed"),
        (("recertify", "soup", "--show"), 2, "no solution named *soup*"),
        (("review", "orders"), 2, "either --accept or --send-back"),
        (("review", "orders", "--accept", "--send-back"), 2, "either --accept or --send-back"),
        (("review", "orders", "--accept"), 2, "no answer about orders waits for a review"),
        (("retire",), 2, "either one SOLUTION and one thing to do, or --list"),
        (("retire", "orders", "--list"), 2, "either one SOLUTION"),
        (("retire", "orders", "--approve", "--undo"), 2, "either one SOLUTION"),
        (("retire", "orders"), 2, "a reason is needed"),
        (("retire", "orders", "--reason", "old"), 2, "orders is not installed in any environment"),
        (("retire", "orders", "--approve"), 2, "no retirement of orders is under way"),
        (("retire", "orders", "--undo", "--reason", "no"), 2, "no retirement of orders is under way"),
        (("retire", "orders", "--in", "moon", "--reason", "old"), 2, "no stage *moon*"),
        (("switched", "orders", "--in", "prod", "--reason", "did it"), 2, "nothing is to be switched by hand"),
        (("switched", "orders", "--in", "moon", "--reason", "did it"), 2, "no environment named *moon*"),
        (("switched", "orders", "--in", "prod"), 2, "reason"),
    ],
)
def test_what_is_asked_wrongly_ends_in_one_error_and_nothing_recorded(
    run: Run, words: tuple[str, ...], code: int, said: str
) -> None:
    before = json.loads(run("audit", "verify", "--json")[1])["events"]
    told, out, err = run(*words)
    assert (told, out) == (code, ""), err
    assert said in err
    assert err.count("error:") == 1
    assert json.loads(run("audit", "verify", "--json")[1])["events"] == before


def test_where_nothing_is_owed_each_reading_command_says_so(run: Run) -> None:
    assert run("campaigns") == run("recertify", "--list")
    code, out, _ = run("campaigns")
    assert (code, out.splitlines()) == (0, ["nobody owes an answer", "next: medium on 2030-01-31 09:00: orders"])
    assert run("retire", "--list")[:2] == (0, "nothing ends, and nothing has ended\n")
    shown = run("recertify", "orders", "--show")[1]
    assert "nobody asks about it now" in shown
    assert "it is installed nowhere" in shown


def test_every_reading_command_speaks_json(run: Run) -> None:
    view = json.loads(run("campaigns", "--json")[1])
    assert view["calendar"] == [
        {"criticality": "medium", "at": "2030-01-31T09:00:00.000+00:00", "solutions": ["orders"]}
    ]
    assert json.loads(run("recertify", "--list", "--json")[1]) == view
    assert json.loads(run("recertify", "orders", "--show", "--json")[1])["question"] is None
    assert json.loads(run("retire", "--list", "--json")[1]) == []
    error = json.loads(run("retire", "orders", "--json")[2])["error"]
    assert (error["code"], error["hint"]) == ("usage", "add --reason '...'")
