"""Moments and spans as people write them. Everything is UTC unless a zone is given."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from lampway.errors import UsageError

_SPAN = re.compile(r"(\d{1,6})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_moment(text: str, *, end: bool = False) -> str:
    """Return a date or time as ISO text, UTC; a bare date is its first moment, or with `end` its last.

    Half-open: the end of a day is the first moment of the next one. Raises UsageError.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            day = date.fromisoformat(text) + timedelta(days=1 if end else 0)
            moment = datetime.combine(day, time(), UTC)
        else:
            moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        hint = "write 2026-01-31, or 2026-01-31T12:00+01:00"
        raise UsageError(f"not a date or time: {text!r}", hint=hint) from None
    return moment.isoformat(timespec="milliseconds")


def parse_span(text: str) -> timedelta:
    """Return a length of time such as 24h. Raises UsageError."""
    found = _SPAN.fullmatch(text)
    if found is None or not int(found[1]):
        raise UsageError(f"not a length of time: {text!r}", hint="write a number and m, h or d, such as 24h")
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
