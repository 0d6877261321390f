"""Moments: points in time as ISO text in UTC, the one form in which records keep and compare them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from lampway.errors import UsageError

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HINT = "write a day, as in 2027-05-01, or a time with its zone, as in 2027-05-01T18:00+02:00"


def parse_moment(text: str, *, end: bool = False) -> str:
    """Return what somebody wrote as a moment: a day means its beginning, or its end, in UTC. Raises UsageError."""
    given = text.strip()
    try:
        if _DATE.fullmatch(given):
            begin = datetime.combine(date.fromisoformat(given), datetime.min.time(), UTC)
            return _text(begin + timedelta(days=1, milliseconds=-1) if end else begin)
        moment = datetime.fromisoformat(given)
        if moment.tzinfo is not None:
            return _text(moment.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    raise UsageError(f"not a day or a time with its zone: {given[:40]!r}", hint=_HINT)


def is_before(one: str, other: str) -> bool:
    """Return whether one moment is before another. What is no moment, such as an empty text, is before nothing."""
    first, second = _moment(one), _moment(other)
    return first is not None and second is not None and first < second


def later(moment: str, seconds: float) -> str:
    """Return the moment so many seconds later; empty where `moment` is none."""
    found = _moment(moment)
    return _text(found + timedelta(seconds=seconds)) if found else ""


def seconds_between(start: str, end: str) -> float:
    """Return the seconds from one moment to another, never less than none."""
    first, second = _moment(start), _moment(end)
    return max(0.0, (second - first).total_seconds()) if first and second else 0.0


def shown(moment: str) -> str:
    """Return a moment to the minute, for people."""
    return moment[:16].replace("T", " ") + " UTC"


def _text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)
