"""Back-ports, rehearsals, sandboxes and hotfixes as they are typed: one clear error, and nothing half done."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lampway.cli.main import overview
from typist import PEOPLE, Run, begin, enforce, typist, write_solution

ZOE = ("--person", "zoe:Zoe Auditor:zoe@example.org:auditor")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner in a folder whose strategy, with one solution, is in force."""
    command = typist(monkeypatch, tmp_path)
    begin(command, *PEOPLE, *ZOE)
    write_solution(tmp_path, "orders", "pipeline: standard\nowner: ben\ncontains: [Orders]\n")
    enforce(command)
    return command


WRONG = [
    ("drift backport orders --in prod", "ada", 2, "orders is not installed in prod"),
    ("drift backport orders --in moon", "ada", 2, "no stage *moon*"),
    ("drift backport orders --in prod", "zoe", 1, "drift backport takes one of the roles"),
    ("backport list nothing", "ada", 2, "no solution named *nothing*"),
    ("backport close b1", "ada", 2, "a reason is needed"),
    ("backport close b1 --reason done", "ada", 2, "no back-port b1"),
    ("rehearse orders", "ada", 2, "orders has no release yet"),
    ("rehearse orders", "zoe", 1, "rehearse takes one of the roles"),
    ("rollback orders --in prod --plan", "ada", 2, "orders is not installed in prod"),
    ("sandbox create Try", "ada", 2, "not a name for a sandbox"),
    ("sandbox create ../up", "ada", 2, "not a name for a sandbox"),
    ("sandbox create prod", "ada", 1, "prod is an environment of the strategy"),
    ("sandbox create play --for soon", "ada", 2, "not a length of time"),
    ("sandbox create play --for 91d", "ada", 2, "at most 90 d"),
    ("sandbox create play --from nowhere", "ada", 2, "nowhere has no release yet"),
    ("sandbox create play --platform moon", "ada", 2, "no platform named *moon*"),
    ("sandbox create play", "stranger", 1, "stranger is nobody in people.yaml"),
    ("sandbox reset play", "ada", 2, "no sandbox play"),
    ("sandbox extend play --for 7d", "ada", 2, "no sandbox play"),
    ("sandbox expire play", "ada", 2, "no sandbox play"),
    ("hotfix orders --in prod", "ada", 2, "a reason is needed"),
    ("hotfix orders --in prod --reason broken", "ada", 2, "orders is not installed in prod"),
    ("hotfix start orders --in test --reason broken", "ada", 1, "a hotfix is for prod"),
    ("hotfix orders --in prod --reason broken", "zoe", 1, "hotfix takes one of the roles"),
    ("hotfix nothing --in prod --reason broken", "ada", 2, "no solution named *nothing*"),
    ("hotfix finish orders", "ada", 2, "no hotfix of orders is under way"),
    ("hotfix abandon orders --reason done", "ada", 2, "no hotfix of orders is under way"),
]


@pytest.mark.parametrize(("line", "by", "code", "said"), WRONG, ids=lambda value: str(value)[:40])
def test_what_cannot_be_is_one_clear_error_and_nothing_is_done(
    run: Run, tmp_path: Path, line: str, by: str, code: int, said: str
) -> None:
    before = json.loads(run("audit", "verify", "--json")[1])["events"]
    told, out, err = run(*line.split(), by=by)
    assert (told, out) == (code, ""), err
    assert said in err
    assert err.count("error:") == 1
    assert json.loads(run("audit", "verify", "--json")[1])["events"] == before
    assert not list((tmp_path / ".lampway").glob("sandboxes/*"))


@pytest.mark.parametrize("line", ["backport list", "sandbox list", "hotfix list"])
def test_nothing_is_said_as_nothing(run: Run, line: str) -> None:
    assert run(*line.split())[::2] == (0, "")
    assert json.loads(run(*line.split(), "--json")[1]) == []


def test_the_start_of_a_hotfix_need_not_be_named_and_the_others_must(run: Run) -> None:
    assert run("hotfix", "orders", "--reason", "x")[0] == 2
    assert "--in" in run("hotfix", "orders", "--reason", "x")[2]
    assert "hotfix start" in overview()
    assert run("hotfix", "--help")[0] == 0
