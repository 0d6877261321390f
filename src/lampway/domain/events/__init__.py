"""Events: the facts of the ledger. A kind and its schema version never change their meaning."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.events.base import ENGINE, Actor, Event
from lampway.domain.events.duties import (
    AttestationRecorded,
    Certified,
    ChecklistAnswered,
    CheckpointMade,
    Delegated,
    DelegationEnded,
    EngineKeyRecorded,
    GateWaived,
    Held,
    HoldLifted,
    LedgerVerified,
    PackagesRemoved,
    RanOut,
    ReadinessAnswered,
    Remarked,
    Reminded,
    Revoked,
    TicketGiven,
    Vetoed,
)
from lampway.domain.events.path import (
    Adopted,
    DecisionMade,
    DeploymentFinished,
    DeploymentStarted,
    DriftFound,
    DriftResolved,
    EnvironmentObserved,
    EvidenceRecorded,
    Installed,
    LockObserved,
    PromotionMoved,
    PromotionRequested,
    Reconciled,
    ReleaseSealed,
    Seeded,
    StepFinished,
    StepRunning,
    StepStarted,
    StrategyApplied,
    Tagged,
    Verified,
)

__all__ = [
    "ENGINE",
    "EVENTS",
    "Actor",
    "Adopted",
    "AttestationRecorded",
    "Certified",
    "ChecklistAnswered",
    "CheckpointMade",
    "DecisionMade",
    "Delegated",
    "DelegationEnded",
    "DeploymentFinished",
    "DeploymentStarted",
    "DriftFound",
    "DriftResolved",
    "EngineKeyRecorded",
    "EnvironmentObserved",
    "Event",
    "EvidenceRecorded",
    "GateWaived",
    "Held",
    "HoldLifted",
    "Installed",
    "LedgerVerified",
    "LockObserved",
    "PackagesRemoved",
    "PromotionMoved",
    "PromotionRequested",
    "RanOut",
    "ReadinessAnswered",
    "Reconciled",
    "Recorded",
    "ReleaseSealed",
    "Remarked",
    "Reminded",
    "Revoked",
    "Seeded",
    "StepFinished",
    "StepRunning",
    "StepStarted",
    "StrategyApplied",
    "Tagged",
    "TicketGiven",
    "Verified",
    "Vetoed",
]

EVENTS: dict[str, type[Event]] = {
    event.kind: event
    for event in (
        StrategyApplied,
        ReleaseSealed,
        Adopted,
        Seeded,
        PromotionRequested,
        DecisionMade,
        PromotionMoved,
        DeploymentStarted,
        StepStarted,
        StepFinished,
        Installed,
        Verified,
        DeploymentFinished,
        Reconciled,
        EvidenceRecorded,
        EnvironmentObserved,
        DriftFound,
        DriftResolved,
        LockObserved,
        Tagged,
        Held,
        HoldLifted,
        Vetoed,
        CheckpointMade,
        GateWaived,
        Remarked,
        ChecklistAnswered,
        Delegated,
        DelegationEnded,
        AttestationRecorded,
        EngineKeyRecorded,
        Revoked,
        TicketGiven,
        Certified,
        PackagesRemoved,
        RanOut,
        Reminded,
        StepRunning,
        ReadinessAnswered,
        LedgerVerified,
    )
}
"""Every kind of event, by name."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its place in the ledger."""

    seq: int
    at: str
    """ISO time, UTC."""
    actor: Actor
    event: Event
    hash: str
