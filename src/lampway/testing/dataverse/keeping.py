"""State in a folder, so that a stand-alone emulator goes on where it stopped."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import msgspec

from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.state import State

_SECRET = "client-secret.json"  # noqa: S105 - the name of a file


def load_state(folder: Path, name: str) -> State | None:
    """Return what was in an environment; None where nothing was kept. Raises ValueError for what is no state."""
    file = folder / f"{name}.state"
    if not file.is_file():
        return None
    try:
        return msgspec.msgpack.decode(file.read_bytes(), type=State)
    except msgspec.DecodeError as error:
        raise ValueError(f"{file} is no state of this emulator: {error}; remove it to begin anew") from error


def save_state(folder: Path, organisation: Organisation) -> None:
    """Keep what is in an environment: whole or not at all."""
    _write(folder / f"{organisation.name}.state", msgspec.msgpack.encode(organisation.state))
    organisation.changed = False


def kept_secret(folder: Path) -> str:
    """Return the client secret of a folder, which stays the same."""
    file = folder / _SECRET
    if file.is_file():
        return str(json.loads(file.read_text(encoding="utf-8"))["client_secret"])
    secret = "emulated-" + secrets.token_urlsafe(12)
    _write(file, json.dumps({"client_secret": secret}).encode())
    return secret


def _write(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    beside = file.with_suffix(".new")
    beside.touch(mode=0o600)
    beside.write_bytes(content)
    beside.replace(file)
