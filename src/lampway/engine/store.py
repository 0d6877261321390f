"""The store port: the ledger, the records projected from it, and the leases beside them."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, TypeVar

from lampway.domain.events import Actor, Event, Recorded
from lampway.domain.evidence import Row

T = TypeVar("T")
Stored: TypeAlias = Row
"""A row of the ledger as it is stored."""


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


@dataclass(frozen=True, slots=True)
class Chain:
    """What one pass over the ledger's stored bytes found."""

    events: int
    last: int
    """Number of the newest row; 0 for none."""
    head: str
    """Hash of the newest row; empty for none."""
    damage: tuple[Damage, ...]
    hashes: Mapping[int, str] = field(default_factory=dict)
    """The hashes of the rows that were asked for, as far as they are there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are looked for. Empty filters match everything."""

    people: tuple[str, ...] = ()
    """Ids and e-mails of whoever did it: any of them."""
    solution: str = ""
    environment: str = ""
    since: str = ""
    """ISO time; that moment included."""
    until: str = ""
    """ISO time; that moment left out."""
    kinds: tuple[str, ...] = ()
    limit: int = 0
    """At most so many, the newest; 0 for all."""


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found."""

    total: int
    """How many matched; `events` may hold fewer."""
    events: tuple[Recorded, ...]
    """In order."""
    subjects: tuple[Recorded, ...]
    """The events that first spoke of the promotions, deployments and findings in them."""


class Reading(Protocol):
    """A consistent look at the records."""

    def head(self) -> tuple[int, str]:
        """Return number and hash of the ledger's newest row; 0 and nothing for none."""
        ...

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

    def advance(self, before: Due, after: Due) -> bool:
        """Replace an entry of the outbox if it still is what was read before. Returns whether it was."""
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

    def events(self, after: int = 0, kinds: Collection[str] = ()) -> Iterator[Recorded]:
        """Return the ledger's events in order, those with a number above `after`; of these kinds, or of all."""
        ...

    def stored(self, after: int = 0, since: str = "") -> Generator[Stored, None, None]:
        """Return the ledger's rows as they are stored, in order: above a number, from an ISO time on."""
        ...

    def search(self, wanted: Wanted) -> Matches:
        """Look through the whole ledger, once."""
        ...

    def verify(self, rows: Collection[int] = ()) -> Chain:
        """Recompute the chain over the stored bytes in one pass, and return the hashes of these rows beside."""
        ...

    def compare(self) -> tuple[Damage, ...]:
        """Fold the whole ledger into records once more and return those that differ from the live ones."""
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
