"""Sandboxes: started, filled, reminded of, started anew and taken away; by people, and by themselves when time is over.

What is there is a fact of the ledger; whether it runs is looked at. Each use case bears repeating after a crash: a
sandbox is recorded before it is started, and removed before that is recorded.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lampway.domain.events import (
    ENGINE,
    Actor,
    Event,
    SandboxCreated,
    SandboxEnded,
    SandboxExtended,
    SandboxReminded,
    SandboxStarted,
)
from lampway.domain.moments import shown
from lampway.domain.sandbox import AT_ONCE, Sandbox, SandboxState, end_of, require_name
from lampway.domain.strategy import Strategy
from lampway.engine.abilities import Disposable, Launched
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.filling import Filling, fillings, put_in
from lampway.engine.grounds import Grounds
from lampway.engine.platform import Access
from lampway.engine.sandboxed import find_sandbox
from lampway.engine.store import Reading
from lampway.errors import LampwayError, NotFoundError, PlatformError, RefusedError, UsageError

USUAL = "7d"
_STEWARDS = ("release-manager", "platform-admin")


@dataclass(frozen=True, slots=True)
class SandboxLine:
    """A sandbox as it is now."""

    sandbox: Sandbox
    is_running: bool | None
    """None: it is on another machine, which this one cannot look at."""
    sign_in: str = ""
    """The file that says how people sign in; empty where it cannot be told from here."""
    notes: tuple[str, ...] = ()
    """What is lacking of what was put in, when it was put in just now."""


@dataclass(frozen=True, slots=True)
class CreateSandbox(Request[SandboxLine]):
    """Start a disposable environment."""

    name: str
    platform: str = ""
    """The platform of what it is filled from, else of the first environment, if empty."""
    lasting: str = USUAL
    """For how long, such as 7d."""
    origin: str = ""
    """An environment, a solution or `solution@version` to fill it from; empty for nothing."""


@dataclass(frozen=True, slots=True)
class ShowSandboxes(Request[tuple[SandboxLine, ...]]):
    """Ask which sandboxes there are."""


@dataclass(frozen=True, slots=True)
class ResetSandbox(Request[SandboxLine]):
    """Start a sandbox anew, as it was when it was made."""

    name: str
    keep: bool = False
    """Start it again with what is in it, after its process has ended."""


@dataclass(frozen=True, slots=True)
class ExtendSandbox(Request[SandboxLine]):
    """Let a sandbox last longer, from now on."""

    name: str
    lasting: str = USUAL


@dataclass(frozen=True, slots=True)
class ExpireSandbox(Request[Sandbox]):
    """Take a sandbox away before its time."""

    name: str
    is_gone: bool = False
    """Whether the machine it was on is gone, so that there is nothing to be removed."""


@dataclass(frozen=True, slots=True)
class Tended:
    """What time had made due."""

    ended: tuple[str, ...]
    """Names."""
    reminded: tuple[str, ...]
    failed: tuple[str, ...]
    """What could not be taken away, in words; it is tried again."""
    next_at: str


def create_sandbox(engine: Engine, request: CreateSandbox, actor: Actor) -> SandboxLine:
    """Start a sandbox and fill it. Raises UsageError, RefusedError, NotFoundError, PlatformError.

    Where it cannot be started or filled, nothing of it is left.
    """
    return make_sandbox(engine, request, actor)


def make_sandbox(engine: Engine, request: CreateSandbox, actor: Actor, *, hotfix: str = "") -> SandboxLine:
    """Start a sandbox and fill it, for a hotfix or for its own sake. Raises LampwayError; then nothing is left."""
    until = end_of(engine.now(), request.lasting)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    found = fillings(engine, strategy, request.origin) if request.origin else ()
    wanted = request.platform or (found[0].platform if found else strategy.environments[0].platform)
    _disposable(engine, wanted)
    odd = next((f for f in found if f.platform != wanted), None)
    if odd is not None:
        raise RefusedError(f"{odd.name} is of {odd.platform}, not of {wanted}", hint=f"--platform {odd.platform}")
    sandbox = Sandbox(
        id=engine.new_id(),
        name=require_name(request.name),
        platform=wanted,
        owner=actor.person,
        host=_grounds(engine).host,
        created_at=engine.now(),
        until=until,
        origin=request.origin,
        hotfix=hotfix,
    )
    with engine.store.transaction() as transaction:
        _refuse_taken(transaction, strategy, sandbox)
        told = [transaction.append(SandboxCreated(sandbox), actor)]
    engine.tell(told)
    try:
        return _start(engine, sandbox, found, actor)
    except LampwayError as error:
        _remove(engine, sandbox)
        engine.record([SandboxEnded(sandbox.id, f"it could not be started: {error.message}")], ENGINE)
        raise


def _refuse_taken(reading: Reading, strategy: Strategy, sandbox: Sandbox) -> None:
    live = reading.find(Sandbox, states=(SandboxState.LIVE,))
    if any(e.name == sandbox.name for e in strategy.environments):
        raise RefusedError(f"{sandbox.name} is an environment of the strategy", hint="choose another name")
    if any(other.name == sandbox.name for other in live):
        raise RefusedError(f"there is a sandbox {sandbox.name} already", hint="lampway sandbox list")
    mine = [other.name for other in live if other.owner == sandbox.owner and not other.hotfix]
    if len(mine) >= AT_ONCE and not sandbox.hotfix:
        raise RefusedError(
            f"{sandbox.owner} has {len(mine)} sandboxes, which is as many as one may have",
            hint=f"lampway sandbox expire {mine[0]}",
        )


def _start(
    engine: Engine, sandbox: Sandbox, found: Sequence[Filling], actor: Actor, *, kept: tuple[str, ...] = ()
) -> SandboxLine:
    """Start it, or find that it runs, fill it, and record that."""
    ground = _grounds(engine)
    folder = ground.folder / sandbox.place
    launched = _disposable(engine, sandbox.platform).start_sandbox(folder, name=sandbox.name, cache=ground.cache)
    notes = put_in(engine, engine.platform(sandbox.platform), access_of(sandbox, launched), found)
    started = SandboxStarted(sandbox.id, launched.url, kept or tuple(f.name for f in found))
    engine.record([started], actor)
    running = replace(sandbox, url=launched.url, content=started.content)
    return SandboxLine(running, is_running=True, sign_in=launched.sign_in, notes=notes)


def access_of(sandbox: Sandbox, launched: Launched) -> Access:
    """Return how to reach a sandbox that runs."""
    return Access(sandbox.name, launched.url, launched.credentials, launched.url)


def enter(engine: Engine, sandbox: Sandbox) -> Access:
    """Return how to reach a sandbox. Raises RefusedError when it does not run, or not here."""
    launched = _look(engine, sandbox) if is_here(engine, sandbox) else None
    if launched is None:
        place = "" if is_here(engine, sandbox) else f", on {sandbox.host}"
        hint = f"lampway sandbox reset {sandbox.name} --keep"
        raise RefusedError(f"sandbox {sandbox.name} does not run{place}", hint=hint)
    return access_of(sandbox, launched)


def reset_sandbox(engine: Engine, request: ResetSandbox, actor: Actor) -> SandboxLine:
    """Start a sandbox anew. What was in it is gone, unless it is kept. Raises NotFoundError, RefusedError."""
    sandbox = _mine(engine, request.name, actor)
    _require_here(engine, sandbox)
    if request.keep:
        runs = _look(engine, sandbox) is not None
        return _line(engine, sandbox) if runs else _start(engine, sandbox, (), actor, kept=sandbox.content)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
    found = fillings(engine, strategy, sandbox.origin) if sandbox.origin else ()
    _remove(engine, sandbox)
    return _start(engine, sandbox, found, actor)


def extend_sandbox(engine: Engine, request: ExtendSandbox, actor: Actor) -> SandboxLine:
    """Let a sandbox last longer. Raises NotFoundError, RefusedError, UsageError."""
    sandbox = _mine(engine, request.name, actor)
    until = end_of(engine.now(), request.lasting)
    if until <= sandbox.until:
        raise UsageError(f"{sandbox.name} lasts until {shown(sandbox.until)} anyway", hint="say a longer time from now")
    engine.record([SandboxExtended(sandbox.id, until)], actor)
    return _line(engine, replace(sandbox, until=until))


def expire_sandbox(engine: Engine, request: ExpireSandbox, actor: Actor) -> Sandbox:
    """Take a sandbox away, with everything in it. Raises NotFoundError, RefusedError, PlatformError."""
    sandbox = _mine(engine, request.name, actor)
    if not request.is_gone:
        _require_here(engine, sandbox)
        _remove(engine, sandbox)
    elif is_here(engine, sandbox):
        raise RefusedError(f"{sandbox.name} is on this machine, which is not gone", hint="leave out --gone")
    how = f"the machine {sandbox.host} is gone" if request.is_gone else "taken away"
    _end(engine, sandbox, how, actor)
    return sandbox


def show_sandboxes(engine: Engine, request: ShowSandboxes, actor: Actor) -> tuple[SandboxLine, ...]:
    """Return the sandboxes there are, with whether they run."""
    del request, actor
    with engine.store.reading() as reading:
        found = reading.find(Sandbox, states=(SandboxState.LIVE,))
    return tuple(_line(engine, sandbox) for sandbox in found)


def tend_sandboxes(engine: Engine) -> Tended:
    """Take away what has lasted long enough, and remind of what will soon have. Whoever does it, it is told once."""
    with engine.store.reading() as reading:
        live = reading.find(Sandbox, states=(SandboxState.LIVE,))
    now = engine.now()
    ended, reminded, failed = [], [], []
    for sandbox in live:
        if sandbox.is_to_be_reminded(now) and _tell(engine, sandbox, SandboxReminded(sandbox.id, sandbox.until)):
            reminded.append(sandbox.name)
        if not sandbox.is_over(now) or engine.grounds is None or not is_here(engine, sandbox):
            continue
        try:
            _remove(engine, sandbox)
        except PlatformError as error:
            failed.append(f"{sandbox.name}: {error}")
            continue
        if _end(engine, sandbox, "its time was over", ENGINE):
            ended.append(sandbox.name)
    moments = [s.next_moment() for s in live if s.name not in ended and not s.is_over(now)]
    return Tended(tuple(ended), tuple(reminded), tuple(failed), min(moments, default=""))


def _tell(engine: Engine, sandbox: Sandbox, event: SandboxReminded) -> bool:
    """Record a reminder, unless somebody was faster. Returns whether it was recorded."""
    with engine.store.transaction() as transaction:
        now = transaction.get(Sandbox, sandbox.id)
        is_due = now is not None and now.state is SandboxState.LIVE and now.is_to_be_reminded(engine.now())
        told = [transaction.append(event, ENGINE)] if is_due else []
    engine.tell(told)
    return bool(told)


def _end(engine: Engine, sandbox: Sandbox, reason: str, actor: Actor) -> bool:
    """Record that a sandbox is gone, unless somebody did already. Returns whether it was recorded."""
    with engine.store.transaction() as transaction:
        now = transaction.get(Sandbox, sandbox.id)
        is_live = now is not None and now.state is SandboxState.LIVE
        ended: list[Event] = [SandboxEnded(sandbox.id, reason)] if is_live else []
        told = [transaction.append(event, actor) for event in ended]
    engine.tell(told)
    return bool(told)


def _mine(engine: Engine, name: str, actor: Actor) -> Sandbox:
    """Return a sandbox that this person may deal with. Raises NotFoundError, RefusedError."""
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        sandbox = find_sandbox(reading, name)
    if sandbox is None:
        raise NotFoundError(f"no sandbox {name}", hint="lampway sandbox list")
    person = strategy.person(actor.person)
    roles = person.roles_at(engine.now()) if person else ()
    if actor.person != sandbox.owner and not set(_STEWARDS) & set(roles):
        raise RefusedError(
            f"sandbox {name} belongs to {sandbox.owner}", hint=f"{sandbox.owner}, or one of: {', '.join(_STEWARDS)}"
        )
    return sandbox


def is_here(engine: Engine, sandbox: Sandbox) -> bool:
    """Return whether a sandbox is on this machine."""
    return engine.grounds is not None and engine.grounds.host == sandbox.host


def _require_here(engine: Engine, sandbox: Sandbox) -> None:
    if not is_here(engine, sandbox):
        hint = f"run this on {sandbox.host}; if that is gone for good: lampway sandbox expire {sandbox.name} --gone"
        raise RefusedError(f"sandbox {sandbox.name} is on {sandbox.host}", hint=hint)


def _grounds(engine: Engine) -> Grounds:
    if engine.grounds is None:
        raise RefusedError("no sandbox can be started here", hint="run it on a machine with a state folder of its own")
    return engine.grounds


def _folder(engine: Engine, sandbox: Sandbox) -> Path:
    return _grounds(engine).folder / sandbox.place


def drop_sandbox(engine: Engine, name: str, reason: str) -> None:
    """Take away a sandbox of this machine that is of no use to anybody. Raises PlatformError."""
    with engine.store.reading() as reading:
        sandbox = find_sandbox(reading, name)
    if sandbox is not None:
        _remove(engine, sandbox)
        _end(engine, sandbox, reason, ENGINE)


def remove_place(engine: Engine, sandbox: Sandbox) -> None:
    """Remove a sandbox that is on this machine; whoever calls records that. Raises RefusedError, PlatformError."""
    _require_here(engine, sandbox)
    _remove(engine, sandbox)


def _remove(engine: Engine, sandbox: Sandbox) -> None:
    _disposable(engine, sandbox.platform).remove_sandbox(_folder(engine, sandbox))


def _look(engine: Engine, sandbox: Sandbox) -> Launched | None:
    return _disposable(engine, sandbox.platform).find_sandbox(_folder(engine, sandbox))


def _line(engine: Engine, sandbox: Sandbox) -> SandboxLine:
    if not is_here(engine, sandbox):
        return SandboxLine(sandbox, is_running=None)
    launched = _look(engine, sandbox)
    return SandboxLine(sandbox, is_running=launched is not None, sign_in=launched.sign_in if launched else "")


def _disposable(engine: Engine, name: str) -> Disposable:
    platform = engine.platform(name)
    if not isinstance(platform, Disposable):
        raise RefusedError(f"Lampway cannot start a sandbox of {name}", hint="lampway platforms tells which can")
    return platform
