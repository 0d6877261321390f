"""Retention: which packages and outputs may go, as the ledger tells. Pure.

What is about a release that ever was in production, or is in use anywhere, is never among them. Neither is the ledger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lampway.domain import events
from lampway.domain.kept import forgotten, named
from lampway.domain.strategy import Strategy


@dataclass(frozen=True, slots=True)
class Removable:
    """Something in the package store that nobody needs any more."""

    digest: str
    what: str
    """Such as `package of orders@1.0.0`."""
    release: str
    """Name of the release it is about."""
    since: str
    """When something last happened to that release."""


@dataclass(slots=True)
class _Naming:
    """One place in the ledger that names something kept."""

    digest: str
    what: str
    release: str
    """Digest of the release it is about; empty where no release is known."""
    environment: str
    is_copy: bool
    """Whether it is only what ran there before a deployment of that release, and nothing of the release itself."""


@dataclass(slots=True)
class _Told:
    """What the ledger tells about releases."""

    prod: set[str] = field(default_factory=set)
    """Every environment that ever was production."""
    names: dict[str, str] = field(default_factory=dict)
    """Release digest to its name."""
    placed: dict[str, set[str]] = field(default_factory=dict)
    """Release digest to the environments where it was, or was meant to be once a deployment had begun."""
    last: dict[str, str] = field(default_factory=dict)
    """Release digest to when something last happened to it."""
    promotions: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Deployment to its release and environment."""
    deployed: dict[str, set[str]] = field(default_factory=dict)
    """Package digest to the environments that it was deployed to."""
    namings: dict[str, list[_Naming]] = field(default_factory=dict)

    def touch(self, release: str, at: str, environment: str = "") -> None:
        """Remember that something happened to a release, and where."""
        self.last[release] = max(at, self.last.get(release, ""))
        if environment:
            self.placed.setdefault(release, set()).add(environment)


def removable(
    history: Iterable[events.Recorded], keep: timedelta, now: datetime, in_use: Collection[str] = ()
) -> tuple[Removable, ...]:
    """Return what may go: it is about releases that never were in production and to which nothing happened for `keep`.

    `in_use` are digests of releases and packages that must stay whatever the ledger tells.
    """
    told = _Told()
    for recorded in history:
        _fold(told, recorded)
    return tuple(_removable(told, now - keep, frozenset(in_use)))


def production(strategy: Strategy) -> set[str]:
    """Return the environments that are production: those of the most protected tier, and wherever a pipeline ends."""
    last = {pipeline.stages[-1].environment for pipeline in strategy.pipelines if pipeline.stages}
    return last | {e.name for e in strategy.environments if strategy.is_prod(e.name)}


def _fold(told: _Told, recorded: events.Recorded) -> None:  # noqa: C901 - a case per kind
    at = recorded.at
    release, environment = "", ""
    match recorded.event:
        case events.StrategyApplied(strategy=strategy):
            told.prod |= production(strategy)
        case events.ReleaseSealed() as event:
            release = event.digest
            told.names[release] = event.release.name
        case events.Adopted() as event:
            release, environment = event.release, event.environment
            told.deployed.setdefault(event.package, set()).add(environment)
        case events.PromotionRequested(promotion=promotion):
            release = told.promotions[promotion.id] = promotion.bound.release
        case events.PromotionMoved() | events.DecisionMade() as event:
            release = told.promotions.get(event.promotion, "")
        case events.DeploymentStarted(deployment=d):
            release, environment = d.release, d.environment
            told.deployments[d.id] = (release, environment)
            told.deployed.setdefault(d.package, set()).add(environment)
        case events.StepFinished() | events.Verified() | events.Installed() | events.DeploymentFinished() as event:
            release, environment = told.deployments.get(event.deployment, ("", ""))
        case events.EvidenceRecorded(evidence=evidence):
            release, environment = evidence.release, evidence.environment
        case _:
            pass
    if release:
        told.touch(release, at, environment)
    is_copy = isinstance(recorded.event, events.StepFinished)
    for digest, what in named(recorded.event):
        told.namings.setdefault(digest, []).append(_Naming(digest, what, release, environment, is_copy))
    for digest in forgotten(recorded.event):
        told.namings.pop(digest, None)


def _removable(told: _Told, before: datetime, in_use: frozenset[str]) -> Iterator[Removable]:
    for digest, namings in told.namings.items():
        if digest in in_use or told.deployed.get(digest, set()) & told.prod:
            continue
        if all(_is_past(told, naming, before, in_use) for naming in namings):
            one = namings[0]
            name = told.names.get(one.release, "")
            yield Removable(digest, one.what, name, max(told.last[n.release] for n in namings))


def _is_past(told: _Told, naming: _Naming, before: datetime, in_use: frozenset[str]) -> bool:
    """Return whether this place in the ledger needs what it names no more."""
    release = naming.release
    if not release or naming.environment in told.prod or (release in in_use and not naming.is_copy):
        return False
    if told.placed.get(release, set()) & told.prod:
        return False
    return datetime.fromisoformat(told.last[release]) < before
