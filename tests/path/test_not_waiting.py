"""Asking alone: nothing is deployed by the command, and everything by whoever comes next."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.real


def test_what_was_asked_for_without_waiting_is_brought_about_by_the_next(team: Any) -> None:
    team.ok("release", "orders")
    asked = team.run("promote", "orders", "--to", "test", "--no-wait")
    assert asked.code == 4, asked
    assert "not waited for: lampway progress" in asked.err
    assert "no worker is there to go on" in asked.err
    team.order("test", status=404)
    team.ok("resume")
    assert team.order("test")
    assert team.ok("status", "--json").json[0]["version"] == "1.0.0"
