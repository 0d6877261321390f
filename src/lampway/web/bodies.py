"""What is sent to us and by us: within limits of size, of time, and of how much is held at once."""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, contextmanager

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from lampway.errors import TooManyError, UsageError

MUCH = 1_048_576
"""Bytes from which on what is sent takes a place, either way."""
_SILENCE = 30.0
"""Seconds that may pass until more of it comes."""
_LONGEST = 600.0
"""Seconds that all of it may take."""
_LARGEST_NUMBER = 2**53 - 1
"""What every JSON reader takes for the same number."""


class Room:
    """Places for what is much, for all of it is held in memory until it is answered, or read. In this process only."""

    def __init__(self, each: int, together: int) -> None:
        self._each = each
        self._together = together
        self._taken: Counter[str] = Counter()
        self._turn = threading.Lock()

    @contextmanager
    def place(self, person: str) -> Iterator[None]:
        """Have a place for as long as the context lasts. Raises TooManyError where there is none."""
        with self._turn:
            if self._taken[person] >= self._each:
                message = f"you have {self._each} large transfers under way here already"
                raise TooManyError(message, hint="let one end, then try again")
            if self._taken.total() >= self._together:
                message = f"{self._together} large transfers of others are under way here at once"
                raise TooManyError(message, hint="try again in a minute")
            self._taken[person] += 1
        try:
            yield
        finally:
            with self._turn:
                self._taken[person] -= 1
                self._taken += Counter()  # forgets those who have none


class _Held(Response):
    """An answer that keeps a place until it is sent."""

    def __init__(self, reply: Response, leave: Callable[[], None]) -> None:
        super().__init__(reply.body, reply.status_code)
        self.raw_headers = reply.raw_headers
        self._leave = leave

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it in two parts: the empty second one is taken once nearly all of the first has left this process."""
        del scope, receive
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            await send({"type": "http.response.body", "body": self.body, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._leave()


def held(reply: Response, room: Room, person: str) -> Response:
    """Return an answer that keeps a place until its reader has all of it, if it is much: some read slowly, or never.

    Raises TooManyError where there is no place.
    """
    if len(getattr(reply, "body", b"")) <= MUCH:
        return reply
    stack = ExitStack()
    stack.enter_context(room.place(person))
    return _Held(reply, stack.close)


async def pieces(request: Request, *, silence: float = _SILENCE, longest: float = _LONGEST) -> AsyncIterator[bytes]:
    """Yield the body as it comes. Raises UsageError for one that stops coming: nobody is waited for without end."""
    stream, ends = request.stream(), time.monotonic() + longest
    while True:
        try:
            async with asyncio.timeout(silence):
                part = await anext(stream, None)
        except TimeoutError:
            raise UsageError(f"nothing more came for {silence:g} seconds", hint="send it again") from None
        if part is None:
            return
        if time.monotonic() > ends:
            raise UsageError(f"it did not come within {longest:g} seconds", hint="send less, or by a faster line")
        yield part


def require_sound(given: object) -> None:
    """Go on only with texts that can be written down, and numbers that every program reads alike. Raises UsageError."""
    left = [given]
    while left:
        match left.pop():
            case str(text) if "\0" in text or any("\ud800" <= char <= "\udfff" for char in text):
                raise UsageError("a text holds what is no character", hint="send it as UTF-8, without U+0000")
            case bool():
                pass
            case int(number) if abs(number) > _LARGEST_NUMBER:
                raise UsageError(f"a number is beyond {_LARGEST_NUMBER}", hint="send a smaller one")
            case float(number) if not math.isfinite(number):
                raise UsageError("a number is not finite")
            case dict(parts):
                left += [*parts, *parts.values()]
            case list(parts) | tuple(parts):
                left += parts
