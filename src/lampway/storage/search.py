"""Searching: one scan over the stored rows, in which ids of promotions, deployments and findings are resolved."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection

from lampway.domain.events import Recorded
from lampway.engine.store import Matches, Wanted
from lampway.errors import StorageError
from lampway.storage import ledger
from lampway.storage.codec import actor_from

_Place = tuple[str, str, int]
"""Solution and environment, and the row that first spoke of it."""


class _Subject(msgspec.Struct):
    id: str = ""
    solution: str = ""
    environment: str = ""


class _Promotion(msgspec.Struct):
    promotion: _Subject


class _Deployment(msgspec.Struct):
    deployment: _Subject


class _Finding(msgspec.Struct):
    finding: _Subject


_INTRODUCES = {
    b"promotion-requested": (msgspec.json.Decoder(_Promotion).decode, "promotion"),
    b"deployment-started": (msgspec.json.Decoder(_Deployment).decode, "deployment"),
    b"drift-found": (msgspec.json.Decoder(_Finding).decode, "finding"),
}
"""Kinds that give an id its meaning. Read in part: that is several times as fast."""
_SPEAKS_OF = re.compile(rb'"(?:promotion|deployment|finding)":"([^"\\]+)"')


def search(connection: Connection, wanted: Wanted) -> Matches:
    """Return what matches, in order; only the newest where there is a limit. Raises StorageError."""
    places: dict[bytes, _Place] = {}
    newest: deque[ledger.Raw] = deque(maxlen=wanted.limit or None)
    total = 0
    is_match = _Filter(wanted, places)
    for batch in ledger.batches(connection, *(("WHERE at < ?", (wanted.until,)) if wanted.until else ())):
        for row in batch:
            if row[3] in _INTRODUCES:
                _introduce(row, places)
            if is_match(row):
                newest.append(row)
                total += 1
    return Matches(total, tuple(map(ledger.decode, newest)), tuple(_introductions(connection, newest, places)))


def _introduce(row: ledger.Raw, places: dict[bytes, _Place]) -> None:
    decode, name = _INTRODUCES[row[3]]
    try:
        subject: _Subject = getattr(decode(row[6]), name)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise StorageError(f"unreadable: {error}", where=f"ledger row {row[1]}", hint="lampway audit verify") from error
    places[subject.id.encode()] = (subject.solution, subject.environment, row[1])


def _introductions(connection: Connection, rows: deque[ledger.Raw], places: dict[bytes, _Place]) -> Iterator[Recorded]:
    """Yield the events that gave the ids in these rows their meaning."""
    named = {key for row in rows for key in _SPEAKS_OF.findall(row[6])}
    for seq in sorted({places[key][2] for key in named if key in places}):
        for (row,) in ledger.batches(connection, "WHERE seq = ?", (seq,)):
            yield ledger.decode(row)


class _Filter:
    """Says whether a row matches, cheapest question first."""

    def __init__(self, wanted: Wanted, places: dict[bytes, _Place]) -> None:
        self._people = {name.lower() for name in wanted.people}
        self._since = wanted.since.encode()
        self._kinds = {kind.encode() for kind in wanted.kinds}
        self._place = (wanted.solution, wanted.environment)
        self._quoted = [f'"{name}"'.encode() for name in self._place if name]
        self._places = places

    def __call__(self, row: ledger.Raw) -> bool:
        if row[2] < self._since or (self._kinds and row[3] not in self._kinds):
            return False
        if self._people and not self._is_by(row):
            return False
        return not self._quoted or self._is_there(row)

    def _is_by(self, row: ledger.Raw) -> bool:
        actor = actor_from(row[5], where=f"ledger row {row[1]}")
        return actor.person.lower() in self._people or actor.email.lower() in self._people

    def _is_there(self, row: ledger.Raw) -> bool:
        found = _SPEAKS_OF.search(row[6])
        if found and found[1] in self._places:
            place = self._places[found[1]]
            return all(not name or name == there for name, there in zip(self._place, place, strict=False))
        if any(name not in row[6] for name in self._quoted):
            return False
        try:
            body = msgspec.json.decode(row[6])
        except msgspec.DecodeError as error:
            where = f"ledger row {row[1]}"
            raise StorageError(f"unreadable: {error}", where=where, hint="lampway audit verify") from error
        return all(not name or _names(body, what, name) for what, name in zip(_PARTS, self._place, strict=True))


_PARTS = ("solution", "environment")


def _names(body: dict[str, Any], what: str, name: str) -> bool:
    """Return whether a body, or something right in it, is about this solution or environment."""
    inner = [value for value in body.values() if isinstance(value, dict)]
    return any(part.get(what) == name for part in (body, *inner))
