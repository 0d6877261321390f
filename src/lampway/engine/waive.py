"""Waiving: a second person accepts an exception from one gate of one promotion, until a moment."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from lampway.domain.events import ENGINE, Actor, AttestationRecorded, Event, GateWaived
from lampway.domain.gates import judge
from lampway.domain.given import waiver_statement
from lampway.domain.judgement import OPENING, Facts, GateState
from lampway.domain.moments import is_before, parse_deadline
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion, PromotionState
from lampway.domain.rights import waiver_objection
from lampway.domain.waiver import WAIVABLE, Waiver
from lampway.engine.attestations import attest_given, kept
from lampway.engine.context import Engine, Request, require_reason
from lampway.engine.facts import case_of, gather
from lampway.engine.promote import find_promotion
from lampway.engine.signed import Draft, by_signature, keys_of, prove, refuse_replayed
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
    envelope: str = ""
    """The waiver as the person signed it; empty where it was not signed."""


@dataclass(frozen=True, slots=True)
class DraftWaiver(Request[Draft]):
    """Ask for the statement that a waiver would be."""

    promotion: str
    gate: str
    reason: str
    until: str


def waive(engine: Engine, request: Waive, actor: Actor) -> Waiver:
    """Record a waiver. Raises RefusedError, UsageError, NotFoundError.

    Whoever asked, makers of the content, and whoever the stage does not name are refused; so are gates that cannot be
    waived, and gates that are open.
    """
    now = engine.now()
    with engine.store.transaction() as transaction:
        refuse_replayed(transaction, request.envelope)
        promotion, facts, waiver = _given(transaction, request, actor, now)
        waiver = replace(waiver, authenticated=actor.authenticated)
        if request.envelope:
            expect = functools.partial(waiver_statement, facts.release, promotion, waiver)
            proof = prove(engine, request.envelope, (waiver.by, facts.strategy.person(waiver.by)), now, expect)
            place = (promotion.id, promotion.environment)
            statement = kept(proof.statement, facts.release, place, (waiver.by, proof.key, request.envelope))
            waiver = replace(waiver, authenticated=True, key=proof.key, attestation=statement.id)
            events = (GateWaived(promotion.id, waiver), AttestationRecorded(statement))
            told = [transaction.append(event, by_signature(actor)) for event in events]
        else:
            waiver, vouched = _vouched(engine, transaction, (promotion, facts), waiver, actor)
            told = [transaction.append(GateWaived(promotion.id, waiver), actor)]
            told += [transaction.append(event, ENGINE) for event in vouched]
    engine.tell(told)
    return waiver


def _vouched(
    engine: Engine, transaction: Transaction, about: tuple[Promotion, Facts], waiver: Waiver, actor: Actor
) -> tuple[Waiver, tuple[Event, ...]]:
    """Return a waiver that was not signed with the engine's own statement of who was signed in, if anybody was."""
    if not waiver.authenticated:
        return waiver, ()
    promotion, facts = about
    said = waiver_statement(facts.release, promotion, waiver, waiver.at)
    place = (promotion.id, promotion.environment)
    made, events = attest_given(engine, transaction, said, place, (facts.release, actor.via))
    return replace(waiver, attestation=made), events


def draft_waiver(engine: Engine, request: DraftWaiver, actor: Actor) -> Draft:
    """Return what this person would sign, and with which keys. Records nothing. Raises what waiving raises."""
    now = engine.now()
    with engine.store.reading() as reading:
        promotion, facts, waiver = _given(reading, request, actor, now)
    statement = waiver_statement(facts.release, promotion, waiver, now)
    return Draft(statement.payload().decode(), keys_of(facts.strategy.person(waiver.by), now))


def _given(reading: Reading, request: Waive | DraftWaiver, actor: Actor, now: str) -> tuple[Promotion, Facts, Waiver]:
    reason = require_reason(request.reason)
    until = parse_deadline(request.until)
    if not is_before(now, until):
        raise UsageError(f"this moment has passed: {request.until.strip()}", hint="give a day to come with --until")
    promotion = open_promotion(reading, request.promotion, now)
    facts = facts_of(reading, promotion, now)
    _refuse(facts, request.gate, actor)
    person = facts.strategy.person(actor.person)
    return promotion, facts, Waiver(request.gate, person.id if person else actor.person, reason, until, now)


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
