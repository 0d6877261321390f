"""Locking again what was opened: when its time is over, once over all workers, after downtime, or on demand.

An environment counts as open until it was locked, seen, and looked at for what was edited meanwhile; only then is that
recorded. Whoever dies in between leaves it to the next one, and doing it twice does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from lampway.domain.deployment import DriftState
from lampway.domain.due import Moment, Passed, to_text
from lampway.domain.events import ENGINE, Actor, EnvironmentObserved, Relocked, RelockFailed
from lampway.domain.strategy import Environment
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine.abilities import LockSettable, LockState
from lampway.engine.context import Engine, access_to, rules_in_force
from lampway.engine.drift import Scanned, look_at_lock, scan
from lampway.engine.store import Reading, Scheduled
from lampway.engine.unlock_notices import REVIEW
from lampway.errors import LampwayError, PlatformError, PlatformRefusedError, SecretError, StoreLostError

RELOCK = "relock"
EVERYWHERE = ""
_LOOKS = 200
"""How many of the newest looks at any environment are asked for the last one at this one."""
_TAKEN = timedelta(minutes=2)
"""After so long somebody else takes up what was taken and not ended."""
_FIRST, _LONGEST = 5.0, 300.0
"""Seconds until it is tried again where the platform did not let us, at first and at most."""


@dataclass(frozen=True, slots=True)
class Relock:
    """What came of locking one environment again."""

    environment: str
    locked: bool
    note: str
    """What was edited meanwhile; or why it could not be locked."""


def tend_unlockings(engine: Engine, places: Sequence[str] = ()) -> tuple[tuple[Relock, ...], str]:
    """Lock again whatever is over in these environments, or in all. Returns what came of it, and when the next is due.

    Each is done by one of all who ask. What cannot be done now is announced once, and tried again and again.
    """
    with engine.store.reading() as reading:
        found = reading.find(Unlocking, states=(UnlockState.OPEN,))
    standing = [one for one in found if not places or one.environment in places]
    done = tuple(r for one in standing if one.is_over(engine.now()) and (r := _tend(engine, one)))
    if not standing:
        return done, ""
    with engine.store.reading() as reading:
        put_off = {row.key: row.at for row in reading.scheduled(EVERYWHERE) if row.kind == RELOCK and row.tries}
        rows = [row for row in unlock_rows(reading) if not places or row.environment in places]
        return done, min((put_off.get(row.key, row.at) for row in rows), default="")


def unlock_rows(reading: Reading) -> Iterator[Scheduled]:
    """Yield when which environment is to be locked again."""
    for one in reading.find(Unlocking, states=(UnlockState.OPEN,)):
        yield _row(one, one.until)


def reviews(reading: Reading) -> Iterator[Moment]:
    """Yield until when somebody else has to look at what one person opened."""
    for one in reading.find(Unlocking, states=(UnlockState.OPEN, UnlockState.UNREVIEWED)):
        moment = Moment(one.review_until, REVIEW, one.id, f"nobody has reviewed that {one.words}", one.environment)
        if one.needs_review and reading.get(Passed, moment.key) is None:
            yield moment


def _row(one: Unlocking, at: str) -> Scheduled:
    return Scheduled(f"{RELOCK}/{one.id}", RELOCK, EVERYWHERE, one.environment, at, one.words)


def _tend(engine: Engine, one: Unlocking) -> Relock | None:
    taken = _take(engine, one)
    if taken is None:
        return None
    try:
        note = relock(engine, one, ENGINE)
    except StoreLostError:
        raise  # nothing can be recorded: it is taken up again when its time has passed
    except LampwayError as error:
        _put_off(engine, one, taken, error)
        return Relock(one.environment, locked=False, note=str(error))
    with engine.store.transaction() as transaction:
        transaction.take_due(taken)
    return Relock(one.environment, locked=True, note=note)


def _take(engine: Engine, one: Unlocking) -> Scheduled | None:
    """Take it on, if nobody else has and it is not to be tried later."""
    now = engine.clock.now()
    with engine.store.transaction() as transaction:
        current = transaction.get(Unlocking, one.id)
        if current is None or not current.is_over(to_text(now)):
            return None
        known = next((r for r in transaction.scheduled(EVERYWHERE) if r.key == f"{RELOCK}/{one.id}"), None)
        if known is not None and known.tries and known.at > to_text(now):
            return None
        taken = replace(_row(one, to_text(now + _TAKEN)), tries=known.tries + 1 if known else 1)
        transaction.plan(taken)
    return taken


def _put_off(engine: Engine, one: Unlocking, taken: Scheduled, error: LampwayError) -> None:
    """Try again later, and say so the first time, and whenever the reason is another one.

    Soon where it is only our own process that lacks a secret: another one may have it.
    """
    patience = 1 if isinstance(error, SecretError) else min(taken.tries, 7)
    wait = timedelta(seconds=min(_FIRST * 2.0 ** (patience - 1), _LONGEST))
    with engine.store.transaction() as transaction:
        current = transaction.get(Unlocking, one.id)
        is_open = current is not None and current.is_open
        is_news = current is not None and current.note != str(error)
        event = RelockFailed(one.id, one.environment, str(error))
        told = [transaction.append(event, ENGINE)] if is_open and is_news else []
        if is_open:
            transaction.plan(replace(taken, at=to_text(engine.clock.now() + wait)))
        else:
            transaction.take_due(taken)
    engine.tell(told)


def forget_closed(engine: Engine, row: Scheduled) -> None:
    """Take a row off the schedule whose environment was locked already."""
    with engine.store.transaction() as transaction:
        one = transaction.get(Unlocking, row.key.removeprefix(f"{RELOCK}/"))
        if one is None or not one.is_open:
            transaction.take_due(row)


def relock(engine: Engine, one: Unlocking, actor: Actor) -> str:
    """Lock, look whether it is, and look for what was edited meanwhile; return that in words.

    Raises PlatformError, SecretError, NotFoundError; then it still counts as open.
    """
    with engine.store.reading() as reading:
        environment = rules_in_force(reading).strategy.environment(one.environment)
    lock_now(engine, environment)
    lock = look_at_lock(engine, environment, actor)
    if lock.state is LockState.OPEN:
        raise PlatformError(f"makers can still edit there: {lock.summary}", where=one.environment, hint=lock.cure)
    before = _strangers(engine, one.environment)
    note = _found(scan(engine, environment, actor), before)
    with engine.store.transaction() as transaction:
        current = transaction.get(Unlocking, one.id)
        is_open = current is not None and current.is_open
        told = [transaction.append(Relocked(one.id, one.environment, note), actor)] if is_open else []
    engine.tell(told)
    return note


def lock_now(engine: Engine, environment: Environment) -> None:
    """Lock makers out. Raises PlatformError, SecretError."""
    platform = engine.platform(environment.platform)
    if not isinstance(platform, LockSettable):
        raise PlatformRefusedError(f"{platform.name} cannot be locked from here", where=environment.name)
    platform.set_lock(access_to(engine, environment), locked=True)


def lock_objection(engine: Engine, environment: Environment) -> str:
    """Return why its lock cannot be set, in words; empty when it can. Raises PlatformError, SecretError."""
    platform = engine.platform(environment.platform)
    if not isinstance(platform, LockSettable):
        return f"{platform.name} cannot be locked or unlocked from here"
    return platform.lock_objection(access_to(engine, environment))


def _strangers(engine: Engine, environment: str) -> frozenset[str]:
    """Return what was in no solution there when it was last looked at."""
    with engine.store.reading() as reading:
        looks = (recorded.event for recorded in reading.newest(EnvironmentObserved.kind, _LOOKS))
        seen = (e for e in looks if isinstance(e, EnvironmentObserved) and e.environment == environment)
        last = next(seen, None)
    return frozenset(last.unowned if last else ())


def _found(scanned: Scanned, before: frozenset[str]) -> str:
    edited = [f for f in scanned.findings if f.state is DriftState.OPEN]
    parts = [f"{f.solution} was edited: {'; '.join(f.changes[:3])}" for f in edited]
    new = [name for name in scanned.unowned if name not in before]
    if new:
        parts.append(f"new, and in no solution: {', '.join(new)}")
    return "; ".join(parts) or "nothing was edited meanwhile"
