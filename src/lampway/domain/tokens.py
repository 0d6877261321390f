"""API tokens: what lets a program, or a person's command line, act as somebody over the network."""

from __future__ import annotations

import hmac
from dataclasses import dataclass

from lampway.domain.digest import digest_bytes

SCOPES = ("read", "act", "decide")
"""Looking; asking for changes; approving, waiving, answering and delegating."""
PREFIX = "lw"


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A token that was issued. The secret in it is kept nowhere."""

    id: str
    person: str
    """Id in people.yaml: whoever shows it acts as this person."""
    name: str
    """What it is for, such as *nightly build*."""
    scopes: tuple[str, ...]
    digest: str
    """Of its secret."""
    until: str
    """ISO time (UTC) from which it counts no more."""
    by: str
    at: str
    revoked_at: str = ""

    def fault(self, secret: str, now: str) -> str:
        """Return why it does not count with this secret at this moment, in words; empty where it does."""
        if not hmac.compare_digest(self.digest.encode(), digest_bytes(secret.encode()).encode()):
            return "the token is not known"
        if self.revoked_at:
            return "the token was revoked"
        return "" if now < self.until else "the token has run out"


def token_text(key: str, secret: str) -> str:
    """Return a token as it is shown once and sent along."""
    return f"{PREFIX}_{key}_{secret}"


def parse_token(text: str) -> tuple[str, str]:
    """Return id and secret of a token; both empty where it is none."""
    prefix, _, rest = text.partition("_")
    key, _, secret = rest.partition("_")
    return (key, secret) if prefix == PREFIX and key and secret else ("", "")
