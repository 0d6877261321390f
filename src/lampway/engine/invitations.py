"""Inviting: whoever manages the platform lets somebody in who has no other way yet, and everybody can see that."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain import events
from lampway.domain.accounts import as_it_stands
from lampway.domain.digest import is_digest
from lampway.domain.events import Actor, InvitationMade, InvitationRevoked, InvitationUsed
from lampway.domain.invitations import (
    LASTS,
    LONGEST,
    Invitation,
    invitation_behind,
    parse_invitation,
    refuse_by_invitation,
    via_invitation,
)
from lampway.domain.moments import is_before, later, parse_deadline, seconds_between, shown
from lampway.domain.notify import Notice, NoticeKind
from lampway.domain.roles import permission
from lampway.domain.strategy import Person, RulesInForce, Strategy
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.permissions import able_people, refuse_unable
from lampway.engine.store import Reading, Records
from lampway.errors import ForbiddenError, NotFoundError, RefusedError, UnauthenticatedError, UsageError

_LEEWAY = 300.0
"""Seconds by which the clock of whoever asks may be ahead of ours."""
_NO_MORE = "the invitation is not known"
_ANOTHER = "ask for another one"
_STOLEN = "ask for another one; if it was not you who used it, tell them so: somebody else signed in as you"
TOLD_OF_INVITATIONS = (InvitationMade.kind, InvitationUsed.kind)
"""Kinds of event that somebody is told of."""


@dataclass(frozen=True, slots=True)
class Invite(Request[Invitation]):
    """Let somebody else sign in once, by a link that is handed over to them."""

    person: str
    """Whom: an id of people.yaml."""
    digest: str
    """Of the secret in the link: whoever asks made it up and hands it over; it is not sent."""
    until: str = ""
    """A day, to its end, or a time with its zone, within seven days; empty: for 24 hours."""


@dataclass(frozen=True, slots=True)
class RevokeInvitation(Request[Invitation]):
    """Let an invitation count no more, and nobody go on who came by it."""

    invitation: str
    """Its id."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ShowInvitations(Request[tuple[Invitation, ...]]):
    """Look at the invitations that one got or made; whoever may invite sees everybody's."""

    everything: bool = False
    """Also those that can be followed no more."""


def invite(engine: Engine, request: Invite, actor: Actor) -> Invitation:
    """Record an invitation. Raises ForbiddenError, NotFoundError, RefusedError, UsageError."""
    now = engine.now()
    until = _until(request.until, now)
    if not is_digest(request.digest):
        raise UsageError("not the digest of a secret", hint="lampway invite PERSON")
    require_own_way(actor)
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        by, whom = strategy.person(actor.person), strategy.person(request.person)
        if by is None or whom is None:
            nobody = request.person if by else actor.person
            hint = "add them to people.yaml and apply the strategy"
            raise NotFoundError(f"{nobody} is nobody in people.yaml", hint=hint)
        if whom == by:
            raise ForbiddenError("nobody invites themselves", hint=f"ask {_others(strategy, by, now)}")
        if not whom.is_here(now):
            raise RefusedError(whom.absence(now), hint="people.yaml says from when to when somebody is here")
        made = Invitation(
            id=engine.new_id(), person=whom.id, digest=request.digest, until=until, by=by.id, at=engine.now()
        )
        told = [transaction.append(InvitationMade(made), actor)]
    engine.tell(told)
    return made


def require_own_way(actor: Actor) -> None:
    """Go on only with somebody who came in a way of their own. Raises ForbiddenError."""
    refuse_by_invitation(actor.via, "invites nobody")


def _until(text: str, now: str) -> str:
    until = parse_deadline(text) if text else later(now, LASTS)
    if not is_before(now, until):
        raise UsageError("the invitation would have ended already", hint="give a later time")
    if seconds_between(now, until) > LONGEST + _LEEWAY:
        raise UsageError("an invitation lasts seven days at most", hint="give an earlier time; 24 hours do mostly")
    return min(until, later(now, LONGEST))


def revoke_invitation(engine: Engine, request: RevokeInvitation, actor: Actor) -> Invitation:
    """Record that an invitation counts no more. Raises NotFoundError, ForbiddenError.

    Whoever made it, whom it is for, and whoever may invite may do so.
    """
    with engine.store.transaction() as transaction:
        found = require_taker(transaction, request.invitation, actor, engine.now())
        event = InvitationRevoked(found.id, request.reason.strip())
        told = [] if found.revoked_at else [transaction.append(event, actor)]
        revoked = transaction.get(Invitation, found.id) or found
    engine.tell(told)
    return revoked


def require_taker(reading: Records, invitation: str, actor: Actor, now: str) -> Invitation:
    """Return an invitation that this person may take back. Raises NotFoundError, ForbiddenError."""
    found = reading.get(Invitation, invitation)
    if found is None:
        raise NotFoundError(f"no invitation {invitation}", hint="lampway invite --list")
    if not _may_see(reading, found, actor, now):
        raise ForbiddenError("that is somebody else's invitation", hint=f"ask {found.person} or {found.by}")
    return found


def show_invitations(engine: Engine, request: ShowInvitations, actor: Actor) -> tuple[Invitation, ...]:
    """Return invitations in the order in which they were made. Records nothing."""
    now = engine.now()
    with engine.store.reading() as reading:
        found = [one for one in reading.find(Invitation) if _may_see(reading, one, actor, now)]
    return tuple(one for one in found if request.everything or one.state(now) == "open")


def accept_invitation(engine: Engine, presented: str) -> Invitation:
    """Record that an invitation is followed, and return it. Raises UnauthenticatedError; then nothing is recorded.

    Its person must be here, and whoever made it must be able to invite still.
    """
    key, secret = parse_invitation(presented)
    with engine.store.transaction() as transaction:
        found = transaction.get(Invitation, key) if key else None
        rules = transaction.get(RulesInForce, "current")
        if found is None or rules is None:
            raise UnauthenticatedError(_NO_MORE, hint=_ANOTHER)
        strategy = as_it_stands(rules)
        person = strategy.person(found.person)
        why = found.fault(secret, engine.now())
        if not why and (person is None or not person.is_here(engine.now())):
            why = person.absence(engine.now()) if person else "whom this invitation is for has left"
        if not why and not _could_make(strategy, found, engine.now()):
            why = "whoever made this invitation may invite nobody any more"
        if why or person is None:
            raise UnauthenticatedError(why, hint=_STOLEN if "used already" in why else _ANOTHER)
        by = Actor(person.id, via_invitation(found.id), authenticated=True, name=person.name)
        told = [transaction.append(InvitationUsed(found.id), by)]
    engine.tell(told)
    return found


def counts_still(reading: Records, via: str) -> bool:
    """Return whether somebody who is signed in in this way may go on: nobody took back the invitation behind it."""
    key = invitation_behind(via)
    found = reading.get(Invitation, key) if key else None
    return not key or (found is not None and not found.revoked_at)


def inviters(engine: Engine) -> tuple[Person, ...]:
    """Return those who may invite; nobody before any rules are in force."""
    now = engine.now()
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    return _able(as_it_stands(rules), now) if rules else ()


def _able(strategy: Strategy, now: str) -> tuple[Person, ...]:
    needed = permission(Invite.__name__)
    able = able_people(strategy, needed.roles, now) if needed else ()
    return tuple(p for p in strategy.people if p.id in able)


def _could_make(strategy: Strategy, invitation: Invitation, now: str) -> bool:
    """Return whether whoever made it may invite still: who leaves, or is no platform admin, takes no links along."""
    needed = permission(Invite.__name__)
    try:
        if needed is not None:
            refuse_unable(needed, strategy, Actor(invitation.by, ""), now)
    except ForbiddenError:
        return False
    return True


def _others(strategy: Strategy, person: Person, now: str) -> str:
    return " or ".join(p.name or p.id for p in _able(strategy, now) if p != person) or "a platform-admin"


def _may_see(reading: Records, invitation: Invitation, actor: Actor, now: str) -> bool:
    strategy = rules_in_force(reading).strategy
    person, needed = strategy.person(actor.person), permission(Invite.__name__)
    if person is None:
        return False
    return person.id in (invitation.person, invitation.by) or bool(
        needed and set(needed.roles) & set(person.roles_at(now))
    )


def invitation_notices(reading: Reading, strategy: Strategy, recorded: events.Recorded) -> Iterator[Notice]:
    """Yield what is to be told of this event: to whom the link lets in, and once it was used to whoever made it too."""
    match recorded.event:
        case InvitationMade(invitation=one):
            text = (
                f"{one.by} made a link that lets whoever has it in as {one.person}, once, until {shown(one.until)}; if"
                " nobody handed it to you, take it back"
            )
            yield _notice(strategy, one, "you were invited to sign in", text, recorded.at)
        case InvitationUsed(invitation=key):
            found = reading.get(Invitation, key)
            if found is not None:
                text = f"{found.by} had made it; if it was not {found.person} who followed it, take it back"
                title = f"somebody signed in as {found.person} by an invitation"
                yield _notice(strategy, found, title, text, recorded.at, found.by)
        case _:
            pass


def _notice(strategy: Strategy, one: Invitation, title: str, text: str, at: str, *others: str) -> Notice:
    people = (strategy.person(name) for name in (one.person, *others))
    return Notice(
        kind=NoticeKind.INVITED,
        title=title,
        text=text,
        command=f"lampway invite --revoke {one.id}",
        screen="/people",
        at=at,
        people=tuple(dict.fromkeys(p.id for p in people if p is not None)),
    )
