"""Delivery: how fast and how safely changes reach the people who use them, from what was deployed. Pure.

The five measures are those of https://dora.dev, each said exactly in docs/signals.md. All are about one solution in the
environment at the end of its path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from lampway.domain.moments import seconds_between
from lampway.domain.promotion import DeploymentKind

DAY = 86_400.0


@dataclass(frozen=True, slots=True)
class Shipment:
    """A deployment that touched the environment, and what became of it."""

    at: str
    """When it ended."""
    kind: DeploymentKind
    succeeded: bool
    failed_at: str = ""
    """When it was known that it does badly: at its end, by its watch, or when somebody asked to go back; else empty."""
    sealed_at: tuple[str, ...] = ()
    """When the changes that it brought were sealed, those of releases that were skipped included."""
    by_people: bool = False
    """Whether anybody had to decide, answer or waive something."""
    hotfix: bool = False
    """Whether it brought a hotfix."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """The measures of one solution over a time."""

    solution: str
    environment: str
    since: str
    until: str
    deployments: int
    """Forward ones that succeeded."""
    per_week: float
    lead_time: float | None
    """Median seconds from sealing a change to running it; None where nothing was brought."""
    changes: int
    """Forward deployments, good or bad."""
    failed: int
    failure_rate: float | None
    """Share of changes that did badly; None where there was no change."""
    time_to_restore: float | None
    """Median seconds from knowing that a change does badly to the next deployment that succeeded."""
    unrestored: int
    """How many wait for that still."""
    rework: int
    rework_rate: float | None
    """Share of all deployments that nobody had planned; None where there was none."""
    by_people: float | None
    """Share of changes for which somebody had to decide, answer or waive something."""


def measure(solution: str, environment: str, shipments: Sequence[Shipment], since: str, until: str) -> Delivery:
    """Return the measures over shipments, oldest first, that ended from `since` until before `until`.

    Those before are looked at only to tell what was rework.
    """
    ours = [s for s in shipments if since <= s.at < until]
    changes = [s for s in ours if s.kind is DeploymentKind.FORWARD]
    good = [s for s in changes if s.succeeded]
    bad = [s for s in changes if s.failed_at and s.failed_at < until]
    leads = [seconds_between(sealed, s.at) for s in good for sealed in s.sealed_at]
    restored = [_restored(s, shipments, until) for s in bad]
    spans = [seconds_between(s.failed_at, at) for s, at in zip(bad, restored, strict=True) if at]
    rework = [s for s in ours if _is_rework(s, shipments)]
    weeks = max(seconds_between(since, until) / DAY / 7, 1e-9)
    return Delivery(
        solution=solution,
        environment=environment,
        since=since,
        until=until,
        deployments=len(good),
        per_week=round(len(good) / weeks, 3),
        lead_time=median(leads) if leads else None,
        changes=len(changes),
        failed=len(bad),
        failure_rate=_share(len(bad), len(changes)),
        time_to_restore=median(spans) if spans else None,
        unrestored=sum(1 for at in restored if not at),
        rework=len(rework),
        rework_rate=_share(len(rework), len(ours)),
        by_people=_share(sum(1 for s in changes if s.by_people), len(changes)),
    )


def _restored(bad: Shipment, shipments: Sequence[Shipment], until: str) -> str:
    """Return when the next deployment succeeded after it was known that this one does badly; empty for not yet."""
    later = (s.at for s in shipments if s.succeeded and s is not bad and bad.failed_at <= s.at < until)
    return min(later, default="")


def _is_rework(shipment: Shipment, shipments: Sequence[Shipment]) -> bool:
    """Return whether nobody had planned it: a hotfix, what goes back or over a live edit, the first after a failure."""
    if shipment.kind is not DeploymentKind.FORWARD or shipment.hotfix:
        return True
    before = [s for s in shipments if s.at < shipment.at]
    return bool(before) and _did_badly_by(before[-1], shipment.at)


def _did_badly_by(shipment: Shipment, at: str) -> bool:
    known = bool(shipment.failed_at) and shipment.failed_at <= at
    return known or not shipment.succeeded or shipment.kind is DeploymentKind.ROLLBACK


def _share(some: int, every: int) -> float | None:
    return round(some / every, 4) if every else None
