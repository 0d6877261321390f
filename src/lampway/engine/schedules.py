"""Schedules: planning what time alone will bring about, and doing it once, however many workers there are.

What is due is computed from records and kept in rows, so that nobody looks at every promotion again and again. Whoever
takes a row by comparing and setting it acts on it; a fact is recorded in the transaction that takes it, and remembered
by the ledger, so that it is never told twice. What was missed while no worker ran is done once.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol

from lampway.domain.deployment import Installation
from lampway.domain.due import (
    REMINDER,
    Moment,
    Passed,
    first_of,
    next_reminder,
    promotion_run_outs,
    run_outs,
    to_text,
)
from lampway.domain.events import ENGINE, Event, RanOut, Reminded
from lampway.domain.gates import judge
from lampway.domain.judgement import Eligibility, Facts, GateState
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.quorum import Delegation
from lampway.domain.rights import speakers
from lampway.domain.stops import Hold, HoldState
from lampway.domain.strategy import RulesInForce, Strategy
from lampway.engine.campaigns import GOVERNING, certificate_ends, governing_rows, take_row
from lampway.engine.context import Engine
from lampway.engine.drift import Scanned, look_at_lock, scan
from lampway.engine.facts import case_of, gather
from lampway.engine.known import Known
from lampway.engine.relock import RELOCK, forget_closed, reviews, tend_unlockings, unlock_rows
from lampway.engine.store import Reading, Scheduled, Transaction
from lampway.errors import PlatformError, SecretError

WAKE, DRIFT, LOCK = "wake", "drift", "lock"
ASKING = frozenset({DRIFT, LOCK, RELOCK})
"""What asks a platform, which may take its time."""
EVERYWHERE = ""
"""The scope of what concerns all environments."""
_WAITING = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)
_PATIENCE = timedelta(minutes=10)
"""After so long somebody else takes up what was taken and not ended."""


class Calendar(Protocol):
    """Reads time tables."""

    def next_time(self, cron: str, zone: str, after: datetime) -> datetime | None:
        """Return the first moment after this one that a time table names, UTC; None for never."""
        ...


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of something that was due."""

    row: Scheduled
    drain: str = ""
    """The environment in which something may start now; empty for none."""
    scanned: Scanned | None = None


def plan_everywhere(engine: Engine, calendar: Calendar) -> None:
    """Bring the rows for what concerns all environments up to date: holds, freezes, delegations, drift scans."""
    with engine.store.reading() as reading:
        wanted = tuple(_everywhere(engine, reading, calendar))
        known = reading.scheduled(EVERYWHERE)
    _bring(engine, EVERYWHERE, wanted, known)


def plan_environment(engine: Engine, environment: str, known: Known | None = None) -> None:
    """Bring the rows for what waits in an environment up to date; what is `known` is not computed again."""
    known = known or Known(environment)
    known.follow(engine.store, engine.now())
    with engine.store.reading() as reading:
        known.look(reading)
        wanted = tuple(_environment(engine, reading, known))
        there = reading.scheduled(environment)
    _bring(engine, environment, wanted, there)


def _bring(engine: Engine, scope: str, wanted: Sequence[Scheduled], known: Sequence[Scheduled]) -> None:
    """Keep exactly the wanted rows in a scope. Writes nothing where nothing differs."""
    before = {row.key: row for row in known}
    keys = {row.key for row in wanted}
    new = [row for row in wanted if row.key not in before or _differs(row, before[row.key])]
    gone = [row for row in known if row.key not in keys]
    if not new and not gone:
        return
    with engine.store.transaction() as transaction:
        there = {row.key: row for row in transaction.scheduled(scope)}
        for row in new:
            if there.get(row.key) == before.get(row.key):
                transaction.plan(row)
        for row in gone:
            transaction.take_due(row)


def _differs(wanted: Scheduled, known: Scheduled) -> bool:
    """Return whether a row has to be written anew. A time table's next time stands until it was served."""
    stands = wanted.kind in (DRIFT, LOCK) or (wanted.kind == RELOCK and known.tries)
    return not stands and (wanted.at, wanted.words) != (known.at, known.words)


def _everywhere(engine: Engine, reading: Reading, calendar: Calendar) -> Iterator[Scheduled]:
    rules = reading.get(RulesInForce, "current")
    if rules is None:
        return
    holds = reading.find(Hold, states=(HoldState.STANDING,))
    for moment in run_outs(holds, rules.strategy.freezes, reading.find(Delegation)):
        if reading.get(Passed, moment.key) is None:
            yield _row(moment, EVERYWHERE)
    yield from (_row(moment, EVERYWHERE) for moment in reviews(reading))
    yield from unlock_rows(reading)
    yield from _scans(reading, rules.strategy, calendar, engine.clock.now())
    yield from _looks(rules.strategy, calendar, engine.clock.now())
    yield from (_row(m, EVERYWHERE) for m in certificate_ends(reading) if reading.get(Passed, m.key) is None)
    yield from governing_rows(reading, rules.strategy)


def _scans(reading: Reading, strategy: Strategy, calendar: Calendar, now: datetime) -> Iterator[Scheduled]:
    used = {i.environment for i in reading.find(Installation)}
    names = tuple(e.name for e in strategy.environments if e.name in used)
    for table in strategy.schedules.drift:
        at = calendar.next_time(table.cron, table.zone, now)
        for name in (table.environments or names) if at else ():
            key = f"{DRIFT}/{name}/{table.cron} {table.zone}"
            yield Scheduled(key, DRIFT, EVERYWHERE, name, to_text(at or now), f"drift scan of {name}")


def _looks(strategy: Strategy, calendar: Calendar, now: datetime) -> Iterator[Scheduled]:
    names = tuple(e.name for e in strategy.environments if strategy.tier(e.tier).locked)
    for table in strategy.schedules.lock:
        at = calendar.next_time(table.cron, table.zone, now)
        for name in (table.environments or names) if at else ():
            key = f"{LOCK}/{name}/{table.cron} {table.zone}"
            yield Scheduled(key, LOCK, EVERYWHERE, name, to_text(at or now), f"look at the lock of {name}")


def _environment(engine: Engine, reading: Reading, known: Known) -> Iterator[Scheduled]:
    rules = reading.get(RulesInForce, "current")
    changes, environment = [], known.environment
    for promotion in reading.find(Promotion, environment=environment, states=_WAITING) if rules else ():
        planned = known.planned(promotion)
        if planned is None and rules is not None and (case := case_of(reading, promotion)) is not None:
            facts = gather(reading, case, engine.now())
            planned = known.plan(facts, _for_one(reading, rules, promotion, facts))
        if planned is not None:
            changes.append(planned[0])
            yield from planned[1]
    at = first_of(changes)
    if at:
        yield Scheduled(f"{WAKE}/{environment}", WAKE, environment, environment, at, "something may start or expire")


def _for_one(reading: Reading, rules: RulesInForce, promotion: Promotion, facts: Facts) -> Iterator[Scheduled]:
    moments = promotion_run_outs(promotion, facts.stage)
    yield from (_row(m, promotion.environment) for m in moments if reading.get(Passed, m.key) is None)
    every = rules.strategy.schedules.remind
    if every and awaits_approval(judge(facts)):
        last = reading.get(Passed, f"{REMINDER}/{promotion.id}")
        yield _row(next_reminder(promotion, every, last.at if last else ""), promotion.environment)


def awaits_approval(judged: Eligibility) -> bool:
    """Return whether an approval is pending."""
    leaves = [leaf for gate in judged.gates for leaf in gate.leaves()]
    return any(leaf.gate == "approval" and leaf.state is GateState.PENDING for leaf in leaves)


def _row(moment: Moment, scope: str) -> Scheduled:
    return Scheduled(
        moment.key, moment.what, scope, moment.environment, moment.at, moment.words, promotion=moment.promotion
    )


def fire_due(engine: Engine, calendar: Calendar, lanes: Sequence[str] = ()) -> Iterator[Fired]:
    """Do what is due now, in its order; of these environments, or of all. Another worker may be faster: then nothing.

    Yields what was done. Raises StorageError.
    """
    with engine.store.reading() as reading:
        due = reading.due_by(engine.now(), lanes)
    for row in due:
        fired = fire(engine, calendar, row)
        if fired is not None:
            yield fired


def fire(engine: Engine, calendar: Calendar, row: Scheduled) -> Fired | None:
    """Do one thing that is due, or return None where another worker was faster."""
    if row.kind in (DRIFT, LOCK):
        return _scan(engine, calendar, row)
    if row.kind == RELOCK:
        tend_unlockings(engine, (row.environment,))
        forget_closed(engine, row)
        return Fired(row, drain=row.environment)
    if row.kind in GOVERNING:
        return Fired(row) if take_row(engine, row) else None
    if row.kind == WAKE:
        later = to_text(engine.clock.now() + _PATIENCE)
        with engine.store.transaction() as transaction:
            taken = transaction.take_due(row, until=later)  # planned anew once the environment was drained
        return Fired(row, drain=row.environment) if taken else None
    return _tell(engine, row)


def _tell(engine: Engine, row: Scheduled) -> Fired | None:
    """Record a fact of the calendar, once, in the transaction that takes it."""
    with engine.store.transaction() as transaction:
        if not transaction.take_due(row):
            return None
        passed = transaction.get(Passed, row.key)
        event = _fact(transaction, row, engine.now()) if passed is None or passed.at < row.at else None
        told = [transaction.append(event, ENGINE)] if event else []
        if row.kind == REMINDER and event is not None:
            _plan_reminder(transaction, row)
    engine.tell(told)
    return Fired(row) if told else None


def _plan_reminder(transaction: Transaction, row: Scheduled) -> None:
    rules, promotion = transaction.get(RulesInForce, "current"), transaction.get(Promotion, row.promotion)
    last = transaction.get(Passed, row.key)
    if rules and promotion and last and rules.strategy.schedules.remind:
        moment = next_reminder(promotion, rules.strategy.schedules.remind, last.at)
        transaction.plan(_row(moment, row.scope))


def _fact(reading: Reading, row: Scheduled, now: str) -> Event | None:
    if row.kind != REMINDER:
        return RanOut(row.kind, row.key, row.at, row.words, environment=row.environment, promotion=row.promotion)
    promotion = reading.get(Promotion, row.promotion)
    case = case_of(reading, promotion) if promotion and promotion.state in _WAITING else None
    rules = reading.get(RulesInForce, "current")
    if promotion is None or case is None or rules is None or not rules.strategy.schedules.remind:
        return None
    facts = gather(reading, case, now)
    if not awaits_approval(judge(facts)):
        return None
    newest = _newest_reminder(promotion, rules.strategy.schedules.remind, row.at, now)
    return Reminded(promotion.id, _able(facts), row.key, newest, row.words)


def _newest_reminder(promotion: Promotion, every: float, due: str, now: str) -> str:
    """Return the last reminder that is due by now: those before it were missed, and one stands for all of them."""
    moment = next_reminder(promotion, every, due)
    while moment.at <= now:
        due, moment = moment.at, next_reminder(promotion, every, moment.at)
    return due


def _able(facts: Facts) -> tuple[str, ...]:
    """Return the ids of those whose approval would count and who have not decided."""
    decided = {name for d in facts.decisions if d.digest == facts.digest for name in (d.by, d.on_behalf_of)}
    rules = facts.stage.rules_of("approval")
    found: Iterable[str] = (name for rule in rules for name, whose in speakers(rule, facts).items() if whose)
    return tuple(sorted(set(found) - decided)) if facts.kind is DeploymentKind.FORWARD else ()


def _scan(engine: Engine, calendar: Calendar, row: Scheduled) -> Fired | None:
    """Look for drift, or at the lock, and write the next time down. Whoever dies leaves it to the next one."""
    taken = replace(row, at=to_text(engine.clock.now() + _PATIENCE), tries=row.tries + 1)
    with engine.store.transaction() as transaction:
        if not transaction.take_due(row, until=taken.at):
            return None
    scanned = _look(engine, row)
    cron, _, zone = row.key.removeprefix(f"{row.kind}/{row.environment}/").rpartition(" ")
    following = calendar.next_time(cron, zone, engine.clock.now())
    with engine.store.transaction() as transaction:
        if transaction.take_due(taken) and following is not None:
            transaction.plan(replace(row, at=to_text(following), tries=0))
    return Fired(row, drain=row.environment, scanned=scanned)


def _look(engine: Engine, row: Scheduled) -> Scanned:
    environment = row.environment
    try:
        with engine.store.reading() as reading:
            rules = reading.get(RulesInForce, "current")
        if rules is None or not any(e.name == environment for e in rules.strategy.environments):
            return Scanned(environment, "", (), (), (), error="it is no longer in the strategy")
        place = rules.strategy.environment(environment)
        if row.kind == DRIFT:
            return scan(engine, place, ENGINE)
        look_at_lock(engine, place, ENGINE)
        return Scanned(environment, "", (), (), ())
    except (PlatformError, SecretError) as error:
        return Scanned(environment, "", (), (), (), error=str(error))


def next_moment(engine: Engine, lanes: Sequence[str] = ()) -> float:
    """Return in how many seconds something is due; never less than none; never, where nothing is."""
    with engine.store.reading() as reading:
        at = reading.next_due(lanes)
    if not at:
        return math.inf
    now = engine.clock.now().astimezone(UTC)
    return max(0.0, (datetime.fromisoformat(at) - now).total_seconds())
