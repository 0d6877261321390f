"""Spans: lengths of time, kept as seconds."""

from __future__ import annotations

import re

_SPAN = re.compile(r"([1-9]\d{0,4}) ?([smhdw])", re.ASCII)
_SIZES = {"d": 86_400, "h": 3_600, "m": 60, "s": 1, "w": 604_800}
"""By letter, in the order in which spans are written with them."""
_MOST = 99_999
PATTERN = "^[1-9][0-9]{0,4} ?[smhdw]$"
"""What people may write, for schemas."""
HINT = "write a number and s, m, h, d or w, such as 90m, 2h or 7d"
"""How people write one."""


def parse_span(text: str) -> float | None:
    """Return a length of time such as *90m*, *2h* or *7d* in seconds; None for anything else."""
    found = _SPAN.fullmatch(text)
    return float(int(found[1]) * _SIZES[found[2]]) if found else None


def write_span(seconds: float) -> str:
    """Return a length of time that was read, as people write it: in the largest unit that is exact."""
    fitting = (unit for unit, size in _SIZES.items() if not seconds % size and seconds <= _MOST * size)
    unit = next(fitting)
    return f"{int(seconds // _SIZES[unit])}{unit}"


def span_in_words(seconds: float) -> str:
    """Return a length of time for people, its two largest units."""
    left = max(0, int(seconds))
    parts = []
    for name, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {name}")
    return " ".join(parts[:2]) or "0 s"
