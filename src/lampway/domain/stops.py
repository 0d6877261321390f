"""What stops a release whatever its gates say: holds, emergency stops and vetoes. And how long it ran somewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.health import WatchState
from lampway.domain.moments import moment_in_words, seconds_between
from lampway.domain.strategy import Person

LIFTERS = ("release-manager", "platform-admin")
"""Roles whose holders may lift what somebody else has stopped."""


class HoldState(StrEnum):
    """Where a hold stands."""

    STANDING = "standing"
    LIFTED = "lifted"


@dataclass(frozen=True, slots=True)
class Hold:
    """A temporary stop of a solution, of an environment, or of one in the other; or an emergency stop."""

    id: str
    solution: str
    """Empty: every solution."""
    environment: str
    """Empty: every environment."""
    reason: str
    by: str
    """Id of a person."""
    at: str
    until: str = ""
    """ISO time at which it ends by itself; empty: when somebody lifts it."""
    emergency: bool = False
    """An emergency stop: of an environment, or of everything."""
    state: HoldState = HoldState.STANDING
    lifted_by: str = ""
    lifted_at: str = ""
    lifted_reason: str = ""

    @property
    def gate(self) -> str:
        """The gate that it closes."""
        return "stop" if self.emergency else "hold"

    @property
    def scope(self) -> str:
        """What is stopped, for people."""
        everywhere = "every environment" if not self.solution else ""
        where = self.environment or everywhere
        return " in ".join(part for part in (self.solution, where) if part)

    @property
    def words(self) -> str:
        """What stands, for people."""
        until = f" until {moment_in_words(datetime.fromisoformat(self.until))}" if self.until else ""
        what = "emergency stop of" if self.emergency else "hold on"
        return f"{what} {self.scope}{until} by {self.by}: {self.reason}"

    @property
    def cure(self) -> str:
        """The command that lifts it."""
        if self.emergency:
            return f"lampway start {self.environment or '--all'} --reason ..."
        words = [self.solution, f"--environment {self.environment}" if self.environment else ""]
        return " ".join(["lampway unhold", *(word for word in words if word)])

    def stands(self, now: str) -> bool:
        """Return whether it stops anything now. Where the time is not known, it does."""
        if self.state is not HoldState.STANDING:
            return False
        return not (self.until and now) or datetime.fromisoformat(now) < datetime.fromisoformat(self.until)

    def concerns(self, solution: str, environment: str) -> bool:
        """Return whether it stops this solution in this environment."""
        return self.solution in ("", solution) and self.environment in ("", environment)


@dataclass(frozen=True, slots=True)
class Veto:
    """This release may never enter this environment again, in any lane."""

    solution: str
    version: str
    release: str
    """Digest of the release."""
    environment: str
    reason: str
    by: str
    """Id of a person."""
    at: str

    @property
    def words(self) -> str:
        """What was said, for people."""
        return f"{self.solution}@{self.version} may never enter {self.environment}, says {self.by}: {self.reason}"


def veto_key(environment: str, release: str) -> str:
    """Return the key of a veto record."""
    return f"{environment}/{release}"


def standing(holds: Iterable[Hold], solution: str, environment: str, now: str) -> tuple[Hold, ...]:
    """Return what stops this solution in this environment now, emergency stops first."""
    found = [h for h in holds if h.stands(now) and h.concerns(solution, environment)]
    return tuple(sorted(found, key=lambda h: not h.emergency))


def may_lift(hold: Hold, person: Person) -> bool:
    """Return whether this person may lift it: whoever set it, or who answers for releases or for the rules."""
    return hold.by == person.id or bool(set(LIFTERS) & set(person.roles))


@dataclass(frozen=True, slots=True)
class Stay:
    """A time during which a release ran verified in an environment."""

    environment: str
    since: str
    until: str = ""
    """Empty: it runs there still."""

    def seconds(self, now: str) -> float:
        """Return how long it lasted, or has lasted by now."""
        return seconds_between(self.since, self.until or now)


def _did_badly(deployment: Deployment) -> bool:
    return deployment.watch == WatchState.FAILED


def stays(deployments: Sequence[Deployment], release: str) -> tuple[Stay, ...]:
    """Return when a release ran verified, from every deployment of its solution, oldest first.

    A stay ends with whatever is deployed there next, even the same release once more: that was needed for a reason.
    """
    found = []
    for number, deployment in enumerate(deployments):
        if deployment.state is not DeploymentState.SUCCEEDED or deployment.release != release or _did_badly(deployment):
            continue
        later = (
            d.started_at
            for d in deployments[number + 1 :]
            if d.environment == deployment.environment and d.state is not DeploymentState.REFUSED
        )
        found.append(Stay(deployment.environment, deployment.finished_at, next(later, "")))
    return tuple(found)
