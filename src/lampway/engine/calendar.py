"""The calendar: when deployments may start, when they may not, and what waits for a moment. Reading only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lampway.domain.due import next_change, to_text
from lampway.domain.events import Actor
from lampway.domain.health import HealthWatch, WatchState
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.stops import Hold, HoldState
from lampway.domain.strategy import Strategy
from lampway.domain.windows import Window
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.facts import case_of, eligibility, gather
from lampway.engine.store import Reading
from lampway.errors import UsageError

_MOST_DAYS = 92
_TIMED = frozenset({"window", "freeze", "soak", "hold"})


@dataclass(frozen=True, slots=True)
class Entry:
    """Something with a time."""

    kind: str
    """window, freeze, hold, waiting or watched."""
    start: str
    """ISO time, UTC; what began before today has its true beginning."""
    end: str
    """ISO time, UTC; empty where nobody knows, or where it is a moment."""
    environment: str
    """Empty: everywhere."""
    words: str
    promotion: str = ""


@dataclass(frozen=True, slots=True)
class ShowCalendar(Request[tuple[Entry, ...]]):
    """Ask for windows, freezes, holds, and what waits for a moment or is watched, from now on."""

    days: int = 14


def show_calendar(engine: Engine, request: ShowCalendar, actor: Actor) -> tuple[Entry, ...]:
    """Return everything that is on now or begins within these days, earliest first. Raises UsageError."""
    del actor
    if not 1 <= request.days <= _MOST_DAYS:
        raise UsageError(f"days must be from 1 to {_MOST_DAYS}: {request.days}")
    now = engine.clock.now()
    until = now + timedelta(days=request.days)
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        found = [
            *_windows(strategy, now, until),
            *_freezes(strategy, now, until),
            *_holds(reading, engine.now()),
            *_waiting(reading, engine.now()),
            *_watched(reading),
        ]
    last = to_text(until)
    return tuple(sorted((e for e in found if e.start < last), key=lambda e: (e.start, e.kind, e.environment, e.words)))


def _windows(strategy: Strategy, now: datetime, until: datetime) -> Iterator[Entry]:
    """Yield each time that a window is open: a window of several stages in one environment once."""
    seen = {(s.environment, w) for p in strategy.pipelines for s in p.every_stage for w in s.windows}
    for environment, window in seen:
        at: datetime | None = now
        while at is not None and (at := window.next_opening(at)) is not None and at < until:
            end = _closing(window, at)
            words = f"deployments may start: {window.words}"
            yield Entry("window", to_text(at), to_text(end), environment, words)
            at = end


def _closing(window: Window, opened: datetime) -> datetime:
    """Return the first moment after this one at which the clock shows that the window closes; 8 days on for never."""
    zone, clock = ZoneInfo(window.zone), time.fromisoformat(window.closes.replace("24:00", "00:00"))
    first = opened.astimezone(zone).date()
    for ahead in range(9):
        at = datetime.combine(first + timedelta(days=ahead), clock, zone).astimezone(UTC)
        if at > opened and not window.is_open(at):
            return at
    return opened + timedelta(days=8)


def _freezes(strategy: Strategy, now: datetime, until: datetime) -> Iterator[Entry]:
    for freeze in strategy.freezes:
        start, end = (datetime.fromisoformat(text).astimezone(UTC) for text in (freeze.start, freeze.end))
        if end > now and start < until:
            for name in freeze.environments or ("",):
                yield Entry("freeze", to_text(start), to_text(end), name, f"nothing may start: {freeze.reason}")


def _holds(reading: Reading, now: str) -> Iterator[Entry]:
    for hold in reading.find(Hold, states=(HoldState.STANDING,)):
        if hold.stands(now):
            yield Entry("hold", hold.at, hold.until, hold.environment, hold.words)


def _waiting(reading: Reading, now: str) -> Iterator[Entry]:
    """Yield what time alone may open: promotions that wait for a window, the end of a freeze, a soak or a hold."""
    for promotion in reading.find(Promotion, states=(PromotionState.WAITING, PromotionState.READY)):
        case = case_of(reading, promotion)
        if case is None:
            continue
        closed = [g.reason for g in eligibility(reading, case, now).closed for g in g.leaves() if g.gate in _TIMED]
        at = next_change(gather(reading, case, now)) if closed else ""
        if at:
            name = f"{promotion.solution}@{promotion.version} to {promotion.stage}"
            yield Entry("waiting", at, "", promotion.environment, f"{name}: {'; '.join(closed)}", promotion.id)


def _watched(reading: Reading) -> Iterator[Entry]:
    for watch in reading.find(HealthWatch, states=(WatchState.WATCHING,)):
        name = f"{watch.solution}@{watch.version}"
        yield Entry("watched", watch.since, watch.until, watch.environment, f"{name} is watched after its deployment")
