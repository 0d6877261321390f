"""On real Node-REDs: production is opened for a while, edited by a maker in the editor, and locked again by itself."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from test_workers import alive, machine, soon

from lampway.cli import demo_flows

pytestmark = pytest.mark.real

LABEL = "PROD, locked: use lampway"


class Editor:
    """A maker at the editor of one environment, who signs in once."""

    def __init__(self, team: Any, name: str) -> None:
        self._url = team.places[name].url
        words = {key: secret.reveal() for key, secret in team.places[name].maker_credentials.items()}
        form = {"client_id": "node-red-admin", "grant_type": "password", "scope": ""}
        form |= {"username": words["user"], "password": words["password"]}
        answer = httpx.post(f"{self._url}/auth/token", data=form, timeout=10)
        token = answer.raise_for_status().json()["access_token"]
        self._headers = {"Authorization": f"Bearer {token}", "Node-RED-API-Version": "v2"}

    def saves(self, old: str = "", new: str = "") -> bool:
        """Change what the orders cost and deploy; return whether that was let through."""
        read = httpx.get(f"{self._url}/flows", headers=self._headers, timeout=10)
        if read.status_code != 200:
            return False
        nodes = read.json()["flows"]
        for node in nodes:
            if node["id"] == demo_flows.node_id("sum"):
                node["func"] = node["func"].replace(old, new)
        saved = httpx.post(f"{self._url}/flows", json={"flows": nodes}, headers=self._headers, timeout=10)
        assert saved.status_code in {200, 401}, saved.text
        return saved.status_code == 200


@pytest.fixture
def running(team: Any) -> Iterator[Any]:
    """Return a team with orders 1.0.0 in production, which is locked again when the test is over."""
    team.to_prod()
    yield team
    team.run("lock", "prod")


def changed(team: Any) -> str:
    """Return the first line that says what was edited in production."""
    finding = next(s for s in team.run("drift", "scan", "prod", "--json").json if s["findings"])["findings"][0]
    return str(finding["changes"][0])


def gates(team: Any) -> dict[str, str]:
    return {g["gate"]: g["state"] for g in team.run("explain", "orders", "--to", "prod", "--json").json["gates"]}


def test_what_one_person_opens_is_locked_by_a_worker_and_what_was_edited_blocks_until_dealt_with(running: Any) -> None:
    team = running
    assert not Editor(team, "prod").saves("* each", "* each * 2"), "it is locked"
    with machine(team.root):
        soon(lambda: alive(team))
        opened = team.ok("unlock", "prod", "--reason", "the till is down", "--for", "3s", "--json").json
        assert opened["state"] == "open"
        maker = Editor(team, "prod")
        assert maker.saves("* each", "* each * 2")
        assert "prod is unlocked until" in team.ok("status").out
        team.build(rush=True)
        team.ok("release", "orders", "--bump", "minor")
        asked = team.run("promote", "orders", "--to", "prod")
        assert asked.code in {1, 4}
        assert gates(team)["break-glass"] == "pending"
        history = soon(lambda: [x for x in _history(team) if x["kind"] == "relocked"])
    assert history[0]["by"] == "lampway"
    assert "orders was edited" in history[0]["what"]
    assert not maker.saves("* 2", "* 3"), "the session it had ended with it"
    assert not Editor(team, "prod").saves("* 2", "* 3")
    assert "sum" in changed(team).lower()
    assert gates(team)["drift"] == "failed"
    assert "break-glass" not in gates(team)
    assert team.run("unlock", "prod", "--review", "mine is fine").code == 1, "nobody reviews what they opened"
    team.ok("unlock", "prod", "--review", "read the diff; it is taken back", user="ben")
    team.ok("drift", "revert", "orders", "--in", "prod", "--reason", "dealt with")
    assert gates(team)["drift"] == "passed"
    team.ok("lock", "prod")
    team.ok("audit", "verify")


def _history(team: Any) -> list[dict[str, Any]]:
    return list(team.ok("lock", "prod", "--history", "--json").json)


def test_the_runtime_itself_lets_nobody_edit_when_the_time_is_over_though_no_worker_is_there(running: Any) -> None:
    team = running
    team.ok("unlock", "prod", "--reason", "the till is down", "--for", "2s")
    assert "no worker is there to lock it again" in team.said[-1].err
    maker = Editor(team, "prod")
    assert maker.saves()
    time.sleep(2.1)
    assert not maker.saves()
    assert not Editor(team, "prod").saves()
    assert [x["kind"] for x in _history(team)][-1] != "relocked", "nobody has looked yet"
    done = team.ok("resume")
    assert "prod: locked again: nothing was edited meanwhile" in done.err
    assert [x["kind"] for x in _history(team)][-1] == "relocked"


def test_two_people_open_it_and_lock_it_before_its_time(running: Any) -> None:
    team = running
    asked = team.run("unlock", "prod", "--reason", "the till is down", "--for", "1h", "--with", "ben")
    assert (asked.code, Editor(team, "prod").saves()) == (4, False)
    assert "ben: lampway unlock prod --confirm" in asked.out
    assert team.run("unlock", "prod", "--confirm", user="cleo").code == 1
    team.ok("unlock", "prod", "--confirm", user="ben")
    maker = Editor(team, "prod")
    assert maker.saves()
    assert team.run("lock", "prod", "--look").code == 1
    assert maker.saves(), "looking locks nothing"
    team.ok("lock", "prod")
    assert not maker.saves()
    assert team.run("unlock", "prod", "--review", "fine", user="cleo").code == 2, "two people had a hand in it"


def test_a_label_is_found_missing_and_set_where_lampway_started_the_runtime(running: Any) -> None:
    team = running
    strategy = team.root / "lampway.yaml"
    text = strategy.read_text()
    assert "unlock: {longest: 4h}" in text
    strategy.write_text(text.replace("unlock: {longest: 4h}", f'unlock: {{longest: 4h}}, label: "{LABEL}"'))
    team.settle_strategy("Label prod")
    looked = team.ok("lock", "prod", "--look", "--json").json
    assert LABEL in looked["mislabelled"]
    assert any(LABEL in line for line in team.run("drift", "scan", "prod").out.splitlines())
    assert team.ok("lock", "prod", "--json").json["mislabelled"] == ""
    theme = httpx.get(f"{team.places['prod'].url}/theme", timeout=10).json()
    assert theme["header"]["title"] == LABEL, "what the editor shows at its top"
    assert [one["environment"] for one in team.ok("lock", "--json").json] == ["prod"]


def test_a_runtime_that_was_started_open_cannot_be_unlocked_and_says_why(running: Any) -> None:
    refused = running.run("unlock", "dev", "--reason", "x", "--for", "1h", "--json")
    assert refused.code == 2
    assert "not to be locked" in json.loads(refused.err)["error"]["message"]
