"""Measures of the whole: what stands where, what waits, what went wrong, counted from the records.

Labels are names of environments in force and states of a fixed list, never of solutions, releases or people: a
thousand solutions give as many series as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lampway.domain.deployment import (
    Deployment,
    DeploymentState,
    DriftFinding,
    DriftState,
    Installation,
    LockRecord,
)
from lampway.domain.events import Actor
from lampway.domain.exposition import Measure, Sample
from lampway.domain.health import HealthWatch, WatchState
from lampway.domain.moments import seconds_between
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.strategy import RulesInForce
from lampway.engine.context import Engine, Request
from lampway.engine.deliver import ShowNotices, show_notices
from lampway.engine.store import Reading

_OTHER = "other"
"""Stands for environments that are in no strategy any more."""
_LOCKS = ("locked", "partial", "open", "unknown")


@dataclass(frozen=True, slots=True)
class ShowMeasures(Request[tuple[Measure, ...]]):
    """Ask for everything that is worth a curve or an alarm."""


def show_measures(engine: Engine, request: ShowMeasures, actor: Actor) -> tuple[Measure, ...]:
    """Return the measures as they are now. Reading only; works without a strategy in force."""
    del request
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
        names = tuple(e.name for e in rules.strategy.environments) if rules else ()
        found = (
            Measure("lampway_ledger_events_total", "counter", "Rows in the ledger.", (Sample(reading.head()[0]),)),
            *_what_stands(reading, names),
            *_what_moves(reading, names, engine.now()),
            *_deployments(reading, names),
        )
    states = Counter(notice.state for notice in show_notices(engine, ShowNotices(), actor))
    samples = tuple(Sample(states[s], {"state": s}) for s in ("waiting", "retrying", "failed"))
    return (*found, Measure("lampway_notices", "gauge", "Notices that have not arrived.", samples))


def _place(names: Iterable[str], environment: str) -> str:
    return environment if environment in names else _OTHER


def _by_place(names: tuple[str, ...], counted: Mapping[str, int]) -> tuple[Sample, ...]:
    """Return a sample for every environment in force, also where there is nothing, and one for all others."""
    everywhere = (*names, *([_OTHER] if counted.get(_OTHER) else []))
    return tuple(Sample(counted.get(name, 0), {"environment": name}) for name in everywhere)


def _what_stands(reading: Reading, names: tuple[str, ...]) -> Iterator[Measure]:
    here = reading.find(Installation)
    every = Counter(_place(names, i.environment) for i in here)
    yield Measure("lampway_installations", "gauge", "Solutions that are installed.", _by_place(names, every))
    bad = Counter(_place(names, i.environment) for i in here if not i.verified)
    yield Measure("lampway_unverified", "gauge", "Installed solutions that are not verified.", _by_place(names, bad))
    drift = Counter(_place(names, f.environment) for f in reading.find(DriftFinding, states=(DriftState.OPEN,)))
    yield Measure("lampway_drift_open", "gauge", "Live edits that nobody dealt with yet.", _by_place(names, drift))
    locks = {r.environment: r.state for r in reading.find(LockRecord) if r.environment in names}
    samples = tuple(
        Sample(int(state == one), {"environment": name, "state": one})
        for name, state in locks.items()
        for one in _LOCKS
    )
    yield Measure("lampway_lock", "gauge", "1 for the state the lock was last seen in.", samples)
    watched = Counter(_place(names, w.environment) for w in reading.find(HealthWatch, states=(WatchState.WATCHING,)))
    yield Measure("lampway_watched", "gauge", "Releases that are being watched.", _by_place(names, watched))


def _what_moves(reading: Reading, names: tuple[str, ...], now: str) -> Iterator[Measure]:
    opened = reading.find(Promotion, states=OPEN_STATES)
    counted = Counter((_place(names, p.environment), str(p.state)) for p in opened)
    samples = tuple(
        Sample(number, {"environment": place, "state": state}) for (place, state), number in sorted(counted.items())
    )
    yield Measure("lampway_promotions_open", "gauge", "Promotions that have not ended.", samples)
    oldest: dict[str, float] = {}
    for promotion in opened:
        place, waited = _place(names, promotion.environment), seconds_between(promotion.requested_at, now)
        oldest[place] = max(oldest.get(place, 0.0), waited)
    ages = tuple(Sample(age, {"environment": place}) for place, age in sorted(oldest.items()))
    yield Measure("lampway_promotion_oldest_seconds", "gauge", "Age of the oldest open promotion.", ages)


def _deployments(reading: Reading, names: tuple[str, ...]) -> Iterator[Measure]:
    found = reading.find(Deployment)
    counted = Counter((_place(names, d.environment), str(d.kind), str(d.state)) for d in found)
    samples = tuple(
        Sample(number, {"environment": place, "kind": kind, "state": state})
        for (place, kind, state), number in sorted(counted.items())
        if state != DeploymentState.RUNNING
    )
    yield Measure("lampway_deployments", "gauge", "Deployments that were begun and do not run, ever.", samples)
    ended = [d for d in found if d.finished_at]
    places = sorted({_place(names, d.environment) for d in ended})
    parts = []
    for place in places:
        took = [seconds_between(d.started_at, d.finished_at) for d in ended if _place(names, d.environment) == place]
        parts += [
            Sample(sum(took), {"environment": place}, "_sum"),
            Sample(len(took), {"environment": place}, "_count"),
        ]
    yield Measure("lampway_deployment_seconds", "summary", "How long deployments took.", tuple(parts))
