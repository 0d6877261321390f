"""Passkeys: registered by whoever is signed in, for signing in and, once people.yaml names them, for signing decisions.

That a passkey is recorded proves no more than that somebody was signed in. So it signs decisions under the same
condition as every other key of a person: the rules in force name it, and a second person applied those.
"""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor, Event, PasskeyRegistered, PasskeyRemoved, Revoked
from lampway.domain.invitations import invitation_behind
from lampway.domain.passkeys import Passkey, read_passkey
from lampway.domain.revocation import REVOKERS, Revocation
from lampway.domain.strategy import Person, Strategy
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.engine.invitations import counts_still
from lampway.engine.store import Records
from lampway.errors import ForbiddenError, NotFoundError, RefusedError, UnauthenticatedError, UsageError

_LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class KnownPasskey:
    """A passkey, and what it is good for now."""

    passkey: Passkey
    signs_in: bool
    signs: bool
    """Whether decisions signed with it count: the rules in force name its key."""
    why_not: str = ""
    """Why it signs no decisions, in words."""
    proves: bool = True
    """Whether signing in with it proves who somebody is: not while all it goes back to is an invitation."""


@dataclass(frozen=True, slots=True)
class RegisterPasskey(Request[Passkey]):
    """Let whoever is signed in sign in with a passkey from now on.

    Asked for by the console alone, once the device has answered: no token can make one.
    """

    name: str
    credential: str
    key: str


@dataclass(frozen=True, slots=True)
class RemovePasskey(Request[Passkey]):
    """Let a passkey count no more, neither for signing in nor for decisions."""

    passkey: str
    """Its id."""
    reason: str


@dataclass(frozen=True, slots=True)
class ShowPasskeys(Request[tuple[KnownPasskey, ...]]):
    """Look at everybody's passkeys, or one person's."""

    person: str = ""
    everything: bool = False
    """Also those that were removed."""


def register_passkey(engine: Engine, request: RegisterPasskey, actor: Actor) -> Passkey:
    """Record a passkey. Raises NotFoundError, ForbiddenError, RefusedError, UsageError."""
    read_passkey(request.key)
    name = request.name.strip()
    if not name or len(name) > _LONGEST_NAME:
        raise UsageError("a passkey needs a name", hint="such as 'work laptop'")
    if not actor.authenticated:
        raise ForbiddenError("who you are was not proved", hint="sign in to the console")
    with engine.store.transaction() as transaction:
        person = rules_in_force(transaction).strategy.person(actor.person)
        if person is None:
            hint = "add them to people.yaml and apply the strategy"
            raise NotFoundError(f"{actor.person} is nobody in people.yaml", hint=hint)
        known = transaction.find(Passkey)
        if any(request.key == k.key or request.credential == k.credential for k in known):
            raise RefusedError("this passkey is registered already", hint="lampway passkey list --all")
        made = Passkey(
            id=engine.new_id(),
            person=person.id,
            name=name,
            credential=request.credential,
            key=request.key,
            via=actor.via,
            at=engine.now(),
        )
        told = [transaction.append(PasskeyRegistered(made), actor)]
    engine.tell(told)
    return made


def remove_passkey(engine: Engine, request: RemovePasskey, actor: Actor) -> Passkey:
    """Record that a passkey counts no more. Raises NotFoundError, ForbiddenError, UsageError.

    Everybody may remove their own; whoever may revoke keys may remove anybody's. A key that the rules name is revoked.
    """
    reason, now = require_reason(request.reason), engine.now()
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        found, by = require_remover(transaction, strategy, request.passkey, actor, now)
        events: list[Event] = [] if found.removed_at else [PasskeyRemoved(found.id, reason)]
        if not found.removed_at and _key_of(strategy.person(found.person), found, now):
            revocation = Revocation(
                id=engine.new_id(),
                person=found.person,
                key=found.key,
                since=now,
                why="lost",
                reason=reason,
                by=by.id,
                at=now,
            )
            events.append(Revoked(revocation))
        told = [transaction.append(event, actor) for event in events]
        removed = transaction.get(Passkey, found.id) or found
    engine.tell(told)
    return removed


def require_remover(
    reading: Records, strategy: Strategy, passkey: str, actor: Actor, now: str
) -> tuple[Passkey, Person]:
    """Return a passkey and who may remove it: this person. Raises NotFoundError, ForbiddenError."""
    found, by = reading.get(Passkey, passkey), strategy.person(actor.person)
    if found is None:
        raise NotFoundError(f"no passkey {passkey}", hint="lampway passkey list")
    if by is None or (by.id != found.person and not set(REVOKERS) & set(by.roles_at(now))):
        hint = f"{found.person} may, and roles {' and '.join(REVOKERS)}"
        raise ForbiddenError("that is somebody else's passkey", hint=hint)
    return found, by


def show_passkeys(engine: Engine, request: ShowPasskeys, actor: Actor) -> tuple[KnownPasskey, ...]:
    """Return passkeys in the order in which they were registered, with what each is good for. Records nothing."""
    del actor
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        found = [k for k in reading.find(Passkey) if request.person in ("", k.person)]
        shown = [k for k in found if request.everything or not k.removed_at]
        return tuple(_known(reading, strategy, k, engine.now()) for k in shown)


def _known(reading: Records, strategy: Strategy, passkey: Passkey, now: str) -> KnownPasskey:
    person = strategy.person(passkey.person)
    fault = fault_of_passkey(reading, strategy, passkey, now)
    if fault:
        return KnownPasskey(passkey, signs_in=False, signs=False, why_not=fault)
    if _key_of(person, passkey, now):
        return KnownPasskey(passkey, signs_in=True, signs=True)
    why_not, by = "the rules in force do not name its key yet", invitation_behind(passkey.via)
    if by:
        why_not += f", and it was registered by invitation {by}"
    return KnownPasskey(passkey, signs_in=True, signs=False, why_not=why_not, proves=not by)


def owner_of(engine: Engine, credential: str) -> KnownPasskey:
    """Return the passkey with this id on its device, if it signs its person in. Raises UnauthenticatedError."""
    with engine.store.reading() as reading:
        found = next((k for k in reading.find(Passkey) if k.credential == credential), None)
        known = _known(reading, rules_in_force(reading).strategy, found, engine.now()) if found else None
    if known is None or not known.signs_in:
        fault = known.why_not if known else "the passkey is not known"
        raise UnauthenticatedError(fault, hint="sign in another way, and register a passkey")
    return known


def signing_passkeys(reading: Records, person: str, now: str) -> tuple[Passkey, ...]:
    """Return the passkeys with which a person can sign decisions now."""
    strategy = rules_in_force(reading).strategy
    mine = [k for k in reading.find(Passkey) if k.person == person and not fault_of_passkey(reading, strategy, k, now)]
    return tuple(k for k in mine if _key_of(strategy.person(person), k, now))


def unnamed_passkeys(reading: Records, strategy: Strategy, now: str) -> tuple[Passkey, ...]:
    """Return the passkeys that sign people in, and no decision, because the rules in force name them nowhere."""
    return tuple(
        k
        for k in reading.find(Passkey)
        if not fault_of_passkey(reading, strategy, k, now) and not _key_of(strategy.person(k.person), k, now)
    )


def fault_of_passkey(reading: Records, strategy: Strategy, passkey: Passkey, now: str) -> str:
    """Return why it signs nobody in, in words; empty where it does."""
    person = strategy.person(passkey.person)
    if passkey.removed_at:
        return "the passkey was removed"
    if person is None:
        return "whose passkey this is has left"
    if not person.is_here(now):
        return person.absence(now)
    if any(k.key == passkey.key and k.revoked and not k.is_valid(now) for k in person.keys):
        return "the key of this passkey was revoked"
    if not counts_still(reading, passkey.via) and not _key_of(person, passkey, now):
        return "the invitation by which this passkey was registered was taken back"
    return ""


def _key_of(person: Person | None, passkey: Passkey, now: str) -> bool:
    return person is not None and any(k.key == passkey.key and k.is_valid(now) for k in person.keys)
