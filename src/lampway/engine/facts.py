"""Gathering: from records to the facts that a judgement looks at, and to the digests a promotion is bound to."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain import certification
from lampway.domain.backport import Backport, BackportState
from lampway.domain.certification import Certification
from lampway.domain.checklist import Answer
from lampway.domain.configuration import ConfigurationSet, Missing, resolve
from lampway.domain.dependencies import needs_of
from lampway.domain.deployment import (
    STILL_THERE,
    Deployment,
    DriftFinding,
    Evidence,
    Installation,
    KnownGood,
    LockRecord,
)
from lampway.domain.gates import judge
from lampway.domain.health import WatchState
from lampway.domain.judgement import Eligibility, Facts
from lampway.domain.projection import installation_key
from lampway.domain.promotion import Bound, Decision, DeploymentKind, Promotion
from lampway.domain.quorum import Delegation
from lampway.domain.rehearsal import Rehearsal, rehearsals
from lampway.domain.release import Release
from lampway.domain.risk import ChangeFacts, together
from lampway.domain.stops import Hold, HoldState, Veto, stays, veto_key
from lampway.domain.strategy import Stage, Strategy
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.domain.waiver import Waiver
from lampway.engine.context import rules_in_force
from lampway.engine.store import Records

_OPENED = (UnlockState.OPEN, UnlockState.UNREVIEWED)


@dataclass(frozen=True, slots=True)
class Case:
    """One release before one stage, asked for or not yet."""

    release: Release
    stage: Stage
    kind: DeploymentKind
    requested_by: str
    promotion: str = ""
    decisions: tuple[Decision, ...] = ()
    digest: str = ""
    requested_at: str = ""
    removes: bool = False
    """Whether the solution is to be taken out."""
    waivers: tuple[Waiver, ...] = ()
    answers: tuple[Answer, ...] = ()
    ticket: str = ""
    allowed_by: str = ""
    """Rollback: the forward promotion that allowed it, where nobody asked for it."""


def installed(reading: Records, environment: str, solution: str) -> Installation | None:
    """Return what the records say is installed there."""
    return reading.get(Installation, installation_key(environment, solution))


def rollback_target(reading: Records, environment: str, solution: str, other_than: str) -> KnownGood | None:
    """Return the newest known-good release there whose digest is not `other_than`, and that nobody has vetoed there."""
    goods = reading.find(KnownGood, environment=environment, solution=solution, newest_first=True)
    others = (good for good in goods if good.release != other_than)
    return next((good for good in others if reading.get(Veto, veto_key(environment, good.release)) is None), None)


def configuration_for(
    strategy: Strategy, stage: Stage, release: Release
) -> tuple[ConfigurationSet, tuple[Missing, ...]]:
    """Return what the stage's environment gives to this release, and what it lacks."""
    return resolve(strategy.environment(stage.environment), release.solution, release.inventory)


def bind(reading: Records, strategy: Strategy, stage: Stage, release: Release) -> Bound:
    """Return what a forward promotion of this release to this stage is bound to now."""
    here = installed(reading, stage.environment, release.solution)
    digest = release.digest
    back = rollback_target(reading, stage.environment, release.solution, digest)
    configuration, _ = configuration_for(strategy, stage, release)
    return Bound(
        release=digest,
        configuration=configuration.digest,
        installed=here.bound_digest if here else "",
        rollback=back.release if back else "remove",
        rules=strategy.governing(release.solution, stage),
    )


def case_of(reading: Records, promotion: Promotion) -> Case | None:
    """Return the case of a promotion, or None where its release or stage is no longer there."""
    strategy = rules_in_force(reading).strategy
    release = reading.get(Release, f"{promotion.solution}@{promotion.version}")
    pipeline = strategy.pipeline_of(promotion.solution) if strategy.knows(promotion.solution) else None
    stage = next((s for s in pipeline.every_stage if s.name == promotion.stage), None) if pipeline else None
    if release is None or stage is None:
        return None
    return Case(
        release,
        stage,
        promotion.kind,
        promotion.requested_by,
        promotion.id,
        promotion.decisions,
        promotion.bound.digest,
        promotion.requested_at,
        promotion.bound.release == "remove",
        promotion.waivers,
        promotion.answers,
        ticket=promotion.ticket,
        allowed_by=promotion.allowed_by,
    )


def gather(reading: Records, case: Case, now: str) -> Facts:
    """Return everything a judgement of this case at this time may look at."""
    rules = rules_in_force(reading)
    strategy, release, stage = rules.strategy, case.release, case.stage
    here = installed(reading, stage.environment, release.solution)
    _, missing = configuration_for(strategy, stage, release)
    between = releases_between(reading, here, release)
    digest = release.digest
    deployments = reading.find(Deployment, solution=release.solution)
    drift = _drift(reading, stage.environment, release.solution)
    needed = {need.name for need in needs_of(release)}
    certified = reading.find(Certification, solution=release.solution)
    return Facts(
        strategy=strategy,
        solution=release.solution,
        stage=stage,
        release=release,
        kind=case.kind,
        requested_by=case.requested_by,
        promotion=case.promotion,
        digest=case.digest,
        decisions=case.decisions,
        makers=tuple(sorted({maker for r in between for maker in r.makers})),
        editors_unknown=any(r.editors_unknown for r in between),
        missing=missing,
        verified_in=_verified_in(deployments, digest),
        watched_in=_watched_in(deployments, digest),
        evidence=tuple(e for e in reading.find(Evidence, solution=release.solution) if e.release == digest),
        drift=drift,
        lock=reading.get(LockRecord, stage.environment),
        is_first=here is None,
        rollback=rollback_target(reading, stage.environment, release.solution, digest),
        now=now,
        requested_at=case.requested_at,
        allowed_by=case.allowed_by,
        holds=reading.find(Hold, states=(HoldState.STANDING,)),
        veto=reading.get(Veto, veto_key(stage.environment, digest)),
        removes=case.removes,
        stays=stays(deployments, digest),
        waivers=case.waivers,
        delegations=reading.find(Delegation) if stage.rules_of("approval") else (),
        answers=case.answers,
        change=_change(here, between),
        installations=_installations(reading, stage.environment, needed, release.solution),
        rehearsals=_rehearsals(reading, deployments) if stage.rules_of("rehearsed") else (),
        dependency_drift=tuple(f for name in sorted(needed) for f in _drift(reading, stage.environment, name)),
        certification=certification.newest(certified, release.solution),
        ticket=case.ticket,
        revocations=rules.revocations,
        unlockings=reading.find(Unlocking, environment=stage.environment, states=_OPENED),
        backports=reading.find(Backport, solution=release.solution, states=(BackportState.OPEN,)) if drift else (),
    )


def eligibility(reading: Records, case: Case, now: str) -> Eligibility:
    """Return whether this release may enter this stage at this moment, gate by gate."""
    return judge(gather(reading, case, now))


def _drift(reading: Records, environment: str, solution: str) -> tuple[DriftFinding, ...]:
    return reading.find(DriftFinding, environment=environment, solution=solution, states=STILL_THERE)


def _installations(reading: Records, environment: str, needed: set[str], solution: str) -> tuple[Installation, ...]:
    there = (installed(reading, environment, name) for name in sorted(needed))
    return (*(i for i in there if i), *reading.find(Installation, solution=solution))


def _rehearsals(reading: Records, deployments: tuple[Deployment, ...]) -> tuple[Rehearsal, ...]:
    solution = deployments[0].solution if deployments else ""
    return rehearsals(deployments, {p.id: p for p in reading.find(Promotion, solution=solution)} if solution else {})


def _change(here: Installation | None, between: tuple[Release, ...]) -> ChangeFacts | None:
    """Return what a deployment changes, as it was sealed; None unless each release was compared with the one before."""
    before = [here.version if here else "", *(release.version for release in between)]
    follows = all(release.previous == version for release, version in zip(between, before, strict=False))
    return together([release.change for release in between]) if here and follows else None


def releases_between(reading: Records, here: Installation | None, release: Release) -> tuple[Release, ...]:
    """Return the releases whose content a deployment would bring: after what runs there, up to this one."""
    every = reading.find(Release, solution=release.solution)
    if release.hotfix:
        return (release,)  # it is made from what runs there, and from nothing else
    hotfixes = {r.version: r.previous for r in every if r.hotfix}
    found = tuple(r for r in every if not r.hotfix)
    names = [r.version for r in found]
    since = here.version if here else ""
    since = hotfixes.get(since, since)  # the path goes on from what the hotfix was made from
    end = names.index(release.version) + 1
    start = names.index(since) + 1 if since in names else 0
    return found[start:end] if start < end else (release,)


def _verified_in(deployments: tuple[Deployment, ...], digest: str) -> tuple[str, ...]:
    return tuple(sorted({d.environment for d in deployments if d.is_proven and d.release == digest}))


def _watched_in(deployments: tuple[Deployment, ...], digest: str) -> tuple[str, ...]:
    found = (d for d in deployments if d.watch == WatchState.WATCHING and d.release == digest)
    return tuple(sorted({d.environment for d in found}))
