"""Looking for live edits: up to ten thousand solutions in each of five environments, by the in-memory platform.

What a real platform takes to answer comes on top. One solution of a hundred was edited live.
"""

from __future__ import annotations

import functools
import itertools
import re
import time
from dataclasses import replace
from pathlib import Path

from bench.ledger import _Clock
from bench.table import Report, Table
from bench.timing import median, seconds
from lampway.config.files import GovernanceFiles
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.digest import digest_bytes
from lampway.domain.events import ENGINE, Actor, Adopted, StrategyApplied
from lampway.domain.strategy import Environment, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.engine.context import Engine
from lampway.engine.drift import ScanDrift, scan_drift
from lampway.integrations.secrets import SecretResolver
from lampway.storage.git import GitSource
from lampway.storage.packages import ObjectPackages
from lampway.storage.sql import SqlStore, open_sqlite
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import Package
from lampway.testing.world import App, Part

_SIZES = (100, 1_000, 10_000)
_PLACES = ("dev", "test", "uat", "prod-eu", "prod-us")
_ROUNDS = 3


def run(folder: Path) -> Report:
    """Scan all environments again and again, once for each number of solutions."""
    samples, rows = {}, []
    for size in _SIZES:
        engine, store = _landscape(folder / str(size), size)
        before = _memory()
        found: set[int] = set()
        busy = time.process_time()
        took = [seconds(functools.partial(_scan, engine, found)) for _ in range(_ROUNDS)]
        busy = (time.process_time() - busy) / _ROUNDS
        store.close()
        if found != {size // 100}:
            raise AssertionError(f"live edits were missed: {found}")
        samples[str(size)] = took
        looks = size * len(_PLACES)
        each = (median(took) / looks * 1e3, busy / looks * 1e3)
        rows.append((size, looks, median(took), *each, _memory() - before))
    columns = ("solutions", "looked at", "median s", "ms for each", "of processor", "memory MiB")
    return Report((Table(f"one scan of {len(_PLACES)} environments", columns, rows),), samples)


def _scan(engine: Engine, found: set[int]) -> None:
    scanned = scan_drift(engine, ScanDrift(), Actor("ada", "bench"))
    errors = [one.error for one in scanned if one.error]
    if errors:
        raise AssertionError(errors[0])
    found.update(len(one.findings) for one in scanned)


def _landscape(folder: Path, size: int) -> tuple[Engine, SqlStore]:
    """Return an engine whose store says that every solution is in every environment, where they are."""
    folder.mkdir()
    platform = MemoryPlatform()
    worlds = [platform.world(f"memory://{name}") for name in _PLACES]
    store = open_sqlite(folder / "lampway.db", _Clock())
    with store.transaction() as transaction:
        transaction.append(StrategyApplied("", _strategy(size), "digest", (), ()), ENGINE)
        for number in range(size):
            app = _app(number)
            data = Package(f"solution-{number}", "1.0.0", (app,), {}).to_bytes()
            _lay_down(folder / "packages", data)
            for name, world in zip(_PLACES, worlds, strict=True):
                live = replace(app, parts=(replace(app.parts[0], does="edited live"), *app.parts[1:]))
                world.apps[app.id] = live if number % 100 == 0 else app
                transaction.append(_adopted(name, number, digest_bytes(data)), ENGINE)
    return _engine(store, platform, folder), store


def _app(number: int) -> App:
    parts = tuple(Part(f"{number}-{n}", f"step {n}", does=f"does {n} for {number}") for n in range(5))
    return App(f"app-{number}", f"App {number}", parts)


def _lay_down(folder: Path, data: bytes) -> None:
    """Put a package where the store keeps it, without waiting for the disk as it would."""
    name = digest_bytes(data).removeprefix("sha256:")
    path = folder / "sha256" / name[:2] / name[2:]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _adopted(environment: str, number: int, package: str) -> Adopted:
    return Adopted(
        environment=environment,
        solution=f"solution-{number}",
        version="1.0.0",
        release=digest_bytes(f"release {number}".encode()),
        package=package,
        configuration=ConfigurationSet({}, {}),
    )


def _strategy(size: int) -> Strategy:
    access = {"token": "engine-token"}
    return Strategy(
        team="Back office",
        next_review="2027-01-01",
        tiers=(Tier("dev"), Tier("test"), Tier("prod", locked=True)),
        environments=tuple(Environment(n, n[:4], "memory", f"memory://{n}", access=access) for n in _PLACES),
        pipelines=(Pipeline("standard", "dev", (Stage("test", "test", ()),)),),
        people=(Person("ada", "Ada", ("ada@example.org",), ("maker",)),),
        roles=("maker",),
        solutions=tuple(Solution(f"solution-{n}", "standard", "ada", (f"App {n}",)) for n in range(size)),
    )


def _memory() -> float:
    """Return the most memory that this process ever used, in MiB."""
    told = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="utf-8"))
    return int(told[1]) / 1024 if told else 0.0


def _engine(store: SqlStore, platform: MemoryPlatform, folder: Path) -> Engine:
    """Return an engine with only what looking asks of one."""
    return Engine(  # type: ignore[call-arg]
        store=store,
        source=GitSource.init(folder / "files"),
        files=GovernanceFiles(),
        secrets=SecretResolver(),
        clock=_Clock(),
        packages=ObjectPackages(folder / "packages"),
        scanner=None,
        checks=None,
        signing=None,
        platforms={"memory": platform},
        new_id=map(str, itertools.count()).__next__,
        pause=float,
        holder="bench",
    )
