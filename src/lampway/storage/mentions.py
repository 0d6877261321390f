"""Who and what each event of the ledger speaks of: an index for searching, and nothing that anybody judges by.

It follows the ledger at a distance and is brought nearer when somebody searches; rows that it does not hold yet are
read one by one. So it costs nothing when an event is added, and may be dropped at any time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Column, Connection, Table, func, insert, select, update

from lampway.engine.store import Damage
from lampway.errors import StorageError
from lampway.storage import ledger
from lampway.storage.codec import actor_from
from lampway.storage.schema import _NUMBER, _text, about, metadata

mentions = Table(
    "mention",
    metadata,
    Column("what", _text(1), primary_key=True),
    Column("name", _text(200), primary_key=True),
    Column("seq", _NUMBER, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
"""Operational: rows of the ledger by solution, environment and person; for an id, the row that gave it its meaning."""

SOLUTION, ENVIRONMENT, PERSON, ID = "s", "e", "p", "i"
FAR = 2_000
"""Rows behind the ledger's end from which on bringing the index nearer is worth a transaction."""
_AT_MOST = 10_000
"""Rows in one transaction: others write too."""
_REACHED = "mentions"
_ROOM = 20_000


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
SPEAKS_OF = re.compile(rb'"(?:promotion|deployment|finding)":"([^"\\]+)"')
_NAMES_A_PLACE = re.compile(rb'"(?:solution|environment)":')

Mention = tuple[str, str]
"""What, and its name."""


class Reader:
    """Tells what rows speak of, read in order from anywhere on."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._places: dict[bytes, frozenset[Mention]] = {}

    def mentions(self, row: ledger.Raw) -> set[Mention]:
        """Return what a row speaks of. Raises StorageError where it cannot be read."""
        where = f"ledger row {row[1]}"
        actor = actor_from(row[5], where=where)
        found = {(PERSON, name.lower()) for name in (actor.person, actor.email) if name}
        named = SPEAKS_OF.search(row[6])
        if row[3] in _INTRODUCES:
            subject = _introduced(row)
            self._keep(subject.id.encode(), _placed(subject))
            found.add((ID, subject.id))
        place = self._place(named[1]) if named else None
        return found | (_told(row[6], where) if place is None else place)

    def _place(self, key: bytes) -> frozenset[Mention] | None:
        """Return the place of what an id stands for; None where it stands for nothing that is known."""
        if key not in self._places:
            seq = introduced_at(self._connection, key.decode(errors="replace"))
            if seq is None:
                return None
            for (row,) in ledger.batches(self._connection, "WHERE seq = ?", (seq,)):
                self._keep(key, _placed(_introduced(row)))
        return self._places[key]

    def _keep(self, key: bytes, place: frozenset[Mention]) -> None:
        while len(self._places) > _ROOM:
            self._places.pop(next(iter(self._places)))
        self._places[key] = place


def introduced_at(connection: Connection, key: str) -> int | None:
    """Return the number of the row that gave an id its meaning, as far as the index reaches."""
    m = mentions.c
    found: int | None = connection.execute(select(m.seq).where(m.what == ID, m.name == key)).scalar()
    return found


def reached(connection: Connection) -> int:
    """Return the number of the last row that the index holds."""
    return int(connection.execute(select(about.c.value).where(about.c.key == _REACHED)).scalar() or 0)


def bring_nearer(connection: Connection) -> None:
    """Add the next ten thousand rows to the index. The caller may write. Raises StorageError for an unreadable row."""
    last, reader = reached(connection), Reader(connection)
    upto = last + _AT_MOST
    for rows in ledger.batches(connection, "WHERE seq > ? AND seq <= ?", (last, upto)):
        new = [{"what": what, "name": name, "seq": row[1]} for row in rows for what, name in reader.mentions(row)]
        connection.execute(insert(mentions), new)
        last = rows[-1][1]
    mark = {"value": str(last)}
    if not connection.execute(update(about).where(about.c.key == _REACHED).values(**mark)).rowcount:
        connection.execute(insert(about).values(key=_REACHED, **mark))


class Recount:
    """Compares the index with the ledger: how many rows speak of a name, and the sum of their numbers."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._reader = Reader(connection)
        self._upto = reached(connection)
        self._sums: dict[Mention, list[int]] = {}

    def add(self, row: ledger.Raw) -> None:
        """Count the next row of the ledger."""
        if row[1] <= self._upto:
            for mention in self._reader.mentions(row):
                counted = self._sums.setdefault(mention, [0, 0])
                counted[0] += 1
                counted[1] += row[1]

    def differences(self) -> Iterator[Damage]:
        """Yield every name that the index tells otherwise than the ledger."""
        m = mentions.c
        count, total = func.count(), func.sum(m.seq)
        query = select(m.what, m.name, count, total).group_by(m.what, m.name).order_by(m.what, m.name)
        for what, name, rows, numbers in self._connection.execute(query):
            if self._sums.pop((what, name), None) != [rows, int(numbers)]:
                yield _wrong(name)
        yield from map(_wrong, sorted(name for _, name in self._sums))


def _wrong(name: str) -> Damage:
    return Damage(f"search index, {name}", "does not list the rows that the ledger has")


def introduces(row: ledger.Raw) -> str:
    """Return the id to which a row gives its meaning; empty for none. Raises StorageError."""
    return _introduced(row).id if row[3] in _INTRODUCES else ""


def _introduced(row: ledger.Raw) -> _Subject:
    decode, name = _INTRODUCES[row[3]]
    try:
        subject: _Subject = getattr(decode(row[6]), name)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise StorageError(f"unreadable: {error}", where=f"ledger row {row[1]}", hint="lampway audit verify") from error
    return subject


def _placed(subject: _Subject) -> frozenset[Mention]:
    named = ((SOLUTION, subject.solution), (ENVIRONMENT, subject.environment))
    return frozenset(mention for mention in named if mention[1])


def _told(body: bytes, where: str) -> frozenset[Mention]:
    """Return the solutions and environments that a body, or something right in it, is about."""
    if not _NAMES_A_PLACE.search(body):
        return frozenset()
    try:
        told: dict[str, Any] = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        raise StorageError(f"unreadable: {error}", where=where, hint="lampway audit verify") from error
    parts = (told, *(value for value in told.values() if isinstance(value, dict)))
    named = ((what, part.get(key)) for part in parts for what, key in _KEYS)
    return frozenset((what, name) for what, name in named if name and isinstance(name, str))


_KEYS = ((SOLUTION, "solution"), (ENVIRONMENT, "environment"))
