"""The ledger: an append-only chain in which every row covers all rows before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Row, insert, select

from lampway.domain.digest import EMPTY
from lampway.domain.events import Actor, Event, Recorded
from lampway.domain.evidence import Row as Stored
from lampway.engine.store import Damage
from lampway.storage.codec import actor_from, event_from, to_text
from lampway.storage.schema import ledger

_LAST = select(ledger.c.seq, ledger.c.hash).order_by(ledger.c.seq.desc()).limit(1)
_ADD = insert(ledger)
"""Built once: making a statement costs more than running it."""


def link(prev: str, seq: int, at: str, head: tuple[str, int], texts: tuple[str, str]) -> str:
    """Return the hash of a row: over the hash before it and every column.

    `head` is kind and schema, `texts` actor and body. Canonical JSON has no raw line feed, so that joining with one
    is unambiguous.
    """
    kind, schema = head
    joined = "\n".join((prev, str(seq), at, kind, str(schema), *texts))
    return "sha256:" + hashlib.sha256(joined.encode()).hexdigest()


def append(connection: Connection, event: Event, actor: Actor, now: datetime) -> Recorded:
    """Add one row to the chain. The caller holds the write lock."""
    last = connection.execute(_LAST).first()
    seq, prev = (last.seq + 1, last.hash) if last else (1, EMPTY)
    at = now.isoformat(timespec="milliseconds")
    texts = (to_text(actor), to_text(event))
    row_hash = link(prev, seq, at, (event.kind, event.schema), texts)
    row = {"seq": seq, "at": at, "kind": event.kind, "schema": event.schema, "actor": texts[0], "body": texts[1]}
    connection.execute(_ADD, {**row, "prev": prev, "hash": row_hash})
    return Recorded(seq, at, actor, event, row_hash)


def read(connection: Connection, after: int = 0) -> Iterator[Recorded]:
    """Return the events with a number above `after`, in order."""
    rows = connection.execute(select(ledger).where(ledger.c.seq > after).order_by(ledger.c.seq))
    for row in rows.yield_per(500):
        yield decode(row)


def rows(connection: Connection) -> Iterator[Stored]:
    """Return every row in order, each column as it was written."""
    found = connection.execute(select(ledger).order_by(ledger.c.seq))
    for row in found.yield_per(500):
        yield Stored(row.seq, row.at, row.kind, row.schema, row.actor, row.body, row.prev, row.hash)


def decode(row: Row[tuple[object, ...]]) -> Recorded:
    """Return the event of one row. Raises StorageError."""
    where = f"ledger row {row.seq}"
    event = event_from(row.kind, row.schema, row.body, where=where)
    return Recorded(row.seq, row.at, actor_from(row.actor, where=where), event, row.hash)


def verify(connection: Connection) -> Iterator[Damage]:
    """Recompute the chain over the stored bytes and return every row that does not fit."""
    prev, expected = EMPTY, 1
    rows = connection.execute(select(ledger).order_by(ledger.c.seq))
    for row in rows.yield_per(500):
        where = f"ledger row {row.seq}"
        if row.seq != expected:
            yield Damage(where, f"row {expected} is missing")
        if row.prev != prev:
            yield Damage(where, "does not follow from the row before it")
        if link(row.prev, row.seq, row.at, (row.kind, row.schema), (row.actor, row.body)) != row.hash:
            yield Damage(where, "was changed after it was written")
        prev, expected = row.hash, row.seq + 1
