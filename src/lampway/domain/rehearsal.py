"""Rehearsals: an upgrade and the way back from it, both carried out where nothing is at stake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.promotion import DeploymentKind, Promotion


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """An upgrade that succeeded in an environment, and what it was rolled back to right after."""

    environment: str
    old: str
    """Digest of the release that ran before; empty for none."""
    new: str
    """Digest of the release that was brought."""
    at: str
    """When the last of it had succeeded."""
    back: str = ""
    """Digest of the release that a rollback brought back; empty while nobody has gone back."""


def rehearsals(deployments: Sequence[Deployment], promotions: Mapping[str, Promotion]) -> tuple[Rehearsal, ...]:
    """Return every upgrade of a solution, from all its deployments, oldest first, and their promotions by id.

    What ran before is what the promotion was bound to, which was true when the deployment started. A way back counts
    only from the release that was brought, with nothing else deployed there in between.
    """
    found: list[Rehearsal] = []
    standing: dict[str, int] = {}
    for done in deployments:
        if done.state is DeploymentState.REFUSED or done.kind is DeploymentKind.REDEPLOY:
            continue
        promotion, place = promotions.get(done.promotion), standing.pop(done.environment, None)
        if promotion is None or done.state is not DeploymentState.SUCCEEDED:
            continue
        before = promotion.bound.installed.partition("+")[0]
        if done.kind is DeploymentKind.FORWARD:
            standing[done.environment] = len(found)
            found.append(Rehearsal(done.environment, before, done.release, done.finished_at))
        elif place is not None and before == found[place].new:
            found[place] = replace(found[place], back=done.release, at=done.finished_at)
    return tuple(found)


class RunState(StrEnum):
    """Where a rehearsal that was asked for stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """A step of it failed: what that left is still there."""
    STOPPED = "stopped"
    """Somebody took a step back, or deployed something else there meanwhile."""


@dataclass(frozen=True, slots=True)
class Move:
    """One deployment of a rehearsal."""

    kind: DeploymentKind
    version: str
    release: str
    """Digest of the release."""


@dataclass(frozen=True, slots=True)
class RehearsalRun:
    """A rehearsal that somebody asked for: its moves are carried out one after the other, by ordinary deployments."""

    id: str
    solution: str
    environment: str
    """Where it is rehearsed."""
    target: str
    """The environment it is rehearsed for."""
    old: str
    """The version that runs in the target."""
    new: str
    """The version that is to follow it."""
    back: str
    """The version that a rollback in the target would bring back."""
    moves: tuple[Move, ...]
    by: str
    at: str
    state: RunState = RunState.RUNNING
    note: str = ""
    ended_at: str = ""

    @property
    def way(self) -> str:
        """The rehearsal for people: from where, to where, and back."""
        return f"{self.old} → {self.new} → {self.back}"


def moves(around: tuple[Move, Move, Move], there: str, *, is_good: bool, is_brought: bool) -> tuple[Move, ...]:
    """Return what has to be deployed for a rehearsal; at the end the new release is there, verified.

    `around` are the moves to the old release, to the new one, and back; `there` is the digest of what is installed.
    `is_good`: what is gone back to can be gone back to there already. `is_brought`: the last deployment brought the new
    one there, right over the old one; then the upgrade is done and only the way back is missing.
    """
    old, new, back = around
    if is_brought and is_good:
        return (back, new)
    first = () if is_good or back.release == old.release else (replace(back, kind=DeploymentKind.FORWARD),)
    stands = back.release if first else there
    has_to_be_proved = not is_good and back.release == old.release
    second = (old,) if stands != old.release or has_to_be_proved else ()
    return (*first, *second, new, back, new)
