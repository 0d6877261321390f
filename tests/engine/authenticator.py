"""A device with a passkey, in software: it answers as browsers do."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from lampway.domain.passkeys import write_passkey
from lampway.engine.ports import Assertion

ORIGIN = "https://lampway.example.com"


def _new() -> Any:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Device:
    """One passkey of one person, at one address."""

    origin: str = ORIGIN
    private: Any = field(default_factory=_new)
    credential: bytes = b"credential-of-sixteen"
    flags: int = 0x05

    @property
    def cose(self) -> bytes:
        """Return the public half as devices write it."""
        numbers = self.private.public_key().public_numbers()
        if isinstance(numbers, rsa.RSAPublicNumbers):
            return bytes.fromhex("a401030339010020590100") + numbers.n.to_bytes(256) + bytes.fromhex("2143010001")
        x, y = numbers.x.to_bytes(32), numbers.y.to_bytes(32)
        return bytes.fromhex("a5010203262001215820") + x + bytes.fromhex("225820") + y

    @property
    def key(self) -> str:
        """Return the public half as people.yaml has it."""
        return write_passkey(self.origin, self.cose)

    def answer(self, challenge: str, kind: str = "webauthn.get", **said: Any) -> Assertion:
        """Return what it says to a challenge."""
        client = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False, **said}
        host = self.origin.partition("://")[2].partition(":")[0]
        data = hashlib.sha256(host.encode()).digest() + bytes([self.flags]) + b"\0\0\0\1"
        if kind == "webauthn.create":
            data = data[:32] + bytes([self.flags | 0x40]) + data[33:]
            data += b"\0" * 16 + len(self.credential).to_bytes(2) + self.credential + self.cose
        return Assertion(data, json.dumps(client, separators=(",", ":")).encode())

    def sign(self, made: Assertion) -> bytes:
        """Return the signature over an answer."""
        covered = made.authenticator_data + hashlib.sha256(made.client_data).digest()
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(covered, padding.PKCS1v15(), SHA256())
        return bytes(self.private.sign(covered, ec.ECDSA(SHA256())))
