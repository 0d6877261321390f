"""Measuring delivery: the five DORA measures of each solution, from what the ledger recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from lampway.domain.delivery import Delivery, Shipment, measure
from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.events import Actor
from lampway.domain.health import HealthWatch, WatchState
from lampway.domain.moments import later, parse_moment
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import UsageError

_TOUCHED = (DeploymentState.SUCCEEDED, DeploymentState.FAILED)
_USUAL = -90 * 86_400.0


@dataclass(frozen=True, slots=True)
class ShowDelivery(Request[tuple[Delivery, ...]]):
    """Ask how fast and how safely changes arrive."""

    solution: str = ""
    """Empty: every solution in force."""
    since: str = ""
    """A day, from its beginning, or a time with its zone; empty: 90 days ago."""
    until: str = ""
    """Likewise, up to but without that moment; a day counts to its end; empty: now."""


def show_delivery(engine: Engine, request: ShowDelivery, actor: Actor) -> tuple[Delivery, ...]:
    """Return the measures of each solution up to now. Raises NotFoundError, UsageError."""
    del actor
    now = engine.now()
    since = parse_moment(request.since, "UTC") if request.since else later(now, _USUAL)
    until = parse_moment(request.until, "UTC", is_end=True) if request.until else now
    until = until if until < now else later(now, 0.001)  # what has just ended counts
    if since >= min(until, now):
        hint = "--until must be after it" if request.until else "--since must not be in the future"
        raise UsageError("there is no time between the two", hint=hint)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        names = [strategy.solution(request.solution).name] if request.solution else [s.name for s in strategy.solutions]
        ends = {name: strategy.pipeline_of(name).stages[-1].environment for name in names}
        return tuple(measure(n, e, tuple(_shipments(reading, n, e)), since, until) for n, e in ends.items())


def _shipments(reading: Reading, solution: str, environment: str) -> Iterator[Shipment]:
    promotions = {p.id: p for p in reading.find(Promotion, solution=solution, environment=environment)}
    deployed = reading.find(Deployment, solution=solution, environment=environment, states=_TOUCHED)
    found = [d for d in deployed if not (d.promotion in promotions and promotions[d.promotion].retires)]
    watches = {w.id: w for w in reading.find(HealthWatch, solution=solution, environment=environment)}
    releases = reading.find(Release, solution=solution)
    hotfixes = {release.digest: release for release in releases if release.hotfix}
    releases = tuple(release for release in releases if not release.hotfix)
    places = {release.digest: number for number, release in enumerate(releases)}
    before = -1
    back = _going_back(found, promotions)
    for deployment in sorted(found, key=lambda d: d.finished_at):
        promotion = promotions.get(deployment.promotion)
        place = places.get(deployment.release, -1)
        mend = hotfixes.get(deployment.release)
        brought = (mend,) if mend else releases[before + 1 : place + 1] if place > before else ()
        succeeded = deployment.state is DeploymentState.SUCCEEDED
        if succeeded:
            before = max(before, place)
        yield Shipment(
            at=deployment.finished_at,
            kind=deployment.kind,
            succeeded=succeeded,
            failed_at=_failed_at(deployment, promotion, watches.get(deployment.id), back),
            sealed_at=tuple(r.sealed_at for r in brought) if deployment.kind is DeploymentKind.FORWARD else (),
            by_people=bool(promotion and (promotion.decisions or promotion.answers or promotion.waivers)),
            hotfix=mend is not None,
        )


def _going_back(found: Sequence[Deployment], promotions: dict[str, Promotion]) -> tuple[str, ...]:
    """Return when each rollback was asked for, oldest first."""
    asked = (promotions.get(d.promotion) for d in found if d.kind is DeploymentKind.ROLLBACK)
    return tuple(sorted(p.requested_at for p in asked if p is not None))


def _failed_at(
    deployment: Deployment, promotion: Promotion | None, watch: HealthWatch | None, back: Sequence[str]
) -> str:
    """Return when it was known that a forward deployment does badly; empty where it does not."""
    if deployment.kind is not DeploymentKind.FORWARD:
        return ""
    if deployment.state is DeploymentState.FAILED:
        return deployment.finished_at
    if watch is not None and watch.state is WatchState.FAILED:
        return watch.ended_at
    if promotion is not None and promotion.state is PromotionState.ROLLED_BACK:
        return next((at for at in back if at >= deployment.finished_at), "")
    return ""
