"""The pages: each asks the engine what the API would answer, and renders it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.responses import Response

from lampway.engine.approving import ShowCase
from lampway.engine.progress import ShowProgress
from lampway.engine.signed import DraftDecision
from lampway.engine.tasks import ShowTasks
from lampway.engine.views import Cell, Status
from lampway.web.calendar_page import CALENDAR_PAGES
from lampway.web.console import Page, Shown
from lampway.web.deciding import DECIDING
from lampway.web.drawing import drawings
from lampway.web.overviews import OVERVIEWS
from lampway.web.passkeys import mine, passkeys, register, remove
from lampway.web.people_pages import PEOPLE_PAGES
from lampway.web.promotion_pages import PROMOTION_PAGES
from lampway.web.release_pages import RELEASE_PAGES
from lampway.web.second_person import SECOND_PERSON
from lampway.web.solution_pages import SOLUTION_PAGES

_ROWS = 100


def matrix(page: Page) -> Response:
    """Show what is where: a row per solution, a column per environment."""
    query, only = page.given("q").strip(), page.given("only")
    start = int(page.given("from")) if page.given("from").isdecimal() else 0
    environments, found = page.recall("status", lambda: _arranged(page.ask(Status())))
    fitting = [name for name, row in found.items() if query.lower() in name.lower() and _fits(row.values(), only)]
    shown = fitting[start : start + _ROWS]
    rows = [(name, [found[name].get(e) for e in environments]) for name in shown]
    table = page.recall(
        ("matrix", tuple(shown)), lambda: page.part("matrix-table.html", rows=rows, environments=environments)
    )
    after = start + _ROWS
    more = "?" + urlencode({"q": query, "only": only, "from": after}) if after < len(fitting) else ""
    return page.show(
        "matrix.html",
        rows=rows,
        table=table,
        q=query,
        only=only,
        more=more,
        shown=len(rows),
        total=len(found),
    )


def _arranged(cells: tuple[Cell, ...]) -> tuple[tuple[str, ...], dict[str, dict[str, Cell]]]:
    """Return the environments in order, and the cells by solution and environment."""
    found: dict[str, dict[str, Cell]] = {}
    for cell in cells:
        found.setdefault(cell.solution, {})[cell.environment] = cell
    return tuple(dict.fromkeys(cell.environment for row in found.values() for cell in row.values())), found


def _fits(cells: Iterable[Cell], only: str) -> bool:
    match only:
        case "waiting":
            return any(cell.promotion for cell in cells)
        case "drift":
            return any(cell.drift for cell in cells)
        case "unverified":
            return any(cell.state == "unverified" for cell in cells)
        case _:
            return True


def inbox(page: Page) -> Response:
    """Show everything that waits for this person, the most urgent first."""
    return page.show("inbox.html", tasks=page.ask(ShowTasks()))


def promotion(page: Page) -> Response:
    """Show one promotion, in the order of what an approver asks."""
    case = page.ask(ShowCase(page.given("promotion")))
    about = case.view.promotion
    draft = page.ask(DraftDecision(about.id, approved=True)) if not case.view.may_decide else None
    return page.show(
        "promotion.html",
        case=case,
        view=case.view,
        drawn=[(p, *drawings(p)) for p in case.pictures],
        progress=page.ask(ShowProgress(about.id)),
        keys=mine(page),
        signing=json.dumps(json.loads(draft.statement), indent=2) if draft and draft.statement else "",
    )


PAGES: dict[str, tuple[str, Shown]] = {
    "GET /": ("GET", matrix),
    "GET /inbox": ("GET", inbox),
    "GET /promotions/{promotion}": ("GET", promotion),
    "GET /passkeys": ("GET", passkeys),
    "POST /passkeys": ("POST", register),
    "POST /passkeys/{passkey}/remove": ("POST", remove),
    **SOLUTION_PAGES,
    **RELEASE_PAGES,
    **PROMOTION_PAGES,
    **CALENDAR_PAGES,
    **DECIDING,
    **SECOND_PERSON,
    **PEOPLE_PAGES,
    **OVERVIEWS,
}
"""Every page, by method and path."""
