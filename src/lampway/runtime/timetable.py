"""Time tables in the notation of cron, by the clock on the wall of a time zone.

On the days on which clocks are changed they behave as Debian's cron does: what would come in the hour that is left out
comes right after it, and what comes at a fixed time in the hour that is shown twice comes once.
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo


class CronCalendar:
    """Implements the calendar port."""

    def next_time(self, cron: str, zone: str, after: datetime) -> datetime | None:
        """Return the first moment after this one that a time table names, UTC; None for never."""
        from cronsim import CronSim

        times = CronSim(cron, after.astimezone(ZoneInfo(zone)))
        found = next(times, None)
        return found.astimezone(UTC) if found is not None else None
