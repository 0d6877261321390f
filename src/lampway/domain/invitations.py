"""Invitations: links that let somebody in once, made by somebody else, and so worth less than a proof of one's own.

Whoever makes a link could follow it. So what is done after following one says so for good, a passkey that was
registered then proves no more than the link did until the rules name its key, and neither makes tokens or invites.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass

from lampway.domain.digest import digest_bytes
from lampway.errors import ForbiddenError

LASTS = 24 * 3600.0
"""Seconds for which an invitation may be followed where nobody says."""
LONGEST = 7 * 24 * 3600.0
"""Seconds that nobody may go beyond."""
_PREFIX = "invitation"
_VIA = re.compile(r"(?:passkey \S+, by )?invitation (\S+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Invitation:
    """A link that lets one person in, once."""

    id: str
    person: str
    """Whom it lets in: an id of people.yaml."""
    digest: str
    """Of the secret in the link."""
    until: str
    """ISO time (UTC) from which it counts no more."""
    by: str
    """Who made it."""
    at: str
    used_at: str = ""
    revoked_at: str = ""

    def fault(self, secret: str, now: str) -> str:
        """Return why it lets nobody in with this secret at this moment, in words; empty where it does."""
        if not hmac.compare_digest(self.digest.encode(), digest_bytes(secret.encode()).encode()):
            return "the invitation is not known"
        return {"open": "", "used": "the invitation was used already"}.get(self.state(now), "the invitation has ended")

    def state(self, now: str) -> str:
        """Return how it stands at this moment: open, used, revoked or over."""
        if self.revoked_at:
            return "revoked"
        if self.used_at:
            return "used"
        return "open" if now < self.until else "over"


def invitation_text(key: str, secret: str) -> str:
    """Return what a link carries."""
    return f"{_PREFIX}_{key}_{secret}"


def parse_invitation(text: str) -> tuple[str, str]:
    """Return id and secret of an invitation; both empty where it is none."""
    prefix, _, rest = text.partition("_")
    key, _, secret = rest.partition("_")
    return (key, secret) if prefix == _PREFIX and key and secret else ("", "")


def via_invitation(key: str, passkey: str = "") -> str:
    """Return how somebody is signed in, for the record: by following it, or with a passkey that was registered then."""
    return f"passkey {passkey}, by invitation {key}" if passkey else f"invitation {key}"


def invitation_behind(via: str) -> str:
    """Return the invitation to which it goes back that somebody is signed in in this way; empty for none."""
    found = _VIA.fullmatch(via)
    return found[1] if found else ""


def refuse_by_invitation(via: str, what: str) -> None:
    """Go on only with somebody who did not come by an invitation. Raises ForbiddenError."""
    if invitation_behind(via):
        hint = "sign in in another way, or with a passkey that people.yaml names"
        raise ForbiddenError(f"whoever came by an invitation {what}", hint=hint)
