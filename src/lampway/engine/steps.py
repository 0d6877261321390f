"""The steps of a deployment: the plan as data, and what each of the engine's own steps does.

The plan is `pre-flight → keep → the platform's own steps → read-back → verify → record`. `plan_for` makes it,
`explain` prints it and `deploy` executes it. Every step of the engine may be repeated without harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import (
    CheckOutcome,
    Deployment,
    Evidence,
    Installation,
    PlannedStep,
)
from lampway.domain.events import ENGINE, Event, Installed, Recorded
from lampway.domain.package import Inventory, Scope, Severity
from lampway.domain.promotion import DeploymentKind
from lampway.domain.release import Release
from lampway.domain.secret import Secret
from lampway.domain.strategy import Check, Solution, Strategy
from lampway.engine import platform as port
from lampway.engine.checking import Site, add_evidence, run_check, worst_of
from lampway.engine.context import Engine, access_to, resolve_secrets, rules_in_force
from lampway.engine.facts import installed
from lampway.engine.fallback import verified, watch_for
from lampway.engine.journal import Journal, More
from lampway.engine.sharing import plan_among_others
from lampway.engine.store import Due, Reading, Transaction
from lampway.engine.strategy import support_files
from lampway.errors import LampwayError, RefusedError

PRE_FLIGHT, KEEP, READ_BACK, VERIFY, RECORD = "pre-flight", "keep", "read-back", "verify", "record"


class DisagreementError(LampwayError):
    """Engine and platform disagree about what is there; a person must say."""

    code = "reconcile"


class NotVerifiedError(RefusedError):
    """The release is in the environment, and a check says it does not do what it should."""

    code = "not-verified"


@dataclass(frozen=True, slots=True)
class Run:
    """One deployment being carried out, with everything its steps need."""

    engine: Engine
    deployment: Deployment
    strategy: Strategy
    commit: str
    """The governance commit in force: the scripts of checks are taken from it."""
    release: Release | None
    """None when the solution is removed."""
    platform: port.Platform
    access: port.Access
    wanted: port.Wanted
    before: Installation | None
    """What the records said was there when it began."""
    journal: Journal


@dataclass(frozen=True, slots=True)
class Taken:
    """What a step of the engine came to."""

    detail: dict[str, Any]
    also: More | None = None
    """Adds what it found to the ledger, together with its end."""


def plan_for(steps: tuple[port.StepPlan, ...], environment: str, checks: int) -> tuple[PlannedStep, ...]:
    """Return the whole plan around the platform's own steps."""
    many = "1 check" if checks == 1 else f"{checks} checks"
    verifying = f"run {many} in {environment}" if checks else "nothing to check: none is declared"
    return (
        PlannedStep(PRE_FLIGHT, False, f"look at {environment} and refuse before anything changes"),
        PlannedStep(KEEP, False, "keep what runs there now"),
        *(PlannedStep(s.name, True, s.summary) for s in steps),
        PlannedStep(READ_BACK, False, "read back and compare with the release"),
        PlannedStep(VERIFY, False, verifying),
        PlannedStep(RECORD, False, "record as known-good"),
    )


def wanted_for(
    engine: Engine,
    *,
    solution: str,
    release: Release | None,
    environment: str,
    configuration: ConfigurationSet,
) -> port.Wanted:
    """Return what the environment shall hold, packages verified and secrets resolved now."""
    with engine.store.reading() as reading:
        here = installed(reading, environment, solution)
        others = _others(reading, reading.find(Installation, environment=environment), solution)
    return port.Wanted(
        solution=solution,
        version=release.version if release else "",
        package=engine.packages.get(release.package.digest) if release else None,
        configuration=configuration,
        secrets=resolve_secrets(engine, configuration),
        installed=engine.packages.get(here.package) if here else None,
        others=others,
    )


def _others(reading: Reading, found: tuple[Installation, ...], solution: str) -> Mapping[str, Inventory]:
    inventories = {}
    for other in found:
        release = reading.get(Release, f"{other.solution}@{other.version}")
        if other.solution != solution and release is not None:
            inventories[other.solution] = release.inventory
    return inventories


def pre_flight(run: Run) -> Taken:
    """Look at the environment and refuse before anything changes. Raises RefusedError."""
    problems = plan_among_others(
        run.platform,
        run.access,
        run.wanted,
        place=run.strategy.environment(run.deployment.environment),
        inventory=run.release.inventory if run.release else None,
        goes_back=run.deployment.kind is not DeploymentKind.FORWARD,
    ).problems
    if problems:
        raise RefusedError(
            problems[0].summary,
            where=run.deployment.environment,
            hint=problems[0].hint,
            details=tuple(p.summary for p in problems),
        )
    if run.deployment.kind is DeploymentKind.FORWARD and run.before is not None:
        _refuse_drift(run, run.before)
    return Taken({})


def _refuse_drift(run: Run, here: Installation) -> None:
    from lampway.engine.drift import look_at_one

    known, tell = look_at_one(run.engine, run.access, run.platform, here)
    run.journal.hold(tell)
    if known is not None:
        place = f"{run.deployment.solution} --in {run.deployment.environment}"
        raise RefusedError(
            f"{run.deployment.environment} was edited live: {known.changes[0]}",
            hint=f"lampway drift revert {place}",
            details=known.changes,
        )


def keep(run: Run) -> Taken:
    """Keep what runs there now, live edits included, so that nothing that is overwritten is lost."""
    if run.before is None:
        return Taken({"kept": ""})
    rules = next((s for s in run.strategy.solutions if s.name == run.deployment.solution), None)
    if rules is None:
        return Taken({"kept": run.before.package})
    scope = Scope(rules.name, run.before.version, rules.contains, rules.constants, dict(rules.connections))
    try:
        live = run.platform.export(run.access, scope, {rules.name: scope}).package
    except LampwayError as error:
        return Taken({"kept": run.before.package, "note": f"what runs could not be exported: {error.message}"})
    if _holds_secret(run, live):
        note = "what runs holds a secret typed in live: it was not kept, for secrets are never stored"
        return Taken({"kept": run.before.package, "note": note})
    return Taken({"kept": run.engine.packages.put(live)})


def _holds_secret(run: Run, package: bytes) -> bool:
    inspection = run.platform.format.inspect(package)
    findings = run.engine.scanner.scan(inspection.literals, [v.name for v in inspection.inventory.variables])
    return any(f.severity is Severity.SECRET for f in findings)


def read_back(run: Run) -> Taken:
    """Compare what is there with the release. Raises DisagreementError when it is not what was deployed."""
    removed = run.wanted.package is None
    package = run.wanted.installed if removed else run.wanted.package
    if package is not None:
        expected = port.Installed(package, run.wanted.configuration)
        name = run.deployment.solution
        for attempt in range(5):
            observation = run.platform.observe(run.access, {name: expected})
            seen = observation.solutions[name]
            gone = not seen.definition.unchanged and not seen.definition.changed
            if (gone if removed else seen.is_clean) or attempt == 4:
                break
            run.engine.pause(0.2 * (attempt + 1))
        if not (gone if removed else seen.is_clean):
            differences = (*seen.definition.summaries(), *(e.summary for e in seen.configuration))
            raise DisagreementError(
                f"what is in {run.deployment.environment} is not what was deployed",
                details=differences or ("it is still there",),
                hint=f"lampway reconcile {run.deployment.solution} --in {run.deployment.environment}",
            )
    return Taken(
        {"digest": run.deployment.package}, lambda transaction: _add(transaction, Installed(run.deployment.id))
    )


def _add(transaction: Transaction, event: Event) -> list[Recorded]:
    return [transaction.append(event, ENGINE)]


def verify(run: Run) -> Taken:
    """Run the solution's checks against the environment. Raises NotVerifiedError when one does not pass."""
    if run.release is None:
        return Taken({"checks": 0})
    site = _site(run, run.release)
    found: list[Evidence] = []
    last: More | None = None
    for declared in site.solution.automatic:
        if last is not None:
            run.journal.write(also=last)
        found.append(run_check(site, declared))
        last = _keeping(site, declared, found[-1])
    worst = worst_of(found)
    if worst is not None:
        run.journal.write(also=last)
        raise _not_verified(worst)
    return Taken({"checks": len(found)}, last)


def _keeping(site: Site, declared: Check, evidence: Evidence) -> More:
    """Return what keeps a check's evidence: that of the last one comes with the end of the step."""
    return lambda transaction: add_evidence(
        site.engine, transaction, evidence, ENGINE, declared=(site.solution, declared)
    )


def _not_verified(worst: Evidence) -> NotVerifiedError:
    place = f"--in {worst.environment}"
    if worst.outcome is CheckOutcome.ERRORED:
        return NotVerifiedError(
            f"it could not be judged whether it works: check *{worst.check}* errored: {worst.summary}",
            where=worst.environment,
            hint=f"once the check can run: lampway check run {worst.solution}@{worst.version} {place}",
        )
    return NotVerifiedError(
        f"check *{worst.check}* {worst.outcome}: {worst.summary}",
        where=worst.environment,
        hint=f"lampway rollback {worst.solution} {place} --reason '...'",
    )


def _site(run: Run, release: Release) -> Site:
    solution = run.strategy.solution(run.deployment.solution)
    return Site(
        engine=run.engine,
        solution=solution,
        release=release,
        environment=run.deployment.environment,
        access=run.access,
        platform=run.platform,
        installed=port.Installed(run.wanted.package or b"", run.wanted.configuration),
        files=check_files(run.engine, run.commit, solution),
        secrets=secrets_of(run),
        deployment=run.deployment.id,
    )


def check_files(engine: Engine, commit: str, solution: Solution) -> Mapping[str, bytes]:
    """Return what the commands of a solution's checks run from, as it is in force."""
    if not any(c.command for c in solution.checks):
        return {}
    return support_files(engine.source.files_at(commit, [f"solutions/{solution.name}"]), solution.name)


def record(run: Run) -> Taken:
    """Record the release as known-good, or as watched first, and its tag as due where this was the last stage."""

    def known_good(transaction: Transaction) -> list[Recorded]:
        if run.release is not None:
            owe_tag(transaction, run.strategy, run.release, run.deployment.environment)
        watch = watch_for(run.strategy, run.deployment, run.engine.now())
        return [transaction.append(event, ENGINE) for event in verified(run.deployment, watch)]

    return Taken({}, known_good)


def owe_tag(transaction: Transaction, strategy: Strategy, release: Release, environment: str) -> None:
    """Put into the outbox: the release's tag where this environment is the end of its path, a checkpoint in prod."""
    if strategy.is_prod(environment):
        transaction.remember(Due("checkpoint", "checkpoint", {}, 0))
    if _is_last(strategy, release.solution, environment) and release.commit:
        tag = f"{release.solution}/v{release.version}"
        due = {"solution": release.solution, "version": release.version, "tag": tag, "commit": release.commit}
        due["environment"] = environment
        transaction.remember(Due(f"tag {tag}", "tag", due, 0))


def _is_last(strategy: Strategy, solution: str, environment: str) -> bool:
    return strategy.pipeline_of(solution).stages[-1].environment == environment


ENGINE_STEPS: dict[str, Callable[[Run], Taken]] = {
    PRE_FLIGHT: pre_flight,
    KEEP: keep,
    READ_BACK: read_back,
    VERIFY: verify,
    RECORD: record,
}
"""What the engine does itself, by the step's name."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the steps of a deployment stand on, read and resolved at one moment."""

    strategy: Strategy
    commit: str
    release: Release | None
    """None when the solution is removed."""
    platform: port.Platform
    access: port.Access
    wanted: port.Wanted
    before: Installation | None


def ground_for(
    engine: Engine, *, solution: str, version: str, environment: str, configuration: ConfigurationSet, removes: bool
) -> Ground:
    """Return what a deployment stands on. Outside is only read. Raises SecretError, StorageError."""
    with engine.store.reading() as reading:
        rules = rules_in_force(reading)
        release = None if removes else reading.get(Release, f"{solution}@{version}")
        before = installed(reading, environment, solution)
    place = rules.strategy.environment(environment)
    return Ground(
        strategy=rules.strategy,
        commit=rules.commit,
        release=release,
        platform=engine.platform(place.platform),
        access=access_to(engine, place),
        wanted=wanted_for(
            engine, solution=solution, release=release, environment=environment, configuration=configuration
        ),
        before=before,
    )


def open_run(engine: Engine, deployment: Deployment, journal: Journal, ground: Ground | None = None) -> Run:
    """Return everything the steps of this deployment need: what was found just now, or else read and resolved now."""
    ground = ground or ground_for(
        engine,
        solution=deployment.solution,
        version=deployment.version,
        environment=deployment.environment,
        configuration=deployment.configuration,
        removes=not deployment.package,
    )
    return Run(
        engine=engine,
        deployment=deployment,
        strategy=ground.strategy,
        commit=ground.commit,
        release=ground.release,
        platform=ground.platform,
        access=ground.access,
        wanted=ground.wanted,
        before=ground.before,
        journal=journal,
    )


def secrets_of(run: Run) -> tuple[Secret, ...]:
    """Return every secret this run resolved, to be masked wherever text goes out."""
    return (*run.access.credentials.values(), *(s for f in run.wanted.secrets.values() for s in f.values()))
