"""Promotions: the decision to move one release to one stage, bound to exact digests."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import StrEnum

from lampway.domain.checklist import Answer
from lampway.domain.configuration import ConfigurationSet
from lampway.domain.digest import digest
from lampway.domain.waiver import Waiver


class PromotionState(StrEnum):
    """Where a promotion stands."""

    REQUESTED = "requested"
    WAITING = "waiting"
    """For what is not stored: eligibility says it."""
    READY = "ready"
    RUNNING = "running"
    RECONCILE = "reconcile"
    """Engine and platform disagree; a person must say."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """The answer was no."""
    ERRORED = "errored"
    """The machinery broke."""
    REJECTED = "rejected"
    ABORTED = "aborted"
    EXPIRED = "expired"
    VOIDED = "voided"
    SUPERSEDED = "superseded"
    ROLLED_BACK = "rolled_back"


OPEN_STATES = (
    PromotionState.REQUESTED,
    PromotionState.WAITING,
    PromotionState.READY,
    PromotionState.RUNNING,
    PromotionState.RECONCILE,
)
"""States a promotion can still leave."""

_MOVES: dict[PromotionState, frozenset[PromotionState]] = {
    PromotionState.REQUESTED: frozenset({PromotionState.WAITING}),
    PromotionState.WAITING: frozenset(
        {
            PromotionState.WAITING,
            PromotionState.READY,
            PromotionState.REJECTED,
            PromotionState.ABORTED,
            PromotionState.EXPIRED,
            PromotionState.VOIDED,
            PromotionState.SUPERSEDED,
        }
    ),
    PromotionState.READY: frozenset(
        {
            PromotionState.RUNNING,
            PromotionState.WAITING,
            PromotionState.ABORTED,
            PromotionState.VOIDED,
            PromotionState.SUPERSEDED,
        }
    ),
    PromotionState.RUNNING: frozenset(
        {
            PromotionState.SUCCEEDED,
            PromotionState.FAILED,
            PromotionState.ERRORED,
            PromotionState.RECONCILE,
            PromotionState.WAITING,
        }
    ),
    PromotionState.RECONCILE: frozenset({PromotionState.RUNNING, PromotionState.FAILED}),
    PromotionState.SUCCEEDED: frozenset({PromotionState.ROLLED_BACK}),
    PromotionState.FAILED: frozenset({PromotionState.ROLLED_BACK}),
}


def may_move(old: PromotionState, new: PromotionState) -> bool:
    """Return whether a promotion may go from `old` to `new`.

    From running back to waiting is allowed only where the deployment changed nothing.
    """
    return new in _MOVES.get(old, frozenset())


class DeploymentKind(StrEnum):
    """Why a deployment happens."""

    FORWARD = "forward"
    ROLLBACK = "rollback"
    REDEPLOY = "redeploy"
    """The recorded release and configuration once more, over drift."""


@dataclass(frozen=True, slots=True)
class Bound:
    """Everything a promotion is bound to. If one part changes before the start, the promotion is void."""

    release: str
    """Digest of the release."""
    configuration: str
    """Digest of the values the target gives to this release."""
    installed: str
    """Digest of release and configuration recorded in the target when it was asked; empty for none."""
    rollback: str
    """Digest of the release a rollback would bring back; `remove` for a first deployment."""
    rules: str
    """Digest of the rules and people that govern this stage."""

    @property
    def digest(self) -> str:
        """The digest that an approval is bound to."""
        return digest(self)

    def changed_since(self, other: Bound) -> tuple[str, ...]:
        """Return the words for the parts that differ from `other`."""
        return tuple(_WORDS[f.name] for f in fields(self) if getattr(self, f.name) != getattr(other, f.name))


_WORDS = {
    "release": "the release",
    "configuration": "the configuration of the environment",
    "installed": "what runs in the environment",
    "rollback": "the rollback target",
    "rules": "the rules that govern this stage",
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A named person's decision about one promotion digest."""

    by: str
    """Id of a person."""
    approved: bool
    reason: str
    at: str
    digest: str
    """The promotion digest decided upon."""
    evidence: tuple[str, ...] = ()
    """Digests of the evidence there was to see."""
    authenticated: bool = False
    """Whether the person was proved to be who they say; a user name in a variable is no proof."""
    on_behalf_of: str = ""
    """Id of the person whose voice it is, where somebody acted by delegation."""
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed."""


@dataclass(frozen=True, slots=True)
class Remark:
    """A question about a promotion, or what was said to it. It decides nothing."""

    by: str
    text: str
    at: str
    is_question: bool


@dataclass(frozen=True, slots=True)
class Promotion:
    """The request to move one release to one stage, and what became of it."""

    id: str
    solution: str
    version: str
    stage: str
    environment: str
    kind: DeploymentKind
    bound: Bound
    configuration: ConfigurationSet
    requested_by: str
    requested_at: str
    reason: str = ""
    state: PromotionState = PromotionState.REQUESTED
    decisions: tuple[Decision, ...] = ()
    deployment: str = ""
    """Id of the newest deployment that carried it out, if any."""
    note: str = ""
    """Why it is in its state, in words."""
    findings: tuple[str, ...] = field(default=())
    """Redeploy: ids of the drift findings it reverts."""
    waivers: tuple[Waiver, ...] = ()
    remarks: tuple[Remark, ...] = ()
    """Questions and answers, oldest first."""
    answers: tuple[Answer, ...] = ()
    """To the stage's checklist, oldest first; the newest to an item holds."""
    ticket: str = ""
    """The change ticket it goes by, in the words of whoever keeps tickets; empty for none."""

    allowed_by: str = ""
    """Rollback: id of the forward promotion whose approval allowed it, where nobody asked for it."""
    asked_at: str = ""
    """When people were told that it waits for their approval; empty: they were not."""
    rehearsal: str = ""
    """Id of the rehearsal that it is a move of; empty for none."""
    loss: tuple[str, ...] = ()
    """Rollback: what it destroys, in the words that whoever asked for it accepted; empty where nothing is destroyed."""

    @property
    def retires(self) -> bool:
        """Whether it removes what is retired: nothing goes back, it ends."""
        return self.kind is DeploymentKind.ROLLBACK and self.bound.release == "remove" and not self.bound.installed

    @property
    def open_question(self) -> Remark | None:
        """The newest question that nothing was said to since, or None."""
        last = self.remarks[-1] if self.remarks else None
        return last if last and last.is_question else None
