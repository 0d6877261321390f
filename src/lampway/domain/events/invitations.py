"""Facts of invitations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.events.base import Event
from lampway.domain.invitations import Invitation


@dataclass(frozen=True, slots=True)
class InvitationMade(Event):
    """Somebody may be let in by a link, once; its secret is kept nowhere."""

    kind: ClassVar[str] = "invitation-made"
    invitation: Invitation


@dataclass(frozen=True, slots=True)
class InvitationUsed(Event):
    """Somebody followed the link, and is signed in as the person it was made for."""

    kind: ClassVar[str] = "invitation-used"
    invitation: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class InvitationRevoked(Event):
    """An invitation counts no more, nor does what goes back to it: its session, and passkeys that no rules name."""

    kind: ClassVar[str] = "invitation-revoked"
    invitation: str
    """Its id."""
    reason: str = ""
