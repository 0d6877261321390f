"""The ledger: an append-only chain in which every row covers all rows before it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, insert, select, text

from lampway.domain.digest import EMPTY
from lampway.domain.events import Actor, Event, Recorded
from lampway.engine.store import Chain, Damage, Stored
from lampway.storage.codec import actor_from, event_from, to_text
from lampway.storage.quick import Quick
from lampway.storage.schema import ledger

_LAST = Quick(text("SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1"))
_ADD = Quick(insert(ledger), ("seq", "at", "kind", "schema", "actor", "body", "prev", "hash"))
_COLUMNS = "prev, seq, at, kind, schema, actor, body, hash"
_BATCH = 500
_ENOUGH = 1000
Raw = tuple[Any, ...]
"""A row as the driver gives it, in the order in which its hash covers it; the hash comes last."""


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
    last = _LAST.run(connection, {}).fetchone()
    seq, prev = (last[0] + 1, last[1]) if last else (1, EMPTY)
    at = now.isoformat(timespec="milliseconds")
    texts = (to_text(actor), to_text(event))
    row_hash = link(prev, seq, at, (event.kind, event.schema), texts)
    row = {"seq": seq, "at": at, "kind": event.kind, "schema": event.schema, "actor": texts[0], "body": texts[1]}
    _ADD.run(connection, {**row, "prev": prev, "hash": row_hash})
    return Recorded(seq, at, actor, event, row_hash)


def head(connection: Connection) -> tuple[int, str]:
    """Return number and hash of the newest row; 0 and nothing for none."""
    last = _LAST.run(connection, {}).fetchone()
    return (last[0], last[1]) if last else (0, "")


def batches(connection: Connection, rest: str = "", parameters: tuple[object, ...] = ()) -> Iterator[list[Raw]]:
    """Return rows as they are stored, text as bytes, some hundred at a time; `rest` is SQL that follows FROM.

    Straight from the driver: a row object and decoded text for each would take longer than hashing it.
    """
    if connection.dialect.name == "postgresql":
        from lampway.storage import postgres

        yield from postgres.batches(connection, rest, parameters)
        return
    result = connection.exec_driver_sql(f"SELECT {_COLUMNS} FROM ledger {rest} ORDER BY seq", parameters)  # noqa: S608
    driver, cursor = connection.connection.dbapi_connection, result.cursor
    try:
        while True:
            driver.text_factory = bytes  # type: ignore[union-attr] # of sqlite3; others may read between batches
            try:
                rows = cursor.fetchmany(_BATCH)
            finally:
                driver.text_factory = str  # type: ignore[union-attr]
            if not rows:
                return
            yield cast("list[Raw]", rows)
    finally:
        result.close()


def read(connection: Connection, after: int = 0, kinds: Collection[str] = ()) -> Iterator[Recorded]:
    """Return the events with a number above `after`, of these kinds or of all, in order. Raises StorageError."""
    of_kinds = f" AND kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    for rows in batches(connection, f"WHERE seq > ?{of_kinds}", (after, *kinds)):
        yield from map(decode, rows)


def newest(connection: Connection, kind: str, limit: int) -> tuple[Recorded, ...]:
    """Return the newest events of a kind, newest first; its index leads straight to them. Raises StorageError."""
    c = ledger.c
    columns = (c.prev, c.seq, c.at, c.kind, c.schema, c.actor, c.body, c.hash)
    query = select(*columns).where(c.kind == kind).order_by(c.seq.desc()).limit(limit)
    return tuple(decode(tuple(row)) for row in connection.execute(query))


def decode(row: Raw) -> Recorded:
    """Return the event of one row. Raises StorageError."""
    _, seq, at, kind, schema, actor, body, row_hash = row
    where = f"ledger row {seq}"
    event = event_from(_text(kind), schema, body, where=where)
    return Recorded(seq, _text(at), actor_from(actor, where=where), event, _text(row_hash))


def stored(connection: Connection, after: int = 0, since: str = "") -> Iterator[Stored]:
    """Return the rows above a number and from an ISO time on, in order."""
    for rows in batches(connection, "WHERE seq > ? AND at >= ?", (after, since)):
        for prev, seq, at, kind, schema, actor, body, row_hash in rows:
            texts = (_text(actor), _text(body), _text(prev), _text(row_hash))
            yield Stored(seq, _text(at), _text(kind), schema, *texts)


def hashes(connection: Connection, last: int) -> Iterator[str]:
    """Return the hashes of the rows up to a number, in order."""
    found = connection.execute(select(ledger.c.hash).where(ledger.c.seq <= last).order_by(ledger.c.seq))
    for (row_hash,) in found.yield_per(10_000):
        yield row_hash


def verify(connection: Connection, rows: Collection[int] = ()) -> Chain:
    """Recompute the chain over the stored bytes, in one pass and a fixed amount of memory.

    Every row that does not fit is told, up to a thousand. Returns the hashes of the rows asked for beside.
    """
    damage: list[Damage] = []
    sha256 = hashlib.sha256
    count, seq, prev = 0, 0, EMPTY.encode()
    for batch in batches(connection):
        for row in batch:
            try:
                computed = b"sha256:" + sha256(b"%b\n%d\n%b\n%b\n%d\n%b\n%b" % row[:7]).hexdigest().encode()
            except TypeError:
                computed = b""  # a number where text was, or nothing at all
            expected, after = seq + 1, prev
            seq, prev = row[1], row[7]
            if prev != computed or row[0] != after or seq != expected or row[4].__class__ is not int:
                damage += _faults(row, expected, after, computed) if len(damage) < _ENOUGH else ()
        count += len(batch)
    if len(damage) >= _ENOUGH:
        damage.append(Damage("ledger", f"more is damaged than these {len(damage)}"))
    found = {number: text for number in rows if (text := _hash_of(connection, number))}
    return Chain(count, seq, _text(prev) if count else "", tuple(damage), found)


def _faults(row: Raw, expected: int, prev: bytes, computed: bytes) -> Iterator[Damage]:
    where = f"ledger row {row[1]}"
    if row[1] != expected:
        yield Damage(where, f"row {expected} is missing")
    if row[0] != prev:
        yield Damage(where, "does not follow from the row before it")
    if row[7] != computed or row[4].__class__ is not int:  # 1.5 would be hashed like 1
        yield Damage(where, "was changed after it was written")


def _hash_of(connection: Connection, seq: int) -> str:
    for (row,) in batches(connection, "WHERE seq = ?", (seq,)):
        return _text(row[7])
    return ""


def _text(stored: bytes | str | None) -> str:
    return stored.decode(errors="replace") if isinstance(stored, bytes) else str(stored)
