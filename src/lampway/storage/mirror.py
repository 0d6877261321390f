"""Two copies of every package: the first is worked with, the second repairs it."""

from __future__ import annotations

import contextlib

from lampway.engine.ports import PackageStore
from lampway.errors import StorageError


class MirroredPackages:
    """Keeps packages in one store and a second copy in another.

    Everything is read from the first alone: what is damaged there is to be seen, not papered over. That the second
    one cannot be written to stops nobody; `packages verify` tells what it lacks.
    """

    def __init__(self, first: PackageStore, second: PackageStore) -> None:
        self._first = first
        self._second = second

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its digest. Raises StorageError when the first store cannot."""
        digest = self._first.put(data)
        with contextlib.suppress(StorageError):
            self._second.put(data)
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes from the first store, verified. Raises StorageError."""
        return self._first.get(digest)

    def has(self, digest: str) -> bool:
        """Return whether the first store has something under this digest. Raises StorageError."""
        return self._first.has(digest)

    def remove(self, digest: str) -> None:
        """Forget both copies. Raises StorageError; the second goes first, so that asking again ends it."""
        self._second.remove(digest)
        self._first.remove(digest)

    def set_aside(self, digest: str) -> str:
        """Move the first copy out of the way. Raises StorageError."""
        return self._first.set_aside(digest)
