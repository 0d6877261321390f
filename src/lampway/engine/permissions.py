"""Permissions: who may ask for what, judged at the one door through which every request comes."""

from __future__ import annotations

from typing import Any

from lampway.domain.accounts import as_it_stands
from lampway.domain.events import Actor
from lampway.domain.roles import MEMBERS, Permission, permission
from lampway.domain.strategy import RulesInForce, Strategy
from lampway.engine.context import Engine, Request
from lampway.errors import ForbiddenError

_JUDGED_INSIDE = ("ApplyStrategy", "Retain")
"""Requests whose use case judges the same itself: mistakes in the files are told before who may apply them, and what
may go is shown to everybody."""


def require_permission(engine: Engine, request: Request[Any], actor: Actor) -> None:
    """Go on only if the rules in force let this person ask for this. Raises ForbiddenError.

    Before any rules are in force everybody may: that is how one begins. Where nobody here holds a role that is needed,
    everybody who takes part may, so that no team locks itself out; `strategy check` points that out.
    """
    needed = permission(type(request).__name__)
    if needed is None or needed.request in _JUDGED_INSIDE:
        return
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    if rules is not None:
        refuse_unable(needed, as_it_stands(rules), actor, engine.now())


def refuse_unable(needed: Permission, strategy: Strategy, actor: Actor, now: str) -> None:
    """Go on only if this person is here and holds a role that is needed. Raises ForbiddenError."""
    person = strategy.person(actor.person)
    if person is None:
        raise ForbiddenError(f"{actor.person} is nobody in people.yaml", hint="add them and apply the strategy")
    if not person.is_here(now):
        raise ForbiddenError(person.absence(now), hint="somebody else must do it")
    if not needed.roles or set(needed.roles) & set(person.roles_at(now)):
        return
    able = able_people(strategy, needed.roles, now)
    if not able and set(MEMBERS) & set(person.roles_at(now)):
        return
    who = ", ".join(able) or "nobody yet; give somebody one of these roles in people.yaml"
    message = f"{needed.command} takes one of the roles {', '.join(needed.roles)}, and {person.name} holds none"
    raise ForbiddenError(message, hint=f"who may: {who}")


def able_people(strategy: Strategy, roles: tuple[str, ...], now: str) -> tuple[str, ...]:
    """Return the ids of everybody who is here and holds one of the roles."""
    return tuple(p.id for p in strategy.people if p.is_here(now) and set(roles) & set(p.roles_at(now)))
