"""Roles in governance files: held for a time, and kept apart. And what must fit together about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, TypeAlias

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from lampway.config.document import Document, Path
from lampway.config.key_section import Day
from lampway.config.section import Name, Section, Unique, closest, fault, name_fault
from lampway.domain.roles import Assignment, Conflict
from lampway.errors import Mistake


class AssignmentSection(Section):
    """A role that somebody holds for a time."""

    role: Name
    """The role; declared in lampway.yaml."""
    since: Day | None = Field(alias="from", default=None)
    """The first day on which they hold it. Without this key: any."""
    until: Day
    """The last day on which they hold it."""

    @model_validator(mode="after")
    def _in_order(self) -> AssignmentSection:
        if self.since is not None and self.until < self.since:
            raise fault("the last day of a role is before its first", "mend `from` or `until`")
        return self

    def to_domain(self) -> Assignment:
        """Return the assignment."""
        return Assignment(self.role, self.since or "", self.until)


class _RoleEntry:
    """Reads a role's name alone as that role for ever."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(_entry, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"anyOf": [{"type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}$"}, handler(schema)]}


def _entry(value: Any) -> Any:
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise fault("must be the name of a role, or {role: ..., until: ...}", "put it in quotes")
    wrong = name_fault("name", value)
    if wrong:
        raise fault(*wrong)
    return AssignmentSection.model_construct(role=value, since=None, until="")


RoleEntry: TypeAlias = Annotated[AssignmentSection, _RoleEntry()]
"""A role that somebody holds: its name alone, or with the days on which it is held."""


class ConflictSection(Section):
    """Roles that nobody may hold at once."""

    roles: Annotated[list[Name], Unique] = Field(min_length=2)
    """Of these, one person holds one at most."""
    reason: str = ""
    """Why, for whoever is refused."""

    def to_domain(self) -> Conflict:
        """Return the conflict."""
        return Conflict(tuple(self.roles), self.reason)


def role_names(given: list[AssignmentSection]) -> list[AssignmentSection]:
    """Return the roles; refuse one that stands there twice without a time."""
    plain = [entry.role for entry in given if not entry.until]
    bounded = [entry.role for entry in given if entry.until]
    twice = sorted({name for name in plain if plain.count(name) > 1 or name in bounded})
    if twice:
        raise fault(f"given twice: {', '.join(twice)}", "keep one of them")
    return given


def held_roles(people: Document, person: str) -> dict[str, Path]:
    """Return every role that stands with a person, for ever or for a time, and where."""
    found: dict[str, Path] = {}
    for path, entry in people.items("people", person, "roles"):
        place = (*path, "role") if isinstance(entry, dict) else path
        role = people.at(*place)
        if isinstance(role, str):
            found.setdefault(role, place)
    return found


def check_roles(strategy: Document, people: Document) -> Iterator[Mistake]:
    """Yield every role that is not declared, and everybody who holds roles that must not meet."""
    known = strategy.words("roles")
    for index, (path, _) in enumerate(strategy.items("conflicts")):
        for place, role in strategy.items(*path, "roles"):
            if known is not None and isinstance(role, str) and role not in known:
                yield strategy.mistake(place, f"unknown role: {role[:80]}", closest(role, known) or "add it to roles")
        yield from _clashes(strategy, people, index)
    for number, (path, _) in enumerate(strategy.items("readiness", "items")):
        role = strategy.at("readiness", "items", number, "by")
        if known is not None and isinstance(role, str) and role not in known:
            hint = closest(role, known) or "add it to roles"
            yield strategy.mistake((*path, "by"), f"unknown role: {role[:80]}", hint)


def _clashes(strategy: Document, people: Document, index: int) -> Iterator[Mistake]:
    apart = strategy.words("conflicts", index, "roles") or ()
    reason = strategy.at("conflicts", index, "reason")
    hint = reason if isinstance(reason, str) and reason.strip() else "give one of them to somebody else"
    for person in people.names("people") or ():
        held = held_roles(people, person)
        both = [role for role in apart if role in held]
        if len(both) > 1:
            message = f"{person} must not hold both {both[0]} and {both[1]}"
            yield people.mistake(max(held[role] for role in both), message, hint)
