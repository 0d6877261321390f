"""Commands for what came past the path and belongs back into it: drift backport, backport list, backport close."""

from __future__ import annotations

from lampway.cli.operate import In
from lampway.cli.output import emit, say
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.domain.backport import BackportState
from lampway.engine.backport import BackportDrift, BackportLine, CloseBackport, ShowBackports


def drift_backport(solution: str, /, *, in_: In, reason: str = "", json: Json = False) -> int:
    """Put a live edit on a branch, as source, with a task that stays open until a release contains it.

    Nothing is changed in the environment. The live edit no longer blocks; a deployment that lacks it says so.

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
        task = opened.run(BackportDrift(solution, in_, reason))
    if json:
        emit(task)
        return 0
    say(f"{task.branch}: the live edit as source, commit {task.commit[:12]}")
    for change in task.changes:
        say(f"  {change}")
    say(f"task {task.id} stays open until a release of {solution} contains it")
    say(f"  see it: git diff {task.commit[:12]}^ {task.commit[:12]} -- solutions/{solution}/src")
    say(f"  next: make the same change in dev, then lampway release {solution}")
    return 0


def backport_list(solution: str = "", /, *, mine: bool = False, every: bool = False, json: Json = False) -> int:
    """Show what is still to be brought into a release.

    Parameters
    ----------
    solution
        Only of this one.
    mine
        Only of solutions you own.
    every
        Those that have ended too.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowBackports(solution, mine, every))
    if json:
        emit(found)
        return 0
    if not found:
        say("nothing is to be brought back into a release")
    for one in found:
        for text in backport_lines(one):
            say(text)
    return 0


def backport_lines(line: BackportLine) -> list[str]:
    """Return a task in lines."""
    task = line.task
    lines = [task.words]
    if task.state is BackportState.OPEN:
        lines += [f"  {line.newest} does not contain {lack}" for lack in line.lacks[:5]]
        lines.append(f"  branch {task.branch}; it ends with the release that contains it")
    else:
        what = f"contained in {task.release}" if task.release else task.note
        lines.append(f"  {task.state}: {what}")
    return lines


def backport_close(task: str, /, *, reason: str = "", release: str = "", json: Json = False) -> int:
    """Say that nothing more is to be done about a back-port. It is recorded with your name.

    Parameters
    ----------
    task
        Its id.
    reason
        Why.
    release
        The release that contains it in a way of its own.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        ended = opened.run(CloseBackport(task, reason, release))
    if json:
        emit(ended)
    else:
        say(f"back-port {ended.id} of {ended.solution} closed")
    return 0
