"""What a change of the strategy changes for whom: who can do what, and what is asked of whom."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.gate_words import gate_in_words
from lampway.domain.roles import PERMISSIONS
from lampway.domain.strategy import Person, Stage, Strategy
from lampway.domain.strategy_document import joined

_TOLD_ELSEWHERE = ("approval", "checklist")
"""Gates that have sentences of their own."""


def effects(old: Strategy, new: Strategy) -> tuple[str, ...]:
    """Return what the change means, one sentence each: first for people, then for each stage, then for solutions."""
    return tuple(dict.fromkeys([*_for_people(old, new), *_for_stages(old, new), *_for_solutions(old, new)]))


def _for_people(old: Strategy, new: Strategy) -> Iterator[str]:
    names = dict.fromkeys([*(p.id for p in new.people), *(p.id for p in old.people)])
    for name in names:
        before, after = _abilities(old, name), _abilities(new, name)
        person = new.person(name) or old.person(name)
        shown = person.name if person else name
        gained = [what for what in after if what not in before]
        lost = [what for what in before if what not in after]
        if gained:
            yield f"{shown} can now {joined(gained)}"
        if lost:
            yield f"{shown} can no longer {joined(lost)}"


def _abilities(strategy: Strategy, name: str) -> list[str]:
    """Return what somebody may do, in words; nothing for who is not there."""
    person = next((p for p in strategy.people if p.id == name), None)
    if person is None:
        return []
    found = []
    for label, stage in _stages(strategy).items():
        if any(person in strategy.holders(rule.roles, rule.people) for rule in stage.rules_of("approval")):
            found.append(f"approve {label}{_until(person, stage)}")
        if set(stage.waiver_roles) & set(person.roles):
            found.append(f"waive gates of {label}")
        mine = [item.item for item in stage.checklist if item.by in person.roles]
        found += [f"answer {item} on the checklist of {label}" for item in mine]
    commands = [p.command for p in PERMISSIONS if p.roles and set(p.roles) & set(person.roles)]
    return found + [f"run `{command}`" for command in commands]


def _until(person: Person, stage: Stage) -> str:
    """Return for how long, where only a role that is held for a time allows it."""
    for rule in stage.rules_of("approval"):
        bound = {given.role: given.until for given in person.temporary}
        held = [role for role in rule.roles if role in person.roles]
        if person.id in rule.people or any(role not in bound for role in held):
            return ""
    ends = [given.until for given in person.temporary if given.until]
    return f" until {max(ends)}" if ends else ""


def _stages(strategy: Strategy) -> dict[str, Stage]:
    """Return every stage under the name that people know it by."""
    several = len(strategy.pipelines) > 1
    return {
        f"{stage.name} of {pipeline.name}" if several else stage.name: stage
        for pipeline in strategy.pipelines
        for stage in pipeline.every_stage
    }


def _for_stages(old: Strategy, new: Strategy) -> Iterator[str]:
    before, after = _stages(old), _stages(new)
    for label in dict.fromkeys([*after, *before]):
        if label not in after:
            yield f"nothing is promoted to {label} any more"
        elif label not in before:
            yield f"releases now also pass {label}"
        else:
            yield from _for_stage(label, (old, before[label]), (new, after[label]))


def _for_stage(label: str, old: tuple[Strategy, Stage], new: tuple[Strategy, Stage]) -> Iterator[str]:
    yield from _approvals(label, old[1], new[1])
    yield from _checklist(label, old[1], new[1])
    asked = [{gate_in_words(rule, strategy): rule for rule in stage.gates} for strategy, stage in (old, new)]
    for mine, other, words in ((asked[1], asked[0], "now also"), (asked[0], asked[1], "no longer")):
        told = [text for text, rule in mine.items() if text not in other and rule.gate not in _TOLD_ELSEWHERE]
        yield from (f"before {label} it is {words} asked that {text}" for text in told)
    if old[1].windows != new[1].windows:
        windows = "; ".join(w.words for w in new[1].windows)
        yield f"deployments to {label} may now start {f'only within: {windows}' if windows else 'at any time'}"
    if bool(old[1].waiver_roles) and not new[1].waiver_roles:
        yield f"nobody can waive a gate of {label} any more"


def _approvals(label: str, old: Stage, new: Stage) -> Iterator[str]:
    before, after = (sum(rule.quorum for rule in stage.rules_of("approval")) for stage in (old, new))
    if before and not after:
        yield f"nobody needs to approve {label} any more"
    elif before != after:
        yield f"{label} now needs {after} approval{'s' if after != 1 else ''}, and needed {before or 'none'} before"
    signed = [all(rule.signed for rule in stage.rules_of("approval")) for stage in (old, new)]
    if before and after and signed[0] != signed[1]:
        yield f"approvals of {label} {'must now be signed' if signed[1] else 'need no longer be signed'}"
    alone = [any(rule.cooling for rule in stage.rules_of("approval")) for stage in (old, new)]
    if alone[0] != alone[1]:
        yield f"{'nobody' if alone[1] else 'somebody'} else needs to say yes before {label}{' any more' * alone[1]}"


def _checklist(label: str, old: Stage, new: Stage) -> Iterator[str]:
    before, after = (bool(stage.rules_of("checklist")) for stage in (old, new))
    if before and not after:
        yield f"nobody needs to answer the checklist of {label} any more"
    elif after and not before:
        parts = joined(dict.fromkeys(f"the {item.by}" for item in new.checklist))
        yield f"a checklist is now answered before {label}, by {parts}"


def _for_solutions(old: Strategy, new: Strategy) -> Iterator[str]:
    before = {s.name: s for s in old.solutions}
    for solution in new.solutions:
        was = before.get(solution.name)
        if was is None:
            owner = _name(new, solution.owner)
            yield f"{solution.name} now follows the path {solution.pipeline}, and {owner} answers for it"
            continue
        if was.owner != solution.owner:
            owners = _name(new, solution.owner), _name(old, was.owner)
            yield f"{owners[0]} now answers for {solution.name}, and no longer {owners[1]}"
        if was.pipeline != solution.pipeline:
            yield f"{solution.name} now follows the path {solution.pipeline}, and no longer {was.pipeline}"
    now = {s.name for s in new.solutions}
    yield from (f"{name} is governed no more" for name in before if name not in now)


def _name(strategy: Strategy, person: str) -> str:
    found = strategy.person(person)
    return found.name if found else person
