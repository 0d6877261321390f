"""Sign in as an application: a token by client secret or by certificate, kept until shortly before it ends."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from lampway.domain.secret import Secret
from lampway.engine.platform import Access
from lampway.errors import AccessError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

AUTHORITY = "https://login.microsoftonline.com"
"""Where tokens come from, unless the environment says otherwise: other clouds have other hosts."""
ADMIN_URL = "https://api.bap.microsoft.com"
"""Where environments are administered, likewise."""
ADMIN_SCOPE = "https://service.powerapps.com/.default"

_EARLY = 300.0  # seconds before its end that a token is no longer used
_SHORTEST = 30.0  # seconds that a token is used at all
_LIFE = 600  # seconds that a signed request for a token is good for
_SKEW = 300  # seconds by which our clock may be ahead of theirs; without, a signed request would not be valid yet
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_HINTS: Mapping[str, str] = {
    "AADSTS7000215": "the client secret is wrong: give its value, not its id",
    "AADSTS7000222": "the client secret has run out: make a new one in the app registration",
    "AADSTS700016": "no such application in this tenant: check client_id and tenant",
    "AADSTS700027": "the certificate is not the one of the app registration: upload it there",
    "AADSTS700024": "the clock of this machine is wrong by minutes: set it by the time of the network",
    "AADSTS90002": "no such tenant: check tenant",
    "AADSTS500011": "the scope is unknown in this tenant: is the url the address of the environment?",
}
_HINT = "check tenant, client_id and client_secret (or certificate) of the environment"


@dataclass(frozen=True, slots=True)
class Asked:
    """A token to be asked for."""

    url: str
    """Where."""
    scope: str
    client: str
    where: str
    """Name of the environment, for messages."""

    def form(self, access: Access) -> dict[str, str]:
        """Return what is sent for it, secrets revealed. Raises AccessError where there is no usable credential."""
        form = {"grant_type": "client_credentials", "client_id": self.client, "scope": self.scope}
        secret, certificate = access.credentials.get("client_secret"), access.credentials.get("certificate")
        if certificate is not None:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            password = access.credentials.get("certificate_password")
            signed = _assertion(self, certificate, password)
            return {**form, "client_assertion_type": kind, "client_assertion": signed}
        if secret is None:
            hint = "give a reference for client_secret, or for certificate, under access of the environment"
            raise AccessError("no credential to sign in with", where=self.where, hint=hint)
        return {**form, "client_secret": secret.reveal()}


def told(access: Access, name: str, default: str = "") -> str:
    """Return a setting of the environment; one that is given by reference counts too."""
    given = access.credentials.get(name)
    return access.settings.get(name) or (given.reveal() if given else "") or default


def ask_for(access: Access, scope: str) -> Asked:
    """Return the token that is needed to use `scope`. Raises AccessError where the environment does not tell enough."""
    tenant, client = told(access, "tenant"), told(access, "client_id")
    for name, value in (("tenant", tenant), ("client_id", client)):
        if not value:
            hint = f"write {name} under settings of the environment"
            raise AccessError(f"no {name} to sign in with", where=access.environment, hint=hint)
    authority = told(access, "authority", AUTHORITY).rstrip("/")
    require_safe(authority, access.environment)
    return Asked(f"{authority}/{quote(tenant, safe='')}/oauth2/v2.0/token", scope, client, access.environment)


def scope_of(access: Access) -> str:
    """Return what a token for the environment itself is asked for."""
    parts = urlsplit(access.url)
    return told(access, "scope", f"{parts.scheme}://{parts.netloc}/.default")


def require_safe(url: str, where: str) -> None:
    """Raise AccessError for an address to which credentials would travel unencrypted over a network."""
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        hint = "write an address with https"
        raise AccessError("credentials would be sent unencrypted", where=where, hint=hint)


class Tokens:
    """The tokens there are, for every client of one platform object. Any thread may ask."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[tuple[str, ...], tuple[Secret, float]] = {}
        self._asking: dict[tuple[str, ...], threading.Lock] = {}

    def give(self, key: tuple[str, ...], fetch: Callable[[], Mapping[str, Any]]) -> Secret:
        """Return the token of `key`; `fetch` asks for a new one when there is none that lasts.

        One of all who need it asks. Who needs another token does not wait for a sign-in that does not answer.
        """
        with self._lock:
            asking = self._asking.setdefault(key, threading.Lock())
        with asking:
            token, end = self._held.get(key, (None, 0.0))
            if token is None or self._clock() >= end:
                answer = fetch()
                lasts = _seconds(answer.get("expires_in"))
                token = Secret(str(answer["access_token"]))
                until = self._clock() + max(lasts - _EARLY, min(lasts, _SHORTEST))
                with self._lock:
                    self._held[key] = (token, until)
            return token

    def forget(self, key: tuple[str, ...]) -> None:
        """Ask anew the next time: the platform took this one for no good."""
        with self._lock:
            self._held.pop(key, None)


def key_of(asked: Asked, access: Access) -> tuple[str, ...]:
    """Return what a token is kept under: another credential never gets it."""
    values = sorted((name, secret.reveal()) for name, secret in access.credentials.items())
    mark = hashlib.sha256(json.dumps(values).encode()).hexdigest()
    return (asked.url, asked.scope, asked.client, mark)


def refused_sign_in(answer: Any, where: str) -> AccessError:
    """Return the error for a sign-in that was refused, with the cure where its code is known."""
    words = str(answer.get("error_description") or answer.get("error") or "") if isinstance(answer, dict) else ""
    first = words.splitlines()[0][:200] if words else "no reason given"
    hint = next((cure for code, cure in _HINTS.items() if f"{code}:" in words), _HINT)
    return AccessError(f"the sign-in is refused: {first}", where=where, hint=hint)


def _seconds(value: Any) -> float:
    try:
        return max(0.0, float(value))
    except (TypeError, ValueError):
        return 0.0


def _assertion(asked: Asked, certificate: Secret, password: Secret | None) -> str:
    """Return a signed request for a token. Raises AccessError for what is no certificate with its private key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import padding, rsa

    pem = certificate.reveal().encode()
    try:
        key = serialization.load_pem_private_key(pem, password.reveal().encode() if password else None)
        thumbprint = x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256())
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        hint = "give PEM text with an RSA private key and its certificate; certificate_password where it has one"
        raise AccessError("the certificate cannot be used", where=asked.where, hint=hint) from None
    return _signed(asked, key, thumbprint, padding.PSS(padding.MGF1(hashes.SHA256()), 32))


def _signed(asked: Asked, key: RSAPrivateKey, thumbprint: bytes, padding: Any) -> str:
    from cryptography.hazmat.primitives import hashes

    now = int(time.time())
    head = {"alg": "PS256", "typ": "JWT", "x5t#S256": _encoded(thumbprint)}
    claims = {"aud": asked.url, "iss": asked.client, "sub": asked.client, "jti": str(uuid.uuid4())}
    text = ".".join(
        _encoded(json.dumps(part).encode()) for part in (head, {**claims, "nbf": now - _SKEW, "exp": now + _LIFE})
    )
    return f"{text}.{_encoded(key.sign(text.encode(), padding, hashes.SHA256()))}"


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
