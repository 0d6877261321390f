"""Falling back: what a stage does by itself when a release failed its verification or its watch.

Never more than one rollback of one release in one environment, never of a rollback, and only to a known-good release.
Whatever stops people's rollbacks stops this one too.
"""

from __future__ import annotations

from lampway.domain.deployment import CheckOutcome, Deployment, Evidence, Installation, KnownGood
from lampway.domain.events import ENGINE, Event, PromotionRequested, Verified, WatchStarted
from lampway.domain.health import ROLLBACK, HealthWatch, begin
from lampway.domain.promotion import Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.strategy import Stage, Strategy
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.facts import case_of, eligibility, installed, rollback_target
from lampway.engine.loss import loss_between
from lampway.engine.store import Reading


def stage_in(strategy: Strategy, solution: str, environment: str) -> Stage | None:
    """Return the stage of the solution's path that deploys there, or None where there is none any more."""
    if not any(s.name == solution for s in strategy.solutions):
        return None
    stages = strategy.pipeline_of(solution).stages
    return next((s for s in stages if s.environment == environment), None)


def watch_for(strategy: Strategy, deployment: Deployment, now: str) -> HealthWatch | None:
    """Return the watch that begins once this deployment is verified, or None.

    What was brought back is not watched: it was known-good before, and nothing would be done by itself.
    """
    stage = stage_in(strategy, deployment.solution, deployment.environment)
    if stage is None or stage.watch is None or not deployment.package or deployment.kind is DeploymentKind.ROLLBACK:
        return None
    if not stage.watch.concerns(c.name for c in strategy.solution(deployment.solution).automatic):
        return None
    what = (deployment.id, deployment.version, deployment.release)
    return begin(stage.watch, (deployment.solution, deployment.environment), what, now)


def verified(deployment: Deployment, watch: HealthWatch | None) -> tuple[Event, ...]:
    """Return that a deployment was verified, and that it is watched now, where it is."""
    if watch is None:
        return (Verified(deployment.id),)
    return Verified(deployment.id, watched=True), WatchStarted(watch)


def failed_check(reading: Reading, deployment: Deployment) -> bool:
    """Return whether a check of this deployment said no; one that could not be judged says nothing."""
    found = reading.find(Evidence, solution=deployment.solution, environment=deployment.environment)
    return any(e.deployment == deployment.id and e.outcome is CheckOutcome.FAILED for e in found)


def fall_back(engine: Engine, reading: Reading, deployment: Deployment, why: str) -> tuple[tuple[Event, ...], str]:
    """Return the rollback that the stage asks for by itself, and what is to be said about it.

    No event where the stage wants people to be asked, or where something stands in the way; then the words say what.
    """
    stage = stage_in(rules_in_force(reading).strategy, deployment.solution, deployment.environment)
    if stage is None or stage.watch is None or stage.watch.then != ROLLBACK:
        return (), ""
    forward = reading.get(Promotion, deployment.promotion)
    here = installed(reading, deployment.environment, deployment.solution)
    back = rollback_target(reading, deployment.environment, deployment.solution, deployment.release)
    objection = _objection(reading, deployment, back) or _destroys(engine, reading, here, back)
    if forward is None or here is None or back is None or objection:
        return (), f"not rolled back by itself: {objection}"
    promotion = Promotion(
        id=engine.new_id(),
        solution=deployment.solution,
        version=back.version,
        stage=stage.name,
        environment=deployment.environment,
        kind=DeploymentKind.ROLLBACK,
        bound=Bound(back.release, back.configuration.digest, here.bound_digest, "", ""),
        configuration=back.configuration,
        requested_by=ENGINE.person,
        requested_at=engine.now(),
        reason=f"by itself: {why}; allowed by {_allowance(forward)}",
        state=PromotionState.WAITING,
        allowed_by=forward.id,
    )
    case = case_of(reading, promotion)
    judged = eligibility(reading, case, engine.now()) if case else None
    if judged is None or not judged.allowed:
        closed = judged.closed[0].reason if judged and judged.closed else f"{back.version} is not in the records"
        return (), f"not rolled back by itself: {closed}"
    return (PromotionRequested(promotion),), f"rolled back by itself to {back.version}"


def _objection(reading: Reading, deployment: Deployment, back: KnownGood | None) -> str:
    """Return why nothing may be rolled back without asking, in words; empty when it may."""
    here = installed(reading, deployment.environment, deployment.solution)
    if deployment.kind is not DeploymentKind.FORWARD:
        return f"it was a {deployment.kind}"
    if here is None or here.deployment != deployment.id:
        return "something else is installed there now"
    if _has_fallen_back(reading, deployment):
        return "this very release was, once before, and that is enough"
    return "" if back else "there is no known-good release to go back to"


def _destroys(engine: Engine, reading: Reading, here: Installation | None, back: KnownGood | None) -> str:
    """Return that going back destroys data, which nobody accepts by themselves; empty where it does not."""
    if here is None or back is None:
        return ""
    release = reading.get(Release, f"{here.solution}@{here.version}")
    return "going back would destroy data" if loss_between(engine, release, here.package, back.package) else ""


def _has_fallen_back(reading: Reading, deployment: Deployment) -> bool:
    found = reading.find(Promotion, solution=deployment.solution, environment=deployment.environment)
    allowed = [reading.get(Promotion, p.allowed_by) for p in found if p.allowed_by]
    return any(p is not None and p.bound.release == deployment.release for p in allowed)


def _allowance(forward: Promotion) -> str:
    """Return which forward promotion let the release in, and on whose word."""
    yes = [d.by for d in forward.decisions if d.approved and d.digest == forward.bound.digest]
    who = f"approved by {', '.join(yes)}" if yes else "let in on evidence alone"
    return f"promotion {forward.id} of {forward.solution}@{forward.version}, {who}"
