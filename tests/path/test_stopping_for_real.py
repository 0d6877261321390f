"""Stops, vetoes, windows and composed gates, end to end, on three real Node-REDs."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.real


def running(team: Any, environment: str = "prod") -> str:
    return next(c["version"] for c in team.ok("status", "--json").json if c["environment"] == environment)


def test_an_emergency_stop_holds_what_was_approved_until_it_is_lifted(team: Any) -> None:
    team.run("release", "orders", "--promote", "prod")
    team.ok("stop", "prod", "--reason", "incident 7", user="ben")
    held = team.run("approve", "orders", user="ben")
    assert held.code == 1
    assert "emergency stop of prod by ben: incident 7" in held.out
    assert "emergency stop of prod by ben: incident 7" in team.ok("status").out
    team.order("prod", status=404)
    lifted = team.ok("start", "prod", "--reason", "over", user="ben")
    assert "verify" in lifted.err
    assert running(team) == "1.0.0"
    assert team.order("prod")["accepted"] is True
    team.ok("audit", "verify")


def test_a_vetoed_release_is_not_brought_back(team: Any) -> None:
    team.to_prod()
    team.edit_live("dev", "* each", "* each * 1")
    team.to_prod()
    team.ok("veto", "orders@1.0.0", "--in", "prod", "--reason", "it lost an order", user="ben")
    back = team.run("rollback", "orders", "--in", "prod", "--to", "1.0.0", "--reason", "back", user="ben")
    assert back.code == 1
    assert "orders@1.0.0 may never enter prod, says ben: it lost an order" in back.err
    assert running(team) == "1.0.1"
    told = team.ok("veto", "orders@1.0.1", "--in", "prod", "--reason", "so did this", user="ben")
    assert "it runs there now" in told.out
    team.ok("audit", "verify")


def test_a_closed_window_and_a_composed_gate_are_explained_and_hold(team: Any) -> None:
    from datetime import UTC, datetime, timedelta

    path = team.root / "lampway.yaml"
    later = (datetime.now(UTC) + timedelta(days=2)).strftime("%a").lower()
    window = f'        windows: [{{days: [{later}], from: "00:00", to: "24:00", zone: UTC}}]\n'
    either = (
        "          - any:\n              - {gate: soak, for: 7d}\n              - {gate: checks, kinds: [functional]}\n"
    )
    text = path.read_text()
    start = text.index("      - name: prod\n") + len("      - name: prod\n        gates:\n")
    path.write_text(text[:start].removesuffix("        gates:\n") + window + "        gates:\n" + either + text[start:])
    team.settle_strategy()
    team.run("release", "orders", "--promote", "prod")
    waits = team.run("approve", "orders", user="ben")
    assert waits.code == 4
    assert f"closed; opens {later.title()} 00:00 UTC" in waits.out
    lines = team.ok("explain", "orders", "--to", "prod").out.splitlines()
    place = next(n for n, line in enumerate(lines) if "any" in line.split())
    assert "one of these is enough: 1 of 2 open" in lines[place]
    assert lines[place + 1].startswith("    … soak")
    assert any("checks" in line and line.startswith("    ✓") for line in lines[place:])
    assert running(team) == ""
