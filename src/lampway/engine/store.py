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
class SeenWorker:
    """A worker, as it was last seen."""

    name: str
    lanes: tuple[str, ...]
    """The environments it works on; empty for all."""
    started_at: str
    seen_at: str


@dataclass(frozen=True, slots=True)
class Scheduled:
    """Something that time alone will bring about."""

    key: str
    kind: str
    """What is to be done: wake, drift, reminder, or what runs out."""
    scope: str
    """What it was computed from: an environment, or empty for what concerns all of them."""
    environment: str
    """Where it may change something; empty: anywhere."""
    at: str
    """ISO time, UTC, with milliseconds."""
    words: str = ""
    promotion: str = ""
    tries: int = 0
    """How often it was taken and not ended."""


@dataclass(frozen=True, slots=True)
class AnsweredOnce:
    """A request that came before under the same key."""

    asked: str
    """Digest of what was asked."""
    status: int
    """How it was answered; 0 for not yet."""
    body: str


@dataclass(frozen=True, slots=True)
class Parked:
    """What somebody sent, kept for a while until they sign: nothing else may be read from it than by them."""

    key: str
    """Digest of the secret that their page holds."""
    person: str
    until: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody is signed in, or may sign in once."""

    key: str
    """Digest of the secret that the browser holds."""
    kind: str
    """session, or code: which signs in once."""
    person: str
    via: str
    """How they proved who they are."""
    at: str
    proved_at: str
    """When they last proved it."""
    until: str


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


class Records(Protocol):
    """What the ledger says, folded: enough to judge by."""

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


class Reading(Records, Protocol):
    """A consistent look at the records, and at what only this store knows."""

    def newest(self, kind: str, limit: int = 1) -> tuple[Recorded, ...]:
        """Return the newest events of a kind, newest first, without reading the whole ledger."""
        ...

    def time(self) -> str:
        """Return the time by the store's own clock, the same for every process."""
        ...

    def workers(self) -> tuple[SeenWorker, ...]:
        """Return every worker that was seen, the one that began first first."""
        ...

    def scheduled(self, scope: str) -> tuple[Scheduled, ...]:
        """Return what is due some day in this scope, by key."""
        ...

    def due_by(self, at: str, lanes: Sequence[str] = (), limit: int = 100) -> tuple[Scheduled, ...]:
        """Return what is due by a moment, earliest first; of these environments and what belongs to none, or of all."""
        ...

    def next_due(self, lanes: Sequence[str] = ()) -> str:
        """Return when something is due next; empty for never."""
        ...

    def visit(self, key: str) -> Visit | None:
        """Return who is signed in under the digest of a secret; None for nobody. Whether it ended is not looked at."""
        ...

    def parked(self, key: str) -> Parked | None:
        """Return what is parked under the digest of a secret; None for nothing. Whether it ended is not looked at."""
        ...

    def has_parked(self, before: str) -> bool:
        """Return whether something parked has ended before a moment."""
        ...

    def held(self) -> frozenset[str]:
        """Return the environments that somebody holds."""
        ...

    def require_fence(self, environment: str, fence: int) -> None:
        """Go on only if this fence still holds the environment. Raises StorageError when somebody took over."""
        ...

    def abandoned(self, asking: str) -> tuple[str, ...]:
        """Return the environments whose holder has gone, or may have: whoever asks is not meant."""
        ...


class Transaction(Reading, Protocol):
    """A look that may also add to the ledger. Either all of it happens or nothing."""

    def append(self, event: Event, actor: Actor) -> Recorded:
        """Add an event, chained to the one before, and fold it into the records."""
        ...

    def remember(self, due: Due) -> None:
        """Put something into the outbox; the same key replaces what was there."""
        ...

    def advance(self, before: Due, after: Due) -> bool:
        """Replace an entry of the outbox if it still is what was read before. Returns whether it was."""
        ...

    def forget(self, key: str) -> bool:
        """Take something out of the outbox. Returns whether it was still there."""
        ...

    def see_worker(self, name: str, lanes: Sequence[str]) -> None:
        """Write down that a worker is alive now."""
        ...

    def forget_worker(self, name: str) -> None:
        """Take a worker that has left off the list."""
        ...

    def plan(self, row: Scheduled) -> None:
        """Keep what is due in place of what was kept under this key."""
        ...

    def claim(self, key: str, asked: str, *, forget: str) -> AnsweredOnce | None:
        """Take it upon us to answer a request, or return how far another one is. Forgets what is older."""
        ...

    def settle_claim(self, key: str, status: int, body: str) -> None:
        """Keep how it was answered; a status of 0 gives it free again."""
        ...

    def keep_visit(self, visit: Visit, *, forget: str) -> None:
        """Keep who is signed in, in place of what was kept under this key. Forgets those that ended before a moment."""
        ...

    def end_visit(self, key: str) -> bool:
        """Forget who is signed in under this key. Returns whether somebody was."""
        ...

    def park(self, parked: Parked, *, forget: str, most: tuple[int, int]) -> None:
        """Keep what somebody sent, beside at most so many others of theirs and in all; older ones are forgotten.

        So are those that ended before a moment.
        """
        ...

    def unpark(self, key: str = "", *, before: str = "") -> None:
        """Forget what is parked under this key, and what ended before a moment."""
        ...

    def take_due(self, row: Scheduled, *, until: str = "") -> bool:
        """Take what is due, if nobody was faster; put off until a moment, or for good. Returns whether it was there."""
        ...


class Watch(Protocol):
    """Tells cheaply whether anything may have changed in the store."""

    def changed(self) -> bool:
        """Return whether anything may have changed since it was last asked. Raises StorageError."""
        ...

    def close(self) -> None:
        """Let go of it."""
        ...


class Presence(Protocol):
    """Tells the others that a process lives: nobody takes over from who is present."""

    def assure(self) -> None:
        """See to it that we are seen. Raises StorageError when that cannot be done."""
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

    def hashes(self, last: int) -> Iterator[str]:
        """Return the hashes of the ledger's rows as they are stored, in order, up to this number."""
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

        Raises TakenOverError where the former holder lives, as far as the store can tell; where it cannot, that is the
        runtime's knowledge. The fence keeps a former holder from acting if it lives after all.
        """
        ...

    def release_lease(self, environment: str, fence: int) -> None:
        """Give the environment free, unless somebody took over meanwhile."""
        ...

    def presence(self, holder: str) -> AbstractContextManager[Presence]:
        """Be there under the name that leases are held by, for as long as the context lasts."""
        ...

    def watch(self) -> Watch:
        """Return what tells whether another process, or another thread, has changed something."""
        ...

    def due(self) -> tuple[Due, ...]:
        """Return the outbox, oldest first."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...
