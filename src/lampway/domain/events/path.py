"""Facts of the way to production: rules, releases, promotions, deployments, and what runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import Deployment, DeploymentState, DriftFinding, DriftState, Evidence, StepState
from lampway.domain.events.base import Event
from lampway.domain.health import HealthWatch, Seen, WatchState
from lampway.domain.promotion import Decision, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.strategy import Strategy


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
class Gathered(Event):
    """Something that makers built outside of every solution was put into one, where they built it."""

    kind: ClassVar[str] = "gathered"
    environment: str
    into: str
    """The platform's own name of the solution."""
    type: str
    name: str
    id: str


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
class StepHindered(Event):
    """A step waits for something else that is under way there. Said once, and again when that is something else."""

    kind: ClassVar[str] = "step-hindered"
    deployment: str
    step: str
    what: str
    """Such as *another import*."""
    since: str = ""
    """Since when that has been under way, as the platform tells; empty where it does not."""
    by: str = ""
    """Who began it; likewise."""


@dataclass(frozen=True, slots=True)
class Installed(Event):
    """Read back from an environment: this release is in it now."""

    kind: ClassVar[str] = "installed"
    deployment: str


@dataclass(frozen=True, slots=True)
class Verified(Event):
    """A deployment was verified: its release is known-good there, or will be once it was watched."""

    kind: ClassVar[str] = "verified"
    deployment: str
    watched: bool = False
    """Whether it becomes known-good only when its watch has passed."""


@dataclass(frozen=True, slots=True)
class WatchStarted(Event):
    """A release that was verified is watched for a while."""

    kind: ClassVar[str] = "watch-started"
    watch: HealthWatch


@dataclass(frozen=True, slots=True)
class WatchLooked(Event):
    """Somebody looked how a release does that is being watched."""

    kind: ClassVar[str] = "watch-looked"
    deployment: str
    seen: Seen
    summary: str
    """In words; masked."""


@dataclass(frozen=True, slots=True)
class WatchEnded(Event):
    """A watch came to its end. One that passed makes its release known-good there."""

    kind: ClassVar[str] = "watch-ended"
    deployment: str
    state: WatchState
    note: str


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
    label: str = ""
    """The label that people see there; empty where the strategy asks for none, or it was not seen."""
    mislabelled: str = ""
    """What is wrong with it, in words; empty for nothing."""


@dataclass(frozen=True, slots=True)
class Tagged(Event):
    """A release that reached its last stage was tagged in git."""

    kind: ClassVar[str] = "tagged"
    solution: str
    version: str
    tag: str
    commit: str
