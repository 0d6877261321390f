"""From a mend to its release: finishing a hotfix, giving one up, and noticing that one has arrived."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.backport import Backport, BackportState, Cause, what_was_edited
from lampway.domain.deployment import Installation
from lampway.domain.digest import short
from lampway.domain.events import (
    ENGINE,
    Actor,
    BackportEnded,
    BackportOpened,
    Event,
    HotfixEnded,
    HotfixReleased,
    SandboxEnded,
)
from lampway.domain.hotfix import Hotfix, HotfixState, next_version
from lampway.domain.package import Diff, Inspection, PackageReference
from lampway.domain.release import Release
from lampway.domain.risk import change_facts
from lampway.domain.strategy import Strategy
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.engine.facts import installed
from lampway.engine.hotfix import HotfixView, give_back, next_command, open_hotfix, workplace
from lampway.engine.platform import Export, Platform
from lampway.engine.promote import Promote, promote
from lampway.engine.release import author_of, find_faults, record_release, refuse_faults, scope_of, with_source_faults
from lampway.engine.sandboxed import find_sandbox
from lampway.engine.sandboxes import is_here, remove_place
from lampway.engine.store import Reading
from lampway.errors import LampwayError, NotFoundError, RefusedError


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of finishing a hotfix."""

    release: Release
    changes: tuple[str, ...]
    backport: str
    """Id of the task to bring it back into the path."""
    branch: str
    promotions: tuple[str, ...]
    """Ids, first stage first."""
    is_short: bool
    """Whether it takes a short path; else it takes the whole one."""


@dataclass(frozen=True, slots=True)
class FinishHotfix(Request[Finished]):
    """Release what was mended, and ask for it to go in by the short path."""

    solution: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class AbandonHotfix(Request[HotfixView]):
    """Give a hotfix up; its place goes."""

    solution: str
    reason: str


@dataclass(frozen=True, slots=True)
class ShowHotfixes(Request[tuple[HotfixView, ...]]):
    """Ask which hotfixes are under way."""

    solution: str = ""


@dataclass(frozen=True, slots=True)
class _Mend:
    """What was mended, as it was found."""

    hotfix: Hotfix
    base: Release
    export: Export
    inspection: Inspection
    diff: Diff
    version: str


def finish_hotfix(engine: Engine, request: FinishHotfix, actor: Actor) -> Finished:
    """Export, scan, commit on a branch and seal the mend; open its task; ask for it at the end of the path.

    It may be finished again, where the first release would not do: the task of that one is closed. Raises
    NotFoundError, RefusedError where nothing was changed or it holds hardcoded values, PlatformError, SourceError.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        hotfix = _under_way(reading, request.solution)
        access = workplace(engine, reading, hotfix)
        base = reading.get(Release, f"{hotfix.solution}@{hotfix.version}")
        taken = [release.version for release in reading.find(Release, solution=hotfix.solution)]
    if base is None:
        raise NotFoundError(f"{hotfix.solution}@{hotfix.version} is not in the records")
    platform = engine.platform(base.package.platform)
    scope = scope_of(strategy.solution(hotfix.solution), base.version)
    export = platform.export(access, scope, {hotfix.solution: scope})
    inspection = platform.format.inspect(export.package)
    diff = platform.format.diff(engine.packages.get(base.package.digest), export.package)
    mend = _Mend(hotfix, base, export, inspection, diff, next_version(base.version, taken))
    again = _refuse_unchanged(engine, mend)
    found = with_source_faults(engine, platform, export, find_faults(engine, inspection))
    refuse_faults(hotfix.solution, found)
    release, branch = again or _seal(engine, strategy, platform, mend, (actor, request.note or hotfix.reason))
    asked = promote(engine, Promote(release.name, hotfix.environment, hotfix.reason), actor)
    with engine.store.reading() as reading:
        task = next((t for t in reading.find(Backport, solution=hotfix.solution) if t.commit == release.commit), None)
    return Finished(
        release=release,
        changes=diff.summaries(),
        backport=task.id if task else "",
        branch=task.branch if task else branch,
        promotions=asked.promotions,
        is_short=bool(strategy.pipeline_of(hotfix.solution).hotfix),
    )


def _under_way(reading: Reading, solution: str) -> Hotfix:
    rules_in_force(reading).strategy.solution(solution)
    hotfix = open_hotfix(reading, solution)
    if hotfix is None:
        hint = f"lampway hotfix {solution} --in ENVIRONMENT --reason '...'"
        raise NotFoundError(f"no hotfix of {solution} is under way", hint=hint)
    return hotfix


def _refuse_unchanged(engine: Engine, mend: _Mend) -> tuple[Release, str] | None:
    """Return the release that holds exactly this already, or None. Raises RefusedError where nothing was mended."""
    seen = mend.inspection.inventory
    if _does_the_same(seen, mend.base):
        raise RefusedError(
            f"nothing was changed yet in {mend.hotfix.place}",
            hint=f"edit it there, then: {next_command(mend.hotfix)}",
        )
    with engine.store.reading() as reading:
        made = [reading.get(Release, f"{mend.hotfix.solution}@{v}") for v in mend.hotfix.releases[-1:]]
    return next(((r, "") for r in made if r is not None and _does_the_same(seen, r)), None)


def _does_the_same(seen: object, release: Release) -> bool:
    parts = ("fingerprint", "variables", "connections")
    return all(getattr(seen, part) == getattr(release.inventory, part) for part in parts)


def _seal(
    engine: Engine, strategy: Strategy, platform: Platform, mend: _Mend, said: tuple[Actor, str]
) -> tuple[Release, str]:
    """Commit the mend on a branch from the source of what it mends, and seal it with its task."""
    actor, note = said
    hotfix, base = mend.hotfix, mend.base
    package = platform.format.stamp(mend.export.package, mend.version)
    inventory = platform.format.inspect(package).inventory
    branch = f"hotfix/{hotfix.solution}-{mend.version}-{short(inventory.fingerprint)[:6]}"
    commit = engine.source.commit_branch(
        branch,
        f"solutions/{hotfix.solution}/src",
        platform.format.unpack(platform.format.stamp(mend.export.editable, mend.version)),
        message=f"{hotfix.solution} {mend.version}: hotfix of {base.version}: {note}",
        author=author_of(engine, strategy, actor),
        parent=base.commit or engine.source.head(),
    )
    engine.source.push([f"refs/heads/{branch}"])
    editors = [strategy.person(name) for name in mend.export.editors or ()]
    release = Release(
        solution=hotfix.solution,
        version=mend.version,
        packages=(PackageReference(engine.packages.put(package), len(package), platform.name, inventory.fingerprint),),
        inventory=inventory,
        commit=commit,
        makers=tuple(sorted({actor.person, hotfix.by, *(p.id for p in editors if p)})),
        editors_unknown=mend.export.editors is None,
        sealed_by=actor.person,
        sealed_at=engine.now(),
        previous=base.version,
        note=note,
        findings=find_faults(engine, mend.inspection),
        change=change_facts(mend.diff, base.inventory, inventory),
        depends_on=base.depends_on,
        hotfix=hotfix.id,
    )
    task = _task(engine, mend, release, branch, actor)
    record_release(engine, release, actor, hotfix.place, _also(engine, hotfix, release, task))
    return release, branch


def _task(engine: Engine, mend: _Mend, release: Release, branch: str, actor: Actor) -> Backport:
    return Backport(
        id=engine.new_id(),
        solution=release.solution,
        environment=mend.hotfix.environment,
        cause=Cause.HOTFIX,
        version=mend.base.version,
        branch=branch,
        commit=release.commit,
        changes=mend.diff.summaries(),
        edited=what_was_edited(mend.base.inventory, release.inventory, mend.diff),
        by=actor.person,
        at=engine.now(),
        reason=mend.hotfix.reason,
    )


def _also(engine: Engine, hotfix: Hotfix, release: Release, task: Backport) -> list[Event]:
    """Return what is recorded with the release: its task in place of the one of the release before."""
    with engine.store.reading() as reading:
        before = reading.get(Backport, hotfix.backport) if hotfix.backport else None
    over: list[Event] = []
    if before is not None and before.state is BackportState.OPEN:
        over = [BackportEnded(before.id, BackportState.CLOSED, "", f"{release.name} took its place")]
    return [*over, BackportOpened(task), HotfixReleased(hotfix.id, release.version, task.id)]


def abandon_hotfix(engine: Engine, request: AbandonHotfix, actor: Actor) -> HotfixView:
    """Give a hotfix up. What was released of it stays released. Raises NotFoundError, UsageError, PlatformError."""
    reason = require_reason(request.reason)
    with engine.store.reading() as reading:
        hotfix = _under_way(reading, request.solution)
    return HotfixView(hotfix, "", notes=_end(engine, hotfix, HotfixState.ABANDONED, reason, actor))


def show_hotfixes(engine: Engine, request: ShowHotfixes, actor: Actor) -> tuple[HotfixView, ...]:
    """Return the hotfixes that are under way, each with the command to run next."""
    del actor
    with engine.store.reading() as reading:
        found = reading.find(Hotfix, solution=request.solution, states=(HotfixState.OPEN,))
        places = {h.id: find_sandbox(reading, h.place) for h in found if h.is_sandbox}
    return tuple(HotfixView(h, s.url if (s := places.get(h.id)) else "", next=_next(h)) for h in found)


def _next(hotfix: Hotfix) -> str:
    if not hotfix.releases:
        return next_command(hotfix)
    return f"lampway explain {hotfix.solution}@{hotfix.releases[-1]} --to {hotfix.environment}"


def tend_hotfixes(engine: Engine) -> tuple[str, ...]:
    """End what has arrived: its place goes, and its task stays. Returns in words what was ended.

    What cannot be cleared away is tried again the next time.
    """
    with engine.store.reading() as reading:
        found = reading.find(Hotfix, states=(HotfixState.OPEN,))
        there = [(h, installed(reading, h.environment, h.solution)) for h in found if h.releases]
    told = []
    for hotfix, here in there:
        if not _has_arrived(hotfix, here):
            continue
        try:
            notes = _end(
                engine, hotfix, HotfixState.DONE, f"{hotfix.releases[-1]} runs in {hotfix.environment}", ENGINE
            )
        except LampwayError as error:
            told.append(f"hotfix of {hotfix.solution}: {hotfix.place} could not be cleared away: {error}")
        else:
            told += [f"hotfix of {hotfix.solution} is done; it is still to be back-ported", *notes]
    return tuple(told)


def _has_arrived(hotfix: Hotfix, here: Installation | None) -> bool:
    return here is not None and here.version == hotfix.releases[-1] and here.verified


def _end(engine: Engine, hotfix: Hotfix, state: HotfixState, reason: str, actor: Actor) -> tuple[str, ...]:
    """Clear the place of a hotfix away and record its end, once. Returns what is left to do, in words."""
    with engine.store.reading() as reading:
        sandbox = find_sandbox(reading, hotfix.place) if hotfix.is_sandbox else None
    if sandbox is not None and not is_here(engine, sandbox):
        sandbox = None  # it ends by itself on the machine that it is on
    if sandbox is not None:
        remove_place(engine, sandbox)
    notes = () if hotfix.is_sandbox else give_back(engine, hotfix)
    with engine.store.transaction() as transaction:
        now = transaction.get(Hotfix, hotfix.id)
        ended: list[Event] = []
        if now is not None and now.state is HotfixState.OPEN:
            ended.append(HotfixEnded(hotfix.id, state, reason))
        if sandbox is not None and find_sandbox(transaction, hotfix.place) is not None:
            ended.append(SandboxEnded(sandbox.id, f"its hotfix is {state}"))
        told = [transaction.append(event, actor) for event in ended]
    engine.tell(told)
    return notes
