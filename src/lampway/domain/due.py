"""Due: what time alone will change, and when. Pure: from facts and records, so that nobody has to look in between.

`next_change` says when a closed promotion has to be judged again although nothing is recorded until then. `run_outs`
says which dates end something that people set: a hold, a freeze, a delegation, a waiver, an approval.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from lampway.domain.digest import digest, short
from lampway.domain.judgement import Facts
from lampway.domain.promotion import DeploymentKind, Promotion
from lampway.domain.quorum import Delegation
from lampway.domain.standing import CheckState, required, standings
from lampway.domain.stops import Hold, HoldState
from lampway.domain.strategy import Stage
from lampway.domain.windows import Freeze, next_opening

REMINDER = "reminder"
_TICK = timedelta(milliseconds=1)
"""Times are kept to the millisecond; what counts up to and including a moment has ended one tick later."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A date that ends something, or on which somebody is to be told something."""

    at: str
    """ISO time, UTC, with milliseconds."""
    what: str
    """hold, freeze, delegation, waiver, approval or reminder."""
    subject: str
    """Tells it apart from others of its sort."""
    words: str
    environment: str = ""
    """Where it may change something; empty: anywhere."""
    promotion: str = ""

    @property
    def key(self) -> str:
        """Its name among everything that is due."""
        return f"{self.what}/{self.subject}"


@dataclass(frozen=True, slots=True)
class Passed:
    """A date that came and was acted upon, so that it never is again."""

    key: str
    at: str


def next_change(facts: Facts) -> str:
    """Return the first moment after now at which this case may open or expire by time alone; empty for never.

    Until then it stays closed unless something is recorded. It may be too early, never too late.
    """
    now = datetime.fromisoformat(facts.now)
    found = [moment for moment in _changes(facts, now) if moment > now]
    return to_text(min(found)) if found else ""


def _changes(facts: Facts, now: datetime) -> Iterator[datetime]:
    for hold in facts.holds:
        if hold.until and hold.concerns(facts.solution, facts.stage.environment):
            yield datetime.fromisoformat(hold.until)
    if facts.kind is not DeploymentKind.FORWARD:
        return
    yield from _calendar(facts, now)
    yield from _ages(facts)
    for rule in facts.stage.rules_of("soak"):
        for stay in facts.stays:
            yield datetime.fromisoformat(stay.since) + timedelta(seconds=rule.wait)
    for rule in facts.stage.rules_of("approval"):
        if rule.cooling and facts.release.sealed_at:
            yield datetime.fromisoformat(facts.release.sealed_at) + timedelta(seconds=rule.cooling)


def _calendar(facts: Facts, now: datetime) -> Iterator[datetime]:
    opening = next_opening(facts.stage.windows, now)
    if opening is not None:
        yield opening[0]
    for freeze in facts.strategy.freezes:
        if freeze.is_on(facts.stage.environment, now):
            yield datetime.fromisoformat(freeze.end)
    if facts.stage.expires and facts.requested_at:
        yield _after(facts.requested_at, facts.stage.expires)


def _ages(facts: Facts) -> Iterator[datetime]:
    """Yield when decisions and evidence grow too old to count."""
    for rule in facts.stage.rules_of("approval"):
        if rule.max_age:
            yield from (_after(decision.at, rule.max_age) for decision in facts.decisions)
    solution = facts.strategy.solution(facts.solution)
    before = facts.strategy.stages_before(facts.solution, facts.stage)
    places = tuple(s.environment for s in before) or (facts.stage.environment,)
    for rule in facts.stage.rules_of("checks"):
        for one in standings(required(solution, rule), facts.evidence, places, rule.max_age, facts.now):
            limit = min((age for age in (one.check.max_age, rule.max_age) if age), default=0.0)
            if limit and one.evidence is not None and one.state is CheckState.PASSED:
                yield _after(one.evidence.at, limit)


def run_outs(holds: Iterable[Hold], freezes: Iterable[Freeze], delegations: Iterable[Delegation]) -> tuple[Moment, ...]:
    """Return when what people set for everybody comes to its end."""
    found = [
        Moment(_text(h.until), "hold", h.id, f"{h.gate} of {h.scope} by {h.by}: {h.reason}", environment=h.environment)
        for h in holds
        if h.until and h.state is HoldState.STANDING
    ]
    for freeze in freezes:
        where = freeze.environments[0] if len(freeze.environments) == 1 else ""
        name = short(digest([freeze.start, freeze.end, freeze.environments, freeze.zone]))
        found.append(Moment(_text(freeze.end), "freeze", name, f"freeze of {freeze.words}", environment=where))
    for given in delegations:
        if not given.ended_at:
            words = f"{given.to} approves no longer for {given.by}"
            found.append(Moment(_text(given.until), "delegation", given.id, words))
    return tuple(found)


def promotion_run_outs(promotion: Promotion, stage: Stage) -> tuple[Moment, ...]:
    """Return when what people said about one open promotion no longer counts."""
    name = f"{promotion.solution}@{promotion.version} to {stage.name}"
    found = []
    for waiver in promotion.waivers:
        subject = f"{promotion.id}/{waiver.gate}/{short(digest([waiver.by, waiver.at]))}"
        words = f"waiver of {waiver.gate} by {waiver.by} for {name}"
        found.append(Moment(_text(waiver.until), "waiver", subject, words, promotion.environment, promotion.id))
    age = _longest(rule.max_age for rule in stage.rules_of("approval"))
    for decision in promotion.decisions if age else ():
        subject = f"{promotion.id}/{short(digest([decision.by, decision.on_behalf_of, decision.at]))}"
        words = f"approval by {decision.by} of {name}"
        until = to_text(_after(decision.at, age))
        found.append(Moment(until, "approval", subject, words, promotion.environment, promotion.id))
    return tuple(found)


def _longest(ages: Iterable[float]) -> float:
    """Return the longest of some limits; 0, which is none, is longer than any."""
    found = tuple(ages)
    return max(found) if found and all(found) else 0.0


def next_reminder(promotion: Promotion, every: float, last: str) -> Moment:
    """Return the reminder that comes after the last one; the first one comes one interval after asking."""
    begin = datetime.fromisoformat(promotion.requested_at)
    told = (datetime.fromisoformat(last) - begin).total_seconds() if last else 0.0
    due = begin + timedelta(seconds=every * (math.floor(told / every) + 1))
    words = f"{promotion.solution}@{promotion.version} waits for approval to enter {promotion.stage}"
    return Moment(to_text(due), REMINDER, promotion.id, words, promotion.environment, promotion.id)


def first_of(moments: Sequence[str]) -> str:
    """Return the earliest of some moments as they are kept; empty ones do not count."""
    return min((moment for moment in moments if moment), default="")


def to_text(moment: datetime) -> str:
    """Return a moment as it is kept and compared: UTC, to the millisecond, never before it."""
    up = timedelta(microseconds=-moment.microsecond % 1000)
    return (moment.astimezone(UTC) + up).isoformat(timespec="milliseconds")


def _text(moment: str) -> str:
    return to_text(datetime.fromisoformat(moment))


def _after(at: str, seconds: float) -> datetime:
    return datetime.fromisoformat(at) + timedelta(seconds=seconds) + _TICK
