"""Facts of break-glass: an environment was opened for a while, locked again, and looked at by somebody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.events.base import Event
from lampway.domain.unlocking import Unlocking


@dataclass(frozen=True, slots=True)
class UnlockAsked(Event):
    """Somebody asked a second person to confirm that an environment is opened."""

    kind: ClassVar[str] = "unlock-asked"
    unlocking: Unlocking


@dataclass(frozen=True, slots=True)
class Unlocked(Event):
    """An environment is open to makers from now on: recorded before the platform is told."""

    kind: ClassVar[str] = "unlocked"
    unlocking: Unlocking


@dataclass(frozen=True, slots=True)
class UnlockFailed(Event):
    """The platform did not open it, or did not say so: it is to be locked again at once."""

    kind: ClassVar[str] = "unlock-failed"
    unlocking: str
    environment: str
    reason: str


@dataclass(frozen=True, slots=True)
class Relocked(Event):
    """An environment was locked again, and looked at for what was edited meanwhile."""

    kind: ClassVar[str] = "relocked"
    unlocking: str
    environment: str
    note: str
    """What the look found, in words."""


@dataclass(frozen=True, slots=True)
class RelockFailed(Event):
    """An environment could not be locked again, and it is tried again."""

    kind: ClassVar[str] = "relock-failed"
    unlocking: str
    environment: str
    reason: str


@dataclass(frozen=True, slots=True)
class UnlockReviewed(Event):
    """Somebody else looked at what one person had opened."""

    kind: ClassVar[str] = "unlock-reviewed"
    unlocking: str
    environment: str
    note: str
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed."""
