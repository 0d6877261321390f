"""A session over the network: the same requests, answered by a server."""

from __future__ import annotations

import functools
import secrets as randomness
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec

from lampway.app.wire import answer_type, decode, encode, from_problem, is_streamed
from lampway.domain.events import Recorded
from lampway.engine.context import Request
from lampway.engine.workers import LeftBehind
from lampway.errors import BrokenError, LampwayError, UnreachableError, UsageError

if TYPE_CHECKING:
    import httpx

Answer = TypeVar("Answer")
_PATIENCE = 600.0
"""Seconds that a request may take: a deployment may be part of it."""
_GLANCE = 0.4


class RemoteSession:
    """Runs requests on a server. What happens meanwhile is told to the observers, as far as the token may read."""

    def __init__(
        self,
        url: str,
        token: str,
        routes: Mapping[str, tuple[str, str]],
        observers: tuple[Callable[[Recorded], None], ...] = (),
    ) -> None:
        self.left: tuple[LeftBehind, ...] = ()
        self._url = url.rstrip("/")
        self._token = token
        self.routes = routes
        """Method and path by the name of the request."""
        self._observers = observers

    @functools.cached_property
    def _client(self) -> httpx.Client:
        import httpx

        headers = {"Authorization": f"Bearer {self._token}", "User-Agent": "lampway"}
        return httpx.Client(base_url=self._url, headers=headers, timeout=_PATIENCE)

    def run(self, request: Request[Answer]) -> Answer:
        """Carry out one request on the server and return its answer. Raises LampwayError."""
        return self._run(request, {})

    def ask(self, request: Request[Answer]) -> Answer:
        """Carry out one request; the server answers at once, and goes on with whatever may start because of it."""
        return self._run(request, {"Prefer": "respond-async"})

    def _run(self, request: Request[Answer], preferred: Mapping[str, str]) -> Answer:
        name = type(request).__name__
        if name not in self.routes:
            raise UsageError(f"{name} cannot be asked of a server", hint="run it where the server runs")
        method, path = self.routes[name]
        if is_streamed(type(request)):
            return self._lines(method, path, request)  # type: ignore[return-value] # its answer is lines
        with self._watched(method):
            told = self.asked(method, path, request, preferred)
        answer = msgspec.json.decode(told, type=dict[str, msgspec.Raw])
        meta = msgspec.json.decode(answer["meta"], type=dict[str, msgspec.Raw])
        self.left = decode(tuple[LeftBehind, ...], bytes(meta["left"])) if "left" in meta else ()
        kind: Any = answer_type(type(request))  # type: ignore[arg-type] # a class is hashable
        found: Answer = decode(kind, bytes(answer["data"]))
        return found

    def close(self) -> None:
        """Let go of the connection."""
        if "_client" in self.__dict__:
            self._client.close()

    def asked(self, method: str, path: str, request: Request[Any], preferred: Mapping[str, str] | None = None) -> bytes:
        """Return what the server says to a request, as it was sent. Raises LampwayError."""
        import httpx

        given = _settings(method, path, request)
        given["headers"] = {**given.get("headers", {}), **(preferred or {})}
        try:
            reply = self._client.request(method, _filled(path, request), **given)
        except httpx.HTTPError as error:
            raise _silent(self._url, error) from error
        return _told(reply)

    def _lines(self, method: str, path: str, request: Request[Any]) -> Iterator[str]:
        import httpx

        try:
            with self._client.stream(method, _filled(path, request), **_settings(method, path, request)) as reply:
                if reply.status_code != 200:
                    reply.read()
                    _told(reply)
                yield from reply.iter_lines()
        except httpx.HTTPError as error:
            raise _silent(self._url, error) from error

    def _watched(self, method: str) -> _Follower:
        follows = bool(self._observers) and method == "POST"
        return _Follower(self if follows else None, self._observers)


class _Follower:
    """Tells observers what is recorded while a request is under way. That it cannot is no matter."""

    def __init__(self, session: RemoteSession | None, observers: tuple[Callable[[Recorded], None], ...]) -> None:
        self._session = session
        self._observers = observers
        self._done = threading.Event()
        self._after = -1
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)

    def __enter__(self) -> None:
        if self._session is not None:
            try:
                self._look()
            except LampwayError:
                self._session = None
                return
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        if self._session is not None and self._thread.is_alive():
            self._done.set()
            self._thread.join(_PATIENCE)

    def _follow(self) -> None:
        try:
            while not self._done.wait(_GLANCE):
                self._look()
            self._look()
        except LampwayError:
            return

    def _look(self) -> None:
        from lampway.engine.follow import Followed, FollowLedger
        from lampway.storage.codec import recorded_from

        if self._session is None:
            return
        method, path = self._session.routes["FollowLedger"]
        told = self._session.asked(method, path, FollowLedger(after=self._after))
        found = decode(dict[str, msgspec.Raw], told)
        followed = decode(Followed, bytes(found["data"]))
        if self._after < 0:
            self._after = followed.head
        for row in followed.rows:
            self._after = row.seq
            for observer in self._observers:
                observer(recorded_from(row))


def ask_me(url: str, token: str) -> dict[str, Any]:
    """Return who the server at this URL takes us for. Raises LampwayError."""
    import httpx

    try:
        reply = httpx.get(f"{url}/api/v1/me", headers={"Authorization": f"Bearer {token}"}, timeout=30.0)
    except httpx.HTTPError as error:
        raise _silent(url, error) from error
    told = _told(reply)
    try:
        found = msgspec.json.decode(told)["data"]
    except (msgspec.DecodeError, KeyError, TypeError):
        raise BrokenError(
            "what is there is no Lampway server", where=urlsplit(url).netloc, hint="look at the URL"
        ) from None
    return {"person": str(found["person"]), "name": str(found["name"]), "scopes": list(found["scopes"])}


def _settings(method: str, path: str, request: Request[Any]) -> dict[str, Any]:
    asked: Any = request
    rest = {f.name: getattr(request, f.name) for f in fields(asked) if f"{{{f.name}}}" not in path}
    if method == "GET":
        shown = {name: _as_text(value) for name, value in rest.items() if value not in ("", (), None)}
        return {"params": shown}
    headers = {"Content-Type": "application/json", "Idempotency-Key": randomness.token_hex(16)}
    return {"content": encode(rest), "headers": headers}


def _as_text(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    return [_as_text(one) for one in value] if isinstance(value, tuple) else str(value)


def _filled(path: str, request: Request[Any]) -> str:
    """Return the path with its fields in place. Raises UsageError where one is empty: nothing is there."""
    asked: Any = request
    for field in fields(asked):
        mark = f"{{{field.name}}}"
        if mark in path:
            value = str(getattr(request, field.name))
            if not value or value in {".", ".."}:
                raise UsageError(f"{field.name} is missing")
            path = path.replace(mark, quote(value, safe="@"))
    return path


def _told(reply: httpx.Response) -> bytes:
    if reply.status_code < 300:
        return reply.content
    try:
        problem = reply.json()
    except ValueError:
        problem = None
    if isinstance(problem, dict):
        raise from_problem(problem)
    hint = "is a Lampway server at this address?"
    raise BrokenError(f"the server answered {reply.status_code} {reply.reason_phrase}", hint=hint)


def _silent(url: str, error: Exception) -> UnreachableError:
    host = urlsplit(url).netloc
    text = str(error) or type(error).__name__
    return UnreachableError(f"the server does not answer: {text}", where=host, hint="lampway login URL; is it running?")
