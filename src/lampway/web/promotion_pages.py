"""Pages about one promotion beside deciding: its checklist, questions, live progress, what to do when it fails."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from lampway.engine.approving import ShowCase
from lampway.engine.progress import ShowProgress
from lampway.engine.promote import Abort, Promote
from lampway.engine.reconcile import Reconcile
from lampway.engine.talk import Talk
from lampway.engine.views import ShowPromotion
from lampway.errors import UsageError
from lampway.web.console import Page, Shown, require_field
from lampway.web.live import EVENT_HEADERS, EVENTS, told_live


def receipt(page: Page) -> Response:
    """Show what was decided and how it went, on one page to forward."""
    case = page.ask(ShowCase(page.given("promotion")))
    newest = {(e.check, e.environment): e for e in case.view.evidence}
    progress_ = page.ask(ShowProgress(case.view.promotion.id))
    return page.show("receipt.html", case=case, newest=tuple(newest.values()), progress=progress_)


def progress(page: Page) -> Response:
    """Show only how far it is: what a script puts in place of what is there."""
    return page.show("progress.html", progress=page.ask(ShowProgress(page.given("promotion"))))


def events(page: Page) -> Response:
    """Tell whenever something becomes of a promotion, as server-sent events, until it is over."""
    key = page.given("promotion")
    first = page.ask(ShowProgress(key))
    leave = page.listeners.listen(page.who.actor.person)
    told = told_live(page.ask, first, leave, is_leaving=page.engine.is_leaving)
    return StreamingResponse(told, media_type=EVENTS, headers=EVENT_HEADERS)


def talk(page: Page) -> Response:
    """Ask a question about it, or answer one."""
    key = page.given("promotion")
    page.ask(Talk(key, require_field(page, "text"), is_question=page.form.get("kind") != "answer"))
    return page.go(_path(key), "said")


def abort(page: Page) -> Response:
    """Take it back, or give up a deployment that does not come to its end."""
    key = page.given("promotion")
    state = page.ask(Abort(key, require_field(page, "reason")))
    return page.go(_path(key), f"it is {state} now")


def reconcile(page: Page) -> Response:
    """Say whether the step in doubt happened."""
    key, said = page.given("promotion"), page.form.get("happened", "")
    if said not in {"yes", "no"}:
        raise UsageError("yes or no", hint="go back and choose one")
    about = page.ask(ShowPromotion(key)).promotion
    page.ask(Reconcile(about.solution, about.environment, said == "yes", require_field(page, "reason")))
    return page.go(_path(key), "said")


def again(page: Page) -> Response:
    """Ask once more for what ended without success."""
    about = page.ask(ShowPromotion(page.given("promotion"))).promotion
    asked = page.ask(Promote(f"{about.solution}@{about.version}", about.stage, page.form.get("reason", "").strip()))
    if not asked.promotions:
        return page.go(f"/solutions/{quote(about.solution)}", f"it runs verified in {about.stage} already")
    return page.go(_path(asked.promotions[-1]), "asked for again")


def _path(key: str) -> str:
    return f"/promotions/{quote(key)}"


PROMOTION_PAGES: dict[str, tuple[str, Shown]] = {
    "GET /promotions/{promotion}/receipt": ("GET", receipt),
    "GET /promotions/{promotion}/progress": ("GET", progress),
    "GET /promotions/{promotion}/events": ("GET", events),
    "POST /promotions/{promotion}/talk": ("POST", talk),
    "POST /promotions/{promotion}/abort": ("POST", abort),
    "POST /promotions/{promotion}/reconcile": ("POST", reconcile),
    "POST /promotions/{promotion}/again": ("POST", again),
}
"""Method and page, by method and path."""
