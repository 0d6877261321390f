"""Real n8n under what happens on bad days: it dies in the middle, we die in the middle, it remembers very much."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from n8nkit import Maker, chain, fields, n8n, node
from n8nteam import lampway, stand_alone, start_team

from lampway.app import cache_folder
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Scope
from lampway.engine.platform import Found, Installed, Wanted
from lampway.errors import PlatformError, UnknownOutcomeError, UnreachableError
from lampway.platforms import processes
from lampway.platforms.n8n.package import build_package
from lampway.platforms.n8n.plan import PUBLISH, SAVE
from lampway.platforms.n8n.platform import N8n

LAMPS = Scope("lamps", contains=("Bulb", "Shade"))


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_alone(monkeypatch, tmp_path)


def lamps() -> Wanted:
    listed = []
    for name in LAMPS.contains:
        path = name.lower()
        hook = node("Hook", "n8n-nodes-base.webhook", 2, {"path": path, "responseMode": "lastNode"}, webhookId=path)
        nodes = [hook, node("Answer", "n8n-nodes-base.set", 3.4, fields(text=name))]
        whole = {"name": name, "nodes": nodes, "connections": chain("Hook", "Answer"), "settings": {}}
        listed.append({"id": f"lamps-{path}", "active": True, **whole})
    package = build_package(listed, LAMPS)
    return Wanted(solution="lamps", version="1.0.0", package=package, configuration=ConfigurationSet(), secrets={})


class Dying(httpx.BaseTransport):
    """Carries what is asked until the n-th change, around which n8n is killed."""

    def __init__(self, kill: Callable[[], None], number: int, *, after: bool) -> None:
        self._kill = kill
        self._left = number
        self._after = after
        self._real = httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        is_change = request.method != "GET" and request.url.path.startswith("/api/v1/")
        self._left -= is_change
        if is_change and self._left == 0 and not self._after:
            self._kill()
        response = self._real.handle_request(request)
        if is_change and self._left == 0 and self._after:
            response.read()
            self._kill()
            raise httpx.ReadError("the connection was cut")
        return response

    def close(self) -> None:
        self._real.close()


def children_of(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def kill(maker: Maker) -> None:
    """End an n8n as a power cut does, and see that nothing of it stays."""
    pid, port = maker.launched.pid, urlsplit(maker.url).port or 0
    below = children_of(pid)
    os.kill(pid, signal.SIGKILL)
    assert processes.wait_until(lambda: not any(processes.exists(one) for one in (pid, *below)), 10)
    assert processes.wait_until(lambda: processes.is_free(port), 10)


def start_again(maker: Maker) -> None:
    """Without the ten seconds that n8n waits where it finds that it crashed."""
    (maker.folder / ".n8n" / "crash.journal").unlink()
    maker.launched = N8n().launch(maker.folder, name="test", locked=True, cache=cache_folder())


@pytest.mark.parametrize(
    ("step", "change", "after", "raised", "found"),
    [
        (SAVE, 1, False, UnreachableError, Found.UNTOUCHED),
        (SAVE, 1, True, UnknownOutcomeError, Found.REACHED),
        (PUBLISH, 2, False, UnknownOutcomeError, Found.UNCLEAR),
        (PUBLISH, 2, True, UnknownOutcomeError, Found.REACHED),
    ],
)
def test_what_an_n8n_that_dies_in_the_middle_had_done_is_told_truthfully(
    between: Maker, step: str, change: int, after: Any, raised: type[PlatformError], found: Found
) -> None:
    """While it is dead nothing is guessed; once it is back, what is there says what happened."""
    platform, wanted, access = n8n(), lamps(), between.access
    if step == PUBLISH:
        platform.perform(access, wanted, SAVE, platform.intend(access, wanted, SAVE))
    intent = platform.intend(access, wanted, step)
    dying = n8n(Dying(lambda: kill(between), change, after=after))
    begun = time.monotonic()
    with pytest.raises(raised) as caught:
        dying.perform(access, wanted, step, intent)
    assert caught.value.hint
    with pytest.raises(UnreachableError):
        platform.look_up(access, wanted, step, intent)
    assert time.monotonic() - begun < 30
    start_again(between)
    assert platform.look_up(access, wanted, step, intent) is found
    if found is Found.REACHED and step == PUBLISH:
        assert processes.wait_until(lambda: between.is_answered("shade"), 90), "n8n starts what was published last"


def approve_and_die(root: Path, promotion: str, moment: str) -> None:
    script = Path(__file__).parents[1] / "path" / "killed.py"
    done = subprocess.run(
        [sys.executable, str(script), str(root), promotion, moment],
        env={**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(root.parent / "keys" / "ben.pem")},
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def test_an_engine_that_is_killed_around_a_step_goes_on_where_it_was(
    tmp_path: Path, dev: Maker, between: Maker, prod: Maker
) -> None:
    root = start_team(tmp_path, {"dev": dev, "test": between, "prod": prod})
    moments = (f"after-perform:{SAVE}", f"step-finished:{SAVE}", f"after-perform:{PUBLISH}")
    for number, moment in enumerate(moments, 1):
        dev.build(1 + number % 2)
        lampway(root, "release", "orders")
        told = lampway(root, "promote", "orders", "--to", "prod", code=4)
        promotion = re.findall(r"waits \((\w+)\)", told)[-1]
        approve_and_die(root, promotion, moment)
        versions = {name: (w["versionId"], w["activeVersionId"]) for name, w in prod.workflows().items()}
        lampway(root, "resume", user="ben")
        assert json.loads(lampway(root, "show", promotion, "--json"))["state"] == "succeeded", moment
        prod.answer(f"version {1 + number % 2}")
        now = {name: (w["versionId"], w["activeVersionId"]) for name, w in prod.workflows().items()}
        if moment == moments[-1]:
            assert now == versions, "what had happened is not done again"
    lines = json.loads(lampway(root, "history", "orders", "--limit", "1000", "--everything", "--json"))
    told = [line["what"] for line in lines if line["kind"] == "step-finished" and "→ prod" in line["what"]]
    done = [what for what in told if what.endswith(" done")]
    for step in (SAVE, PUBLISH):
        assert sum(step in what for what in done) == len(moments), "no completed step is repeated"
    lampway(root, "audit", "verify")
    lampway(root, "drift", "scan", "prod")


def test_ten_thousand_runs_are_counted_in_time(prod: Maker) -> None:
    """As many as n8n remembers by itself. Written behind its back: to let them run would take an hour."""
    wanted, platform = lamps(), n8n()
    for step in (SAVE, PUBLISH):
        platform.perform(prod.access, wanted, step, platform.intend(prod.access, wanted, step))
    remember(prod, "lamps-bulb", 10_000)
    here = Installed(wanted.package or b"", wanted.configuration)
    begun = time.monotonic()
    counted = platform.count_executions(prod.key_only, here, "2020-01-01T00:00:00.000+00:00")
    assert (counted.total, counted.failed) == (10_000, 1_000)
    assert time.monotonic() - begun < 30
    begun = time.monotonic()
    assert platform.tell_usage(prod.key_only, here).last_run.startswith("2026-01-02T10:00:00")
    assert time.monotonic() - begun < 5, "the last run alone is asked for"


def remember(maker: Maker, workflow: str, number: int) -> None:
    """Let n8n remember runs of a workflow, every tenth of which failed, and one more that is waiting."""
    home = Path(f"/proc/{maker.launched.pid}/environ").read_bytes().split(b"\0")
    folder = Path(next(e for e in home if e.startswith(b"N8N_USER_FOLDER=")).decode().partition("=")[2])
    day = "2026-01-02"
    runs = [(workflow, f"{day} 10:00:00.000", "success" if n % 10 else "error") for n in range(number)]
    with sqlite3.connect(folder / ".n8n" / "database.sqlite", timeout=30) as database:
        database.executemany(
            "INSERT INTO execution_entity (workflowId, finished, mode, startedAt, stoppedAt, status)"
            " VALUES (?1, 1, 'webhook', ?2, ?2, ?3)",
            [(workflow, f"{day} 09:00:00.000", "waiting"), *runs],
        )
        database.execute(
            "INSERT INTO execution_data (executionId, workflowData, data) SELECT id, '{}', '[]' FROM execution_entity"
            " WHERE id NOT IN (SELECT executionId FROM execution_data)"
        )
    database.close()
