"""The embedded runtime: work is carried out in this process, by one active runner per state folder.

A kernel file lock that dies with its process says who the runner is. Whoever holds it may therefore take over every
lease: its former holder is dead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock, Timeout

from lampway.errors import StorageError


class EmbeddedRuntime:
    """Implements the runtime port."""

    def __init__(self, state: Path, *, patience: float = 600.0) -> None:
        self._lock = FileLock(state / "runner.lock", mode=0o600)
        self._patience = patience

    def settle(self, environments: Sequence[str], drain: Callable[[str], None]) -> None:
        """Drain each environment now. Waits for another runner, which may do the work meanwhile.

        Raises StorageError when the other one does not end.
        """
        if not environments:
            return
        try:
            with self._lock.acquire(timeout=self._patience):
                for environment in environments:
                    drain(environment)
        except Timeout as error:
            raise StorageError(
                "another Lampway has been deploying from this folder for too long",
                hint="what you asked for is recorded; look with lampway status, go on with lampway resume",
            ) from error
        except OSError as error:
            raise StorageError(f"cannot lock the state folder: {error.strerror}") from error

    def is_active(self) -> bool:
        """Return whether another process is deploying from this state folder right now."""
        try:
            with self._lock.acquire(timeout=0):
                return False
        except Timeout:
            return True
