"""Carrying out a deployment: each step journalled before and after, and never repeated once completed.

A step of the platform that was under way when a process died first looks at what it did: the state it was to reach
is there (done; what may be sent again is), the state it left from is there (it is taken now), or neither, and then a
person must say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lampway.domain.capability import Ability, Support
from lampway.domain.deployment import Deployment, DeploymentState, PlannedStep, StepState
from lampway.domain.events import (
    ENGINE,
    DeploymentFinished,
    Event,
    PromotionMoved,
    StepFinished,
    StepStarted,
)
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.secret import mask
from lampway.engine.attestations import attest_deployment
from lampway.engine.context import Engine, access_to, rules_in_force
from lampway.engine.fallback import failed_check, fall_back
from lampway.engine.platform import Found, Outcome, Progress, StepPlan
from lampway.engine.steps import (
    ENGINE_STEPS,
    PRE_FLIGHT,
    DisagreementError,
    NotVerifiedError,
    Run,
    open_run,
    plan_for,
    secrets_of,
    wanted_for,
)
from lampway.errors import (
    AccessError,
    ConflictError,
    LampwayError,
    PlatformRefusedError,
    RefusedError,
    UnknownOutcomeError,
    UnreachableError,
)

_ATTEMPTS = 5
"""How often a step is taken anew when somebody else changed the platform in between, and how often we look again."""

_NOTHING_CHANGED = (ConflictError, UnreachableError, AccessError, PlatformRefusedError)
"""What `perform` raises only where it changed nothing; the port says so and the contract suite proves it."""


def prepare(engine: Engine, promotion: Promotion, fence: int) -> Deployment:
    """Return the deployment of a promotion with its plan, recorded nowhere yet. Outside is only read."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        release = reading.get(Release, f"{promotion.solution}@{promotion.version}")
    removed = promotion.bound.release == "remove"
    deployment = Deployment(
        id=engine.new_id(),
        promotion=promotion.id,
        solution=promotion.solution,
        version=promotion.version,
        environment=promotion.environment,
        kind=promotion.kind,
        release="" if removed or release is None else release.digest,
        package="" if removed or release is None else release.package.digest,
        configuration=promotion.configuration,
        plan=(),
        fence=fence,
        started_at=engine.now(),
    )
    steps = adapter_steps(engine, promotion, None if removed else release)
    checks = 0 if removed else len(strategy.solution(promotion.solution).automatic)
    return replace(deployment, plan=plan_for(steps, promotion.environment, checks))


def adapter_steps(engine: Engine, promotion: Promotion, release: Release | None) -> tuple[StepPlan, ...]:
    """Return the platform's own steps for this promotion, found by reading only."""
    with engine.store.reading() as reading:
        environment = rules_in_force(reading).strategy.environment(promotion.environment)
    wanted = wanted_for(
        engine,
        solution=promotion.solution,
        release=release,
        environment=environment.name,
        configuration=promotion.configuration,
    )
    return engine.platform(environment.platform).plan(access_to(engine, environment), wanted).steps


def carry_out(engine: Engine, deployment: Deployment, fence: int) -> DeploymentState:
    """Take every step that is not completed yet and record how it ended. Resumes what was interrupted."""
    secrets: tuple[Any, ...] = ()
    try:
        run = open_run(engine, deployment, fence)
        secrets = secrets_of(run)
        for planned in deployment.plan:
            with engine.store.reading() as reading:
                current = reading.get(Deployment, deployment.id) or deployment
            if not current.is_done(planned.name):
                _take(replace(run, deployment=current), planned)
    except LampwayError as error:
        return _stopped(engine, deployment, fence, error, secrets)
    return _finish(engine, deployment, fence, (DeploymentState.SUCCEEDED, PromotionState.SUCCEEDED, "verified"))


def _take(run: Run, planned: PlannedStep) -> None:
    if planned.by_platform:
        _platform_step(run, planned.name)
        return
    _journal_start(run, planned.name, {})
    try:
        detail = ENGINE_STEPS[planned.name](run)
    except LampwayError as error:
        _journal_finish(run, planned.name, StepState.FAILED, {"error": error.code})
        raise
    _journal_finish(run, planned.name, StepState.DONE, detail)


def _platform_step(run: Run, name: str) -> None:
    if _recovered(run, name):
        return
    for attempt in range(1, _ATTEMPTS + 1):
        intent = run.platform.intend(run.access, run.wanted, name)
        _journal_start(run, name, intent, attempt)
        try:
            outcome = _perform(run, name, intent)
        except _NOTHING_CHANGED as error:
            _journal_finish(run, name, StepState.FAILED, {"error": error.code})
            if not isinstance(error, ConflictError):
                raise
            if attempt == _ATTEMPTS:
                raise
            if run.deployment.kind is DeploymentKind.FORWARD and not _has_begun(run.deployment):
                ENGINE_STEPS[PRE_FLIGHT](run)  # whoever was faster may have edited this very solution
            continue
        _journal_finish(run, name, StepState.DONE, dict(outcome.detail))
        return


def _recovered(run: Run, name: str) -> bool:
    """Return whether a step that was under way when a process died had happened. Raises DisagreementError."""
    entry = run.deployment.step(name)
    if entry is None or entry.state is not StepState.STARTED:
        return False
    match run.platform.look_up(run.access, run.wanted, name, entry.intent):
        case Found.UNTOUCHED:
            return False
        case Found.UNCLEAR:
            raise _unclear(run, name)
        case Found.REACHED:
            again = _send_again(run, name, entry.intent)
            _journal_finish(run, name, StepState.DONE, {**dict(again.detail), "recovered": True})
            return True


def _has_begun(deployment: Deployment) -> bool:
    """Return whether a step of the platform was completed: then what differs there is our own work."""
    return any(p.by_platform and deployment.is_done(p.name) for p in deployment.plan)


def _perform(run: Run, name: str, intent: Mapping[str, Any]) -> Outcome:
    try:
        outcome = _wait_for(run, run.platform.perform(run.access, run.wanted, name, intent))
    except UnknownOutcomeError:
        outcome = _resolve_unknown(run, name, intent)
    if outcome.progress is Progress.FAILED:
        _journal_finish(run, name, StepState.FAILED, dict(outcome.detail))
        told = "; ".join(f"{k}: {v}" for k, v in outcome.detail.items())
        raise RefusedError(f"the platform says no to step {name}: {told}")
    return outcome


def _wait_for(run: Run, outcome: Outcome) -> Outcome:
    """Poll until a change has come to its end. That nobody answers for a while says nothing about it."""
    unanswered = 0
    while outcome.progress is Progress.RUNNING:
        run.engine.pause(outcome.retry_after)
        try:
            outcome = run.platform.poll(run.access, outcome.detail)
        except (UnreachableError, AccessError) as error:
            unanswered += 1
            if unanswered == _ATTEMPTS:
                raise UnknownOutcomeError(error.message, where=error.where, hint=error.hint) from error
    return outcome


def _resolve_unknown(run: Run, name: str, intent: Mapping[str, Any]) -> Outcome:
    """Find out by looking what a change without an answer did. Never guesses."""
    for attempt in range(_ATTEMPTS):
        run.engine.pause(0.5 * (attempt + 1))
        try:
            found = run.platform.look_up(run.access, run.wanted, name, intent)
            if found is Found.REACHED:
                return _send_again(run, name, intent)
            if found is Found.UNTOUCHED and _has_precondition(run):
                return _wait_for(run, run.platform.perform(run.access, run.wanted, name, intent))
        except (UnreachableError, AccessError, UnknownOutcomeError):
            continue  # look again
        break
    raise _unclear(run, name)


def _send_again(run: Run, name: str, intent: Mapping[str, Any]) -> Outcome:
    """Perform from the state that is reached already: that sends only what bears repeating, such as secrets."""
    try:
        return run.platform.perform(run.access, run.wanted, name, intent)
    except ConflictError:  # ours is there, and something of others was edited since
        fresh = run.platform.intend(run.access, run.wanted, name)
    try:
        return run.platform.perform(run.access, run.wanted, name, fresh)
    except ConflictError as error:
        raise _unclear(run, name) from error


def _has_precondition(run: Run) -> bool:
    return any(c.name is Ability.PRECONDITION and c.support is Support.FULL for c in run.platform.capabilities())


def _unclear(run: Run, name: str) -> DisagreementError:
    return DisagreementError(
        f"it cannot be told whether step {name} happened in {run.deployment.environment}",
        hint=f"look there, then: lampway reconcile {run.deployment.solution} --in {run.deployment.environment}",
    )


def _journal_start(run: Run, name: str, intent: Mapping[str, Any], attempt: int = 1) -> None:
    event = StepStarted(run.deployment.id, name, attempt, run.fence, dict(intent))
    run.engine.record([event], ENGINE, fence=(run.deployment.environment, run.fence))


def _journal_finish(run: Run, name: str, state: StepState, detail: dict[str, Any]) -> None:
    event = StepFinished(run.deployment.id, name, state, detail)
    run.engine.record([event], ENGINE, fence=(run.deployment.environment, run.fence))


def _stopped(
    engine: Engine, deployment: Deployment, fence: int, error: LampwayError, secrets: tuple[Any, ...]
) -> DeploymentState:
    note = mask(f"{error}" + (f"; hint: {error.hint}" if error.hint else ""), secrets)
    with engine.store.reading() as reading:
        current = reading.get(Deployment, deployment.id) or deployment
    touched = any(
        s.state is not StepState.FAILED or s.detail.get("applied")
        for s in current.steps
        if _is_platforms(current, s.name)
    )
    if touched and isinstance(error, UnreachableError | AccessError):
        return DeploymentState.RUNNING  # looking will tell: it goes on with the next resume
    ended, promotion = _ending(error, touched=touched, forward=deployment.kind is DeploymentKind.FORWARD)
    return _finish(engine, deployment, fence, (ended, promotion, note))


def _ending(error: LampwayError, *, touched: bool, forward: bool) -> tuple[DeploymentState, PromotionState]:
    """Return how a deployment and its promotion end for this reason."""
    match error:
        case DisagreementError():
            ending = DeploymentState.RECONCILE, PromotionState.RECONCILE
        case UnknownOutcomeError() if touched:
            ending = DeploymentState.RECONCILE, PromotionState.RECONCILE
        case NotVerifiedError():
            ending = DeploymentState.FAILED, PromotionState.FAILED
        case RefusedError() | ConflictError() if forward and not touched:
            ending = DeploymentState.REFUSED, PromotionState.WAITING
        case RefusedError() | PlatformRefusedError():
            ending = DeploymentState.FAILED, PromotionState.FAILED
        case UnreachableError() if forward:
            ending = DeploymentState.ERRORED, PromotionState.WAITING
        case _:
            ending = DeploymentState.ERRORED, PromotionState.ERRORED
    return ending


def _is_platforms(deployment: Deployment, step: str) -> bool:
    return any(p.name == step and p.by_platform for p in deployment.plan)


def _finish(
    engine: Engine, deployment: Deployment, fence: int, ending: tuple[DeploymentState, PromotionState, str]
) -> DeploymentState:
    state, promotion, note = ending
    asked: tuple[Event, ...] = ()
    if state is DeploymentState.FAILED:
        with engine.store.reading() as reading:
            if failed_check(reading, deployment):
                asked, words = fall_back(engine, reading, deployment, f"it failed its verification: {note}")
                note = "; ".join(part for part in (note, words) if part)
    events: list[Event] = [
        DeploymentFinished(deployment.id, state, note),
        PromotionMoved(deployment.promotion, promotion, note),
    ]
    if state is DeploymentState.SUCCEEDED and deployment.kind is DeploymentKind.ROLLBACK:
        events += rolled_back(engine, deployment)
    with engine.store.reading() as reading:
        events += attest_deployment(engine, reading, deployment.id, state)
    events += asked
    engine.record(events, ENGINE, fence=(deployment.environment, fence))
    return state


def rolled_back(engine: Engine, deployment: Deployment) -> list[Event]:
    """Return that the forward promotion which brought what ran there was rolled back."""
    with engine.store.reading() as reading:
        back = reading.get(Promotion, deployment.promotion)
        states = (PromotionState.SUCCEEDED, PromotionState.FAILED)
        found = reading.find(
            Promotion,
            environment=deployment.environment,
            solution=deployment.solution,
            states=states,
            newest_first=True,
        )
    replaced = back.bound.installed if back else ""
    forwards = (p for p in found if p.kind is DeploymentKind.FORWARD)
    forward = next((p for p in forwards if f"{p.bound.release}+{p.bound.configuration}" == replaced), None)
    if forward is None:
        return []
    why = f", {back.reason}" if back and back.allowed_by else ""
    return [PromotionMoved(forward.id, PromotionState.ROLLED_BACK, f"by promotion {deployment.promotion}{why}")]
