"""Signing in at the team's own provider: out to it, and back with an answer that only this browser asked for."""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from urllib.parse import quote, unquote

from starlette.requests import Request

from lampway.app import Engine
from lampway.app.browsers import OpenId
from lampway.domain.moments import write_moment
from lampway.engine.accounts import KnownAccount, admit
from lampway.web.visits import SESSION, make_challenge, open_session, take_challenge

COOKIE = "lampway-oidc"
BACK = "/sign-in/oidc"
_PURPOSE = "oidc"
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


def begin_oidc(engine: Engine, provider: OpenId, request: Request, onward: str) -> tuple[str, str]:
    """Return where to send the browser, and the cookie that its answer must come with. Raises PlatformError."""
    secret = make_challenge(engine, _PURPOSE, "")
    there = provider.begin(secret, _back(request), fresh=bool(request.query_params.get("again")))
    return there, f"{secret}.{base64.urlsafe_b64encode(quote(onward).encode()).decode().rstrip('=')}"


def finish_oidc(engine: Engine, provider: OpenId, request: Request) -> tuple[str, str]:
    """Return the secret of a new session, and where the person was going. Raises UnauthenticatedError, PlatformError.

    Who it is, is told by the account that people.yaml names, else by an e-mail that the provider verified.
    """
    secret, _, onward = request.cookies.get(COOKIE, "").partition(".")
    take_challenge(engine, secret, _PURPOSE, "")
    proved = provider.finish(secret, _back(request), request.query_params, engine.clock.now())
    account = KnownAccount(provider.provider.issuer, proved.subject, proved.email, proved.claims)
    person = admit(engine, account, SESSION)
    at = write_moment(proved.proved_at or _LONG_AGO)
    return open_session(engine, person.id, account.via, proved_at=at), _read(onward)


def _back(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', '')}{BACK}"


def _read(text: str) -> str:
    try:
        return unquote(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii"))
    except (binascii.Error, ValueError):
        return "/"
