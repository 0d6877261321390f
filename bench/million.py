"""A ledger of a million events: what an auditor does with it, and how much memory that takes.

The rows are those of real promotions, chained as the ledger chains them and put in past the engine, because a million
durable appends would take most of an hour. The first 100,000 are appended by the engine, with their records: on those
the rebuild is measured. Beside verifying stand reading the same rows with `sqlite3` and hashing the same bytes with
`sha256`: what no chain can do without.
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.ledger import _SELECT, _append, _Clock, _covered, _open_bare
from bench.records import AT, promotion_events
from bench.table import Report, Table
from bench.timing import median, seconds
from lampway.domain.events import ENGINE
from lampway.storage.codec import to_text
from lampway.storage.ledger import link
from lampway.storage.sql import open_sqlite

_EVENTS = 1_000_000
_ENGINES = 100_000
"""How many of them the engine appends, with records."""
_ROUNDS = 3
_INSERT = "INSERT INTO ledger (seq, at, kind, schema, actor, body, prev, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_CODE = """
import re, resource, sys, time
from pathlib import Path
from bench.ledger import _Clock
from lampway.engine.store import Wanted
from lampway.storage.sql import open_sqlite
def peak():
    status = Path("/proc/self/status")  # where there is none, what the parent used may be counted too
    if status.exists():
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
store = open_sqlite(Path(sys.argv[1]), _Clock())
before = peak()
started = time.perf_counter()
match sys.argv[2]:
    case "verify":
        assert not store.verify().damage
    case "rebuild":
        assert not store.compare()
    case "export":
        assert sum(1 for _ in store.stored())
    case "search":
        assert store.search(Wanted(solution="solution-7", environment="prod", limit=100)).total
    case "person":
        assert not store.search(Wanted(people=("nobody",), limit=100)).total
print(time.perf_counter() - started, (peak() - before) / 1024)
"""
_WHAT = {
    "verify": "verify the chain",
    "export": "read every row to write it out",
    "search": "search by solution and environment",
    "person": "search by a person who is not there",
    "rebuild": "rebuild every record and compare",
}


def run(folder: Path) -> Report:
    """Fill two ledgers and measure each reading in a process of its own."""
    path, small = folder / "million.db", folder / "engine.db"
    _fill_by_engine(small)
    _fill(path)
    samples: dict[str, list[float]] = {}
    memory: dict[str, float] = {}
    for _ in range(_ROUNDS):
        samples.setdefault("bare", []).append(_bare(path))
        for name in ("verify", "export", "search", "person"):
            took, memory[name] = _alone(path, name)
            samples.setdefault(name, []).append(took)
    took, memory["rebuild"] = _alone(small, "rebuild")
    samples["rebuild"] = [took]
    bare = median(samples["bare"])
    rows = [("bare sqlite3 and sha256 of the same bytes", _EVENTS, bare, _EVENTS / bare, 1.0, 0.0)]
    for name, what in _WHAT.items():
        count = _ENGINES if name == "rebuild" else _EVENTS
        took = median(samples[name])
        rows.append((what, count, took, count / took, took / count / (bare / _EVENTS), memory[name]))
    columns = ("reading", "events", "seconds", "events/s", "times bare", "memory MB")
    size = path.stat().st_size / 1e6
    notes = (f"the ledger is {size:.0f} MB on the disk; memory is what the process grew by at its peak",)
    return Report((Table("a big ledger, median", columns, rows),), samples, notes)


def _fill_by_engine(path: Path) -> None:
    store = open_sqlite(path, _Clock())
    events = itertools.islice(itertools.chain.from_iterable(map(promotion_events, itertools.count())), _ENGINES)
    for part in iter(lambda: list(itertools.islice(events, 2_000)), []):
        _append(store, part, 2_000)
    store.close()


def _fill(path: Path) -> None:
    open_sqlite(path, _Clock()).close()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.executemany(_INSERT, _rows())
    connection.execute("COMMIT")
    connection.close()


def _rows() -> Iterator[tuple[object, ...]]:
    actor, prev = to_text(ENGINE), "sha256:" + "0" * 64
    events = itertools.chain.from_iterable(map(promotion_events, itertools.count()))
    for seq, event in enumerate(itertools.islice(events, _EVENTS), 1):
        body = to_text(event)
        new = link(prev, seq, AT, (event.kind, event.schema), (actor, body))
        yield seq, AT, event.kind, event.schema, actor, body, prev, new
        prev = new


def _bare(path: Path) -> float:
    connection = _open_bare(path)
    count = 0

    def hash_all() -> None:
        nonlocal count
        for row in connection.execute(_SELECT, (0,)):
            hashlib.sha256(_covered(row)).hexdigest()
            count += 1

    took = seconds(hash_all)
    connection.close()
    if count != _EVENTS:
        raise AssertionError(count)
    return took


def _alone(path: Path, what: str) -> tuple[float, float]:
    command = [sys.executable, "-c", _CODE, str(path), what]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    took, grown = map(float, done.stdout.split())
    return took, grown
