"""What one deployment costs on top of calling the platform, what waiting costs, and whether a big ledger is slower.

Governed: a release with every gate open is carried out, from the look for work until it is recorded how it ended; on
SQLite, on the disk. What follows when the environment is free again, the signed checkpoint and the tag in git, is told
apart, and the processor time of all of it for machines that have other things to do. Direct: the same adapter is asked
for the same steps, with no journal, on a twin of the same place. The difference is the engine. Node-RED's figures are
in the benchmark *promotion*.
"""

from __future__ import annotations

import copy
import itertools
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos.town import ALONE, PLACES, Town, build

from bench.ledger import _Clock
from bench.million import _INSERT
from bench.records import AT, _promotion, promotion_events, release
from bench.table import Report, Table
from bench.timing import Samples, median, seconds
from lampway.domain.events import ENGINE, Actor, DeploymentFinished, LockObserved, PromotionRequested, Recorded
from lampway.domain.promotion import Promotion
from lampway.domain.release import Release
from lampway.engine.cases import CASES
from lampway.engine.context import Engine, access_to, rules_in_force
from lampway.engine.decide import Decide
from lampway.engine.drain import drain
from lampway.engine.platform import Installed
from lampway.engine.promote import Promote
from lampway.engine.steps import wanted_for
from lampway.storage.codec import to_text
from lampway.storage.ledger import link
from lampway.storage.sql import open_sqlite
from lampway.testing.memory import MemoryPlatform

_ROUNDS, _WARM_UP = 24, 4
_WAITING = 10_000
_SIZES = (10_000, 100_000, 1_000_000)
_PEOPLE = (Actor("mia", "bench"), Actor("ana", "bench"))
_MEASURE = """
import re, sys, threading, time
from pathlib import Path
from bench.ledger import _Clock
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.storage.sql import open_sqlite
def used():
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
store = open_sqlite(Path(sys.argv[1]), _Clock())
before, threads = used(), threading.active_count()
with store.reading() as reading:
    assert len(reading.find(Promotion, states=OPEN_STATES, limit=1)) == 1
    count = len(reading.find(Promotion, states=OPEN_STATES))
print(count, (used() - before) / 1024, threading.active_count() - threads)
"""


def run(folder: Path) -> Report:
    """Measure all three."""
    os.environ.update(ALONE)
    samples = _deployments(build(folder / "town"))
    tables = (_overhead(samples), _waiting(folder / "waiting.db"), _growth(folder))
    return Report(tables, samples)


def _deployments(town: Town) -> Samples:
    engine, twin = town.engine(), MemoryPlatform()
    ours = MemoryPlatform()
    for name in PLACES:
        with town.platform().at(f"http://{name}.test") as world:
            ours.worlds[world.url], twin.worlds[world.url] = copy.deepcopy(world), copy.deepcopy(world)
    ended: list[float] = []
    watching = lambda recorded: ended.append(time.perf_counter()) if _is_end(recorded) else None  # noqa: E731
    engine = replace(engine, platforms={"memory": ours}, observers=(*engine.observers, watching))
    samples: Samples = {name: [] for name in ("governed", "direct", "checkpoint and tag after it", "processor time")}
    versions = itertools.cycle(("orders@1.0.0", "orders@1.0.1"))
    for number, name in enumerate(itertools.islice(versions, _WARM_UP + _ROUNDS)):
        asked = CASES[Promote](engine, Promote(name, "prod"), _PEOPLE[0])
        drain(engine, "test")
        CASES[Decide](engine, Decide(asked.promotions[-1], approved=True), _PEOPLE[1])
        call = _direct(engine, twin, name)
        took = {"direct": seconds(call)}
        engine.source.root.joinpath(f".git/refs/tags/orders/v{name.partition('@')[2]}").unlink(missing_ok=True)
        begun, busy = time.perf_counter(), time.process_time()
        whole = seconds(lambda: drain(engine, "prod"))
        took["processor time"] = time.process_time() - busy
        took["governed"] = ended[-1] - begun
        took["checkpoint and tag after it"] = whole - took["governed"]
        _require_done(engine, asked.promotions[-1])
        for way, value in took.items():
            samples[way] += [value] if number >= _WARM_UP else []
    engine.store.close()
    return samples


def _is_end(recorded: Recorded) -> bool:
    return isinstance(recorded.event, DeploymentFinished)


def _direct(engine: Engine, platform: MemoryPlatform, name: str) -> Any:
    """Return what does with the bare adapter what a deployment asks of it."""
    with engine.store.reading() as reading:
        environment = rules_in_force(reading).strategy.environment("prod")
        found = reading.get(Release, name)
        promotion = reading.find(Promotion, environment="prod", newest_first=True, limit=1)[0]
    wanted = wanted_for(
        engine, solution="orders", release=found, environment="prod", configuration=promotion.configuration
    )
    access = access_to(engine, environment)

    def call() -> None:
        for step in platform.plan(access, wanted).steps:
            platform.perform(access, wanted, step.name, platform.intend(access, wanted, step.name))
        platform.observe(access, {"orders": Installed(wanted.package or b"", wanted.configuration)})

    return call


def _require_done(engine: Engine, key: str) -> None:
    with engine.store.reading() as reading:
        promotion = reading.get(Promotion, key)
    if promotion is None or promotion.state != "succeeded":
        raise AssertionError(f"not deployed: {promotion}")


def _overhead(samples: Samples) -> Table:
    extra = [ours - theirs for ours, theirs in zip(samples["governed"], samples["direct"], strict=True)]
    rows = [
        (name, median(values, 1e-3), _p95(values) * 1e3, min(values) * 1e3)
        for name, values in (*samples.items(), ("the engine's own", extra))
    ]
    title = f"one deployment, in-memory platform, SQLite on the disk, {_ROUNDS} times; at most 25 ms are promised"
    return Table(title, ("what", "median ms", "p95 ms", "best ms"), rows)


def _waiting(path: Path) -> Table:
    store = open_sqlite(path, _Clock())
    sealed = [release(f"solution-{number}", 0) for number in range(50)]
    for start in range(0, _WAITING, 1000):
        with store.transaction() as transaction:
            for number in range(start, start + 1000):
                transaction.append(PromotionRequested(_promotion(f"{number:08x}", sealed[number % 50])), ENGINE)
    store.close()
    command = [sys.executable, "-c", _MEASURE, str(path)]
    told = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    rows = [(f"{int(told[0]):,} promotions wait for approval", float(told[1]), int(told[2]))]
    return Table("waiting, all of them looked at once", ("what", "memory MiB", "threads"), rows)


def _growth(folder: Path) -> Table:
    rows = []
    for size in _SIZES:
        path = folder / f"grown-{size}.db"
        store = open_sqlite(path, _Clock())
        for event in itertools.islice(itertools.chain.from_iterable(map(promotion_events, itertools.count())), 5_000):
            with store.transaction() as transaction:
                transaction.append(event, ENGINE)
        first = store.verify()
        _pad(path, first.last, first.head, size)
        rows.append((size, *_timed(store)))
        store.close()
        path.unlink()
    columns = ("events", "append p95 ms", "median", "matrix p95 ms", "median ms")
    return Table("a ledger that grows; under 10 ms and 50 ms are promised", columns, rows)


def _timed(store: Any) -> tuple[float, ...]:
    appended = [seconds(lambda n=n: _append(store, n)) for n in range(300)]
    asked = [seconds(lambda: _matrix(store)) for _ in range(100)]
    return _p95(appended) * 1e3, median(appended, 1e-3), _p95(asked) * 1e3, median(asked, 1e-3)


def _pad(path: Path, seq: int, prev: str, size: int) -> None:
    """Fill the ledger up past the engine, chained as it chains."""
    event, actor = LockObserved("prod", "locked", "nobody can edit " * 20, ""), to_text(ENGINE)
    body = to_text(event)
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    for number in range(seq + 1, size + 1):
        new = link(prev, number, AT, (event.kind, event.schema), (actor, body))
        connection.execute(_INSERT, (number, AT, event.kind, event.schema, actor, body, prev, new))
        prev = new
    connection.execute("COMMIT")
    connection.close()


def _append(store: Any, number: int) -> None:
    with store.transaction() as transaction:
        transaction.append(LockObserved(f"place-{number % 50}", "locked", "nobody can edit", ""), ENGINE)


def _matrix(store: Any) -> None:
    """Read what `status` is made of: what is installed, and what is open."""
    from lampway.domain.deployment import Installation
    from lampway.domain.promotion import OPEN_STATES

    with store.reading() as reading:
        reading.find(Installation)
        reading.find(Promotion, states=OPEN_STATES)


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]
