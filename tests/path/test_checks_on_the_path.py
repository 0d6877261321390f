"""Checks on real Node-REDs: run again, attested, turned bad, and read afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.real

DECLARED = """
  - name: flag
    kind: integration
    command: [python, checks/flag.py]
    report: out/junit.xml
    max_age: 30d
  - name: walk-through
    kind: uat
    attested: true
"""
SCRIPT = """
import os, pathlib
bad = '<failure message="the flag is down"/>' if pathlib.Path({flag!r}).exists() else ''
os.makedirs("out")
pathlib.Path("out/junit.xml").write_text(f'<testsuite><testcase name="flag">{{bad}}</testcase></testsuite>')
print("asked", os.environ["LAMPWAY_URL"])
"""


@pytest.fixture
def flag(team: Any, tmp_path: Path) -> Path:
    """Return a file; while it is there, a check fails. Cleo becomes a tester."""
    flag = tmp_path / "flag"
    folder = team.root / "solutions" / "orders"
    (folder / "checks" / "flag.py").write_text(SCRIPT.format(flag=str(flag)))
    with (folder / "solution.yaml").open("a") as file:
        file.write(DECLARED)
    people = team.root / "people.yaml"
    before, role, after = people.read_text().rpartition("[approver]")
    assert role
    people.write_text(before + "[approver, tester]" + after)
    team.settle_strategy("More checks")
    return flag


def attest(team: Any, *more: str, user: str = "cleo") -> Any:
    words = ("check", "attest", "orders", "--in", "test", "--check", "walk-through", "--cases", "two orders")
    return team.run(*words, "--outcome", "passed", *more, user=user)


def test_evidence_opens_the_way_and_takes_it_away_again(team: Any, flag: Path, tmp_path: Path) -> None:
    team.ok("release", "orders")
    waits = team.run("promote", "orders", "--to", "prod")
    assert waits.code == 4
    assert "was not attested in test" in waits.out
    picture = tmp_path / "order.png"
    picture.write_bytes(b"\x89PNG")
    assert attest(team, user="ada").code == 1
    assert attest(team, "--file", str(picture)).code == 0

    flag.write_text("down")
    failed = team.run("check", "run", "orders@1.0.0", "--in", "test", user="ben")
    assert failed.code == 1
    assert "0 passed, 1 failed, 0 skipped; flag: the flag is down" in failed.out
    assert "voided: promotion" in failed.out
    assert "is void: evidence turned bad: check *flag* failed in test" in team.ok("inbox").out
    assert team.run("approve", "orders", user="ben").code == 2

    flag.unlink()
    passed = team.ok("check", "run", "orders", "--in", "test", "--json", user="ben").json
    assert [e["outcome"] for e in passed["evidence"]] == ["passed"] * 3
    assert team.run("promote", "orders", "--to", "prod").code == 4
    team.ok("approve", "orders", user="ben")
    assert team.order("prod")["accepted"] is True

    shown = team.ok("check", "show", "orders", "--json").json
    kept = next(e for e in shown if e["check"] == "flag" and e["outcome"] == "failed")
    assert "the flag is down" in team.ok("check", "output", kept["id"], "--name", "report").out
    assert team.places["test"].url in team.ok("check", "output", kept["id"]).out
    assert "order.png" in team.ok("check", "show", "orders").out
    team.ok("audit", "verify")


def test_a_verification_that_errored_is_made_up_for_without_deploying(team: Any, flag: Path) -> None:
    script = team.root / "solutions" / "orders" / "checks" / "flag.py"
    good = script.read_text()
    script.write_text("raise SystemExit('no browser here')")
    team.settle_strategy("Broken check")
    team.ok("release", "orders")
    errored = team.run("promote", "orders", "--to", "test")
    assert errored.code == 1
    assert "could not be judged" in errored.out
    told = team.run("explain", "orders", "--to", "prod")
    assert "⚠ checks" in told.out
    assert team.run("check", "run", "orders", "--in", "test").code == 3
    script.write_text(good)
    team.settle_strategy("Mended check")
    before = team.revision("test")
    assert "known-good in test now" in team.ok("check", "run", "orders", "--in", "test").out
    assert team.revision("test") == before
    assert not flag.exists()


def test_a_live_edit_is_never_taken_for_the_release(team: Any, flag: Path) -> None:
    team.ok("release", "orders")
    team.ok("promote", "orders", "--to", "test")
    team.edit_live("test")
    refused = team.run("check", "run", "orders", "--in", "test")
    assert refused.code == 1
    assert "edited live" in refused.err
    assert attest(team).code == 1
    assert not flag.exists()
