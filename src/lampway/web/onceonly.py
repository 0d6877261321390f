"""Sending a form twice does it once: a double click, a page loaded again, a browser that sends anew after a break."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.responses import RedirectResponse, Response

from lampway.app import Engine
from lampway.domain.digest import canonical, digest_bytes
from lampway.domain.events import Actor
from lampway.errors import RefusedError
from lampway.web.door import Caller, claim, settle

_DONE = (201, 303)
"""Answers to forms that did something: what was made, and the way to what came of it."""


def once(engine: Engine, who: Actor, sent: tuple[str, Mapping[str, str]], do: Callable[[], Response]) -> Response:
    """Return the answer to a form, given now or when exactly the same was sent before; `sent` is its path and fields.

    What came to nothing may be sent again. Raises what answering raises, RefusedError while the same is being answered.
    """
    path, form = sent
    if not form.get("once"):
        return do()
    caller, key = Caller(who, ()), digest_bytes(canonical({"path": path, "form": dict(form)}))
    before = claim(engine, caller, key, key.encode())
    if before is not None:
        return _as_before(before[1])
    place = ""
    try:
        reply = do()
        if reply.status_code in _DONE and not reply.headers.get("location", "").startswith("/sign-in"):
            place = reply.headers.get("location", "/")
    finally:
        settle(engine, caller, key, 303 if place else 0, place)
    return reply


def _as_before(place: str) -> Response:
    if place == "/":
        raise RefusedError("this form was sent already, and is answered once", hint="load its page again")
    return RedirectResponse(place, 303, {"Cache-Control": "no-store"})
