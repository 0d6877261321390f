"""What goes over the wire: requests, answers, and the log of both."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asks."""

    method: str
    path: str
    """Without percent signs."""
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = b""

    def address_with(self, url: str, more: Mapping[str, str]) -> str:
        """Return the address of this request with other parameters."""
        parameters = {**self.query, **more}
        query = "&".join(f"{quote(key, safe='$@')}={quote(value)}" for key, value in parameters.items())
        return f"{url}{quote(self.path, safe='/(),=@')}?{query}"

    def json(self) -> Any:
        """Return the body as JSON; None where it is none."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None


def read_request(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Request:
    """Return a request; a plus in a query is a space."""
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    lower = {name.lower(): value for name, value in headers.items()}
    return Request(method, unquote(parts.path), query, lower, body)


@dataclass(slots=True)
class Response:
    """What is answered."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    text: str | None = None
    """A body that is no JSON."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log of requests."""

    place: str
    """The environment, or `tenant`."""
    method: str
    path: str
    query: Mapping[str, str]
    status: int
    """0 where the connection was cut."""
    by: str = ""
    body: Any = None
    """The JSON that was sent, where it was small."""
