"""Lengths of time as people write them in governance files: `30m`, `24h`, `7d`."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from lampway.config.section import fault

_UNITS = {"m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"([1-9][0-9]{0,4})([mhd])", re.ASCII)


def seconds(text: str) -> float:
    """Return the seconds of a length of time that was read."""
    return float(text[:-1]) * _UNITS[text[-1]]


def written(length: float) -> str:
    """Return a length of time, whole minutes, as it is written: in the largest unit that is exact."""
    unit = next(u for u in ("d", "h", "m") if not length % _UNITS[u] or u == "m")
    return f"{int(length // _UNITS[unit])}{unit}"


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise fault("must be a length of time in minutes, hours or days", "write it as in: 30m, 24h or 7d")
    return text


Duration = Annotated[
    str, AfterValidator(_duration), Field(json_schema_extra={"pattern": f"^{_DURATION.pattern}$", "minLength": 2})
]
"""A length of time of at least a minute."""
