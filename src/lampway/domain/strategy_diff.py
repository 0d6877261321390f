"""What separates two strategies, in words that somebody who must decide about it can read."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lampway.domain.digest import canonical, to_plain
from lampway.domain.notify_diff import notify_changes, watch_changes
from lampway.domain.recertification import recertification_words
from lampway.domain.spans import span_in_words
from lampway.domain.strategy import (
    Check,
    Environment,
    GateRule,
    Person,
    Pipeline,
    Solution,
    Stage,
    Strategy,
    StrategyChange,
    Tier,
    Values,
)
from lampway.domain.unlocking import UnlockRule

_LONGEST = 60
_SECRET_NAME = re.compile(r"pass(word|wd|phrase)?|secret|token|credential|private.?key|api.?key|auth", re.IGNORECASE)


def compare(old: Strategy, new: Strategy) -> tuple[StrategyChange, ...]:
    """Return every difference between two strategies, always in the same order; none when both are equal.

    Names decide what is the same thing: a tier, stage or person under another name is one removed and one added.
    Secret references are shown, for they are no secrets; a variable's value is not where its name sounds like one.
    """
    return tuple(StrategyChange(place, summary) for place, summary in _strategy(old, new))


_Change = tuple[str, str]


def _strategy(old: Strategy, new: Strategy) -> Iterator[_Change]:
    yield from _fields("strategy", old, new, ("team", "next_review"))
    if old.second_person_applies != new.second_person_applies:
        need = "must be applied by a second person" if new.second_person_applies else "need no second person any more"
        yield "strategy", f"changes of the strategy {need}"
    if old.retention != new.retention:
        kept = (span_in_words(span) if span else "for good" for span in (old.retention, new.retention))
        yield "strategy", f"packages that never were in production are kept: {' → '.join(kept)}"
    yield from _named("tier", old.tiers, new.tiers, _tier)
    yield from _members("strategy", "role", old.roles, new.roles)
    yield from _fields("strategy", old, new, ("checkpoints",))
    yield from (("strategy", f"freeze removed: {f.words}") for f in old.freezes if f not in new.freezes)
    yield from (("strategy", f"freeze added: {f.words}") for f in new.freezes if f not in old.freezes)
    yield from _order("strategy", "freezes", [f.words for f in old.freezes], [f.words for f in new.freezes])
    yield from _members("strategy", "schedule", _schedules(old), _schedules(new))
    apart = [[f"{' and '.join(c.roles)}" for c in s.conflicts] for s in (old, new)]
    yield from _members("strategy", "never at once:", *apart)
    yield from _terms_of("readiness", "item", old.readiness.items, new.readiness.items, "item")
    yield from _terms_of("readiness", "not ours:", old.readiness.not_ours, new.readiness.not_ours, "item")
    yield from notify_changes(old.notify, new.notify)
    yield from _members("strategy", "claim", *([rule.words for rule in s.claims] for s in (old, new)))
    yield from _members("strategy", "checks may reach", old.check_networks, new.check_networks)
    yield from _members("strategy", "recertification:", *(recertification_words(s.recertification) for s in (old, new)))
    if old.retirement != new.retirement:
        waits = " → ".join(span_in_words(s.retirement.wait) for s in (old, new))
        yield "strategy", f"what is retired is switched off before it is removed for: {waits}"
    yield from _named("pipeline", old.pipelines, new.pipelines, _pipeline)
    yield from _people(old.people, new.people)
    yield from _named("environment", old.environments, new.environments, _environment)
    yield from _named("solution", old.solutions, new.solutions, _solution)


def _schedules(rules: Strategy) -> tuple[str, ...]:
    """Return what workers do by the clock, a line each."""
    remind = rules.schedules.remind
    scans = tuple(f"drift scan of {one.words}" for one in rules.schedules.drift)
    scans += tuple(f"look at the lock of {one.words}" for one in rules.schedules.lock)
    return (*scans, *((f"reminder of what waits, every {span_in_words(remind)}",) if remind else ()))


def _tier(place: str, old: Tier, new: Tier) -> Iterator[_Change]:
    if old.locked != new.locked:
        yield place, "locked for makers" if new.locked else "no longer locked for makers"
    if old.unlock != new.unlock:
        yield place, f"may be unlocked: {_unlock(old.unlock)} → {_unlock(new.unlock)}"
    yield from _fields(place, old, new, ("purpose", "label"))


def _unlock(rule: UnlockRule | None) -> str:
    if rule is None:
        return "never"
    who = "by one person, reviewed by another" if rule.alone else "by two people"
    return f"for {span_in_words(rule.longest)} at most, {who}"


def _pipeline(place: str, old: Pipeline, new: Pipeline) -> Iterator[_Change]:
    if old.source != new.source:
        yield place, f"makers build in: {old.source} → {new.source}"
    yield from _named(f"{place}: stage", old.stages, new.stages, _stage)
    yield from _named(f"{place}: hotfix stage", old.hotfix, new.hotfix, _stage)


def _stage(place: str, old: Stage, new: Stage) -> Iterator[_Change]:
    yield from _fields(place, old, new, ("environment",))
    before, after = _gates(old.gates), _gates(new.gates)
    for kind in _both(before, after):
        if kind not in after:
            yield place, f"gate {kind} removed"
        elif kind not in before:
            yield place, f"gate {kind} added{_terms(after[kind])}"
            bare = replace(after[kind], require=(), risk=(), cooling=0.0)
            yield from _gate(place, bare, after[kind])
        else:
            yield from _gate(place, before[kind], after[kind])
    yield from _order(place, "gates", before, after)
    yield from _members(place, "window", [w.words for w in old.windows], [w.words for w in new.windows])
    yield from _spans(place, "promotions expire after", old.expires, new.expires)
    yield from _members(place, "may waive: role", old.waiver_roles, new.waiver_roles)
    yield from watch_changes(place, old.watch, new.watch)
    yield from _terms_of(place, "checklist item", old.checklist, new.checklist, "item")


def _gates(gates: Sequence[GateRule]) -> dict[str, GateRule]:
    """Return gates by kind; a kind that occurs again is numbered, so that none is passed over."""
    found: dict[str, GateRule] = {}
    for gate in gates:
        times = sum(1 for other in found.values() if other.gate == gate.gate)
        found[f"{gate.gate} {times + 1}" if times else gate.gate] = gate
    return found


def _terms(gate: GateRule) -> str:
    if gate.gate == "soak":
        return f": {span_in_words(gate.wait)}"
    if gate.rules:
        return f": {', '.join(_in_words(rule) for rule in gate.rules)}"
    if gate.gate == "rehearsed" and gate.max_age:
        return f": within {span_in_words(gate.max_age)}"
    if gate.gate == "certified":
        return f": warns {span_in_words(gate.warn)} before its end"
    if gate.gate != "approval":
        return f": {gate.pattern}" if gate.pattern else ""
    lasting = f", for {span_in_words(gate.max_age)}" if gate.max_age else ""
    return f": {gate.quorum} of {', '.join((*gate.roles, *gate.people))}{lasting}"


def _in_words(rule: GateRule) -> str:
    """Return a gate that another one is made of, with its own terms."""
    kinds = ", ".join((*rule.kinds, *rule.severities))
    return f"({rule.gate}{_terms(rule)}{f': {kinds}' if kinds else ''})"


def _spans(place: str, label: str, old: float, new: float) -> Iterator[_Change]:
    if old != new:
        before, after = (span_in_words(span) if span else "never" for span in (old, new))
        yield place, f"{label}: {before} → {after}"


def _gate(place: str, old: GateRule, new: GateRule) -> Iterator[_Change]:
    label = f"gate {new.gate}"
    if old.quorum != new.quorum:
        yield place, f"{label}: quorum {old.quorum} → {new.quorum}"
    yield from _spans(place, f"{label}: for", old.wait, new.wait)
    yield from _spans(place, f"{label}: lapses after", old.max_age, new.max_age)
    yield from _spans(place, f"{label}: warns before its end", old.warn, new.warn)
    if old.pattern != new.pattern:
        yield place, f"{label}: pattern {_shown(old.pattern or 'any')} → {_shown(new.pattern or 'any')}"
    parts = [_in_words(r) for r in old.rules], [_in_words(r) for r in new.rules]
    yield from _members(place, f"{label}: of", *parts)
    if old.rules != new.rules and parts[0] == parts[1]:
        yield place, f"{label}: a gate it is made of was changed"
    if old.signed != new.signed:
        yield place, f"{label}: {'must be signed' if new.signed else 'need no longer be signed'}"
    for name, word in (("roles", "role"), ("people", "person"), ("severities", "blocks"), ("kinds", "kinds")):
        before, after = getattr(old, name), getattr(new, name)
        if name == "kinds" and before != after:
            yield place, f"{label}: kinds {', '.join(before) or 'every'} → {', '.join(after) or 'every'}"
        elif before != after:
            yield from _members(place, f"{label}: {word}", before, after)

    if old.cooling != new.cooling:
        yield place, f"{label}: cooling of a team of one, in seconds: {old.cooling:g} → {new.cooling:g}"
    yield from _terms_of(place, f"{label}: requires", old.require, new.require, "role")
    yield from _terms_of(place, f"{label}: risk class", old.risk, new.risk, "name")


def _terms_of(place: str, word: str, old: Sequence[Any], new: Sequence[Any], key: str) -> Iterator[_Change]:
    """Yield which of the finer terms were added, removed or changed; each is told whole."""
    before, after = ({getattr(term, key): term for term in terms} for terms in (old, new))
    for name in _both(before, after):
        if name not in after:
            yield place, f"{word} {name} removed"
        elif name not in before:
            yield place, f"{word} {name} added: {_term(after[name], key)}"
        elif before[name] != after[name]:
            yield place, f"{word} {name}: {_term(before[name], key)} → {_term(after[name], key)}"
    yield from _order(place, word, before, after)


def _term(term: Any, key: str) -> str:
    facts = {k: v for k, v in to_plain(term).items() if k != key and v not in (None, [], "")}
    return ", ".join(f"{k.replace('_', ' ')} {', '.join(v) if isinstance(v, list) else v}" for k, v in facts.items())


def _people(old: Sequence[Person], new: Sequence[Person]) -> Iterator[_Change]:
    before, after = {p.id: p for p in old}, {p.id: p for p in new}
    for name in _both(before, after):
        place = f"person {name}"
        if name not in after:
            yield place, "removed"
        elif name not in before:
            bounds = {given.role: given.words for given in after[name].temporary}
            roles = ", ".join(bounds.get(role, role) for role in after[name].roles) or "no role"
            yield place, f"added: {after[name].name}, {roles}"
        else:
            yield from _fields(place, before[name], after[name], ("name", "since", "until"))
            yield from _members(place, "e-mail", before[name].emails, after[name].emails)
            yield from _members(place, "role", before[name].roles, after[name].roles)
            bounded = [[given.words for given in p.temporary] for p in (before[name], after[name])]
            yield from _members(place, "for a time:", *bounded)
            yield from _keys(place, before[name], after[name])
            accounts = [[f"{a.subject} at {a.issuer}" for a in p.accounts] for p in (before[name], after[name])]
            yield from _members(place, "account", *accounts)
    yield from _order("strategy", "people", before, after)


def _keys(place: str, old: Person, new: Person) -> Iterator[_Change]:
    before, after = {k.key: k for k in old.keys}, {k.key: k for k in new.keys}
    for name in _both(before, after):
        if name not in after:
            yield place, f"key removed: {name}"
        elif name not in before:
            yield place, f"key added: {name}, from {after[name].since}"
        else:
            yield from _fields(f"{place}: key {name}", before[name], after[name], ("since", "until", "revoked"))


def _environment(place: str, old: Environment, new: Environment) -> Iterator[_Change]:
    yield from _fields(place, old, new, ("tier", "platform", "url", "public_url", "data"))
    before, after = (f"{e.data_set.name} {e.data_set.digest}" if e.data_set else "" for e in (old, new))
    if before != after:
        yield place, f"data set: {_shown(before)} → {_shown(after)}"
    yield from _entries(place, "access", old.access, new.access)
    yield from _entries(place, "maker access", old.maker_access, new.maker_access)
    yield from _entries(place, "setting", old.settings, new.settings)
    yield from _spans(place, "longest wait", old.longest_wait, new.longest_wait)
    yield from _values(place, old.values, new.values)
    for solution in _both(old.solutions, new.solutions):
        mine = old.solutions.get(solution, Values()), new.solutions.get(solution, Values())
        yield from _values(f"{place}: {solution}", *mine)


def _values(place: str, old: Values, new: Values) -> Iterator[_Change]:
    yield from _entries(place, "variable", old.variables, new.variables)
    for name in _both(old.connections, new.connections):
        fields = old.connections.get(name, {}), new.connections.get(name, {})
        yield from _entries(place, f"connection {name}:", *fields)


def _solution(place: str, old: Solution, new: Solution) -> Iterator[_Change]:
    yield from _fields(place, old, new, ("pipeline", "owner", "backup_owner", "criticality", "data_class"))
    yield from _fields(place, old, new, ("rollback_plan",))
    yield from _entries(place, "depends on", old.depends_on, new.depends_on)
    yield from _members(place, "contains", old.contains, new.contains)
    yield from _members(place, "constant", old.constants, new.constants)
    for name in _both(old.connections, new.connections):
        fields = old.connections.get(name, ()), new.connections.get(name, ())
        yield from _members(place, f"connection {name}: field", *fields)
    yield from _named(f"{place}: check", old.checks, new.checks, _check)


def _check(place: str, old: Check, new: Check) -> Iterator[_Change]:
    yield from _fields(place, old, new, ("kind", "timeout", "report", "fail_on", "attested", "max_age", "signed"))
    before, after = _action(old), _action(new)
    if before != after:
        yield place, f"does: {before} → {after}"
    elif canonical(old.http) != canonical(new.http) or old.command != new.command:
        yield place, "asks in another way or expects something else"


def _action(check: Check) -> str:
    """Return what a check does, in short."""
    http = check.http
    if check.attested or check.platform:
        return "a tester attests it" if check.attested else f"{check.platform} run of the platform"
    return _shown(f"{http.get('method')} {http.get('path') or http.get('url')}" if http else " ".join(check.command))


def _named(
    kind: str, old: Sequence[Any], new: Sequence[Any], inner: Callable[[str, Any, Any], Iterator[_Change]]
) -> Iterator[_Change]:
    """Yield what was added (with all that it brings), removed, or differs within, by name."""
    before, after = {thing.name: thing for thing in old}, {thing.name: thing for thing in new}
    for name in _both(before, after):
        place = f"{kind} {name}"
        if name not in after:
            yield place, "removed"
        elif name not in before:
            bare, summary = _introduced(after[name])
            yield place, f"added{summary}"
            yield from inner(place, bare, after[name])
        else:
            yield from inner(place, before[name], after[name])
    yield from _order(kind.rpartition(": ")[0] or "strategy", f"{kind.rpartition(': ')[2]}s", before, after)


def _introduced(thing: Any) -> tuple[Any, str]:
    """Return something new without what it holds, and what is said about it by that alone."""
    match thing:
        case Pipeline():
            return replace(thing, stages=()), f": makers build in {thing.source}"
        case Stage():
            return Stage(thing.name, thing.environment, ()), f": environment {thing.environment}"
        case Environment():
            bare = Environment(thing.name, thing.tier, thing.platform, thing.url)
            return bare, f": {thing.platform} at {thing.url}, tier {thing.tier}"
        case Solution():
            bare_solution = Solution(thing.name, thing.pipeline, thing.owner, (), thing.criticality)
            return bare_solution, f": pipeline {thing.pipeline}, owner {thing.owner}, criticality {thing.criticality}"
        case Check():
            return thing, f": {thing.kind}, {_action(thing)}"
        case _:
            return Tier(thing.name), ""


def _fields(place: str, old: Any, new: Any, names: Sequence[str]) -> Iterator[_Change]:
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if before != after:
            yield place, f"{name.replace('_', ' ')}: {_shown(before)} → {_shown(after)}"


def _entries(place: str, kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[_Change]:
    for name in _both(old, new):
        before, after = (_entry(kind, name, entries) for entries in (old, new))
        if name not in new:
            yield place, f"{kind} {name} removed"
        elif name not in old:
            yield place, f"{kind} {name} added" + (f": {after}" if after else "")
        elif canonical(old[name]) != canonical(new[name]):
            yield place, f"{kind} {name}: {before} → {after}" if after else f"{kind} {name} changed"


def _entry(kind: str, name: str, entries: Mapping[str, Any]) -> str:
    """Return a value to be shown; nothing for a variable that may hold what nobody should read."""
    if kind == "variable" and _SECRET_NAME.search(name):
        return ""
    return _shown(entries.get(name))


def _members(place: str, word: str, old: Sequence[str], new: Sequence[str]) -> Iterator[_Change]:
    yield from ((place, f"{word} {_shown(item)} removed") for item in old if item not in new)
    yield from ((place, f"{word} {_shown(item)} added") for item in new if item not in old)
    yield from _order(place, word, old, new)


def _order(place: str, word: str, old: Iterable[str], new: Iterable[str]) -> Iterator[_Change]:
    """Yield when what both have in common stands in another order."""
    earlier, later = list(old), list(new)
    before = [name for name in earlier if name in later]
    after = [name for name in later if name in earlier]
    if before != after:
        yield place, f"order of {word}: {', '.join(before)} → {', '.join(after)}"


def _both(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return every key once: those of `new` in their order, then those that are gone."""
    return [*new, *(key for key in old if key not in new)]


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(to_plain(value), ensure_ascii=False)
    text = " ".join(text.split()) or "nothing"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
