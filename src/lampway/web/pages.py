"""The pages: each asks the engine what the API would answer, and renders it."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlencode

from starlette.responses import Response

from lampway.engine.decide import Decide
from lampway.engine.views import Cell, Inbox, ShowPromotion, Status
from lampway.errors import UsageError
from lampway.web.console import Page, Shown
from lampway.web.overviews import OVERVIEWS

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
    """Show what waits for this person."""
    return page.show("inbox.html", waiting=page.ask(Inbox()))


def promotion(page: Page) -> Response:
    """Show one promotion, in the order of what an approver asks."""
    return page.show("promotion.html", view=page.ask(ShowPromotion(page.given("promotion"))))


def decide(page: Page) -> Response:
    """Take a decision, about exactly what was shown."""
    said = page.form.get("decision", "")
    if said not in {"approve", "reject"}:
        raise UsageError("approve or reject", hint="go back and choose one")
    key = page.given("promotion")
    asked = Decide(
        key, approved=said == "approve", reason=page.form.get("reason", "").strip(), digest=page.form.get("digest", "")
    )
    page.ask(asked)
    return page.go(f"/promotions/{key}", "approved" if asked.approved else "rejected")


PAGES: dict[str, tuple[str, Shown]] = {
    "GET /": ("GET", matrix),
    "GET /inbox": ("GET", inbox),
    "GET /promotions/{promotion}": ("GET", promotion),
    "POST /promotions/{promotion}/decide": ("POST", decide),
    **OVERVIEWS,
}
"""Every page, by method and path."""
