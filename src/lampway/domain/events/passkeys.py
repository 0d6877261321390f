"""Facts of passkeys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.events.base import Event
from lampway.domain.passkeys import Passkey


@dataclass(frozen=True, slots=True)
class PasskeyRegistered(Event):
    """Somebody may sign in with a passkey; its private half never left their device."""

    kind: ClassVar[str] = "passkey-registered"
    passkey: Passkey


@dataclass(frozen=True, slots=True)
class PasskeyRemoved(Event):
    """A passkey signs nobody in any more."""

    kind: ClassVar[str] = "passkey-removed"
    passkey: str
    """Its id."""
    reason: str = ""
