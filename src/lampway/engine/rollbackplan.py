"""What a rollback would do, before it is asked for: what comes back, what does not, and when it was last rehearsed."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import STILL_THERE, DriftFinding, Installation, KnownGood
from lampway.domain.events import Actor
from lampway.domain.package import Reversibility
from lampway.domain.release import Release
from lampway.engine.context import Engine, Request, access_to, rules_in_force
from lampway.engine.facts import installed, rollback_target
from lampway.engine.loss import loss_between, loss_of_removal
from lampway.engine.rehearse import last_rehearsal
from lampway.engine.sharing import plan_among_others
from lampway.engine.steps import wanted_for
from lampway.engine.store import Reading
from lampway.errors import LampwayError, NotFoundError


@dataclass(frozen=True, slots=True)
class RollbackPlan:
    """What a rollback would do, in words where people decide by them."""

    solution: str
    environment: str
    running: str
    """The version that runs there now."""
    target: str
    """The version that comes back; empty where there is none to go back to."""
    good_since: str
    """When that one was verified there."""
    configuration: tuple[str, ...]
    """What is different in the configuration that comes back, one line each; values are not told."""
    changes: tuple[str, ...]
    """What becomes of the components, one line each."""
    reversibility: str
    """Of the change that is taken back: reversible, data-step, forward-only; empty where it is not known."""
    not_restored: tuple[str, ...]
    overwrites: tuple[str, ...]
    """Live edits that are there now, and will be gone."""
    rehearsed: str
    """When and how this way back was last rehearsed; empty for never."""
    loss: tuple[str, ...] = ()
    """What it destroys; then it must be accepted by whoever asks for it."""
    steps: tuple[str, ...] = ()
    """What the platform would do, and what it says about that; empty where it cannot be asked now."""


@dataclass(frozen=True, slots=True)
class PlanRollback(Request[RollbackPlan]):
    """Ask what a rollback would do. Nothing is changed or asked for."""

    solution: str
    environment: str


def plan_rollback(engine: Engine, request: PlanRollback, actor: Actor) -> RollbackPlan:
    """Return what a rollback of what runs there would do. Raises NotFoundError where nothing is installed."""
    del actor
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        stage = strategy.stage(request.solution, request.environment)
        here = installed(reading, stage.environment, request.solution)
        if here is None:
            raise NotFoundError(f"{request.solution} is not installed in {stage.environment}")
        back = rollback_target(reading, stage.environment, request.solution, here.release)
        release = reading.get(Release, f"{request.solution}@{here.version}")
        rehearsed = _rehearsed(reading, here, back)
        edits = reading.find(DriftFinding, environment=stage.environment, solution=request.solution)
    change = release.change if release and back and release.previous == back.version else None
    diff = None
    if back is not None and release is not None:
        form = engine.platform(release.package.platform).format
        diff = form.diff(engine.packages.get(here.package), engine.packages.get(back.package))
    kinds = {change.reversibility} if change else set()
    solution = strategy.solution(request.solution)
    lost = ("data that was written since, and whatever else is kept outside the solution",)
    touched = ("the data that this change touched: it needs a step of its own",)
    return RollbackPlan(
        solution=request.solution,
        environment=stage.environment,
        running=here.version,
        target=back.version if back else "",
        good_since=back.at if back else "",
        configuration=_values(here, back) if back else (),
        changes=diff.summaries() if diff else (),
        reversibility=str(next(iter(kinds), "")),
        not_restored=(
            *lost,
            *(touched if kinds - {Reversibility.REVERSIBLE} else ()),
            *((f"as its owner says: {solution.rollback_plan}",) if solution.rollback_plan else ()),
        ),
        overwrites=tuple(line for f in edits if f.state in STILL_THERE for line in f.changes),
        rehearsed=rehearsed,
        loss=(
            loss_between(engine, release, here.package, back.package)
            if back
            else loss_of_removal(engine, release, here.package)
        ),
        steps=_steps(engine, here, back) if back else (),
    )


def _steps(engine: Engine, here: Installation, back: KnownGood) -> tuple[str, ...]:
    """Return what the adapter would do there, with its notes; nothing where it cannot be asked."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        target = reading.get(Release, f"{here.solution}@{back.version}")
    try:
        place = strategy.environment(here.environment)
        wanted = wanted_for(
            engine,
            solution=here.solution,
            release=target,
            environment=place.name,
            configuration=back.configuration,
        )
        plan = plan_among_others(
            engine.platform(place.platform),
            access_to(engine, place),
            wanted,
            place=place,
            inventory=target.inventory if target else None,
            goes_back=True,
        )
    except LampwayError:
        return ()
    return (*(step.summary for step in plan.steps), *plan.notes, *(problem.summary for problem in plan.problems))


def _rehearsed(reading: Reading, here: Installation, back: KnownGood | None) -> str:
    run = last_rehearsal(reading, here.solution, back.version, here.version) if back else None
    return f"{run.state} in {run.environment} on {run.ended_at[:10]} by {run.by}: {run.note}" if run else ""


def _values(here: Installation, back: KnownGood) -> tuple[str, ...]:
    """Return in words how the configuration that comes back differs from the one in force there."""
    now, then = here.configuration, back.configuration
    names = sorted(now.variables.keys() | then.variables.keys())
    missing = object()
    lines = [
        f"variable {name} {'gets its former value' if name in then.variables else 'is no longer given'}"
        for name in names
        if now.variables.get(name, missing) != then.variables.get(name, missing)
    ]
    places = sorted(now.connections.keys() | then.connections.keys())
    changed = [name for name in places if now.connections.get(name) != then.connections.get(name)]
    return (*lines, *(f"connection {name} gets its former references" for name in changed))
