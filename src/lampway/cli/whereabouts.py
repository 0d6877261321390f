"""Commands about places: environments, and what each gives to a solution; and the strategy as text."""

from __future__ import annotations

from lampway.cli.output import emit, paint, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.engine.strategy_text import ShowStrategy
from lampway.engine.whereabouts import EnvironmentView, ShowConfiguration, ShowEnvironments


def environments(*, json: Json = False) -> int:
    """Show every environment: its tier, data, lock and label, and what was edited live there.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowEnvironments())
    if json:
        emit(found)
        return 0
    table([_row(one) for one in found], ("environment", "tier", "platform", "data", "lock", "solutions", "edited live"))
    for one in found:
        for remark in one.lock.remarks if one.lock else ():
            say(paint(f"  {remark}", "33"))
    return 0


def _row(one: EnvironmentView) -> tuple[str, ...]:
    lock = one.lock.state if one.lock else "-"
    return (one.name, one.tier, one.platform, one.data or "-", lock, str(one.solutions), str(len(one.drift) or "-"))


def configuration(solution: str, /, *, json: Json = False) -> int:
    """Show which environments give what a solution's newest release asks for. Exits with 1 where something is missing.

    Parameters
    ----------
    solution
        Which one.
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowConfiguration(solution))
    if json:
        emit(found)
        return 1 if found.missing else 0
    if not found.release:
        say(f"{solution} has no release yet")
        return 0
    rows = [
        (
            need.name,
            need.kind,
            *(
                "given" if p in need.given_in else "MISSING" if p in need.missing_in else "default"
                for p in found.environments
            ),
        )
        for need in found.needs
    ]
    table(rows, ("name", "kind", *found.environments))
    return 1 if found.missing else 0


def strategy_show(*, json: Json = False) -> int:
    """Show what is in force, and what its rules leave open.

    Parameters
    ----------
    json
        Print the whole document as JSON.
    """
    with session() as opened:
        found = opened.run(ShowStrategy())
    if json:
        emit(found)
        return 0
    say(f"in force: {found.commit[:12]}, applied by {found.applied_by}, {when(found.applied_at)}")
    for name, value in found.facts:
        say(f"  {name}: {value}")
    for text in found.cautions:
        say(f"  note: {text}")
    return 0
