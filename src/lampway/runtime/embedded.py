"""The embedded runtime: work is carried out in this process, by one active runner per store.

A kernel file lock that dies with its process says who the runner is. Whoever holds it may therefore take over every
lease: its former holder is dead. Where many machines share the store, it keeps a lock for them as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from filelock import FileLock, Timeout

from lampway.errors import StorageError


class EmbeddedRuntime:
    """Implements the runtime port."""

    def __init__(
        self,
        state: Path,
        *,
        patience: float = 600.0,
        alone: Callable[[float], AbstractContextManager[None]] = lambda _: nullcontext(),
    ) -> None:
        self._lock = FileLock(state / "runner.lock", mode=0o600)
        self._patience = patience
        self._alone = alone

    def settle(self, environments: Sequence[str], drain: Callable[[str], None]) -> None:
        """Drain each environment now. Waits for another runner, which may do the work meanwhile.

        Raises StorageError when the other one does not end.
        """
        if not environments:
            return
        try:
            with self._lock.acquire(timeout=self._patience), self._alone(self._patience):
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
