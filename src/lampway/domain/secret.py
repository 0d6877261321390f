"""Secrets: known by reference, and unprintable once resolved."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass
from typing import NoReturn
from urllib.parse import quote
from xml.sax.saxutils import escape

SCHEMES = ("env", "file", "keyring", "vault", "azure-keyvault")
"""Every scheme a reference may have; which of them this machine can resolve is another question."""

_REFERENCE = re.compile(rf"^({'|'.join(SCHEMES)}):(\S.*)\Z")
_STARS = "********"


@dataclass(frozen=True, slots=True)
class SecretReference:
    """Where a secret is to be found, such as `env:PROD_TOKEN` or `file:/run/secrets/token`."""

    text: str

    @property
    def scheme(self) -> str:
        """The part before the colon."""
        return self.text.partition(":")[0]

    @property
    def path(self) -> str:
        """The part after the colon."""
        return self.text.partition(":")[2]


def is_reference(text: str) -> bool:
    """Return whether `text` is a secret reference."""
    return _REFERENCE.match(text) is not None


class Secret:
    """A resolved secret. Its text form is stars everywhere; only `reveal` gives the value."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value. To be called only where it is handed to a platform."""
        return self._value

    def __str__(self) -> str:
        """Return stars."""
        return _STARS

    def __repr__(self) -> str:
        """Return stars."""
        return f"Secret({_STARS})"

    def __format__(self, spec: str) -> str:
        """Return stars, whatever the format asked for."""
        return _STARS

    def __eq__(self, other: object) -> bool:
        """Compare by value."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Hash by value."""
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied into anything that is stored."""
        msg = "a secret is never serialised"
        raise TypeError(msg)


def mask(text: str, secrets: list[Secret] | tuple[Secret, ...]) -> str:
    """Return `text` with every occurrence of a secret's value replaced by stars. Values under four characters stay."""
    for secret in sorted(secrets, key=lambda s: -len(s.reveal())):
        if len(secret.reveal()) >= 4:  # shorter ones would blank out ordinary words
            text = text.replace(secret.reveal(), _STARS)
    return text


def mask_bytes(data: bytes, secrets: list[Secret] | tuple[Secret, ...]) -> bytes:
    """Return `data` with every secret's value replaced by stars, also as JSON, XML, an address or base64 write it."""
    forms = {form for secret in secrets if len(secret.reveal()) >= 4 for form in _forms(secret.reveal())}
    for form in sorted(forms, key=lambda form: (-len(form), form)):
        data = data.replace(form, _STARS.encode())
    return data


def _forms(value: str) -> set[bytes]:
    texts = {value, json.dumps(value)[1:-1], escape(value, {'"': "&quot;", "'": "&apos;"}), escape(value), quote(value)}
    raw = value.encode("utf-8", errors="replace")
    return {
        *(text.encode("utf-8", errors="replace") for text in texts),
        base64.b64encode(raw),
        value.encode("utf-16-le", errors="replace"),
    }
