"""Passkeys: keys that a person's device keeps and uses at one address only, and what such a device signed.

A passkey's public key is written as `passkey:ORIGIN:KEY`, with the address it was made at and the base64 of its COSE
key. Two kinds are known, ES256 and RS256, each in the one order that CTAP2 writes it in.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from urllib.parse import urlsplit

from lampway.errors import UsageError

PREFIX = "passkey:"
"""Stands before the origin and the base64 of a passkey's COSE key."""
_HINT = "copy the line that `lampway passkey show` prints"
_ES256 = (bytes.fromhex("a5010203262001215820"), bytes.fromhex("225820"))
"""Before and after the 32 bytes of x; y follows."""
_RS256 = (bytes.fromhex("a401030339010020590100"), bytes.fromhex("2143010001"))
"""Before and after the 256 bytes of the modulus; the exponent is 65537."""
_ES256_SIZE = 77
_RS256_SIZE = 272
_LARGEST_ORIGIN = 300


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey that somebody registered. It signs its person in; it signs decisions once people.yaml names its key."""

    id: str
    person: str
    """Id in people.yaml."""
    name: str
    """What its person calls it, such as *work laptop*."""
    credential: str
    """Its id on the device, in base64url."""
    key: str
    """The public key, as people.yaml has it."""
    via: str
    """How the person was signed in when they registered it."""
    at: str
    removed_at: str = ""


@dataclass(frozen=True, slots=True)
class PasskeyPublic:
    """The public half of a passkey, read from its text."""

    origin: str
    """Such as `https://lampway.example.com`."""
    cose: bytes
    is_rsa: bool

    @property
    def numbers(self) -> tuple[int, int]:
        """The coordinates x and y of an ES256 key; modulus and exponent of an RS256 key."""
        if self.is_rsa:
            return int.from_bytes(self.cose[11:267]), 65537
        return int.from_bytes(self.cose[10:42]), int.from_bytes(self.cose[45:77])

    @property
    def relying_party(self) -> str:
        """The host that the device knows it by."""
        return urlsplit(self.origin).hostname or ""


def read_passkey(text: str) -> PasskeyPublic:
    """Return a passkey's public half. Raises UsageError; there is exactly one way to write each."""
    origin, _, encoded = text.removeprefix(PREFIX).rpartition(":")
    if not text.startswith(PREFIX) or not is_origin(origin):
        raise UsageError("a passkey is written passkey:ORIGIN:KEY, with the origin as in https://host", hint=_HINT)
    try:
        cose = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise UsageError("the passkey is no base64", hint=_HINT) from None
    if split_cose(cose) != (cose, b"") or write_passkey(origin, cose) != text:
        raise UsageError("the passkey is not an ES256 or RS256 key in plain base64", hint=_HINT)
    public = PasskeyPublic(origin, cose, is_rsa=cose.startswith(_RS256[0]))
    if public.is_rsa and (public.numbers[0].bit_length() != 2048 or public.numbers[0] % 2 == 0):
        raise UsageError("the passkey is too weak an RSA key", hint="use another device or password manager")
    return public


def write_passkey(origin: str, cose: bytes) -> str:
    """Return the text of a passkey's public half."""
    return f"{PREFIX}{origin}:{base64.b64encode(cose).decode()}"


def split_cose(data: bytes) -> tuple[bytes, bytes]:
    """Return the COSE key that these bytes begin with, and the rest. Raises UsageError for any other kind of key."""
    for (before, after), size, middle in ((_ES256, _ES256_SIZE, 42), (_RS256, _RS256_SIZE, 267)):
        if data.startswith(before) and len(data) >= size and data[middle : middle + len(after)] == after:
            return data[:size], data[size:]
    raise UsageError("the passkey is neither ES256 nor RS256", hint="use another device or password manager")


def is_origin(text: str) -> bool:
    """Return whether this is an origin where a browser makes passkeys: https, or http on the machine itself."""
    if not text.isascii() or len(text) > _LARGEST_ORIGIN or text != text.lower():
        return False
    try:
        parts = urlsplit(text)
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        return False
    host = parts.hostname or ""
    is_name = host.replace("-", "").replace(".", "").isalnum() and not host.replace(".", "").isdecimal()
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host == "localhost")
    return is_name and is_safe and text == f"{parts.scheme}://{host}{port}"
