"""What becomes of a promotion, told as it happens: as server-sent events, on its page and over the API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.concurrency import run_in_threadpool

from lampway.engine.follow import FollowLedger
from lampway.engine.progress import Progress, ShowProgress
from lampway.errors import LampwayError

EVENTS = "text/event-stream"
EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
_EACH = 0.5
"""Seconds between two looks at the ledger."""
_LASTS = 20.0
"""Seconds after which a stream ends, and whoever listens asks anew: so a server that leaves waits no longer for it."""


async def told_live(ask: Callable[[Any], Any], last: Progress) -> AsyncIterator[str]:
    """Yield an event for each change until it is over: `state` with the state it is in, at last `over`.

    Whatever process made it, a change is in the ledger: only that is looked at. `ask` carries out a request.
    """
    head, ends = -1, time.monotonic() + _LASTS
    yield f"retry: 1000\nevent: state\ndata: {last.state}\n\n"
    while not last.is_over and time.monotonic() < ends:
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
