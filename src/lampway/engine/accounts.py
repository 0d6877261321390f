"""Letting somebody in whom the team's provider knows: who it is in people.yaml, and which roles its claims give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from lampway.domain.accounts import roles_in
from lampway.domain.events import Actor, RolesClaimed
from lampway.domain.roles import clashes
from lampway.domain.strategy import Person, RulesInForce, Strategy
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.store import Transaction
from lampway.errors import ForbiddenError, UnauthenticatedError

_HINT = "let a platform admin add you, with this e-mail or account"


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """Somebody as the provider knows them."""

    issuer: str
    subject: str
    email: str = ""
    """Verified by the provider; empty for none."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """Everything that it said of them, signed."""

    @property
    def via(self) -> str:
        """How they signed in, for the record."""
        return f"oidc {self.subject}"[:200]


def admit(engine: Engine, account: KnownAccount, lasting: timedelta) -> Person:
    """Return who this is, and record the roles that the provider's claims give them while the session lasts.

    Raises UnauthenticatedError for whoever is nobody in people.yaml, or is not here now; ForbiddenError where the
    claims would bring roles together that must not meet.
    """
    with engine.store.transaction() as transaction:
        rules = rules_in_force(transaction)
        person = _owner(rules.strategy, account)
        if not person.is_here(engine.now()):
            raise UnauthenticatedError(person.absence(engine.now()), hint=_HINT)
        now = engine.clock.now()
        told = _claimed(transaction, person, account, (now, now + lasting))
        recorded = [transaction.append(event, _actor(person, account)) for event in told]
    engine.tell(recorded)
    return person


def _owner(strategy: Strategy, account: KnownAccount) -> Person:
    """Return whose account this is: by what the provider calls them, else by an e-mail that it verified."""
    issuer = account.issuer.rstrip("/")
    for person in strategy.people:
        if any((known.issuer, known.subject) == (issuer, account.subject) for known in person.accounts):
            return person
    if not account.email:
        why = "the provider does not say that it verified an e-mail of yours"
        raise UnauthenticatedError(why, hint="sign in once more, or in another way")
    wanted = account.email.lower()
    found = next((p for p in strategy.people if wanted in [email.lower() for email in p.emails]), None)
    if found is None:
        raise UnauthenticatedError(f"{account.email} is nobody in people.yaml", hint=_HINT)
    if any(known.issuer == issuer for known in found.accounts):
        why = f"{account.email} is {found.id}'s, and this is not the account that people.yaml names for them"
        raise UnauthenticatedError(why, hint=_HINT)
    return found


def _claimed(
    transaction: Transaction, person: Person, account: KnownAccount, span: tuple[datetime, datetime]
) -> list[RolesClaimed]:
    """Return what is new of somebody's roles; nothing where all of it is known."""
    rules = transaction.get(RulesInForce, "current")
    if rules is None:
        return []
    strategy = rules.strategy
    declared = next(p for p in strategy.people if p.id == person.id)
    given = roles_in(strategy.claims, account.claims)
    roles = tuple(role for role in given if role not in declared.roles)
    clash = clashes(strategy.conflicts, {*declared.roles, *roles})
    if roles and clash:
        both = " and ".join(clash[0].roles)
        why = f"{person.name} would hold roles that must not meet: {both}"
        raise ForbiddenError(why, hint=clash[0].reason or "take one of the groups away at the provider")
    today, until = (moment.date().isoformat() for moment in span)
    known = {one.role: one.until for one in rules.claimed if one.person == person.id and one.until >= today}
    if {role for role, last in known.items() if last >= until} == set(roles) == set(known):
        return []
    return [RolesClaimed(person=person.id, roles=roles, until=until, issuer=account.issuer, subject=account.subject)]


def _actor(person: Person, account: KnownAccount) -> Actor:
    email = person.emails[0] if person.emails else ""
    return Actor(person.id, account.via, authenticated=True, name=person.name, email=email)
