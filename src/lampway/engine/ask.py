"""Asking people: whoever may approve is told once, when a promotion waits for them and for nothing before them."""

from __future__ import annotations

from lampway.domain.events import ENGINE, ApprovalAsked
from lampway.domain.gates import judge
from lampway.domain.judgement import OPENING, Facts, GateResult, GateState
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.rights import speakers
from lampway.domain.strategy import RulesInForce
from lampway.engine.context import Engine
from lampway.engine.facts import case_of, gather
from lampway.engine.known import Known
from lampway.engine.store import Reading

_TIMED = frozenset({"window", "freeze", "soak", "checklist"})
"""Gates that may be closed while people are asked: what they wait for comes by itself, or is asked with it."""


def ask_approvers(engine: Engine, environment: str, known: Known) -> None:
    """Record for every promotion there that waits for approval whom it waits for, once; that makes the notices due.

    Nothing is recorded where the strategy tells nobody anything.
    """
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    if rules is None or rules.strategy.notify is None:
        return
    known.follow(engine.store, engine.now())
    with engine.store.reading() as reading:
        known.look(reading)
        waiting = [p for p in _waiting(reading, environment) if not known.is_unasked(p)]
        asked = {p.id: people for p in waiting if (people := _asked(reading, p, engine.now(), known))}
    if not asked:
        return
    with engine.store.transaction() as transaction:
        still = [p.id for p in _waiting(transaction, environment) if p.id in asked]
        told = [transaction.append(ApprovalAsked(key, asked[key]), ENGINE) for key in still]
    engine.tell(told)


def _waiting(reading: Reading, environment: str) -> tuple[Promotion, ...]:
    found = reading.find(Promotion, environment=environment, states=(PromotionState.WAITING,))
    return tuple(p for p in found if p.kind is DeploymentKind.FORWARD and not p.asked_at)


def _asked(reading: Reading, promotion: Promotion, now: str, known: Known) -> tuple[str, ...]:
    """Return who may give the approval that this promotion waits for; nobody while something else is in the way."""
    case = case_of(reading, promotion)
    facts = gather(reading, case, now) if case else None
    people = people_asked(facts) if facts else ()
    if facts and not people:
        known.leave_unasked(facts)
    return people


def _in_the_way(gate: GateResult) -> list[GateResult]:
    """Return what of a gate is closed; where one of several is enough and one is an approval, only that."""
    closed = [leaf for leaf in gate.leaves() if leaf.state not in OPENING]
    asked = [leaf for leaf in closed if leaf.gate == "approval" and leaf.state is GateState.PENDING]
    return asked if asked and gate.gate == "any" else closed


def people_asked(facts: Facts) -> tuple[str, ...]:
    """Return whom a promotion waits for. Pure."""
    closed = [leaf for gate in judge(facts).closed for leaf in _in_the_way(gate)]
    kinds = {leaf.gate for leaf in closed if leaf.state is GateState.PENDING}
    blocked = any(leaf.state is not GateState.PENDING or leaf.gate not in {"approval", *_TIMED} for leaf in closed)
    if "approval" not in kinds or blocked:
        return ()
    given = {d.by for d in facts.decisions if d.digest == facts.digest}
    able = [name for rule in facts.stage.rules_of("approval") for name in speakers(rule, facts) if name not in given]
    return tuple(dict.fromkeys(able))
