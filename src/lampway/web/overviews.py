"""Pages of the whole: environments, readiness, recertification, measures, the trail, the rules, platforms, tokens."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import date, timedelta

from starlette.responses import Response, StreamingResponse

from lampway.app import render_document
from lampway.domain.digest import digest_bytes
from lampway.domain.readiness import REPLIES
from lampway.domain.recertification import DATA_CLASSES
from lampway.domain.strategy_document import FORMATS, unpack
from lampway.domain.tokens import SCOPES, token_text
from lampway.engine.audit import Audit
from lampway.engine.certify import Recertify, ReviewAnswer
from lampway.engine.delivery import ShowDelivery
from lampway.engine.document import FetchDocument
from lampway.engine.locks import LockHistory, LookAtLock
from lampway.engine.questions import ShowCampaigns, ShowQuestion, ShowRetirements
from lampway.engine.readiness import AnswerReadiness, RecordAudit, ShowReadiness
from lampway.engine.strategy_history import JudgeStrategy, ShowStrategyHistory
from lampway.engine.strategy_text import ShowStrategy
from lampway.engine.tasks import ShowTasks
from lampway.engine.tokens import IssueToken, RevokeToken, ShowTokens
from lampway.engine.trail import ExportFormat, ExportLedger, SearchLedger
from lampway.engine.views import Status
from lampway.engine.waiting import ShowWaits
from lampway.engine.whereabouts import ShowConfiguration, ShowEnvironments, ShowPlatforms
from lampway.errors import NotFoundError, UsageError
from lampway.web.console import PAGE_HEADERS, Page, Shown, require_field
from lampway.web.plots import bars, lasting, steps

_WEEKS = 12
_LINES = 100
_ROWS = 200


def environments(page: Page) -> Response:
    """Show every environment, and which of them give what a solution asks for."""
    names = _solutions(page)
    chosen = page.given("solution") or (names[0] if names else "")
    configuration = page.ask(ShowConfiguration(chosen)) if chosen else None
    found = page.ask(ShowEnvironments())
    return page.show(
        "environments.html", environments=found, solutions=names, chosen=chosen, configuration=configuration
    )


def environment(page: Page) -> Response:
    """Show one environment with the history of its lock."""
    name = page.given("environment")
    found = next((e for e in page.ask(ShowEnvironments()) if e.name == name), None)
    if found is None:
        raise NotFoundError(f"no environment {name[:80]}", hint="see the page of environments")
    history = page.ask(LockHistory(name, limit=_LINES))
    mine = [task for task in page.ask(ShowTasks()) if task.environment == name]
    return page.show("environment.html", environment=found, history=tuple(reversed(history)), mine=mine)


def look_at_lock(page: Page) -> Response:
    """Look at a lock now."""
    name = page.given("environment")
    seen = page.ask(LookAtLock(name))
    return page.go(f"/environments/{name}", f"looked: {seen.state}")


def readiness(page: Page) -> Response:
    """Show how far this team is, with the evidence."""
    found = page.ask(ShowReadiness())
    return page.show("readiness.html", found=found, replies=REPLIES)


def answer_readiness(page: Page) -> Response:
    """Answer an item for which no evidence can exist."""
    item = page.given("item")
    note, until = require_field(page, "note"), require_field(page, "until")
    line = page.ask(AnswerReadiness(item=item, reply=page.form.get("reply", ""), note=note, until=until))
    return page.go("/readiness", f"{line.item}: {line.state}")


def recertification(page: Page) -> Response:
    """Show who owes an answer by when, what is asked next, and what ends."""
    found = page.ask(ShowCampaigns())
    mine = [task for task in page.ask(ShowTasks()) if task.kind == "retire"]
    return page.show("recertification.html", found=found, retirements=page.ask(ShowRetirements()), mine=mine)


def question(page: Page) -> Response:
    """Show what is asked about one solution, with what is known of its use."""
    view = page.ask(ShowQuestion(page.given("solution")))
    return page.show("question.html", view=view, classes=DATA_CLASSES)


def answer_question(page: Page) -> Response:
    """Say that a solution is still needed, or not."""
    solution, form = page.given("solution"), page.form
    needed = form.get("needed", "")
    if needed not in {"yes", "no"}:
        raise UsageError("still needed: yes or no", hint="go back and choose one")
    said = {name: form[name].strip() for name in ("purpose", "users", "data_class") if form.get(name, "").strip()}
    page.ask(
        Recertify(
            solution=solution,
            needed=needed == "yes",
            reason=form.get("reason", "").strip(),
            purpose=said.get("purpose"),
            users=said.get("users"),
            data_class=said.get("data_class"),
        )
    )
    return page.go(f"/recertification/{solution}", "answered")


def review_answer(page: Page) -> Response:
    """Say whether an owner's answer counts."""
    said = page.form.get("review", "")
    if said not in {"accept", "send-back"}:
        raise UsageError("accept it, or send it back", hint="go back and choose one")
    solution = page.given("solution")
    page.ask(ReviewAnswer(solution=solution, accepted=said == "accept", reason=page.form.get("reason", "").strip()))
    return page.go(f"/recertification/{solution}", "it counts" if said == "accept" else "sent back")


def metrics(page: Page) -> Response:
    """Show how fast and how safely changes arrive, and for what they waited."""
    names = _solutions(page)
    chosen = page.given("solution")
    found = page.ask(ShowDelivery(solution=chosen))
    shown = found[:_ROWS]
    plots = [
        bars("Deployments a week", [(d.solution, d.per_week, f"{d.per_week:.2g}") for d in shown]),
        bars("Lead time", [(d.solution, d.lead_time or 0.0, lasting(d.lead_time)) for d in shown]),
        bars("Time to restore", [(d.solution, d.time_to_restore or 0.0, lasting(d.time_to_restore)) for d in shown]),
    ]
    if chosen:
        weeks = _weeks(page.engine.now()[:10])
        each = [page.ask(ShowDelivery(solution=chosen, since=first, until=last))[0] for first, last in weeks]
        plots = [
            steps(
                "Deployments, week by week", [(w[0], float(d.deployments)) for w, d in zip(weeks, each, strict=True)]
            ),
            steps("Changes that did badly", [(w[0], float(d.failed)) for w, d in zip(weeks, each, strict=True)]),
        ]
        waits = page.ask(ShowWaits(chosen))
        plots.append(bars("Waiting, by gate (median)", [(w.name, w.median, lasting(w.median)) for w in waits.gates]))
        plots.append(bars("Waiting, by person (median)", [(w.name, w.median, lasting(w.median)) for w in waits.people]))
    return page.show("metrics.html", found=shown, total=len(found), plots=plots, solutions=names, chosen=chosen)


def _weeks(today: str) -> list[tuple[str, str]]:
    """Return the first and the last day of the last weeks, oldest first; the last one ends today."""
    end = date.fromisoformat(today)
    ends = [end - timedelta(weeks=number) for number in reversed(range(_WEEKS))]
    return [((last - timedelta(days=6)).isoformat(), last.isoformat()) for last in ends]


def audit(page: Page) -> Response:
    """Search the ledger."""
    asked = {name: page.given(name).strip() for name in ("person", "solution", "environment", "since", "until", "kind")}
    found = page.ask(SearchLedger(**asked, limit=_LINES))
    return page.show("audit.html", asked=asked, found=found, lines=tuple(reversed(found.lines)), verdict=None)


def verify(page: Page) -> Response:
    """Verify everything; where it is wished, record that it was found whole."""
    verdict = page.ask(RecordAudit()) if page.form.get("record") else page.ask(Audit())
    found = page.ask(SearchLedger(limit=_LINES))
    asked = dict.fromkeys(("person", "solution", "environment", "since", "until", "kind"), "")
    return page.show("audit.html", asked=asked, found=found, lines=tuple(reversed(found.lines)), verdict=verdict)


def export(page: Page) -> Response:
    """Return the whole ledger as a file."""
    given = page.given("form") or ExportFormat.JSONL
    if given not in {str(form) for form in ExportFormat}:
        raise UsageError(f"no such format: {given[:40]}", hint=f"one of: {', '.join(ExportFormat)}")
    form = ExportFormat(given)
    lines = page.ask(ExportLedger(form, page.given("since")))
    ending = "csv" if form is ExportFormat.CSV else "jsonl"
    headers = {**PAGE_HEADERS, "Content-Disposition": f'attachment; filename="ledger.{ending}"'}
    return StreamingResponse((f"{line}\n" for line in lines), media_type="text/plain; charset=utf-8", headers=headers)


def strategy(page: Page) -> Response:
    """Show the strategy in force, what its rules leave open, and what each one before changed."""
    judged = page.ask(JudgeStrategy()) if page.given("judged") == "yes" else None
    history = page.recall("strategy history", lambda: page.ask(ShowStrategyHistory()))
    return page.show("strategy.html", found=page.ask(ShowStrategy()), history=history, judged=judged)


def strategy_document(page: Page) -> Response:
    """Give the strategy in force as a document for people who sign."""
    form = page.given("form") or "pdf"
    if form not in FORMATS:
        raise UsageError(f"no such format: {form[:40]}", hint=f"one of: {', '.join(FORMATS)}")
    return page.file(f"strategy.{form}", render_document(unpack(page.ask(FetchDocument())), form))


def platforms(page: Page) -> Response:
    """Show what each platform can do."""
    found = page.ask(ShowPlatforms())
    abilities = tuple(dict.fromkeys(str(c.name) for view in found for c in view.capabilities))
    table = [(ability, [{str(c.name): c for c in v.capabilities}.get(ability) for v in found]) for ability in abilities]
    return page.show("platforms.html", platforms=[view.platform for view in found], table=table)


def tokens(page: Page) -> Response:
    """Show one's tokens."""
    return _tokens(page, "")


def make_token(page: Page) -> Response:
    """Make a token, and show it this once. Its secret is made here and kept nowhere.

    It takes a fresh proof, for signing in with a token is one: else a session that was left open would be enough.
    """
    if not page.who.is_invited and not page.who.has_proved_lately(page.engine.clock.now()):
        return page.prove_first("/tokens")
    scopes = tuple(scope for scope in SCOPES if page.form.get(f"scope-{scope}"))
    secret = secrets.token_urlsafe(32)
    made = page.ask(
        IssueToken(
            name=require_field(page, "name"),
            digest=digest_bytes(secret.encode()),
            until=require_field(page, "until"),
            scopes=scopes,
        )
    )
    return _tokens(page, token_text(made.id, secret))


def _tokens(page: Page, made: str) -> Response:
    """Show tokens; one that was made just now is shown with its secret."""
    everything = page.given("all") == "yes"
    found = page.ask(ShowTokens(everything))
    later = (date.fromisoformat(page.engine.now()[:10]) + timedelta(days=90)).isoformat()
    return page.show(
        "tokens.html",
        found=found,
        made=made,
        scopes=SCOPES,
        everything=everything,
        later=later,
        status=201 if made else 200,
    )


def revoke_token(page: Page) -> Response:
    """Let a token count no more."""
    gone = page.ask(RevokeToken(page.given("token"), page.form.get("reason", "").strip()))
    return page.go("/tokens", f"{gone.name} counts no more")


def _solutions(page: Page) -> tuple[str, ...]:
    return page.recall("solutions", lambda: tuple(dict.fromkeys(cell.solution for cell in page.ask(Status()))))


def _get(page: Shown) -> tuple[str, Shown]:
    return "GET", page


def _post(page: Shown) -> tuple[str, Shown]:
    return "POST", page


OVERVIEWS: dict[str, tuple[str, Callable[[Page], Response]]] = {
    "GET /environments": _get(environments),
    "GET /environments/{environment}": _get(environment),
    "POST /environments/{environment}/lock": _post(look_at_lock),
    "GET /readiness": _get(readiness),
    "POST /readiness/{item}": _post(answer_readiness),
    "GET /recertification": _get(recertification),
    "GET /recertification/{solution}": _get(question),
    "POST /recertification/{solution}": _post(answer_question),
    "POST /recertification/{solution}/review": _post(review_answer),
    "GET /metrics": _get(metrics),
    "GET /audit": _get(audit),
    "POST /audit/verify": _post(verify),
    "GET /audit/export": _get(export),
    "GET /strategy": _get(strategy),
    "GET /strategy/document": _get(strategy_document),
    "GET /platforms": _get(platforms),
    "GET /tokens": _get(tokens),
    "POST /tokens": _post(make_token),
    "POST /tokens/{token}/revoke": _post(revoke_token),
}
"""Pages of the whole, by method and path."""
