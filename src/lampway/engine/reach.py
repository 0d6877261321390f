"""Reach: in which environments something that was recorded may let something start, or stop it from starting."""

from __future__ import annotations

from collections.abc import Iterable

from lampway.domain import events
from lampway.domain.deployment import Deployment, DriftFinding
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.strategy import RulesInForce
from lampway.engine.store import Reading

_NOWHERE = (
    events.PromotionMoved,  # the outcome of looking, or the end of something
    events.DeploymentStarted,
    events.StepStarted,
    events.StepRunning,
    events.StepFinished,
    events.EnvironmentObserved,
    events.AttestationRecorded,
    events.EngineKeyRecorded,
    events.CheckpointMade,
    events.Tagged,
    events.Seeded,
    events.ReleaseSealed,
    events.Reminded,
    events.ApprovalAsked,
    events.WatchStarted,
    events.WatchLooked,
    events.PackagesRemoved,
    events.TokenIssued,
    events.TokenRevoked,
)
_FOR_ALL = (
    events.StrategyApplied,
    events.Held,
    events.HoldLifted,
    events.Delegated,
    events.DelegationEnded,
    events.Adopted,
    events.Installed,
)
"""What changes the dates that concern every environment."""


def concerns_everywhere(recorded: Iterable[events.Recorded]) -> bool:
    """Return whether the dates that concern all environments have to be computed anew."""
    return any(isinstance(one.event, _FOR_ALL) for one in recorded)


def reach(reading: Reading, recorded: Iterable[events.Recorded]) -> tuple[str, ...]:
    """Return the environments in which something may start, or no longer, because of these events."""
    found: dict[str, None] = {}
    for one in recorded:
        if isinstance(one.event, _NOWHERE):
            continue
        places = _places(reading, one.event)
        if places is None:
            return every_environment(reading)
        found.update(dict.fromkeys(places))
    return tuple(found)


def every_environment(reading: Reading) -> tuple[str, ...]:
    """Return the environments with open promotions, the one asked for first first, and then all others."""
    waiting = [p.environment for p in reading.find(Promotion, states=OPEN_STATES)]
    rules = reading.get(RulesInForce, "current")
    known = [e.name for e in rules.strategy.environments] if rules else []
    return tuple(dict.fromkeys([*waiting, *known]))


def _places(  # noqa: PLR0911 - a case per kind
    reading: Reading, event: events.Event
) -> tuple[str, ...] | None:
    """Return where one event may change something; None where it cannot be told, which is everywhere."""
    match event:
        case events.PromotionRequested(promotion=asked):
            return (asked.environment,)
        case (
            events.DecisionMade(promotion=key)
            | events.GateWaived(promotion=key)
            | events.ChecklistAnswered(promotion=key)
            | events.Remarked(promotion=key)
        ):
            promotion = reading.get(Promotion, key)
            return (promotion.environment,) if promotion else ()
        case events.EvidenceRecorded(evidence=evidence):
            return _waiting_for(reading, evidence.solution)
        case (
            events.DeploymentFinished(deployment=key)
            | events.Verified(deployment=key)
            | events.Reconciled(deployment=key)
            | events.WatchEnded(deployment=key)
        ):
            deployment = reading.get(Deployment, key)
            return (*_waiting_for(reading, deployment.solution), deployment.environment) if deployment else ()
        case events.DriftFound(finding=finding):
            return (finding.environment,)
        case events.DriftResolved(finding=key):
            known = reading.get(DriftFinding, key)
            return (known.environment,) if known else ()
        case events.LockObserved(environment=name):
            return (name,)
        case events.Installed():
            return ()  # its end is told by itself
        case _:
            return None


def _waiting_for(reading: Reading, solution: str) -> tuple[str, ...]:
    return tuple(p.environment for p in reading.find(Promotion, solution=solution, states=OPEN_STATES))
