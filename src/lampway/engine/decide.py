"""Deciding: a named person approves or rejects one promotion digest."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lampway.domain.attestation import Attestation, signed_in
from lampway.domain.events import ENGINE, Actor, AttestationRecorded, DecisionMade, Event, PromotionMoved
from lampway.domain.gates import has_decided, unsigned
from lampway.domain.judgement import GateResult
from lampway.domain.promotion import Decision, Promotion, PromotionState
from lampway.domain.rights import objection
from lampway.domain.strategy import GateRule
from lampway.engine.attestations import attest_signed_in, attest_verdict
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.engine.drain import void_if_moved
from lampway.engine.facts import Case, case_of, eligibility, gather
from lampway.engine.promote import find_promotion
from lampway.engine.signed import accept, by_signature, decision_of, voice_of
from lampway.engine.store import Transaction
from lampway.errors import RefusedError, UnsignedError, UsageError, VoidedError


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision led to."""

    promotion: str
    solution: str
    version: str
    stage: str
    gates: tuple[GateResult, ...]


@dataclass(frozen=True, slots=True)
class Decide(Request[Decided]):
    """Approve or reject a promotion."""

    promotion: str
    """Its id, or `solution[@version]`."""
    approved: bool
    reason: str = ""
    digest: str = ""
    """The promotion digest that was shown to the person; refused if it is another by now. Empty: whatever stands."""
    on_behalf_of: str = ""
    """Whose voice it is, where several let the person speak for them; the person's own comes first if empty."""
    envelope: str = ""
    """The decision as the person signed it; empty where it was not signed."""


def decide(engine: Engine, request: Decide, actor: Actor) -> Decided:
    """Record a decision bound to the promotion's digest. Raises RefusedError, VoidedError, UsageError.

    Makers of the content and whoever asked are refused; so is anybody the stage does not name.
    """
    ended, now = "", engine.now()
    with engine.store.transaction() as transaction:
        promotion = find_promotion(transaction, request.promotion, now)
        move = void_if_moved(transaction, promotion, now)
        if move is not None:
            told = [transaction.append(move, ENGINE)]
            ended = f"is {'void' if move.state is PromotionState.VOIDED else move.state}: {move.reason}"
        else:
            case = _open_case(transaction, promotion, request)
            decision, attestation = _decision(engine, transaction, case, request, actor)
            by = by_signature(actor) if attestation else actor
            decision, vouched = _vouched(engine, transaction, case, decision, actor)
            told = [transaction.append(DecisionMade(promotion.id, decision), by)]
            if attestation is not None:
                told.append(transaction.append(AttestationRecorded(attestation), by))
            told += [transaction.append(event, ENGINE) for event in vouched]
            if not request.approved:
                why = f"rejected by {decision.by}: {decision.reason}"
                told.append(transaction.append(PromotionMoved(promotion.id, PromotionState.REJECTED, why), by))
                statements = attest_verdict(engine, transaction, promotion, allowed=False)
                told += [transaction.append(event, ENGINE) for event in statements]
            gates = eligibility(transaction, _reread(transaction, promotion), now).gates
    engine.tell(told)
    if ended:
        again = f"lampway promote {promotion.solution}@{promotion.version} --to {promotion.stage}"
        raise VoidedError(f"promotion {promotion.id} {ended}", hint=f"ask again: {again}")
    return Decided(promotion.id, promotion.solution, promotion.version, promotion.stage, gates)


def _open_case(transaction: Transaction, promotion: Promotion, request: Decide) -> Case:
    if promotion.state not in (PromotionState.WAITING, PromotionState.READY):
        raise RefusedError(f"promotion {promotion.id} is {promotion.state}: {promotion.note or 'nothing to decide'}")
    if request.digest and request.digest != promotion.bound.digest:
        raise VoidedError("what you were shown is not what stands now", hint="look again: lampway inbox")
    return _reread(transaction, promotion)


def _reread(transaction: Transaction, promotion: Promotion) -> Case:
    current = transaction.get(Promotion, promotion.id) or promotion
    case = case_of(transaction, current)
    if case is None:
        raise RefusedError(f"promotion {promotion.id} has no stage in the strategy any more")
    return case


def _decision(
    engine: Engine, transaction: Transaction, case: Case, request: Decide, actor: Actor
) -> tuple[Decision, Attestation | None]:
    facts = gather(transaction, case, engine.now())
    rules = case.stage.rules_of("approval")
    if not rules:
        raise UsageError(f"stage {case.stage.name} asks for no approval", hint=f"lampway explain {case.release.name}")
    objections = [objection(rule, facts, actor.person) for rule in rules]
    if all(objections):
        raise RefusedError(f"this decision would not count: {objections[0]}", hint=_whose(rules[0], case))
    person = facts.strategy.person(actor.person)
    if person and has_decided(facts, person.id):
        raise UsageError(f"{actor.person} has decided already")
    voice = voice_of(facts, person, approved=request.approved, on_behalf_of=request.on_behalf_of)
    reason = request.reason.strip() if request.approved else require_reason(request.reason)
    decision = decision_of(facts, (person.id if person else actor.person, request.approved, reason))
    decision = replace(decision, on_behalf_of=voice)
    if request.envelope:
        promotion = find_promotion(transaction, case.promotion, facts.now)
        return accept(engine, request.envelope, case, decision, promotion=promotion, person=person)
    if all(unsigned(rule, facts.strategy, decision) for rule in rules):
        hint = "lampway key create --add writes your key into people.yaml; once that is applied, decide again"
        raise UnsignedError(f"this decision would not count: {unsigned(rules[0], facts.strategy, decision)}", hint=hint)
    return replace(decision, authenticated=actor.authenticated), None


def _vouched(
    engine: Engine, transaction: Transaction, case: Case, decision: Decision, actor: Actor
) -> tuple[Decision, tuple[Event, ...]]:
    """Return a decision that was not signed with the engine's own statement of who was signed in, if anybody was.

    It proves less than a signature: no more than that the engine says so.
    """
    if decision.key or not decision.authenticated:
        return decision, ()
    promotion = find_promotion(transaction, case.promotion, decision.at)
    person = rules_in_force(transaction).strategy.person(decision.by)
    statement = signed_in(case.release, promotion, decision, person.roles if person else (), via=actor.via)
    events = attest_signed_in(engine, transaction, statement, case.release, promotion)
    (made,) = (event.attestation.id for event in events if isinstance(event, AttestationRecorded))
    return replace(decision, attestation=made), events


def _whose(rule: GateRule, case: Case) -> str:
    wanted = ", ".join([*(f"role {role}" for role in rule.roles), *rule.people])
    return f"stage {case.stage.name} asks for {rule.quorum} of: {wanted}; makers and whoever asked never count"
