"""Back-porting: a live edit is put on a branch, as source, with a task that stays open until a release contains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.backport import Backport, BackportState, Cause, what_was_edited
from lampway.domain.deployment import DriftFinding, DriftState, Installation
from lampway.domain.digest import short
from lampway.domain.events import Actor, BackportEnded, BackportOpened, DriftResolved
from lampway.domain.package import Diff, Inspection, Severity
from lampway.domain.release import Release
from lampway.domain.strategy import Strategy
from lampway.engine.context import (
    Engine,
    Request,
    access_to,
    find_release,
    newest_release,
    require_reason,
    rules_in_force,
)
from lampway.engine.drift import scan
from lampway.engine.facts import installed
from lampway.engine.platform import Export, Platform
from lampway.engine.release import author_of, find_faults, scope_of
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError

DEFINITION = "definition"


@dataclass(frozen=True, slots=True)
class BackportDrift(Request[Backport]):
    """Put the live edit of a solution on a branch, and open a task for it."""

    solution: str
    environment: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class CloseBackport(Request[Backport]):
    """Say that nothing more is to be done about a back-port."""

    backport: str
    reason: str
    release: str = ""
    """The release that contains it in a way of its own; empty for none."""


@dataclass(frozen=True, slots=True)
class BackportLine:
    """A task, with what the newest release still lacks of it."""

    task: Backport
    newest: str
    """The newest release, as `solution@version`."""
    lacks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ShowBackports(Request[tuple[BackportLine, ...]]):
    """Ask what is still to be brought into a release."""

    solution: str = ""
    mine: bool = False
    """Only of solutions that the asking person owns."""
    ended: bool = False
    """Those that have ended too."""


@dataclass(frozen=True, slots=True)
class _Live:
    """What was seen of a live edit, twice the same."""

    here: Installation
    finding: DriftFinding
    export: Export
    inspection: Inspection
    diff: Diff


def backport_drift(engine: Engine, request: BackportDrift, actor: Actor) -> Backport:
    """Make the branch, open the task, and let the live edit no longer block. The environment is only read.

    Doing it again after an interruption goes on with the same branch. Raises NotFoundError where nothing was edited
    live, RefusedError where the edit holds a secret or is only about values, PlatformError, SecretError, SourceError.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    stage = strategy.stage(request.solution, request.environment)
    live = _look(engine, strategy, request.solution, stage.environment, actor)
    platform = engine.platform(strategy.environment(stage.environment).platform)
    name = f"backport/{request.solution}-{stage.environment}-{short(live.inspection.inventory.fingerprint)}"
    commit = _commit(engine, strategy, platform, live, actor, name)
    task = Backport(
        id=engine.new_id(),
        solution=request.solution,
        environment=stage.environment,
        cause=Cause.DRIFT,
        version=live.here.version,
        branch=name,
        commit=commit,
        changes=live.finding.changes,
        edited=what_was_edited(
            platform.format.inspect(engine.packages.get(live.here.package)).inventory,
            live.inspection.inventory,
            live.diff,
        ),
        by=actor.person,
        at=engine.now(),
        reason=request.reason,
    )
    return _open(engine, live.finding, task, actor)


def _look(engine: Engine, strategy: Strategy, solution: str, place: str, actor: Actor) -> _Live:
    environment = strategy.environment(place)
    with engine.store.reading() as reading:
        here = installed(reading, place, solution)
    if here is None:
        raise NotFoundError(f"{solution} is not installed in {place}")
    scan(engine, environment, actor)
    with engine.store.reading() as reading:
        finding = _unresolved(reading, place, solution)
    platform = engine.platform(environment.platform)
    scope = scope_of(strategy.solution(solution), here.version)
    export = platform.export(access_to(engine, environment), scope, {solution: scope})
    inspection = platform.format.inspect(export.package)
    _refuse_secrets(engine, solution, inspection)
    scan(engine, environment, actor)
    with engine.store.reading() as reading:
        if _unresolved(reading, place, solution).fingerprint != finding.fingerprint:
            raise RefusedError(f"{place} is being edited at this moment", hint="run the command again")
    diff = platform.format.diff(engine.packages.get(here.package), export.package)
    return _Live(here, finding, export, inspection, diff)


def _unresolved(reading: Reading, place: str, solution: str) -> DriftFinding:
    """Return the live edit of the definition that nobody has back-ported. Raises NotFoundError, RefusedError."""
    states = (DriftState.OPEN, DriftState.ACCEPTED)
    found = reading.find(DriftFinding, environment=place, solution=solution, states=states)
    edit = next((f for f in found if f.stream == DEFINITION), None)
    if edit is not None:
        return edit
    if found:
        where = f"{solution} --in {place}"
        raise RefusedError(
            f"only values were changed live in {place}, and values are no source: {found[0].changes[0]}",
            hint=f"give the value in environments/{place}.yaml and apply it, or: lampway drift revert {where}",
        )
    raise NotFoundError(f"no live edit of {solution} in {place} is open", hint="lampway backport list")


def _refuse_secrets(engine: Engine, solution: str, inspection: Inspection) -> None:
    secrets = [f for f in find_faults(engine, inspection) if f.severity is Severity.SECRET]
    if secrets:
        raise RefusedError(
            f"the live edit of {solution} holds a secret in clear; nothing of it was written to git",
            hint="take it out there, or revert the edit; then change the secret, for it was seen",
            details=tuple(f"{f.place}: {f.summary}" for f in secrets),
        )


def _commit(  # noqa: PLR0917 - a commit is all of these
    engine: Engine, strategy: Strategy, platform: Platform, live: _Live, actor: Actor, branch: str
) -> str:
    """Put the live edit on a branch from the source of what was deployed, so that it merges as what it is."""
    solution, place = live.here.solution, live.here.environment
    with engine.store.reading() as reading:
        release = reading.get(Release, f"{solution}@{live.here.version}")
    parent = (release.commit if release else "") or engine.source.head()
    message = f"{solution}: live edit in {place} over {live.here.version}\n\n" + "\n".join(live.finding.changes[:20])
    editors = _editors(strategy, live.export.editors or ())
    trailers = "\n".join(f"Co-authored-by: {editor}" for editor in editors)
    message += f"\n\n{trailers}" if trailers else ""
    files = platform.format.unpack(live.export.editable)
    author = author_of(engine, strategy, actor)
    commit = engine.source.commit_branch(
        branch, f"solutions/{solution}/src", files, message=message, author=author, parent=parent
    )
    engine.source.push([f"refs/heads/{branch}"])
    return commit


def _editors(strategy: Strategy, names: Sequence[str]) -> tuple[str, ...]:
    """Return who edited live, as git writes it: whoever merges the branch brings them in as makers."""
    found = [(name, strategy.person(name)) for name in names]
    return tuple(f"{p.name} <{p.emails[0]}>" if p and p.emails else f"{name} <{name}>" for name, p in found)


def _open(engine: Engine, finding: DriftFinding, task: Backport, actor: Actor) -> Backport:
    """Record the task, and that the live edit is dealt with, unless somebody was faster."""
    with engine.store.transaction() as transaction:
        now = transaction.get(DriftFinding, finding.id)
        if now is None or now.state not in (DriftState.OPEN, DriftState.ACCEPTED):
            raise RefusedError(f"somebody dealt with the live edit in {task.environment} meanwhile")
        resolved = DriftResolved(finding.id, DriftState.BACKPORTED, f"on branch {task.branch}, task {task.id}")
        told = [transaction.append(event, actor) for event in (BackportOpened(task), resolved)]
    engine.tell(told)
    return task


def close_backport(engine: Engine, request: CloseBackport, actor: Actor) -> Backport:
    """Close a task that no release will contain as it is. Raises NotFoundError, RefusedError, UsageError."""
    reason = require_reason(request.reason)
    with engine.store.transaction() as transaction:
        task = transaction.get(Backport, request.backport)
        if task is None:
            raise NotFoundError(f"no back-port {request.backport}", hint="lampway backport list")
        if task.state is not BackportState.OPEN:
            raise RefusedError(f"back-port {task.id} has ended already: {task.state}")
        release = find_release(transaction, request.release).name if request.release else ""
        told = [transaction.append(BackportEnded(task.id, BackportState.CLOSED, release, reason), actor)]
        ended = transaction.get(Backport, task.id) or task
    engine.tell(told)
    return ended


def show_backports(engine: Engine, request: ShowBackports, actor: Actor) -> tuple[BackportLine, ...]:
    """Return the tasks, oldest first. Raises NotFoundError for a solution that nobody knows."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        if request.solution:
            strategy.solution(request.solution)
        states = () if request.ended else (BackportState.OPEN,)
        found = reading.find(Backport, solution=request.solution, states=states)
        owners = {s.name: (s.owner, s.backup_owner) for s in strategy.solutions}
        mine = [t for t in found if not request.mine or actor.person in owners.get(t.solution, ())]
        return tuple(_line(reading, task) for task in mine)


def _line(reading: Reading, task: Backport) -> BackportLine:
    newest = newest_release(reading, task.solution)
    is_open = task.state is BackportState.OPEN
    lacks = task.edited.lacks(newest.inventory) if newest and is_open else ()
    return BackportLine(task, newest.name if newest else "", lacks)
