"""Hotfixes: what runs at the end of a path is put where it can be mended, and the mend goes there by the short path.

Everything else is as with any release: scanned, committed, sealed, tested, approved, deployed. What is mended must come
back into the path: a task stays open until a release of the path contains it.
"""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.deployment import DriftFinding, DriftState, Installation
from lampway.domain.events import Actor, HotfixStarted
from lampway.domain.hotfix import Hotfix, HotfixState
from lampway.domain.release import Release
from lampway.domain.strategy import Strategy
from lampway.engine import abilities
from lampway.engine import platform as port
from lampway.engine.context import Engine, Request, access_to, newest_release, require_reason, rules_in_force
from lampway.engine.facts import installed, rollback_target
from lampway.engine.filling import Filling, filling, put_one
from lampway.engine.release import scope_of
from lampway.engine.sandboxed import find_sandbox
from lampway.engine.sandboxes import CreateSandbox, drop_sandbox, enter, make_sandbox
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError

LASTS = "3d"
"""For how long the place of a hotfix is there, if nobody extends it."""


@dataclass(frozen=True, slots=True)
class HotfixView:
    """A hotfix, and what to do next."""

    hotfix: Hotfix
    url: str
    """Where it is built."""
    sign_in: str = ""
    """The file that says how to sign in there; empty where everybody who builds knows."""
    notes: tuple[str, ...] = ()
    next: str = ""
    """The command to run next."""


@dataclass(frozen=True, slots=True)
class StartHotfix(Request[HotfixView]):
    """Put what runs at the end of a path where it can be mended."""

    solution: str
    environment: str
    reason: str


def start_hotfix(engine: Engine, request: StartHotfix, actor: Actor) -> HotfixView:
    """Start a sandbox with what runs there, or use the place where makers build, and record that a hotfix began.

    Raises RefusedError where there is one already, where going back would be the better cure, or where no place is
    free; NotFoundError, UsageError, PlatformError, SecretError.
    """
    reason = require_reason(request.reason)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        here = _what_runs(reading, strategy, request.solution, request.environment)
        refuse_second(reading, here)
        edited = _edited(reading, here)
    key = engine.new_id()
    one = filling(engine, strategy, here.solution, here.version, here.package)
    if engine.grounds is not None and isinstance(engine.platform(one.platform), abilities.Disposable):
        name = f"hotfix-{key}"
        line = make_sandbox(engine, CreateSandbox(name, lasting=LASTS, origin=one.name), actor, hotfix=key)
        place, url, sign_in, notes, is_sandbox = name, line.sandbox.url, line.sign_in, line.notes, True
    else:
        place, url, notes = _borrow(engine, strategy, one)
        sign_in, is_sandbox = "", False
    hotfix = Hotfix(
        id=key,
        solution=here.solution,
        environment=here.environment,
        version=here.version,
        reason=reason,
        by=actor.person,
        at=engine.now(),
        place=place,
        is_sandbox=is_sandbox,
    )
    try:
        with engine.store.transaction() as transaction:
            refuse_second(transaction, here)
            told = [transaction.append(HotfixStarted(hotfix), actor)]
    except RefusedError:  # somebody was faster: what was started for this one is of no use
        if is_sandbox:
            drop_sandbox(engine, place, "somebody else began the same hotfix")
        raise
    engine.tell(told)
    return HotfixView(hotfix, url, sign_in, (*edited, *notes), next_command(hotfix))


def next_command(hotfix: Hotfix) -> str:
    """Return what to run once the mend is made."""
    return f"lampway hotfix finish {hotfix.solution}"


def _what_runs(reading: Reading, strategy: Strategy, solution: str, environment: str) -> Installation:
    """Return what is to be mended: what runs at the end of the path. Raises RefusedError, NotFoundError."""
    stage = strategy.stage(solution, environment)
    last = strategy.pipeline_of(solution).stages[-1]
    if stage.environment != last.environment:
        raise RefusedError(
            f"a hotfix is for {last.environment}, where the path of {solution} ends, not for {stage.environment}",
            hint=f"lampway release {solution} brings a change to {stage.environment} the usual way",
        )
    here = installed(reading, stage.environment, solution)
    if here is None:
        raise NotFoundError(f"{solution} is not installed in {stage.environment}")
    back = rollback_target(reading, stage.environment, solution, here.release)
    if not here.verified and back is not None:
        place = f"{solution} --in {stage.environment}"
        raise RefusedError(
            f"{here.version} failed its verification there, and {back.version} is known to be good: go back first",
            hint=f"lampway rollback {place} --reason '...', and then, if it still is needed: lampway hotfix {place}",
        )
    return here


def _edited(reading: Reading, here: Installation) -> tuple[str, ...]:
    """Return that a live edit is in the way of everything that is deployed there, where there is one."""
    states = (DriftState.OPEN,)
    found = reading.find(DriftFinding, environment=here.environment, solution=here.solution, states=states)
    place = f"{here.solution} --in {here.environment}"
    lines = [f"{here.environment} was edited live, which is not in here: {f.changes[0]}" for f in found[:1]]
    return (*lines, *(f"deal with it before this goes in: lampway drift backport {place}" for _ in lines))


def refuse_second(reading: Reading, here: Installation) -> None:
    """Insist that nobody mends the same already. Raises RefusedError."""
    other = open_hotfix(reading, here.solution)
    if other is not None:
        raise RefusedError(
            f"{other.by} is on a hotfix of {other.solution} already, in {other.place}: {other.reason}",
            hint=f"{next_command(other)}, or: lampway hotfix abandon {other.solution} --reason '...'",
        )


def open_hotfix(reading: Reading, solution: str) -> Hotfix | None:
    """Return the hotfix of a solution that is under way, or None."""
    found = reading.find(Hotfix, solution=solution, states=(HotfixState.OPEN,))
    return found[0] if found else None


def _borrow(engine: Engine, strategy: Strategy, one: Filling) -> tuple[str, str, tuple[str, ...]]:
    """Put it where makers build, if nothing is lost by that; return the place, its address and what is lacking."""
    source = strategy.environment(strategy.pipeline_of(one.solution).source)
    with engine.store.reading() as reading:
        newest = newest_release(reading, one.solution)
    platform, access = engine.platform(source.platform), access_to(engine, source)
    solution = strategy.solution(one.solution)
    over = None
    try:
        live = platform.export(access, scope_of(solution), {solution.name: scope_of(solution)})
    except NotFoundError:
        pass  # nothing of it is there
    else:
        inventory = platform.format.inspect(live.package).inventory
        if newest is None or inventory.fingerprint != newest.inventory.fingerprint:
            raise RefusedError(
                f"{source.name} holds work on {one.solution} that no release has, and no sandbox can be started",
                hint=f"release it first, it need not be promoted: lampway release {one.solution}",
            )
        over = engine.packages.get(newest.package.digest)
    notes = put_one(engine, platform, access, one, {}, over=over)
    return source.name, source.public_url or source.url, notes


def workplace(engine: Engine, reading: Reading, hotfix: Hotfix) -> port.Access:
    """Return how to reach the place in which a hotfix is built. Raises NotFoundError, RefusedError, SecretError."""
    if not hotfix.is_sandbox:
        return access_to(engine, rules_in_force(reading).strategy.environment(hotfix.place))
    sandbox = find_sandbox(reading, hotfix.place)
    if sandbox is None:
        raise NotFoundError(
            f"the sandbox {hotfix.place} of this hotfix is gone, and what was built in it",
            hint=f"lampway hotfix abandon {hotfix.solution} --reason 'its sandbox is gone', and begin again",
        )
    return enter(engine, sandbox)


def give_back(engine: Engine, hotfix: Hotfix) -> tuple[str, ...]:
    """Bring what was borrowed back to the newest release of the path, if it is as the hotfix left it.

    Returns what could not be brought back, in words.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        newest = newest_release(reading, hotfix.solution)
        left = [reading.get(Release, f"{hotfix.solution}@{v}") for v in (hotfix.version, *hotfix.releases)]
    source = strategy.environment(hotfix.place)
    platform, access = engine.platform(source.platform), access_to(engine, source)
    scope = scope_of(strategy.solution(hotfix.solution))
    seen = platform.format.inspect(platform.export(access, scope, {hotfix.solution: scope}).package).inventory
    there = next((r for r in left if r is not None and r.inventory.fingerprint == seen.fingerprint), None)
    if newest is None or there is None:
        return (f"{source.name} holds something else by now and was left as it is",)
    if newest.inventory.fingerprint != seen.fingerprint:
        one = filling(engine, strategy, hotfix.solution, newest.version, newest.package.digest)
        put_one(engine, platform, access, one, {}, over=engine.packages.get(there.package.digest))
    return ()
