"""Deployments per second, one worker and 1, 4, 16 environments side by side, on SQLite and on Postgres.

Everything was asked for before; the time runs from the start of the worker to the end of the last deployment. The
platform is the in-memory one: once it answers at once, so that what is seen is the engine; once each change takes a
quarter of a second, as products do, so that what is seen is how many deployments go side by side.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.stores import postgres
from bench.table import Report, Table, Value
from bench.timing import Samples
from lampway.app import LocalSession, open_engine
from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.events import Actor
from lampway.engine.cases import CASES
from lampway.engine.context import Engine
from lampway.engine.promote import Promote
from lampway.engine.release import MakeRelease
from lampway.engine.strategy import ApplyStrategy
from lampway.runtime import choice
from lampway.testing.memory import MemoryPlatform
from lampway.testing.world import App, Part

_ENVIRONMENTS = (1, 4, 16)
_SOLUTIONS = ("orders", "billing", "stock", "returns")
_DEPLOYMENTS = 32
"""In each measurement, so that all of them take about as long on a platform that answers at once."""
_SLOW = 0.25
_CHANGES = 2
"""A deployment on this platform takes so many of them."""
_ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "BENCH_TOKEN": "engine-token"}

_STRATEGY = """\
team: Bench
next_review: 2030-01-01
tiers: {{dev: {{purpose: built here}}, test: {{purpose: tried here}}, prod: {{purpose: relied upon, locked: true}}}}
roles: [maker, platform-admin]
pipelines:
  wide:
    from: dev
    stages:
{stages}
"""
_PEOPLE = """\
people:
  mia: {name: Mia, email: mia@example.test, roles: [maker]}
  pam: {name: Pam, email: pam@example.test, roles: [platform-admin]}
"""
_ENVIRONMENT = 'tier: {tier}\nplatform: memory\nurl: http://{name}.test\naccess: {{token: "env:BENCH_TOKEN"}}\n'
_SOLUTION = "pipeline: wide\nowner: mia\ncontains: [{name}]\nrollback_plan: nothing is lost\n"


@dataclass(frozen=True, slots=True)
class Slow:
    """A platform whose changes take their time."""

    platform: MemoryPlatform
    takes: float

    def __getattr__(self, name: str) -> Any:
        """Return what the platform has."""
        return getattr(self.platform, name)

    def perform(self, *given: Any) -> Any:
        """Take the step, after a while."""
        time.sleep(self.takes)
        return self.platform.perform(*given)


def run(folder: Path) -> Report:
    """Measure every number of environments on both stores, on a quick platform and on a slow one."""
    os.environ.update(_ALONE)
    rows: list[tuple[Value, ...]] = []
    samples: Samples = {}
    for count in _ENVIRONMENTS:
        for store in ("SQLite", "Postgres"):
            for takes in (0.0, _SLOW):
                name = f"{store} {count} {takes}"
                with _state(store) as state:
                    deployments, spent = _measure(folder / name.replace(" ", "-"), state, count, takes)
                samples[name] = [spent]
                most = count / (_CHANGES * takes) if takes else 0.0
                rows.append((store, count, "at once" if not takes else f"{takes} s", deployments, deployments / spent))
                rows[-1] += (f"{most:.0f}" if most else "-",)
    columns = ("store", "environments", "a change takes", "deployments", "per second", "the platform allows")
    return Report((Table("deployments per second, by one worker", columns, rows),), samples)


@contextmanager
def _state(store: str) -> Iterator[str]:
    if store == "SQLite":
        yield ""
        return
    with postgres() as url:
        os.environ["LAMPWAY_STATE"] = url
        try:
            yield url
        finally:
            del os.environ["LAMPWAY_STATE"]


def _measure(root: Path, state: str, count: int, takes: float) -> tuple[int, float]:
    """Return how many deployments were made in how many seconds."""
    platform = MemoryPlatform()
    engine = _begin(root, platform, count)
    engine = replace(engine, platforms={"memory": Slow(platform, takes)})
    rounds = max(1, _DEPLOYMENTS // (count * len(_SOLUTIONS)))
    spent = 0.0
    try:
        for number in range(rounds if not takes else min(rounds, 2)):
            for name in _SOLUTIONS:
                version = f"1.0.{number % 2}"
                CASES[Promote](engine, Promote(f"{name}@{version}", f"place-{count - 1}"), Actor("mia", "bench"))
            with choice.open_worker(
                engine, state, root / ".lampway", lanes=(), at_once=64, say=lambda _: None
            ) as worker:
                began = time.perf_counter()
                worker.once()
            spent += _last_end(engine, began)
        with engine.store.reading() as reading:
            done = reading.find(Deployment, states=(DeploymentState.SUCCEEDED,))
    finally:
        engine.store.close()
    expected = count * len(_SOLUTIONS) * (rounds if not takes else min(rounds, 2))
    if len(done) != expected:
        raise AssertionError(f"{len(done)} of {expected} deployments were made")
    return len(done), spent


def _last_end(engine: Engine, began: float) -> float:
    """Return how long it took to the end of the last deployment: a worker looks around once more before it leaves."""
    with engine.store.reading() as reading:
        ended = max(d.finished_at for d in reading.find(Deployment))
    from datetime import datetime

    since = engine.clock.now() - datetime.fromisoformat(ended)
    return time.perf_counter() - began - since.total_seconds()


def _begin(root: Path, platform: MemoryPlatform, count: int) -> Engine:
    """Build a governance repository with so many places side by side, and two releases of each solution."""
    names = [f"place-{number}" for number in range(count)]
    gates = "gates: [{gate: findings}, {gate: configuration}]"
    stages = "\n".join(f"      - {{name: {name}, {gates}}}" for name in names)
    files = {
        "lampway.yaml": _STRATEGY.format(stages=stages),
        "people.yaml": _PEOPLE,
        ".gitignore": ".lampway/\n",
        "environments/dev.yaml": _ENVIRONMENT.format(tier="dev", name="dev"),
        **{f"environments/{n}.yaml": _ENVIRONMENT.format(tier="test", name=n) for n in names},
        **{f"solutions/{n}/solution.yaml": _SOLUTION.format(name=n.title()) for n in _SOLUTIONS},
    }
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    git = ["git", "-C", str(root), "-c", "user.name=Mia", "-c", "user.email=mia@example.test"]
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "First strategy"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    for name in names:
        platform.world(f"http://{name}.test")
    engine = replace(open_engine(root), platforms={"memory": platform})
    LocalSession(root, (), "pam", _engine=engine).run(ApplyStrategy())
    for number in range(2):
        for key, name in enumerate(_SOLUTIONS):
            app = App(f"a{key}", name.title(), (Part(f"p{key}", "Work", f"times {number}"),))
            platform.world("http://dev.test").draw(app, by="mia@example.test")
            LocalSession(root, (), "mia", _engine=engine).run(MakeRelease(name, version=f"1.0.{number}"))
    return engine
