"""Passkeys in the browser: registering one, signing in with one, and what a form brings back from the device."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from lampway.app import Engine
from lampway.app.browsers import (
    challenge_in,
    fault_of,
    from_base64url,
    read_registration,
    to_base64url,
    wrap_assertion,
)
from lampway.domain.digest import digest_bytes
from lampway.domain.invitations import invitation_behind, via_invitation
from lampway.domain.passkeys import is_origin
from lampway.engine.passkeys import KnownPasskey, RegisterPasskey, RemovePasskey, ShowPasskeys, owner_of
from lampway.engine.ports import Assertion
from lampway.errors import UnauthenticatedError
from lampway.web.console import Page, require_field
from lampway.web.visits import NEVER_PROVED, make_challenge, open_session, take_challenge

SIGN_IN, REGISTER = "sign-in", "register"


def mine(page: Page) -> tuple[KnownPasskey, ...]:
    """Return the passkeys of whoever is signed in."""
    return page.ask(ShowPasskeys(person=page.who.actor.person))


def passkeys(page: Page) -> Response:
    """Show this person's passkeys, and let them register one more."""
    lately = page.who.may_register(page.engine.clock.now())
    challenge = make_challenge(page.engine, REGISTER, page.who.actor.person) if lately else ""
    user = to_base64url(bytes.fromhex(digest_bytes(page.who.actor.person.encode()).removeprefix("sha256:")))
    found = mine(page)
    origin = origin_of(page.request)
    return page.show(
        "passkeys.html",
        found=found,
        challenge=challenge,
        user=user,
        lately=lately,
        can=is_origin(origin),
        origin=origin,
        invited=page.who.is_invited and lately,
    )


def register(page: Page) -> Response:
    """Register the passkey that a device just made for this person."""
    if not page.who.may_register(page.engine.clock.now()):
        return page.prove_first("/passkeys")
    made, _ = answer_in(page.form)
    challenge = challenge_in(made.client_data)
    take_challenge(page.engine, challenge, REGISTER, page.who.actor.person)
    credential, key = read_registration(made, origin_of(page.request), challenge)
    known = page.ask(RegisterPasskey(name=require_field(page, "name"), credential=credential, key=key))
    return page.go("/passkeys", f"passkey {known.name} registered: it signs you in from now on")


def remove(page: Page) -> Response:
    """Let a passkey count no more."""
    gone = page.ask(RemovePasskey(passkey=page.given("passkey"), reason=require_field(page, "reason")))
    return page.go("/passkeys", f"passkey {gone.name} counts no more")


def sign_in_with_passkey(engine: Engine, form: Mapping[str, str]) -> str:
    """Return the secret of a new session for whoever a device answered for. Raises UnauthenticatedError, UsageError."""
    made, signature = answer_in(form)
    challenge = challenge_in(made.client_data)
    take_challenge(engine, challenge, SIGN_IN, "")
    known = owner_of(engine, form.get("credential", ""))
    passkey = known.passkey
    fault = fault_of(made, signature, passkey.key, challenge)
    if fault:
        raise UnauthenticatedError(f"this passkey does not sign in: {fault}", hint="try again, or use another way")
    if not known.proves:
        via = via_invitation(invitation_behind(passkey.via), passkey.id)
        return open_session(engine, passkey.person, via, proved_at=NEVER_PROVED)
    return open_session(engine, passkey.person, f"passkey {passkey.id}")


def envelope_in(form: Mapping[str, str], found: tuple[KnownPasskey, ...]) -> str:
    """Return the envelope around the statement in a form, as a device signed it.

    Raises UsageError, UnauthenticatedError for a passkey that is not among those found. Whether the statement is what
    stands, and the key the person's, is for the engine to say.
    """
    made, signature = answer_in(form)
    used = next((k.passkey for k in found if k.passkey.credential == form.get("credential")), None)
    if used is None:
        raise UnauthenticatedError("the passkey is not known, or is not yours", hint="lampway passkey list")
    return wrap_assertion(form.get("statement", ""), used.key, made, signature)


def answer_in(form: Mapping[str, str]) -> tuple[Assertion, bytes]:
    """Return what a device answered, and its signature; empty where it made a key. Raises UsageError."""
    data = from_base64url(form.get("authenticator_data", ""), "authenticator data")
    client = from_base64url(form.get("client_data", ""), "client data")
    return Assertion(data, client), from_base64url(form.get("signature", ""), "signature")


def origin_of(request: Request) -> str:
    """Return where the browser says that the page is, which was compared with the host already; else what we know."""
    return request.headers.get("origin", "") or f"{request.url.scheme}://{request.headers.get('host', '')}"
