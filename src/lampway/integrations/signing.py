"""Signing: Ed25519 keys in files, and DSSE envelopes around statements.

An envelope of ours carries exactly one signature and is written in exactly one way, so that no byte of it can be
changed without being seen. What is refused never counts as unsigned: it is an error.
"""

from __future__ import annotations

import base64
import binascii
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lampway.domain.attestation import LARGEST, PAYLOAD_TYPE, read_object
from lampway.domain.digest import canonical
from lampway.domain.keys import key_id, read_key, write_key
from lampway.domain.passkeys import PREFIX as PASSKEY
from lampway.domain.secret import Secret
from lampway.engine.ports import Assertion, Signed
from lampway.errors import NotFoundError, RefusedError, SecretError, StorageError, UsageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LARGEST_ENVELOPE = 2 * LARGEST
"""Characters: a statement in base64 with what stands around it."""
_LARGEST_FILE = 64 * 1024


class KeyPair:
    """A private key that can sign, and its public key. Never printed, never copied."""

    __slots__ = ("_private", "public")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = write_key(private.public_key().public_bytes_raw())

    def sign(self, payload: bytes) -> str:
        """Return the envelope around a statement, signed."""
        signature = self._private.sign(pre_authentication(payload))
        signatures = [{"keyid": key_id(self.public), "sig": base64.b64encode(signature).decode()}]
        payload_text = base64.b64encode(payload).decode()
        return canonical({"payload": payload_text, "payloadType": PAYLOAD_TYPE, "signatures": signatures}).decode()

    def __repr__(self) -> str:
        """Return the public half."""
        return f"KeyPair({self.public})"


class EngineSigning:
    """Implements the signing port, with the engine's key in a file that is made on first need."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._pair: KeyPair | None = None

    def public_key(self) -> str:
        """Return the engine's public key. Raises StorageError, UsageError."""
        return self._opened().public

    def sign(self, payload: bytes) -> str:
        """Return the envelope around a statement, signed by the engine."""
        return self._opened().sign(payload)

    def open(self, envelope: str) -> Signed:
        """Return what an envelope holds. Raises UsageError."""
        return open_envelope(envelope)

    def is_signed_by(self, envelope: Signed, key: str) -> bool:
        """Return whether this key made the signature."""
        return is_signed_by(envelope, key)

    def _opened(self) -> KeyPair:
        if self._pair is None:
            if not self._path.exists():
                with suppress(RefusedError):  # another process was faster: its key is ours as well
                    create_key(self._path, None)
            self._pair = load_key(self._path, None)
        return self._pair


def pre_authentication(payload: bytes, kind: str = PAYLOAD_TYPE) -> bytes:
    """Return the bytes that a DSSE signature covers: type and payload, each with its length."""
    name = kind.encode()
    return b"DSSEv1 %d %b %d %b" % (len(name), name, len(payload), payload)


def open_envelope(text: str) -> Signed:
    """Return what an envelope holds, its signature not looked at yet. Raises UsageError."""
    found = read_object(text.encode("utf-8", "replace"), LARGEST_ENVELOPE)
    if set(found) != {"payload", "payloadType", "signatures"}:
        raise UsageError("not a DSSE envelope")
    if found["payloadType"] != PAYLOAD_TYPE:
        raise UsageError(f"unknown type of payload: {str(found['payloadType'])[:80]}")
    signatures = found["signatures"]
    if not isinstance(signatures, list) or len(signatures) != 1:
        raise UsageError("an envelope needs exactly one signature")
    (one,) = signatures
    if not isinstance(one, dict) or set(one) - {"webauthn"} != {"keyid", "sig"} or not isinstance(one["keyid"], str):
        raise UsageError("a signature needs keyid and sig, and nothing else but what a passkey adds")
    if canonical(found).decode() != text:
        raise UsageError("the envelope is not written as it was signed")
    signature = _from_base64(one["sig"], "signature")
    assertion = _assertion(one["webauthn"]) if "webauthn" in one else None
    if assertion is None and len(signature) != 64:
        raise UsageError("the signature is not one of an Ed25519 key")
    return Signed(_from_base64(found["payload"], "payload"), one["keyid"], signature, assertion)


def _assertion(found: Any) -> Assertion:
    if not isinstance(found, dict) or set(found) != {"authenticatorData", "clientDataJSON"}:
        raise UsageError("a passkey's signature needs authenticatorData and clientDataJSON and nothing else")
    data = _from_base64(found["authenticatorData"], "authenticator data")
    return Assertion(data, _from_base64(found["clientDataJSON"], "client data"))


def is_signed_by(envelope: Signed, key: str) -> bool:
    """Return whether this public key made the signature, and the envelope names it. Raises UsageError for no key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    if key.startswith(PASSKEY):
        from lampway.integrations.passkeys import is_asserted

        return is_asserted(envelope, key)
    if envelope.assertion is not None or envelope.key_id != key_id(key):
        return False
    try:
        public = Ed25519PublicKey.from_public_bytes(read_key(key))
        public.verify(envelope.signature, pre_authentication(envelope.payload))
    except (InvalidSignature, ValueError):
        return False
    return True


def create_key(path: Path, passphrase: Secret | None) -> str:
    """Write a new private key, readable by its owner only, and its public half beside it. Returns the public key.

    Raises RefusedError when something is there already, StorageError.
    """
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        KeySerializationEncryption,
        NoEncryption,
        PrivateFormat,
    )

    private = Ed25519PrivateKey.generate()
    lock: KeySerializationEncryption = NoEncryption()
    if passphrase is not None:
        lock = BestAvailableEncryption(passphrase.reveal().encode())
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    public = KeyPair(private).public
    _write_private(path, pem)
    public_file(path).write_text(public + "\n", encoding="utf-8")
    return public


def public_file(path: Path) -> Path:
    """Return where the public half of a key lies."""
    return path.with_name(path.name + ".pub")


def show_key(path: Path) -> str:
    """Return the public key beside a private one. Raises NotFoundError, UsageError."""
    text = _read(public_file(path)).decode("utf-8", "replace").strip()
    read_key(text)
    return text


def load_key(path: Path, passphrase: Secret | None) -> KeyPair:
    """Return the key in a PKCS8 PEM file. Raises NotFoundError, RefusedError, SecretError, UsageError."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    data = _read(path)
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise RefusedError("others can read this private key", where=str(path), hint=f"chmod 600 {path}")
    word = passphrase.reveal().encode() if passphrase is not None and is_locked(path) else None
    try:
        private: Any = load_pem_private_key(data, word)
    except TypeError:
        raise SecretError(
            "the key asks for its passphrase", where=str(path), hint="add --passphrase-file, or set LAMPWAY_PASSPHRASE"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        what = "the passphrase is wrong, or the key is damaged" if word else "not a private key in PEM"
        raise UsageError(what, where=str(path), hint="make one with: lampway key create") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise UsageError("not an Ed25519 key", where=str(path), hint="make one with: lampway key create")
    return KeyPair(private)


def is_locked(path: Path) -> bool:
    """Return whether a private key asks for a passphrase. Raises NotFoundError."""
    return b"ENCRYPTED PRIVATE KEY" in _read(path)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except FileNotFoundError:
        raise NotFoundError("no key here", where=str(path), hint="make one with: lampway key create") from None
    except OSError as error:
        raise StorageError(f"the key cannot be read: {error.strerror}", where=str(path)) from None
    if len(data) > _LARGEST_FILE:
        raise UsageError("too large for a key", where=str(path))
    return data


def _write_private(path: Path, data: bytes) -> None:
    """Write whole or not at all, and never over a key that is there."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, path)
    except FileExistsError:
        hint = "write to another place with --out; a key in use is never overwritten"
        raise RefusedError("there is a key already", where=str(path), hint=hint) from None
    except OSError as error:
        raise StorageError(f"the key cannot be written: {error.strerror}", where=str(path)) from None
    finally:
        part.unlink(missing_ok=True)


def _from_base64(text: Any, what: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise UsageError(f"the {what} is no base64") from None
    if base64.b64encode(data).decode() != text:
        raise UsageError(f"the {what} is not plain base64")
    return data
