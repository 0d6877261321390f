"""Days as they are written in governance files."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from lampway.errors import UsageError


def read_day(text: Any) -> str:
    """Return a day as ISO text. Raises UsageError for everything else, also what other tools would let pass."""
    try:
        if isinstance(text, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
            return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    raise UsageError(f"not a date: {str(text)[:40]}", hint="write year, month and day, as in 2027-05-01")
