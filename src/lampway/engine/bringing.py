"""What only some platforms can do to bring what is there under governance, beside the port itself.

To hold what runs against a package, and to put loose things into a solution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from lampway.engine.platform import Access, Export


@dataclass(frozen=True, slots=True)
class Matched:
    """What runs in an environment, held against a package."""

    differences: tuple[str, ...]
    """In a maker's words; empty where it is the same, as far as it can be seen."""
    values: Mapping[str, Any] = field(default_factory=dict)
    """Variable to the value that the environment gives now."""
    bindings: Mapping[str, str] = field(default_factory=dict)
    """Connection to the id of what it stands for there now."""
    notes: tuple[str, ...] = ()
    """What could not be seen, and what is otherwise than the package has it without being another release."""


@runtime_checkable
class Matching(Protocol):
    """A platform from whose production nothing can be exported."""

    def match(self, access: Access, package: bytes) -> Matched:
        """Return how what runs there differs from a package, and what is given to it. Changes nothing.

        Raises NotFoundError where it does not run there, InvalidPackageError, UnreachableError, AccessError,
        PlatformError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Loose:
    """Something that makers built and that is in no solution."""

    type: str
    """The platform's own word, in lower case."""
    name: str
    id: str
    owner: str = ""
    """Name of the person or team; empty where the platform does not say."""
    changed: str = ""
    """When it was changed last: ISO time, UTC; empty where the platform does not say."""


@runtime_checkable
class Gathering(Protocol):
    """A platform on which things are built outside of solutions, and can be put into one later."""

    def list_loose(self, access: Access) -> tuple[Loose, ...]:
        """Return what is in no solution. Changes nothing. Raises UnreachableError, AccessError, PlatformError."""
        ...

    def gather(self, access: Access, solution: str, loose: Loose) -> None:
        """Put one of them into a solution of makers there; what is in it already stays so.

        `solution` is the platform's own name of it. Raises NotFoundError where there is none, PlatformRefusedError,
        AccessError, UnreachableError, UnknownOutcomeError.
        """
        ...


@dataclass(frozen=True, slots=True)
class Sight:
    """Something in an environment of which only a state can be told."""

    type: str
    """The platform's own word, in lower case."""
    name: str
    id: str
    state: str
    """In words, such as `saved 2026-10-02 08:00`."""


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What is in an environment, whatever solution it is in."""

    export: Export
    """What can be compared as packages are, with what is given there."""
    others: tuple[Sight, ...] = ()
    """Everything else."""
    count: int = 0
    """How many apps, tabs or workflows there are."""


@runtime_checkable
class Surveying(Protocol):
    """A platform of which an environment cannot be exported whole, and can be looked at whole."""

    def survey(self, access: Access) -> Surveyed:
        """Return what is there. Changes nothing. Raises UnreachableError, AccessError, PlatformError."""
        ...
