"""Deciding in the browser: a promotion, an exception, a checklist, what came of a test, who may speak for whom."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from lampway.domain.quorum import Delegation
from lampway.engine.attest import FILE_LIMIT, FILES, AttestCheck, AttestedNow, DraftTested, GivenFile
from lampway.engine.checklist import Checklist, DraftAnswers
from lampway.engine.context import rules_in_force
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate, Delegations, DraftDelegation, EndDelegation
from lampway.engine.releaseview import ShowRelease
from lampway.engine.signed import DraftDecision
from lampway.engine.solutionview import ShowSolution
from lampway.engine.views import ShowPromotion
from lampway.engine.waive import DraftWaiver, Waive
from lampway.errors import NotFoundError, UsageError
from lampway.web.console import Page, Shown, require_field
from lampway.web.signing import Wish, give, is_prod
from lampway.web.uploads import LARGEST, drop_files, harmless_name, park_files, parked_files

_MIB = 1_048_576


def decide(page: Page) -> Response:
    """Take a decision, about exactly what was shown."""
    said = page.form.get("decision", "")
    if said not in {"approve", "reject"}:
        raise UsageError("approve or reject", hint="go back and choose one")
    key, reason, approved = page.given("promotion"), page.form.get("reason", "").strip(), said == "approve"
    about = page.ask(ShowPromotion(key)).promotion
    wish = Wish(
        title=f"{'Approve' if approved else 'Reject'} {about.solution} {about.version} to {about.environment}",
        asked=Decide(key, approved=approved, reason=reason, digest=page.form.get("digest", "")),
        draft=DraftDecision(key, approved=approved, reason=reason),
        back=_promotion(key),
        command=f"lampway {said} {key}",
        is_about_prod=is_prod(page, about.environment),
    )
    word = "approved" if approved else "rejected"
    return give(page, wish, lambda _, proof: page.go(wish.back, f"{word}{_joined(proof)}"))


def waive(page: Page) -> Response:
    """Accept an exception from one gate of a promotion."""
    key, gate = page.given("promotion"), require_field(page, "gate")
    reason, until = require_field(page, "reason"), require_field(page, "until")
    wish = Wish(
        title=f"Waive the gate {gate}",
        asked=Waive(promotion=key, gate=gate, reason=reason, until=until),
        draft=DraftWaiver(promotion=key, gate=gate, reason=reason, until=until),
        back=_promotion(key),
        command=f"lampway waive {key} {gate}",
        is_about_prod=_is_about_prod(page, key),
    )
    return give(page, wish, lambda _, proof: page.go(wish.back, f"gate {gate} waived{_joined(proof)}"))


def answer(page: Page) -> Response:
    """Answer items of a promotion's checklist."""
    key, note = page.given("promotion"), page.form.get("note", "").strip()
    given = {name.removeprefix("item:"): said for name, said in page.form.items() if name.startswith("item:") and said}
    if not given:
        raise UsageError("nothing was answered", hint="go back and choose an answer")
    answers = tuple(f"{item}={reply}" for item, reply in given.items())
    wish = Wish(
        title="Answer the checklist",
        asked=Checklist(promotion=key, answers=answers, note=note),
        draft=DraftAnswers(promotion=key, answers=answers, note=note),
        back=_promotion(key),
        command=f"lampway checklist {key}",
        is_about_prod=_is_about_prod(page, key),
    )
    return give(page, wish, lambda _, proof: page.go(wish.back, f"answered{_joined(proof)}"))


def test(page: Page) -> Response:
    """Show what a tester signs: which release is where, what is to be tried, and what was told of it before."""
    solution, place, name = page.given("solution"), page.given("environment"), page.given("check")
    view = page.ask(ShowSolution(solution))
    stage = next((s for s in view.stages if s.environment == place), None)
    if stage is None or not stage.cell.version:
        raise NotFoundError(f"{solution} is not installed in {place[:80]}", hint="see its page")
    with page.engine.store.reading() as reading:
        checks = rules_in_force(reading).strategy.solution(view.name).checks
    if name not in [check.name for check in checks if check.attested]:
        raise NotFoundError(f"{view.name} has no check {name[:80]} that people carry out", hint="see its page")
    release = page.ask(ShowRelease(f"{solution}@{stage.cell.version}"))
    said = [e for e in release.evidence if (e.check, e.environment) == (name, place)]
    limits = {"files": FILES, "each": FILE_LIMIT // _MIB, "together": LARGEST // _MIB}
    facts: dict[str, Any] = {"solution": solution, "environment": place, "check": name, "limits": limits}
    return page.show("test.html", release=release, said=said, **facts)


def attest(page: Page) -> Response:
    """Record what came of a test, about the very release that was shown."""
    solution, place, name = page.given("solution"), page.given("environment"), page.given("check")
    said = {
        "release": require_field(page, "release"),
        "environment": place,
        "check": name,
        "outcome": page.form.get("outcome", ""),
        "cases": require_field(page, "cases"),
        "data_set": page.form.get("data_set", "").strip(),
    }
    parked = page.form.get("parked", "")
    files = parked_files(page.engine, page.who.actor.person, parked) if parked else (*page.files, *_note_of(page))
    wish = Wish(
        title=f"Check {name} {said['outcome']}",
        asked=AttestCheck(**said, files=files),
        draft=DraftTested(**said, files=files),
        back=f"/solutions/{quote(solution)}/test/{quote(place)}/{quote(name)}",
        command=f"lampway check attest {said['release']} --in {place} --check {name}",
        carry=lambda: {"parked": parked or park_files(page.engine, page.who.actor.person, files)} if files else {},
    )

    def then(done: AttestedNow, proof: str) -> Response:
        if parked:
            drop_files(page.engine, parked)
        lost = f"; {len(done.voided)} promotions lost their ground" if done.voided else ""
        return page.go(f"/releases/{quote(said['release'])}", f"{name} {said['outcome']}{_joined(proof)}{lost}")

    return give(page, wish, then)


def _note_of(page: Page) -> tuple[GivenFile, ...]:
    """Return what the tester pasted as a log, as a file beside those that came with the form."""
    log = page.form.get("log", "")
    name = harmless_name("log.txt", [file.name for file in page.files])
    return (GivenFile(name, log.encode()),) if log.strip() else ()


def delegations(page: Page) -> Response:
    """Show who may approve for whom, and let this person lend their own voice."""
    with page.engine.store.reading() as reading:
        known = rules_in_force(reading).strategy.people
    people = [p for p in known if p.id != page.who.actor.person and p.is_here(page.engine.now())]
    return page.show("delegations.html", found=page.ask(Delegations()), people=people)


def delegate(page: Page) -> Response:
    """Let somebody approve in this person's place for a while."""
    to, start, until = (require_field(page, name) for name in ("to", "start", "until"))
    reason = require_field(page, "reason")
    wish = Wish(
        title=f"Let {to} approve for you",
        asked=Delegate(to=to, start=start, until=until, reason=reason),
        draft=DraftDelegation(to=to, start=start, until=until, reason=reason),
        back="/delegations",
        command=f"lampway delegate --to {to} --from {start} --until {until}",
        is_about_prod=True,
    )

    def then(_: Delegation, proof: str) -> Response:
        return page.go("/delegations", f"{to} may approve for you{_joined(proof)}")

    return give(page, wish, then)


def end_delegation(page: Page) -> Response:
    """Take one's own voice back."""
    gone = page.ask(EndDelegation(page.given("delegation")))
    return page.go("/delegations", f"{gone.to} approves for you no more")


def _joined(proof: str) -> str:
    return f", {proof}" if proof.startswith("signed") else f"; {proof}"


def _promotion(key: str) -> str:
    return f"/promotions/{quote(key)}"


def _is_about_prod(page: Page, key: str) -> bool:
    return is_prod(page, page.ask(ShowPromotion(key)).promotion.environment)


DECIDING: dict[str, tuple[str, Shown]] = {
    "POST /promotions/{promotion}/decide": ("POST", decide),
    "POST /promotions/{promotion}/waive": ("POST", waive),
    "POST /promotions/{promotion}/checklist": ("POST", answer),
    "GET /solutions/{solution}/test/{environment}/{check}": ("GET", test),
    "POST /solutions/{solution}/test/{environment}/{check}": ("POST", attest),
    "GET /delegations": ("GET", delegations),
    "POST /delegations": ("POST", delegate),
    "POST /delegations/{delegation}/end": ("POST", end_delegation),
}
"""Method and page, by method and path."""
