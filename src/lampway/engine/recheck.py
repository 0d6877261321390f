"""Running checks again, without deploying anything: on request, or because what they told has grown old.

Only exactly the release that is installed is ever judged: what was edited live is refused, and a result is recorded
only if nothing was deployed while the check ran.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.deployment import (
    STILL_THERE,
    CheckOutcome,
    Deployment,
    DeploymentState,
    DriftFinding,
    Evidence,
    Installation,
)
from lampway.domain.events import ENGINE, Actor, DeploymentFinished, PromotionMoved
from lampway.domain.gates import judge
from lampway.domain.health import WatchState
from lampway.domain.judgement import Eligibility, Facts, GateState
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.standing import CheckState, required, standings
from lampway.domain.strategy import Check, Solution, Stage
from lampway.engine import platform as port
from lampway.engine.attestations import attest_deployment
from lampway.engine.checking import Site, add_evidence, run_check
from lampway.engine.context import Engine, Request, access_to, find_release, resolve_secrets, rules_in_force
from lampway.engine.deploy import rolled_back
from lampway.engine.drift import scan_one
from lampway.engine.facts import case_of, gather, installed
from lampway.engine.fallback import verified, watch_for
from lampway.engine.steps import READ_BACK, check_files, owe_tag
from lampway.engine.store import Reading, Transaction
from lampway.errors import LampwayError, NotFoundError, RefusedError, UsageError

_BUSY = (DeploymentState.RUNNING, DeploymentState.RECONCILE)


@dataclass(frozen=True, slots=True)
class Checked:
    """What running checks again came to."""

    release: str
    environment: str
    evidence: tuple[Evidence, ...]
    verified: bool
    """Whether the release counts as known-good there because of this run."""
    voided: tuple[str, ...]
    """Ids of promotions that lost their ground."""


@dataclass(frozen=True, slots=True)
class RunChecks(Request[Checked]):
    """Run the checks of what is installed, without deploying."""

    release: str
    """`solution@version`, or `solution` for what is installed there."""
    environment: str
    """Name of a stage or of its environment."""
    check: str = ""
    """One check; empty for every one that can be run."""


def run_checks(engine: Engine, request: RunChecks, actor: Actor) -> Checked:
    """Run checks against the release that is installed and record what each told, as soon as it is known.

    A complete run that passes makes a release known-good whose deployment could not be verified. Raises NotFoundError,
    UsageError, and RefusedError where not exactly this release is there, or something else is deployed meanwhile.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        require_person(reading, actor)
        solution = strategy.solution(request.release.partition("@")[0])
        stage = strategy.stage(solution.name, request.environment)
        release = named_release(reading, request.release, stage)
    chosen = _chosen(solution, request.check)
    site, here = open_site(engine, release, stage.environment)
    evidence, voided = _run_all(site, here, chosen, actor)
    complete = {c.name for c in chosen} == {c.name for c in solution.automatic}
    passed = complete and all(e.outcome is CheckOutcome.PASSED for e in evidence)
    verified = passed and _verify_late(site, here)
    return Checked(release.name, stage.environment, evidence, verified, voided)


def require_person(reading: Reading, actor: Actor) -> None:
    """Insist that whoever acts is somebody. Raises RefusedError."""
    if rules_in_force(reading).strategy.person(actor.person) is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")


def named_release(reading: Reading, name: str, stage: Stage) -> Release:
    """Return the release by its name; without a version, the one that is installed there. Raises NotFoundError."""
    here = installed(reading, stage.environment, name) if "@" not in name else None
    return find_release(reading, f"{name}@{here.version}" if here else name)


def _chosen(solution: Solution, name: str) -> tuple[Check, ...]:
    found = next((c for c in solution.checks if c.name == name), None)
    if name and found is None:
        known = ", ".join(c.name for c in solution.checks) or "none"
        raise NotFoundError(f"{solution.name} has no check named *{name}*", hint=f"there is: {known}")
    if found is not None and found.attested:
        raise UsageError(f"check *{name}* is attested by a person, not run", hint="lampway check attest")
    if not solution.automatic:
        raise UsageError(
            f"{solution.name} has no check that can be run",
            hint=f"declare one in solutions/{solution.name}/solution.yaml",
        )
    return (found,) if found else solution.automatic


def open_site(engine: Engine, release: Release, environment: str) -> tuple[Site, Installation]:
    """Return where checks of this release are run, once it is known that exactly it is there. Raises RefusedError."""
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
        here = require_installed(reading, release, environment)
    place = rules.strategy.environment(environment)
    scan_one(engine, access_to(engine, place), engine.platform(place.platform), here)
    with engine.store.reading() as reading:
        refuse_edited(reading, here)
    return site_of(engine, release, here), here


def site_of(engine: Engine, release: Release, here: Installation) -> Site:
    """Return where checks of what is installed are run, without looking whether it was edited. Raises SecretError."""
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
    place = rules.strategy.environment(here.environment)
    solution = rules.strategy.solution(release.solution)
    access = access_to(engine, place)
    secrets = resolve_secrets(engine, here.configuration)
    return Site(
        engine=engine,
        solution=solution,
        release=release,
        environment=here.environment,
        access=access,
        platform=engine.platform(place.platform),
        installed=port.Installed(engine.packages.get(here.package), here.configuration),
        files=check_files(engine, rules.commit, solution),
        secrets=(*access.credentials.values(), *(s for f in secrets.values() for s in f.values())),
        deployment=here.deployment,
    )


def require_installed(reading: Reading, release: Release, environment: str) -> Installation:
    """Return the installation of exactly this release. Raises RefusedError when it is not what is there."""
    here = installed(reading, environment, release.solution)
    busy = reading.find(Deployment, environment=environment, solution=release.solution, states=_BUSY)
    if busy:
        raise RefusedError(
            f"a deployment of {release.solution} is under way in {environment}", hint="lampway status, lampway resume"
        )
    if here is None or here.release != release.digest:
        what = f"{here.version} is" if here else "nothing is"
        raise RefusedError(
            f"{release.name} is not installed in {environment}: {what}",
            hint="only what is there can be checked: lampway status",
        )
    return here


def refuse_edited(reading: Reading, here: Installation) -> None:
    """Refuse to judge what was edited live: it is not what was released. Raises RefusedError."""
    found = reading.find(DriftFinding, environment=here.environment, solution=here.solution, states=STILL_THERE)
    if found:
        raise RefusedError(
            f"{here.environment} was edited live, so checks there say nothing about the release: {found[0].changes[0]}",
            hint=f"lampway drift revert {here.solution} --in {here.environment}",
        )


def _run_all(
    site: Site, here: Installation, checks: Sequence[Check], actor: Actor
) -> tuple[tuple[Evidence, ...], tuple[str, ...]]:
    """Run checks one after the other, each recorded before the next one starts."""
    found, voided = [], []
    for check in checks:
        evidence = run_check(site, check)
        with site.engine.store.transaction() as transaction:
            _require_unchanged(transaction, here)
            told = add_evidence(site.engine, transaction, evidence, actor, declared=(site.solution, check))
        site.engine.tell(told)
        found.append(evidence)
        voided += [t.event.promotion for t in told if isinstance(t.event, PromotionMoved)]
    return tuple(found), tuple(voided)


def _require_unchanged(transaction: Transaction, here: Installation) -> None:
    now = installed(transaction, here.environment, here.solution)
    busy = transaction.find(Deployment, environment=here.environment, solution=here.solution, states=_BUSY)
    same = now is not None and (now.release, now.deployment, now.since) == (here.release, here.deployment, here.since)
    if busy or not same:
        raise RefusedError(
            f"something was deployed to {here.environment} while the check ran; its result was not recorded",
            hint="run it again",
        )


def _verify_late(site: Site, here: Installation) -> bool:
    """Make known-good what was deployed and read back, and whose checks did not pass then. Returns whether it did."""
    engine = site.engine
    with engine.store.reading() as reading:
        deployment = reading.get(Deployment, here.deployment)
        strategy = rules_in_force(reading).strategy
    if here.verified or deployment is None or not _awaits_verdict(deployment):
        return False
    note = "verified later: its checks passed when they were run again"
    ended = DeploymentFinished(deployment.id, DeploymentState.SUCCEEDED, note)
    with engine.store.transaction() as transaction:
        _require_unchanged(transaction, here)
        backwards = rolled_back(transaction, deployment) if deployment.kind is DeploymentKind.ROLLBACK else []
        watch = watch_for(strategy, deployment, engine.now())
        events = (*verified(deployment, watch), ended, *backwards)
        told = [transaction.append(event, ENGINE) for event in events]
        statements = attest_deployment(engine, transaction, deployment.id, DeploymentState.SUCCEEDED)
        told += [transaction.append(event, ENGINE) for event in statements]
        owe_tag(transaction, strategy, site.release, here.environment)
    engine.tell(told)
    return True


def _awaits_verdict(deployment: Deployment) -> bool:
    """Return whether all that a deployment lacks is that its checks pass, or that it does well for a while."""
    did_badly = deployment.watch == WatchState.FAILED
    return did_badly or (deployment.state is DeploymentState.FAILED and deployment.is_done(READ_BACK))


def may_collect(judged: Eligibility) -> bool:
    """Return whether evidence that a forward promotion relies on has grown old, and nothing else says no to it."""
    states = {g.state for g in judged.closed}
    return GateState.EXPIRED in states and not states - {GateState.EXPIRED, GateState.PENDING}


def collect_expired(engine: Engine, promotion: Promotion) -> str:
    """Run again what this promotion relies on and what has grown old, if nothing else says no to it.

    Returns why it could not be done, in words; empty when it was, or when there was nothing to do.
    """
    with engine.store.reading() as reading:
        case = case_of(reading, promotion)
        facts = gather(reading, case, engine.now()) if case else None
    if facts is None or not may_collect(judge(facts)):
        return ""
    try:
        for place, checks in _expired(facts).items():
            site, here = open_site(engine, facts.release, place)
            _run_all(site, here, checks, ENGINE)
    except LampwayError as error:
        return f"expired evidence could not be collected again: {error}"
    return ""


def _expired(facts: Facts) -> dict[str, list[Check]]:
    """Return the checks to be run again, by environment; what people attest is theirs."""
    solution = facts.strategy.solution(facts.solution)
    places = tuple(s.environment for s in facts.strategy.stages_before(facts.solution, facts.stage))
    found: dict[str, list[Check]] = {}
    for rule in facts.stage.rules_of("checks") if places else ():
        for standing in standings(required(solution, rule), facts.evidence, places, rule.max_age, facts.now):
            if standing.state is CheckState.EXPIRED and not standing.check.attested:
                found.setdefault(standing.environment, []).append(standing.check)
    return found


@dataclass(frozen=True, slots=True)
class ShowLapsed(Request[tuple[Promotion, ...]]):
    """What the asking person asked for or decided, and what was voided since."""


def show_lapsed(engine: Engine, request: ShowLapsed, actor: Actor) -> tuple[Promotion, ...]:
    """Return voided promotions that nothing newer has taken the place of, oldest first."""
    del request
    with engine.store.reading() as reading:
        person = rules_in_force(reading).strategy.person(actor.person)
        names = {actor.person, person.id if person else ""} - {""}
        newest = {(p.solution, p.stage): p for p in reading.find(Promotion)}
    return tuple(
        p
        for p in newest.values()
        if p.state is PromotionState.VOIDED and names & {p.requested_by, *(d.by for d in p.decisions)}
    )
