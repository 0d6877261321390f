"""Signed decisions: the engine says what there is to sign, a person signs, the engine looks whether it is that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from lampway.domain import attestation as attestations
from lampway.domain.attestation import PATIENCE, Attestation, Statement
from lampway.domain.digest import digest
from lampway.domain.events import Actor
from lampway.domain.judgement import Facts
from lampway.domain.promotion import Decision, Promotion, PromotionState
from lampway.domain.strategy import Person
from lampway.engine.attestations import kept
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.drain import void_if_moved
from lampway.engine.facts import Case, case_of, gather
from lampway.engine.promote import find_promotion
from lampway.errors import RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Draft:
    """What a person would sign."""

    statement: str
    """The in-toto statement; empty where there is nothing to decide, and deciding says why."""
    keys: tuple[str, ...]
    """The person's public keys that count now."""


@dataclass(frozen=True, slots=True)
class DraftDecision(Request[Draft]):
    """Ask for the statement that a decision would be."""

    promotion: str
    approved: bool
    reason: str = ""


def draft_decision(engine: Engine, request: DraftDecision, actor: Actor) -> Draft:
    """Return what this person would sign, and with which keys. Records nothing. Raises NotFoundError."""
    now = engine.now()
    with engine.store.reading() as reading:
        person = rules_in_force(reading).strategy.person(actor.person)
        promotion = find_promotion(reading, request.promotion, now)
        is_open = promotion.state in (PromotionState.WAITING, PromotionState.READY)
        case = case_of(reading, promotion) if is_open and void_if_moved(reading, promotion, now) is None else None
        if person is None or case is None:
            return Draft("", ())
        decision = decision_of(gather(reading, case, now), (person.id, request.approved, request.reason.strip()))
    keys = tuple(k.key for k in person.keys if k.is_valid(decision.at))
    return Draft(attestations.approval(case.release, promotion, decision, person.roles).payload().decode(), keys)


def decision_of(facts: Facts, said: tuple[str, bool, str]) -> Decision:
    """Return a decision at the time of the facts, as it stands before it is signed: who, whether yes, and why."""
    by, approved, reason = said
    evidence = tuple(digest(e) for e in facts.evidence)
    return Decision(by, approved, reason, facts.now, facts.digest, evidence)


def accept(
    engine: Engine, envelope: str, case: Case, decision: Decision, *, promotion: Promotion, person: Person | None
) -> tuple[Decision, Attestation]:
    """Return the decision as proved by its signature, and the attestation to keep. Raises RefusedError, UsageError.

    The signature must be by a key of this very person that counts now, and the statement must say exactly what the
    engine would have had them sign.
    """
    signed = engine.signing.open(envelope)
    statement = attestations.read_statement(signed.payload)
    keys = [k for k in person.keys if engine.signing.is_signed_by(signed, k.key)] if person else []
    if person is None or not keys:
        hint = "lampway key show prints the lines that people.yaml needs"
        raise RefusedError(f"this signature is not by a key of {decision.by} in the rules in force", hint=hint)
    (key,) = keys
    if not key.is_valid(decision.at):
        hint = "lampway key create, and let the new key be applied with people.yaml"
        raise RefusedError(f"the key of {decision.by} does not count on {decision.at[:10]}", hint=hint)
    _refuse_stale(str(statement.predicate.get("decidedOn", "")), decision.at)
    as_signed = replace(decision, at=str(statement.predicate["decidedOn"]))
    expected = attestations.approval(case.release, promotion, as_signed, person.roles)
    if expected.payload() != signed.payload:
        parts = ", ".join(_differences(expected, statement)) or "how it is written"
        raise RefusedError(f"what was signed is not what stands now: {parts}", hint="look again: lampway inbox")
    place = (promotion.id, promotion.environment)
    attestation = kept(statement, case.release, place, (person.id, key.key, envelope))
    return replace(decision, authenticated=True, key=key.key, attestation=attestation.id), attestation


def _refuse_stale(signed_at: str, now: str) -> None:
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(signed_at)
    except (ValueError, TypeError):
        raise UsageError("the statement does not say when it was signed") from None
    if not -PATIENCE <= age <= PATIENCE:
        raise RefusedError(f"this was signed at {signed_at}, too far from now", hint="sign again; look at the clock")


def _differences(expected: Statement, found: Statement) -> list[str]:
    keys = sorted(expected.predicate.keys() | found.predicate.keys())
    differing = [k for k in keys if expected.predicate.get(k) != found.predicate.get(k)]
    return differing + ([] if expected.subjects == found.subjects else ["subject"])
