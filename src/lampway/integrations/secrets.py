"""Secret references resolved at the moment of use: environment variables, files, the system's keyring."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lampway.domain.secret import Secret, SecretReference, is_reference
from lampway.errors import SecretError

MAX_FILE_SIZE = 64 * 1024
"""Bytes; a larger file is taken for a mistake."""


class SecretResolver:
    """Resolves `env:NAME`, `file:PATH` and `keyring:SERVICE/NAME`.

    Nothing is remembered: each call looks again, so a secret that was renewed is used at once. Errors name the
    reference and never what was found there.
    """

    def __init__(self, environ: Mapping[str, str] | None = None, *, folder: Path | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._folder = folder
        """Where relative paths of `file:` start; the current folder if None."""

    def resolve(self, reference: str) -> Secret:
        """Return the secret. Raises SecretError naming the reference, never the value."""
        if not is_reference(reference):
            # The text may be a secret written where a reference belongs: it is not repeated.
            raise SecretError(
                "not a secret reference",
                hint="secrets are given by reference, such as env:NAME or file:PATH, never by value",
            )
        wanted = SecretReference(reference)
        match wanted.scheme:
            case "env":
                return self._from_environment(wanted)
            case "file":
                return self._from_file(wanted)
            case "keyring":
                return _from_keyring(wanted)
            case _:
                ready = "env:, file: or keyring:"
                raise SecretError(
                    f"{wanted.scheme}: references are not supported here yet",
                    where=reference,
                    hint=f"use {ready}; most vaults can hand a secret over as an environment variable or a file",
                )

    def _from_environment(self, wanted: SecretReference) -> Secret:
        value = self._environ.get(wanted.path)
        if value is None:
            raise SecretError(
                "environment variable is not set",
                where=wanted.text,
                hint=f"set {wanted.path} for the process that deploys",
            )
        return _not_empty(value, wanted, "environment variable is empty")

    def _from_file(self, wanted: SecretReference) -> Secret:
        path = Path(wanted.path).expanduser()
        if self._folder is not None:
            path = self._folder / path
        return _not_empty(_text_of(_read(path, wanted), wanted), wanted, "secret file is empty")


def _read(path: Path, wanted: SecretReference) -> bytes:
    """Return what the file holds, never reading more than is allowed."""
    try:
        if not path.is_file() and path.exists():
            raise SecretError("not a plain file", where=wanted.text, hint="name the file that holds the secret itself")
        with path.open("rb") as file:
            data = file.read(MAX_FILE_SIZE + 1)
    except FileNotFoundError:
        raise SecretError("no such secret file", where=wanted.text, hint="create it, or mend the reference") from None
    except PermissionError:
        raise SecretError(
            "secret file cannot be read: permission denied",
            where=wanted.text,
            hint="let the user that runs lampway read it, and nobody else",
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not a usable path"
        raise SecretError(f"secret file cannot be read: {reason}", where=wanted.text) from None
    if len(data) > MAX_FILE_SIZE:
        raise SecretError(
            f"secret file is larger than {MAX_FILE_SIZE // 1024} KiB",
            where=wanted.text,
            hint="name a file that holds one secret and nothing else",
        )
    return data


def _text_of(data: bytes, wanted: SecretReference) -> str:
    """Return the text without the newline that editors and `echo` put at its end."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # `from None`: the original error holds the bytes.
        raise SecretError("secret file is not UTF-8 text", where=wanted.text) from None
    return text[:-2] if text.endswith("\r\n") else text.removesuffix("\n")


def _from_keyring(wanted: SecretReference) -> Secret:
    service, slash, name = wanted.path.rpartition("/")
    if not (slash and service and name):
        raise SecretError("incomplete keyring reference", where=wanted.text, hint="write keyring:SERVICE/NAME")
    try:
        keyring: Any = importlib.import_module("keyring")  # optional, and without a promise about its types
    except ImportError:
        raise SecretError(
            "the keyring library is not installed", where=wanted.text, hint="pip install keyring"
        ) from None
    try:
        value: str | None = keyring.get_password(service, name)
    except keyring.errors.KeyringError as error:
        raise SecretError(
            f"keyring cannot be read: {type(error).__name__}",
            where=wanted.text,
            hint="unlock the keyring; on a server without one use env: or file:",
        ) from None
    if value is None:
        raise SecretError("keyring has no such entry", where=wanted.text, hint=f"keyring set {service} {name}")
    return _not_empty(value, wanted, "keyring entry is empty")


def _not_empty(value: str, wanted: SecretReference, complaint: str) -> Secret:
    if not value.strip():
        raise SecretError(complaint, where=wanted.text, hint="an empty secret is taken for a mistake; give it a value")
    return Secret(value)
