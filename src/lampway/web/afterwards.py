"""What forms let begin goes on behind the page that answers them, and so do requests of programs that prefer it.

Nobody waits for a deployment to see it go. Every change is in the ledger before a form is answered: what this process
does not bring about, because it ended or failed, is found by the next worker and the next command.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import asynccontextmanager
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool

from lampway.engine.cases import MOVING, TELLING
from lampway.engine.hotfixed import Finished
from lampway.engine.promote import Requested
from lampway.engine.rehearse import Rehearse
from lampway.errors import BrokenError, LampwayError

_log = logging.getLogger(__name__)
CHANGING = TELLING
"""Requests after which something may start, or there may be something to tell."""
ASYNC = "respond-async"
"""The preference (RFC 7240) of whoever does not wait for what their request lets begin."""
_AT_ONCE = 16
_PATIENCE = 30.0


class Afterwards:
    """Brings about what may start because of what was asked, in threads of this process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="afterwards")
        self._under_way: set[Future[None]] = set()

    def take(self, rest: Callable[[], None]) -> None:
        """Bring this about soon. What goes wrong is recorded with what it happened to, and met again by a worker.

        At the end of this process nothing more is begun: the next worker finds it.
        """

        def bring_about() -> None:
            try:
                rest()
            except LampwayError as error:
                if isinstance(error, BrokenError):
                    _log.warning("what was asked for goes on later: %s", error)
            except Exception:  # noqa: BLE001 - nobody else is told of what ends a thread
                _log.exception("a fault in Lampway itself; what was asked for goes on with the next worker")

        try:
            begun = self._threads.submit(bring_about)
        except RuntimeError:  # this process has begun to end
            return
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


def prefers_async(asked: object, header: str) -> bool:
    """Return whether a request that may let something begin is to be answered at once, by its header `Prefer`."""
    preferred = {part.partition(";")[0].strip().lower() for part in header.split(",")}
    return type(asked) in MOVING and ASYNC in preferred


def place_of(asked: object, answer: object) -> str:
    """Return where it can be seen what becomes of a request, below the API; empty where that is no single place."""
    match answer:
        case Requested() | Finished() if answer.promotions:
            key = answer.promotions[-1]
        case _:
            key = str(getattr(asked, "promotion", ""))
    if isinstance(asked, Rehearse):
        return f"/rehearsals/{quote(str(answer))}"
    return f"/promotions/{quote(key)}" if key else ""
