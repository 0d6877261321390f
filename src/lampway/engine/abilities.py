"""What only some low-code products can do: a Protocol for each, beside a declared `Capability`.

Nobody calls one of them before asking with `isinstance` whether the platform, or its format, has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

from lampway.domain.graph import Graph
from lampway.domain.secret import Secret
from lampway.domain.transformation import Blank
from lampway.engine.platform import Access, Installed


@runtime_checkable
class Drawable(Protocol):
    """A format whose packages can be drawn as their makers see them."""

    def draw(self, package: bytes) -> tuple[Graph, ...]:
        """Return every canvas in the package, with names and wires and no values. Raises InvalidPackageError."""
        ...


@dataclass(frozen=True, slots=True)
class Blanked:
    """A package without the values that dev had left in it as defaults."""

    package: bytes
    """The very same bytes where there was nothing to take out."""
    blanks: tuple[Blank, ...]
    """What was taken out, each place once; never the value."""


@runtime_checkable
class Blankable(Protocol):
    """A format out of whose packages the values can be taken that dev left in as defaults."""

    def blank(self, package: bytes) -> Blanked:
        """Return the package without them, everything else as it was; the same package always gives the same bytes.

        What is in the result depends on no environment more: `inspect` finds none of them again. Raises
        InvalidPackageError.
        """
        ...


@runtime_checkable
class SharedSource(Protocol):
    """A format that also reads source trees in which several solutions lie beside each other."""

    def solutions_in(self, source: Mapping[str, bytes]) -> tuple[str, ...]:
        """Return the names of the solutions in such a tree; empty for any other tree. Never raises."""
        ...

    def pack_solution(self, source: Mapping[str, bytes], solution: str) -> bytes:
        """Return the package of one of them. Raises InvalidPackageError."""
        ...


@runtime_checkable
class DataHolding(Protocol):
    """A format whose packages bring what holds data, which goes together with them."""

    def holds_data(self, package: bytes) -> tuple[str, ...]:
        """Return the names of what is destroyed, with its data, where this is removed. Raises InvalidPackageError."""
        ...


class LockState(StrEnum):
    """Whether makers can edit in an environment."""

    LOCKED = "locked"
    PARTIAL = "partial"
    OPEN = "open"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Lock:
    """What was seen of an environment's lock."""

    state: LockState
    summary: str
    """What is locked, how, and what the platform cannot lock."""
    cure: str = ""
    """What an admin changes to lock it."""


@runtime_checkable
class Lockable(Protocol):
    """A platform whose lock can be observed."""

    def observe_lock(self, access: Access, maker: Access | None) -> Lock:
        """Return whether a maker could edit there; `maker` is a declared maker's access, if any. Changes nothing."""
        ...


@runtime_checkable
class LockSettable(Protocol):
    """A platform that can lock makers out of an environment, and let them in for a while."""

    def lock_objection(self, access: Access) -> str:
        """Return why the lock of this environment cannot be set, in words; empty when it can. Changes nothing."""
        ...

    def set_lock(self, access: Access, *, locked: bool, until: str = "") -> None:
        """Lock makers out, whatever session they have; or let them edit until a moment (ISO time, UTC).

        What is done already is simply done again. What they may edit meanwhile is at most what `observe` sees.
        Raises PlatformRefusedError, UnreachableError, AccessError, PlatformError.
        """
        ...


@runtime_checkable
class Labelled(Protocol):
    """A platform that shows everybody who works in an environment a label of it."""

    def read_label(self, access: Access) -> str:
        """Return the text that people see there. Changes nothing. Raises PlatformError where it cannot be seen."""
        ...

    def set_label(self, access: Access, label: str) -> None:
        """Let people see this text there. Raises PlatformRefusedError where that cannot be set, PlatformError."""
        ...


@dataclass(frozen=True, slots=True)
class Launched:
    """An environment that Lampway started by itself, on loopback."""

    url: str
    pid: int
    credentials: Mapping[str, Secret]
    """Access for the engine."""
    maker_credentials: Mapping[str, Secret]
    """Access for a maker."""
    sign_in: str = ""
    """The file, readable by its owner only, that says how a maker signs in; empty where there is none."""


@dataclass(frozen=True, slots=True)
class SmokeRun:
    """What the platform's own run came to."""

    passed: bool
    summary: str
    """In words."""
    log: str = ""
    """What the platform told besides; kept as evidence, masked."""


@runtime_checkable
class SmokeRunnable(Protocol):
    """A platform that can try by itself whether what is installed runs."""

    def smoke_run(self, access: Access, installed: Installed, timeout: float) -> SmokeRun:
        """Try what is installed and return what came of it, within `timeout` seconds. Leaves nothing changed.

        Raises UnreachableError, AccessError, PlatformError when it could not be tried.
        """
        ...


@dataclass(frozen=True, slots=True)
class Executions:
    """How what is installed did since a moment, as the platform itself counts."""

    total: int
    failed: int


@runtime_checkable
class ExecutionCounting(Protocol):
    """A platform that keeps count of the runs of what is installed."""

    def count_executions(self, access: Access, installed: Installed, since: str) -> Executions:
        """Return how many runs began since `since` (ISO time, UTC), and how many of them failed. Changes nothing.

        Raises UnreachableError, AccessError, PlatformError when that cannot be told.
        """
        ...


@runtime_checkable
class Switchable(Protocol):
    """A platform on which what is installed can be switched off without being removed."""

    def is_switched(self, access: Access, installed: Installed, *, on: bool) -> bool:
        """Return whether it is as it is when it is on, or off. Changes nothing."""
        ...

    def activate(self, access: Access, installed: Installed) -> None:
        """Switch it on again, as it was installed. What is on stays so; nothing of others is touched.

        Raises ConflictError, PlatformRefusedError, AccessError, UnreachableError (nothing was changed), and
        UnknownOutcomeError.
        """
        ...

    def deactivate(self, access: Access, installed: Installed) -> None:
        """Switch it off: nothing of it runs or answers, and all of it stays there. Raises like `activate`."""
        ...


@dataclass(frozen=True, slots=True)
class Usage:
    """What a platform knows about the use of what is installed."""

    last_run: str = ""
    """ISO time, UTC; empty where it is not known."""
    last_change: str = ""
    """Likewise."""
    notes: tuple[str, ...] = ()
    """The limits of what is told, such as for how long runs are remembered."""


@runtime_checkable
class UsageTelling(Protocol):
    """A platform that tells whether what is installed is used."""

    def tell_usage(self, access: Access, installed: Installed) -> Usage:
        """Return what is known about its use. Changes nothing.

        Raises UnreachableError, AccessError, PlatformError when that cannot be told.
        """
        ...


@runtime_checkable
class Launchable(Protocol):
    """A platform of which Lampway can start environments by itself."""

    def launch(
        self, folder: Path, *, name: str, locked: bool, cache: Path, say: Callable[[str], None] = ...
    ) -> Launched:
        """Install into `cache` if needed and start an environment that keeps its data in `folder`.

        Binds to 127.0.0.1 on a free port and returns once it answers. `say` is told what takes long.
        Raises PlatformError.
        """
        ...

    def stop(self, launched: Launched) -> None:
        """Stop what `launch` started, by its process id. Does nothing when it has ended already."""
        ...


@runtime_checkable
class Disposable(Protocol):
    """A platform of which Lampway can start environments for a time, and take them away without a trace.

    Where an environment is started on this machine, everything of it lies in `folder`; where the product is elsewhere,
    the folder's name tells one from the other.
    """

    def start_sandbox(self, folder: Path, *, name: str, cache: Path, say: Callable[[str], None] = ...) -> Launched:
        """Start an environment, empty where there was none in this folder, and return once it answers.

        What runs there already is returned as it is; what had ended is started again with what was in it. Raises
        PlatformError.
        """
        ...

    def find_sandbox(self, folder: Path) -> Launched | None:
        """Return what runs there now; None where nothing does. Changes nothing."""
        ...

    def remove_sandbox(self, folder: Path) -> None:
        """Stop what runs there and remove it, with everything in it. Nothing there: nothing is done.

        Raises PlatformError when it could not be stopped or removed; then it can be tried again.
        """
        ...
