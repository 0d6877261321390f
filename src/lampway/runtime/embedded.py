"""The embedded runtime: work is carried out in this process, in one process at a time for each environment.

A kernel file lock for each environment, which dies with its process, says who works there. Whoever holds it may
therefore take over the environment's lease: its former holder is dead, or has let it go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from lampway.errors import LampwayError, StorageError, StoreLostError, TakenOverError


class EmbeddedRuntime:
    """Implements the runtime port."""

    def __init__(self, state: Path, *, patience: float = 600.0) -> None:
        self._folder = state / "lanes"
        self._patience = patience

    def settle(self, environments: Sequence[str], drain: Callable[[str], object]) -> None:
        """Drain each environment now. Waits for another process there, which may do the work meanwhile.

        What goes wrong in one environment stops no other. Raises LampwayError for the first of them once all had their
        turn, and StoreLostError at once: without a store nothing goes on anywhere.
        """
        trouble: LampwayError | None = None
        for environment in environments:
            try:
                self._settle(environment, drain)
            except StoreLostError:
                raise
            except LampwayError as error:
                error.details = (*error.details, f"this was met in {environment}; once it is mended: lampway resume")
                trouble = trouble or error
        if trouble is not None:
            raise trouble

    def _settle(self, environment: str, drain: Callable[[str], object]) -> None:
        try:
            with self.lane(environment, self._patience):
                drain(environment)
        except TakenOverError as error:
            raise StorageError(
                f"another Lampway has been deploying to {environment} for too long",
                hint="what you asked for is recorded; look with lampway status, go on with lampway resume",
            ) from error

    @contextmanager
    def lane(self, environment: str, patience: float = 0.0) -> Iterator[None]:
        """Be the only process that works in an environment. Raises TakenOverError when another one stays there."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(self._folder / f"{environment}.lock", mode=0o600)
            lock.acquire(timeout=patience, poll_interval=0.02)
        except Timeout:
            raise TakenOverError(f"another Lampway works in {environment} right now") from None
        except OSError as error:
            raise StorageError(f"cannot lock the state folder: {error.strerror}") from error
        try:
            yield
        finally:
            lock.release()
