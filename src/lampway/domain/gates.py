"""Gates: small pure judgements, and eligibility, the one function that everybody asks.

`explain`, the inbox and the engine's own decision to start all use `judge`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from lampway.domain.assurances import certified, data, dependencies, managed, rehearsed, ticket
from lampway.domain.break_glass import break_glass
from lampway.domain.checklist import ChecklistLine, unanswered, with_answer
from lampway.domain.duties import ChecklistItem, RiskClass
from lampway.domain.given import unproved
from lampway.domain.hotfix import short_path
from lampway.domain.judgement import OPENING, Eligibility, Facts, GateResult, GateState
from lampway.domain.liveedits import drift
from lampway.domain.moments import is_before, is_fresh, later, moment_in_words, seconds_between, shown
from lampway.domain.package import Reversibility
from lampway.domain.promotion import Decision, DeploymentKind
from lampway.domain.quorum import Voice, unmet_roles
from lampway.domain.rights import answer_objection, independent, speakers, voices, waiver_objection
from lampway.domain.risk import classify
from lampway.domain.spans import span_in_words
from lampway.domain.standing import TESTER, CheckState, Standing, required, standings
from lampway.domain.stops import standing
from lampway.domain.strategy import GateRule, Stage, Strategy
from lampway.domain.waiver import Waiver, newest_valid
from lampway.domain.windows import is_any_open, next_opening


def judge(facts: Facts) -> Eligibility:
    """Return every gate's result for these facts. Pure: the same facts give the same answer, always.

    A rollback or a redeploy goes by its own short rule: a named person and a reason, given with the request. What
    stops (hold, emergency stop, veto) stops every lane; what nobody declared is listed only where it closes.
    """
    if facts.kind is not DeploymentKind.FORWARD:
        return Eligibility((_named_person(facts), *_stops(facts)))
    declared = tuple(_judged(rule, facts) for rule in facts.stage.gates)
    timed = tuple(_excepted(result, facts) for result in _timed(facts))
    return Eligibility((*declared, *short_path(facts), *_stops(facts), *timed) if declared else ())


def _stops(facts: Facts) -> tuple[GateResult, ...]:
    held = standing(facts.holds, facts.solution, facts.stage.environment, facts.now)
    stopped = tuple(GateResult(hold.gate, GateState.FAILED, hold.words, hold.cure) for hold in held)
    results = (*stopped, *break_glass(facts))
    if facts.veto is None or facts.removes:
        return results
    return (*results, GateResult("veto", GateState.FAILED, facts.veto.words, "make a new release; a veto stays"))


def _timed(facts: Facts) -> tuple[GateResult, ...]:
    """Judge what the calendar says: windows, freezes, and for how long a promotion may wait."""
    stage, freezes = facts.stage, facts.strategy.freezes
    if not facts.now:
        asks = [("window", stage.windows), ("freeze", freezes), ("expiry", stage.expires)]
        return tuple(GateResult(gate, GateState.INCONCLUSIVE, "nobody knows the time") for gate, rule in asks if rule)
    now = datetime.fromisoformat(facts.now)
    results = [_window(facts, now)] if stage.windows else []
    for freeze in freezes:
        if freeze.is_on(stage.environment, now):
            end = moment_in_words(datetime.fromisoformat(freeze.end), freeze.zone)
            results.append(GateResult("freeze", GateState.PENDING, f"frozen: {freeze.reason}", f"ends {end}"))
    if is_overdue(facts.stage, facts.requested_at, facts.now):
        reason = f"asked for more than {span_in_words(stage.expires)} ago"
        again = f"ask again: lampway promote {facts.release.name} --to {stage.name}"
        results.append(GateResult("expiry", GateState.FAILED, reason, again))
    return tuple(results)


def _window(facts: Facts, now: datetime) -> GateResult:
    windows = facts.stage.windows
    allowed = "; ".join(window.words for window in windows)
    if is_any_open(windows, now):
        return GateResult("window", GateState.PASSED, f"open: {allowed}")
    opening = next_opening(windows, now)
    when = f"opens {moment_in_words(*opening, now)}" if opening else "never opens"
    return GateResult("window", GateState.PENDING, f"closed; {when}", f"deployments start {allowed}")


def is_overdue(stage: Stage, requested_at: str, now: str) -> bool:
    """Return whether a promotion asked for at that time has waited longer than its stage allows."""
    return bool(stage.expires and requested_at) and seconds_between(requested_at, now) > stage.expires


def _judged(rule: GateRule, facts: Facts) -> GateResult:
    """Judge one gate; where it is closed and validly waived, say so beside what it would be otherwise."""
    return _excepted(_GATES[rule.gate](rule, facts), facts)


def _excepted(result: GateResult, facts: Facts) -> GateResult:
    gate, asked = result.gate, facts.stage.asks_signatures
    if result.state in OPENING:
        return result
    counted = [w for w in facts.waivers if not (asked and unproved(facts.strategy, w))]
    waiver = newest_valid(counted, gate, facts.now)
    if waiver is None or waiver_objection(facts, gate, waiver.by):
        idle = newest_valid(facts.waivers, gate, facts.now)
        return _unwaived(result, facts, idle) if idle is not None and idle not in counted else result
    reason = f"waived by {waiver.by} until {shown(waiver.until)}: {waiver.reason}"
    return GateResult(gate, GateState.WAIVED, reason, original=f"{result.state}: {result.reason}")


def _unwaived(result: GateResult, facts: Facts, waiver: Waiver) -> GateResult:
    """Return the result of a gate with why a waiver that was given does not count."""
    why = f"{result.reason}; the waiver by {waiver.by} {unproved(facts.strategy, waiver)}"
    return replace(result, reason=why, next=f"{waiver.by} signs and waives again: lampway key create; or {result.next}")


def _named_person(facts: Facts) -> GateResult:
    if facts.allowed_by:
        reason = f"by itself, as promotion {facts.allowed_by} into this stage allowed"
        return GateResult("named-person", GateState.PASSED, reason)
    person = facts.strategy.person(facts.requested_by)
    if person is None:
        return GateResult(
            "named-person",
            GateState.FAILED,
            f"{facts.requested_by} is nobody in people.yaml",
            "add them to people.yaml",
        )
    if not person.is_here(facts.now):
        hint = "let somebody else ask for it"
        return GateResult("named-person", GateState.FAILED, person.absence(facts.now), hint)
    return GateResult("named-person", GateState.PASSED, f"asked for by {person.name}")


def _previous_stage(rule: GateRule, facts: Facts) -> GateResult:
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    if not before:
        return GateResult(rule.gate, GateState.FAILED, "there is no stage before this one", "put a stage before it")
    last = before[-1]
    if last.environment in facts.verified_in:
        return GateResult(rule.gate, GateState.PASSED, f"this very release was verified in {last.name}")
    if last.environment in facts.watched_in:
        reason = f"this release is still being watched in {last.name}"
        return GateResult(rule.gate, GateState.PENDING, reason, "lampway resume, when its time is over")
    return GateResult(
        rule.gate,
        GateState.PENDING,
        f"this release was not verified in {last.name}",
        f"lampway promote {facts.release.name} --to {last.name}",
    )


def _checks(rule: GateRule, facts: Facts) -> GateResult:
    solution = facts.strategy.solution(facts.solution)
    wanted = required(solution, rule)
    unmet = set(rule.kinds) - {c.kind for c in wanted}
    if not wanted or unmet:
        what = f"no {' or '.join(sorted(unmet))} check is declared" if unmet else "no check is declared"
        return GateResult(
            rule.gate, GateState.FAILED, f"{what} for {facts.solution}", f"declare one in solutions/{facts.solution}"
        )
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    places = tuple(s.environment for s in before) or (facts.stage.environment,)
    found = standings(wanted, facts.evidence, places, rule.max_age, facts.now)
    worst = next((s for state in _WORST for s in found if s.state is state), None)
    if worst is None:
        return GateResult(rule.gate, GateState.PASSED, f"{len(wanted)} of {len(wanted)} checks passed in {places[-1]}")
    return GateResult(rule.gate, _WORST[worst.state], worst.reason, _cure_of(worst, facts))


_WORST = {
    CheckState.FAILED: GateState.FAILED,
    CheckState.ERRORED: GateState.ERRORED,
    CheckState.UNCLEAR: GateState.INCONCLUSIVE,
    CheckState.MISSING: GateState.PENDING,
    CheckState.EXPIRED: GateState.EXPIRED,
}
"""The first of these states that a check is in is the gate's."""


def _cure_of(standing: Standing, facts: Facts) -> str:
    """Return who or what can change how a check stands."""
    place = f"{facts.release.name} --in {standing.environment}"
    if standing.check.attested:
        testers = ", ".join(p.id for p in facts.strategy.holders((TESTER,))) or "nobody has the role tester yet"
        attest = f"lampway check attest {place} --check {standing.check.name} --outcome passed --cases '...'"
        return f"a tester ({testers}): {attest}" + ("; signed: lampway key create" if standing.check.signed else "")
    again = f"lampway check run {place} --check {standing.check.name}"
    match standing.state:
        case CheckState.FAILED:
            return f"mend it and make a new release; where the release was not to blame: {again}"
        case CheckState.ERRORED:
            return f"this says nothing about the release; mend what kept the check from running, then: {again}"
        case CheckState.MISSING if standing.environment not in facts.verified_in:
            return f"lampway promote {facts.release.name} --to {standing.environment}"
        case _:
            return again


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
        names = ", ".join(m.words for m in facts.missing)
        return GateResult(
            rule.gate,
            GateState.FAILED,
            f"{facts.stage.environment} gives no value for: {names}",
            f"set it in environments/{facts.stage.environment}.yaml and apply the strategy",
        )
    return GateResult(rule.gate, GateState.PASSED, "every variable and connection has a value")


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
    brings = f"a rollback brings back {facts.rollback.version}"
    match facts.change.reversibility if facts.change else Reversibility.REVERSIBLE:
        case Reversibility.FORWARD_ONLY:
            waive = f"lampway waive {facts.promotion or 'PROMOTION'} {rule.gate} --until DAY --reason ..."
            cure = f"somebody who may waive here acknowledges that there is only the way forward: {waive}"
            return GateResult(rule.gate, GateState.FAILED, "this change cannot be taken back: forward-only", cure)
        case Reversibility.DATA_STEP:
            return GateResult(rule.gate, GateState.WARNED, f"{brings}, and not the data that this change touches")
        case _:
            return GateResult(rule.gate, GateState.PASSED, brings)


def _approval(rule: GateRule, facts: Facts) -> GateResult:
    unknown = [m for m in facts.makers if facts.strategy.person(m) is None]
    if unknown:
        return GateResult(
            rule.gate, GateState.FAILED, f"its maker {unknown[0]} is nobody in people.yaml", "add them to people.yaml"
        )
    if facts.requested_by and facts.strategy.person(facts.requested_by) is None:
        reason = f"{facts.requested_by}, who asks for it, is nobody in people.yaml"
        return GateResult(rule.gate, GateState.FAILED, reason, "add them to people.yaml, or let somebody else ask")
    bound = [d for d in facts.decisions if d.digest == facts.digest and counts_still(rule, facts, d)]
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
    have = f"{label}{len(heard)} of {quorum} approvals" + _uncounted(rule, facts)
    have += f", still without {' and '.join(unmet)}" if unmet and rule.require else ""
    own = independent(rule, facts)
    if len(own) < quorum or unmet_roles(rule.require, own):
        lacking = " and ".join(unmet_roles(rule.require, own))
        who = f"nobody is left for {lacking}" if lacking else f"only {len(own)} who neither made nor asked for it"
        reason = f"{have}, and {who}" + ("" if lacking else " may approve")
        return GateResult(rule.gate, GateState.FAILED, reason, "give the role to somebody else in people.yaml")
    counted = {p.id for v in heard for p in (v.speaker, v.principal)}
    able = {name: set(whose) - counted for name, whose in speakers(rule, facts).items() if name not in counted}
    able = {name: whose for name, whose in able.items() if whose}
    waiting = ", ".join(able)
    ask_first = f"lampway promote {facts.release.name} --to {facts.stage.name}"
    command = f"one of {waiting}: lampway approve {facts.promotion}" if facts.promotion else ask_first
    return GateResult(rule.gate, GateState.PENDING, have, command + _keyless(rule, facts, able))


def unsigned(rule: GateRule, strategy: Strategy, decision: Decision) -> str:
    """Return why a decision does not count where it must be signed, in words; empty when it does."""
    doubt = unproved(strategy, decision) if rule.signed else ""
    return f"what {decision.by} decided {doubt}" if doubt else ""


def _keyless(rule: GateRule, facts: Facts, able: Iterable[str]) -> str:
    """Return who could say yes and has no key to sign it with yet."""
    people = [facts.strategy.person(name) for name in able] if rule.signed and facts.now else []
    lacking = [p.id for p in people if p and not any(k.is_valid(facts.now) for k in p.keys)]
    return f" (without a key yet: {', '.join(lacking)}; lampway key create --add)" if lacking else ""


def _uncounted(rule: GateRule, facts: Facts) -> str:
    """Return which decisions about this very digest do not count for want of a signature."""
    reasons = [unsigned(rule, facts.strategy, d) for d in facts.decisions if d.digest == facts.digest]
    return "".join(f"; {reason}" for reason in reasons if reason)


def risk_class(rule: GateRule, facts: Facts) -> RiskClass | None:
    """Return the risk class of this release at this gate, or None where none fits.

    A class without approvals stands on evidence alone: it fits only while the checks themselves, not a waiver, passed
    and nobody edited live what would be overwritten.
    """
    change = None if facts.drift else facts.change
    solution = facts.strategy.solution(facts.solution)
    found = classify(rule.risk, solution.criticality, change, rule.quorum, data_class=solution.data_class)
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
    waits += "".join(_doubts(facts, {line.item for line in missing}))
    ask_first = f"lampway promote {facts.release.name} --to {facts.stage.name}"
    command = f"lampway checklist {facts.promotion} --answer {missing[0].item}=yes" if facts.promotion else ask_first
    return GateResult(rule.gate, GateState.PENDING, f"{have}; open: {waits}", command)


def _doubts(facts: Facts, items: set[str]) -> Iterator[str]:
    """Yield what was answered to these items and does not count for want of a signature."""
    for answer in facts.answers if facts.stage.asks_signatures else ():
        doubt = unproved(facts.strategy, answer) if answer.item in items else ""
        if doubt:
            yield f"; what {answer.by} answered to {answer.item} {doubt}"


def checklist(facts: Facts) -> tuple[ChecklistLine, ...]:
    """Return the stage's checklist with the answers that hold: of those whose part it is, or of evidence."""
    return tuple(_line(item, facts) for item in facts.stage.checklist)


def _line(item: ChecklistItem, facts: Facts) -> ChecklistLine:
    if item.by != "evidence":
        asked = facts.stage.asks_signatures
        given = [a for a in facts.answers if not (asked and unproved(facts.strategy, a))]
        mine = (a for a in reversed(given) if a.item == item.item)
        return with_answer(item, next((a for a in mine if not answer_objection(facts, item, a.by)), None))
    rule = next((r for r in facts.stage.gates if r.gate == item.gate != "checklist"), None)
    if rule is None:
        return ChecklistLine(item.item, item.text, item.by)
    found = _GATES[rule.gate](rule, facts)
    reply = "yes" if found.state in OPENING else "" if found.state is GateState.PENDING else "no"
    return ChecklistLine(item.item, item.text, item.by, reply, f"gate {item.gate}", found.reason)


def _soak(rule: GateRule, facts: Facts) -> GateResult:
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    if not before or not facts.now:
        reason = "nobody knows the time" if before else "there is no stage before this one"
        return GateResult(rule.gate, GateState.INCONCLUSIVE, reason, "put a stage before it")
    place = before[-1]
    stays = [stay for stay in facts.stays if stay.environment == place.environment]
    lasted = max((stay.seconds(facts.now) for stay in stays), default=0.0)
    if stays and lasted >= rule.wait:
        return GateResult(rule.gate, GateState.PASSED, f"ran verified in {place.name} for {span_in_words(lasted)}")
    reason = f"{span_in_words(lasted)} of {span_in_words(rule.wait)} in {place.name}"
    running = [stay for stay in stays if not stay.until]
    if not running:
        ask = f"lampway promote {facts.release.name} --to {place.name}"
        return GateResult(rule.gate, GateState.PENDING, f"{reason}, and it does not run there verified now", ask)
    opens = datetime.fromisoformat(running[-1].since) + timedelta(seconds=rule.wait)
    when = moment_in_words(opens, now=datetime.fromisoformat(facts.now))
    return GateResult(rule.gate, GateState.PENDING, f"{reason}; opens {when}", "wait; then: lampway resume")


def _any(rule: GateRule, facts: Facts) -> GateResult:
    return _composed(rule, facts, min, "one of these is enough")


def _all(rule: GateRule, facts: Facts) -> GateResult:
    return _composed(rule, facts, max, "all of these are needed")


def _composed(
    rule: GateRule, facts: Facts, choose: Callable[[list[tuple[bool, int]]], tuple[bool, int]], words: str
) -> GateResult:
    """Judge a gate made of others: the best of them decides, or the worst. Nothing to judge means no."""
    parts = tuple(_GATES[part.gate](part, facts) for part in rule.rules)
    if not parts:
        return GateResult(rule.gate, GateState.FAILED, "it is made of no gate at all", "name the gates, or take it out")
    order = list(GateState)
    ranked = [(part.state not in OPENING, order.index(part.state)) for part in parts]
    state = order[choose(ranked)[1]]
    count = sum(part.state in OPENING for part in parts)
    reason = f"{words}: {count} of {len(parts)} open"
    closed = "" if state in OPENING else "see each of them"
    return GateResult(rule.gate, state, reason, closed, parts=parts)


def has_decided(facts: Facts, person: str) -> bool:
    """Return whether this person has decided about the promotion as it stands, and it still counts somewhere."""
    mine = [d for d in facts.decisions if d.by == person and d.digest == facts.digest]
    rules = facts.stage.rules_of("approval")
    return any(counts_still(rule, facts, d) for d in mine for rule in rules)


def counts_still(rule: GateRule, facts: Facts, decision: Decision) -> bool:
    """Return whether a decision is neither too old for the gate nor without the signature it asks for."""
    is_new = is_fresh(decision.at, rule.max_age, facts.now)
    return is_new and not unsigned(rule, facts.strategy, decision)


_GATES: dict[str, Callable[[GateRule, Facts], GateResult]] = {
    "previous-stage": _previous_stage,
    "checks": _checks,
    "findings": _findings,
    "configuration": _configuration,
    "drift": drift,
    "lock": _lock,
    "rollback-target": _rollback_target,
    "approval": _approval,
    "soak": _soak,
    "any": _any,
    "all": _all,
    "checklist": _checklist,
    "managed": managed,
    "rehearsed": rehearsed,
    "dependencies": dependencies,
    "certified": certified,
    "data": data,
    "ticket": ticket,
}

GATE_KINDS = tuple(_GATES)
"""Every kind of gate a strategy may declare."""
