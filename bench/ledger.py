"""The ledger: adding 20,000 events durably, verifying their chain, and rebuilding every record from them.

The events are those of real promotions, in a real file. Beside appending stands a bare `sqlite3` insert of the same
rows with the same pragmas: what durability itself costs here. Beside verifying stand reading the same rows with
`sqlite3` and hashing the same bytes with `sha256` and nothing else: what no chain can do without.
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.records import promotion_events
from bench.table import Report, Table
from bench.timing import Samples, median, seconds, side_by_side
from lampway.domain.events import ENGINE, Event
from lampway.storage import ledger
from lampway.storage.sql import SqlStore, open_sqlite

_EVENTS = 20_000
_BATCH = 200
_SIZES = (1, *[100] * 9)
"""Events to a transaction, batch by batch: one is how the engine journals, so it is worth knowing; it takes longest."""
_ROUNDS = 5
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF")
_CREATE = (
    "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, at TEXT, kind TEXT, schema INTEGER, actor TEXT, body TEXT,"
    " prev TEXT, hash TEXT UNIQUE)"
)
_INSERT = "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT seq, at, kind, schema, actor, body, prev, hash FROM ledger WHERE seq > ? ORDER BY seq"
_Row = tuple[Any, ...]


class _Clock:
    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)


def run(folder: Path) -> Report:
    """Fill a ledger and a bare table beside it, then read the ledger in every way there is."""
    ours, theirs = folder / "ours.db", folder / "theirs.db"
    store, bare, reader = open_sqlite(ours, _Clock()), _open_bare(theirs), _open_bare(ours)
    try:
        bare.execute(_CREATE)
        appended = _append_all(store, bare, reader)
        read = _read_all(store, reader)
        size = sum(len(text) for row in reader.execute(_SELECT, (0,)) for text in row if isinstance(text, str))
    finally:
        for opened in (store, bare, reader):
            opened.close()
    on_disk = f"on the disk {ours.stat().st_size / 1e6:.1f} MB with records and indexes"
    notes = (f"{_EVENTS:,} events: {size / 1e6:.1f} MB, {on_disk}; bare table: {theirs.stat().st_size / 1e6:.1f} MB",)
    return Report((_appending(appended), _reading(read)), {"append": appended, "read": read}, notes)


def _append_all(store: SqlStore, bare: sqlite3.Connection, reader: sqlite3.Connection) -> Samples:
    """Fill both, taking turns batch by batch, and return the seconds of each batch."""
    events = itertools.chain.from_iterable(map(promotion_events, itertools.count()))
    samples: Samples = {}
    for number in range(_EVENTS // _BATCH):
        size = _SIZES[number % len(_SIZES)]
        batch = list(itertools.islice(events, _BATCH))
        _keep(samples, f"lampway {size}", seconds(lambda: _append(store, batch, size)))  # noqa: B023 - called at once
        rows = reader.execute(_SELECT, (number * _BATCH,)).fetchall()
        _keep(samples, f"sqlite3 {size}", seconds(lambda: _insert(bare, rows, size)))  # noqa: B023 - called at once
    return samples


def _keep(samples: Samples, name: str, took: float) -> None:
    samples.setdefault(name, []).append(took)


def _append(store: SqlStore, events: Sequence[Event], size: int) -> None:
    for part in _parts(events, size):
        with store.transaction() as transaction:
            for event in part:
                transaction.append(event, ENGINE)


def _insert(bare: sqlite3.Connection, rows: Sequence[_Row], size: int) -> None:
    for part in _parts(rows, size):
        bare.execute("BEGIN IMMEDIATE")
        bare.executemany(_INSERT, part)
        bare.execute("COMMIT")


def _parts(things: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    return (things[start : start + size] for start in range(0, len(things), size))


def _open_bare(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in _PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _read_all(store: SqlStore, reader: sqlite3.Connection) -> Samples:
    texts = [_covered(row) for row in reader.execute(_SELECT, (0,))]
    quick = {
        "sha256": lambda: _hash(texts),
        "sqlite3": lambda: reader.execute(_SELECT, (0,)).fetchall(),
        "verify": lambda: _verify(store),
        "decode": lambda: sum(1 for _ in store.events()),
    }
    samples = side_by_side(quick, rounds=_ROUNDS)
    return {**samples, **side_by_side({"audit": lambda: _audit(store)}, rounds=1, warm_up=0)}


def _covered(row: _Row) -> bytes:
    """Return the bytes that a row's hash covers."""
    seq, at, kind, schema, actor, body, prev, _ = row
    return "\n".join((prev, str(seq), at, kind, str(schema), actor, body)).encode()


def _hash(texts: Iterable[bytes]) -> None:
    for text in texts:
        hashlib.sha256(text).hexdigest()


def _verify(store: SqlStore) -> None:
    with store.reading() as reading:
        _expect_none(ledger.verify(reading.connection).damage)


def _audit(store: SqlStore) -> None:
    _expect_none(store.audit())


def _expect_none(damage: Sequence[object]) -> None:
    if damage:
        raise AssertionError(f"a ledger nobody touched is damaged: {damage[0]}")


def _appending(samples: Samples) -> Table:
    rows = []
    for size, what in ((1, "each event its own transaction"), (100, "100 events a transaction")):
        ours, theirs = samples[f"lampway {size}"], samples[f"sqlite3 {size}"]
        third = max(1, len(ours) // 3)
        growth = median(ours[-third:]) / median(ours[:third])
        rows.append(
            (what, _BATCH / median(ours), _BATCH / median(theirs), median(ours) / median(theirs), f"{growth:.2f}")
        )
    columns = (
        "append, durably",
        "lampway events/s",
        "bare sqlite3 rows/s",
        "times as long",
        "last third / first third",
    )
    return Table("adding to the ledger and its records, median", columns, rows)


def _reading(samples: Samples) -> Table:
    names = {
        "sha256": "bare sha256 of the same bytes",
        "sqlite3": "bare sqlite3 reading the rows",
        "verify": "verify the chain",
        "decode": "read every event",
        "audit": "audit: verify, rebuild every record, compare",
    }
    bare = median(samples["sha256"]) + median(samples["sqlite3"])
    rows = [
        (text, median(samples[n], 1e-3), _EVENTS / median(samples[n]), median(samples[n]) / bare)
        for n, text in names.items()
    ]
    columns = ("reading", "ms", "events/s", "times sqlite3 and sha256 together")
    return Table(f"reading a ledger of {_EVENTS:,} events, median", columns, rows)
