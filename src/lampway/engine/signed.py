"""Signed decisions: the engine says what there is to sign, a person signs, the engine looks whether it is that."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from lampway.domain import attestation as attestations
from lampway.domain.attestation import PATIENCE, Attestation, Statement
from lampway.domain.digest import digest_bytes, lasting_digest
from lampway.domain.events import Actor
from lampway.domain.gates import counts_still
from lampway.domain.judgement import Facts
from lampway.domain.promotion import Decision, Promotion, PromotionState
from lampway.domain.rights import speaks_for
from lampway.domain.strategy import Person
from lampway.engine.attestations import kept
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.drain import void_if_moved
from lampway.engine.facts import Case, case_of, gather
from lampway.engine.promote import find_promotion
from lampway.engine.store import Reading
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
    on_behalf_of: str = ""
    """Whose voice it is to be, where several let the person speak for them."""


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
        facts = gather(reading, case, now)
        decision = decision_of(facts, (person.id, request.approved, request.reason.strip()))
        try:
            voice = voice_of(facts, person, approved=request.approved, on_behalf_of=request.on_behalf_of)
        except RefusedError:
            return Draft("", ())
        decision = replace(decision, on_behalf_of=voice)
    statement = attestations.approval(case.release, promotion, decision, person.roles)
    return Draft(statement.payload().decode(), keys_of(person, decision.at))


def voice_of(facts: Facts, person: Person | None, *, approved: bool, on_behalf_of: str) -> str:
    """Return for whom this person would decide; empty where for themselves.

    Raises RefusedError where the voice could not count beside those there are.
    """
    rules = facts.stage.rules_of("approval")
    name = person.id if person else ""
    able = tuple(dict.fromkeys(voice for rule in rules for voice in speaks_for(rule, facts, name)))
    wanted = facts.strategy.person(on_behalf_of) if on_behalf_of else None
    if on_behalf_of and (wanted is None or wanted.id not in able):
        hint = f"{name} may speak for: {', '.join(able)}"
        raise RefusedError(f"{on_behalf_of} let {name} approve nothing here now", hint=hint)
    bound = [d for d in facts.decisions if d.digest == facts.digest]
    fresh = [d for d in bound if any(counts_still(rule, facts, d) for rule in rules)]
    spoken = {voice for d in fresh for voice in (d.by, d.on_behalf_of)}
    free = [voice for voice in ([wanted.id] if wanted else able) if voice not in spoken]
    if not free and able and not approved:
        return "" if able[0] == name else able[0]  # a no needs no count, and is heard from whoever may say yes
    if not free and able:
        said = wanted.id if wanted else able[0]
        raise RefusedError(f"{said} is counted already; nobody counts twice", hint=f"lampway show {facts.promotion}")
    return "" if not free or free[0] == name else free[0]


def decision_of(facts: Facts, said: tuple[str, bool, str]) -> Decision:
    """Return a decision at the time of the facts, as it stands before it is signed: who, whether yes, and why."""
    by, approved, reason = said
    evidence = tuple(lasting_digest(e) for e in facts.evidence)
    return Decision(by, approved, reason, facts.now, facts.digest, evidence)


def accept(
    engine: Engine, envelope: str, case: Case, decision: Decision, *, promotion: Promotion, person: Person | None
) -> tuple[Decision, Attestation]:
    """Return the decision as proved by its signature, and the attestation to keep. Raises RefusedError, UsageError."""

    def expect(at: str) -> Statement:
        return attestations.approval(case.release, promotion, replace(decision, at=at), person.roles if person else ())

    proof = prove(engine, envelope, (decision.by, person), decision.at, expect)
    place = (promotion.id, promotion.environment)
    attestation = kept(proof.statement, case.release, place, (decision.by, proof.key, envelope))
    return replace(decision, authenticated=True, key=proof.key, attestation=attestation.id), attestation


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that was looked at and holds."""

    key: str
    """The public key that made it."""
    statement: Statement


def prove(
    engine: Engine, envelope: str, who: tuple[str, Person | None], now: str, expect: Callable[[str], Statement]
) -> Proof:
    """Return the proof that a person signed what is expected. Raises RefusedError, UsageError.

    The signature must be by a key of this very person that counts now, and the statement must say exactly what the
    engine would have had them sign at the time it names, which must not be far from now.
    """
    name, person = who
    signed = engine.signing.open(envelope)
    statement = attestations.read_statement(signed.payload)
    keys = [k for k in person.keys if engine.signing.is_signed_by(signed, k.key)] if person else []
    if person is None or not keys:
        hint = "lampway key show prints the lines that people.yaml needs"
        raise RefusedError(f"this signature is not by a key of {name} in the rules in force", hint=hint)
    (key,) = keys
    if not key.is_valid(now):
        hint = "lampway key create, and let the new key be applied with people.yaml"
        raise RefusedError(f"the key of {name} does not count on {now[:10]}", hint=hint)
    signed_at = str(statement.predicate.get("decidedOn", ""))
    _refuse_stale(signed_at, now)
    expected = expect(signed_at)
    if expected.payload() != signed.payload:
        parts = ", ".join(_differences(expected, statement)) or "how it is written"
        raise RefusedError(f"what was signed is not what stands now: {parts}", hint="look again: lampway inbox")
    return Proof(key.key, statement)


def refuse_replayed(reading: Reading, envelope: str) -> None:
    """Insist that a signature was not recorded before. Raises RefusedError."""
    if envelope and reading.get(Attestation, digest_bytes(envelope.encode())) is not None:
        raise RefusedError("this was signed and recorded already: a signature counts once", hint="sign anew")


def keys_of(person: Person | None, now: str) -> tuple[str, ...]:
    """Return the public keys of a person that count now."""
    return tuple(k.key for k in person.keys if k.is_valid(now)) if person else ()


def by_signature(actor: Actor) -> Actor:
    """Return whoever acts, as proved by what they signed."""
    return replace(actor, via="signature", authenticated=True)


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
