"""Environments, configuration and strategy from the command line: what is in force, in words and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from typist import Run, begin, enforce, typist, write_solution

STOCK = "pipeline: standard\nowner: ben\ncontains: [Stock]\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner, as ben, in a folder whose strategy is in force."""
    run = typist(monkeypatch, tmp_path, by="ben")
    begin(run)
    write_solution(tmp_path, "stock", STOCK)
    enforce(run)
    return run


def test_every_environment_is_shown_with_its_tier_and_lock(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("environments", "--json")
    found = {one["name"]: one for one in json.loads(out)}
    assert code == 0
    assert {name: one["tier"] for name, one in found.items()} == {"dev": "dev", "test": "test", "prod": "prod"}
    assert found["prod"]["lock"]["state"] == "never"
    assert "prod" in run("environments")[1]


def test_a_solution_without_a_release_asks_for_nothing(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("configuration", "stock", "--json")
    assert code == 0
    assert json.loads(out) == {"solution": "stock", "release": "", "environments": ["test", "prod"], "needs": []}
    assert run("configuration", "stock")[1] == "stock has no release yet\n"
    code, _, err = run("configuration", "soup")
    assert (code, "no solution named *soup*" in err) == (2, True)


def test_what_is_in_force_is_said_with_what_it_leaves_open(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("strategy", "show")
    assert code == 0
    assert "applied by ben" in out
    document = json.loads(run("strategy", "show", "--json")[1])
    assert document["commit"][:12] in out
    assert document["chapters"][0]["title"] == "Why"
    checked = json.loads(run("strategy", "check", "--json")[1])
    assert document["cautions"] == checked["warnings"]
