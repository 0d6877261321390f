"""Commands about passkeys. They are made in the console, because only a browser reaches them."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from lampway.app import add_key, find_root
from lampway.cli.keys import Add, lines_for
from lampway.cli.output import emit, note, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session, today, working_folder
from lampway.domain.invitations import invitation_behind
from lampway.engine.passkeys import RemovePasskey, ShowPasskeys
from lampway.errors import NotFoundError


def passkey_list(
    *, of: str = "", everything: Annotated[bool, Parameter(name="--all", negative="")] = False, json: Json = False
) -> int:
    """Show passkeys, and whether they sign in and sign decisions.

    Parameters
    ----------
    of
        Whose: an id of people.yaml; else everybody's.
    everything
        Also those that were removed.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowPasskeys(person=of, everything=everything))
    if json:
        emit(found)
    elif not found:
        say("no passkeys: sign in to the console (lampway console), and register one below your name")
    else:
        rows = [
            (k.passkey.id, k.passkey.person, k.passkey.name, when(k.passkey.at), "yes" if k.signs else k.why_not)
            for k in found
        ]
        table(rows, ("id", "person", "name", "since", "signs decisions"))
    return 0


def passkey_show(passkey: str, /, *, add: Add = False, json: Json = False) -> int:
    """Print a passkey's public half as people.yaml needs it. Once that is applied, decisions signed with it count.

    Parameters
    ----------
    passkey
        Its id, as in `lampway passkey list`.
    add
        Also write it into people.yaml here, for somebody to commit and apply.
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = next((k for k in opened.run(ShowPasskeys()) if k.passkey.id == passkey), None)
    if found is None:
        raise NotFoundError(f"no passkey {passkey}", hint="lampway passkey list")
    if not found.proves:
        by = invitation_behind(found.passkey.via)
        note(f"note: it was registered by invitation {by}; let {found.passkey.person} say that it is theirs first")
    if add:
        add_key(find_root(working_folder()), found.passkey.person, found.passkey.key, today())
    if json:
        emit(found)
    elif add:
        say(f"people.yaml: {found.passkey.person} signs with {found.passkey.key}")
        note("commit it, and have it applied: lampway strategy apply -m 'A passkey to sign with'")
    else:
        note(f"add this to {found.passkey.person} in people.yaml, and have it applied: lampway strategy apply")
        for line in lines_for(found.passkey.key):
            say(line)
    return 0


def passkey_remove(passkey: str, /, *, reason: str) -> int:
    """Let a passkey count no more: it signs nobody in, and what is signed with it from now on does not count.

    Parameters
    ----------
    passkey
        Its id, as in `lampway passkey list`.
    reason
        In words; always needed.
    """
    with session() as opened:
        gone = opened.run(RemovePasskey(passkey=passkey, reason=reason))
    say(f"passkey {gone.name} of {gone.person} counts no more")
    note("take its key out of people.yaml as well, or give it `revoked`, where it stands there")
    return 0
