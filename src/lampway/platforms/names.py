"""What the name of a property or a variable promises about its value: a secret, an address, a person."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

_SECRET_WORDS = {
    "password", "passwd", "passwort", "pwd", "passphrase", "secret", "secrets", "token", "tokens", "authorization",
    "authorisation", "apikey", "accesskey", "privatekey", "secretkey", "credential", "credentials", "cred", "creds",
    "bearer", "cookie", "jwt", "keydata", "connectionstring", "sas",
}  # fmt: skip
_KEY_OWNERS = {
    "api", "access", "private", "subscription", "account", "shared", "master", "auth", "encryption", "signing",
    "secret", "client", "storage", "function", "functions", "service", "app", "license", "x", "ssh",
}  # fmt: skip
_ENDPOINT_WORDS = {
    "url", "uri", "urls", "host", "hosts", "hostname", "broker", "brokers", "server", "servers", "endpoint", "address",
    "addr", "baseurl", "ip", "webhook", "proxy", "dsn", "homeserver",
}  # fmt: skip
_IDENTITY_WORDS = {"user", "username", "email", "mail", "login", "userid"}


@lru_cache(maxsize=4096)
def words_of(name: str) -> tuple[str, ...]:
    """Return the words of a property or variable name, in lower case: `xApi_key` gives x, api, key."""
    return tuple(re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name).lower()))


def is_secret_name(name: str) -> bool:
    """Return whether a value under this name is likely a secret."""
    words = words_of(name)
    if _SECRET_WORDS & set(words):
        return "type" not in words[1:]
    return any(key == "key" and owner in _KEY_OWNERS for owner, key in pairwise(words))


def is_endpoint_name(name: str) -> bool:
    """Return whether a value under this name is likely the address of another system."""
    words = words_of(name)
    return bool(_ENDPOINT_WORDS & set(words)) and "type" not in words[1:]


def is_identity_name(name: str) -> bool:
    """Return whether a value under this name is likely a person or account."""
    words = set(words_of(name))
    return bool(_IDENTITY_WORDS & words) and "agent" not in words
