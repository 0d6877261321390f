"""Gates: small pure judgements, and eligibility, the one function that everybody asks.

`explain`, the inbox and the engine's own decision to start all use `judge`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.checklist import Answer, ChecklistLine, unanswered, with_answer
from lampway.domain.configuration import Missing
from lampway.domain.deployment import CheckOutcome, DriftFinding, DriftState, Evidence, KnownGood, LockRecord
from lampway.domain.duties import ChecklistItem, RiskClass
from lampway.domain.moments import is_before, later, shown
from lampway.domain.promotion import Decision, DeploymentKind
from lampway.domain.quorum import Delegation, Voice, unmet_roles
from lampway.domain.release import Release
from lampway.domain.rights import answer_objection, independent, speakers, voices, waiver_objection
from lampway.domain.risk import ChangeFacts, classify
from lampway.domain.strategy import GateRule, Stage, Strategy
from lampway.domain.waiver import Waiver, newest_valid


class GateState(StrEnum):
    """What judging a gate came to."""

    PASSED = "passed"
    WARNED = "warned"
    WAIVED = "waived"
    """An accepted exception; never a pass."""
    PENDING = "pending"
    """Somebody or something has yet to answer."""
    INCONCLUSIVE = "inconclusive"
    """It cannot be told; counts as no."""
    FAILED = "failed"


OPENING = frozenset({GateState.PASSED, GateState.WARNED, GateState.WAIVED})
"""States in which a gate lets a release through."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The record of judging one gate."""

    gate: str
    state: GateState
    reason: str
    next: str = ""
    """Who or what can change it; empty when open."""
    original: str = ""
    """Where it is waived: the state and the reason it would have without the waiver."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a judgement may look at, gathered from the ledger."""

    strategy: Strategy
    solution: str
    stage: Stage
    release: Release
    kind: DeploymentKind
    requested_by: str
    promotion: str = ""
    """Id, for hints; empty when nobody has asked yet."""
    digest: str = ""
    """The promotion digest decisions must be bound to."""
    decisions: tuple[Decision, ...] = ()
    makers: tuple[str, ...] = ()
    """Makers of every release between what runs there and this one."""
    editors_unknown: bool = False
    missing: tuple[Missing, ...] = ()
    verified_in: tuple[str, ...] = ()
    """Environments in which exactly this release was verified."""
    evidence: tuple[Evidence, ...] = ()
    """About exactly this release, oldest first."""
    drift: tuple[DriftFinding, ...] = ()
    """Of this solution in the target, open or accepted."""
    lock: LockRecord | None = None
    is_first: bool = True
    """Whether nothing of this solution is installed in the target."""
    rollback: KnownGood | None = None
    now: str = ""
    """The moment of judging; empty: nothing that holds for a time holds."""
    waivers: tuple[Waiver, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    answers: tuple[Answer, ...] = ()
    """To the stage's checklist, oldest first."""
    change: ChangeFacts | None = None
    """What separates this release from what runs there, as it was sealed; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a release may enter a stage, gate by gate."""

    gates: tuple[GateResult, ...]

    @property
    def allowed(self) -> bool:
        """Whether every gate is open. No gates at all means no."""
        return bool(self.gates) and all(g.state in OPENING for g in self.gates)

    @property
    def closed(self) -> tuple[GateResult, ...]:
        """The gates that are not open."""
        return tuple(g for g in self.gates if g.state not in OPENING)

    @property
    def awaits_people(self) -> bool:
        """Whether only people's decisions are missing."""
        return bool(self.closed) and all(g.state is GateState.PENDING for g in self.closed)


def judge(facts: Facts) -> Eligibility:
    """Return every gate's result for these facts. Pure: the same facts give the same answer, always.

    A rollback or a redeploy goes by its own short rule: a named person and a reason, given with the request.
    """
    if facts.kind is not DeploymentKind.FORWARD:
        return Eligibility((_named_person(facts),))
    return Eligibility(tuple(_judged(rule, facts) for rule in facts.stage.gates))


def _judged(rule: GateRule, facts: Facts) -> GateResult:
    """Judge one gate; where it is closed and validly waived, say so beside what it would be otherwise."""
    result = _GATES[rule.gate](rule, facts)
    waiver = None if result.state in OPENING else newest_valid(facts.waivers, rule.gate, facts.now)
    if waiver is None or waiver_objection(facts, rule.gate, waiver.by):
        return result
    reason = f"waived by {waiver.by} until {shown(waiver.until)}: {waiver.reason}"
    return GateResult(rule.gate, GateState.WAIVED, reason, original=f"{result.state}: {result.reason}")


def _named_person(facts: Facts) -> GateResult:
    person = facts.strategy.person(facts.requested_by)
    if person is None:
        return GateResult(
            "named-person",
            GateState.FAILED,
            f"{facts.requested_by} is nobody in people.yaml",
            "add them to people.yaml",
        )
    return GateResult("named-person", GateState.PASSED, f"asked for by {person.name}")


def _previous_stage(rule: GateRule, facts: Facts) -> GateResult:
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    if not before:
        return GateResult(rule.gate, GateState.FAILED, "there is no stage before this one", "put a stage before it")
    last = before[-1]
    if last.environment in facts.verified_in:
        return GateResult(rule.gate, GateState.PASSED, f"this very release was verified in {last.name}")
    return GateResult(
        rule.gate,
        GateState.PENDING,
        f"this release was not verified in {last.name}",
        f"lampway promote {facts.release.name} --to {last.name}",
    )


def _checks(rule: GateRule, facts: Facts) -> GateResult:
    wanted = [c for c in facts.strategy.solution(facts.solution).checks if not rule.kinds or c.kind in rule.kinds]
    unmet = set(rule.kinds) - {c.kind for c in wanted}
    if not wanted or unmet:
        what = f"no {' or '.join(sorted(unmet))} check is declared" if unmet else "no check is declared"
        return GateResult(
            rule.gate, GateState.FAILED, f"{what} for {facts.solution}", f"declare one in solutions/{facts.solution}"
        )
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    place = before[-1].environment if before else facts.stage.environment
    newest = {e.check: e for e in facts.evidence if e.environment == place}
    for check in wanted:
        found = newest.get(check.name)
        if found is None:
            return GateResult(
                rule.gate, GateState.PENDING, f"check *{check.name}* has not run in {place}", f"deploy to {place}"
            )
        if found.outcome is not CheckOutcome.PASSED:
            reason = f"check *{check.name}* {found.outcome} in {place}: {found.summary}"
            return GateResult(rule.gate, GateState.FAILED, reason, "mend it and make a new release")
    return GateResult(rule.gate, GateState.PASSED, f"{len(wanted)} of {len(wanted)} checks passed in {place}")


def _findings(rule: GateRule, facts: Facts) -> GateResult:
    blocking = [f for f in facts.release.findings if f.severity in (rule.severities or ("secret", "endpoint"))]
    if blocking:
        first = blocking[0]
        more = f" and {len(blocking) - 1} more" if len(blocking) > 1 else ""
        return GateResult(
            rule.gate, GateState.FAILED, f"{first.summary} at {first.place}{more}", f"{first.fix}; make a new release"
        )
    return GateResult(rule.gate, GateState.PASSED, "no hardcoded secret or endpoint")


def _configuration(rule: GateRule, facts: Facts) -> GateResult:
    if facts.missing:
        names = ", ".join(f"{m.kind} {m.name}" for m in facts.missing)
        return GateResult(
            rule.gate,
            GateState.FAILED,
            f"{facts.stage.environment} gives no value for: {names}",
            f"set it in environments/{facts.stage.environment}.yaml and apply the strategy",
        )
    return GateResult(rule.gate, GateState.PASSED, "every variable and connection has a value")


def _drift(rule: GateRule, facts: Facts) -> GateResult:
    unresolved = [f for f in facts.drift if f.state is DriftState.OPEN]
    if unresolved:
        place = f"{facts.solution} --in {facts.stage.environment}"
        return GateResult(
            rule.gate,
            GateState.FAILED,
            f"{facts.stage.environment} was edited live: {unresolved[0].changes[0]}",
            f"lampway drift revert {place}, or lampway drift accept {place} --reason ...",
        )
    accepted = [f for f in facts.drift if f.state is DriftState.ACCEPTED]
    if accepted:
        return GateResult(rule.gate, GateState.WAIVED, f"accepted by {accepted[0].resolved_by}: {accepted[0].reason}")
    return GateResult(rule.gate, GateState.PASSED, "what runs is what was deployed")


def _lock(rule: GateRule, facts: Facts) -> GateResult:
    lock = facts.lock
    if lock is None:
        return GateResult(
            rule.gate, GateState.INCONCLUSIVE, "the lock was never looked at", f"lampway lock {facts.stage.environment}"
        )
    match lock.state:
        case "locked":
            return GateResult(rule.gate, GateState.PASSED, lock.summary)
        case "partial":
            return GateResult(rule.gate, GateState.WARNED, lock.summary)
        case "open":
            return GateResult(rule.gate, GateState.FAILED, lock.summary, lock.cure)
        case _:
            return GateResult(rule.gate, GateState.INCONCLUSIVE, lock.summary, lock.cure)


def _rollback_target(rule: GateRule, facts: Facts) -> GateResult:
    if facts.is_first:
        return GateResult(rule.gate, GateState.PASSED, "first deployment: a rollback removes it again")
    if facts.rollback is None:
        return GateResult(
            rule.gate,
            GateState.FAILED,
            f"no known-good release to go back to in {facts.stage.environment}",
            f"lampway adopt {facts.stage.environment}",
        )
    return GateResult(rule.gate, GateState.PASSED, f"a rollback brings back {facts.rollback.version}")


def _approval(rule: GateRule, facts: Facts) -> GateResult:
    unknown = [m for m in facts.makers if facts.strategy.person(m) is None]
    if unknown:
        return GateResult(
            rule.gate, GateState.FAILED, f"its maker {unknown[0]} is nobody in people.yaml", "add them to people.yaml"
        )
    if facts.requested_by and facts.strategy.person(facts.requested_by) is None:
        reason = f"{facts.requested_by}, who asks for it, is nobody in people.yaml"
        return GateResult(rule.gate, GateState.FAILED, reason, "add them to people.yaml, or let somebody else ask")
    bound = [d for d in facts.decisions if d.digest == facts.digest]
    refused = [d for d in bound if not d.approved]
    if refused:
        return GateResult(rule.gate, GateState.FAILED, f"rejected by {refused[-1].by}: {refused[-1].reason}")
    risk = risk_class(rule, facts)
    if risk is not None and not risk.approvals:
        return GateResult(rule.gate, GateState.PASSED, f"risk class {risk.name}: no approval asked for")
    if rule.cooling and len(facts.strategy.people) == 1:
        return _cooling(rule, facts)
    return _quorum(rule, facts, voices(rule, facts, bound), risk)


def _quorum(rule: GateRule, facts: Facts, heard: tuple[Voice, ...], risk: RiskClass | None) -> GateResult:
    quorum = risk.approvals if risk else rule.quorum
    label = f"risk class {risk.name}: " if risk else ""
    unmet = unmet_roles(rule.require, [v.principal for v in heard])
    if len(heard) >= quorum and not unmet:
        return GateResult(rule.gate, GateState.PASSED, f"{label}approved by {', '.join(map(str, heard))}")
    have = f"{label}{len(heard)} of {quorum} approvals"
    have += f", still without {' and '.join(unmet)}" if unmet and rule.require else ""
    own = independent(rule, facts)
    if len(own) < quorum or unmet_roles(rule.require, own):
        lacking = " and ".join(unmet_roles(rule.require, own))
        who = f"nobody is left for {lacking}" if lacking else f"only {len(own)} who neither made nor asked for it"
        reason = f"{have}, and {who}" + ("" if lacking else " may approve")
        return GateResult(rule.gate, GateState.FAILED, reason, "give the role to somebody else in people.yaml")
    counted = {p.id for v in heard for p in (v.speaker, v.principal)}
    able = {name: set(whose) - counted for name, whose in speakers(rule, facts).items() if name not in counted}
    waiting = ", ".join(name for name, whose in able.items() if whose)
    ask_first = f"lampway promote {facts.release.name} --to {facts.stage.name}"
    command = f"one of {waiting}: lampway approve {facts.promotion}" if facts.promotion else ask_first
    return GateResult(rule.gate, GateState.PENDING, have, command)


def risk_class(rule: GateRule, facts: Facts) -> RiskClass | None:
    """Return the risk class of this release at this gate, or None where none fits.

    A class without approvals stands on evidence alone: it fits only while the checks themselves, not a waiver, passed
    and nobody edited live what would be overwritten.
    """
    change = None if facts.drift else facts.change
    criticality = facts.strategy.solution(facts.solution).criticality
    found = classify(rule.risk, criticality, change, rule.quorum)
    return found if found is None or found.approvals or _has_evidence(facts) else None


def _has_evidence(facts: Facts) -> bool:
    rules = [rule for rule in facts.stage.gates if rule.gate == "checks"]
    return bool(rules) and all(_checks(rule, facts).state is GateState.PASSED for rule in rules)


def _cooling(rule: GateRule, facts: Facts) -> GateResult:
    """Judge for a team of one: evidence and time stand in for a second person, and are never called an approval."""
    if not _has_evidence(facts):
        reason = "no independent approval: the evidence that a team of one goes on is not there"
        return GateResult(rule.gate, GateState.PENDING, reason, "let the checks pass in the stage before")
    opens = later(facts.release.sealed_at, rule.cooling)
    if not facts.now or not opens or is_before(facts.now, opens):
        reason = f"no independent approval: cooling since it was sealed, until {shown(opens)}"
        return GateResult(rule.gate, GateState.PENDING, reason, "wait; then lampway resume")
    reason = f"no independent approval: team of one, cooled until {shown(opens)}, checks passed"
    return GateResult(rule.gate, GateState.WARNED, reason)


def _checklist(rule: GateRule, facts: Facts) -> GateResult:
    lines = checklist(facts)
    if not lines:
        hint = "give the stage a checklist in lampway.yaml"
        return GateResult(rule.gate, GateState.FAILED, f"stage {facts.stage.name} has no checklist", hint)
    denied = next((line for line in lines if line.reply == "no"), None)
    if denied is not None:
        note = f": {denied.note}" if denied.note else ""
        reason = f"{denied.item} was answered with no by {denied.answered_by}{note}"
        return GateResult(rule.gate, GateState.FAILED, reason, "see to it, and answer again")
    missing = unanswered(lines)
    have = f"{len(lines) - len(missing)} of {len(lines)} items answered"
    if not missing:
        return GateResult(rule.gate, GateState.PASSED, have)
    waits = ", ".join(f"{line.item} ({line.by})" for line in missing)
    ask_first = f"lampway promote {facts.release.name} --to {facts.stage.name}"
    command = f"lampway checklist {facts.promotion} --answer {missing[0].item}=yes" if facts.promotion else ask_first
    return GateResult(rule.gate, GateState.PENDING, f"{have}; open: {waits}", command)


def checklist(facts: Facts) -> tuple[ChecklistLine, ...]:
    """Return the stage's checklist with the answers that hold: of those whose part it is, or of evidence."""
    return tuple(_line(item, facts) for item in facts.stage.checklist)


def _line(item: ChecklistItem, facts: Facts) -> ChecklistLine:
    if item.by != "evidence":
        mine = (a for a in reversed(facts.answers) if a.item == item.item)
        return with_answer(item, next((a for a in mine if not answer_objection(facts, item, a.by)), None))
    rule = next((r for r in facts.stage.gates if r.gate == item.gate != "checklist"), None)
    if rule is None:
        return ChecklistLine(item.item, item.text, item.by)
    found = _GATES[rule.gate](rule, facts)
    reply = "yes" if found.state in OPENING else "" if found.state is GateState.PENDING else "no"
    return ChecklistLine(item.item, item.text, item.by, reply, f"gate {item.gate}", found.reason)


_GATES: dict[str, Callable[[GateRule, Facts], GateResult]] = {
    "previous-stage": _previous_stage,
    "checks": _checks,
    "findings": _findings,
    "configuration": _configuration,
    "drift": _drift,
    "lock": _lock,
    "rollback-target": _rollback_target,
    "approval": _approval,
    "checklist": _checklist,
}

GATE_KINDS = tuple(_GATES)
"""Every kind of gate a strategy may declare."""
