"""Choosing the rows of an evidence file: those about one release, and everything that judging it could depend on.

What only other releases brought about is left out as far as no gate looks at it: their checks, decisions and steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lampway.domain import events
from lampway.domain.dependencies import needs_of
from lampway.domain.evidence import Row
from lampway.domain.release import Release
from lampway.engine.reach import GOVERNING_ONLY

_NOT_OF_OTHERS = frozenset(
    kind.kind
    for kind in (
        events.DecisionMade,
        events.PromotionMoved,
        events.EvidenceRecorded,
        events.StepStarted,
        events.StepFinished,
        events.Reconciled,
        events.GateWaived,
        events.ChecklistAnswered,
        events.Remarked,
        events.Tagged,
        events.RanOut,
        events.Reminded,
        events.Seeded,
        events.Gathered,
        events.EnvironmentObserved,
        events.TokenIssued,
        events.TokenRevoked,
        events.PasskeyRegistered,
        events.PasskeyRemoved,
        events.InvitationMade,
        events.InvitationUsed,
        events.InvitationRevoked,
        *GOVERNING_ONLY,
        events.SwitchAsked,
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
)
"""Kinds of which only those about the release itself can have a say."""
_OF_EVERYBODY = frozenset(
    kind.kind for kind in (events.StrategyApplied, events.Delegated, events.DelegationEnded, events.RolesClaimed)
)
_OF_THE_SOLUTION = frozenset(
    kind.kind
    for kind in (
        events.ReleaseSealed,
        events.Adopted,
        events.PromotionRequested,
        events.DeploymentStarted,
        events.Installed,
        events.Verified,
        events.DeploymentFinished,
        events.DriftFound,
        events.DriftResolved,
        events.LockObserved,
        events.Held,
        events.HoldLifted,
        events.Vetoed,
        events.AttestationRecorded,
        events.EngineKeyRecorded,
        events.CheckpointMade,
        events.PackagesRemoved,
        events.UnlockAsked,
        events.Unlocked,
        events.UnlockFailed,
        events.Relocked,
        events.RelockFailed,
        events.UnlockReviewed,
        events.BackportOpened,
        events.BackportEnded,
    )
)
_KNOWN = _NOT_OF_OTHERS | _OF_EVERYBODY | _OF_THE_SOLUTION
"""Kinds of which it is known whether they have a say; any other one has, unless it is about another solution."""
_NEWEST_ONLY = {events.StrategyApplied.kind: "", events.LockObserved.kind: "environment"}
"""Kinds of which only the newest counts, for each value of this field."""


class Choice:
    """Chooses rows, in the order of the ledger."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._digest = release.digest
        self._solutions = {release.solution, *(need.name for need in needs_of(release))}
        """The release's own, and what it cannot do without."""
        self._ids: set[str] = set()
        """Of promotions, deployments and whatever else turned out to be about the release."""
        self._near: set[str] = set()
        """Of those that are about its solution."""
        self._waiting: list[Row] = []
        """Rows that count only if something about the release follows."""
        self.last: Row | None = None

    def choose(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows about the release, each after what was there to judge it by."""
        for row in rows:
            self.last = row
            body = json.loads(row.body)
            if row.kind == events.EngineKeyRecorded.kind or self._is_own(row, body):
                yield from self._waiting
                self._waiting = []
                yield row
            elif self._has_a_say(row, body):
                self._wait(row, body)

    def _wait(self, row: Row, body: dict[str, Any]) -> None:
        if row.kind in _NEWEST_ONLY and all(r.kind in _KNOWN for r in self._waiting):
            name = _NEWEST_ONLY[row.kind]
            same = [r for r in self._waiting if r.kind == row.kind]
            over = [r for r in same if json.loads(r.body).get(name) == body.get(name)]
            self._waiting = [r for r in self._waiting if r not in over]
        self._waiting.append(row)

    def _is_own(self, row: Row, body: dict[str, Any]) -> bool:
        if row.kind == events.ReleaseSealed.kind:
            return bool(body["digest"] == self._digest)
        return any(self._is_about_it(value) for value in (body, *body.values()))

    def _is_about_it(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self._ids
        if not isinstance(value, dict):
            return False
        same = (value.get("solution"), value.get("version")) == (self._release.solution, self._release.version)
        ours = same or value.get("release") == self._digest or str(value.get("promotion")) in self._ids
        if ours and isinstance(value.get("id"), str):
            self._ids.add(value["id"])
        return ours

    def _has_a_say(self, row: Row, body: dict[str, Any]) -> bool:
        if row.kind not in _KNOWN:
            about = [value.get("solution") for value in (body, *body.values()) if isinstance(value, dict)]
            return all(name in (self._release.solution, "", None) for name in about)
        if row.kind in _NOT_OF_OTHERS:
            return False
        if row.kind == events.AttestationRecorded.kind:
            return not body["attestation"].get("solution")
        return row.kind in _OF_EVERYBODY or any(self._is_near(value) for value in (body, *body.values()))

    def _is_near(self, value: Any) -> bool:
        """Return whether it is about the solution, one that it needs, everything, or no solution but a place."""
        if isinstance(value, str):
            return value in self._near
        if not isinstance(value, dict) or not {"solution", "environment"} & value.keys():
            return False
        near = value.get("solution") in (*self._solutions, "", None)
        if near and isinstance(value.get("id"), str):
            self._near.add(value["id"])
        return near
