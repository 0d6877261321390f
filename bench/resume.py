"""How soon work goes on that a killed worker left: embedded under 5 s, on Postgres under 15 s are promised.

Worker processes as people start them, on a real Node-RED. The first one kills itself in the middle of a deployment to
test, right after a step was made durable; another one is alive beside it, or is started at that moment. Measured from
the death to the next entry in that deployment's journal, and to its end.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.program import lampway
from bench.stores import postgres
from bench.table import Report, Table, Value
from bench.team import Team, start_team
from bench.timing import Samples, median
from lampway.app import LocalSession, make_backup, open_engine, restore_backup
from lampway.domain.deployment import Deployment
from lampway.domain.events import Actor
from lampway.domain.promotion import Promotion, PromotionState
from lampway.engine.cases import CASES
from lampway.engine.context import Engine
from lampway.engine.promote import Promote
from lampway.engine.release import MakeRelease

_ROUNDS = 4
_MOMENTS = ("step-started:deploy flows", "step-finished:deploy flows")
_PATIENCE = 60.0
_DYING = """
import os, signal, sys, time
from pathlib import Path
from lampway.app import open_worker
from lampway.cli.worker import Log, _line, _signals
def watch(recorded):
    if sys.argv[2] == f"{recorded.event.kind}:{getattr(recorded.event, 'step', '')}":
        Path(sys.argv[3]).touch()
        while not Path(sys.argv[4]).exists():
            time.sleep(0.002)
        os.kill(os.getpid(), signal.SIGKILL)
log = Log()
with open_worker(Path(sys.argv[1]), observers=(log, watch), say=_line) as worker, _signals(worker.leave):
    log.name_of = worker.name_of
    worker.run()
"""
"""The worker of the command line, which stops at a moment until it is told to kill itself."""
_LIMITS = {"SQLite": 5.0, "Postgres": 15.0}


def run(folder: Path) -> Report:
    """Measure both stores, with another worker alive and with one that is started."""
    rows: list[tuple[Value, ...]] = []
    samples: Samples = {}
    with start_team(folder / "team") as team, postgres() as url:
        names = iter(_releases(team, 4 * _ROUNDS))
        for store, limit in _LIMITS.items():
            if store == "Postgres":
                make_backup(team.root, folder / "team.backup")
                os.environ["LAMPWAY_STATE"] = url
                restore_backup(folder / "team.backup", team.root)
            for is_alive in (True, False):
                told = [_round(team.root, next(names), folder, number, is_alive) for number in range(_ROUNDS)]
                name = f"{store}, another {'is alive' if is_alive else 'is started'}"
                samples[f"{name}: next entry"], samples[f"{name}: end"] = map(list, zip(*told, strict=True))
                goes_on, ends = samples[f"{name}: next entry"], samples[f"{name}: end"]
                rows.append((name, median(goes_on), max(goes_on), median(ends), max(ends), limit))
        os.environ.pop("LAMPWAY_STATE", None)
    columns = ("store and other worker", "goes on, median s", "longest s", "ended, median s", "longest s", "promised s")
    return Report((Table(f"a worker is killed in the middle, {_ROUNDS} times each", columns, rows),), samples)


def _releases(team: Team, count: int) -> Iterator[str]:
    """Make so many releases, which nothing was done with yet."""
    made = []
    session = LocalSession(team.root, (), "ada")
    for number in range(count):
        team.places["dev"].change(100 + number)
        release = session.run(MakeRelease("orders", bump="patch")).release
        if release is None:
            raise AssertionError("nothing changed in dev")
        made.append(release.name)
    session.close()
    yield from made


def _round(root: Path, release: str, folder: Path, number: int, is_alive: bool) -> tuple[float, float]:
    """Let a worker die in the middle of deploying this release; return when it went on, and when it had ended."""
    reached, told = folder / "reached", folder / "told"
    for file in (reached, told):
        file.unlink(missing_ok=True)
    engine = open_engine(root)
    dying = [sys.executable, "-c", _DYING, str(root), _MOMENTS[number % len(_MOMENTS)], str(reached), str(told)]
    other = [*lampway(), "-C", str(root), "worker"]
    try:
        with contextlib.ExitStack() as ends, (folder / "workers.log").open("ab") as log:
            first = ends.enter_context(_process(dying, log))
            _soon(lambda: len(_alive(engine)) == 1)
            (promotion,) = CASES[Promote](engine, Promote(release, "test"), Actor("ada", "bench")).promotions
            _soon(reached.exists)
            if is_alive:
                ends.enter_context(_process(other, log))
                _soon(lambda: len(_alive(engine)) == 2)
            with engine.store.reading() as reading:
                before = reading.head()[0]
            told.touch()
            if first.wait(_PATIENCE) != -signal.SIGKILL:
                raise AssertionError("it did not die")
            began = time.perf_counter()
            if not is_alive:
                ends.enter_context(_process(other, log))
            _soon(lambda: _went_on(engine, before))
            goes_on = time.perf_counter() - began
            _soon(lambda: _state(engine, promotion) == PromotionState.SUCCEEDED)
            return goes_on, time.perf_counter() - began
    finally:
        engine.store.close()


@contextlib.contextmanager
def _process(words: list[str], log: Any) -> Iterator[subprocess.Popen[bytes]]:
    started = subprocess.Popen(words, stderr=log, stdout=log)
    try:
        yield started
    finally:
        started.terminate()
        started.wait(_PATIENCE)


def _alive(engine: Engine) -> list[str]:
    from lampway.engine.workers import workers

    with engine.store.reading() as reading:
        return [worker.name for worker in workers(reading) if worker.alive]


def _went_on(engine: Engine, before: int) -> bool:
    kinds = ("step-started", "step-finished", "step-running", "deployment-finished")
    return any(True for _ in engine.store.events(before, kinds))


def _state(engine: Engine, promotion: str) -> str:
    with engine.store.reading() as reading:
        found = reading.get(Promotion, promotion)
        if found is None or found.state not in (PromotionState.RUNNING, PromotionState.SUCCEEDED):
            raise AssertionError(f"it ended otherwise: {found}, {reading.find(Deployment)[-1:]}")
        return found.state


def _soon(holds: Callable[[], object]) -> None:
    end = time.monotonic() + _PATIENCE
    while not holds():
        if time.monotonic() > end:
            raise AssertionError("it did not happen")
        time.sleep(0.005)
