"""Commands that show one thing whole, as the console's pages do."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.build import say_edits
from lampway.cli.output import emit, say, table, when
from lampway.cli.session import session
from lampway.engine.approving import ShowCase
from lampway.engine.calendar import ShowCalendar
from lampway.engine.picture import ShowChange
from lampway.engine.preview import PreviewRelease
from lampway.engine.progress import ShowProgress
from lampway.engine.releaseview import ShowRelease
from lampway.engine.solutionview import ShowSolution
from lampway.engine.tasks import ShowTasks

Json = Annotated[bool, Parameter(name="--json", negative="")]


def solution(name: str, /, *, json: Json = False) -> int:
    """Show one solution whole: its path, its releases, and how it stands.

    Parameters
    ----------
    name
        The solution.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(ShowSolution(name))
    if json:
        emit(view)
        return 0
    say(f"{view.name}: owner {view.owner or 'nobody'}, criticality {view.criticality}, built in {view.source}")
    if view.certification:
        say(f"  {view.certification}")
    rows = [
        (s.name, s.environment, s.cell.version or "-", s.cell.state, s.cell.waiting or "-", s.rollback or "-")
        for s in view.stages
    ]
    table(rows, ("STAGE", "ENVIRONMENT", "VERSION", "STATE", "UNDER WAY", "ROLLBACK TO"))
    for finding in view.drift:
        for line in finding.changes:
            say(f"edited live in {finding.environment} ({finding.state}): {line}")
    for release in view.releases:
        where = f", in {', '.join(release.where)}" if release.where else ""
        say(f"{release.version}  {when(release.sealed_at)} by {release.sealed_by}{where}  {release.note}".rstrip())
    if view.next_stage:
        say(f"next: lampway explain {view.name} --to {view.next_stage}")
    return 0


def provenance(release: str, /, *, json: Json = False) -> int:
    """Show what is in a release, how it was made, where it runs, and what is signed about it.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        view = opened.run(ShowRelease(release))
    if json:
        emit(view)
        return 0
    made = view.release
    say(f"{made.name}, sealed {when(made.sealed_at)} by {made.sealed_by}: {view.digest}")
    say(f"  from commit {made.commit}, by {', '.join(view.makers) or 'nobody known'}")
    say(f"  runs in: {', '.join(view.where) or 'no environment'}")
    say_edits(made)
    for line in view.vetoes:
        say(f"  never again in {line}")
    for component in made.inventory.components:
        say(f"  {component.type} {component.name}")
    for finding in made.findings:
        say(f"  {finding.severity}: {finding.place}: {finding.summary}")
    for statement in view.statements:
        where = f" in {statement.environment}" if statement.environment else ""
        say(f"  signed by {statement.signer}{where}: {statement.what}")
    return 0


def change(release: str, /, *, to: str, json: Json = False) -> int:
    """Show what a release would change in a stage, since what runs there now.

    Parameters
    ----------
    release
        SOLUTION@VERSION, or SOLUTION for its newest release.
    to
        Stage, or its environment.
    json
        Print the facts as JSON, with the drawings.
    """
    with session(quiet=json) as opened:
        view = opened.run(ShowChange(release, to))
    if json:
        emit(view)
        return 0
    say(f"{view.solution}@{view.version} → {view.stage}: {view.running or 'nothing'} runs there now")
    for brought in view.brings:
        say(f"  brings {brought.version} by {brought.sealed_by}{f': {brought.note}' if brought.note else ''}")
        for line in brought.edited:
            say(f"    edited after its export, {line}")
    for line in (*view.diff.summaries(), *view.configuration, *view.diff.notes):
        say(f"  {line}")
    for picture in view.pictures:
        say(f"  canvas {picture.title}: {picture.mark}")
    return 0


def preview(solution: str, /, *, blank_defaults: bool = False, json: Json = False) -> int:
    """Show what a release of what is in dev now would hold. Nothing is committed or sealed.

    Parameters
    ----------
    solution
        The solution.
    blank_defaults
        Show it without the values that dev left in as defaults.
    json
        Print the facts as JSON, with the drawings.
    """
    with session(quiet=json) as opened:
        found = opened.run(PreviewRelease(solution, blank_defaults=blank_defaults))
    if json:
        emit(found)
        return 1 if found.blocking else 0
    say(f"{solution}: {f'would be {found.version}' if found.version else f'nothing changed since {found.last}'}")
    for line in (*found.diff.summaries(), *found.notes):
        say(f"  {line}")
    for finding in (*found.blocking, *found.findings):
        say(f"  {finding.severity}: {finding.place}: {finding.summary}")
        say(f"    fix: {finding.fix}")
    for blank in found.blanked:
        say(f"  taken out: {blank.place}")
    if found.offered:
        say(f"  lampway release {solution} --blank-defaults takes {len(found.offered)} of them out of the package")
    return 1 if found.blocking else 0


def receipt(promotion: str, /, *, json: Json = False) -> int:
    """Show what was decided about a promotion: what changed, what was proven, how it is undone, how it went.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION] for the open one.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        case = opened.run(ShowCase(promotion))
    if json:
        emit(case)
        return 0
    p = case.view.promotion
    say(f"{p.solution}@{p.version} → {p.stage} is {p.state}{f': {p.note}' if p.note else ''}")
    say(f"  asked for by {p.requested_by} at {when(p.requested_at)}{f': {p.reason}' if p.reason else ''}")
    for decision in p.decisions:
        word = "approved" if decision.approved else "rejected"
        say(f"  {word} by {decision.by} at {when(decision.at)}{f': {decision.reason}' if decision.reason else ''}")
    for line in case.diff.summaries() if case.diff else ():
        say(f"  changed: {line}")
    for evidence in case.view.evidence:
        say(f"  proven: {evidence.check} {evidence.outcome} in {evidence.environment}: {evidence.summary}")
    for gate in case.judged:
        say(f"  gate {gate.gate}: {gate.state}")
    say(f"  undone by: {f'bringing back {case.before}' if case.before else 'taking it out again'}")
    return 0


def progress(promotion: str, /, *, json: Json = False) -> int:
    """Show how far a promotion is: its deployment, step by step.

    Parameters
    ----------
    promotion
        Its id, or SOLUTION[@VERSION] for the open one.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowProgress(promotion))
    if json:
        emit(found)
        return 0
    say(f"{found.promotion} is {found.state}{f': {found.note}' if found.note else ''}")
    for line in found.before:
        say(f"  first it goes to {line}")
    for line in found.waits_for:
        say(f"  {line}")
    for step in found.steps:
        say(f"  {step.state.ljust(8)} {step.name}: {step.summary}")
    if found.in_doubt:
        say(f"  in doubt: {found.in_doubt}; lampway reconcile")
    return 0


def tasks(*, json: Json = False) -> int:
    """Show everything that waits for you, the most urgent first.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowTasks())
    if json:
        emit(found)
        return 0
    for task in found:
        what = f"{task.solution}@{task.version}" if task.version else task.solution
        about = " ".join(part for part in (what, f"({task.environment})" if task.environment else "") if part)
        due = f", due {when(task.until)}" if task.until else ""
        key = f" {task.promotion}" if task.promotion else ""
        head = f"{task.kind.ljust(13)}{key} {about}".rstrip()
        say(f"{head}: {task.words}{due}")
    if not found:
        say("nothing waits for you")
    return 0


def calendar(*, days: int = 14, json: Json = False) -> int:
    """Show windows, freezes, holds, and what waits for a moment or is watched.

    Parameters
    ----------
    days
        How far ahead.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowCalendar(days))
    if json:
        emit(found)
        return 0
    for entry in found:
        end = f" to {when(entry.end)}" if entry.end else ""
        say(f"{when(entry.start)}{end}  {entry.kind.ljust(8)} {entry.environment or 'everywhere'}: {entry.words}")
    if not found:
        say(f"nothing in the next {days} days: deployments may start at any time")
    return 0
