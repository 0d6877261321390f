"""Every use case by the request that asks for it: the one door, in-process today and over the API later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lampway.domain.events import Actor
from lampway.engine.attest import (
    AttestCheck,
    DraftTested,
    ReadKept,
    ShowEvidence,
    attest_check,
    draft_tested,
    read_kept,
    show_evidence,
)
from lampway.engine.audit import Audit, History, audit, history
from lampway.engine.certify import Recertify, recertify
from lampway.engine.checklist import Checklist, DraftAnswers, draft_answers, show_checklist
from lampway.engine.checkpoint import MakeCheckpoint, make_checkpoint
from lampway.engine.connect import Adopt, Connect, adopt, connect
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.coverage import Cover, WhoCould, cover, who_could
from lampway.engine.decide import Decide, decide
from lampway.engine.delegate import (
    Delegate,
    Delegations,
    DraftDelegation,
    EndDelegation,
    delegate,
    delegations,
    draft_delegation,
    end_delegation,
)
from lampway.engine.deliver import SendNotices, ShowNotices, TryChannel, send_notices, show_notices, try_channel
from lampway.engine.delivery import ShowDelivery, show_delivery
from lampway.engine.document import WriteDocument, write_strategy_document
from lampway.engine.drift import (
    AcceptDrift,
    RevertDrift,
    ScanDrift,
    accept_drift,
    look_at_lock,
    revert_drift,
    scan_drift,
)
from lampway.engine.due import Done, RunDue, run_due
from lampway.engine.evidence import ExportEvidence, export_evidence
from lampway.engine.handover import HandOver, hand_over
from lampway.engine.measures import ShowMeasures, show_measures
from lampway.engine.packages import RepairPackages, VerifyPackages, repair_packages, verify_packages
from lampway.engine.platform import Lock
from lampway.engine.promote import Abort, Promote, Rollback, abort, promote, rollback
from lampway.engine.readiness import (
    AnswerReadiness,
    RecordAudit,
    ShowReadiness,
    answer_readiness,
    record_audit,
    show_readiness,
)
from lampway.engine.recheck import RunChecks, ShowLapsed, run_checks, show_lapsed
from lampway.engine.reconcile import Reconcile, reconcile
from lampway.engine.release import MakeRelease, make_release
from lampway.engine.retention import Retain, retain
from lampway.engine.revoke import Revoke, revoke
from lampway.engine.signed import DraftDecision, draft_decision
from lampway.engine.stops import (
    LiftHold,
    PutOnHold,
    ShowStops,
    VetoRelease,
    lift_hold,
    put_on_hold,
    show_stops,
    veto_release,
)
from lampway.engine.strategy import ApplyStrategy, apply_strategy
from lampway.engine.talk import Talk, talk
from lampway.engine.ticket import GiveTicket, give_ticket
from lampway.engine.follow import FollowLedger, follow_ledger
from lampway.engine.tokens import IssueToken, RevokeToken, ShowTokens, issue_token, revoke_token, show_tokens
from lampway.engine.traces import ShowSpans, show_spans
from lampway.engine.trail import ExportLedger, SearchLedger, export_ledger, search_ledger
from lampway.engine.views import (
    CompareReleases,
    Explain,
    Inbox,
    ShowPromotion,
    Status,
    compare_releases,
    explain,
    inbox,
    show_promotion,
    status,
)
from lampway.engine.waiting import ShowWaits, show_waits
from lampway.engine.waive import DraftWaiver, Waive, draft_waiver, waive
from lampway.engine.workers import ShowWorkers, show_workers


@dataclass(frozen=True, slots=True)
class LookAtLock(Request[Lock]):
    """Look whether makers can edit in an environment."""

    environment: str


@dataclass(frozen=True, slots=True)
class Resume(Request[Done]):
    """Go on with whatever is under way or may start."""


def lock(engine: Engine, request: LookAtLock, actor: Actor) -> Lock:
    """Look at an environment's lock and record it."""
    with engine.store.reading() as reading:
        environment = rules_in_force(reading).strategy.environment(request.environment)
    return look_at_lock(engine, environment, actor)


def resume(engine: Engine, request: Resume, actor: Actor) -> Done:
    """Do what time has made due; work that may start because of it is settled afterwards."""
    del request
    return run_due(engine, RunDue(), actor)


CASES: dict[type[Request[Any]], Callable[[Engine, Any, Actor], Any]] = {
    Abort: abort,
    AcceptDrift: accept_drift,
    Adopt: adopt,
    ApplyStrategy: apply_strategy,
    Audit: audit,
    CompareReleases: compare_releases,
    Connect: connect,
    Decide: decide,
    Explain: explain,
    History: history,
    Inbox: inbox,
    LiftHold: lift_hold,
    LookAtLock: lock,
    MakeRelease: make_release,
    Promote: promote,
    PutOnHold: put_on_hold,
    Reconcile: reconcile,
    Resume: resume,
    RevertDrift: revert_drift,
    Rollback: rollback,
    ScanDrift: scan_drift,
    ShowPromotion: show_promotion,
    ShowStops: show_stops,
    Status: status,
    VetoRelease: veto_release,
    RunChecks: run_checks,
    AttestCheck: attest_check,
    ShowEvidence: show_evidence,
    ReadKept: read_kept,
    ShowLapsed: show_lapsed,
    MakeCheckpoint: make_checkpoint,
    ExportLedger: export_ledger,
    SearchLedger: search_ledger,
    Cover: cover,
    WhoCould: who_could,
    Waive: waive,
    Talk: talk,
    Delegate: delegate,
    EndDelegation: end_delegation,
    Delegations: delegations,
    Checklist: show_checklist,
    ShowWaits: show_waits,
    DraftDecision: draft_decision,
    ExportEvidence: export_evidence,
    Revoke: revoke,
    Recertify: recertify,
    GiveTicket: give_ticket,
    DraftDelegation: draft_delegation,
    DraftWaiver: draft_waiver,
    DraftAnswers: draft_answers,
    DraftTested: draft_tested,
    VerifyPackages: verify_packages,
    RepairPackages: repair_packages,
    Retain: retain,
    ShowWorkers: show_workers,
    ShowReadiness: show_readiness,
    AnswerReadiness: answer_readiness,
    RecordAudit: record_audit,
    WriteDocument: write_strategy_document,
    HandOver: hand_over,
    ShowNotices: show_notices,
    SendNotices: send_notices,
    TryChannel: try_channel,
    RunDue: run_due,
    ShowDelivery: show_delivery,
    ShowMeasures: show_measures,
    ShowSpans: show_spans,
    IssueToken: issue_token,
    RevokeToken: revoke_token,
    ShowTokens: show_tokens,
    FollowLedger: follow_ledger,
}
"""Request to use case."""

MOVING: frozenset[type[Request[Any]]] = frozenset(
    {
        Promote,
        Decide,
        Rollback,
        RevertDrift,
        AcceptDrift,
        ApplyStrategy,
        Reconcile,
        Resume,
        Abort,
        LiftHold,
        RunChecks,
        AttestCheck,
        Waive,
        Checklist,
        Recertify,
        GiveTicket,
        RunDue,
    }
)
"""Requests after which something may be ready to be deployed."""

TELLING: frozenset[type[Request[Any]]] = MOVING | {ScanDrift, LookAtLock, VetoRelease, Promote}
"""Requests after which there may be something to tell people."""
