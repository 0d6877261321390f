"""Deployments: one execution in one environment, with a step journal."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.health import WatchState
from lampway.domain.moments import shown
from lampway.domain.promotion import DeploymentKind


class DeploymentState(StrEnum):
    """Where a deployment stands."""

    RUNNING = "running"
    RECONCILE = "reconcile"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The platform or a verification said no."""
    ERRORED = "errored"
    """The machinery broke; the journal says after which step."""
    REFUSED = "refused"
    """Pre-flight said no; nothing was changed."""


class StepState(StrEnum):
    """Where a step stands."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step of a plan: explained by one reader, executed by another."""

    name: str
    by_platform: bool
    summary: str


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What a change waits for there, before it can be told what became of it."""

    what: str
    """Such as *another import*."""
    since: str
    """Since when that has been under way, as the platform tells; empty where it does not."""
    by: str
    """Who began it; likewise."""
    seen: str
    """When we saw first that there is something to wait for."""

    def words(self, environment: str) -> str:
        """Return it for people."""
        since = f" since {shown(self.since)}" if self.since else ""
        return f"waits for {self.what} in {environment}{since}{f', started by {self.by}' if self.by else ''}"


@dataclass(frozen=True, slots=True)
class Step:
    """A step in the journal."""

    name: str
    state: StepState
    attempt: int
    started_at: str
    finished_at: str = ""
    intent: dict[str, Any] = field(default_factory=dict)
    """For a platform's step: the state it left from and the state it was to reach."""
    detail: dict[str, Any] = field(default_factory=dict)
    handle: dict[str, Any] = field(default_factory=dict)
    """What to ask the platform with about a change that it said runs on; empty for none."""
    obstacle: Obstacle | None = None
    """What it waits for; None where it waits for nothing but its own end."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """One execution of a plan in one environment."""

    id: str
    promotion: str
    solution: str
    version: str
    environment: str
    kind: DeploymentKind
    release: str
    """Digest of the release; empty when the solution is removed."""
    package: str
    """Digest of the package's bytes; empty when the solution is removed."""
    configuration: ConfigurationSet
    plan: tuple[PlannedStep, ...]
    fence: int
    """The lease it was last worked on under."""
    started_at: str
    state: DeploymentState = DeploymentState.RUNNING
    steps: tuple[Step, ...] = ()
    finished_at: str = ""
    note: str = ""
    watch: str = ""
    """Where the watch after it stands: watching, passed, failed or abandoned; empty: there is none."""

    @property
    def is_proven(self) -> bool:
        """Whether it succeeded, and its watch, if it has one, passed."""
        return self.state is DeploymentState.SUCCEEDED and self.watch in ("", WatchState.PASSED)

    def step(self, name: str) -> Step | None:
        """Return the journal's entry for a step, or None if it was never started."""
        return next((s for s in self.steps if s.name == name), None)

    def is_done(self, name: str) -> bool:
        """Return whether the step was completed."""
        step = self.step(name)
        return step is not None and step.state is StepState.DONE

    @property
    def waits_for(self) -> str:
        """What it waits for there, for people; empty for nothing."""
        found = (s.obstacle for s in reversed(self.steps) if s.state is StepState.STARTED and s.obstacle is not None)
        obstacle = next(found, None)
        return obstacle.words(self.environment) if obstacle is not None else ""

    @property
    def has_begun(self) -> bool:
        """Whether a step of the platform was taken, or may have been: then what is there is our own work."""
        theirs = {p.name for p in self.plan if p.by_platform}
        return any(s.name in theirs and s.state is not StepState.FAILED for s in self.steps)


@dataclass(frozen=True, slots=True)
class Installation:
    """What the records say is installed of one solution in one environment."""

    environment: str
    solution: str
    version: str
    release: str
    package: str
    configuration: ConfigurationSet
    deployment: str
    """Empty where it was adopted."""
    since: str
    verified: bool
    drifted: bool = False

    @property
    def bound_digest(self) -> str:
        """What a promotion binds of it: release and configuration."""
        return f"{self.release}+{self.configuration.digest}"


@dataclass(frozen=True, slots=True)
class KnownGood:
    """A release that was verified in an environment, with the configuration it had there."""

    id: str
    environment: str
    solution: str
    version: str
    release: str
    package: str
    configuration: ConfigurationSet
    at: str


class CheckOutcome(StrEnum):
    """What a check came to."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that a person gave as evidence."""

    name: str
    digest: str
    """Of its bytes, by which they are kept."""
    size: int


@dataclass(frozen=True, slots=True)
class Attested:
    """What a person says about a check that no program can run."""

    by: str
    """Id of the tester."""
    cases: str
    """What was tried, in words."""
    data_set: str = ""
    """Name or digest of the data it was tried with."""
    files: tuple[KeptFile, ...] = ()
    authenticated: bool = False
    """Whether the tester was proved to be who they say."""
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed: theirs, or without a key the engine's, of who was signed in."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a check produced about one release in one environment."""

    id: str
    solution: str
    version: str
    release: str
    environment: str
    check: str
    kind: str
    outcome: CheckOutcome
    summary: str
    """In words; masked."""
    at: str
    seconds: float
    deployment: str = ""
    output: str = ""
    """Digest of what the check printed, masked and kept; empty for nothing."""
    report: str = ""
    """Digest of the report it wrote, masked and kept; empty for none."""
    attested: Attested | None = None
    """None for a check that was run."""
    data: str = ""
    """What data there was, as the environment declared it then; empty where nobody had said."""
    data_set: str = ""
    """Name of the data set; empty where none was named."""
    data_digest: str = ""
    """Digest of the data set; empty where it was not recorded."""

    @property
    def kept(self) -> tuple[str, ...]:
        """Digests of everything that is kept of it."""
        files = self.attested.files if self.attested else ()
        return tuple(d for d in (self.output, self.report, *(f.digest for f in files)) if d)


class DriftState(StrEnum):
    """What became of a drift finding."""

    OPEN = "open"
    ACCEPTED = "accepted"
    BACKPORTED = "back-ported"
    """It is on a branch, as source, with a task that stays open until a release contains it."""
    REVERTED = "reverted"
    GONE = "gone"
    """A later scan no longer saw it."""


STILL_THERE = (DriftState.OPEN, DriftState.ACCEPTED, DriftState.BACKPORTED)
"""States of findings that still are to be seen in the environment, dealt with or not."""


@dataclass(frozen=True, slots=True)
class DriftFinding:
    """What is in an environment differs from what was deployed there."""

    id: str
    environment: str
    solution: str
    version: str
    stream: str
    """definition, configuration or lock."""
    changes: tuple[str, ...]
    """One line per difference, in a maker's words."""
    fingerprint: str
    """Digest of the differences: the same drift seen again is the same finding."""
    found_at: str
    state: DriftState = DriftState.OPEN
    resolved_by: str = ""
    resolved_at: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LockRecord:
    """The newest look at an environment's lock."""

    environment: str
    state: str
    """locked, partial, open or unknown."""
    summary: str
    cure: str
    at: str
    label: str = ""
    """The label that people see there; empty where the strategy asks for none, or it was not seen."""
    mislabelled: str = ""
    """What is wrong with it, in words; empty for nothing."""
