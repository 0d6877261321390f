"""The ledger: adding 20,000 events durably, verifying their chain, and rebuilding every record from them.

The events are those of real promotions, in a real file. Beside appending stands a bare `sqlite3` insert of rows of the
same size with the same pragmas: what durability itself costs here. Beside verifying stand reading the same rows with
`sqlite3` and hashing the same bytes with `sha256` and nothing else: what no chain can do without.
"""

from __future__ import annotations

import hashlib
import itertools
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.promotions import promotion_events
from bench.table import Report, Table
from bench.timing import Samples, median, seconds, side_by_side
from lampway.domain.events import ENGINE, Event
from lampway.storage import ledger
from lampway.storage.sql import SqlStore, open_sqlite

_EVENTS = 20_000
_ALONE = 200
"""Events in a batch that are each a transaction of their own, as the engine writes them."""
_ROUNDS = 5
_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF")
_CREATE = (
    "CREATE TABLE ledger (seq INTEGER PRIMARY KEY, at TEXT, kind TEXT, schema INTEGER, actor TEXT, body TEXT,"
    " prev TEXT, hash TEXT UNIQUE)"
)
_INSERT = "INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_SELECT = "SELECT seq, at, kind, schema, actor, body, prev, hash FROM ledger ORDER BY seq"
Row = tuple[Any, ...]


class _Clock:
    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)


def run(folder: Path) -> Report:
    """Fill a ledger, a bare table beside it, and read both."""
    store, bare = open_sqlite(folder / "ours.db", _Clock()), _bare(folder / "bare.db")
    try:
        appended = _append_all(folder, store, bare)
        read = _read_all(folder, store)
        facts = _facts(folder, store)
    finally:
        store.close()
        bare.close()
    tables = (_appending(appended), _reading(read), facts)
    return Report(tables, {"append": appended, "read": read})


def _append_all(folder: Path, store: SqlStore, bare: sqlite3.Connection) -> Samples:
    """Fill both until they hold all events: in turns, some events one by one, the others together."""
    del folder
    source = itertools.islice(itertools.chain.from_iterable(map(promotion_events, itertools.count())), _EVENTS)
    samples: Samples = {}
    for events in _batches(source, _EVENTS // _ROUNDS):
        alone, together = events[:_ALONE], events[_ALONE:]
        parts: dict[str, tuple[int, Callable[[], Any]]] = {}
        for name, part, size in (("one a transaction", alone, 1), ("100 a transaction", together, 100)):
            after = _count(store)
            parts[f"ours, {name}"] = (len(part), lambda part=part, size=size: _append(store, part, size))
            _time_one(parts, samples)
            rows = _rows(store, after)
            parts[f"bare insert, {name}"] = (len(rows), lambda rows=rows, size=size: _insert(bare, rows, size))
            _time_one(parts, samples)
    return samples
