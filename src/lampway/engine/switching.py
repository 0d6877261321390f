"""Switching off and on: under the environment's lease, and never while something is deployed.

A switch is a change that bears repeating: we look first, journal that we begin, ask the platform, and look again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from lampway.domain.capability import Ability, Support
from lampway.domain.deployment import Deployment, DeploymentState, Installation
from lampway.domain.events import (
    ENGINE,
    Actor,
    Event,
    Held,
    HoldLifted,
    SwitchAsked,
    SwitchBegun,
    SwitchDelayed,
    Switched,
)
from lampway.domain.projection import installation_key
from lampway.domain.stops import Hold, HoldState
from lampway.domain.strategy import Strategy
from lampway.domain.switches import DARK, PENDING, TASKS, Switch, SwitchState
from lampway.engine import abilities
from lampway.engine import platform as port
from lampway.engine.context import Engine, Request, access_to, require_reason, rules_in_force
from lampway.engine.facts import installed
from lampway.engine.store import Reading
from lampway.errors import (
    LampwayError,
    NotFoundError,
    PlatformRefusedError,
    StorageError,
    UnknownOutcomeError,
)

_BUSY = (DeploymentState.RUNNING, DeploymentState.RECONCILE)
_LOOKS = 5


def ask_off(
    engine: Engine, reading: Reading, places: Collection[Installation], cause: str, reason: str
) -> Iterator[Event]:
    """Yield what switches these off. Where it is off already, or is to be, nothing follows a second time."""
    strategy = rules_in_force(reading).strategy
    for here in places:
        before = reading.get(Switch, installation_key(here.environment, here.solution))
        if before is None or before.wants_on:
            yield _asked(engine, strategy, here, (cause, reason), SwitchState.TO_OFF)


def ask_on(engine: Engine, reading: Reading, solution: str, causes: Collection[str], reason: str) -> Iterator[Event]:
    """Yield what switches everything on again that was switched off for one of these causes."""
    strategy = rules_in_force(reading).strategy
    for switch in reading.find(Switch, solution=solution, states=DARK):
        here = installed(reading, switch.environment, solution)
        if switch.cause in causes and here is not None:
            yield _asked(engine, strategy, here, (switch.cause, reason), SwitchState.TO_ON)


def _asked(
    engine: Engine, strategy: Strategy, here: Installation, why: tuple[str, str], wanted: SwitchState
) -> SwitchAsked:
    cannot = _why_not(engine, strategy, here.environment)
    by_hand = SwitchState.ON_BY_HAND if wanted is SwitchState.TO_ON else SwitchState.OFF_BY_HAND
    cause, reason = why
    return SwitchAsked(
        Switch(
            id=installation_key(here.environment, here.solution),
            environment=here.environment,
            solution=here.solution,
            state=by_hand if cannot else wanted,
            cause=cause,
            reason=reason,
            at=engine.now(),
            note=cannot,
        )
    )


def _why_not(engine: Engine, strategy: Strategy, environment: str) -> str:
    """Return why the platform cannot switch anything there, in words; empty where it can."""
    known = next((e for e in strategy.environments if e.name == environment), None)
    if known is None:
        return f"{environment} is no longer in the strategy"
    platform = engine.platform(known.platform)
    declared = next((c for c in platform.capabilities() if c.name is Ability.SWITCH), None)
    if declared is not None and declared.support in (Support.FULL, Support.PARTIAL):
        return ""
    note = f": {declared.note}" if declared and declared.note else ""
    return f"{platform.name} cannot do it by itself{note}"


def hold_off(engine: Engine, solution: str, reason: str) -> Held:
    """Return the hold that keeps a solution from coming back by a deployment while it is switched off."""
    return Held(Hold(engine.new_id(), solution, "", reason, ENGINE.person, engine.now()))


def lift_ours(reading: Reading, solution: str, reason: str) -> Iterator[Event]:
    """Yield what lifts the holds that the engine itself put on a solution."""
    for hold in reading.find(Hold, states=(HoldState.STANDING,)):
        if (hold.by, hold.solution, hold.environment) == (ENGINE.person, solution, ""):
            yield HoldLifted(hold.id, reason)


def tend_switches(engine: Engine, environment: str) -> bool:
    """Switch off and on what is to be there, if nothing is being deployed. Returns whether something is left to do.

    Call it only while the runtime vouches that nobody else works there. Raises StorageError.
    """
    with engine.store.reading() as reading:
        pending = reading.find(Switch, environment=environment, states=PENDING)
        busy = reading.find(Deployment, environment=environment, states=_BUSY) if pending else ()
    if not pending or busy:
        return any(d.state is DeploymentState.RUNNING for d in busy)
    left = False
    for switch in pending:
        if engine.is_leaving():
            return True
        fence = engine.store.take_lease(environment, engine.holder)
        try:
            left = not _tend(engine, switch, fence) or left
        finally:
            engine.store.release_lease(environment, fence)
    return left


def _tend(engine: Engine, switch: Switch, fence: int) -> bool:
    """Bring one switch to its end; return False where it is to be tried again."""
    try:
        _switch(engine, switch, fence)
    except StorageError:
        raise
    except PlatformRefusedError as error:
        _delay(engine, switch, fence, f"refused there: {error.message}", by_hand=True)
    except LampwayError as error:
        _delay(engine, switch, fence, str(error), by_hand=False)
        return False
    return True


def _switch(engine: Engine, switch: Switch, fence: int) -> None:
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        here = installed(reading, switch.environment, switch.solution)
    on = switch.wants_on
    if here is None:
        _record(engine, switch, fence, Switched(switch.id, on, "it is no longer installed there"))
        return
    environment = strategy.environment(switch.environment)
    platform, access = engine.platform(environment.platform), access_to(engine, environment)
    if not isinstance(platform, abilities.Switchable):
        _delay(engine, switch, fence, f"{platform.name} cannot do it by itself", by_hand=True)
        return
    base = port.Installed(engine.packages.get(here.package), here.configuration)
    if not platform.is_switched(access, base, on=on):
        _record(engine, switch, fence, SwitchBegun(switch.id, fence))
        (platform.activate if on else platform.deactivate)(access, base)
        _require(engine, platform, access, base, on=on)
    _record(engine, switch, fence, Switched(switch.id, on))


def _require(
    engine: Engine, platform: abilities.Switchable, access: port.Access, base: port.Installed, *, on: bool
) -> None:
    """Look what is there until it is as it was to be. Raises UnknownOutcomeError when it does not come about."""
    for attempt in range(_LOOKS):
        if platform.is_switched(access, base, on=on):
            return
        engine.pause(0.2 * (attempt + 1))
    which = "on" if on else "off"
    raise UnknownOutcomeError(f"the platform was asked to switch it {which}, and it is not", where=access.environment)


def _record(engine: Engine, switch: Switch, fence: int, event: Event) -> None:
    """Record something about a switch that still stands as we read it. Raises StorageError where it does not."""
    with engine.store.transaction() as transaction:
        transaction.require_fence(switch.environment, fence)
        now = transaction.get(Switch, switch.id)
        if now is None or (now.state, now.cause, now.at) != (switch.state, switch.cause, switch.at):
            return  # somebody asked for something else meanwhile: that is done next
        told = [transaction.append(event, ENGINE)]
    engine.tell(told)


def _delay(engine: Engine, switch: Switch, fence: int, note: str, *, by_hand: bool) -> None:
    if note != switch.note or by_hand:
        _record(engine, switch, fence, SwitchDelayed(switch.id, by_hand, note))


@dataclass(frozen=True, slots=True)
class MarkSwitched(Request[Switch]):
    """Say that something was switched off or on by hand, as was asked for."""

    solution: str
    environment: str
    reason: str


def mark_switched(engine: Engine, request: MarkSwitched, actor: Actor) -> Switch:
    """Record what a platform admin did by hand. Raises NotFoundError where nothing of that kind is asked for."""
    reason = require_reason(request.reason)
    key = installation_key(request.environment, request.solution)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        strategy.environment(request.environment)
        strategy.solution(request.solution)
        switch = transaction.get(Switch, key)
        if switch is None or switch.state not in TASKS:
            hint = "lampway campaigns lists what waits for somebody"
            raise NotFoundError(
                f"nothing is to be switched by hand: {request.solution} in {request.environment}", hint=hint
            )
        told = [transaction.append(Switched(key, switch.wants_on, reason), actor)]
        after = transaction.get(Switch, key) or replace(switch, note=reason)
    engine.tell(told)
    return after


def places_with_switches(reading: Reading) -> tuple[str, ...]:
    """Return the environments in which something is to be switched."""
    return tuple(dict.fromkeys(s.environment for s in reading.find(Switch, states=PENDING)))
