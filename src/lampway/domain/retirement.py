"""Retirement: how a solution ends. Asked for, approved, switched off, waited for, removed; reversible until the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.attestation import RETIREMENT, Statement, Subject
from lampway.domain.dependencies import needs_of
from lampway.domain.deployment import Installation
from lampway.domain.digest import digest
from lampway.domain.moments import shown
from lampway.domain.release import Release


class RetirementState(StrEnum):
    """Where a retirement stands."""

    REQUESTED = "requested"
    WAITING = "waiting"
    """Approved and switched off; it is removed when its time has come."""
    REMOVING = "removing"
    DONE = "done"
    UNDONE = "undone"


UNDER_WAY = (RetirementState.REQUESTED, RetirementState.WAITING, RetirementState.REMOVING)
"""States in which it can be taken back."""


@dataclass(frozen=True, slots=True)
class Consent:
    """One person's approval of a retirement."""

    by: str
    at: str
    authenticated: bool = False
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    envelope: str = ""
    """What was signed."""


@dataclass(frozen=True, slots=True)
class Retirement:
    """The end of a solution, or of it in one environment."""

    id: str
    solution: str
    environment: str
    """Empty: wherever it is installed."""
    reason: str
    requested_by: str
    requested_at: str
    state: RetirementState = RetirementState.REQUESTED
    cause: str = ""
    """Id of the question that it follows from; empty where somebody asked for it."""
    consents: tuple[Consent, ...] = ()
    places: tuple[Installation, ...] = ()
    """What was installed where when it was approved."""
    archive: tuple[str, ...] = ()
    """Digests of the packages and evidence files that are kept whatever the strategy says about retention."""
    remove_at: str = ""
    removals: tuple[str, ...] = ()
    """Ids of the promotions that remove it."""
    note: str = ""
    ended_at: str = ""
    ended_by: str = ""

    @property
    def scope(self) -> str:
        """What ends, for people."""
        return f"{self.solution} in {self.environment}" if self.environment else self.solution

    def covers(self, environment: str) -> bool:
        """Return whether it is about this environment."""
        return self.environment in ("", environment)

    @property
    def words(self) -> str:
        """How it stands, for people."""
        match self.state:
            case RetirementState.REQUESTED:
                return f"retirement of {self.scope} waits for approval"
            case RetirementState.WAITING:
                note = f"; {self.note}" if self.note else ""
                return f"{self.scope} is switched off and is removed on {shown(self.remove_at)}{note}"
            case RetirementState.REMOVING:
                return f"{self.scope} is being removed"
            case RetirementState.DONE:
                return f"{self.scope} was retired on {shown(self.ended_at)}"
            case RetirementState.UNDONE:
                return f"the retirement of {self.scope} was taken back by {self.ended_by}"


def consent_statement(retirement: Retirement, by: str, at: str) -> Statement:
    """Return that somebody approves a retirement, as they sign it at a moment."""
    predicate = {
        "retirement": retirement.id,
        "solution": retirement.solution,
        "environment": retirement.environment,
        "reason": retirement.reason,
        "requestedBy": retirement.requested_by,
        "person": by,
        "decidedOn": at,
    }
    return Statement((Subject("retirement", digest(predicate)),), RETIREMENT, predicate)


def needed_by(
    solution: str, environment: str, there: Sequence[Installation], releases: Mapping[str, Release]
) -> tuple[str, ...]:
    """Return which other solutions there cannot do without this one; `releases` are theirs, by `solution@version`."""
    found = []
    for other in there:
        release = releases.get(f"{other.solution}@{other.version}")
        if other.environment != environment or other.solution == solution or release is None:
            continue
        if any(need.name == solution for need in needs_of(release)):
            found.append(other.solution)
    return tuple(found)
