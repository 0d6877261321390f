"""Revoking: a lost or replaced key, or a person who left, stops counting now and not with the next strategy."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor, Revoked
from lampway.domain.keys import read_key
from lampway.domain.moments import parse_moment
from lampway.domain.revocation import REVOKERS, WHY, Revocation
from lampway.domain.strategy import Person, Strategy
from lampway.engine.context import Engine, Request, require_reason, rules_in_force
from lampway.errors import NotFoundError, RefusedError, UsageError


@dataclass(frozen=True, slots=True)
class Revoke(Request[Revocation]):
    """Say that a key, or a person with every key, counts no more."""

    why: str
    """lost, rotated or left."""
    reason: str
    person: str = ""
    """Whose; empty: of whoever asks."""
    key: str = ""
    """Which public key; may be left out where there is one only. Never with `left`."""
    since: str = ""
    """A day, from its beginning, or a time with its zone; empty: from now on. Never in the future."""


def revoke(engine: Engine, request: Revoke, actor: Actor) -> Revocation:
    """Record a revocation. Raises UsageError, NotFoundError, RefusedError.

    Everybody may revoke what is theirs. Release managers and platform admins may revoke anybody's: a wrong
    revocation costs a new key, a missing one costs production.
    """
    reason = require_reason(request.reason)
    if request.why not in WHY:
        raise UsageError(f"not a reason to revoke: {request.why}", hint=f"one of: {', '.join(WHY)}")
    with engine.store.transaction() as transaction:
        strategy = rules_in_force(transaction).strategy
        by, person = _pair(strategy, actor, request.person, engine.now())
        found = Revocation(
            id=engine.new_id(),
            person=person.id,
            key=_key(request, person),
            since=_since(engine, request.since),
            why=request.why,
            reason=reason,
            by=by.id,
            at=engine.now(),
        )
        _refuse_repeated(person, found)
        told = [transaction.append(Revoked(found), actor)]
    engine.tell(told)
    return found


def _pair(strategy: Strategy, actor: Actor, name: str, now: str) -> tuple[Person, Person]:
    by, person = strategy.person(actor.person), strategy.person(name or actor.person)
    if by is None:
        raise RefusedError(f"{actor.person} is nobody in people.yaml", hint="add them to people.yaml")
    if not by.is_here(now):
        raise RefusedError(by.absence(now), hint="let somebody else say it")
    if person is None:
        hint = f"there is: {', '.join(p.id for p in strategy.people)}"
        raise NotFoundError(f"{name} is nobody in people.yaml", hint=hint)
    if by != person and not set(REVOKERS) & set(by.roles_at(now)):
        able = ", ".join(p.id for p in strategy.people if set(REVOKERS) & set(p.roles)) or "nobody yet"
        hint = f"{person.id} may, and roles {' and '.join(REVOKERS)}: {able}"
        raise RefusedError(f"{by.name} may not revoke what is {person.name}'s", hint=hint)
    return by, person


def _key(request: Revoke, person: Person) -> str:
    if request.why == "left":
        if request.key:
            raise UsageError("who leaves, leaves with every key", hint="leave out --key")
        return ""
    if request.key:
        read_key(request.key)
    keys = [k.key for k in person.keys if request.key in ("", k.key)]
    if not keys:
        raise NotFoundError(f"{person.name} has no such key in the rules in force", hint="see people.yaml")
    if len(keys) > 1:
        raise UsageError(f"{person.name} has {len(keys)} keys", hint=f"name one with --key: {', '.join(keys)}")
    return keys[0]


def _since(engine: Engine, since: str) -> str:
    now = engine.now()
    found = parse_moment(since) if since else now
    if found > now:
        hint = "give `until` in people.yaml for what is planned"
        raise UsageError(f"a revocation begins now or did before, not at {found}", hint=hint)
    return found


def _refuse_repeated(person: Person, found: Revocation) -> None:
    ended = [k.revoked for k in person.keys if k.key == found.key] if found.key else [person.left]
    if any(end and end <= found.since for end in ended):
        raise RefusedError(f"{found.words} was revoked already, from {min(filter(None, ended))} on")
