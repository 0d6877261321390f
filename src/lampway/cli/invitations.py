"""Commands about people: who is who, and letting somebody in who has no way to sign in yet."""

from __future__ import annotations

import secrets
from typing import Annotated

from cyclopts import Parameter

from lampway.app import SystemClock, config_folder, find_login, find_root
from lampway.cli.output import emit, note, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session, working_folder
from lampway.domain.digest import digest_bytes
from lampway.domain.invitations import Invitation, invitation_text
from lampway.domain.moments import later
from lampway.domain.spans import HINT, parse_span
from lampway.engine.invitations import Invite, RevokeInvitation, ShowInvitations
from lampway.engine.people import ShowPeople
from lampway.errors import UsageError


def invite(
    person: str = "",
    /,
    *,
    for_: Annotated[str, Parameter(name="--for")] = "",
    revoke: str = "",
    reason: str = "",
    list_: Annotated[bool, Parameter(name="--list", negative="")] = False,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
    json: Json = False,
) -> int:
    """Print a link that signs somebody in once, to be handed over to them; or take one back; or show them.

    Parameters
    ----------
    person
        Whom: an id of people.yaml. Never yourself.
    for_
        For how long the link may be followed, such as 2h or 3d; seven days at most, and 24 hours where nobody says.
    revoke
        The id of an invitation that is to count no more, with everything that goes back to it.
    reason
        Why it is revoked, for the record.
    list_
        Show invitations: those you got or made, or everybody's where you manage the platform.
    everything
        With --list, also those that can be followed no more.
    json
        Print the facts as JSON.
    """
    if [bool(person), bool(revoke), list_].count(True) != 1:
        raise UsageError("invite whom", hint="lampway invite PERSON, or --revoke ID, or --list")
    if list_:
        return _show(everything=everything, as_json=json)
    if revoke:
        with session() as opened:
            gone = opened.run(RevokeInvitation(invitation=revoke, reason=reason))
        emit(gone) if json else say(f"the invitation of {gone.person} counts no more")
        return 0
    return _invite(person, for_, as_json=json)


def _invite(person: str, lasts: str, *, as_json: bool) -> int:
    span, secret = parse_span(lasts), secrets.token_urlsafe(32)
    if lasts and span is None:
        raise UsageError(f"not a length of time: {lasts[:40]!r}", hint=HINT)
    until = later(SystemClock().now().isoformat(timespec="milliseconds"), span) if span else ""
    with session() as opened:
        made = opened.run(Invite(person=person, digest=digest_bytes(secret.encode()), until=until))
    link = f"{_address()}/sign-in?code={invitation_text(made.id, secret)}"
    if as_json:
        emit({"invitation": made, "link": link})
        return 0
    note(f"invitation {made.id} for {made.person}, until {when(made.until)}; shown once, and {made.person} is told:")
    say(link)
    return 0


def _address() -> str:
    """Return where the server is that this link leads to: the one that is logged in to, else the one that runs here."""
    from lampway.web.server import serving_at

    login = find_login(config_folder())
    return login.url if login else serving_at(find_root(working_folder()))


def _show(*, everything: bool, as_json: bool) -> int:
    now = SystemClock().now().isoformat(timespec="milliseconds")
    with session(quiet=as_json) as opened:
        found = opened.run(ShowInvitations(everything=everything))
    if as_json:
        emit(found)
    elif found:
        rows = [(i.id, i.person, i.by, _state(i, now)) for i in found]
        table(rows, ("id", "for", "by", "state"))
    else:
        say("no invitations: lampway invite PERSON")
    return 0


def _state(invitation: Invitation, now: str) -> str:
    match invitation.state(now):
        case "used":
            return f"followed {when(invitation.used_at)}"
        case "revoked":
            return f"revoked {when(invitation.revoked_at)}"
        case "over":
            return f"ended {when(invitation.until)}"
        case _:
            return f"open until {when(invitation.until)}"


def people(*, json: Json = False) -> int:
    """Show who is who: which roles each holds, and how they sign in and sign.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session(quiet=json) as opened:
        found = opened.run(ShowPeople())
    if json:
        emit(found)
        return 0
    rows = [
        (
            p.person,
            p.name,
            p.absence or ", ".join(p.roles) or "no role",
            str(p.passkeys or "none"),
            "yes" if p.signs else "no",
            f"until {when(p.invited_until)}" if p.invited_until else "",
        )
        for p in found
    ]
    table(rows, ("id", "name", "roles", "passkeys", "signs", "invited"))
    return 0
