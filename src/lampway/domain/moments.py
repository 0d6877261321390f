"""Moments: points in time. Records keep and compare them as ISO text in UTC, the one form that sorts as text.

The time is always passed in. What is no moment, such as an empty text, is before nothing and fresh for nothing.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from lampway.errors import UsageError

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week as strategies write them."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII)
_HINT = "write a day, as in 2027-05-01, or a time with its zone, as in 2027-05-01T18:00+02:00"
_DAY_BUT_A_TICK = timedelta(days=1) - timedelta(milliseconds=1)


def read_moment(text: str, zone: str = "", *, is_end: bool = False) -> datetime | None:
    """Return the moment that a date, or a date with a time, means; None for anything else.

    Where no zone is given a date alone is meant in UTC, and a time must bring its own offset. A date alone means its
    first moment, or with `is_end` the moment after its last. Of a time that the clock shows twice, the later one is
    meant.
    """
    try:
        if _DAY.fullmatch(text):
            day = date.fromisoformat(text) + timedelta(days=1 if is_end else 0)
            return datetime.combine(day, time(), ZoneInfo(zone or "UTC"))
        moment = datetime.fromisoformat(text) if _TIME.match(text) else None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone), fold=1) if zone else None
        if moment is not None:
            moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment


def parse_moment(text: str, zone: str = "", *, is_end: bool = False) -> str:
    """Return what somebody wrote as a moment for the records, read as above. Raises UsageError."""
    moment = read_moment(text.strip(), zone, is_end=is_end)
    if moment is None:
        what = "a date or time" if zone else "a day or a time with its zone"
        raise UsageError(f"not {what}: {text.strip()[:40]!r}", hint=_HINT)
    return write_moment(moment)


def parse_deadline(text: str) -> str:
    """Return what somebody wrote as the last moment that something holds: of a day, its last. Raises UsageError."""
    given = text.strip()
    if not _DAY.fullmatch(given):
        return parse_moment(given)
    return write_moment(datetime.fromisoformat(parse_moment(given)) + _DAY_BUT_A_TICK)


def write_moment(moment: datetime) -> str:
    """Return a moment as records keep it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def is_before(one: str, other: str) -> bool:
    """Return whether one moment is before another."""
    first, second = _moment(one), _moment(other)
    return first is not None and second is not None and first < second


def later(moment: str, seconds: float) -> str:
    """Return the moment so many seconds later; empty where `moment` is none."""
    found = _moment(moment)
    return write_moment(found + timedelta(seconds=seconds)) if found else ""


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one moment to another, never less than none."""
    first, second = _moment(start), _moment(end)
    return max(0.0, (second - first).total_seconds()) if first and second else 0.0


def is_fresh(at: str, max_age: float, now: str) -> bool:
    """Return whether what happened at `at` still counts. Without a limit it does; with a time unknown it does not."""
    if not max_age:
        return True
    return _moment(at) is not None and _moment(now) is not None and seconds_between(at, now) <= max_age


def shown(moment: str) -> str:
    """Return a moment to the minute, for people."""
    return moment[:16].replace("T", " ") + " UTC"


def moment_in_words(moment: datetime, zone: str = "UTC", now: datetime | None = None) -> str:
    """Return a moment for people, as in *Mon 08:00 Europe/Berlin*; with its date unless it is within days of `now`."""
    local = moment.astimezone(ZoneInfo(zone))
    is_near = now is not None and abs(moment - now) < timedelta(days=6)
    return f"{DAYS[local.weekday()].title()} {'' if is_near else f'{local:%Y-%m-%d} '}{local:%H:%M} {zone}"


def is_zone(name: str) -> bool:
    """Return whether the time zone database knows this zone."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
