"""Deciding in the browser: signed with a passkey where the person has one that counts, else as who is signed in."""

from __future__ import annotations

import json
from dataclasses import replace

from starlette.responses import Response

from lampway.app.browsers import challenge_of
from lampway.engine.context import rules_in_force
from lampway.engine.decide import Decide
from lampway.engine.signed import DraftDecision
from lampway.engine.views import ShowPromotion
from lampway.errors import UsageError
from lampway.web.console import Page
from lampway.web.passkeys import envelope_in, mine


def decide(page: Page) -> Response:
    """Take a decision, about exactly what was shown; first show what is to be signed, where it can be signed."""
    said = page.form.get("decision", "")
    if said not in {"approve", "reject"}:
        raise UsageError("approve or reject", hint="go back and choose one")
    key = page.given("promotion")
    reason = page.form.get("reason", "").strip()
    asked = Decide(key, approved=said == "approve", reason=reason, digest=page.form.get("digest", ""))
    word = "approved" if asked.approved else "rejected"
    found = tuple(k for k in mine(page) if k.signs)
    if page.form.get("client_data"):
        page.ask(replace(asked, envelope=envelope_in(page.form, found)))
        return page.go(f"/promotions/{key}", f"{word}, signed with your passkey")
    draft = page.ask(DraftDecision(key, approved=asked.approved, reason=reason)) if found else None
    if draft is not None and draft.statement:
        credentials = ",".join(k.passkey.credential for k in found)
        challenge = challenge_of(draft.statement.encode())
        preview = json.dumps(json.loads(draft.statement), indent=2, ensure_ascii=False)
        return page.show(
            "sign.html", asked=asked, draft=draft, challenge=challenge, credentials=credentials, preview=preview
        )
    if _is_about_prod(page, key) and not page.who.has_proved_lately(page.engine.clock.now()):
        return page.prove_first(f"/promotions/{key}")
    page.ask(asked)
    return page.go(f"/promotions/{key}", f"{word}; not signed by you: the record says that you were signed in")


def _is_about_prod(page: Page, key: str) -> bool:
    place = page.ask(ShowPromotion(key)).promotion.environment
    with page.engine.store.reading() as reading:
        return rules_in_force(reading).strategy.is_prod(place)
