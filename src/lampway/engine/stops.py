"""Stopping: holds, emergency stops and vetoes, set by named people with a reason."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import Installation
from lampway.domain.events import Actor, Event, Held, HoldLifted, PromotionMoved, Vetoed
from lampway.domain.moments import read_moment, write_moment
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.stops import LIFTERS, Hold, HoldState, Veto, may_lift, standing, veto_key
from lampway.domain.strategy import Person, Strategy
from lampway.engine.context import Engine, Request, find_release, require_reason, rules_in_force
from lampway.engine.facts import installed
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class PutOnHold(Request[Hold]):
    """Stop a solution or an environment for a while; or everything at once, in an emergency."""

    reason: str
    solution: str = ""
    environment: str = ""
    until: str = ""
    """A date or a time; empty: until somebody lifts it."""
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class LiftHold(Request[tuple[Hold, ...]]):
    """Lift every hold, or every emergency stop, of exactly this scope."""

    solution: str = ""
    environment: str = ""
    reason: str = ""
    emergency: bool = False


@dataclass(frozen=True, slots=True)
class Vetoing:
    """What a veto led to."""

    veto: Veto
    rejected: tuple[str, ...]
    """Ids of the promotions that waited for it, and wait no more."""
    installed: bool
    """Whether it runs there now; a veto takes nothing out."""


@dataclass(frozen=True, slots=True)
class VetoRelease(Request[Vetoing]):
    """Keep a release out of an environment for good."""

    release: str
    """`solution@version`."""
    environment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stops:
    """What stops anything now."""

    holds: tuple[Hold, ...]
    """Holds and emergency stops that stand."""
    vetoes: tuple[Veto, ...]


@dataclass(frozen=True, slots=True)
class ShowStops(Request[Stops]):
    """Look at what is held, stopped or vetoed."""


def put_on_hold(engine: Engine, request: PutOnHold, actor: Actor) -> Hold:
    """Record a hold or an emergency stop. Raises UsageError, NotFoundError, RefusedError.

    What is being deployed at this moment ends as it would; nothing else starts, in any lane.
    """
    reason = require_reason(request.reason)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        person = _known(strategy, actor)
        _require_scope(strategy, request.solution, request.environment)
        hold = Hold(
            id=engine.new_id(),
            solution=request.solution,
            environment=request.environment,
            reason=reason,
            by=person.id,
            at=engine.now(),
            until=_end(engine, request.until),
            emergency=request.emergency,
        )
        told = [transaction.append(Held(hold), actor)]
    engine.tell(told)
    return hold


def lift_hold(engine: Engine, request: LiftHold, actor: Actor) -> tuple[Hold, ...]:
    """Lift what stands with exactly this scope. Raises NotFoundError when nothing does, RefusedError, UsageError.

    Whoever set it may lift it, and so may release managers and platform admins. An emergency stop takes a reason.
    """
    reason = require_reason(request.reason) if request.emergency else request.reason.strip()
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        person = _known(strategy, actor).as_of(engine.now())
        found = _matching(transaction, request, engine.now())
        for hold in found:
            if not may_lift(hold, person):
                able = ", ".join(p.id for p in strategy.people if may_lift(hold, p)) or "nobody yet"
                hint = f"whoever set it may, and roles {' and '.join(LIFTERS)}: {able}"
                raise RefusedError(f"{person.name} may not lift the {hold.words}", hint=hint)
        told = [transaction.append(HoldLifted(hold.id, reason), actor) for hold in found]
    engine.tell(told)
    return found


def veto_release(engine: Engine, request: VetoRelease, actor: Actor) -> Vetoing:
    """Record a veto, which stays. Raises UsageError, NotFoundError, RefusedError.

    Promotions of this release that wait for the environment are rejected by it, in every lane.
    """
    reason = require_reason(request.reason)
    if "@" not in request.release:
        raise UsageError(f"a veto is about one release: {request.release}", hint="write SOLUTION@VERSION")
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        person = _known(strategy, actor)
        release = find_release(transaction, request.release)
        place = strategy.stage(release.solution, request.environment).environment
        before = transaction.get(Veto, veto_key(place, release.digest))
        if before is not None:
            raise RefusedError(f"vetoed already: {before.words}", hint="a veto stays; make a new release")
        veto = Veto(release.solution, release.version, release.digest, place, reason, person.id, engine.now())
        waiting = transaction.find(
            Promotion, solution=release.solution, environment=place, states=(PromotionState.WAITING,)
        )
        hit = tuple(p.id for p in waiting if _brings(p, veto))
        events: list[Event] = [Vetoed(veto)]
        why = f"vetoed by {person.id}: {reason}"
        events += [PromotionMoved(promotion, PromotionState.REJECTED, why) for promotion in hit]
        here = installed(transaction, place, release.solution)
        told = [transaction.append(event, actor) for event in events]
    engine.tell(told)
    return Vetoing(veto, hit, _runs(here, veto))


def show_stops(engine: Engine, request: ShowStops, actor: Actor) -> Stops:
    """Return what stands now, oldest first."""
    del request, actor
    now = engine.now()
    with engine.store.reading() as reading:
        rules_in_force(reading)
        holds = reading.find(Hold, states=(HoldState.STANDING,))
        return Stops(tuple(h for h in holds if h.stands(now)), reading.find(Veto))


def refuse_if_stopped(engine: Engine, solution: str, environment: str) -> None:
    """Let nothing be written into an environment past a hold or an emergency stop. Raises RefusedError."""
    with engine.store.reading() as reading:
        holds = reading.find(Hold, states=(HoldState.STANDING,))
    for hold in standing(holds, solution, environment, engine.now()):
        raise RefusedError(hold.words, where=environment, hint=hold.cure)


def _brings(promotion: Promotion, veto: Veto) -> bool:
    if promotion.kind is DeploymentKind.FORWARD:
        return promotion.version == veto.version
    return promotion.bound.release == veto.release


def _runs(here: Installation | None, veto: Veto) -> bool:
    return here is not None and here.release == veto.release


def _matching(reading: Reading, request: LiftHold, now: str) -> tuple[Hold, ...]:
    found = [h for h in reading.find(Hold, states=(HoldState.STANDING,)) if h.stands(now)]
    kind = [h for h in found if h.emergency is request.emergency]
    matching = tuple(h for h in kind if (h.solution, h.environment) == (request.solution, request.environment))
    if not matching:
        word = "emergency stop" if request.emergency else "hold"
        others = "; ".join(h.cure for h in kind)
        raise NotFoundError(f"no {word} of that scope stands", hint=f"what stands: {others}" if others else "")
    return matching


def _known(strategy: Strategy, actor: Actor) -> Person:
    person = strategy.person(actor.person)
    if person is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
    return person


def _require_scope(strategy: Strategy, solution: str, environment: str) -> None:
    if solution:
        strategy.solution(solution)
    if environment:
        strategy.environment(environment)


def _end(engine: Engine, until: str) -> str:
    if not until:
        return ""
    end = read_moment(until, "UTC", is_end=True)
    if end is None:
        raise UsageError(f"not a date: {until[:40]}", hint="write it as in 2027-05-01 or 2027-05-01T17:00, UTC")
    if end <= engine.clock.now():
        raise UsageError(f"{until} is in the past", hint="name a day to come, or leave out --until")
    return write_moment(end)
