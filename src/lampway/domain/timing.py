"""Time as a rule: windows in which deployments may start, freezes in which they may not, and lengths of time.

A window is open exactly while a clock on the wall of its zone shows a time within it; so it is right when clocks are
put forward or back, and says nothing about how long it lasts on such a day. The time is always passed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as strategies write them."""
_AHEAD = 9
"""Days to look ahead for an opening: a week, and more where a zone leaves out a day."""
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MIDNIGHT = "24:00"
_SPAN = re.compile(r"([1-9]\d{0,4}) ?([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


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


def moment_in_words(moment: datetime, zone: str = "UTC", now: datetime | None = None) -> str:
    """Return a moment for people, as in *Mon 08:00 Europe/Berlin*; with its date unless it is within days of `now`."""
    local = moment.astimezone(ZoneInfo(zone))
    is_near = now is not None and abs(moment - now) < timedelta(days=6)
    return f"{DAYS[local.weekday()].title()} {'' if is_near else f'{local:%Y-%m-%d} '}{local:%H:%M} {zone}"


def parse_clock(text: str) -> str | None:
    """Return a time of day as it is kept, such as 08:00 or 24:00; None for anything else."""
    return text if _CLOCK.fullmatch(text) or text == _MIDNIGHT else None


def parse_span(text: str) -> float | None:
    """Return a length of time such as *90m*, *2h* or *7d* in seconds; None for anything else."""
    found = _SPAN.fullmatch(text)
    return float(int(found[1]) * _UNITS[found[2]]) if found else None


def parse_moment(text: str, zone: str = "UTC", *, is_end: bool = False) -> datetime | None:
    """Return the moment that a date, or a date with a time, means in the zone; None for anything else.

    A date alone means its first moment, or with `is_end` the moment after its last. Of a time that the clock shows
    twice, the later one is meant.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            day = date.fromisoformat(text) + timedelta(days=1 if is_end else 0)
            return datetime.combine(day, time(), ZoneInfo(zone))
        if not re.match(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", text, re.ASCII):
            return None
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone), fold=1)
        moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def span_in_words(seconds: float) -> str:
    """Return a length of time for people, its two largest units."""
    left = max(0, int(seconds))
    parts = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"


def is_zone(name: str) -> bool:
    """Return whether the time zone database knows this zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one ISO time to another."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()


def is_fresh(at: str, max_age: float, now: str) -> bool:
    """Return whether what happened at `at` still counts. Without a limit it does; with the time unknown it does not."""
    return not max_age or (bool(now) and seconds_between(at, now) <= max_age)
