"""Locks as a control: seen on demand over all environments, set where that can be done, with their history."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.deployment import LockRecord
from lampway.domain.events import (
    Actor,
    LockObserved,
    Recorded,
    Relocked,
    RelockFailed,
    UnlockAsked,
    Unlocked,
    UnlockFailed,
    UnlockReviewed,
)
from lampway.domain.moments import shown
from lampway.domain.strategy import Environment, RulesInForce, Strategy
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine.abilities import LockState
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.describe import describe
from lampway.engine.drift import look_at_lock
from lampway.engine.labels import mend_label
from lampway.engine.relock import lock_now, lock_objection, relock
from lampway.engine.store import Records, Wanted
from lampway.errors import PlatformError, SecretError

_HISTORY = (LockObserved, UnlockAsked, Unlocked, UnlockFailed, Relocked, RelockFailed, UnlockReviewed)


@dataclass(frozen=True, slots=True)
class LockSeen:
    """How the lock of one environment stands."""

    environment: str
    state: str
    """locked, partial, open or unknown; never where nobody has looked."""
    summary: str
    """What is locked, how, and what the platform cannot lock."""
    cure: str
    at: str
    """When it was looked at; empty for never."""
    label: str = ""
    mislabelled: str = ""
    """What is wrong with its label, in words; empty for nothing."""
    must: bool = True
    """Whether its tier asks for a lock."""
    unlocked: tuple[str, ...] = ()
    """What was opened and is not done with, in words."""
    remarks: tuple[str, ...] = ()
    """What is wrong, in words; empty for nothing."""
    note: str = ""
    """What was done or found: what was edited while it was open, or why nothing could be done."""
    error: str = ""
    """Why it could not be looked at now; then the rest is what was seen before."""

    @property
    def is_well(self) -> bool:
        """Whether makers were seen not to be able to edit, as far as the platform can lock them out."""
        return not self.error and self.state in ("locked", "partial")


@dataclass(frozen=True, slots=True)
class LookAtLock(Request[LockSeen]):
    """Look whether makers can edit in an environment, changing nothing."""

    environment: str


@dataclass(frozen=True, slots=True)
class LookAtLocks(Request[tuple[LockSeen, ...]]):
    """Look whether makers can edit anywhere where they must not, changing nothing."""


@dataclass(frozen=True, slots=True)
class LockEnvironment(Request[LockSeen]):
    """See to it that makers cannot edit in an environment: also before the time of an unlocking is over."""

    environment: str


@dataclass(frozen=True, slots=True)
class ShowLocks(Request[tuple[LockSeen, ...]]):
    """Ask how the locks stand, from the records alone."""


@dataclass(frozen=True, slots=True)
class LockLine:
    """One line of an environment's history."""

    seq: int
    at: str
    by: str
    kind: str
    state: str
    """locked, partial, open or unknown, as it was seen; empty where nobody looked."""
    what: str


@dataclass(frozen=True, slots=True)
class LockHistory(Request[tuple[LockLine, ...]]):
    """Ask when an environment's lock was looked at or changed, by whom, and what came of it."""

    environment: str
    limit: int = 100
    """At most so many, the newest; 0 for all."""


def look_at_one_lock(engine: Engine, request: LookAtLock, actor: Actor) -> LockSeen:
    """Look, and record what was seen. Raises NotFoundError, PlatformError, SecretError."""
    with engine.store.reading() as reading:
        environment = rules_in_force(reading).strategy.environment(request.environment)
    look_at_lock(engine, environment, actor)
    return _seen(engine, environment)


def look_at_locks(engine: Engine, request: LookAtLocks, actor: Actor) -> tuple[LockSeen, ...]:
    """Look at each, and record what was seen. One that cannot be reached is told, the others are still done."""
    del request
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    return tuple(_look(engine, e, actor) for e in strategy.environments if strategy.tier(e.tier).locked)


def lock_environment(engine: Engine, request: LockEnvironment, actor: Actor) -> LockSeen:
    """Lock what was opened, or is open and must not be, where the platform lets us; then say how it stands.

    Raises NotFoundError. What the platform does not let us do is told in the note; an unlocking then stays open.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        environment = strategy.environment(request.environment)
        opened = reading.find(Unlocking, environment=environment.name, states=(UnlockState.OPEN,))
    try:
        notes = [mend_label(engine, environment)]
        notes += [relock(engine, one, actor) for one in opened]
        if opened:
            return _seen(engine, environment, note=_joined(notes))
        lock = look_at_lock(engine, environment, actor)
        if lock.state is LockState.OPEN and strategy.tier(environment.tier).locked:
            notes.append(lock_objection(engine, environment))
            if not notes[-1]:
                lock_now(engine, environment)
                look_at_lock(engine, environment, actor)
    except (PlatformError, SecretError) as error:
        return _seen(engine, environment, error=str(error))
    return _seen(engine, environment, note=_joined(notes))


def show_locks(engine: Engine, request: ShowLocks, actor: Actor) -> tuple[LockSeen, ...]:
    """Return how the lock of every environment stands that must be locked, or was ever looked at.

    Nothing before any rules are in force.
    """
    del request, actor
    with engine.store.reading() as reading:
        if reading.get(RulesInForce, "current") is None:
            return ()
        strategy = rules_in_force(reading).strategy
        return tuple(
            _from_records(reading, strategy, e, engine.now())
            for e in strategy.environments
            if strategy.tier(e.tier).locked or reading.get(LockRecord, e.name) is not None
        )


def lock_history(engine: Engine, request: LockHistory, actor: Actor) -> tuple[LockLine, ...]:
    """Return it, oldest first. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        name = rules_in_force(reading).strategy.environment(request.environment).name
    wanted = Wanted(environment=name, kinds=tuple(event.kind for event in _HISTORY), limit=request.limit)
    return tuple(_line(recorded) for recorded in engine.store.search(wanted).events)


def lock_remarks(reading: Records, strategy: Strategy, environment: str, now: str) -> Iterator[str]:
    """Yield what is wrong with an environment's lock or label, in words, from the records alone."""
    place = strategy.environment(environment)
    opened = reading.find(Unlocking, environment=environment, states=(UnlockState.OPEN, UnlockState.UNREVIEWED))
    for one in opened:
        if one.is_open:
            yield one.words + (f"; it could not be locked again: {one.note}" if one.note else "")
        if one.needs_review:
            late = "nobody has reviewed" if one.is_overdue(now) else f"until {shown(one.review_until)} somebody reviews"
            yield f"{late} that {environment} was unlocked by {one.by}: lampway unlock {environment} --review '...'"
    lock = reading.get(LockRecord, environment)
    is_wanted = any(one.is_open for one in opened)
    if lock and lock.state == "open" and strategy.tier(place.tier).locked and not is_wanted:
        yield f"{environment} is open: {lock.summary}"
    if lock and lock.mislabelled:
        yield f"{environment}: {lock.mislabelled}"


def _look(engine: Engine, environment: Environment, actor: Actor) -> LockSeen:
    try:
        look_at_lock(engine, environment, actor)
    except (PlatformError, SecretError) as error:
        return _seen(engine, environment, error=str(error))
    return _seen(engine, environment)


def _seen(engine: Engine, environment: Environment, *, note: str = "", error: str = "") -> LockSeen:
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        return _from_records(reading, strategy, environment, engine.now(), note=note, error=error)


def _from_records(
    reading: Records, strategy: Strategy, environment: Environment, now: str, *, note: str = "", error: str = ""
) -> LockSeen:
    lock = reading.get(LockRecord, environment.name)
    states = (UnlockState.ASKED, UnlockState.OPEN, UnlockState.UNREVIEWED)
    opened = reading.find(Unlocking, environment=environment.name, states=states)
    seen = lock or LockRecord(environment.name, "never", "nobody has looked", f"lampway lock {environment.name}", "")
    return LockSeen(
        environment=environment.name,
        state=seen.state,
        summary=seen.summary,
        cure=seen.cure,
        at=seen.at,
        label=seen.label,
        mislabelled=seen.mislabelled,
        must=strategy.tier(environment.tier).locked,
        remarks=tuple(lock_remarks(reading, strategy, environment.name, now)),
        unlocked=tuple(one.words for one in opened if not one.lapsed(now)),
        note=note,
        error=error,
    )


def _line(recorded: Recorded) -> LockLine:
    event = recorded.event
    state = event.state if isinstance(event, LockObserved) else ""
    what = event.summary if isinstance(event, LockObserved) else describe(event, {})
    return LockLine(recorded.seq, recorded.at, recorded.actor.person, event.kind, state, what)


def _joined(notes: list[str]) -> str:
    return "; ".join(note for note in notes if note)
