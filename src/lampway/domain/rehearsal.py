"""Rehearsals: an upgrade and the way back from it, both carried out where nothing is at stake."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

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
