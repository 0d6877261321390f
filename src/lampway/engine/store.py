"""The store port: the ledger, the records projected from it, and the leases beside them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lampway.domain.events import Actor, Event, Recorded
from lampway.domain.evidence import Row

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Due:
    """Something still to be said to the outside."""

    key: str
    kind: str
    doc: dict[str, Any]
    attempts: int


@dataclass(frozen=True, slots=True)
class Damage:
    """Something the audit found wrong."""

    place: str
    """Such as `ledger row 17`."""
    what: str


class Reading(Protocol):
    """A consistent look at the records."""

    def get(self, kind: type[T], key: str) -> T | None:
        """Return the record under this key, or None."""
        ...

    def find(
        self,
        kind: type[T],
        *,
        solution: str = "",
        environment: str = "",
        states: Sequence[str] = (),
        newest_first: bool = False,
        limit: int = 0,
    ) -> tuple[T, ...]:
        """Return records in the order in which the ledger first spoke of them. Empty filters match everything."""
        ...


class Transaction(Reading, Protocol):
    """A look that may also add to the ledger. Either all of it happens or nothing."""

    def append(self, event: Event, actor: Actor) -> Recorded:
        """Add an event, chained to the one before, and fold it into the records."""
        ...

    def require_fence(self, environment: str, fence: int) -> None:
        """Go on only if this fence still holds the environment. Raises StorageError when somebody took over."""
        ...

    def remember(self, due: Due) -> None:
        """Put something into the outbox; the same key replaces what was there."""
        ...

    def forget(self, key: str) -> None:
        """Take something out of the outbox."""
        ...


class Store(Protocol):
    """One store serves one governance repository."""

    def reading(self) -> AbstractContextManager[Reading]:
        """Open a consistent look. Raises StorageError."""
        ...

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Open a look that may add; one at a time over all processes. Raises StorageError."""
        ...

    def events(self, after: int = 0) -> Iterator[Recorded]:
        """Return the ledger's events in order, those with a number above `after`."""
        ...

    def rows(self) -> Generator[Row, None, None]:
        """Return the ledger's rows in order, every column as it was written."""
        ...

    def audit(self) -> tuple[Damage, ...]:
        """Recompute the chain and every record from the ledger and return what does not fit."""
        ...

    def take_lease(self, environment: str, holder: str) -> int:
        """Take the environment over and return the new fence, higher than any before it.

        Whether the former holder is dead is the runtime's knowledge; the fence keeps it from acting if it is not.
        """
        ...

    def release_lease(self, environment: str, fence: int) -> None:
        """Give the environment free, unless somebody took over meanwhile."""
        ...

    def due(self) -> tuple[Due, ...]:
        """Return the outbox, oldest first."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
