"""The calendar: day by day, when deployments may start, when they may not, and what waits for a moment."""

from __future__ import annotations

from itertools import groupby

from starlette.responses import Response

from lampway.engine.calendar import ShowCalendar
from lampway.web.console import Page, Shown

_DAYS = 14


def calendar(page: Page) -> Response:
    """Show the next days; what began before stands under today."""
    today = page.engine.now()[:10]
    found = page.ask(ShowCalendar(_DAYS))
    days = [(day, list(on)) for day, on in groupby(found, lambda entry: max(entry.start[:10], today))]
    return page.show("calendar.html", days=days, today=today, span=_DAYS)


CALENDAR_PAGES: dict[str, tuple[str, Shown]] = {"GET /calendar": ("GET", calendar)}
"""Method and page, by method and path."""
