"""The API: each route is one request to the engine; one shape for answers and one for errors."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute
from starlette.routing import Route as Path_

from lampway.app import Engine, LocalSession
from lampway.app.browsers import OpenId
from lampway.app.wire import PROBLEM, encode, is_streamed, status_of, to_problem
from lampway.engine.progress import ShowProgress
from lampway.errors import BrokenError, LampwayError, NotFoundError, TooManyError, UnauthenticatedError, UsageError
from lampway.web.afterwards import ASYNC, Afterwards, place_of, prefers_async
from lampway.web.bodies import MUCH, Room, held, pieces, require_sound
from lampway.web.console import console_routes, page_alone
from lampway.web.door import Allowance, Caller, claim, identify, settle
from lampway.web.live import EVENT_HEADERS, EVENTS, Listeners, told_live
from lampway.web.openapi import EVENTS_PATH, openapi
from lampway.web.pages import PAGES
from lampway.web.refusals import wants_page
from lampway.web.routes import BASE, ROUTES, Route

_JSON = "application/json"
_LARGEST = 32 * 1024 * 1024
_PAGE, _LARGEST_PAGE = 200, 5000
_HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def build_api(root: Path, engine: Engine, *, oidc: OpenId | None = None) -> Starlette:
    """Return the application that answers for one governance repository; `oidc` is where people sign in, if they do."""
    afterwards = Afterwards()
    api = _Api(root, engine, afterwards)
    routes: list[BaseRoute] = [
        Path_(BASE + route.path, api.endpoint(route), methods=[route.method]) for route in ROUTES
    ]
    routes.append(Path_(f"{BASE}/openapi.json", api.describe, methods=["GET"]))
    routes.append(Path_(f"{BASE}/me", api.me, methods=["GET"]))
    routes.append(Path_(BASE + EVENTS_PATH, api.events, methods=["GET"]))
    routes.append(Path_("/healthz", api.health, methods=["GET"]))
    routes += console_routes(engine, root, PAGES, afterwards=afterwards, oidc=oidc)
    handlers: Any = {
        404: _not_found,
        405: _not_so,
        LampwayError: _refused,
        ClientDisconnect: _gone,
        Exception: _our_fault,
    }
    made = Starlette(routes=routes, exception_handlers=handlers, lifespan=afterwards.lifespan)
    made.state.afterwards = afterwards
    return made


class _Api:
    def __init__(self, root: Path, engine: Engine, afterwards: Afterwards) -> None:
        self._afterwards = afterwards
        self._root = root
        self._engine = engine
        self._callers = Allowance(at_once=200, each_second=50)
        self._strangers = Allowance(at_once=20, each_second=0.5)
        self._listeners = Listeners()
        self._readers = Room(each=20, together=40)
        self._room = Room(each=4, together=8)

    def endpoint(self, route: Route) -> Any:
        async def look(request: Request) -> Response:
            try:
                return await run_in_threadpool(self._look_up, route, request)
            except LampwayError as error:
                return _problem(error)

        async def answer(request: Request) -> Response:
            try:
                caller = await run_in_threadpool(self._admitted, route, request)
                with ExitStack() as stack:
                    place = self._room.place(caller.actor.person)
                    body = await _body(request, lambda: stack.enter_context(place))
                    return await run_in_threadpool(self._answer, route, request, caller, body)
            except LampwayError as error:
                return _problem(error)

        return look if route.method == "GET" else answer

    async def describe(self, request: Request) -> Response:
        """Return what there is, as OpenAPI 3.1 has it. Open to everybody: it says nothing about this team."""
        return _reply(200, encode(openapi()), tag=True, known=request.headers.get("if-none-match", ""))

    async def me(self, request: Request) -> Response:
        """Return who is asking, and what their token is for."""
        try:
            caller = await run_in_threadpool(self._caller, request)
        except LampwayError as error:
            return _problem(error)
        actor = caller.actor
        body = _envelope({"person": actor.person, "name": actor.name, "scopes": caller.scopes})
        return _reply(200, body, tag=True, known=request.headers.get("if-none-match", ""))

    async def events(self, request: Request) -> Response:
        """Tell what becomes of a promotion as it happens, to whoever may read."""
        try:
            caller = await run_in_threadpool(self._caller, request)
            caller.require("read")
            require_sound(request.path_params)
            ask = LocalSession(self._root, who=caller.actor, _engine=self._engine).run
            first = await run_in_threadpool(ask, ShowProgress(request.path_params["promotion"]))
            leave = self._listeners.listen(caller.actor.person)
        except LampwayError as error:
            return _problem(error)
        told = told_live(ask, first, leave, is_leaving=self._engine.is_leaving)
        return StreamingResponse(told, media_type=EVENTS, headers=EVENT_HEADERS)

    async def health(self, request: Request) -> Response:
        """Return whether the store answers."""
        del request
        try:
            await run_in_threadpool(self._reach)
        except LampwayError as error:
            return _problem(error)
        return _reply(200, _envelope({"healthy": True}))

    def _reach(self) -> None:
        with self._engine.store.reading() as reading:
            reading.head()

    def _caller(self, request: Request) -> Caller:
        host = request.client.host if request.client else ""
        try:
            caller = identify(self._engine, request)
        except UnauthenticatedError:
            self._strangers.take(host)
            raise
        self._callers.take(caller.actor.via)
        return caller

    def _admitted(self, route: Route, request: Request) -> Caller:
        """Return who asks, if they may ask for this; before anything that they send is read."""
        caller = self._caller(request)
        caller.require(route.scope)
        return caller

    def _look_up(self, route: Route, request: Request) -> Response:
        caller = self._admitted(route, request)
        return held(self._answer(route, request, caller, b""), self._readers, caller.actor.person)

    def _answer(self, route: Route, request: Request, caller: Caller, body: bytes) -> Response:
        given = _given(route, request, body)
        try:
            asked = msgspec.convert(given, route.request, strict=route.method == "POST")
        except msgspec.ValidationError as error:
            raise UsageError(f"not understood: {error}", hint=f"see {BASE}/openapi.json") from error
        require_sound(msgspec.to_builtins(asked))
        if is_streamed(route.request):
            return self._stream(asked, caller)
        key = request.headers.get("idempotency-key", "") if route.method == "POST" else ""
        if key:
            told = claim(self._engine, caller, key, f"{request.url.path}\n".encode() + body)
            if told is not None:
                return _reply(told[0], told[1].encode(), again=True)
        return self._settled(route, request, caller, (asked, key))

    def _settled(self, route: Route, request: Request, caller: Caller, asked: tuple[Any, str]) -> Response:
        """Carry it out, and keep the answer under its key if it has one."""
        what, key = asked
        status = 0
        body = b""
        try:
            try:
                status, body = self._run(what, caller, request)
            except LampwayError as error:
                status, body = int(status_of(error)), encode(to_problem(error))
                if error.retryable:
                    status = 0
                    raise
        finally:
            if key:
                settle(self._engine, caller, key, status, body.decode())
        return _reply(status, body, tag=route.method == "GET", known=request.headers.get("if-none-match", ""))

    def _run(self, asked: Any, caller: Caller, request: Request) -> tuple[int, bytes]:
        """Carry it out, and what may start because of it; where that is preferred, the latter behind the answer."""
        session = LocalSession(self._root, who=caller.actor, _engine=self._engine)
        if prefers_async(asked, request.headers.get("prefer", "")):
            answer, rest = session.begin(asked)
            self._afterwards.take(rest)
            place = place_of(asked, answer)
            return 202, _envelope(answer, {"location": BASE + place} if place else {})
        answer = session.run(asked)
        meta: dict[str, Any] = {}
        if session.left:
            meta["left"] = session.left
        if isinstance(answer, tuple) and ("limit" in request.query_params or "offset" in request.query_params):
            answer, meta["page"] = _page(answer, request)
        return 200, _envelope(answer, meta)

    def _stream(self, asked: Any, caller: Caller) -> Response:
        lines: Iterator[str] = LocalSession(self._root, who=caller.actor, _engine=self._engine).run(asked)
        return StreamingResponse(
            (f"{line}\n" for line in lines), media_type="text/plain; charset=utf-8", headers=_HEADERS
        )


async def _body(request: Request, take_place: Callable[[], object]) -> bytes:
    """Return the whole body, for which a place is taken once it is much.

    Raises UsageError when it is too large, whatever it said of its length, TooManyError where there is no place.
    """
    parts, size = [], 0
    async for part in pieces(request):
        if size <= MUCH < size + len(part):
            take_place()
        size += len(part)
        if size > _LARGEST:
            raise UsageError(f"more than {_LARGEST} bytes", hint="send less")
        parts.append(part)
    return b"".join(parts)


def _given(route: Route, request: Request, body: bytes) -> dict[str, Any]:
    """Return the fields of a request, from its path, its query or its body. Raises UsageError."""
    kind: Any = route.request
    known = {field.name: field for field in fields(kind)}
    if route.method == "GET":
        given: dict[str, Any] = {}
        for name in request.query_params:
            if name in known:
                values = request.query_params.getlist(name)
                given[name] = values if "tuple" in str(known[name].type) else values[-1]
            elif name not in {"limit", "offset"}:
                raise UsageError(f"unknown parameter: {name[:80]}", hint=f"there is: {', '.join(known) or 'none'}")
    else:
        given = _object(request, body)
        unknown = [name for name in given if name not in known or name in route.in_path]
        if unknown:
            raise UsageError(f"unknown field: {str(unknown[0])[:80]}", hint=f"there is: {', '.join(known) or 'none'}")
    given.update({name: request.path_params[name] for name in route.in_path})
    missing = [n for n, f in known.items() if n not in given and f.default is MISSING and f.default_factory is MISSING]
    if missing:
        raise UsageError(f"missing: {', '.join(missing)}", hint=f"see {BASE}/openapi.json")
    return given


def _object(request: Request, body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _JSON:
        raise UsageError("the body must be JSON", hint=f"Content-Type: {_JSON}")
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the body is no JSON: {error}") from error
    if not isinstance(given, dict):
        raise UsageError("the body must be a JSON object")
    return given


def _page(answer: tuple[Any, ...], request: Request) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return one page of a long answer, and where it stands."""
    try:
        offset = int(request.query_params.get("offset", "0"))
        limit = int(request.query_params.get("limit", str(_PAGE)))
    except ValueError:
        raise UsageError("limit and offset are whole numbers") from None
    if not (0 <= offset <= 10**9 and 1 <= limit <= _LARGEST_PAGE):
        raise UsageError(f"offset from 0, limit from 1 to {_LARGEST_PAGE}")
    after = offset + limit
    page = {"offset": offset, "limit": limit, "total": len(answer), "next": after if after < len(answer) else None}
    return answer[offset:after], page


def _envelope(answer: object, meta: Mapping[str, Any] | None = None) -> bytes:
    return encode({"data": answer, "meta": meta or {}})


def _reply(status: int, body: bytes, *, tag: bool = False, known: str = "", again: bool = False) -> Response:
    headers = dict(_HEADERS)
    if again:
        headers["Idempotency-Replayed"] = "true"
    if status == 202:
        headers["Preference-Applied"] = ASYNC
        place = json.loads(body)["meta"].get("location")
        headers.update({"Location": place} if place else {})
    if tag and status == 200:
        headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        headers["Cache-Control"] = "private, no-cache"
        if {headers["ETag"], "*"} & {part.strip().removeprefix("W/") for part in known.split(",")}:
            return Response(status_code=304, headers=headers)
    kind = _JSON if status < 400 else PROBLEM
    return Response(body, status, headers, kind)


def _problem(error: LampwayError) -> Response:
    status = status_of(error)
    reply = _reply(int(status), encode(to_problem(error)))
    if isinstance(error, UnauthenticatedError):
        reply.headers["WWW-Authenticate"] = 'Bearer realm="lampway"'
    if isinstance(error, TooManyError):
        reply.headers["Retry-After"] = "1"
    return reply


async def _not_found(request: Request, error: Exception) -> Response:
    del error
    if wants_page(request):
        return page_alone(NotFoundError(f"no page is at {request.url.path[:200]}", hint="the address may be cut"), 404)
    return _problem(NotFoundError(f"nothing is at {request.url.path[:200]}", hint=f"see {BASE}/openapi.json"))


async def _not_so(request: Request, error: Exception) -> Response:
    del error
    if wants_page(request):
        return page_alone(UsageError("nothing was sent", hint="open its page from here, and send the form there"), 405)
    problem = {**to_problem(UsageError(f"not with {request.method}")), "status": 405, "title": "Method Not Allowed"}
    return _reply(405, encode(problem))


async def _refused(request: Request, error: Exception) -> Response:
    """Return what an error says that nothing else answered: while the store cannot be reached, there is no page."""
    fault = error if isinstance(error, LampwayError) else BrokenError(str(error))
    return page_alone(fault, int(status_of(fault))) if wants_page(request) else _problem(fault)


async def _gone(request: Request, error: Exception) -> Response:
    """Return something for nobody: whoever sent this went away meanwhile, which is no fault."""
    del request, error
    return Response(status_code=400)


async def _our_fault(request: Request, error: Exception) -> Response:
    fault = BrokenError(f"a fault in Lampway itself: {type(error).__name__}", hint="the server's log says more")
    return page_alone(fault, 500) if wants_page(request) else _problem(fault)
