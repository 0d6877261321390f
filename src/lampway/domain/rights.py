"""Rights: who may approve, waive and answer about one promotion. Never a maker of its content, nor whoever asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from lampway.domain.duties import ChecklistItem
from lampway.domain.given import unproved
from lampway.domain.promotion import Decision
from lampway.domain.quorum import Delegation, Voice, count_voices
from lampway.domain.strategy import GateRule, Person
from lampway.domain.waiver import WAIVABLE

if TYPE_CHECKING:
    from lampway.domain.judgement import Facts


def objection(rule: GateRule, facts: Facts, person: str) -> str:
    """Return why this person's approval cannot count, in words; empty when it can."""
    somebody = facts.strategy.person(person)
    if somebody is None:
        return f"{person} is nobody in people.yaml"
    if not somebody.is_here(facts.now):
        return somebody.absence(facts.now)
    if speaks_for(rule, facts, somebody.id):
        return ""
    given = [d for d in facts.delegations if d.to == somebody.id and d.holds(facts.now)]
    if not holds(rule, somebody, facts.now) and not given:
        wanted = ", ".join((*rule.roles, *rule.people))
        return f"{somebody.name} is not one of those who may approve here: {wanted}"
    whose = f"{somebody.name} may speak for {given[0].by}, but not here" if given else ""
    doubts = [f"that {d.by} lets {d.to} approve {doubt}" for d in given if (doubt := doubt_of(rule, facts, d))]
    return bias(facts, somebody) or next(iter(doubts), whose)


def doubt_of(rule: GateRule, facts: Facts, given: Delegation) -> str:
    """Return why a delegation does not count where it must be signed; empty when it does."""
    return unproved(facts.strategy, given) if rule.signed else ""


def speaks_for(rule: GateRule, facts: Facts, person: str) -> tuple[str, ...]:
    """Return whose approval this person may give now: their own, then those that were delegated to them."""
    somebody = facts.strategy.person(person)
    return speakers(rule, facts).get(somebody.id, ()) if somebody else ()


def speakers(rule: GateRule, facts: Facts) -> dict[str, tuple[str, ...]]:
    """Return everybody who may give an approval now, in the order of people.yaml, with whose it is as above."""
    able = [person.id for person in independent(rule, facts)]
    lent: dict[str, list[str]] = {}
    for given in facts.delegations:
        if given.by in able and given.by != given.to and given.holds(facts.now) and not doubt_of(rule, facts, given):
            lent.setdefault(given.to, []).append(given.by)
    biased = _biased(facts)
    people = facts.strategy.people
    free = [person.id for person in people if person.id not in biased and person.is_here(facts.now)]
    found = {name: (*([name] if name in able else ()), *dict.fromkeys(lent.get(name, ()))) for name in free}
    return {name: whose for name, whose in found.items() if whose}


def independent(rule: GateRule, facts: Facts) -> tuple[Person, ...]:
    """Return whom the gate names and nothing biases. Only their voices count or can be lent, so there are no chains."""
    return tuple(p for p in _unbiased(rule, facts) if p.is_here(facts.now) and holds(rule, p, facts.now))


def holds(rule: GateRule, person: Person, at: str) -> bool:
    """Return whether the gate names them, or one of the roles they hold at this ISO time."""
    return person.id in rule.people or bool(set(rule.roles) & set(person.roles_at(at)))


def _unbiased(rule: GateRule, facts: Facts) -> tuple[Person, ...]:
    biased = _biased(facts)
    return tuple(p for p in facts.strategy.holders(rule.roles, rule.people) if p.id not in biased)


def voices(rule: GateRule, facts: Facts, decisions: Iterable[Decision]) -> tuple[Voice, ...]:
    """Return the voices among these decisions that count, as the people and delegations of their time allow."""
    able, biased = {person.id for person in _unbiased(rule, facts)}, _biased(facts)

    def voice_of(decision: Decision) -> Voice | None:
        speaker = facts.strategy.person(decision.by)
        principal = facts.strategy.person(decision.on_behalf_of) if decision.on_behalf_of else speaker
        if speaker is None or principal is None or speaker.id in biased or principal.id not in able:
            return None
        if not (speaker.is_here(decision.at) and principal.is_here(decision.at)):
            return None
        if not holds(rule, principal, decision.at):
            return None
        speaker, principal = speaker.as_of(decision.at), principal.as_of(decision.at)
        lent = (d for d in facts.delegations if (d.by, d.to) == (principal.id, speaker.id))
        given = [d for d in lent if not doubt_of(rule, facts, d)]
        is_own = speaker.id == principal.id
        return Voice(speaker, principal) if is_own or any(d.holds(decision.at) for d in given) else None

    return count_voices(decisions, voice_of)


def _biased(facts: Facts) -> set[str]:
    """Return the ids of everybody who is not independent of this promotion, as `bias` says why."""
    involved = {facts.strategy.person(name) for name in (facts.requested_by, *facts.makers)}
    editors = {p.id for p in facts.strategy.people if "maker" in p.roles} if facts.editors_unknown else set()
    return {person.id for person in involved if person is not None} | editors


def bias(facts: Facts, somebody: Person) -> str:
    """Return why this person is not independent of this promotion; empty when they are."""
    if facts.strategy.person(facts.requested_by) == somebody:
        return f"{somebody.name} asked for it"
    if somebody in [facts.strategy.person(m) for m in facts.makers]:
        return f"{somebody.name} made what is in it"
    if facts.editors_unknown and "maker" in somebody.roles:
        return f"{somebody.name} may edit in dev, and the platform does not say who did"
    return ""


def waiver_objection(facts: Facts, gate: str, person: str) -> str:
    """Return why this person cannot waive this gate here, in words; empty when they can."""
    stage = facts.stage
    timed = {"window": stage.windows, "freeze": facts.strategy.freezes}
    if gate not in [rule.gate for rule in stage.gates] and not timed.get(gate):
        return f"stage {stage.name} has no gate {gate}"
    if gate not in WAIVABLE or (gate == "previous-stage" and facts.strategy.is_prod(stage.environment)):
        return f"the gate {gate} of stage {stage.name} cannot be waived"
    if not stage.waiver_roles:
        return f"nobody may waive a gate of stage {stage.name}"
    somebody = facts.strategy.person(person)
    if somebody is None:
        return f"{person} is nobody in people.yaml"
    if not set(stage.waiver_roles) & set(somebody.roles_at(facts.now)):
        return f"{somebody.name} is not one of those who may waive here: {', '.join(stage.waiver_roles)}"
    return somebody.absence(facts.now) or bias(facts, somebody)


def answer_objection(facts: Facts, item: ChecklistItem, person: str) -> str:
    """Return why it is not this person's part to answer the item, in words; empty when it is."""
    somebody = facts.strategy.person(person)
    if somebody is None:
        return f"{person} is nobody in people.yaml"
    if not somebody.is_here(facts.now):
        return somebody.absence(facts.now)
    match item.by:
        case "evidence":
            return f"{item.item} is answered by the gate {item.gate}"
        case "maker":
            held = somebody.roles_at(facts.now)
            is_maker = somebody in [facts.strategy.person(m) for m in facts.makers] or "maker" in held
            return "" if is_maker else f"{item.item} is for a maker to answer, and {somebody.name} is none"
        case "approver":
            rules = facts.stage.rules_of("approval")
            found = [objection(rule, facts, somebody.id) for rule in rules] or [_lacks(item, somebody.as_of(facts.now))]
            return found[0] if all(found) else ""
        case _:
            return _lacks(item, somebody.as_of(facts.now))


def _lacks(item: ChecklistItem, somebody: Person) -> str:
    return "" if item.by in somebody.roles else f"{item.item} is for a {item.by} to answer, and {somebody.name} is none"
