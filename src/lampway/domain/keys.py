"""Public keys of people and of the engine: how they are written, named and bounded in time."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass

from lampway.domain import passkeys
from lampway.errors import UsageError

PREFIX = "ed25519:"
"""Stands before the base64 of the 32 bytes of a public key; a passkey has a prefix of its own."""
_TOP_BIT = 0x7F
_SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    )
)
"""Points for which anybody can make a signature that looks right; the sign bit is left out."""


@dataclass(frozen=True, slots=True)
class PersonKey:
    """A person's public key, and when it counts."""

    key: str
    """`ed25519:` and base64, or `passkey:`, the origin it is used at, and base64."""
    since: str
    """ISO date: the first day on which it counts."""
    until: str = ""
    """ISO date: the last day on which it counts; empty for no end."""
    revoked: str = ""
    """ISO date, or ISO time (UTC), from which on it no longer counts, as when it was lost; empty for never."""

    def is_valid(self, at: str) -> bool:
        """Return whether it counts at this ISO time (UTC). Days count whole, a moment as told."""
        day, is_revoked = at[:10], bool(self.revoked) and at[: len(self.revoked)] >= self.revoked
        return self.since <= day and (not self.until or day <= self.until) and not is_revoked


def read_key(text: str) -> bytes:
    """Return the bytes of a public key: 32, or a passkey's COSE key.

    Raises UsageError; there is exactly one way to write each key.
    """
    if text.startswith(passkeys.PREFIX):
        return passkeys.read_passkey(text).cose
    hint = "copy the line that `lampway key show` prints"
    if not text.startswith(PREFIX):
        raise UsageError("a key begins with ed25519:", hint=hint)
    try:
        data = base64.b64decode(text[len(PREFIX) :], validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("the key is no base64", hint=hint) from None
    if len(data) != 32 or write_key(data) != text:
        raise UsageError("the key is not 32 bytes in plain base64", hint=hint)
    if bytes((*data[:31], data[31] & _TOP_BIT)) in _SMALL_ORDER:
        raise UsageError("the key is one for which anybody can sign", hint=hint)
    return data


def write_key(data: bytes) -> str:
    """Return the text of an Ed25519 public key."""
    return PREFIX + base64.b64encode(data).decode()


def key_id(key: str) -> str:
    """Return the id of a public key, derived from the key itself so that no key can have two. Raises UsageError."""
    return hashlib.sha256(read_key(key)).hexdigest()
