"""Events and records to canonical JSON text and back."""

from __future__ import annotations

import functools
from typing import Any, TypeVar

import msgspec

from lampway.domain.digest import canonical
from lampway.domain.events import EVENTS, Actor, Event, Recorded
from lampway.domain.evidence import Row
from lampway.errors import StorageError

T = TypeVar("T")


def to_text(value: Any) -> str:
    """Return the canonical JSON of a domain value."""
    return canonical(value).decode()


@functools.cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


def from_text(kind: type[T], text: str | bytes, *, where: str = "") -> T:
    """Return the domain value in `text`. Raises StorageError when it does not fit the kind."""
    try:
        value: T = _decoder(kind).decode(text)  # type: ignore[arg-type] # a class is hashable
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        raise StorageError(f"unreadable {kind.__name__}: {error}", where=where, hint="lampway audit verify") from error
    return value


def event_from(kind: str, schema: int, body: str | bytes, *, where: str) -> Event:
    """Return the event of a ledger row. Raises StorageError for kinds and schemas this version does not know."""
    event = EVENTS.get(kind)
    if event is None or schema > event.schema:
        raise StorageError(
            f"an event this version does not know: {kind} {schema}", where=where, hint="use a newer Lampway"
        )
    return from_text(event, body, where=where)


def recorded_from(row: Row) -> Recorded:
    """Return the event in a ledger row, with its place. Raises StorageError."""
    where = f"ledger row {row.seq}"
    event = event_from(row.kind, row.schema, row.body, where=where)
    return Recorded(row.seq, row.at, actor_from(row.actor, where=where), event, row.hash)


def actor_from(text: str | bytes, *, where: str) -> Actor:
    """Return the actor of a ledger row. Few people write many rows, so that the newest are remembered."""
    try:
        return _actor(text)
    except StorageError as error:
        raise StorageError(error.message, where=where, hint=error.hint) from error


@functools.lru_cache(maxsize=1000)
def _actor(text: str | bytes) -> Actor:
    return from_text(Actor, text)
