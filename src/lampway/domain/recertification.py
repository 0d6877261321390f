"""Recertification: when owners are asked whether a solution is still needed, and what follows when nobody answers.

All of it is arithmetic on the calendar and on records. The time is passed in; nothing here asks for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from zoneinfo import ZoneInfo

from lampway.domain.moments import later, seconds_between, shown, write_moment
from lampway.domain.spans import span_in_words

USUAL_WAIT = 30 * 86_400.0
"""Seconds between switching off and removing, where the strategy says nothing."""
DATA_CLASSES = ("public", "internal", "confidential", "restricted")
"""How sensitive data can be, as `solution.yaml` says it."""
_MONTHS = 12


class Consequence(StrEnum):
    """What follows when a question stays without an answer."""

    REMIND = "remind"
    """Whoever may answer is reminded."""
    ESCALATE = "escalate"
    """Others are told, and the backup owner may answer as well."""
    SWITCH_OFF = "switch-off"
    """It is switched off wherever it is installed; nothing of it is removed."""
    RETIRE = "retire"
    """Its retirement is asked for; people decide about that."""


ACTING = frozenset({Consequence.SWITCH_OFF, Consequence.RETIRE})
"""What does more than tell people; never the first that follows, so that it is announced by the one before."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One consequence, and for how long after the one before it nothing happens."""

    then: Consequence
    grace: float
    """Seconds since the answer was due, or since the rung before."""
    roles: tuple[str, ...] = ()
    """Escalate: who is told beside the backup owner."""


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often solutions of one criticality are asked about."""

    criticality: str
    months: int
    answer: float
    """Seconds that the owner has."""


@dataclass(frozen=True, slots=True)
class RecertificationRules:
    """When owners are asked, by the clock on the wall of a zone, and what follows."""

    starts: str
    """ISO date of the first campaigns; every later one is counted from it."""
    cadences: tuple[Cadence, ...]
    ladder: tuple[Rung, ...] = ()
    at: str = "09:00"
    zone: str = "UTC"
    reviewer: str = ""
    """The role that looks at answers before they count; empty: they count at once."""
    review: float = 0.0
    """Seconds after which a reviewer is reminded, again and again; 0 for never."""

    def cadence(self, criticality: str) -> Cadence | None:
        """Return how often solutions of this criticality are asked about; None for never."""
        return next((c for c in self.cadences if c.criticality == criticality), None)

    def opening(self, cadence: Cadence, number: int) -> datetime:
        """Return when the campaign of this number opens, UTC; the first one is number 0.

        Counted from the first day, so that a 31st stays one wherever the month has it. An hour that the clock leaves
        out is taken right after it; of an hour that it shows twice, the first one is meant.
        """
        first = date.fromisoformat(self.starts)
        month = first.month - 1 + cadence.months * number
        year = first.year + month // _MONTHS
        day = _clamped(year, month % _MONTHS + 1, first.day)
        hour, minute = map(int, self.at.split(":"))
        return datetime.combine(day, time(hour, minute), ZoneInfo(self.zone)).astimezone(UTC)

    def next_after(self, cadence: Cadence, moment: str) -> datetime:
        """Return the first opening after a moment; the very first one where there is no moment."""
        number = self._number(cadence, moment) if moment else 0
        while moment and self.opening(cadence, number) <= datetime.fromisoformat(moment):
            number += 1
        return self.opening(cadence, number)

    def newest_by(self, cadence: Cadence, due: str, now: str) -> datetime:
        """Return the last opening that is due by now: those from `due` on that were missed, it stands for all."""
        found = datetime.fromisoformat(due)
        following = self.next_after(cadence, due)
        while following <= datetime.fromisoformat(now):
            found, following = following, self.next_after(cadence, write_moment(following))
        return found

    def _number(self, cadence: Cadence, moment: str) -> int:
        """Return the number of an opening that is not after a moment, or 0."""
        then, first = datetime.fromisoformat(moment), date.fromisoformat(self.starts)
        months = (then.year - first.year) * _MONTHS + then.month - first.month
        return max(0, months // cadence.months - 1)


@dataclass(frozen=True, slots=True)
class RetirementRules:
    """How solutions end here."""

    wait: float = USUAL_WAIT
    """Seconds for which it is switched off before it is removed."""


def _clamped(year: int, month: int, day: int) -> date:
    """Return a day of a month, or its last one where it has no such day."""
    following = date(year + month // _MONTHS, month % _MONTHS + 1, 1)
    return date(year, month, min(day, (following - date(year, month, 1)).days))


class QuestionState(StrEnum):
    """Where a question stands."""

    OPEN = "open"
    REVIEW = "review"
    """It was answered, and the reviewer has not looked yet: the owner's clock stands still."""
    CONFIRMED = "confirmed"
    UNNEEDED = "unneeded"
    """The owner said that it is no longer needed."""
    RETIRED = "retired"
    """It was retired before anybody answered."""


ASKED = (QuestionState.OPEN, QuestionState.REVIEW)
"""States in which somebody owes something."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What an owner confirms, or changes, beside that it is still needed."""

    owner: str
    backup_owner: str = ""
    purpose: str = ""
    data_class: str = ""
    users: str = ""
    """Who works with it, in words."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """An answer to a question."""

    by: str
    """Id of the owner or the backup owner."""
    role: str
    at: str
    needed: bool
    profile: Profile
    until: str
    """Until when it is certified by this."""
    reason: str = ""
    usage: tuple[str, ...] = ()
    """What was known about its use when it was answered."""
    authenticated: bool = False
    reviewed_by: str = ""
    reviewed_at: str = ""
    review: str = ""
    """What the reviewer said."""
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """One solution in one campaign: is it still needed, and is what we know of it still true."""

    id: str
    """`<criticality>/<day>/<solution>`."""
    solution: str
    campaign: str
    criticality: str
    profile: Profile
    """As it was known when it was asked."""
    asked_at: str
    due: str
    """When the answer is due, without the time that a reviewer took."""
    since: str
    """From when the grace of the next rung counts."""
    state: QuestionState = QuestionState.OPEN
    taken: tuple[str, ...] = ()
    """The rungs that were taken, in order."""
    answers: tuple[Confirmation, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether somebody owes something."""
        return self.state in ASKED

    def next_rung(self, rules: RecertificationRules) -> Rung | None:
        """Return what follows next when nobody answers; None where nothing does, or the clock stands still."""
        if self.state is not QuestionState.OPEN or len(self.taken) >= len(rules.ladder):
            return None
        return rules.ladder[len(self.taken)]

    def next_at(self, rules: RecertificationRules) -> str:
        """Return when the next rung is taken; empty for never."""
        rung = self.next_rung(rules)
        return later(self.since, rung.grace) if rung else ""

    def may_answer(self, rules: RecertificationRules | None, role: str) -> bool:
        """Return whether the owner or the backup owner may answer now: the latter once it was escalated."""
        escalates = rules is not None and any(r.then is Consequence.ESCALATE for r in rules.ladder)
        return role == "owner" or not escalates or Consequence.ESCALATE in self.taken or not self.profile.owner

    def words(self, now: str) -> str:
        """Return how it stands, for people."""
        who = self.profile.owner
        match self.state:
            case QuestionState.OPEN:
                late = f"; overdue, {self.taken[-1]} was taken" if self.taken else ""
                late = late or ("; overdue" if seconds_between(self.due, now) else "")
                return f"{who} answers by {shown(self.due)}{late}"
            case QuestionState.REVIEW:
                return f"answered by {self.answers[-1].by}, waits for its review"
            case QuestionState.CONFIRMED:
                return f"confirmed by {self.answers[-1].by} until {shown(self.answers[-1].until)}"
            case QuestionState.UNNEEDED:
                return f"no longer needed, says {self.answers[-1].by}"
            case QuestionState.RETIRED:
                return "retired"


@dataclass(frozen=True, slots=True)
class Campaign:
    """A round of questions about all solutions of one criticality."""

    id: str
    """`<criticality>/<day>`."""
    criticality: str
    slot: str
    """The moment of the calendar that it stands for."""
    opened_at: str
    due: str
    asked: tuple[str, ...]
    """Names of the solutions."""


def with_answer(question: Question, given: Confirmation, *, reviewed: bool) -> Question:
    """Return the question once it was answered; with `reviewed` it waits until somebody has looked at the answer."""
    state = QuestionState.CONFIRMED if given.needed else QuestionState.UNNEEDED
    return replace(question, state=QuestionState.REVIEW if reviewed else state, answers=(*question.answers, given))


def with_review(question: Question, by: str, at: str, said: str, *, accepted: bool) -> Question:
    """Return the question once its answer was looked at.

    Sent back, it is open again: the time it lay with the reviewer is the owner's once more, and what acted and was
    taken back by the answer comes again in its turn.
    """
    *before, last = question.answers
    looked = replace(last, reviewed_by=by, reviewed_at=at, review=said, accepted=accepted)
    answers = (*before, looked)
    if accepted:
        state = QuestionState.CONFIRMED if last.needed else QuestionState.UNNEEDED
        return replace(question, state=state, answers=answers)
    lost = seconds_between(last.at, at)
    acted = next((n for n, rung in enumerate(question.taken) if rung in ACTING), len(question.taken))
    since = later(question.since, lost) if acted == len(question.taken) else at
    return replace(
        question,
        state=QuestionState.OPEN,
        answers=answers,
        due=later(question.due, lost),
        since=since,
        taken=question.taken[:acted],
    )


def newest_campaign(campaigns: Sequence[Campaign], criticality: str) -> Campaign | None:
    """Return the newest campaign about solutions of this criticality, of these, oldest first."""
    return next((c for c in reversed(campaigns) if c.criticality == criticality), None)


def recertification_words(rules: RecertificationRules | None) -> tuple[str, ...]:
    """Return what the rules say, a line each; nothing where there are none."""
    if rules is None:
        return ()
    begin = f"first campaigns on {rules.starts} at {rules.at} {rules.zone}"
    asked = (
        f"{c.criticality} every {c.months} months, answered within {span_in_words(c.answer)}" for c in rules.cadences
    )
    follow = (f"without an answer, {n}. {r.then} after {span_in_words(r.grace)}" for n, r in enumerate(rules.ladder, 1))
    looked = f"answers are reviewed by the role {rules.reviewer}"
    if rules.reviewer and rules.review:
        looked += f", reminded every {span_in_words(rules.review)}"
    told = (f"told by an escalation: {', '.join(r.roles)}" for r in rules.ladder if r.roles)
    return (begin, *asked, *follow, *told, *((looked,) if rules.reviewer else ()))
