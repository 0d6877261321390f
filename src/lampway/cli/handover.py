"""`lampway handover`: what only one person does, and who does it from now on."""

from __future__ import annotations

from lampway.cli.output import emit, note, say, table
from lampway.cli.path import Json
from lampway.cli.session import session
from lampway.engine.handover import HandOver


def handover(person: str, /, *, to: str = "", json: Json = False) -> int:
    """List everything that only this person owns, connects or approves; with --to, hand it over.

    Handing over edits the files as they lie there, for review, and lends the person's approvals for 30 days where
    they do it themselves.

    Parameters
    ----------
    person
        Who goes: an id or e-mail of people.yaml.
    to
        Who takes it.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(HandOver(person, to))
    if json:
        emit(found)
        return 0
    if not found.duties:
        say(f"nothing falls to {found.person} alone")
    else:
        table([(duty.kind, duty.what, duty.place) for duty in found.duties], ("kind", found.person, "where"))
    for path in found.written:
        say(f"edited {path}")
    if found.delegated:
        say(f"{found.to} may approve for {found.person} for 30 days: take it back with")
        say(f"  lampway delegate --end {found.delegated}")
    for line in found.left:
        say(f"left: {line}")
    if found.written:
        note("it counts once applied: git diff; lampway strategy diff; lampway strategy apply -m 'Handover'")
    elif found.duties and not to:
        note(f"hand it over: lampway handover {found.person} --to PERSON")
    return 0
