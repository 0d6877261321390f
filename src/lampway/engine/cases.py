"""Every use case by the request that asks for it: the one door, in-process today and over the API later."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lampway.domain.events import Actor
from lampway.engine.approving import ShowCase, show_case
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
from lampway.engine.backport import (
    BackportDrift,
    CloseBackport,
    ShowBackports,
    backport_drift,
    close_backport,
    show_backports,
)
from lampway.engine.calendar import ShowCalendar, show_calendar
from lampway.engine.certify import Recertify, ReviewAnswer, recertify, review_answer
from lampway.engine.checklist import Checklist, DraftAnswers, draft_answers, show_checklist
from lampway.engine.checkpoint import MakeCheckpoint, make_checkpoint
from lampway.engine.connect import Adopt, Connect, adopt, connect
from lampway.engine.context import Engine, Request
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
from lampway.engine.document import FetchDocument, WriteDocument, fetch_document, write_strategy_document
from lampway.engine.drift import (
    AcceptDrift,
    RevertDrift,
    ScanDrift,
    accept_drift,
    revert_drift,
    scan_drift,
)
from lampway.engine.due import Done, RunDue, run_due
from lampway.engine.evidence import ExportEvidence, export_evidence
from lampway.engine.follow import FollowLedger, follow_ledger
from lampway.engine.handover import HandOver, hand_over
from lampway.engine.hotfix import StartHotfix, start_hotfix
from lampway.engine.hotfixed import (
    AbandonHotfix,
    FinishHotfix,
    ShowHotfixes,
    abandon_hotfix,
    finish_hotfix,
    show_hotfixes,
)
from lampway.engine.invitations import (
    Invite,
    RevokeInvitation,
    ShowInvitations,
    invite,
    revoke_invitation,
    show_invitations,
)
from lampway.engine.locks import (
    LockEnvironment,
    LockHistory,
    LookAtLock,
    LookAtLocks,
    ShowLocks,
    lock_environment,
    lock_history,
    look_at_locks,
    look_at_one_lock,
    show_locks,
)
from lampway.engine.loose import GatherLoose, ShowLoose, gather_loose, show_loose
from lampway.engine.measures import ShowMeasures, show_measures
from lampway.engine.packages import RepairPackages, VerifyPackages, repair_packages, verify_packages
from lampway.engine.passkeys import (
    RegisterPasskey,
    RemovePasskey,
    ShowPasskeys,
    register_passkey,
    remove_passkey,
    show_passkeys,
)
from lampway.engine.people import ShowPeople, show_people
from lampway.engine.picture import ShowChange, show_change
from lampway.engine.preview import PreviewRelease, preview_release
from lampway.engine.progress import ShowProgress, show_progress
from lampway.engine.promote import Abort, Promote, Rollback, abort, promote, rollback
from lampway.engine.questions import (
    ShowCampaigns,
    ShowOwed,
    ShowQuestion,
    ShowRetirements,
    show_campaigns,
    show_owed,
    show_question,
    show_retirements,
)
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
from lampway.engine.rehearse import Rehearse, ShowRehearsal, rehearse, show_rehearsal
from lampway.engine.release import MakeRelease, make_release
from lampway.engine.releaseview import ShowRelease, show_release
from lampway.engine.retention import Retain, retain
from lampway.engine.retire import (
    ApproveRetirement,
    DraftConsent,
    Retire,
    UndoRetirement,
    approve_retirement,
    draft_consent,
    retire,
    undo_retirement,
)
from lampway.engine.revoke import Revoke, revoke
from lampway.engine.rollbackplan import PlanRollback, plan_rollback
from lampway.engine.sandboxes import (
    CreateSandbox,
    ExpireSandbox,
    ExtendSandbox,
    ResetSandbox,
    ShowSandboxes,
    create_sandbox,
    expire_sandbox,
    extend_sandbox,
    reset_sandbox,
    show_sandboxes,
)
from lampway.engine.signed import DraftDecision, draft_decision
from lampway.engine.solutionview import ShowSolution, show_solution
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
from lampway.engine.strategy_history import (
    JudgeStrategy,
    ShowStrategyHistory,
    judge_strategy,
    show_strategy_history,
)
from lampway.engine.strategy_text import ShowStrategy, show_strategy
from lampway.engine.switching import MarkSwitched, mark_switched
from lampway.engine.talk import Talk, talk
from lampway.engine.tasks import ShowTasks, show_tasks
from lampway.engine.ticket import GiveTicket, give_ticket
from lampway.engine.tokens import IssueToken, RevokeToken, ShowTokens, issue_token, revoke_token, show_tokens
from lampway.engine.traces import ShowSpans, show_spans
from lampway.engine.trail import ExportLedger, SearchLedger, export_ledger, search_ledger
from lampway.engine.unlock import (
    ConfirmUnlock,
    DraftUnlockWord,
    ReviewUnlock,
    Unlock,
    confirm_unlock,
    draft_unlock_word,
    review_unlock,
    unlock,
)
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
from lampway.engine.whereabouts import (
    ShowConfiguration,
    ShowEnvironments,
    ShowPlatforms,
    show_configuration,
    show_environments,
    show_platforms,
)
from lampway.engine.workers import ShowWorkers, show_workers


@dataclass(frozen=True, slots=True)
class Resume(Request[Done]):
    """Go on with whatever is under way or may start."""


def resume(engine: Engine, request: Resume, actor: Actor) -> Done:
    """Do what time has made due; work that may start because of it is settled afterwards."""
    del request
    return run_due(engine, RunDue(), actor)


CASES: dict[type[Request[Any]], Callable[[Engine, Any, Actor], Any]] = {
    Abort: abort,
    AcceptDrift: accept_drift,
    Adopt: adopt,
    ShowLoose: show_loose,
    GatherLoose: gather_loose,
    ApplyStrategy: apply_strategy,
    Audit: audit,
    CompareReleases: compare_releases,
    Connect: connect,
    Decide: decide,
    Explain: explain,
    History: history,
    Inbox: inbox,
    ShowTasks: show_tasks,
    LiftHold: lift_hold,
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
    FetchDocument: fetch_document,
    ShowStrategyHistory: show_strategy_history,
    JudgeStrategy: judge_strategy,
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
    RegisterPasskey: register_passkey,
    RemovePasskey: remove_passkey,
    ShowPasskeys: show_passkeys,
    FollowLedger: follow_ledger,
    LookAtLock: look_at_one_lock,
    LookAtLocks: look_at_locks,
    LockEnvironment: lock_environment,
    ShowLocks: show_locks,
    LockHistory: lock_history,
    Unlock: unlock,
    ConfirmUnlock: confirm_unlock,
    ReviewUnlock: review_unlock,
    DraftUnlockWord: draft_unlock_word,
    ReviewAnswer: review_answer,
    ShowCampaigns: show_campaigns,
    ShowQuestion: show_question,
    ShowOwed: show_owed,
    ShowRetirements: show_retirements,
    Retire: retire,
    ApproveRetirement: approve_retirement,
    DraftConsent: draft_consent,
    UndoRetirement: undo_retirement,
    MarkSwitched: mark_switched,
    Rehearse: rehearse,
    StartHotfix: start_hotfix,
    FinishHotfix: finish_hotfix,
    AbandonHotfix: abandon_hotfix,
    ShowHotfixes: show_hotfixes,
    CreateSandbox: create_sandbox,
    ShowSandboxes: show_sandboxes,
    ResetSandbox: reset_sandbox,
    ExtendSandbox: extend_sandbox,
    ExpireSandbox: expire_sandbox,
    ShowRehearsal: show_rehearsal,
    PlanRollback: plan_rollback,
    BackportDrift: backport_drift,
    CloseBackport: close_backport,
    ShowBackports: show_backports,
    ShowSolution: show_solution,
    ShowRelease: show_release,
    ShowChange: show_change,
    PreviewRelease: preview_release,
    ShowCase: show_case,
    ShowProgress: show_progress,
    ShowCalendar: show_calendar,
    ShowEnvironments: show_environments,
    ShowConfiguration: show_configuration,
    ShowPlatforms: show_platforms,
    ShowStrategy: show_strategy,
    Invite: invite,
    RevokeInvitation: revoke_invitation,
    ShowInvitations: show_invitations,
    ShowPeople: show_people,
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
        LockEnvironment,
        ReviewUnlock,
        Retire,
        ApproveRetirement,
        UndoRetirement,
        BackportDrift,
        Rehearse,
        FinishHotfix,
    }
)
"""Requests after which something may be ready to be deployed."""

TELLING: frozenset[type[Request[Any]]] = MOVING | {
    ScanDrift,
    LookAtLock,
    VetoRelease,
    Promote,
    LookAtLocks,
    Unlock,
    ConfirmUnlock,
    ReviewAnswer,
    Invite,
}
"""Requests after which there may be something to tell people."""
