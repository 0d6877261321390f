"""Reach: in which environments something that was recorded may let something start, or stop it from starting."""

from __future__ import annotations

from collections.abc import Iterable

from lampway.domain import events
from lampway.domain.deployment import Deployment, DriftFinding
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.strategy import RulesInForce
from lampway.engine.store import Reading

GOVERNING_ONLY = (
    events.CampaignOpened,
    events.RungTaken,
    events.QuestionAnswered,
    events.AnswerReviewed,
    events.ReviewReminded,
    events.SwitchBegun,
    events.Switched,
    events.SwitchDelayed,
    events.RetirementRequested,
    events.RetirementApproved,
    events.RetirementBegun,
    events.RetirementDelayed,
    events.RemovalAsked,
    events.RetirementEnded,
    events.CertificateClosed,
)
"""What starts no deployment by itself: the promotions and switches that follow from it are told by themselves."""
_NOWHERE = (
    events.PromotionMoved,  # the outcome of looking, or the end of something
    events.DeploymentStarted,
    events.StepStarted,
    events.StepRunning,
    events.StepHindered,
    events.StepFinished,
    events.EnvironmentObserved,
    events.AttestationRecorded,
    events.EngineKeyRecorded,
    events.CheckpointMade,
    events.Tagged,
    events.Seeded,
    events.Gathered,
    events.ReleaseSealed,
    events.Reminded,
    events.ApprovalAsked,
    events.WatchStarted,
    events.WatchLooked,
    events.PackagesRemoved,
    events.RolesClaimed,  # a decision with such a role is told by itself
    events.TokenIssued,
    events.TokenRevoked,
    events.PasskeyRegistered,
    events.PasskeyRemoved,
    events.InvitationMade,
    events.InvitationUsed,
    events.InvitationRevoked,
    events.UnlockAsked,
    *GOVERNING_ONLY,
    events.BackportOpened,
    events.BackportEnded,
    events.RehearsalStarted,
    events.RehearsalEnded,
    events.HotfixEnded,
    events.HotfixReleased,
    events.HotfixStarted,
    events.SandboxCreated,
    events.SandboxEnded,
    events.SandboxExtended,
    events.SandboxReminded,
    events.SandboxStarted,
)
_OF_A_PROMOTION = (
    events.DecisionMade,
    events.GateWaived,
    events.ChecklistAnswered,
    events.Remarked,
    events.TicketGiven,
    events.PromotionMoved,
    events.ApprovalAsked,
    events.Reminded,
    events.RanOut,
)
_OF_A_DEPLOYMENT = (
    events.Installed,
    events.Verified,
    events.DeploymentFinished,
    events.Reconciled,
    events.WatchLooked,
    events.WatchEnded,
)
_FOR_ALL = (
    events.StrategyApplied,
    events.Held,
    events.HoldLifted,
    events.Delegated,
    events.DelegationEnded,
    events.Adopted,
    events.Installed,
    events.Unlocked,
    events.UnlockFailed,
    events.Relocked,
    events.UnlockReviewed,
    events.Certified,
    events.CampaignOpened,
    events.RungTaken,
    events.QuestionAnswered,
    events.AnswerReviewed,
    events.ReviewReminded,
    events.RetirementBegun,
    events.RetirementDelayed,
    events.RetirementEnded,
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


def _places(  # noqa: C901, PLR0911 - a case per kind
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
        case events.SwitchAsked(switch=switch):
            return (switch.environment,)
        case (
            events.LockObserved(environment=name)
            | events.UnlockFailed(environment=name)
            | events.Relocked(environment=name)
            | events.RelockFailed(environment=name)
            | events.UnlockReviewed(environment=name)
        ):
            return (name,)
        case events.Unlocked(unlocking=unlocking):
            return (unlocking.environment,)
        case events.Installed():
            return ()  # its end is told by itself
        case _:
            return None


def _waiting_for(reading: Reading, solution: str) -> tuple[str, ...]:
    return tuple(p.environment for p in reading.find(Promotion, solution=solution, states=OPEN_STATES))


def touched(reading: Reading, recorded: Iterable[events.Recorded], environment: str) -> frozenset[str] | None:
    """Return the solutions whose promotions to this environment may be judged otherwise because of these events.

    A promotion is concerned by its own solution and by those that it needs. None: all of them may be.
    """
    found: set[str] = set()
    for one in recorded:
        solutions = _solutions(reading, one.event, environment)
        if solutions is None:
            return None
        found.update(solutions)
    return frozenset(found)


def _solutions(  # noqa: PLR0911 - a case per kind
    reading: Reading, event: events.Event, environment: str
) -> tuple[str, ...] | None:
    """Return whose promotions one event may change; None where it cannot be told, which is all of them."""
    match event:
        case events.PromotionRequested(promotion=asked):
            return (asked.solution,)
        case events.EvidenceRecorded(evidence=evidence):
            return (evidence.solution,)
        case events.WatchStarted(watch=watch):
            return (watch.solution,)
        case events.DriftFound(finding=finding):
            return (finding.solution,)
        case events.DriftResolved(finding=key):
            return _solution_of(reading.get(DriftFinding, key))
        case events.LockObserved(environment=name):
            return None if name == environment else ()
    if isinstance(event, _OF_A_PROMOTION) and event.promotion:
        return _solution_of(reading.get(Promotion, event.promotion))
    if isinstance(event, _OF_A_DEPLOYMENT):
        return _solution_of(reading.get(Deployment, event.deployment))
    return () if isinstance(event, _NOWHERE) else None


def _solution_of(record: Promotion | Deployment | DriftFinding | None) -> tuple[str, ...] | None:
    return (record.solution,) if record else None
