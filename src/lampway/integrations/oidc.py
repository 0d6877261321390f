"""Signing in at an OpenID provider: authorization code with PKCE, and what its ID token has to say to be believed."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from lampway.domain.secret import Secret
from lampway.errors import PlatformError, UnauthenticatedError, UsageError

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures with a public key: nobody but the provider makes them. Neither *none* nor a shared secret."""
_LEEWAY = timedelta(seconds=60)
_SECONDS = 10.0
_LARGEST = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Provider:
    """Where people sign in, and as which client this server is known there."""

    issuer: str
    client: str
    secret: Secret | None = None
    scope: str = ""
    """What to ask for beside `openid email`, where the provider gives groups for it alone."""


@dataclass(frozen=True, slots=True)
class Proved:
    """Who signed in, as the provider says."""

    subject: str
    email: str
    """Verified by the provider; empty for none."""
    proved_at: datetime | None
    """When they last proved who they are there; None where it does not say."""
    claims: Mapping[str, Any]
    """Everything that the ID token says."""


class OpenId:
    """Signs people in at one provider. What it publishes is looked up when first needed."""

    def __init__(self, provider: Provider) -> None:
        _require_safe(provider.issuer)
        self.provider = provider

    def begin(self, secret: str, back: str, *, fresh: bool) -> str:
        """Return where a browser goes to sign in; `secret` binds the answer to it, and `back` is where it returns to.

        With `fresh` the provider is asked to let them prove anew who they are. Raises PlatformError.
        """
        asked = {
            "response_type": "code",
            "client_id": self.provider.client,
            "redirect_uri": back,
            "scope": " ".join(dict.fromkeys(("openid", "email", *self.provider.scope.split()))),
            "state": _derived(secret, "state"),
            "nonce": _derived(secret, "nonce"),
            "code_challenge": _encoded(hashlib.sha256(_derived(secret, "verifier").encode()).digest()),
            "code_challenge_method": "S256",
            **({"max_age": "0"} if fresh else {}),
        }
        there = self._published["authorization_endpoint"]
        return f"{there}{'&' if urlsplit(there).query else '?'}{urlencode(asked)}"

    def finish(self, secret: str, back: str, answer: Mapping[str, str], now: datetime) -> Proved:
        """Return who signed in, from what the provider sent the browser back with.

        Raises UnauthenticatedError for whatever is not an answer to what was asked, PlatformError.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), _derived(secret, "state").encode()):
            raise _no("this is no answer to what was asked from here")
        if answer.get("iss", self.provider.issuer) != self.provider.issuer:
            raise _no("another provider answered")
        if "error" in answer or not answer.get("code"):
            raise _no(f"the provider said no: {answer.get('error', 'no code')[:100]}")
        form = {
            "grant_type": "authorization_code",
            "code": answer["code"],
            "redirect_uri": back,
            "code_verifier": _derived(secret, "verifier"),
            "client_id": self.provider.client,
        }
        kept = self.provider.secret
        sign_in = httpx.BasicAuth(self.provider.client, kept.reveal()) if kept else None
        told = self._asked("POST", self._published["token_endpoint"], data=form, auth=sign_in)
        return self._proved(str(told.get("id_token", "")), _derived(secret, "nonce"), now)

    @functools.cached_property
    def _published(self) -> dict[str, str]:
        found = self._asked("GET", f"{self.provider.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.provider.issuer:
            hint = "write --oidc-issuer exactly as the provider writes it"
            raise PlatformError(f"the provider calls itself {str(found.get('issuer'))[:200]}", hint=hint)
        names = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        for name in names:
            _require_safe(str(found.get(name, "")))
        return {name: str(found[name]) for name in names}

    def _asked(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        try:
            told = httpx.request(method, url, timeout=_SECONDS, follow_redirects=False, **more)
            found = told.json() if len(told.content) <= _LARGEST else None
        except (httpx.HTTPError, ValueError) as error:
            raise PlatformError(f"the sign-in provider does not answer: {type(error).__name__}", where=url) from None
        if told.status_code == 400 and method == "POST":
            raise _no("the provider does not know this code, or it was used")
        if told.status_code != 200 or not isinstance(found, dict):
            raise PlatformError(f"the sign-in provider answered {told.status_code}", where=url)
        return found

    def _proved(self, token: str, nonce: str, now: datetime) -> Proved:
        claims = self._claims(token)
        whose = claims.get("aud")
        audience = whose if isinstance(whose, list) else [whose]
        if claims.get("iss") != self.provider.issuer or self.provider.client not in audience:
            raise _no("the ID token is not for this server")
        if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != self.provider.client:
            raise _no("the ID token was issued to another client")
        if not hmac.compare_digest(str(claims.get("nonce")).encode(), nonce.encode()):
            raise _no("the ID token answers something else")
        made, ends, proved = (_moment(claims.get(name)) for name in ("iat", "exp", "auth_time"))
        if made is None or ends is None or made > now + _LEEWAY or ends <= now - _LEEWAY:
            raise _no("the ID token does not count now: look at the clocks")
        subject, email = claims.get("sub"), claims.get("email")
        if not isinstance(subject, str) or not subject:
            raise _no("the ID token does not say whose it is")
        is_verified = isinstance(email, str) and claims.get("email_verified") is True
        return Proved(subject, str(email) if is_verified else "", min(proved, now) if proved else None, claims)

    def _claims(self, token: str) -> dict[str, Any]:
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        published: Any = self._asked("GET", self._published["jwks_uri"])
        try:
            return dict(jwt.decode(token, KeySet.import_key_set(published), algorithms=_ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError, KeyError):
            raise _no("the ID token is not signed by the provider") from None


def _no(why: str) -> UnauthenticatedError:
    return UnauthenticatedError(why, hint="sign in once more, or in another way")


def _require_safe(url: str) -> None:
    """Insist on https, or on this very machine. Raises UsageError."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"localhost", "127.0.0.1", "::1"}):
        raise UsageError(f"a sign-in provider is reached over https: {url[:200] or 'nothing given'}")


def _moment(value: Any) -> datetime | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 2**40
    return datetime.fromtimestamp(value, UTC) if is_number else None


def _derived(secret: str, purpose: str) -> str:
    return _encoded(hmac.new(secret.encode(), purpose.encode(), hashlib.sha256).digest())


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
