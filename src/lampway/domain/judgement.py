"""Judgements: what a gate may look at, and what judging comes to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.backport import Backport
from lampway.domain.certification import Certification
from lampway.domain.checklist import Answer
from lampway.domain.configuration import Missing
from lampway.domain.deployment import DriftFinding, Evidence, Installation, KnownGood, LockRecord
from lampway.domain.promotion import Decision, DeploymentKind
from lampway.domain.quorum import Delegation
from lampway.domain.rehearsal import Rehearsal
from lampway.domain.release import Release
from lampway.domain.revocation import Revocation
from lampway.domain.risk import ChangeFacts
from lampway.domain.stops import Hold, Stay, Veto
from lampway.domain.strategy import Stage, Strategy
from lampway.domain.unlocking import Unlocking
from lampway.domain.waiver import Waiver


class GateState(StrEnum):
    """What judging a gate came to."""

    PASSED = "passed"
    WARNED = "warned"
    WAIVED = "waived"
    """An accepted exception; never a pass."""
    PENDING = "pending"
    """Somebody or something has yet to answer."""
    INCONCLUSIVE = "inconclusive"
    """It cannot be told; counts as no."""
    FAILED = "failed"
    ERRORED = "errored"
    """It could not be judged because something broke; says nothing about the release."""
    EXPIRED = "expired"
    """It held once, and that is too long ago."""


OPENING = frozenset({GateState.PASSED, GateState.WARNED, GateState.WAIVED})
"""States in which a gate lets a release through."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """The record of judging one gate."""

    gate: str
    state: GateState
    reason: str
    next: str = ""
    """Who or what can change it; empty when open."""
    original: str = ""
    """Where it is waived: the state and the reason it would have without the waiver."""
    parts: tuple[GateResult, ...] = ()
    """Any and all: the results they come from."""

    def leaves(self) -> Iterator[GateResult]:
        """Yield every result that still matters: where one made of others is open, only itself."""
        if self.state in OPENING or not self.parts:
            yield self
            return
        for part in self.parts:
            yield from part.leaves()


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything a judgement may look at, gathered from the ledger."""

    strategy: Strategy
    solution: str
    stage: Stage
    release: Release
    kind: DeploymentKind
    requested_by: str
    promotion: str = ""
    """Id, for hints; empty when nobody has asked yet."""
    digest: str = ""
    """The promotion digest decisions must be bound to."""
    decisions: tuple[Decision, ...] = ()
    makers: tuple[str, ...] = ()
    """Makers of every release between what runs there and this one."""
    editors_unknown: bool = False
    missing: tuple[Missing, ...] = ()
    verified_in: tuple[str, ...] = ()
    """Environments in which exactly this release was verified."""
    watched_in: tuple[str, ...] = ()
    """Environments in which it is being watched after it was verified."""
    evidence: tuple[Evidence, ...] = ()
    """About exactly this release, oldest first."""
    drift: tuple[DriftFinding, ...] = ()
    """Of this solution in the target, open or accepted."""
    lock: LockRecord | None = None
    is_first: bool = True
    """Whether nothing of this solution is installed in the target."""
    rollback: KnownGood | None = None
    now: str = ""
    """ISO time at which it is judged, passed in; empty when nobody knows, and then whatever asks for it is closed."""
    requested_at: str = ""
    allowed_by: str = ""
    """Rollback: id of the forward promotion that allowed it, where nobody asked for it."""
    holds: tuple[Hold, ...] = ()
    """Holds and emergency stops that were not lifted, wherever they are."""
    veto: Veto | None = None
    """Of exactly this release in the target."""
    removes: bool = False
    """Whether the solution is to be taken out of the target."""
    stays: tuple[Stay, ...] = ()
    """When exactly this release ran verified, anywhere."""
    waivers: tuple[Waiver, ...] = ()
    delegations: tuple[Delegation, ...] = ()
    answers: tuple[Answer, ...] = ()
    """To the stage's checklist, oldest first."""
    change: ChangeFacts | None = None
    """What separates this release from what runs there, as it was sealed; None where that is not known."""
    installations: tuple[Installation, ...] = ()
    """What is installed: in the target what this release needs, and this solution anywhere."""
    rehearsals: tuple[Rehearsal, ...] = ()
    """Every upgrade of this solution, oldest first; gathered where the stage asks for them."""
    dependency_drift: tuple[DriftFinding, ...] = ()
    """Of the solutions that this release needs, in the target, open or accepted."""
    certification: Certification | None = None
    """The newest one of this solution."""
    ticket: str = ""
    """The change ticket that the promotion goes by."""
    revocations: tuple[Revocation, ...] = ()
    """Keys and people that count no more; the strategy knows of them already."""
    unlockings: tuple[Unlocking, ...] = ()
    """Of the target: those that are open, and those that somebody else has yet to review."""
    backports: tuple[Backport, ...] = ()
    """Of this solution, those that no release contains yet."""


@dataclass(frozen=True, slots=True)
class Eligibility:
    """Whether a release may enter a stage, gate by gate."""

    gates: tuple[GateResult, ...]

    @property
    def allowed(self) -> bool:
        """Whether every gate is open. No gates at all means no."""
        return bool(self.gates) and all(g.state in OPENING for g in self.gates)

    @property
    def closed(self) -> tuple[GateResult, ...]:
        """The gates that are not open."""
        return tuple(g for g in self.gates if g.state not in OPENING)

    @property
    def awaits_people(self) -> bool:
        """Whether only people's decisions are missing."""
        return bool(self.closed) and all(g.state is GateState.PENDING for g in self.closed)
