"""Commands that show one thing whole, as the console's pages do."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, say, table, when
from lampway.cli.session import session
from lampway.engine.solutionview import ShowSolution

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
