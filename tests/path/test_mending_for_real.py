"""On real Node-REDs: a live edit comes back, an upgrade is rehearsed, and prod is mended in two commands."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lampway.cli import demo_flows

pytestmark = pytest.mark.real

SHORT = """\
    hotfix:
      - name: hotfix-test
        environment: test
        gates: [{gate: findings}, {gate: configuration}]
      - name: hotfix-prod
        environment: prod
        gates:
          - gate: previous-stage
          - gate: checks
          - gate: drift
          - gate: lock
          - gate: rollback-target
          - {gate: approval, roles: [approver], signed: true}
"""


@pytest.fixture(autouse=True)
def cleared(team: Any) -> Iterator[None]:
    """Leave no Node-RED behind, also where a test fails."""
    yield
    for one in team.ok("sandbox", "list", "--json").json:
        team.ok("sandbox", "expire", one["sandbox"]["name"])


@pytest.fixture
def shipped(team: Any) -> Any:
    """Return a team with orders 1.0.0 in production."""
    team.to_prod()
    assert team.order("prod")["total"] == 25
    return team


def gate(team: Any, name: str = "drift") -> str:
    found = team.ok("explain", "orders", "--to", "prod", "--json").json["gates"]
    return next(g["state"] for g in found if g["gate"] == name)


def test_a_live_edit_is_found_blocks_is_back_ported_and_its_release_closes_the_task(shipped: Any) -> None:
    team = shipped
    team.edit_live("prod", "* each", "* each * 3")
    found = team.run("drift", "scan", "prod")
    assert (found.code, "drift backport orders --in prod" in found.out) == (1, True)
    assert gate(team) == "failed"
    before = team.revision("prod")
    made = team.ok("drift", "backport", "orders", "--in", "prod", "--json", user="ben").json
    assert team.revision("prod") == before, "nothing is changed there"
    diff = subprocess.run(
        ["git", "-C", str(team.root), "diff", f"{made['commit']}^", made["commit"]],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "each * 3" in diff
    assert all(line.startswith("+++ b/solutions/orders/src/") for line in diff.splitlines() if line.startswith("+++"))
    assert gate(team) == "warned"
    assert made["id"] in team.ok("status").out
    assert made["id"] in team.ok("inbox").out

    team.build(rush=True)
    team.ok("release", "orders")
    (line,) = team.ok("backport", "list", "--json").json
    assert line["lacks"] == ["function *sum*"], line
    for node in (nodes := team.flows("dev")):
        if node["id"] == demo_flows.node_id("sum"):
            node["func"] = node["func"].replace("* each", "* each * 3")
    team.put("dev", nodes)
    team.ok("release", "orders")
    assert team.ok("backport", "list", "--json").json == []
    assert gate(team) == "waived"


def test_an_upgrade_and_the_way_back_are_rehearsed_and_told_before_going_back(shipped: Any) -> None:
    team = shipped
    team.edit_live("dev", "* each", "* each * 1")
    team.ok("release", "orders")
    view = team.ok("rehearse", "orders", "--json").json
    assert [(m["version"], m["read_back"]) for m in view["moves"]] == [
        ("1.0.1", True),
        ("1.0.0", True),
        ("1.0.1", True),
    ]
    assert view["run"]["state"] == "succeeded"
    assert team.run("promote", "orders", "--to", "prod").code == 4
    assert "reversible:" in team.ok("show", "orders", user="ben").out
    team.ok("approve", "orders", user="ben")
    plan = team.ok("rollback", "orders", "--in", "prod", "--plan").out
    assert "1.0.1 → 1.0.0" in plan
    assert "last rehearsal: succeeded in test" in plan
    gone = team.ok("rollback", "orders", "--in", "prod", "--reason", "as rehearsed", user="ben")
    assert "last rehearsal: succeeded in test" in gone.out
    assert team.order("prod")["total"] == 25


def test_production_is_mended_in_two_commands_and_one_decision(shipped: Any) -> None:
    team = shipped
    path = team.root / "lampway.yaml"
    path.write_text(path.read_text() + SHORT)
    team.ok("strategy", "check")
    team.settle_strategy("A short path for hotfixes")
    team.build(rush=True)
    team.ok("release", "orders", "--version", "1.1.0")

    commands = len(team.said)
    begun = team.ok("hotfix", "orders", "--in", "prod", "--reason", "no order is thanked for")
    assert "lampway hotfix finish orders" in begun.out
    (one,) = team.ok("sandbox", "list", "--json").json
    folder = Path(one["sign_in"]).parent
    edit(one["sandbox"]["url"], folder)
    finished = team.run("hotfix", "finish", "orders")
    assert finished.code == 4, finished
    assert "orders@1.0.1 (hotfix of 1.0.0)" in finished.out
    assert "lampway approve" in finished.out
    team.ok("approve", "orders@1.0.1", user="ben")
    ours = [a for a in team.said[commands:] if not a.out.startswith("[")]
    assert len(ours) == 3, "start, finish, and the approver's yes"

    cells = {c["environment"]: c for c in team.ok("status", "--json").json}
    assert cells["prod"]["version"] == "1.0.1"
    assert any("mended" in str(n.get("info", "")) for n in team.flows("prod"))
    team.ok("resume")
    assert team.ok("sandbox", "list", "--json").json == []
    (line,) = team.ok("backport", "list", "--json").json
    assert line["task"]["cause"] == "hotfix"
    assert team.ok("metrics", "delivery", "--json").json[0]["rework"] == 1


def edit(url: str, folder: Path) -> None:
    """Do what somebody does in the sandbox's editor at night."""
    lines = (folder / "sign-in").read_text().splitlines()
    user, password = (line.partition(": ")[2] for line in lines[1:3])
    given = {"client_id": "node-red-admin", "grant_type": "password", "scope": "*"}
    token = httpx.post(f"{url}/auth/token", json={**given, "username": user, "password": password}).json()
    headers = {"Authorization": f"Bearer {token['access_token']}", "Node-RED-API-Version": "v2"}
    live = httpx.get(f"{url}/flows", headers=headers).json()
    for node in live["flows"]:
        if node["id"] == demo_flows.node_id("sum"):
            node["func"] += "\n// mended"
            node["info"] = "mended"
    httpx.post(f"{url}/flows", headers=headers, json=live).raise_for_status()
