"""Facts of API tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.events.base import Event
from lampway.domain.tokens import ApiToken


@dataclass(frozen=True, slots=True)
class TokenIssued(Event):
    """Somebody may act over the network with a token; its secret is kept nowhere."""

    kind: ClassVar[str] = "token-issued"
    token: ApiToken


@dataclass(frozen=True, slots=True)
class TokenRevoked(Event):
    """A token counts no more."""

    kind: ClassVar[str] = "token-revoked"
    token: str
    """Its id."""
    reason: str = ""
