"""What forms let begin goes on behind the page that answers them: nobody waits for a deployment to see it go.

Every change is in the ledger before a form is answered. So what this process does not bring about, because it ended or
failed, is found by the next worker and the next command.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager, suppress

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from lampway.engine.cases import TELLING
from lampway.errors import LampwayError

CHANGING = TELLING
"""Requests after which something may start, or there may be something to tell."""
_AT_ONCE = 16
_PATIENCE = 30.0


class Afterwards:
    """Brings about what may start because of what was asked, in threads of this process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="afterwards")
        self._under_way: set[Future[None]] = set()

    def take(self, rest: Callable[[], None]) -> None:
        """Bring this about soon. What goes wrong is recorded with what it happened to, and met again by a worker."""

        def bring_about() -> None:
            with suppress(LampwayError):
                rest()

        begun = self._threads.submit(bring_about)
        self._under_way.add(begun)
        begun.add_done_callback(self._under_way.discard)

    def rest(self, seconds: float = _PATIENCE) -> bool:
        """Wait until nothing is under way; return whether that came to be within so many seconds."""
        return not wait(tuple(self._under_way), timeout=seconds).not_done

    @asynccontextmanager
    async def lifespan(self, app: Starlette) -> AsyncIterator[None]:
        """Live as long as the application; at its end, wait for what is under way and begin nothing more."""
        del app
        yield
        await run_in_threadpool(self.rest)
        self._threads.shutdown(wait=False, cancel_futures=True)
