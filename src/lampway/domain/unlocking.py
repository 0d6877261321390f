"""Unlocking: break-glass. Who opened a locked environment, for how long and why, and who else has looked at that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.moments import is_before, later, shown

REVIEW = 24 * 3600.0
"""Seconds within which somebody else reviews what one person opened alone."""
PATIENCE = 3600.0
"""Seconds for which a second person may confirm what was asked for."""
LONGEST = 24 * 3600.0
"""Seconds that no strategy may go beyond."""
UNLOCKERS = ("release-manager", "platform-admin")
"""Roles whose holders may open an environment."""
SECONDS = ("approver", "solution-owner", *UNLOCKERS)
"""Roles whose holders may be the second person, before or after."""


class UnlockState(StrEnum):
    """Where an unlocking stands."""

    ASKED = "asked"
    """A second person has yet to confirm it; nothing is open."""
    OPEN = "open"
    """Makers may edit, or may be able to: until it was seen that they cannot."""
    UNREVIEWED = "unreviewed"
    """Locked again; somebody else has yet to look at what was done."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class UnlockRule:
    """How environments of a tier may be opened."""

    longest: float
    """Seconds."""
    alone: bool = True
    """Whether one person may, with somebody else's review afterwards."""


@dataclass(frozen=True, slots=True)
class Unlocking:
    """One time for which makers may edit in an environment that is locked otherwise."""

    id: str
    environment: str
    reason: str
    by: str
    """Id of whoever asked for it."""
    at: str
    length: float
    """Seconds."""
    second: str = ""
    """Id of whoever is to confirm it; empty: nobody, it is reviewed afterwards."""
    state: UnlockState = UnlockState.ASKED
    opened_at: str = ""
    until: str = ""
    """ISO time at which it is over."""
    confirmed: bool = False
    """Whether the second person confirmed it."""
    closed_at: str = ""
    closed_by: str = ""
    note: str = ""
    """What was found when it was locked again; while it is open, why that did not come about."""
    reviewed_by: str = ""
    reviewed_at: str = ""
    review: str = ""
    key: str = ""
    """The public key with which the second person signed their word; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed."""

    @property
    def is_open(self) -> bool:
        """Whether makers may be able to edit because of it."""
        return self.state is UnlockState.OPEN

    @property
    def needs_review(self) -> bool:
        """Whether nobody but one person has a hand in it."""
        return bool(self.opened_at) and not self.confirmed and not self.reviewed_by

    @property
    def review_until(self) -> str:
        """The last moment for a review; empty where none is needed."""
        return later(self.opened_at, REVIEW) if self.needs_review else ""

    @property
    def people(self) -> str:
        """Whose doing it is, for people."""
        return f"{self.by} and {self.second}" if self.confirmed else self.by

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.state is UnlockState.ASKED:
            return f"{self.by} asks {self.second} to confirm that {self.environment} is unlocked: {self.reason}"
        verb = "is" if self.is_open else "was"
        return f"{self.environment} {verb} unlocked until {shown(self.until)} by {self.people}: {self.reason}"

    def is_over(self, now: str) -> bool:
        """Return whether its time is over and it is to be locked again."""
        return self.is_open and not is_before(now, self.until)

    def is_overdue(self, now: str) -> bool:
        """Return whether somebody else should have reviewed it by now. Where the time is not known, yes."""
        return self.needs_review and not is_before(now, self.review_until)

    def lapsed(self, now: str) -> bool:
        """Return whether it was asked for too long ago to be confirmed."""
        return self.state is UnlockState.ASKED and not is_before(now, later(self.at, PATIENCE))
