"""What becomes of a promotion, told as it happens: as server-sent events, on its page and over the API."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from lampway.engine.follow import FollowLedger
from lampway.engine.progress import Progress, ShowProgress
from lampway.errors import LampwayError, TooManyError

EVENTS = "text/event-stream"
EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_EACH = 0.5
"""Seconds between two looks at the ledger."""
_LASTS = 20.0
"""Seconds after which a stream ends, and whoever listens asks anew: so a server that leaves waits no longer for it."""


class Listeners:
    """Who listens, so that nobody listens to more than a few things at once, nor all together to more than many.

    In this process only. A stream ends soon by itself, and so does its place, whether or not anybody says so.
    """

    def __init__(self, each: int = 20, together: int = 200) -> None:
        self._each = each
        self._together = together
        self._until: list[tuple[str, float]] = []
        self._turn = threading.Lock()

    def listen(self, person: str) -> Callable[[], None]:
        """Take a place and return what gives it back. Raises TooManyError where there is none."""
        now = time.monotonic()
        place = (person, now + _LASTS)
        with self._turn:
            self._until = [one for one in self._until if one[1] > now]
            mine = len([who for who, _ in self._until if who == person])
            if mine >= self._each:
                raise TooManyError(f"you listen to {mine} promotions already", hint="let one end, or ask now and then")
            if len(self._until) >= self._together:
                raise TooManyError(f"{self._together} others listen here already", hint="ask now and then instead")
            self._until.append(place)
        return lambda: self._leave(place)

    def _leave(self, place: tuple[str, float]) -> None:
        with self._turn:
            if place in self._until:
                self._until.remove(place)


async def told_live(
    ask: Callable[[Any], Any], last: Progress, leave: Callable[[], None], *, is_leaving: Callable[[], bool]
) -> AsyncIterator[str]:
    """Yield an event for each change until it is over: `state` with the state it is in, at last `over`.

    Whatever process made it, a change is in the ledger: only that is looked at. `ask` carries out a request; `leave` is
    called at the end, which comes at once where this process is leaving.
    """
    try:
        async for event in _told(ask, last, is_leaving):
            yield event
    finally:
        leave()


async def _told(ask: Callable[[Any], Any], last: Progress, is_leaving: Callable[[], bool]) -> AsyncIterator[str]:
    head, ends = -1, time.monotonic() + _LASTS
    yield f"retry: 1000\nevent: state\ndata: {last.state}\n\n"
    while not last.is_over and time.monotonic() < ends and not is_leaving():
        try:
            seen = (await run_in_threadpool(ask, FollowLedger())).head
            now = await run_in_threadpool(ask, ShowProgress(last.promotion)) if seen != head else last
        except LampwayError:
            return
        if now != last:
            yield f"id: {seen}\nevent: state\ndata: {now.state}\n\n"
        head, last = seen, now
        await asyncio.sleep(_EACH)
    if last.is_over:
        yield f"event: over\ndata: {last.state}\n\n"
