"""Commands that stop: hold, unhold, veto, stop, start, and what stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, say, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.domain.stops import Hold
from lampway.engine.stops import LiftHold, PutOnHold, ShowStops, VetoRelease
from lampway.errors import UsageError

In = Annotated[str, Parameter(name="--in")]
Everything = Annotated[bool, Parameter(name="--all", negative="")]


def hold(solution: str = "", /, *, environment: str = "", reason: str = "", until: str = "", json: Json = False) -> int:
    """Stop a solution, an environment, or the one in the other, for a while: nothing starts, not even a rollback.

    Parameters
    ----------
    solution
        The solution; every one if left out.
    environment
        The environment; every one if left out.
    reason
        Why, for whoever is stopped by it.
    until
        A date or a time (UTC) at which it ends by itself; a date includes that day.
    json
        Print the facts as JSON.
    """
    if not (solution or environment):
        hint = "lampway hold SOLUTION, or --environment ENV; everything at once: lampway stop --all"
        raise UsageError("say what to hold", hint=hint)
    return _stop(PutOnHold(reason, solution, environment, until), as_json=json)


def unhold(solution: str = "", /, *, environment: str = "", reason: str = "", json: Json = False) -> int:
    """Lift a hold; what waited for it may start.

    Parameters
    ----------
    solution
        The solution, as it was held.
    environment
        The environment, as it was held.
    reason
        For the record.
    json
        Print the facts as JSON.
    """
    if not (solution or environment):
        raise UsageError("say which hold to lift", hint="lampway stops shows them")
    return _lift(LiftHold(solution, environment, reason), as_json=json)


def stop(environment: str = "", /, *, everything: Everything = False, reason: str = "", json: Json = False) -> int:
    """Stop an environment, or everything, in an emergency: nothing starts there, however it was approved.

    What is being deployed at this moment ends as it would.

    Parameters
    ----------
    environment
        Where.
    everything
        Every environment at once.
    reason
        Why, for whoever is stopped by it.
    json
        Print the facts as JSON.
    """
    _one_of(environment, everything=everything)
    return _stop(PutOnHold(reason, environment=environment, emergency=True), as_json=json)


def start(environment: str = "", /, *, everything: Everything = False, reason: str = "", json: Json = False) -> int:
    """Lift an emergency stop; what waited for it may start.

    Parameters
    ----------
    environment
        Where it was set.
    everything
        The stop of every environment.
    reason
        Why it is over.
    json
        Print the facts as JSON.
    """
    _one_of(environment, everything=everything)
    return _lift(LiftHold(environment=environment, reason=reason, emergency=True), as_json=json)


def _one_of(environment: str, *, everything: bool) -> None:
    if bool(environment) is everything:
        raise UsageError("name one environment, or say --all", hint="lampway stop prod --reason '...'")


def _stop(request: PutOnHold, *, as_json: bool) -> int:
    with session(quiet=as_json) as opened:
        held = opened.run(request)
    if as_json:
        emit(held)
        return 0
    say(held.words)
    say(f"  lift it: {held.cure}")
    return 0


def _lift(request: LiftHold, *, as_json: bool) -> int:
    with session(quiet=as_json) as opened:
        lifted = opened.run(request)
    if as_json:
        emit(lifted)
        return 0
    for one in lifted:
        say(f"lifted: {one.words}")
    return 0


def veto(release: str, /, *, environment: In, reason: str = "", json: Json = False) -> int:
    """Keep a release out of an environment for good, in every lane: forward, rollback and redeploy.

    Parameters
    ----------
    release
        SOLUTION@VERSION.
    environment
        The environment, or its stage.
    reason
        Why, for everybody who asks later.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        said = opened.run(VetoRelease(release, environment, reason))
    if json:
        emit(said)
        return 0
    say(said.veto.words)
    for promotion in said.rejected:
        say(f"  rejected by it: {promotion}")
    if said.installed:
        back = f"lampway rollback {said.veto.solution} --in {said.veto.environment} --reason '...'"
        say(f"  it runs there now; to take it out: {back}")
    return 0


def stops(*, json: Json = False) -> int:
    """Show what is held, stopped or vetoed.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowStops())
    if json:
        emit(found)
        return 0
    for line in (*_hold_lines(found.holds), *(f"{when(v.at)}  {v.words}" for v in found.vetoes)):
        say(line)
    if not (found.holds or found.vetoes):
        say("nothing is held, stopped or vetoed")
    return 0


def _hold_lines(holds: Sequence[Hold]) -> list[str]:
    return [line for one in holds for line in (f"{when(one.at)}  {one.words}", f"  → {one.cure}")]
