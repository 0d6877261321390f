"""Waiting: how long promotions waited for people, by gate and by person, read from what the ledger recorded."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from statistics import median

from lampway.domain.events import Actor
from lampway.domain.judgement import GateState
from lampway.domain.moments import seconds_between
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.facts import case_of, eligibility
from lampway.engine.store import Reading


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one gate or one person let promotions wait, in seconds from request to decision."""

    name: str
    times: int
    median: float
    longest: float
    total: float


@dataclass(frozen=True, slots=True)
class OpenWait:
    """A promotion that waits for people now."""

    promotion: str
    release: str
    stage: str
    gate: str
    seconds: float
    """Since it was asked for."""


@dataclass(frozen=True, slots=True)
class Waits:
    """The time spent waiting for people."""

    gates: tuple[Wait, ...]
    people: tuple[Wait, ...]
    now: tuple[OpenWait, ...]


@dataclass(frozen=True, slots=True)
class ShowWaits(Request[Waits]):
    """Ask how long a solution's promotions waited for people."""

    solution: str


def show_waits(engine: Engine, request: ShowWaits, actor: Actor) -> Waits:
    """Return the waiting times of every forward promotion of the solution. Raises NotFoundError.

    A gate waited until the last decision, answer or waiver that it needed; a person until each of theirs. Answers to
    questions count from the question.
    """
    del actor
    with engine.store.reading() as reading:
        rules_in_force(reading).strategy.solution(request.solution)
        found = reading.find(Promotion, solution=request.solution)
        forward = [p for p in found if p.kind is DeploymentKind.FORWARD]
        still = tuple(wait for p in forward for wait in _still(reading, p, engine.now()))
    gates = [entry for p in forward for entry in _by_gate(p)]
    people = [entry for p in forward for entry in _by_person(p)]
    return Waits(_waits(gates), _waits(people), still)


def _by_gate(promotion: Promotion) -> Iterator[tuple[str, float]]:
    ends: dict[str, str] = {}
    acts = [("approval", d.at) for d in promotion.decisions] + [("checklist", a.at) for a in promotion.answers]
    for gate, at in [*acts, *((w.gate, w.at) for w in promotion.waivers)]:
        ends[gate] = max(ends.get(gate, ""), at)
    return ((gate, seconds_between(promotion.requested_at, at)) for gate, at in ends.items())


def _by_person(promotion: Promotion) -> Iterator[tuple[str, float]]:
    for by, at in (
        *((d.by, d.at) for d in promotion.decisions),
        *((a.by, a.at) for a in promotion.answers),
        *((w.by, w.at) for w in promotion.waivers),
    ):
        yield by, seconds_between(promotion.requested_at, at)
    asked = ""
    for remark in promotion.remarks:
        if remark.is_question:
            asked = asked or remark.at
        elif asked:
            yield remark.by, seconds_between(asked, remark.at)
            asked = ""


def _still(reading: Reading, promotion: Promotion, now: str) -> Iterator[OpenWait]:
    case = case_of(reading, promotion) if promotion.state is PromotionState.WAITING else None
    for result in eligibility(reading, case, now).gates if case else ():
        if result.state is GateState.PENDING and result.gate in ("approval", "checklist"):
            name = f"{promotion.solution}@{promotion.version}"
            seconds = seconds_between(promotion.requested_at, now)
            yield OpenWait(promotion.id, name, promotion.stage, result.gate, seconds)


def _waits(entries: Iterable[tuple[str, float]]) -> tuple[Wait, ...]:
    found: dict[str, list[float]] = {}
    for name, seconds in entries:
        found.setdefault(name, []).append(seconds)
    return tuple(Wait(name, len(times), median(times), max(times), sum(times)) for name, times in sorted(found.items()))
