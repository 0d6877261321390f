"""The routes of the API: one per request, with where it is found, what it takes, and what it is for.

The console, the command line of whoever is logged in, and other programs use these and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from lampway.engine import cases as c
from lampway.engine.context import Request

Method: TypeAlias = Literal["GET", "POST"]
Scope: TypeAlias = Literal["read", "act", "decide"]
BASE = "/api/v1"


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked for. What is no part of the path comes in the query (GET) or as JSON (POST)."""

    method: Method
    path: str
    """Below `BASE`; `{name}` is a field of the request."""
    request: type[Request[Any]]
    scope: Scope
    """What a token must be for."""

    @property
    def in_path(self) -> tuple[str, ...]:
        """The fields that the path gives."""
        return tuple(part[1:-1] for part in self.path.split("/") if part.startswith("{"))

    @property
    def about(self) -> str:
        """What it is for: the first paragraph of the request's docstring."""
        return " ".join((self.request.__doc__ or "").partition("\n\n")[0].split())


def _get(path: str, request: type[Request[Any]]) -> Route:
    return Route("GET", path, request, "read")


def _act(path: str, request: type[Request[Any]]) -> Route:
    return Route("POST", path, request, "act")


def _decide(path: str, request: type[Request[Any]]) -> Route:
    return Route("POST", path, request, "decide")


def _draft(path: str, request: type[Request[Any]]) -> Route:
    """Return a route of something that changes nothing, and is too big for a query."""
    return Route("POST", path, request, "read")


ROUTES: tuple[Route, ...] = (
    # what is where
    _get("/status", c.Status),
    _get("/inbox", c.Inbox),
    _get("/tasks", c.ShowTasks),
    _get("/lapsed", c.ShowLapsed),
    _get("/history", c.History),
    _get("/workers", c.ShowWorkers),
    _get("/readiness", c.ShowReadiness),
    _act("/readiness/{item}/answer", c.AnswerReadiness),
    _get("/measures", c.ShowMeasures),
    _get("/delivery", c.ShowDelivery),
    _get("/spans", c.ShowSpans),
    _get("/waits/{solution}", c.ShowWaits),
    _act("/resume", c.Resume),
    _act("/due", c.RunDue),
    # releases and packages
    _act("/solutions/{solution}/releases", c.MakeRelease),
    _get("/compare", c.CompareReleases),
    _get("/releases/{release}/evidence", c.ShowEvidence),
    _get("/releases/{release}/evidence-file", c.ExportEvidence),
    _get("/evidence/{evidence}/kept", c.ReadKept),
    _act("/releases/{release}/checks", c.RunChecks),
    _decide("/releases/{release}/attestations", c.AttestCheck),
    _draft("/releases/{release}/attestations/draft", c.DraftTested),
    _act("/releases/{release}/veto", c.VetoRelease),
    _get("/packages", c.VerifyPackages),
    _act("/packages/repair", c.RepairPackages),
    _act("/retention", c.Retain),
    # promotions
    _get("/explain", c.Explain),
    _act("/promotions", c.Promote),
    _get("/promotions/{promotion}", c.ShowPromotion),
    _decide("/promotions/{promotion}/decision", c.Decide),
    _draft("/promotions/{promotion}/decision/draft", c.DraftDecision),
    _act("/promotions/{promotion}/abort", c.Abort),
    _act("/promotions/{promotion}/remarks", c.Talk),
    _act("/promotions/{promotion}/ticket", c.GiveTicket),
    _decide("/promotions/{promotion}/waivers", c.Waive),
    _draft("/promotions/{promotion}/waivers/draft", c.DraftWaiver),
    _decide("/promotions/{promotion}/checklist", c.Checklist),
    _draft("/promotions/{promotion}/checklist/draft", c.DraftAnswers),
    # environments
    _get("/environments", c.ShowEnvironments),
    _get("/solutions/{solution}/configuration", c.ShowConfiguration),
    _get("/platforms", c.ShowPlatforms),
    _act("/environments/{environment}/connect", c.Connect),
    _act("/environments/{environment}/adopt", c.Adopt),
    _get("/environments/{environment}/loose", c.ShowLoose),
    _act("/environments/{environment}/gather", c.GatherLoose),
    _act("/environments/{environment}/lock", c.LookAtLock),
    _act("/solutions/{solution}/rollback", c.Rollback),
    _act("/solutions/{solution}/reconcile", c.Reconcile),
    _act("/solutions/{solution}/recertify", c.Recertify),
    _act("/drift/scan", c.ScanDrift),
    _act("/drift/accept", c.AcceptDrift),
    _act("/drift/revert", c.RevertDrift),
    _get("/stops", c.ShowStops),
    _act("/holds", c.PutOnHold),
    _act("/holds/lift", c.LiftHold),
    _get("/locks", c.ShowLocks),
    _get("/environments/{environment}/lock/history", c.LockHistory),
    _act("/locks/look", c.LookAtLocks),
    _act("/environments/{environment}/lock/set", c.LockEnvironment),
    _act("/environments/{environment}/unlock", c.Unlock),
    _decide("/environments/{environment}/unlock/confirm", c.ConfirmUnlock),
    _decide("/environments/{environment}/unlock/review", c.ReviewUnlock),
    _draft("/environments/{environment}/unlock/draft", c.DraftUnlockWord),
    _get("/solutions/{solution}/rollback/plan", c.PlanRollback),
    _act("/rehearsals", c.Rehearse),
    _get("/rehearsals/{rehearsal}", c.ShowRehearsal),
    _get("/hotfixes", c.ShowHotfixes),
    _act("/solutions/{solution}/hotfix", c.StartHotfix),
    _act("/solutions/{solution}/hotfix/finish", c.FinishHotfix),
    _act("/solutions/{solution}/hotfix/abandon", c.AbandonHotfix),
    _get("/sandboxes", c.ShowSandboxes),
    _act("/sandboxes", c.CreateSandbox),
    _act("/sandboxes/{name}/reset", c.ResetSandbox),
    _act("/sandboxes/{name}/extend", c.ExtendSandbox),
    _act("/sandboxes/{name}/expire", c.ExpireSandbox),
    _act("/drift/backport", c.BackportDrift),
    _get("/backports", c.ShowBackports),
    _act("/backports/{backport}/close", c.CloseBackport),
    # pages of the path
    _get("/solutions/{solution}", c.ShowSolution),
    _get("/releases/{release}", c.ShowRelease),
    _get("/releases/{release}/change/{to}", c.ShowChange),
    _get("/solutions/{solution}/preview", c.PreviewRelease),
    _get("/promotions/{promotion}/case", c.ShowCase),
    _get("/promotions/{promotion}/progress", c.ShowProgress),
    _get("/calendar", c.ShowCalendar),
    # is it still needed
    _get("/campaigns", c.ShowCampaigns),
    _get("/owed", c.ShowOwed),
    _get("/solutions/{solution}/question", c.ShowQuestion),
    _decide("/solutions/{solution}/answer/review", c.ReviewAnswer),
    _get("/retirements", c.ShowRetirements),
    _act("/solutions/{solution}/retire", c.Retire),
    _decide("/solutions/{solution}/retire/approve", c.ApproveRetirement),
    _draft("/solutions/{solution}/retire/draft", c.DraftConsent),
    _act("/solutions/{solution}/retire/undo", c.UndoRetirement),
    _act("/solutions/{solution}/switched", c.MarkSwitched),
    # people
    _get("/delegations", c.Delegations),
    _decide("/delegations", c.Delegate),
    _draft("/delegations/draft", c.DraftDelegation),
    _decide("/delegations/{delegation}/end", c.EndDelegation),
    _decide("/revocations", c.Revoke),
    _act("/people/{person}/handover", c.HandOver),
    _get("/tokens", c.ShowTokens),
    _decide("/tokens", c.IssueToken),
    _act("/tokens/{token}/revoke", c.RevokeToken),
    _get("/passkeys", c.ShowPasskeys),
    _act("/passkeys/{passkey}/remove", c.RemovePasskey),
    _get("/people", c.ShowPeople),
    _get("/invitations", c.ShowInvitations),
    _decide("/invitations", c.Invite),
    _act("/invitations/{invitation}/revoke", c.RevokeInvitation),
    # notices
    _get("/notices", c.ShowNotices),
    _act("/notices/send", c.SendNotices),
    _act("/notices/test", c.TryChannel),
    # rules and the ledger
    _act("/strategy/apply", c.ApplyStrategy),
    _get("/strategy", c.ShowStrategy),
    _get("/strategy/document", c.FetchDocument),
    _get("/strategy/history", c.ShowStrategyHistory),
    _get("/strategy/judgement", c.JudgeStrategy),
    _get("/ledger", c.FollowLedger),
    _get("/ledger/search", c.SearchLedger),
    _get("/ledger/export", c.ExportLedger),
    _draft("/ledger/verify", c.Audit),
    _act("/ledger/verify/record", c.RecordAudit),
    _act("/ledger/checkpoints", c.MakeCheckpoint),
    _get("/coverage", c.Cover),
    _get("/coverage/who", c.WhoCould),
)
"""Everything. A request that is in no route cannot be asked for over the network."""

BY_REQUEST: dict[type[Request[Any]], Route] = {route.request: route for route in ROUTES}
"""Where a request is found."""
