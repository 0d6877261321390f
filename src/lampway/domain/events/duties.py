"""Facts of what people and the calendar do about it: stopping, proving, answering, reminding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.attestation import Attestation
from lampway.domain.certification import Certification
from lampway.domain.checklist import Answer
from lampway.domain.events.base import Event
from lampway.domain.promotion import Remark
from lampway.domain.quorum import Delegation
from lampway.domain.readiness import ReadinessAnswer
from lampway.domain.revocation import Revocation
from lampway.domain.stops import Hold, Veto
from lampway.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class Held(Event):
    """A solution or an environment was put on hold, or stopped in an emergency."""

    kind: ClassVar[str] = "held"
    hold: Hold


@dataclass(frozen=True, slots=True)
class HoldLifted(Event):
    """A hold or an emergency stop was lifted."""

    kind: ClassVar[str] = "hold-lifted"
    hold: str
    reason: str


@dataclass(frozen=True, slots=True)
class Vetoed(Event):
    """Somebody said that a release may never enter an environment again."""

    kind: ClassVar[str] = "vetoed"
    veto: Veto


@dataclass(frozen=True, slots=True)
class CheckpointMade(Event):
    """The ledger's newest row was stated, to be kept outside."""

    kind: ClassVar[str] = "checkpoint-made"
    seq: int
    """The row that was the newest."""
    hash: str
    at: str
    tag: str = ""
    """The git tag that carries the statement; empty for none."""
    pushed: bool = False
    """Whether the tag went to a remote at once."""
    root: str = ""
    """Root of the tree over all rows up to that one; empty where it was made before there were trees."""
    envelope: str = ""
    """The engine's signature."""
    peaks: tuple[str, ...] = ()
    """Roots of the tree's whole subtrees, for the next checkpoint to go on from."""


@dataclass(frozen=True, slots=True)
class GateWaived(Event):
    """A second person accepted an exception from one gate of a promotion."""

    kind: ClassVar[str] = "gate-waived"
    promotion: str
    waiver: Waiver


@dataclass(frozen=True, slots=True)
class Remarked(Event):
    """A question about a promotion was asked or answered."""

    kind: ClassVar[str] = "remarked"
    promotion: str
    remark: Remark


@dataclass(frozen=True, slots=True)
class ChecklistAnswered(Event):
    """An item of a promotion's checklist was answered."""

    kind: ClassVar[str] = "checklist-answered"
    promotion: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Delegated(Event):
    """Somebody lets another person approve in their place for a while."""

    kind: ClassVar[str] = "delegated"
    delegation: Delegation


@dataclass(frozen=True, slots=True)
class DelegationEnded(Event):
    """A delegation was taken back before its time."""

    kind: ClassVar[str] = "delegation-ended"
    delegation: str


@dataclass(frozen=True, slots=True)
class Revoked(Event):
    """A key was lost or replaced, or somebody left: what they decide counts no more."""

    kind: ClassVar[str] = "revoked"
    revocation: Revocation


@dataclass(frozen=True, slots=True)
class RolesClaimed(Event):
    """Somebody signed in at the team's provider, which gives them these roles until a day; others it gave ended."""

    kind: ClassVar[str] = "roles-claimed"
    person: str
    roles: tuple[str, ...]
    until: str
    """The last day (UTC)."""
    issuer: str
    subject: str
    """What the provider calls them."""


@dataclass(frozen=True, slots=True)
class ApprovalAsked(Event):
    """People were told that a promotion waits for their approval."""

    kind: ClassVar[str] = "approval-asked"
    promotion: str
    people: tuple[str, ...]
    """Ids of everybody who may give it."""


@dataclass(frozen=True, slots=True)
class AttestationRecorded(Event):
    """A signed statement about a release was kept."""

    kind: ClassVar[str] = "attestation-recorded"
    attestation: Attestation


@dataclass(frozen=True, slots=True)
class EngineKeyRecorded(Event):
    """The engine signs with this key from now on."""

    kind: ClassVar[str] = "engine-key-recorded"
    key: str
    """The public half."""


@dataclass(frozen=True, slots=True)
class TicketGiven(Event):
    """A promotion that waits was given a change ticket, or another one."""

    kind: ClassVar[str] = "ticket-given"
    promotion: str
    ticket: str


@dataclass(frozen=True, slots=True)
class Certified(Event):
    """An owner confirmed that a solution is still needed."""

    kind: ClassVar[str] = "certified"
    certification: Certification


@dataclass(frozen=True, slots=True)
class PackagesRemoved(Event):
    """Packages and outputs that nobody needs any more were removed, as the strategy declares."""

    kind: ClassVar[str] = "packages-removed"
    digests: tuple[str, ...]
    releases: tuple[str, ...]
    """Names of the releases they were about."""
    keep: float
    """For how many seconds such things are kept."""


@dataclass(frozen=True, slots=True)
class RanOut(Event):
    """A date came that ended something people had set: a hold, a freeze, a delegation, a waiver, an approval."""

    kind: ClassVar[str] = "ran-out"
    what: str
    key: str
    """Its name among everything that is due; it is told once."""
    due: str
    words: str
    environment: str = ""
    promotion: str = ""


@dataclass(frozen=True, slots=True)
class Reminded(Event):
    """People were reminded of a promotion that waits for them."""

    kind: ClassVar[str] = "reminded"
    promotion: str
    people: tuple[str, ...]
    """Ids of those whose approval would count."""
    key: str
    due: str
    words: str


@dataclass(frozen=True, slots=True)
class ReadinessAnswered(Event):
    """A named person answered an item of the readiness checklist, until a day."""

    kind: ClassVar[str] = "readiness-answered"
    answer: ReadinessAnswer


@dataclass(frozen=True, slots=True)
class LedgerVerified(Event):
    """The ledger, every record and every package were verified and found whole."""

    kind: ClassVar[str] = "ledger-verified"
    last: int
    """The newest row that was looked at."""
    head: str
    """Its hash."""
    packages: int
