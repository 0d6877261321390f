"""The page of people: who is who, and letting somebody in who has no other way to sign in yet."""

from __future__ import annotations

import secrets

from starlette.responses import Response

from lampway.domain.digest import digest_bytes
from lampway.domain.invitations import invitation_text
from lampway.domain.moments import later
from lampway.engine.invitations import Invite, RevokeInvitation, ShowInvitations
from lampway.engine.people import ShowPeople
from lampway.errors import UsageError
from lampway.web.console import Page, Shown, require_field
from lampway.web.passkeys import origin_of

_HOURS = {"24": "a day", "72": "three days", "168": "a week"}
_EVERYBODY = "/people"


def people(page: Page) -> Response:
    """Show who is who, and who was invited."""
    return _people(page, "", "")


def invite(page: Page) -> Response:
    """Make a link that lets somebody in once, and show it this once. Its secret is made here and kept nowhere."""
    if not page.who.has_proved_lately(page.engine.clock.now()):
        return page.prove_first(_EVERYBODY)
    lasts = page.form.get("hours", "24")
    if lasts not in _HOURS:
        raise UsageError("for how long it counts", hint="go back and choose one")
    secret = secrets.token_urlsafe(32)
    made = page.ask(
        Invite(
            person=require_field(page, "person"),
            digest=digest_bytes(secret.encode()),
            until=later(page.engine.now(), int(lasts) * 3600.0),
        )
    )
    return _people(page, f"{origin_of(page.request)}/sign-in?code={invitation_text(made.id, secret)}", made.person)


def revoke(page: Page) -> Response:
    """Let an invitation count no more."""
    gone = page.ask(RevokeInvitation(invitation=page.given("invitation"), reason=page.form.get("reason", "").strip()))
    return page.go(_EVERYBODY, f"the invitation of {gone.person} counts no more")


def _people(page: Page, link: str, invited: str) -> Response:
    """Show people; a link that was made just now is shown with its secret."""
    return page.show(
        "people.html",
        found=page.ask(ShowPeople()),
        invitations=page.ask(ShowInvitations(everything=page.given("all") == "yes")),
        everything=page.given("all") == "yes",
        hours=_HOURS,
        link=link,
        invited=invited,
        status=201 if link else 200,
    )


PEOPLE_PAGES: dict[str, tuple[str, Shown]] = {
    "GET /people": ("GET", people),
    "POST /people/invitations": ("POST", invite),
    "POST /people/invitations/{invitation}/revoke": ("POST", revoke),
}
"""Method and page, by method and path."""
