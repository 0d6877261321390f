"""What a passkey signed: WebAuthn assertions and registrations, looked at without any of the browser's help.

An assertion holds when the device saw its person (verified, not only present), when it was made at the passkey's own
address for exactly the challenge that was expected, and when the passkey's public key confirms the signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any, TypeAlias

from lampway.domain.attestation import PAYLOAD_TYPE, read_object
from lampway.domain.digest import canonical
from lampway.domain.keys import key_id
from lampway.domain.passkeys import is_origin, read_passkey, split_cose, write_passkey
from lampway.engine.ports import Assertion, Signed
from lampway.errors import RefusedError, UsageError

LARGEST_CLIENT_DATA = 4096
_PRESENT, _VERIFIED, _CREDENTIAL = 0x01, 0x04, 0x40
_FIXED = 37
"""Bytes of authenticator data that are always there: digest of the relying party's id, flags, counter."""

Fields: TypeAlias = dict[str, str]


def challenge_of(payload: bytes) -> str:
    """Return the challenge under which a passkey signs a statement: its sha256, in base64url."""
    return to_base64url(hashlib.sha256(payload).digest())


def to_base64url(data: bytes) -> str:
    """Return base64url without padding, as browsers write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def from_base64url(text: str, what: str) -> bytes:
    """Return what base64url without padding stands for. Raises UsageError."""
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise UsageError(f"the {what} is no base64url") from None
    if to_base64url(data) != text:
        raise UsageError(f"the {what} is not plain base64url")
    return data


def wrap_assertion(statement: str, key: str, assertion: Assertion, signature: bytes) -> str:
    """Return the envelope around a statement that a passkey signed."""
    signed = {
        "keyid": key_id(key),
        "sig": base64.b64encode(signature).decode(),
        "webauthn": {
            "authenticatorData": base64.b64encode(assertion.authenticator_data).decode(),
            "clientDataJSON": base64.b64encode(assertion.client_data).decode(),
        },
    }
    payload = base64.b64encode(statement.encode()).decode()
    return canonical({"payload": payload, "payloadType": PAYLOAD_TYPE, "signatures": [signed]}).decode()


def is_asserted(envelope: Signed, key: str) -> bool:
    """Return whether this passkey signed the statement in the envelope. Raises UsageError for no passkey."""
    made = envelope.assertion
    if made is None or envelope.key_id != key_id(key):
        return False
    return fault_of(made, envelope.signature, key, challenge_of(envelope.payload)) == ""


def challenge_in(client_data: bytes) -> str:
    """Return the challenge that an answer was made for, not looked at yet. Raises UsageError."""
    return str(read_object(client_data, LARGEST_CLIENT_DATA).get("challenge", ""))


def fault_of(made: Assertion, signature: bytes, key: str, challenge: str) -> str:
    """Return why this passkey did not answer this challenge, in words; empty where it did. Raises UsageError."""
    public = read_passkey(key)
    fault = _fault(made, (public.origin, public.relying_party), "webauthn.get", challenge)
    if fault:
        return fault
    covered = made.authenticator_data + hashlib.sha256(made.client_data).digest()
    return "" if _is_signature(key, signature, covered) else "the signature is not by this passkey"


def read_registration(made: Assertion, origin: str, challenge: str) -> tuple[str, str]:
    """Return credential id and public key of a passkey that was just made. Raises RefusedError, UsageError.

    What kind of device made it is not asked (attestation *none*): whose it is, is proved by who is signed in.
    """
    if not is_origin(origin):
        hint = "open the console under a name, with https: on the machine itself http://localhost will do"
        raise RefusedError(f"browsers make no passkeys at {origin}", hint=hint)
    host = origin.partition("://")[2].partition(":")[0]
    fault = _fault(made, (origin, host), "webauthn.create", challenge)
    data = made.authenticator_data
    if not fault and not data[32] & _CREDENTIAL:
        fault = "no key is in it"
    if fault:
        raise RefusedError(f"this passkey cannot be registered: {fault}", hint="load the page again")
    size = int.from_bytes(data[_FIXED + 16 : _FIXED + 18])
    start = _FIXED + 18
    credential = data[start : start + size]
    if not 1 <= len(credential) == size <= 1023:
        raise UsageError("the passkey's id is not whole")
    key = write_passkey(origin, split_cose(data[start + size :])[0])
    try:
        _public(key)
    except ValueError:
        raise UsageError("the passkey's key is none that exists") from None
    return to_base64url(credential), key


def _fault(made: Assertion, place: tuple[str, str], kind: str, challenge: str) -> str:
    origin, relying_party = place
    said = read_object(made.client_data, LARGEST_CLIENT_DATA)
    data = made.authenticator_data
    if said.get("type") != kind:
        return "it is an answer to something else"
    if not hmac.compare_digest(str(said.get("challenge")).encode(), challenge.encode()):
        return "it was signed for something else"
    if said.get("origin") != origin or said.get("crossOrigin", False) is not False:
        return f"it was made at {str(said.get('origin'))[:100]}, not at {origin}"
    if len(data) < _FIXED or data[:32] != hashlib.sha256(relying_party.encode()).digest():
        return f"it was not made for {relying_party}"
    if not data[32] & _PRESENT or not data[32] & _VERIFIED:
        return "the device did not verify who used it"
    return ""


def _public(key: str) -> Any:
    """Return the key as the library has it. Raises ValueError where there is no such key."""
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    public = read_passkey(key)
    first, second = public.numbers
    if public.is_rsa:
        return rsa.RSAPublicNumbers(second, first).public_key()
    return ec.EllipticCurvePublicNumbers(first, second, ec.SECP256R1()).public_key()


def _is_signature(key: str, signature: bytes, covered: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric import ec, padding
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        if read_passkey(key).is_rsa:
            _public(key).verify(signature, covered, padding.PKCS1v15(), SHA256())
        else:
            _public(key).verify(signature, covered, ec.ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True
