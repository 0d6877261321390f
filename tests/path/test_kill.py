"""Kill -9 in the middle of a deployment to a real Node-RED; run again, and it goes on without repeating."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lampway.cli import demo_flows

pytestmark = pytest.mark.real

STEPS = ("pre-flight", "keep", "deploy flows", "read-back", "verify", "record")
MOMENTS = (
    "decision-made:",
    "deployment-started:",
    *(f"step-started:{step}" for step in STEPS),
    "before-perform",
    "after-perform",
    "installed:",
    "evidence-recorded:",
    "verified:",
    *(f"step-finished:{step}" for step in STEPS),
)


def approve_and_die(team: Any, promotion: str, moment: str) -> None:
    script = Path(__file__).with_name("killed.py")
    done = subprocess.run(
        [sys.executable, str(script), str(team.root), promotion, moment],
        env={**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(team.key("ben"))},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def waiting(team: Any) -> str:
    team.ok("release", "orders")
    asked = team.run("promote", "orders", "--to", "prod", "--json")
    assert asked.code == 4, asked
    return asked.json["promotions"][-1]["id"]


def finished_steps(team: Any) -> list[str]:
    lines = team.ok("history", "orders", "--limit", "1000", "--everything", "--json").json
    prod = [line["what"] for line in lines if line["kind"] == "step-finished" and "→ prod" in line["what"]]
    return [what.partition(": ")[2] for what in prod]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_deployment_goes_on_where_it_was(team: Any, moment: str) -> None:
    promotion = waiting(team)
    approve_and_die(team, promotion, moment)
    before = team.revision("prod")
    team.ok("resume", user="ben")
    shown = team.ok("show", promotion, "--json").json
    assert shown["state"] == "succeeded", shown
    assert team.order("prod")["accepted"] is True
    done = [step for step in finished_steps(team) if step.endswith(" done")]
    assert sorted(done) == sorted(f"{step} done" for step in STEPS), "no completed step is repeated"
    if moment == "after-perform":
        assert team.revision("prod") == before, "what had happened is not done again"
    team.ok("audit", "verify")
    team.ok("drift", "scan", "prod")


def test_a_deployment_whose_ground_moved_while_it_was_dead_is_left_to_a_person(team: Any) -> None:
    promotion = waiting(team)
    approve_and_die(team, promotion, "after-perform")
    team.edit_live()
    team.run("resume", user="ben")
    assert team.ok("show", promotion, "--json").json["state"] == "reconcile"
    assert "reconcile orders" in team.ok("status").out
    before = team.revision("prod")
    stuck = team.run("resume", user="ben")
    assert stuck.code == 3
    assert "lampway reconcile orders" in stuck.out
    assert team.revision("prod") == before, "nothing is done there until somebody has looked"
    team.ok("reconcile", "orders", "--in", "prod", "--did-not-happen", "--reason", "edited by hand", user="ben")
    assert team.ok("show", promotion, "--json").json["state"] == "failed"


def test_an_edit_of_another_solution_while_it_was_dead_does_not_matter(team: Any) -> None:
    promotion = waiting(team)
    approve_and_die(team, promotion, "after-perform")
    nodes = team.flows("prod")
    for node in nodes:
        if node["id"] == demo_flows.node_id("erp"):
            node["info"] = "seen"
    team.put("prod", nodes)
    team.ok("resume", user="ben")
    assert team.ok("show", promotion, "--json").json["state"] == "succeeded"
