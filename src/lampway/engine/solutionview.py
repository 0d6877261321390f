"""A solution whole: its path, what is in each stage and under way, its releases, and how it stands. Reading only."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import STILL_THERE, DriftFinding, Installation
from lampway.domain.events import Actor
from lampway.domain.promotion import Promotion
from lampway.domain.release import Release
from lampway.domain.strategy import Stage, Strategy
from lampway.engine.context import Engine, Request, newest_release, rules_in_force
from lampway.engine.facts import rollback_target
from lampway.engine.store import Reading
from lampway.engine.views import Cell, Status, status

_RELEASES = 30
_PAST = 12


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage of a solution's path, with what is in it."""

    name: str
    environment: str
    tier: str
    cell: Cell
    rollback: str
    """The version that a rollback would bring back there; empty for none."""
    newest: bool
    """Whether the newest release of the path runs verified there."""


@dataclass(frozen=True, slots=True)
class SealedRelease:
    """A release, as a line of a list."""

    version: str
    sealed_by: str
    sealed_at: str
    note: str
    hotfix: bool
    where: tuple[str, ...]
    """Environments in which it runs now."""


@dataclass(frozen=True, slots=True)
class SolutionView:
    """Everything one asks about a solution first."""

    name: str
    owner: str
    backup_owner: str
    criticality: str
    data_class: str
    rollback_plan: str
    contains: tuple[str, ...]
    source: str
    """The environment where it is built."""
    stages: tuple[StageView, ...]
    releases: tuple[SealedRelease, ...]
    """The newest ones, newest first."""
    next_stage: str
    """The first stage of the path that the newest release is not in yet; empty where it is everywhere, or is none."""
    drift: tuple[DriftFinding, ...]
    """Live edits that are still there."""
    certification: str
    """How it stands, in words; empty where it was never certified."""
    past: tuple[Promotion, ...]
    """The newest promotions, newest first."""


@dataclass(frozen=True, slots=True)
class ShowSolution(Request[SolutionView]):
    """Look at one solution: its path, its releases, and how it stands."""

    solution: str


def show_solution(engine: Engine, request: ShowSolution, actor: Actor) -> SolutionView:
    """Return a solution with its path, as the rules in force have it. Raises NotFoundError."""
    cells = status(engine, Status(request.solution), actor)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        solution = strategy.solution(request.solution)
        newest = newest_release(reading, solution.name)
        path = strategy.pipeline_of(solution.name)
        pairs = zip(path.stages, cells, strict=True)
        stages = tuple(_stage(reading, strategy, stage, cell, newest) for stage, cell in pairs)
        here = reading.find(Installation, solution=solution.name)
        sealed = reading.find(Release, solution=solution.name, newest_first=True, limit=_RELEASES)
        edits = reading.find(DriftFinding, solution=solution.name)
        past = reading.find(Promotion, solution=solution.name, newest_first=True, limit=_PAST)
    names = {p.id: p.name for p in strategy.people}
    return SolutionView(
        name=solution.name,
        owner=names.get(solution.owner, solution.owner),
        backup_owner=names.get(solution.backup_owner, solution.backup_owner),
        criticality=solution.criticality,
        data_class=solution.data_class,
        rollback_plan=solution.rollback_plan,
        contains=solution.contains,
        source=path.source,
        stages=stages,
        releases=tuple(_line(release, here) for release in sealed),
        next_stage=next((s.name for s in stages if not s.newest), "") if newest else "",
        drift=tuple(f for f in edits if f.state in STILL_THERE),
        certification=cells[0].certification if cells else "",
        past=past,
    )


def _stage(reading: Reading, strategy: Strategy, stage: Stage, cell: Cell, newest: Release | None) -> StageView:
    here = reading.get(Installation, f"{stage.environment}/{cell.solution}")
    back = rollback_target(reading, stage.environment, cell.solution, here.release) if here else None
    return StageView(
        name=stage.name,
        environment=stage.environment,
        tier=strategy.environment(stage.environment).tier,
        cell=cell,
        rollback=back.version if back else "",
        newest=here is not None and newest is not None and here.release == newest.digest and here.verified,
    )


def _line(release: Release, here: tuple[Installation, ...]) -> SealedRelease:
    return SealedRelease(
        version=release.version,
        sealed_by=release.sealed_by,
        sealed_at=release.sealed_at,
        note=release.note,
        hotfix=bool(release.hotfix),
        where=tuple(i.environment for i in here if i.version == release.version),
    )
