"""Following the ledger: what was recorded since, for whoever shows progress from elsewhere."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from lampway.domain.events import Actor
from lampway.engine.context import Engine, Request
from lampway.engine.store import Stored
from lampway.errors import UsageError

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Followed:
    """Rows of the ledger, in order."""

    rows: tuple[Stored, ...]
    head: int
    """Number of the newest row when it was asked."""


@dataclass(frozen=True, slots=True)
class FollowLedger(Request[Followed]):
    """Ask for the rows after a number."""

    after: int = -1
    """Rows with a higher number; -1 for none of them: only how far it is."""
    limit: int = 500


def follow_ledger(engine: Engine, request: FollowLedger, actor: Actor) -> Followed:
    """Return rows as they are stored. Raises UsageError."""
    del actor
    if not 1 <= request.limit <= _MOST:
        raise UsageError(f"limit must be from 1 to {_MOST}: {request.limit}")
    with engine.store.reading() as reading:
        head = reading.head()[0]
    if request.after < 0 or request.after >= head:
        return Followed((), head)
    rows = engine.store.stored(after=request.after)
    try:
        return Followed(tuple(itertools.islice(rows, request.limit)), head)
    finally:
        rows.close()
