"""Searching the ledger: by the index as far as it reaches, and row by row from there on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from lampway.domain.events import Recorded
from lampway.engine.store import Matches, Wanted
from lampway.storage import ledger
from lampway.storage.mentions import (
    ENVIRONMENT,
    PERSON,
    SOLUTION,
    SPEAKS_OF,
    Reader,
    introduced_at,
    introduces,
    reached,
)
from lampway.storage.mentions import mentions as index
from lampway.storage.schema import ledger as rows

_COLUMNS = tuple(rows.c[name] for name in ("prev", "seq", "at", "kind", "schema", "actor", "body", "hash"))


def search(connection: Connection, wanted: Wanted) -> Matches:
    """Return what matches, in order; only the newest where there is a limit. Raises StorageError."""
    upto = reached(connection)
    late, total, known = _read_on(connection, wanted, upto)
    early: list[ledger.Raw] = []
    numbers = _numbers(wanted, upto)
    total += connection.execute(select(func.count()).select_from(numbers.subquery())).scalar_one()
    if not wanted.limit or len(late) < wanted.limit:
        newest = numbers.order_by(numbers.selected_columns[0].desc())
        chosen = (newest.limit(wanted.limit - len(late)) if wanted.limit else newest).subquery()
        query = select(*_COLUMNS).join(chosen, chosen.c[0] == rows.c.seq).order_by(rows.c.seq.desc())
        early = [_raw(row) for row in connection.execute(query)]
    matching = [*reversed(early), *late]
    return Matches(total, tuple(map(ledger.decode, matching)), tuple(_introductions(connection, matching, known)))


def _read_on(connection: Connection, wanted: Wanted, upto: int) -> tuple[deque[ledger.Raw], int, dict[str, int]]:
    """Return the newest matches after row `upto`, how many there are, and the rows that give ids a meaning there."""
    newest: deque[ledger.Raw] = deque(maxlen=wanted.limit or None)
    total, known, is_match = 0, {}, _Filter(connection, wanted)
    for row in chain.from_iterable(ledger.batches(connection, "WHERE seq > ?", (upto,))):
        if key := introduces(row):
            known[key] = row[1]
        if is_match(row):
            newest.append(row)
            total += 1
    return newest, total, known


def _numbers(wanted: Wanted, upto: int) -> Select[Any]:
    """Return the question for the numbers of matching rows up to one: led by the filter that fewest rows pass."""
    filters, plain = [f for f in _mentioned(wanted) if f[1]], list(_plain(wanted))
    if not filters:
        return select(rows.c.seq).where(rows.c.seq <= upto, *plain)
    (what, names), *others = filters
    m = index.c
    query = select(m.seq).where(m.what == what, m.name.in_(names))
    query = query.join(rows, rows.c.seq == m.seq) if plain else query
    query = query.distinct() if len(names) > 1 else query
    return query.where(*(_speaks_of(*other) for other in others), *plain)


def _mentioned(wanted: Wanted) -> tuple[tuple[str, tuple[str, ...]], ...]:
    people = tuple(name.lower() for name in wanted.people)
    by_place = ((SOLUTION, wanted.solution), (ENVIRONMENT, wanted.environment))
    solution, environment = ((what, (name,) if name else ()) for what, name in by_place)
    return solution, (PERSON, people), environment


def _speaks_of(what: str, names: tuple[str, ...]) -> ColumnElement[bool]:
    also = index.alias()
    return exists().where(also.c.what == what, also.c.name.in_(names), also.c.seq == index.c.seq)


def _plain(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.since:
        yield rows.c.at >= wanted.since
    if wanted.until:
        yield rows.c.at < wanted.until
    if wanted.kinds:
        yield rows.c.kind.in_(wanted.kinds)


def _raw(row: Any) -> ledger.Raw:
    """Return a row as `ledger.batches` gives it."""
    return tuple(value.encode() if isinstance(value, str) else value for value in row)


def _introductions(connection: Connection, found: list[ledger.Raw], known: dict[str, int]) -> Iterator[Recorded]:
    """Yield the events that gave the ids in these rows their meaning."""
    named = {key.decode(errors="replace") for row in found for key in SPEAKS_OF.findall(row[6])}
    numbers = (known.get(key) or introduced_at(connection, key) for key in named)
    for seq in sorted({number for number in numbers if number}):
        for (row,) in ledger.batches(connection, "WHERE seq = ?", (seq,)):
            yield ledger.decode(row)


class _Filter:
    """Says whether a row matches, cheapest question first."""

    def __init__(self, connection: Connection, wanted: Wanted) -> None:
        self._since, self._until = wanted.since.encode(), wanted.until.encode()
        self._kinds = {kind.encode() for kind in wanted.kinds}
        self._asked = [{(what, name) for name in names} for what, names in _mentioned(wanted) if names]
        self._reader = Reader(connection)

    def __call__(self, row: ledger.Raw) -> bool:
        said = self._reader.mentions(row) if self._asked else set()  # each is read: it may give an id its meaning
        if row[2] < self._since or (self._until and row[2] >= self._until):
            return False
        return (not self._kinds or row[3] in self._kinds) and not any(said.isdisjoint(names) for names in self._asked)
