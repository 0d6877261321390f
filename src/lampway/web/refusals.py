"""What a page says when something was not done: in which words, what was typed, and where to go on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request

from lampway.app.wire import status_of
from lampway.errors import LampwayError, VoidedError

_HEADINGS: Mapping[int, str] = {
    400: "That was not understood",
    401: "Sign in first",
    403: "You may not do this",
    404: "There is no such thing here",
    405: "This address only takes a form",
    409: "Not done: a rule says no",
    413: "That was too much at once",
    429: "Too often for now",
    502: "The platform did not do it",
    503: "The store cannot be reached now",
}
_TYPED: Mapping[str, str] = {
    "reason": "Reason",
    "note": "Note",
    "text": "What you wanted to say",
    "cases": "What you tried, and what happened",
    "data_set": "Data you tried it with",
    "log": "Log",
    "purpose": "What it is for",
    "users": "Who works with it",
    "until": "Until",
}
"""Fields of forms that people write themselves; all others are there again when the page is loaded again."""


def heading_of(error: LampwayError, status: int = 0) -> str:
    """Return what came of it, for somebody who knows nothing of errors; `status` where it is not the error's own."""
    if isinstance(error, VoidedError):
        return "It changed meanwhile"
    return _HEADINGS.get(status or int(status_of(error)), "Something broke")


def refusal(request: Request, form: Mapping[str, str], error: LampwayError) -> dict[str, Any]:
    """Return what the page of an error shows: so that nobody has to write anything twice, or look for the way back."""
    written = [(words, form[name].strip()) for name, words in _TYPED.items() if form.get(name, "").strip()]
    back = "" if form.get("statement") else _came_from(request)  # a page that signs is shown once
    return {"error": error, "heading": heading_of(error), "written": written, "back": back}


def wants_page(request: Request) -> bool:
    """Return whether somebody with a browser asks, and not a program."""
    return not request.url.path.startswith("/api/") and "text/html" in request.headers.get("accept", "")


def _came_from(request: Request) -> str:
    """Return the page of ours with the form that was sent; empty for a look, and where that is not known."""
    there = urlsplit(request.headers.get("referer", ""))
    is_ours = there.netloc == request.headers.get("host", "") and there.path.startswith("/")
    if request.method != "POST" or not is_ours or there.path.startswith("//"):
        return ""
    return f"{there.path}?{there.query}" if there.query and "told=" not in there.query else there.path
