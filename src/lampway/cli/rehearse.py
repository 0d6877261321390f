"""Commands about going back before it is needed: rehearse, and what a rollback would do."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, paint, say, when
from lampway.cli.path import WAITING_FOR_PEOPLE, Json
from lampway.cli.session import session
from lampway.domain.rehearsal import RunState
from lampway.engine.rehearse import Moved, RehearsalView, Rehearse, ShowRehearsal
from lampway.engine.rollbackplan import RollbackPlan

_CODES = {RunState.SUCCEEDED: 0, RunState.FAILED: 1, RunState.STOPPED: 1}


def rehearse(release: str, /, *, in_: Annotated[str, Parameter(name="--in")] = "", json: Json = False) -> int:
    """Upgrade, go back and upgrade again in a test stage, from exactly what runs in production.

    Each move is an ordinary deployment: journalled, read back, verified. At the end the release runs there, verified.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    in_
        Environment of a stage before production; the last one if left out.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(ShowRehearsal(opened.run(Rehearse(release, in_))))
    if json:
        emit(view)
    else:
        _say(view)
    return _code(view)


def _code(view: RehearsalView) -> int:
    """Return the exit code: waiting, while a move waits for people."""
    if view.run.state is not RunState.RUNNING:
        return _CODES[view.run.state]
    return 3 if any(m.state in ("running", "reconcile") for m in view.moves) else WAITING_FOR_PEOPLE


def _say(view: RehearsalView) -> None:
    run = view.run
    say(f"{run.solution} in {run.environment}, for {run.target}: {run.way}")
    for number, move in enumerate(view.moves, 1):
        say(f"  {number}. {_line(move)}")
    if run.state is RunState.RUNNING:
        waits = next((m.promotion for m in view.moves if m.state not in ("succeeded", "rolled_back")), "")
        say(f"  goes on by itself when that is through: lampway show {waits}")
        return
    colour = "32" if run.state is RunState.SUCCEEDED else "31"
    say(paint(f"rehearsal {run.id} {run.state}: {run.note}", colour))


def _line(move: Moved) -> str:
    what = f"back to {move.version}" if move.kind == "rollback" else f"{move.version} deployed"
    if move.state in ("succeeded", "rolled_back"):
        return f"{what}, read back, verified"
    return f"{what}: {move.state}" + (f": {move.note}" if move.note else "")


def say_rollback_plan(plan: RollbackPlan) -> None:
    """Print what a rollback would do."""
    if not plan.target:
        say(f"{plan.solution} in {plan.environment}: nothing known-good to go back to from {plan.running}")
        return
    way = f"{plan.running} → {plan.target}, known-good since {when(plan.good_since)}"
    say(f"{plan.solution} in {plan.environment}: {way}")
    for line in (*plan.changes, *plan.configuration):
        say(f"  {line}")
    if not plan.configuration:
        say("  with the configuration that is in force there")
    for line in plan.overwrites:
        say(f"  overwrites a live edit: {line}")
    if plan.reversibility:
        say(f"  the change that is taken back is {plan.reversibility}")
    for line in plan.not_restored:
        say(f"  does not bring back: {line}")
    for line in plan.loss:
        say(paint(f"  lost for good: {line}", "31"))
    for line in plan.steps:
        say(f"  there: {line}")
    say(f"  last rehearsal: {plan.rehearsed or 'never; lampway rehearse does it below production'}")
