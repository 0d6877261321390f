"""Windows in which deployments may start, and freezes in which they may not.

A window is open exactly while a clock on the wall of its zone shows a time within it; so it is right when clocks are
put forward or back, and says nothing about how long it lasts on such a day. The time is always passed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lampway.domain.moments import DAYS, moment_in_words

_AHEAD = 9
"""Days to look ahead for an opening: a week, and more where a zone leaves out a day."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MIDNIGHT = "24:00"


@dataclass(frozen=True, slots=True)
class Window:
    """When deployments may start: days, and from when until when the clock there shows."""

    days: tuple[str, ...]
    """The days on which it opens."""
    opens: str
    """As in 08:00."""
    closes: str
    """As in 17:00; 24:00 is the end of the day. Not after `opens`: on the day after."""
    zone: str = "UTC"
    """As in Europe/Berlin."""

    def is_open(self, now: datetime) -> bool:
        """Return whether the clock there shows a time within the window."""
        local = now.astimezone(ZoneInfo(self.zone))
        shown, today = local.strftime("%H:%M"), DAYS[local.weekday()]
        if self.opens < self.closes:
            return today in self.days and self.opens <= shown < self.closes
        before = DAYS[local.weekday() - 1]
        return (today in self.days and shown >= self.opens) or (before in self.days and shown < self.closes)

    def next_opening(self, now: datetime) -> datetime | None:
        """Return the first moment from `now` on at which it is open, UTC; None where there is none within days."""
        if self.is_open(now):
            return now.astimezone(UTC)
        found = [moment for moment in self._candidates(now) if moment > now and self.is_open(moment)]
        return min(found, default=None)

    def _candidates(self, now: datetime) -> Iterator[datetime]:
        """Yield every moment at which it could open: when the clock shows so, and when clocks are changed."""
        zone = ZoneInfo(self.zone)
        first = now.astimezone(zone).date() - timedelta(days=1)
        clock = time.fromisoformat(self.opens)
        for ahead in range(_AHEAD + 1):
            day = first + timedelta(days=ahead)
            for fold in (0, 1):
                yield datetime.combine(day, clock, zone).replace(fold=fold).astimezone(UTC)
            change = _clock_change(zone, day)
            if change is not None:
                yield change

    @property
    def words(self) -> str:
        """The window for people."""
        return f"{days_in_words(self.days)} {self.opens}-{self.closes} {self.zone}"


def _clock_change(zone: ZoneInfo, day: date) -> datetime | None:
    """Return the moment on this day (UTC) at which clocks in the zone are changed, or None."""
    start = datetime.combine(day, time(), UTC)
    low, high = int(start.timestamp()), int(start.timestamp()) + 86400

    def offset(second: int) -> timedelta | None:
        return datetime.fromtimestamp(second, zone).utcoffset()

    if offset(low) == offset(high):
        return None
    before = offset(low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if offset(middle) == before else (low, middle)
    return datetime.fromtimestamp(high, UTC)


def days_in_words(days: Sequence[str]) -> str:
    """Return days of the week in short: a run of three or more as first and last."""
    places = sorted(DAYS.index(day) for day in set(days))
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    parts = []
    for run in runs:
        names = [DAYS[place].title() for place in run]
        parts.append(f"{names[0]}-{names[-1]}" if len(names) > 2 else ", ".join(names))
    return ", ".join(parts)


def next_opening(windows: Sequence[Window], now: datetime) -> tuple[datetime, str] | None:
    """Return when the first of the windows opens, UTC, and the zone to tell it in; None where none ever does."""
    found = [(opening, window.zone) for window in windows if (opening := window.next_opening(now)) is not None]
    return min(found, default=None)


def is_any_open(windows: Sequence[Window], now: datetime) -> bool:
    """Return whether one of the windows is open. No window at all means no."""
    return any(window.is_open(now) for window in windows)


@dataclass(frozen=True, slots=True)
class Freeze:
    """When deployments may not start."""

    start: str
    """ISO time with its offset."""
    end: str
    """ISO time with its offset; the first moment at which deployments may start again."""
    reason: str
    environments: tuple[str, ...] = ()
    """Where; empty means everywhere."""
    zone: str = "UTC"
    """In which its times are told."""

    def is_on(self, environment: str, now: datetime) -> bool:
        """Return whether nothing may start in this environment now."""
        concerned = not self.environments or environment in self.environments
        return concerned and datetime.fromisoformat(self.start) <= now < datetime.fromisoformat(self.end)

    @property
    def words(self) -> str:
        """The freeze for people."""
        where = ", ".join(self.environments) or "every environment"
        start, end = (moment_in_words(datetime.fromisoformat(t), self.zone) for t in (self.start, self.end))
        return f"{where} from {start} until {end}: {self.reason}"


def parse_clock(text: str) -> str | None:
    """Return a time of day as it is kept, such as 08:00 or 24:00; None for anything else."""
    return text if _CLOCK.fullmatch(text) or text == _MIDNIGHT else None
