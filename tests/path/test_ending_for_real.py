"""On real Node-REDs, over months in a moment: asked, switched off, back on an answer, and retired in the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lampway.app import session
from lampway.cli import demo_flows

pytestmark = pytest.mark.real

RULES = """
recertification:
  starts: 2026-01-15
  zone: Europe/Vienna
  high: {every: 3, answer: 14d}
  medium: {every: 12, answer: 30d}
  ladder:
    - {then: remind, after: 7d}
    - {then: switch-off, after: 14d}
retirement: {wait: 30d}
"""
SAID = ("--purpose", "takes orders", "--users", "the desk", "--data-class", "internal")


@pytest.fixture
def wait(monkeypatch: pytest.MonkeyPatch, team: Any) -> Callable[[float], None]:
    """Return what lets days go by, in which a worker does what is due."""
    passed = [0.0]

    class LaterClock:
        def now(self) -> datetime:
            return datetime.now(UTC) + timedelta(days=passed[0])

    monkeypatch.setattr(session, "SystemClock", LaterClock)

    def go_by(days: float) -> None:
        passed[0] += days
        team.ok("worker", "--once")

    return go_by


@pytest.fixture
def asked(team: Any, wait: Callable[[float], None]) -> Any:
    """Return the team with orders in production, whose owner has been asked about it."""
    strategy = team.root / "lampway.yaml"
    strategy.write_text(strategy.read_text() + RULES)
    team.settle_strategy("Ask owners")
    team.to_prod()
    wait(0)
    assert "ada" in team.ok("recertify", "--list").out
    assert "orders: still needed? ada answers by" in team.ok("inbox").out
    assert "nothing waits" in team.ok("inbox", user="ben").out
    return team


def disabled(team: Any, name: str = "prod") -> list[str]:
    return [node["label"] for node in team.flows(name) if node["type"] == "tab" and node.get("disabled")]


def test_nobody_answers_it_is_switched_off_and_an_answer_brings_it_back(
    asked: Any, wait: Callable[[float], None]
) -> None:
    team = asked
    before = team.flows("prod")
    wait(38)
    assert disabled(team) == []
    assert "switch-off" in team.ok("campaigns").out
    wait(15)
    assert disabled(team) == ["Orders"], "the ERP on the same runtime goes on"
    team.order("prod", 404)
    assert "orders in prod is switched off" in team.ok("campaigns").out
    assert team.run("drift", "scan").code == 0
    assert team.run("rollback", "orders", "--in", "prod", "--reason", "back", "--remove").code == 1

    shown = team.ok("recertify", "orders", "--show").out
    assert "last run unknown" in shown
    assert "Node-RED keeps no record" in shown
    assert team.run("recertify", "orders").code == 2, "nobody has said yet what it is for"
    team.ok("recertify", "orders", *SAID)
    assert disabled(team) == []
    assert team.order("prod")["accepted"] is True
    assert team.flows("prod") == before
    assert team.run("drift", "scan").code == 0
    assert team.ok("audit", "verify").code == 0


def test_a_maker_who_switches_it_on_again_is_found(asked: Any, wait: Callable[[float], None]) -> None:
    team = asked
    wait(38)
    wait(15)
    nodes = [{**n, "disabled": False} if n["id"] == demo_flows.node_id("orders") else n for n in team.flows("prod")]
    team.put("prod", nodes)
    found = team.run("drift", "scan", "prod")
    assert found.code == 1
    assert "tab *Orders*: enabled" in found.out


def test_it_is_retired_by_two_people_and_can_be_taken_back_until_the_end(
    asked: Any, wait: Callable[[float], None]
) -> None:
    team = asked
    team.ok("recertify", "orders", *SAID)
    assert team.run("retire", "orders", "--reason", "a new tool").code == 4
    assert team.run("retire", "orders", "--approve").code == 1, "not by whoever asked"
    approved = team.ok("retire", "orders", "--approve", user="ben")
    assert "signed with your key" in approved.out
    assert disabled(team) == ["Orders"]
    team.order("prod", 404)
    wait(20)
    team.ok("retire", "orders", "--undo", "--reason", "the desk needs it")
    assert team.order("prod")["accepted"] is True

    assert team.run("retire", "orders", "--reason", "a new tool").code == 4
    team.ok("retire", "orders", "--approve", user="ben")
    wait(31)
    assert "was retired on" in team.ok("retire", "--list").out
    for name in ("test", "prod"):
        assert [n["label"] for n in team.flows(name) if n["type"] == "tab"] == ["ERP stand-in"]
    refused = team.run("promote", "orders", "--to", "prod")
    assert refused.code == 1
    assert "was retired on" in refused.err
    assert team.ok("packages", "verify").code == 0
    assert team.ok("audit", "verify").code == 0
