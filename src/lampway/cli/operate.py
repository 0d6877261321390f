"""Commands for what runs: status, drift, rollback, resume, reconcile."""

from __future__ import annotations

import time
from typing import Annotated

from cyclopts import Parameter

from lampway.app import Session
from lampway.cli.output import emit, note, paint, say, table, when
from lampway.cli.path import Json, follow
from lampway.cli.rehearse import say_rollback_plan
from lampway.cli.session import seconds_until, session
from lampway.cli.worker import worker_line
from lampway.domain.deployment import DriftState
from lampway.engine.cases import Resume
from lampway.engine.drift import AcceptDrift, RevertDrift, ScanDrift, Scanned
from lampway.engine.due import Done
from lampway.engine.hotfixed import ShowHotfixes
from lampway.engine.promote import Rollback
from lampway.engine.reconcile import Reconcile
from lampway.engine.rollbackplan import PlanRollback
from lampway.engine.views import Cell, Status
from lampway.engine.workers import ShowWorkers
from lampway.errors import LampwayError, UsageError

_STUCK = ("running", "reconcile")
In = Annotated[str, Parameter(name="--in")]


def status(solution: str = "", /, *, json: Json = False) -> int:
    """Show what is where: solutions times environments.

    Parameters
    ----------
    solution
        Only this one.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        cells = opened.run(Status(solution))
        found_workers = opened.run(ShowWorkers())
        hotfixes = opened.run(ShowHotfixes(solution)) if not json else ()
    if json:
        emit(cells)
        return 0
    if not cells:
        say("no solution yet: lampway adopt prod, or add one below solutions/")
        return 0
    environments = list(dict.fromkeys(c.environment for c in cells))
    found = {(c.solution, c.environment): c for c in cells}
    names = dict.fromkeys(c.solution for c in cells)
    rows = [[n, *(_cell_text(found.get((n, e))) for e in environments)] for n in names]
    table(rows, ["solution", *environments])
    for cell in cells:
        for line in _remarks(cell):
            say(line)
    for line in dict.fromkeys(cell.certification for cell in cells if cell.certification):
        say(line)
    for view in hotfixes:
        say(
            paint(f"{view.hotfix.by} is on a hotfix of {view.hotfix.solution}: {view.hotfix.reason}: {view.next}", "33")
        )
    for line in (words for cell in cells for words in cell.backports):
        say(f"{line}: lampway backport list")
    for line in dict.fromkeys(words for cell in cells for words in (*cell.held, *cell.lock)):
        say(paint(line, "33"))
    if found_workers or any(cell.waiting for cell in cells):
        say(worker_line(found_workers))
    return 0


def _cell_text(cell: Cell | None) -> str:
    if cell is None:
        return "-"
    text = cell.version or "-"
    if cell.state not in ("verified", "absent"):
        text += f" {cell.state}"
    if cell.drift:
        text += " DRIFT"
    if cell.waiting:
        text += f" ← {cell.waiting.partition('@')[2]}"
    return text


def _remarks(cell: Cell) -> list[str]:
    lines = []
    if cell.drift:
        lines.append(f"{cell.solution} in {cell.environment} was edited live: lampway drift scan {cell.environment}")
    if cell.state == "unverified":
        lines.append(
            f"{cell.release} in {cell.environment} failed its verification: lampway rollback {cell.solution}"
            f" --in {cell.environment} --reason '...'"
        )
    if cell.watched_until:
        end = when(cell.watched_until)
        lines.append(f"{cell.release} in {cell.environment} is watched until {end}: lampway resume")
    if cell.hindered:
        lines.append(paint(f"{cell.waiting} {cell.hindered}", "33"))
    if cell.state == "running":
        lines.append(
            f"{cell.waiting} is being deployed to {cell.environment}; if nothing moves: lampway resume,"
            f" or give it up: lampway abort {cell.promotion} --reason '...'"
        )
    if cell.state == "reconcile":
        lines.append(
            f"{cell.waiting} in {cell.environment}: look there, then lampway reconcile {cell.solution}"
            f" --in {cell.environment} --happened|--did-not-happen --reason '...'"
        )
    return lines


def drift_scan(*environments: str, json: Json = False) -> int:
    """Look whether anybody edited live. Changes nothing there. Exits with 1 when somebody did.

    Parameters
    ----------
    environments
        Where to look; everywhere something is installed if none is named.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        scanned = opened.run(ScanDrift(tuple(environments)))
    if json:
        emit(scanned)
    else:
        for one in scanned:
            _say_scan(one)
        if not scanned:
            say("nothing is installed anywhere yet")
    if any(s.error for s in scanned):
        return 3
    return 1 if any(f.state is DriftState.OPEN for s in scanned for f in s.findings) else 0


def _say_scan(scanned: Scanned) -> None:
    if scanned.error:
        say(f"{scanned.environment}: could not be looked at: {scanned.error}")
        return
    for name in scanned.clean:
        say(f"{scanned.environment}: {name} is as deployed")
    for finding in scanned.findings:
        word = "was edited live"
        if finding.state is not DriftState.OPEN:
            word = f"edited live, {finding.state} by {finding.resolved_by}"
        say(paint(f"{scanned.environment}: {finding.solution} {word} ({finding.stream})", "33"))
        for change in finding.changes:
            say(f"  {change}")
    opened = [f for f in scanned.findings if f.state is DriftState.OPEN]
    if opened:
        place = f"{opened[0].solution} --in {scanned.environment}"
        say(f"  → lampway drift revert {place}, or lampway drift accept {place} --reason '...'")
        say(f"    or, to keep the edit: lampway drift backport {place}")
    if scanned.mislabelled:
        say(paint(f"{scanned.environment}: {scanned.mislabelled}", "33"))
    if scanned.unowned:
        say(f"{scanned.environment}: in no solution: {', '.join(scanned.unowned)}")
    if not (scanned.clean or scanned.findings or scanned.unowned):
        say(f"{scanned.environment}: nothing is installed there yet")


def drift_accept(solution: str, /, *, in_: In, reason: str = "", json: Json = False) -> int:
    """Let a live edit stand, with a reason. It stays visible, and the next deployment overwrites it.

    Parameters
    ----------
    solution
        Whose edit.
    in_
        Environment.
    reason
        Why it may stand.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(AcceptDrift(solution, in_, reason))
    if json:
        emit(found)
    else:
        say(f"accepted: {len(found)} finding{'s' if len(found) != 1 else ''} of {solution} in {in_}")
    return 0


def drift_revert(solution: str, /, *, in_: In, reason: str = "", json: Json = False) -> int:
    """Deploy the recorded release and configuration once more, over the live edit.

    Parameters
    ----------
    solution
        Whose edit.
    in_
        Environment.
    reason
        For the record.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        promotions = opened.run(RevertDrift(solution, in_, reason))
        return follow(opened, promotions, as_json=json)


def rollback(
    solution: str,
    /,
    *,
    in_: In,
    reason: str = "",
    to: str = "",
    remove: bool = False,
    accept_loss: bool = False,
    plan: bool = False,
    json: Json = False,
) -> int:
    """Bring back the newest known-good release other than what runs, with the configuration it had.

    Parameters
    ----------
    solution
        What to roll back.
    in_
        Environment.
    reason
        Why; it goes into the record.
    to
        A version that is known-good there.
    remove
        Take it out of there altogether.
    accept_loss
        Go back although that destroys data, such as tables that the older release does not have.
    plan
        Only show what it would do, of a rollback without --to and --remove.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        if not (to or remove or (json and not plan)):
            _show_plan(opened, solution, in_, plan=plan, as_json=json)
        if plan:
            return 0
        asked = opened.run(Rollback(solution, in_, reason, to, remove, accept_loss=accept_loss))
        return follow(opened, asked.promotions, as_json=json)


def _show_plan(opened: Session, solution: str, environment: str, *, plan: bool, as_json: bool) -> None:
    """Print what a rollback would do. Where it cannot be told, that keeps nobody from going back."""
    try:
        planned = opened.run(PlanRollback(solution, environment))
    except LampwayError as error:
        if plan or isinstance(error, UsageError):
            raise
        note(f"what it will do cannot be told: {error}")
        return
    if as_json:
        emit(planned)
    else:
        say_rollback_plan(planned)


def resume(*, stay: bool = False) -> int:
    """Go on with whatever was interrupted, is due, or may start.

    Parameters
    ----------
    stay
        Go on until nothing is watched any more, looking whenever it is time.
    """
    with session() as opened:
        done = opened.run(Resume())
        _say_looks(done)
        while stay and done.watched:
            time.sleep(min(max(seconds_until(done.next_at), 0.05), _NAP))
            done = opened.run(Resume())
            _say_looks(done)
        cells = opened.run(Status())
    waiting = [c for c in cells if c.waiting]
    for cell in waiting:
        say(f"{cell.waiting} → {cell.environment}: {'waits' if cell.state not in _STUCK else cell.state}")
        for line in _remarks(cell):
            say(f"  {line}")
    if not waiting:
        say("nothing waits and nothing is under way")
    return 3 if any(c.state in _STUCK for c in cells) else 0


_NAP = 60.0
"""Seconds after which `resume --stay` looks again whether anything is due."""


def _say_looks(done: Done) -> None:
    for relock in done.relocked:
        word = "locked again" if relock.locked else "could not be locked again"
        note(f"{relock.environment}: {word}: {relock.note}")
    for line in done.sandboxes:
        note(line)
    for looked in done.looked:
        if looked.state != "watching":
            note(f"{looked.release} in {looked.environment}: watch {looked.state}: {looked.summary}")
        elif looked.seen != "good":
            note(f"{looked.release} in {looked.environment} looked {looked.seen}: {looked.summary}")


def reconcile(
    solution: str,
    /,
    *,
    in_: In,
    happened: Annotated[bool, Parameter(negative="--did-not-happen")] | None = None,
    reason: str = "",
) -> int:
    """Say what happened where engine and platform disagree, after you have looked there.

    Parameters
    ----------
    solution
        What was being deployed.
    in_
        Environment.
    happened
        The step in doubt happened: go on. Or: it did not, give up.
    reason
        What you saw.
    """
    if happened is None:
        raise UsageError("say what you saw", hint="add --happened or --did-not-happen")
    with session() as opened:
        deployment = opened.run(Reconcile(solution, in_, happened, reason))
    say(f"deployment {deployment}: recorded that it {'happened' if happened else 'did not happen'}")
    return 0
