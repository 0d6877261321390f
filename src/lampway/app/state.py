"""What is kept: where it lies, its backup, and how it is brought back."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from lampway.errors import NotFoundError, RefusedError, StorageError, UsageError

if TYPE_CHECKING:
    from lampway.engine.ports import PackageStore
    from lampway.storage.backup import Backup
    from lampway.storage.restore import Restored
    from lampway.storage.sql import SqlStore


STATE = ".lampway"
"""Folder of the embedded state, beside the governance files and ignored by git."""
STATE_URL = "LAMPWAY_STATE"
"""The variable that names another store: `sqlite:///PATH` or `postgresql://...`."""


class SystemClock:
    """Tells the machine's time, UTC."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)


def open_state(root: Path, clock: SystemClock) -> SqlStore:
    """Return the store that `LAMPWAY_STATE` names, else that in a file below `root`.

    Raises UsageError, StorageError, and RefusedError where the one that is named serves another repository.
    """
    from lampway.storage.sql import open_sqlite, open_store

    if url := os.environ.get(STATE_URL, ""):
        from lampway.storage.belonging import require_own

        store = open_store(url, clock)
        try:
            require_own(store, root)
        except BaseException:
            store.close()
            raise
        return store
    return open_sqlite(root / STATE / "lampway.db", clock)


def open_packages(root: Path, place: str = "") -> PackageStore:
    """Return the packages at `place`, else where `LAMPWAY_PACKAGES` says, else in a folder below `root`.

    Where there is to be a second copy, everything is kept in both. Raises UsageError.
    """
    from lampway.storage.packages import ObjectPackages

    if place:
        return ObjectPackages(place)
    first = ObjectPackages(os.environ.get("LAMPWAY_PACKAGES") or str(root / STATE / "packages"))
    second = open_second_copy()
    if second is None:
        return first
    from lampway.storage.mirror import MirroredPackages

    return MirroredPackages(first, second)


def open_second_copy() -> PackageStore | None:
    """Return the second copy of all packages, where `LAMPWAY_PACKAGES_COPY` names one. Raises UsageError."""
    place = os.environ.get("LAMPWAY_PACKAGES_COPY", "")
    if not place:
        return None
    from lampway.storage.packages import ObjectPackages

    return ObjectPackages(place)


def make_backup(root: Path, target: Path, *, with_key: bool = False) -> Backup:
    """Write everything that is kept for the repository at `root` into one file; a folder gets one named for the time.

    The engine's private key is left out unless it is asked for. Raises LampwayError; then there is no file.
    """
    from lampway.storage.backup import back_up

    now = SystemClock().now()
    if target.is_dir():
        target /= f"lampway-{now:%Y%m%dT%H%M%SZ}.backup"
    key = read_file(root / STATE / "engine.key") if with_key else b""
    store = open_state(root, SystemClock())
    try:
        return back_up(store, open_packages(root), target, at=now.isoformat(timespec="milliseconds"), key=key)
    finally:
        store.close()


def restore_backup(
    file: Path, root: Path | None, *, into: str = "", packages: str = "", verify: bool = False, with_key: bool = False
) -> Restored:
    """Put a backup into an empty store: the one at `into`, else that of the repository at `root`.

    Packages go to `packages`; else beside a SQLite file that `into` names, else where those of `root` are. The engine's
    key goes to `root` if it is asked for. Nothing is written unless all of the backup is whole. Raises LampwayError.
    """
    import dataclasses

    from lampway.storage import restore
    from lampway.storage.sql import open_store

    place = packages or (str(Path(into.removeprefix("sqlite:///")).parent / "packages") if "sqlite:" in into else "")
    if root is None and not (into and place):
        raise UsageError("where to?", hint="work in a governance repository, or say --into URL and --packages PLACE")
    root = root or Path(os.devnull)
    with restore.open_backup(file) as backup:
        key_file = root / STATE / "engine.key"
        if with_key:
            _require_no_key(key_file, backup.key())
        store = open_store(into, SystemClock()) if into else open_state(root, SystemClock())
        try:
            kept = open_packages(root, place)
            done = restore.restore(backup, store, kept)
            if with_key:
                _write_engine_key(key_file, backup.key())
            if not verify:
                return done
            return dataclasses.replace(done, damage=restore.verify(store, kept, backup), is_verified=True)
        finally:
            store.close()


def _require_no_key(path: Path, key: bytes) -> None:
    if not key:
        raise UsageError("the engine's key is not in this backup", hint="leave out --with-key; a new one will be made")
    if path.exists():
        raise RefusedError("the engine has a key here already, and a key is never replaced", where=str(path))


def _write_engine_key(path: Path, key: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
    except OSError as error:
        raise StorageError(f"the engine's key cannot be written: {error.strerror}", where=str(path)) from error


def read_file(path: Path) -> bytes:
    """Return what is in a file the user named. Raises NotFoundError, StorageError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("no such file", where=str(path)) from None
    except OSError as error:
        raise StorageError(f"cannot be read: {error.strerror}", where=str(path)) from None


def write_file(path: Path, data: bytes) -> None:
    """Write a file that the user named, whole or not at all. Raises StorageError."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        beside.write_bytes(data)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(f"cannot be written: {error.strerror}", where=str(path)) from None
