"""On real Node-REDs: a release that does badly goes back by itself, within the time in which it is watched."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lampway.cli import demo_flows
from receiver import Receiver, listening

pytestmark = pytest.mark.real

STAGE = "      - name: prod\n"
WATCH = """\
        watch:
          for: 3s
          every: 1s
          failures: 2
          then: rollback
          probes: [{method: POST, path: /orders, json: {item: lamp, quantity: 2}, expect: {status: 201}}]
"""
NOTIFY = """\
notify:
  allow: [127.0.0.0/8]
  channels: {{desk: {{webhook: {url}/desk, secret: "file:{secret}"}}}}
  send: [{{through: [desk]}}]

pipelines:
"""


@pytest.fixture
def desk(team: Any, tmp_path: Path) -> Iterator[Receiver]:
    """Return where notices go; from now on releases are watched in prod, and 1.0.0 is known-good there."""
    secret = tmp_path / "hook-secret"
    secret.write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    strategy = team.root / "lampway.yaml"
    with listening() as receiver:
        text = strategy.read_text().replace(STAGE, STAGE + WATCH, 1)
        strategy.write_text(text.replace("pipelines:\n", NOTIFY.format(url=receiver.url, secret=secret), 1))
        team.settle_strategy("Watch prod, and tell people")
        team.to_prod()
        assert "orders@1.0.0 in prod is watched until" in team.ok("status").out
        team.ok("resume", "--stay")
        assert "watch passed: did well in" in team.said[-1].err
        assert "is watched until" not in team.ok("status").out
        yield receiver


def told(desk: Receiver) -> list[str]:
    return [json.loads(taken.body)["data"]["title"] for taken in desk.taken]


def test_a_release_that_fails_its_verification_rolls_back_by_itself(team: Any, desk: Receiver) -> None:
    team.build(rush=True)
    team.ok("release", "orders", "--bump", "minor")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    failed = team.run("approve", "orders", user="ben")
    assert failed.code == 1
    assert "orders@1.1.0 → prod: rolled_back: by promotion" in failed.out
    assert "by itself: it failed its verification: prod: check *order-is-booked* failed" in failed.out
    assert "orders@1.1.0, approved by ben" in failed.out
    assert team.order("prod")["accepted"] is True
    (cell,) = [c for c in team.ok("status", "--json").json if c["environment"] == "prod"]
    assert (cell["version"], cell["state"]) == ("1.0.0", "verified")
    said = told(desk)
    assert "deployment failed: orders@1.1.0 → prod" in said
    assert "rolled back: orders@1.0.0 → prod" in said
    team.ok("audit", "verify")


def test_a_release_that_does_badly_while_it_is_watched_rolls_back_by_itself(team: Any, desk: Receiver) -> None:
    environment = team.root / "environments" / "prod.yaml"
    environment.write_text(environment.read_text().replace("/erp/closed/", "/erp/rush/"))
    team.settle_strategy("The rush line opens")
    before = team.flows("prod")
    team.build(rush=True)
    team.to_prod("1.1.0")
    assert team.order("prod")["accepted"] is True
    _close_rush_line(team)
    done = team.ok("resume", "--stay")
    assert "looked bad" in done.err
    assert "orders@1.1.0 in prod: watch failed: 2 bad looks in a row" in done.err
    assert "rolled back by itself to 1.0.0" in done.err
    assert team.order("prod")["accepted"] is True
    assert {n["id"] for n in team.flows("prod")} == {n["id"] for n in before}
    history = team.ok("audit", "search", "--kind", "promotion-requested", "--json").json["lines"]
    assert history[-1]["what"].startswith("rollback of orders@1.0.0 to prod asked for")
    assert "watch failed: orders@1.1.0 → prod" in told(desk)
    team.ok("audit", "verify")


def _close_rush_line(team: Any) -> None:
    """Let only what the new release needs stop answering; it is in no solution."""
    nodes = team.flows("prod")
    for node in nodes:
        if node["id"] == demo_flows.node_id("erp fn"):
            node["func"] = "if (msg.req.params.line === 'rush') { msg.statusCode = 503; return msg }\n" + node["func"]
    team.put("prod", nodes)
