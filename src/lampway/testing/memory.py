"""The in-memory platform: every promise of the port, kept in the fewest lines. Read it before writing an adapter.

Its product is in `lampway.testing.world`. Packages are small canonical JSON. A deployment takes two steps, *import*
and *configure*, because many products bring the definition and the values separately.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lampway.domain.capability import Ability, Capability, Support
from lampway.domain.digest import digest
from lampway.domain.package import Scope
from lampway.domain.secret import Secret
from lampway.engine.abilities import Executions, Launched, Lock, LockState, SmokeRun, Usage
from lampway.engine.platform import (
    Access,
    AdapterPlan,
    Export,
    Found,
    Installed,
    Observation,
    Observed,
    Outcome,
    Problem,
    Progress,
    Rights,
    StepPlan,
    UnderWay,
    Wanted,
)
from lampway.errors import (
    AccessError,
    ConflictError,
    NotFoundError,
    PlatformError,
    PlatformRefusedError,
    RefusedError,
    UnknownOutcomeError,
    UnreachableError,
)
from lampway.testing.memory_look import bare, edits, found_there, given, in_scope, live, missing, top, troubles
from lampway.testing.memory_package import NAME, PASSWORD, MemoryFormat, Package, compare, plain, read_package
from lampway.testing.memory_switch import installed_apps, switch, switch_edits, usage_of
from lampway.testing.world import App, CrashError, Fault, Operation, World

IMPORT, CONFIGURE, REMOVE = "import", "configure", "remove"


def create() -> MemoryPlatform:
    """Return the platform, as an entry point of the group `lampway.platforms` would."""
    return MemoryPlatform()


@dataclass(frozen=True, slots=True)
class _Target:
    """What one step is about: what of ours is there, and what shall be."""

    now: object
    then: object

    def intent(self, revision: int) -> dict[str, Any]:
        return {"revision": revision, "before": digest(self.now), "after": digest(self.then)}


class MemoryPlatform:
    """Implements the port and everything that is optional but `Launchable`, and what brings in what cannot be exported.

    Remembers nothing between calls: its worlds hold all.
    """

    name = NAME

    def __init__(self, *, tells_editors: bool = True, has_precondition: bool = True) -> None:
        self.format = MemoryFormat()
        self.worlds: dict[str, World] = {}
        self._tells_editors = tells_editors
        self._has_precondition = has_precondition

    def world(self, url: str) -> World:
        """Return the world at a URL such as `memory://dev`, made if there is none: the back door for tests."""
        return self.worlds.setdefault(url, World(url))

    def capabilities(self) -> tuple[Capability, ...]:
        """Return what this platform can do, one entry per ability."""
        if self._has_precondition:
            return _CAPABILITIES
        blind = Capability(Ability.PRECONDITION, Support.IMPOSSIBLE, "it takes every change, whatever it was made from")
        return tuple(blind if c.name is Ability.PRECONDITION else c for c in _CAPABILITIES)

    def probe(self, access: Access) -> Rights:
        """Return what our token may do there."""
        world = self._enter(access, "probe")
        may = access.credentials["token"].reveal() == world.token
        missing = () if may else ("may not deploy: give Lampway the engine's token",)
        return Rights("memory 1", can_read=True, can_deploy=may, missing=missing)

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        """Return the solution that `scope` describes. Raises NotFoundError, RefusedError."""
        world = self._enter(access, "export")
        apps = in_scope(world, scope)
        owned = {app.id for other in known.values() for app in in_scope(world, other, lenient=True)}
        for other in known.values():
            shared = {a.id for a in in_scope(world, other, lenient=True)} & {a.id for a in apps}
            if other.solution != scope.solution and shared:
                raise RefusedError(f"two solutions hold the same app: {scope.solution} and {other.solution}")
        constants = {n: app.values[n] for app in apps for n in scope.constants if n in app.values}
        package = Package(scope.solution, scope.version or "0.0.0", tuple(map(bare, apps)), constants)
        return Export(
            package=package.to_bytes(),
            values={n: app.values[n] for app in apps for n in package.names if n in app.values},
            bound={account: (PASSWORD,) for app in apps for account in app.passwords},
            editors=tuple(sorted({e for app in apps for e in app.editors})) if self._tells_editors else None,
            unowned=tuple(top(app) for app in world.apps.values() if app.id not in owned),
        )

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Return how each solution there differs from what was installed."""
        world = self._enter(access, "observe")
        held = {name: read_package(one.package) for name, one in installed.items()}
        seen = {
            name: Observed(
                compare(package, live(world, package)),
                (*edits(world, package, installed[name]), *switch_edits(world, package, installed[name])),
            )
            for name, package in held.items()
        }
        owned = {app.id for package in held.values() for app in package.apps}
        unowned = tuple(top(app) for app in world.apps.values() if app.id not in owned)
        return Observation(str(world.revision), seen, unowned)

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Return the steps to reach `wanted` and every problem that stands in the way."""
        world = self._enter(access, "plan")
        if wanted.package is None:
            return AdapterPlan((StepPlan(REMOVE, f"remove the apps of {wanted.solution}"),))
        package = read_package(wanted.package)
        needs = sorted({p.plugin for app in package.apps for p in app.parts} - {"", *world.plugins})
        problems = [Problem(f"plug-in {name} is not installed there", f"install {name}") for name in needs]
        taken = {c.id: other for other, inventory in wanted.others.items() for c in inventory.components}
        problems += [
            Problem(f"app {app.name} belongs to {taken[app.id]} there") for app in package.apps if app.id in taken
        ]
        problems += found_there(world, package, wanted)
        names = ", ".join(app.name for app in package.apps)
        passwords = "1 password" if len(package.accounts) == 1 else f"{len(package.accounts)} passwords"
        given = f"give {len(package.names)} values and {passwords}"
        return AdapterPlan((StepPlan(IMPORT, f"import {names}"), StepPlan(CONFIGURE, given)), tuple(problems))

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Return digests of the state the step leaves from and of the one it will reach."""
        world = self._enter(access, "intend")
        return _target(world, wanted, step).intent(world.revision)

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Take the step from exactly the state the intent leaves from; where it is reached, only send passwords again.

        Raises ConflictError, PlatformRefusedError, UnreachableError (nothing was changed), UnknownOutcomeError.
        """
        world, fault = self._open(access, "perform")
        if fault is Fault.REFUSED:
            raise PlatformRefusedError("the product does not want to", where=access.environment)
        is_reached = self._is_reached(world, access, wanted, step, intent)
        if step == CONFIGURE and missing(world, wanted):
            raise PlatformRefusedError("there is no such app to configure", where=access.environment)
        if fault in {Fault.HALF, Fault.FAILED}:
            return _half(world, wanted, access, fault)
        if fault not in {Fault.UNSENT, Fault.FALSE_YES}:
            if (world.slowness or world.busy or fault is Fault.LATE) and not is_reached:
                return _begin(world, wanted, step, access, late=fault is Fault.LATE, guarded=self._has_precondition)
            _apply(world, wanted, step, _passwords(wanted), again=is_reached)
        return _answer(world, access, fault)

    def _is_reached(self, world: World, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> bool:
        """Return whether nothing but passwords is to be sent. Raises ConflictError where the intent no longer fits."""
        target = _target(world, wanted, step)
        if digest(target.then) != intent["after"]:
            raise ConflictError("what would be applied is not what was intended", where=access.environment)
        if not self._has_precondition:  # whatever is asked for is done, from wherever
            return False
        is_reached: bool = digest(target.now) == intent["after"]
        if not is_reached and world.revision != intent["revision"]:
            raise ConflictError("somebody changed something there meanwhile", where=access.environment)
        return is_reached

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Return how far a change that is under way has come. Raises NotFoundError for one that never was."""
        world = self._enter(access, "poll")
        operation = world.operations.get(str(handle.get("handle")))
        if operation is None or world.forgets:
            raise NotFoundError(f"no such operation: {handle.get('handle')}", where=access.environment)
        if world.busy or not operation.go_on():
            return Outcome(Progress.RUNNING, dict(handle), retry_after=0.1, waits_for=_other(world))
        if not operation.made:
            raise ConflictError("somebody changed something there meanwhile", where=access.environment)
        return Outcome(Progress.DONE, {"revision": world.revision})

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found | UnderWay:
        """Return which of the intent's two states is there, or that a change is under way, which it can tell."""
        world = self._enter(access, "look_up")
        if (other := _other(world)) is not None:
            return other
        under_way = [operation for operation in world.operations.values() if not operation.finished]
        if under_way and not under_way[0].go_on():
            return Found.RUNNING
        now = digest(_target(world, wanted, step).now)
        if now == intent["before"] and now != intent["after"]:
            return Found.UNTOUCHED
        return Found.REACHED if now == intent["after"] else Found.UNCLEAR

    def observe_lock(self, access: Access, maker: Access | None) -> Lock:
        """Return whether a maker could edit there."""
        world = self._enter(access, "observe_lock")
        if world.is_locked:
            return Lock(LockState.LOCKED, "makers can look and cannot save")
        if maker is None:
            return Lock(LockState.UNKNOWN, "no maker's access to try with", "declare a maker's access")
        return Lock(LockState.OPEN, "makers can edit everything", "switch the lock on")

    def lock_objection(self, access: Access) -> str:
        """Return why the lock cannot be set there."""
        return "" if self._enter(access, "lock_objection").has_lock_switch else "its lock has no switch"

    def set_lock(self, access: Access, *, locked: bool, until: str = "") -> None:
        """Set the lock. Raises PlatformRefusedError. The product has no clock: what is open stays open."""
        del until
        world, fault = self._open(access, "set_lock")
        if fault is Fault.REFUSED or not world.has_lock_switch:
            raise PlatformRefusedError("the product does not want to", where=access.environment)
        if fault is not Fault.FALSE_YES:
            world.is_locked = locked
        if fault is Fault.LOST:
            raise _no_answer(access)
        if fault is Fault.CRASH_AFTER:
            raise CrashError

    def read_label(self, access: Access) -> str:
        """Return what everybody sees who works there."""
        return self._enter(access, "read_label").label

    def set_label(self, access: Access, label: str) -> None:
        """Let everybody see this who works there. Raises PlatformRefusedError."""
        world, fault = self._open(access, "set_label")
        if fault is Fault.REFUSED:
            raise PlatformRefusedError("the product does not want to", where=access.environment)
        world.label = label

    def smoke_run(self, access: Access, installed: Installed, timeout: float) -> SmokeRun:
        """Try every part of what is installed: it must be there, with its values, its passwords and its plug-in."""
        del timeout  # nothing here takes time
        world = self._enter(access, "smoke_run")
        package = read_package(installed.package)
        wrong = [line for app in package.apps for line in troubles(world, app)]
        tried = sum(len(app.parts) for app in package.apps)
        return SmokeRun(not wrong, wrong[0] if wrong else f"{tried} parts ran", "\n".join(wrong))

    def count_executions(self, access: Access, installed: Installed, since: str) -> Executions:
        """Return how many runs of what is installed began since then, and how many of them failed."""
        world = self._enter(access, "count_executions")
        ours = {app.id for app in read_package(installed.package).apps}
        runs = [run for run in world.executions if run.app in ours and run.at >= since]
        return Executions(len(runs), sum(not run.went_well for run in runs))

    def is_switched(self, access: Access, installed: Installed, *, on: bool) -> bool:
        """Return whether all of it is on, or off."""
        world = self._enter(access, "is_switched")
        return all(app.is_on is on for app in installed_apps(world, installed))

    def activate(self, access: Access, installed: Installed) -> None:
        """Switch it on again."""
        self._switch(access, installed, on=True)

    def deactivate(self, access: Access, installed: Installed) -> None:
        """Switch it off."""
        self._switch(access, installed, on=False)

    def _switch(self, access: Access, installed: Installed, *, on: bool) -> None:
        world, fault = self._open(access, "switch")
        if access.credentials["token"].reveal() != world.token:
            raise AccessError("makers cannot switch anything here", where=access.environment)
        if fault is Fault.REFUSED:
            raise PlatformRefusedError("the product does not want to", where=access.environment)
        if fault not in {Fault.UNSENT, Fault.FALSE_YES}:
            switch(world, installed, on=on)
        _answer(world, access, fault)

    def tell_usage(self, access: Access, installed: Installed) -> Usage:
        """Return when it ran last and when it was saved last."""
        return usage_of(self._enter(access, "tell_usage"), installed)

    def start_sandbox(
        self, folder: Path, *, name: str, cache: Path, say: Callable[[str], None] = lambda _: None
    ) -> Launched:
        """Return the world of this folder, running; made empty where there was none."""
        del name, cache
        say("a world is made")
        world = self.world(_sandbox_url(folder))
        world.is_down = False
        return _launched(world)

    def find_sandbox(self, folder: Path) -> Launched | None:
        """Return the world of this folder, where it runs."""
        world = self.worlds.get(_sandbox_url(folder))
        return _launched(world) if world is not None and not world.is_down else None

    def remove_sandbox(self, folder: Path) -> None:
        """Forget the world of this folder."""
        self.worlds.pop(_sandbox_url(folder), None)

    def _enter(self, access: Access, method: str) -> World:
        return self._open(access, method)[0]

    def _open(self, access: Access, method: str) -> tuple[World, Fault | None]:
        """Return the world once it let us in, and the fault that the call itself will meet."""
        world = self.worlds.get(access.url)
        if world is None or world.is_down:
            raise UnreachableError(f"nothing answers at {access.url}", where=access.environment, hint="check the url")
        fault = world.enter(method)
        if fault is Fault.CRASH_BEFORE:
            raise CrashError
        if fault is Fault.UNREACHABLE:
            raise UnreachableError(f"nothing answers at {access.url}", where=access.environment)
        token = access.credentials.get("token")
        if fault is Fault.DENIED or token is None or token.reveal() not in {world.token, world.maker_token}:
            raise AccessError("the token is not accepted", where=access.environment, hint="check the token")
        if method == "perform" and token.reveal() != world.token:
            raise AccessError("makers cannot deploy", where=access.environment, hint="use the engine's token")
        return world, fault


def _sandbox_url(folder: Path) -> str:
    return f"memory://sandboxes/{folder.name}"


def _launched(world: World) -> Launched:
    return Launched(world.url, 0, {"token": Secret(world.token)}, {"token": Secret(world.maker_token)})


def _target(world: World, wanted: Wanted, step: str) -> _Target:
    """Return what a step finds of ours and what it will leave there. Raises PlatformError for an unknown step."""
    new = read_package(wanted.package) if wanted.package else None
    old = read_package(wanted.installed) if wanted.installed else None
    ours = sorted({app.id for package in (new, old) if package for app in package.apps})
    live = {id_: world.apps[id_] for id_ in ours if id_ in world.apps}
    match step:
        case "import" if new is not None:
            return _Target({i: plain(a) for i, a in live.items()}, {a.id: plain(a) for a in new.apps})
        case "configure" if new is not None:
            shall = {a.id: given(a, new, wanted.configuration) for a in new.apps}
            return _Target({i: a.values for i, a in live.items() if i in shall}, shall)
        case "remove" if new is None:
            return _Target(sorted(live), [])
        case _:
            raise PlatformError(f"no such step in this plan: {step}")


def _apply(world: World, wanted: Wanted, step: str, passwords: Mapping[str, str], *, again: bool = False) -> None:
    """Make the change. Only passwords are sent again where the state is reached already: they cannot be seen."""
    new = read_package(wanted.package) if wanted.package else None
    if not again:
        if step != CONFIGURE:
            _remove_old(world, wanted, {app.id for app in new.apps} if new else set())
        if step == IMPORT and new:
            _put(world, new)
        if step == CONFIGURE and new:
            for app in new.apps:
                world.apps[app.id].values = given(app, new, wanted.configuration)
        world.applied.append((step, wanted.solution, wanted.version))
        world.revision += 1
    if step == CONFIGURE and new:
        _send_passwords(world, passwords, new)


def _remove_old(world: World, wanted: Wanted, staying: set[str]) -> None:
    for app in read_package(wanted.installed).apps if wanted.installed else ():
        if app.id not in staying:
            world.apps.pop(app.id, None)


def _put(world: World, package: Package) -> None:
    """Bring the definition; values and passwords that are there stay, as with every vendor."""
    for app in package.apps:
        there = world.apps.setdefault(app.id, App(app.id, app.name))
        there.name, there.parts, there.is_on = app.name, app.parts, True


def _send_passwords(world: World, passwords: Mapping[str, str], package: Package) -> None:
    for app in package.apps:
        accounts = {part.account for part in app.parts}
        for account in sorted(accounts & passwords.keys()):
            world.apps[app.id].passwords[account] = passwords[account]
            world.passwords_sent += 1


def _begin(world: World, wanted: Wanted, step: str, access: Access, *, late: bool, guarded: bool) -> Outcome:
    handle = f"operation-{len(world.operations) + 1}"
    bare, passwords = replace(wanted, secrets={}), _passwords(wanted)  # of the product's own by now
    change = functools.partial(_finish, world, bare, step, passwords, world.revision if guarded else 0)
    world.operations[handle] = Operation(change, world.slowness or 1)
    if late:
        raise _no_answer(access)
    return Outcome(Progress.RUNNING, {"handle": handle}, retry_after=0.1)


def _answer(world: World, access: Access, fault: Fault | None) -> Outcome:
    """Tell what became of a change: the truth, unless there is a fault."""
    match fault:
        case Fault.LOST | Fault.UNSENT:
            raise _no_answer(access)
        case Fault.FALSE_NO:
            raise PlatformRefusedError("the product says that it does not want to", where=access.environment)
        case Fault.CRASH_AFTER:
            raise CrashError
        case _:
            return Outcome(Progress.DONE, {"revision": world.revision})


def _finish(world: World, wanted: Wanted, step: str, passwords: Mapping[str, str], revision: int) -> bool:
    """Make a change that was begun at a revision, unless another came first."""
    if revision and world.revision != revision:
        return False
    _apply(world, wanted, step, passwords)
    return True


def _passwords(wanted: Wanted) -> dict[str, str]:
    return {account: fields[PASSWORD].reveal() for account, fields in wanted.secrets.items()}


def _half(world: World, wanted: Wanted, access: Access, fault: Fault) -> Outcome:
    """Leave something that is neither what was there nor what was wanted."""
    app = (read_package(wanted.package) if wanted.package else read_package(wanted.installed or b"")).apps[0]
    world.apps[app.id] = App(app.id, app.name, app.parts[:1], {"half": True})
    world.revision += 1
    if fault is Fault.FAILED:
        return Outcome(Progress.FAILED, {"applied": f"app {app.name}", "message": "the rest was refused"})
    raise _no_answer(access)


def _other(world: World) -> UnderWay | None:
    """Return what another team has under way there, for which everything else waits."""
    return UnderWay("another import", *world.busy) if world.busy else None


def _no_answer(access: Access) -> UnknownOutcomeError:
    return UnknownOutcomeError("no answer in time", where=access.environment, hint="look what is there")


_TWO_STEPS = "each of its two steps is all or nothing, the two together are not"
_UNSEEN = "whether a password is stored can be seen, not which one"

_CAPABILITIES = (
    Capability(Ability.EXPORT, Support.FULL),
    Capability(Ability.DEPLOY, Support.FULL),
    Capability(Ability.REMOVE, Support.FULL),
    Capability(Ability.OBSERVE, Support.FULL),
    Capability(Ability.CONFIGURE, Support.FULL),
    Capability(Ability.SECRETS, Support.PARTIAL, _UNSEEN),
    Capability(Ability.PRECONDITION, Support.FULL),
    Capability(Ability.ATOMIC, Support.PARTIAL, _TWO_STEPS),
    Capability(Ability.RECOVERY, Support.FULL),
    Capability(Ability.ROLLBACK, Support.FULL),
    Capability(Ability.EDITORS, Support.FULL),
    Capability(Ability.LOCK_OBSERVE, Support.FULL),
    Capability(Ability.LOCK_SET, Support.FULL),
    Capability(Ability.LABEL, Support.FULL),
    Capability(Ability.LAUNCH, Support.IMPOSSIBLE),
    Capability(Ability.SMOKE_RUN, Support.FULL),
    Capability(Ability.EXECUTIONS, Support.FULL),
    Capability(Ability.SWITCH, Support.FULL),
    Capability(Ability.USAGE, Support.FULL),
    Capability(Ability.SANDBOX, Support.FULL),
    Capability(Ability.PICTURE, Support.FULL),
    Capability(Ability.BLANK, Support.FULL),
    Capability(Ability.SURVEY, Support.IMPOSSIBLE, "an environment is exported whole"),
    Capability(Ability.MATCH, Support.IMPOSSIBLE, "what runs is exported itself"),
    Capability(Ability.GATHER, Support.IMPOSSIBLE, "it has no solutions of its own"),
)
