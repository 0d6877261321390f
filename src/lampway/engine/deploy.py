"""Carrying out a deployment: each step journalled before and after, and never repeated once completed.

Steps of our own are in `engine.steps` and bear repeating; a step of the platform is a change, in `engine.change`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lampway.domain.deployment import Deployment, DeploymentState, PlannedStep, StepState
from lampway.domain.events import DeploymentFinished, Event, PromotionMoved
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.secret import mask
from lampway.engine.attestations import attest_deployment
from lampway.engine.change import take_change
from lampway.engine.context import Engine
from lampway.engine.fallback import failed_check, fall_back
from lampway.engine.journal import Journal, open_journal
from lampway.engine.steps import (
    ENGINE_STEPS,
    DisagreementError,
    Ground,
    NotVerifiedError,
    Run,
    ground_for,
    open_run,
    plan_for,
    secrets_of,
)
from lampway.engine.store import Reading
from lampway.errors import (
    AccessError,
    ConflictError,
    LampwayError,
    PlatformRefusedError,
    RefusedError,
    StorageError,
    StoreLostError,
    TakenOverError,
    UnknownOutcomeError,
    UnreachableError,
)


def prepare(engine: Engine, promotion: Promotion, fence: int) -> tuple[Deployment, Ground]:
    """Return the deployment of a promotion with its plan, recorded nowhere yet, and what it stands on.

    Outside is only read.
    """
    removes = promotion.bound.release == "remove"
    ground = ground_for(
        engine,
        solution=promotion.solution,
        version=promotion.version,
        environment=promotion.environment,
        configuration=promotion.configuration,
        removes=removes,
    )
    steps = ground.platform.plan(ground.access, ground.wanted).steps
    checks = 0 if removes else len(ground.strategy.solution(promotion.solution).automatic)
    deployment = Deployment(
        id=engine.new_id(),
        promotion=promotion.id,
        solution=promotion.solution,
        version=promotion.version,
        environment=promotion.environment,
        kind=promotion.kind,
        release=ground.release.digest if ground.release else "",
        package=ground.release.package.digest if ground.release else "",
        configuration=promotion.configuration,
        plan=plan_for(steps, promotion.environment, checks),
        fence=fence,
        started_at=engine.now(),
    )
    return deployment, ground


def carry_out(engine: Engine, deployment: Deployment, fence: int, ground: Ground | None = None) -> DeploymentState:
    """Take every step that is not completed yet and record how it ended. Resumes what was interrupted.

    `ground` is what it stands on, where that was found just now.

    Raises StorageError where that cannot be recorded, or another process took over: then nothing has ended.
    """
    secrets: tuple[Any, ...] = ()
    journal = open_journal(engine, deployment, fence)
    try:
        run = open_run(engine, deployment, journal, ground)
        secrets = secrets_of(run)
        after_change = False
        for planned in deployment.plan:
            if after_change and planned.by_platform:
                journal.flush()  # how a change ended is durable before the platform is asked about the next one
            after_change = planned.by_platform
            current = journal.current
            if current.is_done(planned.name):
                continue
            if engine.is_leaving():
                journal.flush()
                return DeploymentState.RUNNING
            _take(replace(run, deployment=current), planned)
    except (StoreLostError, TakenOverError):
        raise  # nothing can be recorded, or it is not ours to record: whoever holds it next looks at what happened
    except LampwayError as error:
        return _stopped(engine, deployment, journal, error, secrets)
    return _finish(engine, deployment, journal, (DeploymentState.SUCCEEDED, PromotionState.SUCCEEDED, "verified"))


def _take(run: Run, planned: PlannedStep) -> None:
    if planned.by_platform:
        take_change(run, planned.name)
        return
    if not _is_announced(run, planned.name):
        run.journal.begin(planned.name, {})
    try:
        taken = ENGINE_STEPS[planned.name](run)
    except LampwayError as error:
        run.journal.end(planned.name, StepState.FAILED, {"error": error.code})
        raise
    run.journal.end(planned.name, StepState.DONE, taken.detail, taken.also)


def _is_announced(run: Run, name: str) -> bool:
    """Return whether this very process journalled already that the step begins: the first one, with the deployment."""
    entry = run.deployment.step(name)
    return entry is not None and entry.state is StepState.STARTED and run.deployment.fence == run.journal.fence


def _stopped(
    engine: Engine, deployment: Deployment, journal: Journal, error: LampwayError, secrets: tuple[Any, ...]
) -> DeploymentState:
    note = mask(f"{error}" + (f"; hint: {error.hint}" if error.hint else ""), secrets)
    journal.flush()
    touched = any(
        s.state is not StepState.FAILED or s.detail.get("applied")
        for s in journal.current.steps
        if _is_platforms(deployment, s.name)
    )
    if touched and isinstance(error, UnreachableError | AccessError):
        return DeploymentState.RUNNING  # looking will tell: it goes on with the next resume
    if touched and isinstance(error, StorageError):
        raise error  # what we could not write or read says nothing about the change: likewise
    ended, promotion = _ending(error, touched=touched, forward=deployment.kind is DeploymentKind.FORWARD)
    return _finish(engine, deployment, journal, (ended, promotion, note))


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
    engine: Engine, deployment: Deployment, journal: Journal, ending: tuple[DeploymentState, PromotionState, str]
) -> DeploymentState:
    state, promotion, note = ending
    asked: tuple[Event, ...] = ()
    if state is DeploymentState.FAILED:
        journal.flush()  # what the checks told is looked at now
        with engine.store.reading() as reading:
            if failed_check(reading, deployment):
                asked, words = fall_back(engine, reading, deployment, f"it failed its verification: {note}")
                note = "; ".join(part for part in (note, words) if part)

    def follows(reading: Reading) -> list[Event]:
        back = state is DeploymentState.SUCCEEDED and deployment.kind is DeploymentKind.ROLLBACK
        undone = rolled_back(reading, deployment) if back else []
        return [*undone, *attest_deployment(engine, reading, deployment.id, state), *asked]

    finished = DeploymentFinished(deployment.id, state, note)
    journal.write(finished, PromotionMoved(deployment.promotion, promotion, note), then=follows)
    return state


def rolled_back(reading: Reading, deployment: Deployment) -> list[Event]:
    """Return that the forward promotion which brought what ran there was rolled back."""
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
