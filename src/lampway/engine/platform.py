"""The platform port: what the engine asks of a low-code product.

`PackageFormat` is pure: bytes in, values out. `Platform` is the live half. What only some products can do
is in `lampway.engine.abilities`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from lampway.domain.capability import Capability
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Component, Diff, Edit, Inspection, Inventory, Scope
from lampway.domain.secret import Secret


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one environment, with its secrets resolved. Never stored, never logged."""

    environment: str
    url: str
    credentials: Mapping[str, Secret] = field(default_factory=dict)
    """Such as token, or user and password."""
    public_url: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What else the platform must be told to be reached, in clear: its page says what."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What a look at an environment with our credentials told."""

    product: str
    """Product and version."""
    can_read: bool
    can_deploy: bool
    user: str = ""
    missing: tuple[str, ...] = ()
    """What is missing for Lampway to do its work there, each as a sentence with its cure."""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Export:
    """A solution as it is in an environment now."""

    package: bytes
    """What is sealed and deployed."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Variable name to the value this environment gives now; not part of the package."""
    bound: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Connection name to the fields for which a secret is stored there now."""
    editors: tuple[str, ...] | None = None
    """Who edited, by the platform's own user names; None where it does not say."""
    unowned: tuple[Component, ...] = ()
    """Top-level containers there that belong to no solution named in the request."""
    notes: tuple[str, ...] = ()
    source: bytes | None = None
    """The same build in the form that makers edit, to be unpacked and committed; None: the package itself."""
    bindings: Mapping[str, str] | None = None
    """Connection to the id of what it stands for there now; None where that is a secret, or not known."""

    @property
    def editable(self) -> bytes:
        """What is unpacked and committed."""
        return self.package if self.source is None else self.source


@dataclass(frozen=True, slots=True)
class Installed:
    """What the records say is installed, as the base for an observation."""

    package: bytes
    configuration: ConfigurationSet
    is_on: bool = True
    """False: it was switched off, and whoever switched it on again changed it."""


@dataclass(frozen=True, slots=True)
class Observed:
    """How one solution in an environment differs from what was installed there."""

    definition: Diff
    """From the installed package to what is there now."""
    configuration: tuple[Edit, ...]
    """Values and stored credentials that differ from what was given; secret values are never compared."""

    @property
    def is_clean(self) -> bool:
        """Whether nothing differs."""
        return self.definition.is_empty and not self.configuration


@dataclass(frozen=True, slots=True)
class Observation:
    """What is in an environment now."""

    revision: str
    """The platform's own mark of its whole state; empty where it has none."""
    solutions: Mapping[str, Observed]
    unowned: tuple[Component, ...] = ()
    """Top-level containers that no release put there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an environment shall hold after a deployment."""

    solution: str
    version: str
    package: bytes | None
    """None: the solution is to be removed."""
    configuration: ConfigurationSet
    secrets: Mapping[str, Mapping[str, Secret]]
    """Connection to field to value; resolved at the moment of use."""
    installed: bytes | None = None
    """The package the records say is there now; None for a first deployment."""
    others: Mapping[str, Inventory] = field(default_factory=dict)
    """Every other solution the records say is installed there."""


@dataclass(frozen=True, slots=True)
class StepPlan:
    """One step an adapter will take, as data: explained before it is executed."""

    name: str
    """Stable; unique within the plan."""
    summary: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason why a deployment must not start."""

    summary: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class AdapterPlan:
    """The adapter's part of a deployment, found by reading only."""

    steps: tuple[StepPlan, ...]
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


class Progress(StrEnum):
    """How far a step that was performed has come."""

    DONE = "done"
    RUNNING = "running"
    FAILED = "failed"
    """The platform says no; what was applied is in the detail."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What goes on in an environment and must come to its end first."""

    what: str
    """In words, such as *another import*."""
    since: str = ""
    """ISO time, UTC; empty where the platform does not tell."""
    by: str = ""
    """Who began it; likewise."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What performing or polling a step told. No usable answer is an UnknownOutcomeError instead."""

    progress: Progress
    detail: Mapping[str, Any] = field(default_factory=dict)
    """JSON; kept in the journal as evidence. For a running step it carries the `handle` to poll."""
    retry_after: float = 0.0
    """Seconds until polling makes sense; for running steps."""
    waits_for: UnderWay | None = None
    """For running steps that were not begun there yet: what has to end before. None where that cannot be told."""


class Found(StrEnum):
    """What looking at a step that was under way told."""

    REACHED = "reached"
    """The state it was to reach is there."""
    UNTOUCHED = "untouched"
    """The state it was to leave from is still there."""
    UNCLEAR = "unclear"
    """Neither; a person must say."""
    RUNNING = "running"
    """The change is under way there: looking again later will tell. Only where the platform can tell so."""


class PackageFormat(Protocol):
    """The bytes of a platform's packages. Pure: no network, no files, no clock."""

    def inspect(self, package: bytes) -> Inspection:
        """Return what is inside. Raises InvalidPackageError with what, where and how to mend it."""
        ...

    def diff(self, old: bytes, new: bytes) -> Diff:
        """Return what separates two packages, in a maker's words. Raises InvalidPackageError."""
        ...

    def unpack(self, package: bytes) -> Mapping[str, bytes]:
        """Return readable source: relative path with `/` to content; stable for equal content."""
        ...

    def pack(self, source: Mapping[str, bytes]) -> bytes:
        """Return the package of a source tree; `pack(unpack(p)) == p` for every package we made.

        Raises InvalidPackageError.
        """
        ...

    def stamp(self, package: bytes, version: str) -> bytes:
        """Return the same package carrying `version`."""
        ...

    def recognises(self, package: bytes) -> bool:
        """Return whether these bytes look like a package of this platform; never raises."""
        ...


class Platform(Protocol):
    """A live low-code product. Everything is told explicitly; an adapter remembers nothing between calls."""

    name: str
    format: PackageFormat

    def capabilities(self) -> tuple[Capability, ...]:
        """Return what this platform can do, one entry per ability."""
        ...

    def probe(self, access: Access) -> Rights:
        """Return what our credentials may do there. Changes nothing.

        Raises UnreachableError, AccessError, PlatformError.
        """
        ...

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        """Return the solution that `scope` describes; `known` are all scopes, to tell what is in no solution.

        Changes nothing. Raises NotFoundError when the scope matches nothing, RefusedError when two solutions own the
        same thing, UnreachableError, AccessError, PlatformError.
        """
        ...

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Return how each solution there differs from what was installed. Changes nothing."""
        ...

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Return the steps to reach `wanted` and every problem that stands in the way. Changes nothing."""
        ...

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Return, as JSON without secrets, the state the step leaves from and the state it will reach.

        Journalled before `perform`, so that `look_up` can tell after a crash what happened. Changes nothing.
        """
        ...

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Take the step, from exactly the state the intent leaves from.

        Raises ConflictError when the platform moved meanwhile (nothing was changed), PlatformRefusedError,
        UnreachableError (nothing was sent), UnknownOutcomeError (no usable answer to a change).
        """
        ...

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Return how far a running step has come; `handle` is the whole detail of the outcome before.

        It is journalled before it is polled with, so that another process can go on polling: no secrets in it. Raises
        UnreachableError, AccessError (that says nothing about the change), NotFoundError for a handle that is no
        longer known, ConflictError where in the end nothing was changed.
        """
        ...

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found | UnderWay:
        """Return whether a step that was under way reached its state. Changes nothing.

        In place of `Found.RUNNING` it may tell what is under way, be that the change itself or what keeps it waiting.
        """
        ...
