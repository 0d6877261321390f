"""Waivers: an accepted exception from one gate of one promotion. Never a pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.moments import is_before

WAIVABLE = (
    "previous-stage",
    "checks",
    "findings",
    "lock",
    "rollback-target",
    "checklist",
    "soak",
    "window",
    "freeze",
    "managed",
    "rehearsed",
    "dependencies",
    "certified",
    "data",
    "ticket",
)
"""Gates that may be waived at all. In the last tier, not the stage before.

Never the approval, nor a value that is missing; a live edit is accepted by its own command, in sight of what it is.
"""


@dataclass(frozen=True, slots=True)
class Waiver:
    """A second person lets a promotion pass one gate, for a reason and until a moment."""

    gate: str
    by: str
    """Id of a person."""
    reason: str
    until: str
    at: str
    authenticated: bool = False
    """Whether the person was proved to be who they say."""
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed: theirs, or without a key the engine's, of who was signed in."""


def newest_valid(waivers: Sequence[Waiver], gate: str, now: str) -> Waiver | None:
    """Return the newest waiver of this gate that has not expired, or None."""
    found = (w for w in reversed(waivers) if w.gate == gate and is_before(now, w.until))
    return next(found, None)
