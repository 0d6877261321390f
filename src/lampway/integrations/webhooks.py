"""Webhooks: signed as Standard Webhooks says, and sent only to where they may go.

Where they may go is judged by the address: see `lampway.integrations.addresses`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import ssl
from collections.abc import Sequence
from datetime import datetime
from urllib.parse import SplitResult, urlsplit

from lampway.domain.digest import to_plain
from lampway.domain.secret import Secret
from lampway.engine.ports import Message
from lampway.errors import DeliveryError
from lampway.integrations.addresses import NotReachableError, Target, reach

_PREFIX = "whsec_"
_SHORTEST_KEY = 24
"""Bytes, as Standard Webhooks asks for."""
_PATIENCE = 5.0
"""Seconds to connect, and between two bytes of an answer."""


def post(
    url: str,
    secret: Secret | None,
    message: Message,
    at: datetime,
    *,
    allow: Sequence[str] = (),
    trust: ssl.SSLContext | None = None,
) -> None:
    """Send a message to a webhook, signed. Raises DeliveryError, which never names the address."""
    import httpx

    if secret is None:
        raise DeliveryError("a webhook needs a secret to sign with", hint="give its channel a `secret`")
    body = payload(message)
    headers = {"Content-Type": "application/json", "User-Agent": "Lampway", **signature(secret, message.id, at, body)}
    parts = urlsplit(url)
    target = _reachable(parts, allow)
    limits = httpx.Timeout(_PATIENCE, connect=min(3.0, _PATIENCE))
    try:
        with (
            httpx.Client(timeout=limits, trust_env=False, verify=trust or ssl.create_default_context()) as client,
            client.stream(
                "POST",
                target.url,
                content=body,
                headers={**headers, "Host": target.host},
                extensions={"sni_hostname": target.name},
            ) as answer,
        ):
            status, wait = answer.status_code, answer.headers.get("Retry-After", "")
    except httpx.HTTPError as error:
        raise DeliveryError(f"no answer: {type(error).__name__}") from None
    if not 200 <= status < 300:
        raise DeliveryError(f"answered with {status}", wait=float(wait) if wait.isascii() and wait.isdigit() else 0.0)


def payload(message: Message) -> bytes:
    """Return the body of a webhook: what happened, when, and the same facts that people are told."""
    data = {"title": message.title, "text": message.text, "link": message.link, **to_plain(message.facts)}
    whole = {"type": f"lampway.{message.kind}", "timestamp": message.at, "data": data}
    return json.dumps(whole, ensure_ascii=False, sort_keys=True).encode()


def signature(secret: Secret, name: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the headers by which a receiver can tell who sent it, and that it is not an old one. Raises DeliveryError.

    The scheme is that of https://www.standardwebhooks.com: HMAC-SHA256 over id, time in seconds and body.
    """
    moment = str(int(at.timestamp()))
    signed = b".".join((name.encode(), moment.encode(), body))
    mark = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
    return {"webhook-id": name, "webhook-timestamp": moment, "webhook-signature": f"v1,{mark}"}


def _key(secret: Secret) -> bytes:
    hint = "make one: python -c \"import base64, os; print('whsec_' + base64.b64encode(os.urandom(32)).decode())\""
    try:
        key = base64.b64decode(secret.reveal().strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise DeliveryError("the webhook's secret is not base64 after whsec_", hint=hint) from None
    if len(key) < _SHORTEST_KEY:
        raise DeliveryError(f"the webhook's secret is shorter than {_SHORTEST_KEY} bytes", hint=hint)
    return key


def _reachable(parts: SplitResult, allow: Sequence[str]) -> Target:
    """Return the address to connect to. Raises DeliveryError where one that the name leads to may not be reached."""
    try:
        target = reach(parts, allow)
    except NotReachableError as error:
        hint = "name its network under `allow` if that is meant" if "not public" in str(error) else ""
        raise DeliveryError(str(error), hint=hint) from None
    if parts.scheme != "https" and not target.is_allowed:
        raise DeliveryError("only https goes to public addresses", hint="write https://")
    return target
