"""Pages about one solution: how it stands, its rollback, and the answers to live edits."""

from __future__ import annotations

from urllib.parse import quote

from starlette.responses import Response

from lampway.engine.backport import BackportDrift
from lampway.engine.drift import AcceptDrift, RevertDrift
from lampway.engine.preview import PreviewRelease
from lampway.engine.promote import Promote, Rollback
from lampway.engine.release import MakeRelease
from lampway.engine.rollbackplan import PlanRollback
from lampway.engine.solutionview import ShowSolution
from lampway.engine.views import Explain
from lampway.errors import UsageError
from lampway.web.console import Page, Shown, require_field
from lampway.web.drawing import drawings


def solution(page: Page) -> Response:
    """Show one solution: its path as a picture, what is missing to move on, releases, live edits."""
    view = page.ask(ShowSolution(page.given("solution")))
    why = page.ask(Explain(view.name, view.next_stage, plan=False)) if view.next_stage else None
    return page.show("solution.html", view=view, why=why)


def plan(page: Page) -> Response:
    """Show what a rollback would do, with the form that asks for it."""
    found = page.ask(PlanRollback(page.given("solution"), page.given("environment")))
    return page.show("rollback.html", plan=found)


def roll_back(page: Page) -> Response:
    """Ask for the rollback that was shown, and for no other."""
    name, environment = page.given("solution"), page.given("environment")
    reason, running = require_field(page, "reason"), require_field(page, "running")
    target = page.form.get("target", "").strip()
    accepted = "accept_loss" in page.form
    asked = Rollback(name, environment, reason, to=target, remove=not target, running=running, accept_loss=accepted)
    made = page.ask(asked)
    return page.go(f"/promotions/{quote(made.promotions[-1])}", "rollback asked for")


def answer_drift(page: Page) -> Response:
    """Answer the live edits of a solution in one environment: revert, accept, or bring them into a release."""
    name, environment = page.given("solution"), require_field(page, "environment")
    reason = page.form.get("reason", "").strip()
    back = f"/solutions/{quote(name)}"
    match page.form.get("answer", ""):
        case "revert":
            made = page.ask(RevertDrift(name, environment, reason))
            return page.go(f"/promotions/{quote(made[-1])}", "revert asked for")
        case "accept":
            page.ask(AcceptDrift(name, environment, require_field(page, "reason")))
            return page.go(back, "the live edit may stand")
        case "backport":
            page.ask(BackportDrift(name, environment, reason=reason))
            return page.go(back, "the live edit is on a branch, with a task")
        case _:
            raise UsageError("revert, accept or backport", hint="go back and choose one")


def preview(page: Page) -> Response:
    """Show what a release of dev would hold, with the form that makes it and asks for its way."""
    blank = page.given("blank") == "defaults"
    found = page.ask(PreviewRelease(page.given("solution"), blank_defaults=blank))
    drawn = [(p, *drawings(p)) for p in found.pictures]
    stages = () if found.version else page.ask(ShowSolution(found.solution)).stages
    last = f"{found.solution}@{found.last}"
    under_way = [s for s in stages if s.cell.promotion and s.cell.waiting == last]
    return page.show("preview.html", preview=found, blank=blank, drawn=drawn, under_way=under_way)


def release_and_promote(page: Page) -> Response:
    """Seal what was shown, and nothing else, and ask for it to go to a stage."""
    name, to = page.given("solution"), require_field(page, "to")
    note = page.form.get("note", "").strip()
    seen, blank = require_field(page, "fingerprint"), page.form.get("blank", "") == "defaults"
    made = page.ask(MakeRelease(name, note=note, fingerprint=seen, blank_defaults=blank))
    release = made.release.name if made.release else f"{name}@{made.last}"
    asked = page.ask(Promote(release, to, note))
    told = f"{release} is {'sealed' if made.release else 'unchanged'}"
    if not asked.promotions:
        return page.go(f"/solutions/{quote(name)}", f"{told}, and runs verified in {to} already")
    return page.go(f"/promotions/{quote(asked.promotions[-1])}", f"{told} and asked for")


def promote(page: Page) -> Response:
    """Ask for the release that was shown to go to the stage that was shown."""
    name, release, to = page.given("solution"), require_field(page, "release"), require_field(page, "to")
    if release.partition("@")[0] != name:
        raise UsageError(f"{release[:80]} is no release of {name[:80]}", hint="load the page again")
    asked = page.ask(Promote(release, to, page.form.get("reason", "").strip()))
    if not asked.promotions:
        return page.go(f"/solutions/{quote(name)}", f"{release} runs verified in {to} already")
    return page.go(f"/promotions/{quote(asked.promotions[-1])}", f"{release} is asked for")


SOLUTION_PAGES: dict[str, tuple[str, Shown]] = {
    "GET /solutions/{solution}": ("GET", solution),
    "GET /solutions/{solution}/rollback/{environment}": ("GET", plan),
    "POST /solutions/{solution}/rollback/{environment}": ("POST", roll_back),
    "GET /solutions/{solution}/release": ("GET", preview),
    "POST /solutions/{solution}/release": ("POST", release_and_promote),
    "POST /solutions/{solution}/promote": ("POST", promote),
    "POST /solutions/{solution}/drift": ("POST", answer_drift),
}
"""Method and page, by method and path."""
