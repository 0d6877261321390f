"""What makers built outside of every solution: listed with its owners, and put into a solution that can be governed."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.capability import Ability
from lampway.domain.events import Actor, Gathered
from lampway.domain.strategy import Environment
from lampway.engine import bringing
from lampway.engine.bringing import Loose
from lampway.engine.context import Engine, Request, access_to, rules_in_force
from lampway.engine.platform import Access
from lampway.errors import NotFoundError, UsageError


@dataclass(frozen=True, slots=True)
class ShowLoose(Request[tuple[Loose, ...]]):
    """Ask what in an environment is in no solution."""

    environment: str


@dataclass(frozen=True, slots=True)
class GatherLoose(Request[tuple[Loose, ...]]):
    """Put what is in no solution into one, where it was built."""

    environment: str
    into: str
    """The platform's own name of a solution there in which makers build."""
    names: tuple[str, ...] = ()
    """Names or ids of what is to be put into it."""


def show_loose(engine: Engine, request: ShowLoose, actor: Actor) -> tuple[Loose, ...]:
    """Return what is in no solution, changing nothing. Raises NotFoundError, UsageError, PlatformError, SecretError."""
    del actor
    platform, access = _platform(engine, request.environment)
    return platform.list_loose(access)


def gather_loose(engine: Engine, request: GatherLoose, actor: Actor) -> tuple[Loose, ...]:
    """Put it into the solution, one after the other, and record each. Returns what was put into it.

    Nothing is done where a name fits nothing, or more than one thing. Raises NotFoundError, UsageError, PlatformError,
    SecretError.
    """
    if not request.names:
        raise UsageError("nothing to put into a solution", hint=f"lampway loose {request.environment}")
    platform, access = _platform(engine, request.environment)
    there = platform.list_loose(access)
    chosen = tuple(dict.fromkeys(_chosen(there, name, request.environment) for name in request.names))
    for one in chosen:
        platform.gather(access, request.into, one)
        engine.record([Gathered(request.environment, request.into, one.type, one.name, one.id)], actor)
    return chosen


def _chosen(there: tuple[Loose, ...], name: str, environment: str) -> Loose:
    found = [one for one in there if name in {one.name, one.id}]
    hint = f"lampway loose {environment}"
    if not found:
        raise NotFoundError(f"nothing named *{name}* is outside of every solution", where=environment, hint=hint)
    if len(found) > 1:
        ids = ", ".join(one.id for one in found)
        raise UsageError(f"{len(found)} things are named *{name}*", where=environment, hint=f"give one id: {ids}")
    return found[0]


def _platform(engine: Engine, name: str) -> tuple[bringing.Gathering, Access]:
    with engine.store.reading() as reading:
        environment: Environment = rules_in_force(reading).strategy.environment(name)
    platform = engine.platform(environment.platform)
    if not isinstance(platform, bringing.Gathering):
        note = next((c.note for c in platform.capabilities() if c.name is Ability.GATHER), "")
        raise UsageError(f"{platform.name} has nothing outside of solutions", where=environment.name, hint=note)
    return platform, access_to(engine, environment)
