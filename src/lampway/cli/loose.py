"""Commands about what is in no solution: list it with its owners, and put it into one."""

from __future__ import annotations

from lampway.cli.output import emit, say, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.engine.loose import GatherLoose, ShowLoose


def loose(environment: str, /, *, json: Json = False) -> int:
    """Show what makers built outside of every solution, with its owner and its last change. Changes nothing.

    Parameters
    ----------
    environment
        Where.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowLoose(environment))
    if json:
        emit(found)
        return 0
    for one in found:
        owner = f", of {one.owner}" if one.owner else ", owner unknown"
        changed = f", changed {when(one.changed)}" if one.changed else ""
        say(f"{one.type} {one.name}{owner}{changed}  [{one.id}]")
    if found:
        say(f"  → lampway gather {environment} SOLUTION '{found[0].name}'")
    else:
        say(f"nothing in {environment} is outside of solutions")
    return 0


def gather(environment: str, into: str, /, *names: str, json: Json = False) -> int:
    """Put what is in no solution into one, where it was built, so that it can be released from there.

    Parameters
    ----------
    environment
        Where it was built.
    into
        The platform's own name of a solution there in which makers build.
    names
        Names or ids, as `loose` shows them.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        done = opened.run(GatherLoose(environment, into, names))
    if json:
        emit(done)
        return 0
    for one in done:
        say(f"{one.type} {one.name} is in {into} now")
    return 0
