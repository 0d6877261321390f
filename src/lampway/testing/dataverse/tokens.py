"""Tokens of the tenant: applications that prove who they are with a secret or a certificate."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from lampway.testing.dataverse.refusals import RefusedError, unauthorized

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(slots=True)
class Application:
    """Something that may sign in without a person."""

    client_id: str
    secret: str = ""
    certificates: list[str] = field(default_factory=list)
    """In PEM."""
    admin: bool = True
    """Whether the admin APIs know it."""


@dataclass(frozen=True, slots=True)
class Token:
    """What was given to an application."""

    client_id: str
    audience: str
    expires: datetime


def _oauth(code: str, message: str, status: int = 400) -> RefusedError:
    return RefusedError(status, code, message, style="oauth")


class Tenant:
    """The directory: applications, and the tokens that are out."""

    def __init__(self, id_: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.id = id_
        self.applications: dict[str, Application] = {}
        self.lifetime = 3599
        """Seconds for which a token counts."""
        self._tokens: dict[str, Token] = {}
        self._used: set[str] = set()
        self._clock = clock

    def issue(self, body: bytes, *, endpoint: str) -> dict[str, Any]:
        """Return a token for the application that a form proves to be. Raises RefusedError."""
        form = dict(parse_qsl(body.decode("utf-8", "replace")))
        if form.get("grant_type") != "client_credentials":
            raise _oauth("unsupported_grant_type", "AADSTS70003: The app requested an unsupported grant type.")
        application = self.applications.get(form.get("client_id", ""))
        if application is None:
            raise _oauth(
                "unauthorized_client", f"AADSTS700016: Application '{form.get('client_id')}' was not found.", 400
            )
        scope = form.get("scope", "")
        if not scope.endswith("/.default"):
            raise _oauth("invalid_scope", f"AADSTS70011: The provided value for the scope '{scope}' is not valid.")
        self._prove(application, form, endpoint)
        value = "emulated." + secrets.token_urlsafe(32)
        expires = self._clock() + timedelta(seconds=self.lifetime)
        self._tokens[value] = Token(application.client_id, scope.removesuffix("/.default").rstrip("/"), expires)
        return {
            "token_type": "Bearer",
            "expires_in": self.lifetime,
            "ext_expires_in": self.lifetime,
            "access_token": value,
        }

    def _prove(self, application: Application, form: Mapping[str, str], endpoint: str) -> None:
        if form.get("client_assertion_type") == ASSERTION:
            self._check_assertion(application, form.get("client_assertion", ""), endpoint)
        elif not application.secret or not secrets.compare_digest(
            form.get("client_secret", "").encode(), application.secret.encode()
        ):
            raise _oauth("invalid_client", "AADSTS7000215: Invalid client secret provided.", 401)

    def _check_assertion(self, application: Application, assertion: str, endpoint: str) -> None:
        try:
            head, body, signature = assertion.split(".")
            header, claims = (json.loads(_decoded(one)) for one in (head, body))
            keys = [x509.load_pem_x509_certificate(one.encode()) for one in application.certificates]
            ok = any(_is_signed(one, header, f"{head}.{body}".encode(), _decoded(signature)) for one in keys)
            expires = datetime.fromtimestamp(float(claims["exp"]), UTC)
            begins = datetime.fromtimestamp(float(claims.get("nbf", 0)), UTC)
        except (ValueError, KeyError, TypeError) as error:
            raise _oauth("invalid_client", "AADSTS50027: JWT token is invalid or malformed.", 401) from error
        if not ok:
            raise _oauth("invalid_client", "AADSTS700027: The certificate or the signature is not known.", 401)
        if claims.get("iss") != application.client_id or claims.get("sub") != application.client_id:
            raise _oauth("invalid_client", "AADSTS700021: Client assertion application identifier differs.", 401)
        if claims.get("aud") != endpoint:
            raise _oauth("invalid_client", f"AADSTS700023: Client assertion audience is not {endpoint}.", 401)
        if not begins <= self._clock() <= expires or claims.get("jti") in self._used:
            raise _oauth("invalid_client", "AADSTS700024: Client assertion is not within its valid time range.", 401)
        self._used.add(str(claims.get("jti")))

    def client_of(self, authorization: str, audiences: tuple[str, ...]) -> str:
        """Return the application that a request comes from. Raises RefusedError where its token does not count here."""
        token = self._tokens.get(authorization.removeprefix("Bearer ").strip())
        if token is None or token.expires <= self._clock() or not authorization.startswith("Bearer "):
            raise unauthorized()
        if token.audience not in audiences:
            raise unauthorized(f"The token is for {token.audience}, and not for here.")
        return token.client_id

    def forget(self, authorization: str) -> None:
        """Let a token expire."""
        self._tokens.pop(authorization.removeprefix("Bearer ").strip(), None)

    def expire_all(self) -> None:
        """Let every token expire."""
        self._tokens.clear()


def _decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _is_signed(certificate: x509.Certificate, header: Mapping[str, Any], signed: bytes, signature: bytes) -> bool:
    prints = {"x5t#S256": hashes.SHA256(), "x5t": hashes.SHA1()}  # noqa: S303 - the name of a certificate, no proof
    named = [certificate.fingerprint(how) == _decoded(header[name]) for name, how in prints.items() if name in header]
    key = certificate.public_key()
    if not named or not all(named) or not isinstance(key, RSAPublicKey):
        return False
    pads = {
        "RS256": padding.PKCS1v15(),
        "PS256": padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH),
    }
    pad = pads.get(str(header.get("alg")))
    if pad is None:
        return False
    try:
        key.verify(signature, signed, pad, hashes.SHA256())
    except InvalidSignature:
        return False
    return True
