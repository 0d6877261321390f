"""Roles: those that are shipped, what each may do, which must not meet in one person, and for how long one is held."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from lampway.domain.unlocking import SECONDS, UNLOCKERS

SHIPPED: dict[str, str] = {
    "maker": "builds solutions in dev, releases them and asks for promotions",
    "tester": "proves that releases work, and signs what was tried",
    "solution-owner": "answers for a solution: its purpose, its rollback plan, whether it is still needed",
    "approver": "decides what enters production, never about their own work",
    "release-manager": "keeps releases moving: waives, accepts and reverts drift, reconciles, lifts holds",
    "platform-admin": "puts these rules in force, connects and locks environments",
    "auditor": "reads everything, records what was verified, changes nothing else",
}
"""Role to what it is for. A team may declare others; they may do what the strategy names them for."""

MEMBERS = ("maker", "tester", "solution-owner", "approver", "release-manager", "platform-admin")
"""Everybody who takes part, and not only reads."""
ANYBODY: tuple[str, ...] = ()
"""Whoever is in people.yaml, with any role or none."""


@dataclass(frozen=True, slots=True)
class Permission:
    """Who may ask for something."""

    request: str
    """Name of the request."""
    command: str
    """How people ask for it."""
    roles: tuple[str, ...]
    """One of these is needed; none: whoever is in people.yaml."""


PERMISSIONS: tuple[Permission, ...] = (
    Permission("MakeRelease", "release", ("maker", "release-manager", "platform-admin")),
    Permission("Promote", "promote", MEMBERS),
    Permission("Abort", "abort", MEMBERS),
    Permission("RunChecks", "check run", MEMBERS),
    Permission("Talk", "ask, answer", ANYBODY),
    Permission("Rollback", "rollback", MEMBERS),
    Permission("RevertDrift", "drift revert", ("approver", "solution-owner", "release-manager", "platform-admin")),
    Permission("AcceptDrift", "drift accept", ("approver", "solution-owner", "release-manager", "platform-admin")),
    Permission("Reconcile", "reconcile", ("release-manager", "platform-admin")),
    Permission("Recertify", "recertify", ANYBODY),
    Permission("GiveTicket", "ticket", MEMBERS),
    Permission("RepairPackages", "packages repair", ("release-manager", "platform-admin")),
    Permission("Retain", "retention --apply", ("release-manager", "platform-admin")),
    Permission("TryChannel", "notify test", MEMBERS),
    Permission("Unlock", "unlock", UNLOCKERS),
    Permission("ConfirmUnlock", "unlock --confirm", SECONDS),
    Permission("ReviewUnlock", "unlock --review", SECONDS),
    Permission("LockEnvironment", "lock", ANYBODY),
    Permission("PutOnHold", "hold, stop", ANYBODY),
    Permission("VetoRelease", "veto", ANYBODY),
    Permission("MakeCheckpoint", "audit checkpoint", (*MEMBERS, "auditor")),
    Permission("RecordAudit", "audit verify --record", ("auditor", "release-manager", "platform-admin")),
    Permission("AnswerReadiness", "readiness --answer", MEMBERS),
    Permission("HandOver", "handover", ANYBODY),
    Permission("IssueToken", "token create", ANYBODY),
    Permission("RevokeToken", "token revoke", ANYBODY),
    Permission("Invite", "invite", ("platform-admin",)),
    Permission("RevokeInvitation", "invite --revoke", ANYBODY),
    Permission("RegisterPasskey", "the console", ANYBODY),
    Permission("RemovePasskey", "passkey remove", ANYBODY),
    Permission("Rehearse", "rehearse", MEMBERS),
    Permission("StartHotfix", "hotfix", ("maker", "release-manager", "platform-admin")),
    Permission("FinishHotfix", "hotfix finish", ("maker", "release-manager", "platform-admin")),
    Permission("AbandonHotfix", "hotfix abandon", ("maker", "release-manager", "platform-admin")),
    Permission("CreateSandbox", "sandbox create", ANYBODY),
    Permission("ResetSandbox", "sandbox reset", ANYBODY),
    Permission("ExtendSandbox", "sandbox extend", ANYBODY),
    Permission("ExpireSandbox", "sandbox expire", ANYBODY),
    Permission("BackportDrift", "drift backport", ("approver", "solution-owner", "release-manager", "platform-admin")),
    Permission("CloseBackport", "backport close", ("approver", "solution-owner", "release-manager", "platform-admin")),
    Permission("ApplyStrategy", "strategy apply", ("platform-admin",)),
    Permission("ReviewAnswer", "review", ANYBODY),
    Permission("Retire", "retire", MEMBERS),
    Permission("UndoRetirement", "retire --undo", ANYBODY),
    Permission("MarkSwitched", "switched", ("platform-admin",)),
    Permission("Connect", "connect", ("platform-admin",)),
    Permission("Adopt", "adopt", ("maker", "release-manager", "platform-admin")),
    Permission("GatherLoose", "gather", ("maker", "release-manager", "platform-admin")),
)
"""What is asked of the engine and changes something, with who may ask.

What is not listed either only reads, or is judged by the promotion it is about: approving, waiving, attesting and
answering a checklist take a role that the stage names. Revoking is judged by
whose key it is. Stopping is open to everybody: it is the safe side.
"""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A role that somebody holds for a time."""

    role: str
    since: str = ""
    """ISO date: the first day; empty for any."""
    until: str = ""
    """ISO date: the last day; empty for no end."""

    def holds(self, at: str) -> bool:
        """Return whether it is held at this ISO time (UTC). Days count whole; without a time nothing is."""
        day = at[:10]
        return bool(day) and self.since <= day and (not self.until or day <= self.until)

    @property
    def words(self) -> str:
        """The assignment for people."""
        since = f" from {self.since}" if self.since else ""
        return f"{self.role}{since}{f' until {self.until}' if self.until else ''}"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Roles that nobody may hold at once."""

    roles: tuple[str, ...]
    reason: str = ""


def permission(request: str) -> Permission | None:
    """Return who may ask for this, by the name of the request; None where the table says nothing."""
    return next((p for p in PERMISSIONS if p.request == request), None)


def clashes(conflicts: Sequence[Conflict], held: Collection[str]) -> tuple[Conflict, ...]:
    """Return the conflicts that somebody with these roles is in."""
    return tuple(c for c in conflicts if len([role for role in c.roles if role in held]) > 1)
