"""Gates about what stands behind a release: its form, a rehearsal, what it needs, its owner's word, data, a ticket."""

from __future__ import annotations

from lampway.domain.dependencies import is_at_least, needs_of
from lampway.domain.deployment import Evidence, Installation, KnownGood
from lampway.domain.judgement import Facts, GateResult, GateState
from lampway.domain.moments import is_fresh, seconds_between, shown
from lampway.domain.package import Dependency
from lampway.domain.spans import span_in_words
from lampway.domain.standing import newest, required
from lampway.domain.strategy import Check, GateRule, Solution
from lampway.domain.ticket import matches

TEST_DATA = ("masked", "synthetic")
"""Classes of data that evidence may be collected on."""


def managed(rule: GateRule, facts: Facts) -> GateResult:
    """Judge whether the package is in the platform's managed form, where it has one."""
    inventory = facts.release.inventory
    match inventory.managed:
        case None:
            return GateResult(rule.gate, GateState.PASSED, f"{inventory.platform} has no managed form of a package")
        case True:
            return GateResult(rule.gate, GateState.PASSED, "the package is managed")
        case False:
            reason = "the package is unmanaged: what it brings could be edited where it runs"
            return GateResult(rule.gate, GateState.FAILED, reason, "export it as managed, and make a new release")


def rehearsed(rule: GateRule, facts: Facts) -> GateResult:
    """Judge whether exactly this upgrade, and the way back from it, were carried out where nothing is at stake."""
    here, back = installed(facts, facts.stage.environment, facts.solution), facts.rollback
    if here is None:
        return GateResult(rule.gate, GateState.PASSED, "first deployment: there is nothing to upgrade from")
    if here.release == facts.release.digest:
        return GateResult(rule.gate, GateState.PASSED, "this very release runs there: there is nothing to upgrade")
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    places = [stage.environment for stage in before if not facts.strategy.is_prod(stage.environment)]
    if back is None:
        reason = f"no known-good release to go back to in {facts.stage.environment}"
        return GateResult(rule.gate, GateState.FAILED, reason, f"lampway adopt {facts.stage.environment}")
    if not places:
        reason = "no stage of a test tier comes before this one"
        return GateResult(rule.gate, GateState.FAILED, reason, "put one before it, or take the gate out")
    return _rehearsed(rule, facts, places, (here, back))


def _rehearsed(rule: GateRule, facts: Facts, places: list[str], around: tuple[Installation, KnownGood]) -> GateResult:
    here, back = around
    way = f"{here.version} → {facts.release.version} → {back.version}"
    wanted = (here.release, facts.release.digest, back.release)
    done = [r for r in facts.rehearsals if r.environment in places and (r.old, r.new, r.back) == wanted]
    last = max(done, key=lambda r: r.at, default=None)
    cure = f"lampway rehearse {facts.release.name} --in {places[-1]}"
    if last is None:
        return GateResult(rule.gate, GateState.PENDING, f"not rehearsed in {' or '.join(places)}: {way}", cure)
    where = f"rehearsed in {last.environment} on {last.at[:10]}"
    if is_fresh(last.at, rule.max_age, facts.now):
        return GateResult(rule.gate, GateState.PASSED, f"{where}: {way}")
    return GateResult(rule.gate, GateState.EXPIRED, f"{where}, which counts for {span_in_words(rule.max_age)}", cure)


def dependencies(rule: GateRule, facts: Facts) -> GateResult:
    """Judge whether every other solution that the release needs runs in the target, in a version that will do."""
    needs = needs_of(facts.release)
    if not needs:
        return GateResult(rule.gate, GateState.PASSED, "it needs no other solution")
    found = [_need(rule, facts, need) for need in needs]
    for state in (GateState.INCONCLUSIVE, GateState.PENDING, GateState.WARNED):
        worst = next((result for result in found if result.state is state), None)
        if worst is not None:
            return worst
    return GateResult(rule.gate, GateState.PASSED, "; ".join(result.reason for result in found))


def _need(rule: GateRule, facts: Facts, need: Dependency) -> GateResult:
    place = facts.stage.environment
    wanted = f"{need.name} {need.version} or higher" if need.version else need.name
    here = installed(facts, place, need.name)
    if here is None and need.name not in [s.name for s in facts.strategy.solutions]:
        reason = f"{wanted} is needed, and is no solution of this strategy: only the platform can tell"
        return GateResult(rule.gate, GateState.WARNED, reason)
    ask = f"lampway promote {need.name} --to {place}"
    if here is None:
        return GateResult(rule.gate, GateState.PENDING, f"{wanted} is needed, and nothing of it runs in {place}", ask)
    will_do = is_at_least(here.version, need.version)
    if will_do is None:
        reason = f"it cannot be told whether {need.name} {here.version} is {need.version} or higher"
        return GateResult(rule.gate, GateState.INCONCLUSIVE, reason, "number its versions as in 1.4.0")
    if not will_do:
        reason = f"{wanted} is needed, and {here.version} runs in {place}"
        return GateResult(rule.gate, GateState.PENDING, reason, ask)
    if not here.verified:
        again = f"lampway check run {need.name} --in {place}"
        reason = f"{wanted} is needed, and {here.version} in {place} was not verified"
        return GateResult(rule.gate, GateState.PENDING, reason, again)
    return GateResult(rule.gate, GateState.PASSED, f"{need.name} {here.version} runs in {place}")


def certified(rule: GateRule, facts: Facts) -> GateResult:
    """Judge whether the solution's owner has confirmed, recently enough, that it is still needed."""
    solution, found = facts.strategy.solution(facts.solution), facts.certification
    who = " or ".join(name for name in (solution.owner, solution.backup_owner) if name)
    cure = f"{who}: lampway recertify {facts.solution}"
    if found is None:
        return GateResult(rule.gate, GateState.FAILED, "no owner ever confirmed that it is still needed", cure)
    if not facts.now:
        return GateResult(rule.gate, GateState.INCONCLUSIVE, "nobody knows the time")
    if not found.holds(facts.now):
        return GateResult(rule.gate, GateState.EXPIRED, f"its certification ended {shown(found.until)}", cure)
    reason = f"certified by {found.by} until {shown(found.until)}"
    left = seconds_between(facts.now, found.until)
    if left <= rule.warn:
        return GateResult(rule.gate, GateState.WARNED, f"{reason}, only {span_in_words(left)} more; {cure}")
    return GateResult(rule.gate, GateState.PASSED, reason)


def data(rule: GateRule, facts: Facts) -> GateResult:
    """Judge on what data the evidence that counts for this release was collected."""
    solution = facts.strategy.solution(facts.solution)
    checks = _counting(facts, solution)
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    place = before[-1].environment if before else facts.stage.environment
    if not checks:
        reason, cure = f"no check is declared for {solution.name}", f"declare one in solutions/{solution.name}"
        return GateResult(rule.gate, GateState.FAILED, reason, cure)
    found = [_on_data(rule, facts, check, place) for check in checks]
    for state in (GateState.FAILED, GateState.ERRORED, GateState.INCONCLUSIVE, GateState.PENDING):
        worst = next((result for result in found if result.state is state), None)
        if worst is not None:
            return worst
    return GateResult(rule.gate, GateState.PASSED, "; ".join(dict.fromkeys(result.reason for result in found)))


def _counting(facts: Facts, solution: Solution) -> tuple[Check, ...]:
    """Return the checks whose evidence the stage asks for; every one where no gate says which."""
    rules = facts.stage.rules_of("checks") or (GateRule("checks"),)
    wanted = {check.name for rule in rules for check in required(solution, rule)}
    return tuple(check for check in solution.checks if check.name in wanted)


def _on_data(rule: GateRule, facts: Facts, check: Check, place: str) -> GateResult:
    told = newest(facts.evidence, check, place)
    verb = "attest" if check.attested else "run"
    again = f"lampway check {verb} {facts.release.name} --in {place} --check {check.name}"
    if told is None:
        reason = f"check *{check.name}* has told nothing in {place} yet"
        return GateResult(rule.gate, GateState.PENDING, reason, again)
    declared = facts.strategy.environment(place).data
    kinds = {told.data or declared, declared}
    file = f"environments/{place}.yaml"
    if "" in kinds and "production" not in kinds:
        cure = f"say what `data` it is in {file}, apply the strategy, then: {again}"
        return GateResult(rule.gate, GateState.ERRORED, f"nobody has said what data is in {place}", cure)
    wrong = next((kind for kind in ("production", "none", *sorted(kinds)) if kind in kinds - {*TEST_DATA}), "")
    if wrong:
        reason = f"check *{check.name}* ran on {'no' if wrong == 'none' else wrong} data in {place}"
        cure = f"give {place} masked or synthetic data, say so in {file}, then: {again}"
        return GateResult(rule.gate, GateState.FAILED, reason, cure)
    if not told.data_digest:
        reason = f"it was not recorded on which data set check *{check.name}* ran in {place}"
        return GateResult(rule.gate, GateState.INCONCLUSIVE, reason, _to_record(check, file, again))
    return GateResult(rule.gate, GateState.PASSED, _in_words(told, declared))


def _to_record(check: Check, file: str, again: str) -> str:
    digest = " --data-digest sha256:..." if check.attested else ""
    return f"give {file} a `data_set` with its digest, apply the strategy, then: {again}{digest}"


def _in_words(told: Evidence, declared: str) -> str:
    name = f" *{told.data_set}*" if told.data_set else ""
    return f"{told.data or declared} data{name} in {told.environment}, {told.data_digest[:19]}"


def ticket(rule: GateRule, facts: Facts) -> GateResult:
    """Judge whether the promotion goes by a change ticket of the right form."""
    ask = f"lampway promote {facts.release.name} --to {facts.stage.name} --ticket ID"
    cure = f"lampway ticket {facts.promotion} ID" if facts.promotion else ask
    if not facts.ticket:
        return GateResult(rule.gate, GateState.PENDING, "no change ticket was given", cure)
    if not matches(rule.pattern, facts.ticket):
        reason = f"change ticket {facts.ticket} is not of the form {rule.pattern}"
        return GateResult(rule.gate, GateState.FAILED, reason, cure)
    return GateResult(rule.gate, GateState.PASSED, f"change ticket {facts.ticket}")


def installed(facts: Facts, environment: str, solution: str) -> Installation | None:
    """Return what runs of a solution there; only what was gathered is known."""
    wanted = (environment, solution)
    return next((i for i in facts.installations if (i.environment, i.solution) == wanted), None)
