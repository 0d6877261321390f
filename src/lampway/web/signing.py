"""What people give in the browser: signed with a passkey where they have one that counts, else as who is signed in."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from lampway.app.browsers import challenge_of
from lampway.engine.context import Request, rules_in_force
from lampway.engine.signed import Draft
from lampway.web.console import Page
from lampway.web.passkeys import envelope_in, mine

SIGNED = "signed with your passkey"
UNSIGNED = "not signed by you: the record says that you were signed in"
_OF_THE_DEVICE = {"form_key", "once", "statement", "credential", "client_data", "authenticator_data", "signature"}


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody is about to give."""

    title: str
    asked: Any
    """The request that gives it; its field `envelope` takes the signature."""
    draft: Request[Draft]
    """The request for the statement to sign."""
    back: str
    """The page that it belongs to."""
    command: str
    """The command that does the same with a key of one's own."""
    carry: Callable[[], Mapping[str, str]] = dict
    """What the page for signing holds beside what was sent; asked for only where there is something to sign."""
    is_about_prod: bool = False
    """Whether it takes a fresh proof where it is not signed."""


def give(page: Page, wish: Wish, then: Callable[[Any, str], Response]) -> Response:
    """Give it, about exactly what was shown; first show what is to be signed, where it can be signed.

    `then` makes the page that answers, from the engine's answer and how it was proved, in words.
    """
    found = tuple(k for k in mine(page) if k.signs)
    if page.form.get("client_data"):
        return then(page.ask(replace(wish.asked, envelope=envelope_in(page.form, found))), SIGNED)
    draft = page.ask(wish.draft) if found else None
    if draft is not None and draft.statement:
        return page.show(
            "sign.html",
            wish=wish,
            action=page.request.url.path,
            fields={n: v for n, v in page.form.items() if n not in _OF_THE_DEVICE} | dict(wish.carry()),
            statement=draft.statement,
            challenge=challenge_of(draft.statement.encode()),
            credentials=",".join(k.passkey.credential for k in found),
            preview=json.dumps(json.loads(draft.statement), indent=2, ensure_ascii=False),
        )
    if wish.is_about_prod and not page.who.has_proved_lately(page.engine.clock.now()):
        return page.prove_first(wish.back)
    return then(page.ask(wish.asked), UNSIGNED)


def is_prod(page: Page, environment: str) -> bool:
    """Return whether this is an environment of the last tier, by the rules in force."""
    with page.engine.store.reading() as reading:
        return rules_in_force(reading).strategy.is_prod(environment)
