"""Commands for disposable environments: sandbox create, list, reset, extend, expire."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.cli.output import emit, paint, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.engine.sandboxes import (
    USUAL,
    CreateSandbox,
    ExpireSandbox,
    ExtendSandbox,
    ResetSandbox,
    SandboxLine,
    ShowSandboxes,
)

For = Annotated[str, Parameter(name="--for")]
Flag = Annotated[bool, Parameter(negative="")]


def create(
    name: str,
    /,
    *,
    platform: str = "",
    lasting: For = USUAL,
    from_: Annotated[str, Parameter(name="--from")] = "",
    json: Json = False,
) -> int:
    """Start a disposable environment, for experiments and training. It is taken away by itself when its time is over.

    Parameters
    ----------
    name
        Its name.
    platform
        The low-code platform; that of what it is filled from if left out.
    lasting
        For how long, such as 8h or 7d; at most 90d.
    from_
        What to fill it from: an environment, a solution or SOLUTION@VERSION; empty if left out.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        line = opened.run(CreateSandbox(name, platform, lasting, from_))
    return _told(line, as_json=json)


def _told(line: SandboxLine, *, as_json: bool) -> int:
    if as_json:
        emit(line)
        return 0
    sandbox = line.sandbox
    say(f"{sandbox.name}: {sandbox.platform} at {sandbox.url}, until {when(sandbox.until)}")
    for name in sandbox.content:
        say(f"  holds {name}, with the values of the place where it is built")
    for text in line.notes:
        say(f"  note: {text}")
    if line.sign_in:
        say(f"  sign in as it says there: cat {line.sign_in}")
    return 0


def list_(*, json: Json = False) -> int:
    """Show the sandboxes there are, and whether they run.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowSandboxes())
    if json:
        emit(found)
        return 0
    if not found:
        say("there is no sandbox: lampway sandbox create NAME")
        return 0
    rows = [[s.sandbox.name, s.sandbox.owner, _state(s), when(s.sandbox.until), s.sandbox.url] for s in found]
    table(rows, ["sandbox", "owner", "state", "until", "address"])
    for line in found:
        if line.is_running is False:
            say(paint(f"{line.sandbox.name} has ended: lampway sandbox reset {line.sandbox.name} --keep", "33"))
    return 0


def _state(line: SandboxLine) -> str:
    if line.is_running is None:
        return f"on {line.sandbox.host}"
    return "running" if line.is_running else "not running"


def reset(name: str, /, *, keep: Flag = False, json: Json = False) -> int:
    """Start a sandbox anew, filled as it was when it was made. What was done in it since is gone.

    Parameters
    ----------
    name
        Its name.
    keep
        Start it again with what is in it, after its process has ended.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        return _told(opened.run(ResetSandbox(name, keep)), as_json=json)


def extend(name: str, /, *, lasting: For = USUAL, json: Json = False) -> int:
    """Let a sandbox last longer.

    Parameters
    ----------
    name
        Its name.
    lasting
        For how long from now on, such as 7d; at most 90d.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        line = opened.run(ExtendSandbox(name, lasting))
    if json:
        emit(line)
    else:
        say(f"{name} lasts until {when(line.sandbox.until)}")
    return 0


def expire(name: str, /, *, gone: Flag = False, json: Json = False) -> int:
    """Take a sandbox away now, with everything in it.

    Parameters
    ----------
    name
        Its name.
    gone
        The machine it was on is gone: only record that it is no more.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        sandbox = opened.run(ExpireSandbox(name, gone))
    if json:
        emit(sandbox)
    else:
        say(f"{name} is gone")
    return 0
