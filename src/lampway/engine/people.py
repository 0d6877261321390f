"""Who is who: the people of the rules in force, what each may do, and how they sign in and sign."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events import Actor
from lampway.domain.invitations import Invitation
from lampway.domain.strategy import Person
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.passkeys import KnownPasskey, ShowPasskeys, show_passkeys


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody, as their colleagues see them."""

    person: str
    name: str
    roles: tuple[str, ...]
    """Those held now."""
    absence: str
    """Why what they decide counts for nothing now; empty while they are here."""
    passkeys: int
    """How many sign them in."""
    signs: bool
    """Whether decisions can be signed with a key of theirs."""
    invited_until: str
    """Until when an invitation of theirs may be followed; empty for none."""


@dataclass(frozen=True, slots=True)
class ShowPeople(Request[tuple[PersonView, ...]]):
    """Look at who is who: which roles each holds, and how they sign in and sign."""


def show_people(engine: Engine, request: ShowPeople, actor: Actor) -> tuple[PersonView, ...]:
    """Return everybody, as people.yaml has them. Records nothing."""
    del request
    now, passkeys = engine.now(), show_passkeys(engine, ShowPasskeys(), actor)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        opened = [one for one in reading.find(Invitation) if one.state(now) == "open"]
    return tuple(_view(person, passkeys, opened, now) for person in strategy.people)


def _view(person: Person, passkeys: tuple[KnownPasskey, ...], opened: list[Invitation], now: str) -> PersonView:
    return PersonView(
        person=person.id,
        name=person.name,
        roles=tuple(person.roles_at(now)),
        absence="" if person.is_here(now) else person.absence(now),
        passkeys=len([k for k in passkeys if k.passkey.person == person.id and k.signs_in]),
        signs=any(key.is_valid(now) for key in person.keys),
        invited_until=max((one.until for one in opened if one.person == person.id), default=""),
    )
