"""The moves of a rehearsal: each is asked for when the one before it has succeeded, by whoever drains its environment.

What was asked for carries the rehearsal's id, so that whoever comes after a crash sees how far it has come.
"""

from __future__ import annotations

from collections.abc import Sequence

from lampway.domain.deployment import Deployment, Installation, KnownGood
from lampway.domain.events import ENGINE, Actor, Event, PromotionRequested, RehearsalEnded
from lampway.domain.health import WatchState
from lampway.domain.promotion import OPEN_STATES, Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.rehearsal import Move, RehearsalRun, RunState
from lampway.domain.release import Release
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.facts import bind, configuration_for, installed
from lampway.engine.store import Reading
from lampway.errors import NotFoundError


def go_on(engine: Engine, environment: str) -> bool:
    """Ask for the next move of a rehearsal there, or end it. Returns whether anything was recorded."""
    with engine.store.reading() as reading:
        if not reading.find(RehearsalRun, environment=environment, states=(RunState.RUNNING,)):
            return False
    with engine.store.transaction() as transaction:
        told = []
        for run in transaction.find(RehearsalRun, environment=environment, states=(RunState.RUNNING,)):
            event = _next(engine, transaction, run)
            who = Actor(run.by, "rehearsal") if isinstance(event, PromotionRequested) else ENGINE
            told += [transaction.append(event, who)] if event else []
    engine.tell(told)
    return bool(told)


def moves_of(reading: Reading, run: RehearsalRun) -> tuple[Promotion, ...]:
    """Return what was asked for so far, in order."""
    found = reading.find(Promotion, solution=run.solution, environment=run.environment)
    return tuple(p for p in found if p.rehearsal == run.id)


def _next(engine: Engine, reading: Reading, run: RehearsalRun) -> Event | None:
    """Return what happens to a rehearsal now; nothing while a move is open or what is gone back to is watched."""
    asked = moves_of(reading, run)
    if asked and asked[-1].state in OPEN_STATES:
        return None
    here = installed(reading, run.environment, run.solution)
    ended = _end(run, asked, here)
    if ended is not None:
        return ended
    bad = RehearsalEnded(run.id, RunState.FAILED, f"{run.back} was not verified in {run.environment}")
    if asked and here is not None and _must_be_good(reading, run.moves[len(asked) :], here):
        return None if _is_watched(reading, here) else bad
    try:
        promotion = ask_move(engine, reading, run, run.moves[len(asked)], here)
    except NotFoundError as error:
        return RehearsalEnded(run.id, RunState.STOPPED, error.message)
    return PromotionRequested(promotion) if promotion else bad


def _end(run: RehearsalRun, asked: Sequence[Promotion], here: Installation | None) -> RehearsalEnded | None:
    """Return how a rehearsal ends after its last move, or None where it goes on."""
    last = asked[-1] if asked else None
    if last is not None and last.state is not PromotionState.SUCCEEDED:
        what = f"{last.kind} to {last.version} {last.state}: {last.note}"
        is_no = last.state in (PromotionState.FAILED, PromotionState.ERRORED, PromotionState.ROLLED_BACK)
        return RehearsalEnded(run.id, RunState.FAILED if is_no else RunState.STOPPED, what)
    if last is not None and (here is None or here.deployment != last.deployment):
        return RehearsalEnded(run.id, RunState.STOPPED, "something else was deployed there meanwhile")
    if len(asked) == len(run.moves):
        note = f"{run.way}, each read back and verified; {run.environment} runs {run.new}"
        return RehearsalEnded(run.id, RunState.SUCCEEDED, note)
    return None


def _must_be_good(reading: Reading, to_come: Sequence[Move], here: Installation) -> bool:
    """Return whether what is there is gone back to later, and does not count as good yet."""
    back = any(move.kind is DeploymentKind.ROLLBACK and move.release == here.release for move in to_come)
    return back and known_good(reading, here.environment, here.solution, here.release) is None


def _is_watched(reading: Reading, here: Installation) -> bool:
    deployment = reading.get(Deployment, here.deployment)
    return deployment is not None and deployment.watch == WatchState.WATCHING


def ask_move(
    engine: Engine, reading: Reading, run: RehearsalRun, move: Move, here: Installation | None
) -> Promotion | None:
    """Return the promotion of a move; None where what it goes back to is not known-good there.

    Raises NotFoundError where its release or its stage is no longer there.
    """
    strategy = rules_in_force(reading).strategy
    stage = strategy.stage(run.solution, run.environment)
    release = reading.get(Release, f"{run.solution}@{move.version}")
    if release is None:
        raise NotFoundError(f"{run.solution}@{move.version} is not in the records")
    if move.kind is DeploymentKind.ROLLBACK:
        good = known_good(reading, run.environment, run.solution, move.release)
        if good is None or here is None:
            return None
        configuration = good.configuration
        bound = Bound(good.release, configuration.digest, here.bound_digest, "", "")
    else:
        configuration, _ = configuration_for(strategy, stage, release)
        bound = bind(reading, strategy, stage, release)
    return Promotion(
        id=engine.new_id(),
        solution=run.solution,
        version=move.version,
        stage=stage.name,
        environment=stage.environment,
        kind=move.kind,
        bound=bound,
        configuration=configuration,
        requested_by=run.by,
        requested_at=engine.now(),
        reason=f"rehearsal for {run.target}: {run.way}",
        state=PromotionState.WAITING,
        rehearsal=run.id,
    )


def known_good(reading: Reading, environment: str, solution: str, release: str) -> KnownGood | None:
    """Return the newest record of a release as known-good in an environment, or None."""
    goods = reading.find(KnownGood, environment=environment, solution=solution, newest_first=True)
    return next((good for good in goods if good.release == release), None)
