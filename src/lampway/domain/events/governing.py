"""Facts of what owners answer for: whether a solution is still needed, what follows if not, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from lampway.domain.deployment import Installation
from lampway.domain.events.base import Event
from lampway.domain.recertification import Campaign, Confirmation, Question
from lampway.domain.retirement import Consent, Retirement, RetirementState
from lampway.domain.switches import Switch


@dataclass(frozen=True, slots=True)
class CampaignOpened(Event):
    """The owners of all solutions of one criticality were asked whether they are still needed."""

    kind: ClassVar[str] = "campaign-opened"
    campaign: Campaign
    questions: tuple[Question, ...]


@dataclass(frozen=True, slots=True)
class RungTaken(Event):
    """Nobody answered in time, and what the strategy declares for that came about."""

    kind: ClassVar[str] = "rung-taken"
    question: str
    then: str
    due: str
    people: tuple[str, ...]
    """Ids of whoever is told."""
    words: str
    following: str = ""
    """What comes next when still nobody answers; empty for nothing."""
    following_at: str = ""


@dataclass(frozen=True, slots=True)
class QuestionAnswered(Event):
    """An owner said whether a solution is still needed, and what is true of it."""

    kind: ClassVar[str] = "question-answered"
    question: str
    answer: Confirmation
    review: bool
    """Whether somebody has to look at the answer before it counts."""


@dataclass(frozen=True, slots=True)
class AnswerReviewed(Event):
    """Somebody looked at an owner's answer: it counts, or the owner has to answer again."""

    kind: ClassVar[str] = "answer-reviewed"
    question: str
    by: str
    accepted: bool
    said: str


@dataclass(frozen=True, slots=True)
class ReviewReminded(Event):
    """Whoever may look at an answer was reminded that it waits."""

    kind: ClassVar[str] = "review-reminded"
    question: str
    people: tuple[str, ...]
    key: str
    due: str


@dataclass(frozen=True, slots=True)
class SwitchAsked(Event):
    """A solution is to be switched off in an environment, or on again."""

    kind: ClassVar[str] = "switch-asked"
    switch: Switch


@dataclass(frozen=True, slots=True)
class SwitchBegun(Event):
    """The platform is about to be asked. Durable before any side effect."""

    kind: ClassVar[str] = "switch-begun"
    switch: str
    fence: int


@dataclass(frozen=True, slots=True)
class Switched(Event):
    """Read back from an environment, or said by whoever did it by hand: a solution is off there, or on again."""

    kind: ClassVar[str] = "switched"
    switch: str
    is_on: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class SwitchDelayed(Event):
    """A solution could not be switched off or on; it is tried again, or a platform admin does it by hand."""

    kind: ClassVar[str] = "switch-delayed"
    switch: str
    by_hand: bool
    note: str


@dataclass(frozen=True, slots=True)
class RetirementRequested(Event):
    """Somebody asked to end a solution, or nobody answered for it."""

    kind: ClassVar[str] = "retirement-requested"
    retirement: Retirement


@dataclass(frozen=True, slots=True)
class RetirementApproved(Event):
    """Somebody who did not ask for it approved a retirement."""

    kind: ClassVar[str] = "retirement-approved"
    retirement: str
    consent: Consent


@dataclass(frozen=True, slots=True)
class RetirementBegun(Event):
    """Enough people approved: evidence and package are put aside, it is switched off, and the wait begins."""

    kind: ClassVar[str] = "retirement-begun"
    retirement: str
    places: tuple[Installation, ...]
    archive: tuple[str, ...]
    """Digests, kept whatever the strategy says about retention."""
    remove_at: str


@dataclass(frozen=True, slots=True)
class RetirementDelayed(Event):
    """What was to be removed cannot be yet; it is looked at again later."""

    kind: ClassVar[str] = "retirement-delayed"
    retirement: str
    note: str
    remove_at: str


@dataclass(frozen=True, slots=True)
class RemovalAsked(Event):
    """The wait is over: removing it was asked for, as deployments are."""

    kind: ClassVar[str] = "removal-asked"
    retirement: str
    promotions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RetirementEnded(Event):
    """It is gone everywhere it was to go from, or somebody took it back."""

    kind: ClassVar[str] = "retirement-ended"
    retirement: str
    state: RetirementState
    reason: str


@dataclass(frozen=True, slots=True)
class CertificateClosed(Event):
    """What was certified as still needed is no more: its certificate ends now."""

    kind: ClassVar[str] = "certificate-closed"
    certification: str
    reason: str
