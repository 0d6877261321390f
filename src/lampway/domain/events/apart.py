"""Facts of what is done beside the path and belongs back into it: back-ports, rehearsals, sandboxes, hotfixes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.backport import Backport, BackportState
from lampway.domain.events.base import Event
from lampway.domain.hotfix import Hotfix, HotfixState
from lampway.domain.rehearsal import RehearsalRun, RunState
from lampway.domain.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class BackportOpened(Event):
    """What came past the path is to be brought into a release."""

    kind: ClassVar[str] = "backport-opened"
    backport: Backport


@dataclass(frozen=True, slots=True)
class BackportEnded(Event):
    """A release contains it, or somebody said that nothing more is to be done."""

    kind: ClassVar[str] = "backport-ended"
    backport: str
    state: BackportState
    release: str = ""
    """The release that contains it; empty where somebody closed it."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RehearsalStarted(Event):
    """Somebody asked to rehearse an upgrade and the way back from it."""

    kind: ClassVar[str] = "rehearsal-started"
    rehearsal: RehearsalRun


@dataclass(frozen=True, slots=True)
class RehearsalEnded(Event):
    """A rehearsal came to its end. What was deployed and read back is in the deployments that carry its id."""

    kind: ClassVar[str] = "rehearsal-ended"
    rehearsal: str
    state: RunState
    note: str


@dataclass(frozen=True, slots=True)
class SandboxCreated(Event):
    """Somebody asked for a sandbox. Recorded before anything is started, so that nothing started is forgotten."""

    kind: ClassVar[str] = "sandbox-created"
    sandbox: Sandbox


@dataclass(frozen=True, slots=True)
class SandboxStarted(Event):
    """A sandbox runs, with this in it; again after a reset."""

    kind: ClassVar[str] = "sandbox-started"
    sandbox: str
    url: str
    content: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SandboxExtended(Event):
    """A sandbox ends at another time."""

    kind: ClassVar[str] = "sandbox-extended"
    sandbox: str
    until: str


@dataclass(frozen=True, slots=True)
class SandboxReminded(Event):
    """The owner of a sandbox is told that it ends soon."""

    kind: ClassVar[str] = "sandbox-reminded"
    sandbox: str
    until: str


@dataclass(frozen=True, slots=True)
class SandboxEnded(Event):
    """A sandbox was taken away, with everything in it."""

    kind: ClassVar[str] = "sandbox-ended"
    sandbox: str
    reason: str


@dataclass(frozen=True, slots=True)
class HotfixStarted(Event):
    """Somebody began to mend what runs at the end of a path."""

    kind: ClassVar[str] = "hotfix-started"
    hotfix: Hotfix


@dataclass(frozen=True, slots=True)
class HotfixReleased(Event):
    """A release was made of a hotfix; again where the first one would not do."""

    kind: ClassVar[str] = "hotfix-released"
    hotfix: str
    version: str
    backport: str
    """Id of the task to bring it back into the path."""


@dataclass(frozen=True, slots=True)
class HotfixEnded(Event):
    """A hotfix runs where it was to run, or was given up."""

    kind: ClassVar[str] = "hotfix-ended"
    hotfix: str
    state: HotfixState
    reason: str
