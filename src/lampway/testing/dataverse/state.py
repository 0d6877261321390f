"""What one emulated environment holds: plain data, which can be kept in a file and read again."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from lampway.testing.dataverse.package import Part, Publisher

ACTIVE = "Active"
"""The layer of everything that was edited in place."""
_FILES = 20
_NAMES = uuid.UUID("5b1b7a5e-5f3c-4d3f-8a53-3c3f1a6e2c11")


def stable_id(*words: str) -> str:
    """Return the id of something that gets none from a package."""
    return str(uuid.uuid5(_NAMES, "/".join(words)))


@dataclass(slots=True)
class Layer:
    """What one solution, or a maker's edit, says a component is."""

    solution: str
    """Its unique name, or `Active`."""
    part: Part
    overwritten: datetime


@dataclass(slots=True)
class Component:
    """One component in an environment: its layers, and what is no part of any layer."""

    kind: str
    key: str
    id: str
    layers: list[Layer] = field(default_factory=list)
    """From the base upwards; the last one holds."""
    live: dict[str, Any] = field(default_factory=dict)
    """Columns that no solution layers: state, owner, binding, who changed it last."""
    rows: int = 0
    """Of a table: how many rows of data it has."""

    @property
    def ref(self) -> str:
        """Kind and key as one word."""
        return f"{self.kind}:{self.key}"

    @property
    def part(self) -> Part:
        """What holds now."""
        return self.layers[-1].part

    @property
    def active(self) -> Layer | None:
        """The layer of edits in place, if there is one."""
        return self.layers[-1] if self.layers and self.layers[-1].solution == ACTIVE else None

    @property
    def managed(self) -> bool:
        """Whether a managed solution brought it."""
        return any(layer.solution != ACTIVE for layer in self.layers)

    @property
    def edited(self) -> bool:
        """Whether an edit in place covers what a solution brought."""
        return self.active is not None and self.managed


@dataclass(slots=True)
class Solution:
    """A solution that is in an environment."""

    id: str
    unique_name: str
    friendly_name: str
    version: str
    managed: bool
    publisher: Publisher
    installed: datetime
    modified: datetime
    description: str = ""
    visible: bool = True
    members: list[str] = field(default_factory=list)
    """Components, by kind and key, in the order of the package."""
    manifest: str = ""
    skeleton: str = ""
    package_version: str | None = None
    number: int = 0
    by: str = ""


@dataclass(slots=True)
class Operation:
    """Work that the environment does in its own time, one at a time."""

    id: str
    message: str
    """What was asked for: `ImportSolutionAsync` and so on."""
    given: dict[str, Any]
    created: datetime
    by: str
    steps: int
    """How often somebody must look before it is done."""
    number: int = 0
    started: datetime | None = None
    completed: datetime | None = None
    state: int = 0
    status: int = 0
    text: str | None = None
    friendly: str | None = None
    error: int | None = None
    result: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class ImportJob:
    """The record of one import."""

    id: str
    solution: str
    started: datetime
    completed: datetime | None = None
    progress: float = 0.0
    data: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    by: str = ""


@dataclass(slots=True)
class User:
    """Somebody who may sign in: a person, or an application."""

    id: str
    name: str
    roles: list[str] = field(default_factory=list)
    application: str = ""
    """The client id of an application user."""
    email: str = ""
    disabled: bool = False


@dataclass(slots=True)
class State:
    """Everything in one environment."""

    id: str
    name: str
    components: dict[str, Component] = field(default_factory=dict)
    solutions: dict[str, Solution] = field(default_factory=dict)
    """By unique name in lower case."""
    users: dict[str, User] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    jobs: dict[str, ImportJob] = field(default_factory=dict)
    uploads: dict[str, bytes] = field(default_factory=dict)
    """The last packages that were staged."""
    exports: dict[str, bytes] = field(default_factory=dict)
    histories: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    extras: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Rows of other sets: connections, backups, lifecycle operations."""
    counter: int = 1_000_000

    def next_number(self) -> int:
        """Return a number that nothing else has: of a version, of a sequence."""
        self.counter += 1
        return self.counter

    def keep(self, held: dict[str, bytes], key: str, data: bytes) -> None:
        """Keep a file among those that were uploaded or exported, and let go of the oldest."""
        held[key] = data
        while len(held) > _FILES:
            held.pop(next(iter(held)))

    def of_kind(self, kind: str) -> Iterator[Component]:
        """Return every component of a kind."""
        return (one for one in self.components.values() if one.kind == kind)

    def by_id(self, kind: str, id_: str) -> Component | None:
        """Return the component of this kind with an id."""
        return next((one for one in self.of_kind(kind) if one.id == id_), None)

    def solution(self, unique_name: str) -> Solution | None:
        """Return a solution by its name, whatever its case."""
        return self.solutions.get(unique_name.lower())


def moment(when: datetime | None) -> str | None:
    """Return a time as the Web API writes it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if when else None


def pairs(found: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes in the form in which staging tells them."""
    return {"Count": len(found), "Keys": list(found), "Values": list(found.values())}
