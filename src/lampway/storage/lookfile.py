"""The file that keeps the last look at an environment, written whole or not at all and readable by its owner only."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from lampway.domain.digest import digest, short
from lampway.engine.livewatch import FORMAT, Kept
from lampway.errors import StorageError
from lampway.storage.codec import from_text, to_text

_LARGEST = 64 * 1024 * 1024
_HINT = "name another file with --state, or remove it to begin anew"


class LookFile:
    """Implements the port that keeps looks, in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, url: str) -> Kept | None:
        """Return the last look at this address, or None for none. Raises StorageError for one of another place."""
        where = str(self._path)
        try:
            if not self._path.exists():
                return None
            if not self._path.is_file() or self._path.stat().st_size > _LARGEST:
                raise StorageError("this is no look that was kept", where=where, hint=_HINT)
            data = self._path.read_bytes()
        except OSError as error:
            raise StorageError(f"cannot be read: {error.strerror}", where=where) from error
        try:
            kept = from_text(Kept, data)
        except StorageError:
            raise StorageError("this is no look that was kept", where=where, hint=_HINT) from None
        if kept.format != FORMAT or kept.url != url:
            what = f"of {kept.url}" if kept.format == FORMAT else "of another Lampway"
            raise StorageError(f"the look kept there is {what}", where=where, hint=_HINT)
        return kept

    def write(self, kept: Kept) -> None:
        """Keep a look in place of the one before. Raises StorageError."""
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            aside.touch(mode=0o600)
            aside.write_text(to_text(kept), encoding="utf-8")
            aside.replace(self._path)
        except OSError as error:
            raise StorageError(f"cannot be written: {error.strerror}", where=str(self._path)) from error
        finally:
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)


def usual_path(name: str, url: str) -> Path:
    """Return where the last look at a place is kept, unless somebody says otherwise."""
    import platformdirs

    folder = platformdirs.user_state_path("lampway", appauthor=False)
    return folder / "watch" / f"{name}-{short(digest(url))}.json"
