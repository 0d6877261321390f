"""People's own keys, and the secrets that references name."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from lampway.domain.strategy import Person
from lampway.errors import NotFoundError

if TYPE_CHECKING:
    from lampway.domain.secret import Secret
    from lampway.integrations.signing import KeyPair
from lampway.app.files import load_working_strategy
from lampway.app.session import LocalSession
from lampway.app.state import read_file


def key_path() -> Path:
    """Return where the private key of whoever works here lies: `LAMPWAY_KEY`, else the user's configuration folder."""
    if given := os.environ.get("LAMPWAY_KEY"):
        return Path(given)
    import platformdirs

    return platformdirs.user_config_path("lampway", appauthor=False) / "key.pem"


def write_key(path: Path, passphrase: Secret | None) -> str:
    """Make a private key and return its public half. Raises RefusedError when one is there already, StorageError."""
    from lampway.integrations.signing import create_key

    return create_key(path, passphrase)


def public_key(path: Path) -> str:
    """Return the public half of the private key in this file. Raises NotFoundError, UsageError."""
    from lampway.integrations.signing import show_key

    return show_key(path)


def find_writer(root: Path) -> Person:
    """Return whoever works here as the files below `root` know them. Raises NotFoundError, InvalidStrategyError."""
    opened = LocalSession(root)
    try:
        name = opened.actor().person
    finally:
        opened.close()
    person = load_working_strategy(root).person(name)
    if person is None:
        hint = "set LAMPWAY_USER to your id there, or add yourself with a name and an e-mail"
        raise NotFoundError(f"{name} is nobody there", where="people.yaml", hint=hint)
    return person


def add_key(root: Path, person: str, public: str, since: str) -> None:
    """Write a public key into people.yaml. It counts once that is applied. Raises LampwayError."""
    from lampway.config.people_editing import PEOPLE, with_key
    from lampway.storage.git import GitSource

    text = read_file(root / PEOPLE).decode("utf-8", "surrogateescape")
    GitSource(root).write(PEOPLE, with_key(text, person, public, since))


def is_key_locked(path: Path) -> bool:
    """Return whether the private key in this file asks for a passphrase. Raises NotFoundError."""
    from lampway.integrations.signing import is_locked

    return is_locked(path)


def open_key(path: Path, passphrase: Secret | None) -> KeyPair:
    """Return the private key in this file, to sign with. Raises LampwayError."""
    from lampway.integrations.signing import load_key

    return load_key(path, passphrase)


def resolve_secret(reference: str) -> Secret:
    """Return the secret that a reference of the user's own leads to. Raises SecretError."""
    from lampway.integrations.secrets import SecretResolver

    return SecretResolver().resolve(reference)
