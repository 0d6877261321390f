"""Accounts at the team's provider: whose they are, and which roles its claims give to them for a time.

What a provider says gives nothing by itself: only what a rule in force names, only to somebody in people.yaml, and only
until a day. Everything is recorded, so that whoever judges again later sees what was held when.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from lampway.domain.revocation import without_revoked
from lampway.domain.roles import Assignment, clashes

if TYPE_CHECKING:
    from lampway.domain.strategy import Person, RulesInForce, Strategy

_KEPT = 20
"""Times kept for each role of each person: those before no longer count for anything."""


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody's account at a provider."""

    issuer: str
    subject: str
    """What the provider calls them for ever; unlike an e-mail it is never given to somebody else."""


@dataclass(frozen=True, slots=True)
class ClaimRule:
    """A role for everybody of whom the provider says this."""

    claim: str
    """Name of the claim, such as `groups`; a dot leads into an object, as in `realm_access.roles`."""
    value: str
    """What it must be, or hold where it is a list."""
    role: str

    @property
    def words(self) -> str:
        """The rule for people."""
        return f"{self.claim} {self.value} gives {self.role}"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A role that somebody held from one day to another, because the provider said so when they signed in."""

    person: str
    role: str
    since: str
    until: str
    """The last day."""


def roles_in(rules: Iterable[ClaimRule], claims: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles that these claims give; none for whatever no rule names."""
    return tuple(dict.fromkeys(rule.role for rule in rules if rule.value in _texts(claims, rule.claim)))


def _texts(claims: Mapping[str, Any], name: str) -> list[str]:
    found: Any = claims.get(name)
    if found is None and "." in name:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    return [text for text in (found if isinstance(found, list) else [found]) if isinstance(text, str)]


def after_sign_in(known: Iterable[Claimed], person: str, roles: Iterable[str], span: tuple[str, str]) -> list[Claimed]:
    """Return what was held by whom, once somebody signed in with these roles; `span` is today and the last day.

    A role that is no longer among them ended yesterday. One that never ended goes on.
    """
    today, until = span
    yesterday = _day_before(today)
    wanted, kept = set(roles), []
    for one in known:
        if one.person != person or one.until < yesterday:
            kept.append(one)
        elif one.role in wanted:
            wanted.discard(one.role)
            kept.append(replace(one, until=max(one.until, until)))
        elif one.since <= yesterday:
            kept.append(replace(one, until=min(one.until, yesterday)))
    kept += [Claimed(person, role, today, until) for role in sorted(wanted)]
    count: dict[tuple[str, str], int] = {}
    newest = []
    for one in reversed(kept):
        key = (one.person, one.role)
        count[key] = count.get(key, 0) + 1
        if count[key] <= _KEPT:
            newest.append(one)
    return newest[::-1]


def as_it_stands(rules: RulesInForce) -> Strategy:
    """Return the strategy in force with everything that was said of its people since: revoked, and claimed."""
    strategy = without_revoked(rules.strategy, rules.revocations) if rules.revocations else rules.strategy
    return with_claimed(strategy, rules.claimed) if rules.claimed else strategy


def with_claimed(strategy: Strategy, claimed: Iterable[Claimed]) -> Strategy:
    """Return the strategy in which people hold the roles that the provider gave them, on the days it did.

    Only what a rule in force still gives counts. What people.yaml says of a role goes before it, and whoever would
    come to hold roles that must not meet gets none of it.
    """
    given = {rule.role for rule in strategy.claims}
    held: dict[str, list[Claimed]] = {}
    for one in claimed:
        if one.role in given and one.role in strategy.roles:
            held.setdefault(one.person, []).append(one)
    if not held:
        return strategy
    return replace(strategy, people=tuple(_holding(strategy, p, held.get(p.id, ())) for p in strategy.people))


def _holding(strategy: Strategy, person: Person, claimed: Iterable[Claimed]) -> Person:
    new = [one for one in claimed if one.role not in person.roles]
    roles = tuple(dict.fromkeys(one.role for one in new))
    if not roles or clashes(strategy.conflicts, {*person.roles, *roles}):
        return person
    times = tuple(Assignment(one.role, one.since, one.until) for one in new)
    return replace(person, roles=(*person.roles, *roles), temporary=(*person.temporary, *times), claimed=roles)


def as_declared(person: Person) -> Person:
    """Return the person as people.yaml has them."""
    if not person.claimed:
        return person
    roles = tuple(role for role in person.roles if role not in person.claimed)
    return replace(
        person,
        roles=roles,
        temporary=tuple(given for given in person.temporary if given.role not in person.claimed),
        claimed=(),
    )


def _day_before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
