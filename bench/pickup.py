"""How soon a worker begins what another process asked for, and 160 deployments running at once.

On the in-memory platform. What is asked for is recorded through a store of its own, as another process would.
"""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.table import Report, Table
from bench.throughput import _ALONE, Slow, _begin, _state
from bench.timing import median
from lampway.app import open_engine
from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.events import Actor
from lampway.domain.promotion import Promotion
from lampway.engine.cases import CASES
from lampway.engine.context import Engine
from lampway.engine.promote import Promote
from lampway.runtime import choice
from lampway.testing.memory import MemoryPlatform

_TIMES, _MANY = 40, 160
_PATIENCE = 120.0
_MIA = Actor("mia", "bench")


def run(folder: Path) -> Report:
    """Measure picking up on both stores, and many at once on SQLite."""
    os.environ.update(_ALONE)
    samples = {}
    for store in ("SQLite", "Postgres"):
        with _state(store) as state:
            samples[store] = _pick_up(folder / store, state)
    rows = [
        (s, median(v, 1e-3), sorted(v)[int(len(v) * 0.95)] * 1e3, p)
        for (s, v), p in zip(samples.items(), (200, 1000), strict=True)
    ]
    soon = Table(
        f"from asking until it has begun, {_TIMES} times", ("store", "median ms", "p95 ms", "promised ms"), rows
    )
    running, grown = _at_once(folder / "many")
    many = Table(
        f"{_MANY} asked for at once, changes of four seconds",
        ("running at once", "memory grew by MiB"),
        [(running, grown)],
    )
    return Report((soon, many), samples)


def _pick_up(root: Path, state: str) -> list[float]:
    platform = MemoryPlatform()
    asking = _begin(root, platform, 1)
    took = []
    with _working(root, state, platform):
        for number in range(_TIMES):
            began = time.perf_counter()
            key = CASES[Promote](asking, Promote(f"orders@1.0.{number % 2}", "place-0"), _MIA).promotions[-1]
            _until(asking, lambda reading, key=key: reading.get(Promotion, key).deployment)
            took.append(time.perf_counter() - began)
            _until(asking, lambda reading: not reading.find(Deployment, states=(DeploymentState.RUNNING,)))
    asking.store.close()
    return took


def _at_once(root: Path) -> tuple[int, float]:
    """Return the most deployments that ran at one moment, and by how much memory grew while they did."""
    platform = MemoryPlatform()
    asking = _begin(root, platform, _MANY)
    before, most, grown = _memory(), 0, 0.0
    asked = CASES[Promote](asking, Promote("orders@1.0.0", f"place-{_MANY - 1}"), _MIA).promotions
    with _working(root, "", Slow(platform, 4.0), at_once=_MANY):
        deadline = time.monotonic() + _PATIENCE
        ended: list[Any] = []
        while len(ended) < len(asked) and time.monotonic() < deadline:
            with asking.store.reading() as reading:
                most = max(most, len(reading.find(Deployment, states=(DeploymentState.RUNNING,))))
                ended = list(reading.find(Deployment, states=(DeploymentState.SUCCEEDED,)))
            grown = max(grown, _memory() - before)
            time.sleep(0.1)
    asking.store.close()
    if len(ended) != len(asked):
        raise AssertionError(f"{len(ended)} of {len(asked)} deployments ended")
    return most, grown


@contextmanager
def _working(root: Path, state: str, platform: Any, at_once: int = 64) -> Iterator[None]:
    engine = replace(open_engine(root), platforms={"memory": platform})
    with choice.open_worker(engine, state, root / ".lampway", lanes=(), at_once=at_once, say=lambda _: None) as worker:
        thread = threading.Thread(target=worker.run, daemon=True)
        thread.start()
        time.sleep(1.0)
        yield
        worker.leave()
        thread.join(_PATIENCE)
    engine.store.close()


def _until(engine: Engine, is_so: Any) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        with engine.store.reading() as reading:
            if is_so(reading):
                return
        time.sleep(0.002)
    raise AssertionError("it is not picked up")


def _memory() -> float:
    """Return the memory that this process uses, in MiB."""
    told = re.search(r"VmRSS:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(told[1]) / 1024 if told else 0.0
