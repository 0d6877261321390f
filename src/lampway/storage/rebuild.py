"""Rebuilding: fold the whole ledger once more and compare every record with the live one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, bindparam, select

from lampway.domain.deployment import STILL_THERE, DriftFinding
from lampway.domain.events import Recorded
from lampway.domain.projection import project
from lampway.engine.store import Damage
from lampway.errors import StorageError
from lampway.storage import ledger
from lampway.storage.codec import from_text, to_text
from lampway.storage.mentions import Recount
from lampway.storage.schema import records

T = TypeVar("T")
_Key = tuple[type, str]
_PLACE = ("solution", "environment", "state")
_ROOM = 4000
"""How many records are held as objects; each was spoken of lately, and what is spoken of lately is spoken of next."""
_AT_ONCE = 500

_LIVE = {
    kind: select(t.c.key, t.c.first, t.c.solution, t.c.environment, t.c.state, t.c.doc).where(
        t.c.key.in_(bindparam("keys", expanding=True))
    )
    for kind, t in records.items()
}
_encode = msgspec.json.Encoder(order="sorted").encode
"""Many times as fast as the canonical form and nearly always the same bytes."""


def compare(connection: Connection) -> Iterator[Damage]:
    """Return every record that is not what the ledger says, is missing or is made up, and what the search index hides.

    Everything is read from one consistent look. Records that were not spoken of for a while are compared and let go,
    so that memory grows with the number of records only by their names.
    """
    rebuilt, recount = Rebuilt(connection), Recount(connection)
    last = 0
    try:
        for row in chain.from_iterable(ledger.batches(connection)):
            last = row[1]
            rebuilt.fold(ledger.decode(row))
            recount.add(row)
    except StorageError as error:
        yield Damage(error.where or f"ledger row {last}", error.message)
        return
    yield from rebuilt.differences()
    yield from recount.differences()


@dataclass(slots=True)
class _Cold:
    """A record that was put aside."""

    first: int
    doc: bytes | None
    """None: the live one is the same."""


class Rebuilt:
    """Implements the records that a projection folds into, in memory, beside the live ones."""

    def __init__(self, live: Connection) -> None:
        self._live = live
        self._hot: dict[_Key, Any] = {}
        self._cold: dict[_Key, _Cold] = {}
        self._first: dict[_Key, int] = {}
        self._drift: dict[tuple[str, str], dict[str, int]] = {}
        self._seq = 0

    def fold(self, recorded: Recorded) -> None:
        """Fold the next event of the ledger."""
        self._seq = recorded.seq
        project(recorded, self)
        if len(self._hot) > 2 * _ROOM:
            self._put_aside(list(self._hot)[:_ROOM])

    def get(self, kind: type[T], key: str) -> T | None:
        """Return the record, or None."""
        name = (kind, key)
        record: T | None = self._hot.pop(name, None)
        if record is None:
            record = self._fetch(name)
        if record is not None:
            self._hot[name] = record
        return record

    def open_drift(self, environment: str, solution: str) -> tuple[DriftFinding, ...]:
        """Return the findings of what still is to be seen there."""
        here = self._drift.get((environment, solution), {})
        found = (self.get(DriftFinding, key) for key in sorted(here, key=here.__getitem__))
        return tuple(finding for finding in found if finding is not None)

    def put(self, key: str, record: object) -> None:
        """Keep the record in place of the one under this key."""
        name = (type(record), key)
        self._hot.pop(name, None)
        self._hot[name] = record
        aside = self._cold.pop(name, None)
        first = self._first.setdefault(name, aside.first if aside else self._seq)
        if isinstance(record, DriftFinding):
            here = self._drift.setdefault((record.environment, record.solution), {})
            here.pop(key, None)
            if record.state in STILL_THERE:
                here[key] = first

    def delete(self, kind: type, key: str) -> None:
        """Forget the record, if there is one."""
        name = (kind, key)
        self._hot.pop(name, None)
        self._cold.pop(name, None)
        self._first.pop(name, None)

    def differences(self) -> Iterator[Damage]:
        """Return what the ledger says otherwise. Call it once, at the end."""
        self._put_aside(list(self._hot))
        known = {kind: set[str]() for kind in records}
        wrong = {kind: set[str]() for kind in records}
        for (kind, key), cold in self._cold.items():
            known[kind].add(key)
            if cold.doc is not None:
                wrong[kind].add(key)
        for kind, table in records.items():
            live = self._live.execute(select(table.c.key)).scalars()
            for key in sorted(wrong[kind].union(k for k in live if k not in known[kind])):
                yield Damage(f"{kind.__name__.lower()} {key}", "is not what the ledger says")

    def _put_aside(self, names: list[_Key]) -> None:
        """Compare records with the live ones; of those that are the same only the name is kept."""
        by_kind: dict[type, list[str]] = {}
        for kind, key in names:
            by_kind.setdefault(kind, []).append(key)
        for kind, keys in by_kind.items():
            for start in range(0, len(keys), _AT_ONCE):
                self._compare(kind, keys[start : start + _AT_ONCE])

    def _compare(self, kind: type, keys: list[str]) -> None:
        live = {row.key: row for row in self._live.execute(_LIVE[kind], {"keys": keys})}
        for key in keys:
            name = (kind, key)
            record, first = self._hot.pop(name), self._first.pop(name)
            columns = (key, first, *(str(getattr(record, column, "")) for column in _PLACE))
            row = live.get(key)
            same = row is not None and tuple(row[:5]) == columns and _is_doc(row.doc, record)
            self._cold[name] = _Cold(first, None if same else to_text(record).encode())

    def _fetch(self, name: _Key) -> Any:
        """Bring back a record that was put aside."""
        cold = self._cold.pop(name, None)
        if cold is None:
            return None
        kind, key = name
        self._first[name] = cold.first
        if cold.doc is not None:
            return from_text(kind, cold.doc)
        (row,) = self._live.execute(_LIVE[kind], {"keys": [key]})
        return from_text(kind, row.doc)


def _is_doc(doc: str, record: object) -> bool:
    return _encode(record) == doc.encode(errors="surrogatepass") or to_text(record) == doc or _is_older(doc, record)


def _is_older(doc: str, record: object) -> bool:
    """Return whether a row lacks only keys that were not yet known when it was written, and says the same otherwise."""
    try:
        plain = json.loads(doc)
        known = json.loads(to_text(record)).keys()
        return plain.keys() <= known and to_text(plain) == doc and from_text(type(record), doc) == record
    except (ValueError, AttributeError, TypeError, StorageError):
        return False
