"""Events: the facts of the ledger. A kind and its schema version never change their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lampway.domain.attestation import Attestation
from lampway.domain.checklist import Answer
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import Deployment, DeploymentState, DriftFinding, DriftState, Evidence, StepState
from lampway.domain.promotion import Decision, Promotion, PromotionState, Remark
from lampway.domain.quorum import Delegation
from lampway.domain.release import Release
from lampway.domain.stops import Hold, Veto
from lampway.domain.strategy import Strategy
from lampway.domain.waiver import Waiver


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it."""

    person: str
    """Id in people.yaml; the e-mail or user name itself where it maps to nobody; `lampway` for the engine."""
    via: str
    """How we know: `LAMPWAY_USER`, `git`, `engine`."""
    authenticated: bool = False
    """Whether it was proved. A variable or git's configuration proves nothing."""
    name: str = ""
    email: str = ""


ENGINE = Actor("lampway", "engine", authenticated=True, name="Lampway")
"""The engine itself."""


@dataclass(frozen=True, slots=True)
class Event:
    """A fact. Subclasses say which."""

    kind: ClassVar[str]
    schema: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class StrategyApplied(Event):
    """A commit of the governance files was put in force."""

    kind: ClassVar[str] = "strategy-applied"
    commit: str
    strategy: Strategy
    digest: str
    changes: tuple[str, ...]
    authors: tuple[str, ...]
    """Who wrote it since the commit applied before."""


@dataclass(frozen=True, slots=True)
class ReleaseSealed(Event):
    """A release was sealed."""

    kind: ClassVar[str] = "release-sealed"
    release: Release
    digest: str


@dataclass(frozen=True, slots=True)
class Adopted(Event):
    """What ran in an environment was taken as a release, and as the baseline for drift."""

    kind: ClassVar[str] = "adopted"
    solution: str
    environment: str
    version: str
    release: str
    package: str
    configuration: ConfigurationSet


@dataclass(frozen=True, slots=True)
class Seeded(Event):
    """An empty environment where makers build was given a release's content."""

    kind: ClassVar[str] = "seeded"
    solution: str
    version: str
    environment: str


@dataclass(frozen=True, slots=True)
class PromotionRequested(Event):
    """Somebody asked to move a release to a stage."""

    kind: ClassVar[str] = "promotion-requested"
    promotion: Promotion


@dataclass(frozen=True, slots=True)
class DecisionMade(Event):
    """A person approved or rejected."""

    kind: ClassVar[str] = "decision-made"
    promotion: str
    decision: Decision


@dataclass(frozen=True, slots=True)
class PromotionMoved(Event):
    """A promotion changed its state."""

    kind: ClassVar[str] = "promotion-moved"
    promotion: str
    state: PromotionState
    reason: str
    gates: tuple[dict[str, Any], ...] = ()
    """The judgement that decided it, gate by gate; recorded only when it decided something."""
    judged_at: str = ""
    """The time that judgement was given, so that it can be made again from the ledger alone."""


@dataclass(frozen=True, slots=True)
class DeploymentStarted(Event):
    """A deployment began, with its plan."""

    kind: ClassVar[str] = "deployment-started"
    deployment: Deployment


@dataclass(frozen=True, slots=True)
class StepStarted(Event):
    """A step is about to be taken. Durable before any side effect."""

    kind: ClassVar[str] = "step-started"
    deployment: str
    step: str
    attempt: int
    fence: int
    intent: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepFinished(Event):
    """A step was taken, or refused."""

    kind: ClassVar[str] = "step-finished"
    deployment: str
    step: str
    state: StepState
    detail: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StepRunning(Event):
    """The platform said that a change runs on. Durable before it is asked how far it has come."""

    kind: ClassVar[str] = "step-running"
    deployment: str
    step: str
    handle: dict[str, Any]
    """What to ask with, without secrets."""


@dataclass(frozen=True, slots=True)
class Installed(Event):
    """Read back from an environment: this release is in it now."""

    kind: ClassVar[str] = "installed"
    deployment: str


@dataclass(frozen=True, slots=True)
class Verified(Event):
    """A deployment was verified: its release is known-good there."""

    kind: ClassVar[str] = "verified"
    deployment: str


@dataclass(frozen=True, slots=True)
class DeploymentFinished(Event):
    """A deployment ended, or stopped for a person to say."""

    kind: ClassVar[str] = "deployment-finished"
    deployment: str
    state: DeploymentState
    note: str


@dataclass(frozen=True, slots=True)
class Reconciled(Event):
    """A person said what happened where engine and platform disagreed."""

    kind: ClassVar[str] = "reconciled"
    deployment: str
    step: str
    """Empty where none was under way."""
    reached: bool
    reason: str


@dataclass(frozen=True, slots=True)
class EvidenceRecorded(Event):
    """A check produced evidence."""

    kind: ClassVar[str] = "evidence-recorded"
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class EnvironmentObserved(Event):
    """An environment was looked at for drift."""

    kind: ClassVar[str] = "environment-observed"
    environment: str
    revision: str
    clean: tuple[str, ...]
    drifted: tuple[str, ...]
    unowned: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DriftFound(Event):
    """What is in an environment differs from what was deployed there."""

    kind: ClassVar[str] = "drift-found"
    finding: DriftFinding


@dataclass(frozen=True, slots=True)
class DriftResolved(Event):
    """A drift finding was accepted, reverted, or is gone."""

    kind: ClassVar[str] = "drift-resolved"
    finding: str
    state: DriftState
    reason: str


@dataclass(frozen=True, slots=True)
class LockObserved(Event):
    """An environment's lock was looked at."""

    kind: ClassVar[str] = "lock-observed"
    environment: str
    state: str
    summary: str
    cure: str


@dataclass(frozen=True, slots=True)
class Tagged(Event):
    """A release that reached its last stage was tagged in git."""

    kind: ClassVar[str] = "tagged"
    solution: str
    version: str
    tag: str
    commit: str


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
class PackagesRemoved(Event):
    """Packages and outputs that nobody needs any more were removed, as the strategy declares."""

    kind: ClassVar[str] = "packages-removed"
    digests: tuple[str, ...]
    releases: tuple[str, ...]
    """Names of the releases they were about."""
    keep: float
    """For how many seconds such things are kept."""


EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        StrategyApplied,
        ReleaseSealed,
        Adopted,
        Seeded,
        PromotionRequested,
        DecisionMade,
        PromotionMoved,
        DeploymentStarted,
        StepStarted,
        StepFinished,
        Installed,
        Verified,
        DeploymentFinished,
        Reconciled,
        EvidenceRecorded,
        EnvironmentObserved,
        DriftFound,
        DriftResolved,
        LockObserved,
        Tagged,
        Held,
        HoldLifted,
        Vetoed,
        CheckpointMade,
        GateWaived,
        Remarked,
        ChecklistAnswered,
        Delegated,
        DelegationEnded,
        AttestationRecorded,
        EngineKeyRecorded,
        RanOut,
        Reminded,
        StepRunning,
        PackagesRemoved,
    )
}
"""Every kind of event, by name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the ledger."""

    seq: int
    at: str
    """ISO time, UTC."""
    actor: Actor
    event: Event
    hash: str
