"""Waiving: a second person accepts an exception from one gate of one promotion, until a moment."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor, GateWaived
from lampway.domain.gates import judge
from lampway.domain.judgement import OPENING, Facts, GateState
from lampway.domain.moments import is_before, parse_deadline
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion, PromotionState
from lampway.domain.rights import waiver_objection
from lampway.domain.waiver import WAIVABLE, Waiver
from lampway.engine.context import Engine, Request, require_reason
from lampway.engine.facts import case_of, gather
from lampway.engine.promote import find_promotion
from lampway.engine.store import Reading, Transaction
from lampway.errors import RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Waive(Request[Waiver]):
    """Let a promotion pass one gate although it is closed."""

    promotion: str
    """Its id, or `solution[@version]`."""
    gate: str
    reason: str
    until: str
    """A day, to its end, or a time with its zone."""


def waive(engine: Engine, request: Waive, actor: Actor) -> Waiver:
    """Record a waiver. Raises RefusedError, UsageError, NotFoundError.

    Whoever asked, makers of the content, and whoever the stage does not name are refused; so are gates that cannot be
    waived, and gates that are open.
    """
    reason = require_reason(request.reason)
    until = parse_deadline(request.until)
    if not is_before(engine.now(), until):
        raise UsageError(f"this moment has passed: {request.until.strip()}", hint="give a day to come with --until")
    with engine.store.transaction() as transaction:
        promotion = open_promotion(transaction, request.promotion, engine.now())
        facts = facts_of(transaction, promotion, engine.now())
        _refuse(facts, request.gate, actor)
        person = facts.strategy.person(actor.person)
        by = person.id if person else actor.person
        waiver = Waiver(request.gate, by, reason, until, engine.now(), actor.authenticated)
        told = [transaction.append(GateWaived(promotion.id, waiver), actor)]
    engine.tell(told)
    return waiver


def _refuse(facts: Facts, gate: str, actor: Actor) -> None:
    why = waiver_objection(facts, gate, actor.person)
    if why:
        raise RefusedError(why, hint=_cure(facts, gate))
    judged = [result for result in judge(facts).gates if result.gate == gate]
    if all(result.state in OPENING and not result.original for result in judged):
        state = judged[0].state if judged else GateState.PASSED
        raise UsageError(f"the gate {gate} is {state}: there is nothing to waive", hint="lampway explain")


def _cure(facts: Facts, gate: str) -> str:
    if gate == "drift":
        return f"lampway drift accept {facts.solution} --in {facts.stage.environment} --reason ..."
    timed = {"window": facts.stage.windows, "freeze": facts.strategy.freezes}
    if gate not in WAIVABLE or (gate not in [rule.gate for rule in facts.stage.gates] and not timed.get(gate)):
        return f"gates that may be waived, where a stage has them: {', '.join(WAIVABLE)}"
    roles = ", ".join(facts.stage.waiver_roles)
    return f"somebody else who holds: {roles}" if roles else "name roles under `waivers` of the stage"


def open_promotion(reading: Reading | Transaction, name: str, now: str) -> Promotion:
    """Return the forward promotion that still waits. Raises NotFoundError, UsageError, RefusedError."""
    promotion = find_promotion(reading, name, now)
    if promotion.kind is not DeploymentKind.FORWARD:
        raise RefusedError(f"promotion {promotion.id} is a {promotion.kind}: it has no gates", hint="lampway inbox")
    if promotion.state not in OPEN_STATES or promotion.state in (PromotionState.RUNNING, PromotionState.RECONCILE):
        raise RefusedError(f"promotion {promotion.id} is {promotion.state}: it waits for nobody", hint="lampway inbox")
    return promotion


def facts_of(reading: Reading, promotion: Promotion, now: str) -> Facts:
    """Return what a judgement of this promotion looks at. Raises RefusedError where its stage is gone."""
    case = case_of(reading, promotion)
    if case is None:
        raise RefusedError(f"promotion {promotion.id} has no stage in the strategy any more", hint="ask again")
    return gather(reading, case, now)
