"""Handing over: everything that only one person owns, connects or approves, before they go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from lampway.domain.strategy import Person, Strategy


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that falls to one person."""

    kind: str
    """owner, role, approval, access, promotion, delegation, hold or answer."""
    what: str
    place: str
    """File or record in which it stands."""
    by_edit: bool = False
    """Whether an edit of the files hands it over."""
    cure: str = ""
    """What else hands it over; empty where an edit does."""


def duties(strategy: Strategy, person: Person, now: str) -> tuple[Duty, ...]:
    """Return what the files lay on this person alone, in the order of the files."""
    return (
        *_owned(strategy, person),
        *_named(strategy, person),
        *_sole(strategy, person, now),
        *_access(strategy, person),
    )


def sole_roles(strategy: Strategy, person: Person, now: str) -> tuple[str, ...]:
    """Return the roles that nobody else here holds."""
    others = {role for p in strategy.people if p.id != person.id and p.is_here(now) for role in p.roles_at(now)}
    return tuple(role for role in person.roles_at(now) if role not in others)


def _owned(strategy: Strategy, person: Person) -> Iterator[Duty]:
    for solution in strategy.solutions:
        if strategy.person(solution.owner) == person:
            yield Duty("owner", f"owns {solution.name}", f"solutions/{solution.name}/solution.yaml", by_edit=True)


def _named(strategy: Strategy, person: Person) -> Iterator[Duty]:
    for pipeline in strategy.pipelines:
        for stage in pipeline.every_stage:
            if any(person.id in rule.people for rule in stage.rules_of("approval")):
                what = f"is named to approve {stage.name} of {pipeline.name}"
                yield Duty("approval", what, "lampway.yaml", by_edit=True)


def _sole(strategy: Strategy, person: Person, now: str) -> Iterator[Duty]:
    for role in sole_roles(strategy, person, now):
        yield Duty("role", f"is the only {role}", "people.yaml", by_edit=True)


def _access(strategy: Strategy, person: Person) -> Iterator[Duty]:
    """Yield environments that are reached as this person: whoever leaves takes their account along."""
    names = {name.lower() for name in (person.id, *person.emails)}
    for environment in strategy.environments:
        for given, option in ((environment.access, "--user"), (environment.maker_access, "--maker-user")):
            if given.get("user", "").lower() in names:
                cure = f"lampway connect {environment.name} {environment.url} {option} ..."
                what = f"{environment.name} is reached with their account"
                yield Duty("access", what, f"environments/{environment.name}.yaml", cure=cure)
