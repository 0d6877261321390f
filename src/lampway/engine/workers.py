"""Workers: who carries work out while no command runs, and what is left for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.events import Actor, DecisionMade, DeploymentStarted, Event, PromotionRequested
from lampway.domain.judgement import OPENING, Eligibility, GateState
from lampway.domain.moments import seconds_between
from lampway.domain.promotion import Promotion, PromotionState
from lampway.engine.context import Engine, Request
from lampway.engine.facts import case_of, eligibility
from lampway.engine.store import Reading

SILENCE = 15.0
"""Seconds after which a worker that was not seen counts as dead."""
_BY_TIME = ("window", "freeze", "soak", "hold", "stop")
_WAITING = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


@dataclass(frozen=True, slots=True)
class WorkerView:
    """A worker, as it was last seen."""

    name: str
    lanes: tuple[str, ...]
    """The environments it works on; empty for all."""
    started_at: str
    seen_at: str
    seconds: float
    """Since it was seen."""
    alive: bool

    def serves(self, environment: str) -> bool:
        """Return whether it is alive and works on this environment."""
        return self.alive and (not self.lanes or environment in self.lanes)


@dataclass(frozen=True, slots=True)
class ShowWorkers(Request[tuple[WorkerView, ...]]):
    """Ask which workers there are."""


@dataclass(frozen=True, slots=True)
class LeftBehind:
    """A promotion that goes on by itself only while a worker runs."""

    promotion: str
    release: str
    environment: str
    why: str
    """What it waits for, in words."""


def show_workers(engine: Engine, request: ShowWorkers, actor: Actor) -> tuple[WorkerView, ...]:
    """Return every worker that has not left, dead ones included, the one that began first first."""
    del request, actor
    with engine.store.reading() as reading:
        return workers(reading)


def workers(reading: Reading) -> tuple[WorkerView, ...]:
    """Return every worker that has not left, with whether it is alive: by the store's own clock."""
    now = reading.time()
    found = [(seen, seconds_between(seen.seen_at, now)) for seen in reading.workers()]
    return tuple(WorkerView(w.name, w.lanes, w.started_at, w.seen_at, silent, silent <= SILENCE) for w, silent in found)


def left_behind(engine: Engine, events: Iterable[Event]) -> tuple[LeftBehind, ...]:
    """Return what these events let begin or go on, and what only a worker will carry on, where none does.

    Nothing where a worker that is alive serves the environment: then it is seen to.
    """
    keys = dict.fromkeys(key for event in events for key in _promotions(event))
    if not keys:
        return ()
    with engine.store.reading() as reading:
        alive = workers(reading)
        found = [p for p in (reading.get(Promotion, key) for key in keys) if p is not None]
        unserved = [p for p in found if not any(w.serves(p.environment) for w in alive)]
        told = [(p, _why(reading, p, engine.now())) for p in unserved]
    return tuple(LeftBehind(p.id, f"{p.solution}@{p.version}", p.environment, why) for p, why in told if why)


def _promotions(event: Event) -> tuple[str, ...]:
    match event:
        case PromotionRequested(promotion=promotion):
            return (promotion.id,)
        case DecisionMade(promotion=key):
            return (key,)
        case DeploymentStarted(deployment=deployment):
            return (deployment.promotion,)
        case _:
            return ()


def _why(reading: Reading, promotion: Promotion, now: str) -> str:
    """Return what a promotion waits for that needs nobody; empty where it has ended or waits for people."""
    if promotion.state is PromotionState.RUNNING:
        deployment = reading.get(Deployment, promotion.deployment)
        return "is under way" if deployment and deployment.state is DeploymentState.RUNNING else ""
    case = case_of(reading, promotion) if promotion.state in _WAITING else None
    judged = eligibility(reading, case, now) if case else None
    if judged is None:
        return ""
    if judged.allowed:
        return promotion.note or "may start"
    return _time_alone(judged)


def _time_alone(judged: Eligibility) -> str:
    leaves = [leaf for gate in judged.closed for leaf in gate.leaves() if leaf.state not in OPENING]
    by_time = all(
        leaf.gate in _BY_TIME or (leaf.state is GateState.PENDING and "cooling" in leaf.reason) for leaf in leaves
    )
    return leaves[0].reason if leaves and by_time else ""
