"""Gates in words: what each rule of a stage asks, for people who will never read a configuration file."""

from __future__ import annotations

from lampway.domain.spans import span_in_words
from lampway.domain.strategy import GateRule, Stage, Strategy
from lampway.domain.strategy_document import joined

_PLAIN = {
    "previous-stage": "exactly this release, byte for byte, was verified in the stage before",
    "configuration": "the environment gives a value for everything that the release asks for",
    "drift": "nobody has edited this solution live there",
    "lock": "makers cannot edit there",
    "rollback-target": "it is known which release would be brought back",
    "managed": "its package is managed, where the platform knows that",
    "dependencies": "the solutions that it needs run there, in versions that will do",
    "certified": "its owner has confirmed that it is still needed",
    "data": "its checks ran on masked or synthetic data, and it is recorded on which",
    "checklist": "every item of the stage's checklist was answered, each by whom it is for",
}


def gate_in_words(rule: GateRule, strategy: Strategy) -> str:  # noqa: PLR0911 - a line per kind
    """Return what must hold, as a clause."""
    match rule.gate:
        case "checks":
            kinds = f"every {joined(rule.kinds)} check" if rule.kinds else "every check of the solution"
            age = f", no longer than {span_in_words(rule.max_age)} ago" if rule.max_age else ""
            return f"{kinds} passed in the stage before{age}"
        case "findings":
            return f"no {joined(rule.severities or ('secret', 'endpoint'), 'or')} is hardcoded in the package"
        case "soak":
            return f"it ran verified in the stage before for {span_in_words(rule.wait)}"
        case "rehearsed":
            age = f", no longer than {span_in_words(rule.max_age)} ago" if rule.max_age else ""
            return f"this upgrade, and the way back from it, were carried out in a stage before{age}"
        case "ticket":
            form = f" of the form {rule.pattern}" if rule.pattern else ""
            return f"it goes by a change ticket{form}"
        case "approval":
            return _approval(rule, strategy)
        case "any":
            return f"one of these holds: {'; or '.join(gate_in_words(inner, strategy) for inner in rule.rules)}"
        case "all":
            return f"all of these hold: {'; and '.join(gate_in_words(inner, strategy) for inner in rule.rules)}"
        case _:
            return _PLAIN.get(rule.gate, f"the gate {rule.gate} is open")


def _approval(rule: GateRule, strategy: Strategy) -> str:
    names = [person.name for person in strategy.people if person.id in rule.people]
    who = joined([*(f"the {role}s" for role in rule.roles), *names], "or")
    count = "one" if rule.quorum == 1 else f"{rule.quorum} different people"
    text = f"{count} of {who} said yes, who neither made it nor asked for it"
    if rule.require:
        text += f"; among them {joined(f'{want.count} {want.role}' for want in rule.require)}"
    if rule.signed:
        text += "; each signed with a key of their own"
    if rule.max_age:
        text += f"; a yes lapses after {span_in_words(rule.max_age)}"
    for risk in rule.risk:
        needs = f"{risk.approvals} approvals" if risk.approvals else "passed checks alone"
        text += f"; risk class {risk.name} takes {needs}"
    if rule.cooling:
        text += f"; a team of one goes on alone {span_in_words(rule.cooling)} after sealing"
    return text


def stage_in_words(stage: Stage) -> tuple[str, ...]:
    """Return what else holds for a stage besides its gates: windows, expiry, waivers."""
    found = []
    if stage.windows:
        found.append(f"deployments start only within: {'; '.join(window.words for window in stage.windows)}")
    if stage.expires:
        found.append(f"what still waits after {span_in_words(stage.expires)} has to be asked for again")
    if stage.waiver_roles:
        found.append(
            f"an exception from a gate takes a reason, an end, and somebody else: {joined(stage.waiver_roles)}"
        )
    return tuple(found)
