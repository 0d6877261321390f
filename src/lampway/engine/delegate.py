"""Delegating: somebody lets another person approve in their place between two moments."""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace

from lampway.domain.events import ENGINE, Actor, AttestationRecorded, Delegated, DelegationEnded
from lampway.domain.given import delegation_statement
from lampway.domain.moments import is_before, parse_deadline, parse_moment
from lampway.domain.quorum import Delegation
from lampway.domain.strategy import Person, Strategy
from lampway.engine.attestations import attest_given, kept_alone
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.engine.signed import Draft, by_signature, keys_of, prove, refuse_replayed
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Delegate(Request[Delegation]):
    """Let another person approve in your place for a while."""

    to: str
    start: str
    """A day, from its beginning, or a time with its zone."""
    until: str
    """A day, to its end, or a time with its zone."""
    reason: str
    envelope: str = ""
    """The delegation as the person signed it; empty where it was not signed."""


@dataclass(frozen=True, slots=True)
class DraftDelegation(Request[Draft]):
    """Ask for the statement that a delegation would be."""

    to: str
    start: str
    until: str
    reason: str


@dataclass(frozen=True, slots=True)
class EndDelegation(Request[Delegation]):
    """Take a delegation back before its time."""

    delegation: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class Delegations(Request[tuple[Delegation, ...]]):
    """Look at who may approve for whom."""

    everything: bool = False
    """Also those that are over."""


def delegate(engine: Engine, request: Delegate, actor: Actor) -> Delegation:
    """Record a delegation. Raises RefusedError, UsageError.

    Only what somebody may approve themselves can be delegated: what was delegated to them is not passed on.
    """
    now, key = engine.now(), engine.new_id()
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        refuse_replayed(transaction, request.envelope)
        given = _given(strategy, request, actor, now)
        given = replace(given, id=key, authenticated=actor.authenticated)
        if request.envelope:
            who = (given.by, strategy.person(given.by))
            proof = prove(engine, request.envelope, who, now, functools.partial(delegation_statement, given))
            kept = kept_alone(proof.statement, key, (given.by, proof.key, request.envelope))
            given = replace(given, authenticated=True, key=proof.key, attestation=kept.id)
            by = by_signature(actor)
            told = [transaction.append(e, by) for e in (Delegated(given), AttestationRecorded(kept))]
        elif actor.authenticated:
            said = delegation_statement(given, now)
            made, vouched = attest_given(engine, transaction, said, (key, ""), (None, actor.via))
            given = replace(given, attestation=made)
            told = [transaction.append(Delegated(given), actor)]
            told += [transaction.append(event, ENGINE) for event in vouched]
        else:
            told = [transaction.append(Delegated(given), actor)]
    engine.tell(told)
    return given


def draft_delegation(engine: Engine, request: DraftDelegation, actor: Actor) -> Draft:
    """Return what this person would sign, and with which keys. Records nothing. Raises RefusedError, UsageError."""
    now = engine.now()
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    given = _given(strategy, request, actor, now)
    return Draft(delegation_statement(given, now).payload().decode(), keys_of(strategy.person(given.by), now))


def _given(strategy: Strategy, request: Delegate | DraftDelegation, actor: Actor, now: str) -> Delegation:
    reason = require_reason(request.reason)
    start, until = parse_moment(request.start), parse_deadline(request.until)
    if not is_before(start, until) or not is_before(now, until):
        raise UsageError("the delegation would be over before it begins", hint="give a later day with --until")
    by, to = _pair(strategy, actor, request.to)
    return Delegation("", by.id, to.id, start, until, reason, now)


def _pair(strategy: Strategy, actor: Actor, to: str) -> tuple[Person, Person]:
    by, other = strategy.person(actor.person), strategy.person(to)
    if by is None or other is None:
        who = actor.person if by is None else to
        raise RefusedError(f"{who} is nobody in people.yaml", hint="add them to people.yaml")
    if by == other:
        raise UsageError("nobody stands in for themselves", hint="name somebody else with --to")
    require_voice(strategy, actor)
    return by, other


def require_voice(strategy: Strategy, actor: Actor) -> None:
    """Go on only if this person may approve something that could be delegated. Raises RefusedError."""
    by = strategy.person(actor.person)
    if by is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them to people.yaml")
    rules = [gate for p in strategy.pipelines for s in p.every_stage for gate in s.gates if gate.gate == "approval"]
    if not any(by in strategy.holders(rule.roles, rule.people) for rule in rules):
        hint = "what was delegated to somebody is not passed on"
        raise RefusedError(f"{by.name} may approve nothing themselves that could be delegated", hint=hint)


def require_giver(reading: Reading, strategy: Strategy, delegation: str, actor: Actor) -> Delegation:
    """Return a delegation that this person gave. Raises NotFoundError, RefusedError."""
    found = reading.get(Delegation, delegation)
    if found is None:
        raise NotFoundError(f"no delegation {delegation}", hint="lampway delegations")
    person = strategy.person(actor.person)
    if found.by != (person.id if person else actor.person):
        raise RefusedError(f"it is {found.by} who gave it", hint=f"{found.by} takes it back")
    return found


def end_delegation(engine: Engine, request: EndDelegation, actor: Actor) -> Delegation:
    """Take one's own delegation back; what was decided by it stands. Raises NotFoundError, RefusedError."""
    with engine.store.transaction() as transaction:
        found = require_giver(transaction, rules_in_force(transaction).strategy, request.delegation, actor)
        if not _is_live(found, engine.now()):
            raise UsageError(f"delegation {found.id} is over already", hint="lampway delegations")
        told = [transaction.append(DelegationEnded(found.id), actor)]
        after = transaction.get(Delegation, found.id) or found
    engine.tell(told)
    return after


def delegations(engine: Engine, request: Delegations, actor: Actor) -> tuple[Delegation, ...]:
    """Return the delegations that hold or are to come, oldest first."""
    del actor
    with engine.store.reading() as reading:
        found = reading.find(Delegation)
    return tuple(d for d in found if request.everything or _is_live(d, engine.now()))


def _is_live(given: Delegation, now: str) -> bool:
    return not given.ended_at and is_before(now, given.until)
