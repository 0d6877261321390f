"""Rehearsing: an upgrade and the way back from it, on the very pair of releases, where nothing is at stake."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import Deployment, Installation, StepState
from lampway.domain.events import Actor, PromotionRequested, RehearsalStarted
from lampway.domain.promotion import OPEN_STATES, DeploymentKind, Promotion
from lampway.domain.rehearsal import Move, RehearsalRun, RunState, moves, rehearsals
from lampway.domain.release import Release
from lampway.domain.strategy import Stage, Strategy
from lampway.engine.context import Engine, Request, find_release, rules_in_force
from lampway.engine.drift import refresh
from lampway.engine.facts import installed, rollback_target
from lampway.engine.moves import ask_move, go_on, known_good, moves_of
from lampway.engine.retirements import refuse_retired
from lampway.engine.steps import READ_BACK
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError

_NOWHERE = "a rehearsal needs a stage below the last tier, before the one it is for"


@dataclass(frozen=True, slots=True)
class Rehearse(Request[str]):
    """Upgrade, go back and upgrade again in a test stage, from exactly what runs at the end of the path."""

    release: str
    """`solution@version`, or `solution` for its newest release."""
    environment: str = ""
    """Where; the last stage below the last tier if empty."""


@dataclass(frozen=True, slots=True)
class Moved:
    """One move of a rehearsal, and what came of it."""

    kind: str
    version: str
    promotion: str
    """Empty while it was not asked for."""
    state: str
    note: str
    read_back: bool
    """Whether what is there was read back, and is what was deployed."""


@dataclass(frozen=True, slots=True)
class RehearsalView:
    """A rehearsal with its moves."""

    run: RehearsalRun
    moves: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class ShowRehearsal(Request[RehearsalView]):
    """Look at one rehearsal."""

    rehearsal: str


@dataclass(frozen=True, slots=True)
class _Pair:
    """What is rehearsed: from what runs in the target, to a release, and to what a rollback there would bring."""

    here: Installation
    release: Release
    back_version: str
    back: str
    stage: Stage
    target: str


def rehearse(engine: Engine, request: Rehearse, actor: Actor) -> str:
    """Ask for a rehearsal, and for its first move; return its id. Each move is an ordinary deployment with its lease.

    Raises NotFoundError, RefusedError where there is nothing to rehearse or something else is open there.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        release = find_release(reading, request.release)
        stage, target = _places(strategy, release.solution, request.environment)
    refresh(engine, strategy.environment(stage.environment), actor, lock=False)
    go_on(engine, stage.environment)  # one that was stopped and nobody looked at since is over
    with engine.store.transaction() as transaction:
        refuse_retired(transaction, release.solution, stage.environment)
        pair = _pair(transaction, release, stage, target)
        _refuse_busy(transaction, pair)
        run = _plan(engine, transaction, pair, actor)
        here = installed(transaction, stage.environment, release.solution)
        first = ask_move(engine, transaction, run, run.moves[0], here)
        if first is None:
            raise RefusedError(f"{pair.back_version} was never verified in {stage.environment}")
        told = [transaction.append(event, actor) for event in (RehearsalStarted(run), PromotionRequested(first))]
    engine.tell(told)
    return run.id


def _places(strategy: Strategy, solution: str, wanted: str) -> tuple[Stage, str]:
    """Return the stage to rehearse in, and the environment it is for: the end of the solution's path."""
    path = strategy.pipeline_of(solution).stages
    below = [stage for stage in path[:-1] if not strategy.is_prod(stage.environment)]
    if wanted:
        stage = strategy.stage(solution, wanted)
        if stage not in below:
            known = ", ".join(s.environment for s in below) or "there is none"
            raise RefusedError(f"nothing is rehearsed in {stage.environment}: {_NOWHERE}", hint=f"one of: {known}")
        return stage, path[-1].environment
    if not below:
        raise RefusedError(f"the path of {solution} has no place for it: {_NOWHERE}")
    return below[-1], path[-1].environment


def _pair(reading: Reading, release: Release, stage: Stage, target: str) -> _Pair:
    here = installed(reading, target, release.solution)
    ask = f"lampway promote {release.name} --to {target}"
    if here is None:
        raise RefusedError(
            f"nothing of {release.solution} runs in {target}: a first deployment is undone by removing it", hint=ask
        )
    if here.release == release.digest:
        raise RefusedError(
            f"{release.name} runs in {target}: there is nothing to upgrade",
            hint=f"lampway release {release.solution}, then rehearse that one",
        )
    back = rollback_target(reading, target, release.solution, release.digest)
    if back is None:
        raise RefusedError(f"no known-good release to go back to in {target}", hint=f"lampway adopt {target}")
    return _Pair(here, release, back.version, back.release, stage, target)


def _refuse_busy(reading: Reading, pair: _Pair) -> None:
    """Insist that nothing of the solution is open there: a rehearsal and it would overwrite each other."""
    solution, place = pair.release.solution, pair.stage.environment
    opened = reading.find(Promotion, solution=solution, environment=place, states=OPEN_STATES)
    running = reading.find(RehearsalRun, solution=solution, environment=place, states=(RunState.RUNNING,))
    if running and not opened:
        raise RefusedError(f"{running[0].way} of {solution} is being rehearsed in {place}", hint="lampway resume")
    if opened:
        other = opened[0]
        raise RefusedError(
            f"{solution}@{other.version} is on its way to {place} ({other.state})",
            hint=f"let it come to its end, or take it back: lampway abort {other.id}",
        )


def _plan(engine: Engine, reading: Reading, pair: _Pair, actor: Actor) -> RehearsalRun:
    solution, place = pair.release.solution, pair.stage.environment
    there = installed(reading, place, solution)
    old = Move(DeploymentKind.FORWARD, pair.here.version, pair.here.release)
    new = Move(DeploymentKind.FORWARD, pair.release.version, pair.release.digest)
    back = Move(DeploymentKind.ROLLBACK, pair.back_version, pair.back)
    for move in (old, back):
        if reading.get(Release, f"{solution}@{move.version}") is None:
            raise NotFoundError(f"{solution}@{move.version}, which runs in {pair.target}, is not in the records")
    is_good = known_good(reading, place, solution, pair.back) is not None
    brought = _is_brought(reading, pair, there)
    steps = moves((old, new, back), there.release if there else "", is_good=is_good, is_brought=brought)
    return RehearsalRun(
        id=engine.new_id(),
        solution=solution,
        environment=place,
        target=pair.target,
        old=pair.here.version,
        new=pair.release.version,
        back=pair.back_version,
        moves=steps,
        by=actor.person,
        at=engine.now(),
    )


def _is_brought(reading: Reading, pair: _Pair, there: Installation | None) -> bool:
    """Return whether the upgrade was just carried out there, and stands: then only the way back is missing."""
    if there is None or there.release != pair.release.digest or there.drifted:
        return False
    deployments = reading.find(Deployment, solution=pair.release.solution)
    promotions = {p.id: p for p in reading.find(Promotion, solution=pair.release.solution)}
    found = [r for r in rehearsals(deployments, promotions) if r.environment == pair.stage.environment]
    return [(r.old, r.new, r.back) for r in found[-1:]] == [(pair.here.release, pair.release.digest, "")]


def show_rehearsal(engine: Engine, request: ShowRehearsal, actor: Actor) -> RehearsalView:
    """Return a rehearsal with what came of each move so far. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        run = reading.get(RehearsalRun, request.rehearsal)
        if run is None:
            raise NotFoundError(f"no rehearsal {request.rehearsal}", hint="lampway rehearse SOLUTION")
        asked = moves_of(reading, run)
        done = [_moved(reading, promotion) for promotion in asked]
    missing = [Moved(str(m.kind), m.version, "", "to come", "", read_back=False) for m in run.moves[len(asked) :]]
    return RehearsalView(run, (*done, *missing))


def _moved(reading: Reading, promotion: Promotion) -> Moved:
    deployment = reading.get(Deployment, promotion.deployment) if promotion.deployment else None
    step = deployment.step(READ_BACK) if deployment else None
    return Moved(
        kind=str(promotion.kind),
        version=promotion.version,
        promotion=promotion.id,
        state=str(promotion.state),
        note=promotion.note,
        read_back=step is not None and step.state is StepState.DONE,
    )


def last_rehearsal(reading: Reading, solution: str, old: str, new: str) -> RehearsalRun | None:
    """Return the newest rehearsal of this upgrade that was asked for and has ended, or None."""
    found = reading.find(RehearsalRun, solution=solution, newest_first=True)
    return next((run for run in found if (run.old, run.new) == (old, new) and run.ended_at), None)
