"""`lampway watch` on a real Node-RED: before any pipeline exists, in a maker's words, and without changing anything."""

from __future__ import annotations

import base64
import contextlib
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lampway.cli import demo_flows
from lampway.cli.main import main
from lampway.engine.abilities import Launched
from receiver import listening

pytestmark = pytest.mark.real

NOTIFY = """
notify:
  allow: [127.0.0.0/8]
  channels: {{desk: {{webhook: {url}/desk, secret: "env:HOOK"}}}}
  send: [{{through: [desk]}}]
"""
Runner = Callable[..., tuple[int, str, str]]


@pytest.fixture
def prod(start_team: Any) -> Any:
    """Return a team whose production runs what somebody built there, live."""
    team = start_team(solution=False)
    nodes = [*demo_flows.erp("k"), *demo_flows.orders(), demo_flows.surroundings(team.places["prod"].url)]
    team.put("prod", nodes, {demo_flows.node_id("orders"): {"ERP_KEY": "k-of-prod"}})
    return team


@pytest.fixture
def watch(prod: Any, places: dict[str, Launched], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Return what looks at production once, from a folder without any strategy."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.setenv("READER", places["prod"].credentials["token"].reveal())
    state = str(tmp_path / "look.json")

    def run(*words: str) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        place = ("--url", prod.places["prod"].url, "--token", "env:READER", "--state", state)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["-C", str(empty), "watch", "prod", "--once", *place, *words])
        return code, out.getvalue(), err.getvalue()

    return run


def test_a_live_edit_is_named_in_a_makers_words_and_nothing_is_changed(prod: Any, watch: Runner) -> None:
    code, out, _ = watch()
    assert (code, "looked at for the first time" in out) == (0, True)
    code, out, _ = watch()
    assert (code, "nothing was edited live in prod" in out) == (0, True)
    prod.edit_live("prod")
    edited = prod.revision("prod")
    code, out, _ = watch()
    assert code == 1
    assert "1 live edit in prod since" in out
    assert "function *" in out
    assert "* each * 2" in out
    assert "the platform does not tell who" in out
    assert prod.revision("prod") == edited
    code, out, _ = watch("--json")
    assert (code, json.loads(out)["changes"]) == (0, [])


def test_it_is_told_through_a_signed_webhook_and_only_when_something_was_edited(
    prod: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "whsec_" + base64.b64encode(bytes(32)).decode())
    words = ("watch", "prod", "--once", "--channel", "desk", "--state", str(tmp_path / "look.json"))
    strategy = prod.root / "lampway.yaml"
    with listening() as desk:
        strategy.write_text(strategy.read_text() + NOTIFY.format(url=desk.url))
        assert prod.run(*words).code == 0
        assert prod.run(*words).code == 0
        assert desk.taken == []
        prod.edit_live("prod")
        desk.answers = [503]
        assert prod.run(*words).code == 3, "what did not arrive is told again"
        assert prod.run(*words).code == 1
        assert prod.run(*words).code == 0
    assert len(desk.taken) == 2
    assert desk.taken[0].headers["webhook-id"] == desk.taken[1].headers["webhook-id"]
    body = json.loads(desk.taken[1].body)
    assert body["type"] == "lampway.live-edits"
    assert body["data"]["environment"] == "prod"


def test_in_a_repository_the_name_is_enough_and_it_stays_until_it_is_stopped(prod: Any, tmp_path: Path) -> None:
    state = tmp_path / "look.json"
    command = [sys.executable, "-m", "lampway", "-C", str(prod.root), "watch", "prod", "--every", "1s"]
    environ = {**os.environ, "LAMPWAY_USER": "ada", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "--state", str(state)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert "first time" in process.stdout.readline()
        prod.edit_live("prod")
        lines = iter(process.stdout.readline, "")
        assert next(line for line in lines if "live edit in prod" in line)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    assert process.returncode == 130
    assert not (prod.root / ".lampway" / "watch").exists()


def test_each_slip_is_one_clear_error(tmp_path: Path) -> None:
    empty = str(tmp_path)
    for words, code, said in (
        (("prod",), 2, "nobody knows where prod is"),
        (("prod", "--url", "prod.example"), 2, "not an address"),
        (("prod", "--url", "http://127.0.0.1:9"), 2, "say how to sign in"),
        (("prod", "--url", "http://127.0.0.1:9", "--token", "abc-secret"), 2, "given by reference"),
        (("prod", "--url", "http://127.0.0.1:9", "--anonymous", "--once"), 3, "127.0.0.1:9"),
        (("prod", "--url", "http://127.0.0.1:9", "--anonymous", "--every", "daily"), 2, "not a length of time"),
        (("prod", "--url", "http://127.0.0.1:9", "--anonymous", "--platform", "zapier"), 2, "no platform named"),
        (("prod", "--url", "http://127.0.0.1:9", "--anonymous", "--channel", "chat"), 2, "no channel named"),
        (("prod", "--url", "http://127.0.0.1:9", "--anonymous", "--apprise", "slack://abc-secret"), 2, "by reference"),
    ):
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            assert main(["-C", empty, "watch", *words]) == code, err.getvalue()
        assert said in err.getvalue()
        assert "abc-secret" not in err.getvalue()
