"""Sandboxes on a real Node-RED: they appear, hold a release, are reset, die, come back, expire, and are gone."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lampway.cli import demo_flows

pytestmark = pytest.mark.real


@pytest.fixture(autouse=True)
def cleared(team: Any) -> Iterator[None]:
    """Leave no Node-RED behind, also where a test fails."""
    yield
    for one in team.ok("sandbox", "list", "--json").json:
        team.ok("sandbox", "expire", one["sandbox"]["name"])


def seen(team: Any, name: str = "play") -> dict[str, Any] | None:
    found = team.ok("sandbox", "list", "--json").json
    return next((one for one in found if one["sandbox"]["name"] == name), None)


def process(team: Any) -> int:
    (folder,) = (team.root / ".lampway" / "sandboxes").iterdir()
    return json.loads((folder / "lampway.json").read_text())["pid"]


def is_alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(") ")[1][:1]


def flows(url: str, folder: Path) -> list[dict[str, Any]]:
    """Return what its maker sees, signed in as the file says."""
    lines = (folder / "sign-in").read_text().splitlines()
    user, password = (line.partition(": ")[2] for line in lines[1:3])
    given = {"client_id": "node-red-admin", "grant_type": "password", "scope": "*"}
    token = httpx.post(f"{url}/auth/token", json={**given, "username": user, "password": password}).json()
    answer = httpx.get(f"{url}/flows", headers={"Authorization": f"Bearer {token['access_token']}"})
    return answer.json()


def test_a_sandbox_appears_holds_a_release_is_reset_and_expires(team: Any) -> None:
    team.ok("release", "orders")
    said = team.ok("sandbox", "create", "play", "--from", "orders", "--for", "6s")
    folder = next((team.root / ".lampway" / "sandboxes").iterdir())
    assert f"cat {folder}/sign-in" in said.out
    one = seen(team)
    url = one["sandbox"]["url"]
    assert (one["is_running"], one["sandbox"]["content"]) == (True, ["orders@1.0.0"])
    assert {n.get("label") for n in flows(url, folder) if n["type"] == "tab"} == {"Orders"}
    password = (folder / "sign-in").read_text().splitlines()[2].partition(": ")[2]
    assert not any(password in answer.out + answer.err for answer in team.said)
    assert (folder / "sign-in").stat().st_mode & 0o077 == 0
    refused = team.run("release", "orders", "--from", "play")
    assert (refused.code, "nothing is released out of one" in refused.err) == (1, True)

    pid = process(team)
    os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.02)
    assert seen(team)["is_running"] is False
    assert "play has ended: lampway sandbox reset play --keep" in team.ok("sandbox", "list").out
    team.ok("sandbox", "reset", "play", "--keep")
    assert seen(team)["is_running"] is True
    assert {n.get("label") for n in flows(url, folder) if n["type"] == "tab"} == {"Orders"}

    pid = process(team)
    until = time.monotonic() + 60
    while seen(team) is not None:
        assert time.monotonic() < until
        time.sleep(0.5)
        assert team.run("resume").code == 0
    assert not folder.exists()
    assert not is_alive(pid)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)
    assert "sandbox play is gone: its time was over" in team.ok("history").out


def test_a_worker_takes_it_away_and_an_empty_one_is_reset_and_expired_by_hand(team: Any) -> None:
    team.ok("sandbox", "create", "play", "--for", "1s")
    team.ok("sandbox", "create", "other")
    time.sleep(1.0)
    team.ok("worker", "--once")
    assert seen(team) is None
    one = seen(team, "other")
    folder = next((team.root / ".lampway" / "sandboxes").iterdir())
    assert [n for n in flows(one["sandbox"]["url"], folder) if n["type"] == "tab"] == []
    team.ok("sandbox", "reset", "other")
    assert seen(team, "other")["is_running"] is True
    assert team.run("sandbox", "expire", "other", user="cleo").code == 1
    team.ok("sandbox", "extend", "other", "--for", "30d")
    team.ok("sandbox", "expire", "other")
    assert list((team.root / ".lampway" / "sandboxes").iterdir()) == []
    assert team.run("sandbox", "expire", "other").code == 2


def test_one_filled_from_where_makers_build_runs_like_it(team: Any) -> None:
    team.ok("sandbox", "create", "play", "--from", "dev", "--json")
    one = seen(team)
    assert one["sandbox"]["content"] == ["orders@as-built"]
    folder = next((team.root / ".lampway" / "sandboxes").iterdir())
    names = {n["id"] for n in flows(one["sandbox"]["url"], folder)}
    assert demo_flows.node_id("sum") in names
    team.ok("sandbox", "expire", "play")
