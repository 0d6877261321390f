"""What the API is, as OpenAPI 3.1 has it: made from the routes and from the types of requests and answers."""

from __future__ import annotations

import functools
import re
from dataclasses import MISSING, fields
from typing import Any

import msgspec

from lampway import __version__
from lampway.app.wire import PROBLEM, answer_type, is_streamed
from lampway.engine.cases import MOVING
from lampway.web.afterwards import ASYNC
from lampway.web.live import EVENTS
from lampway.web.routes import BASE, ROUTES, Route

EVENTS_PATH = "/promotions/{promotion}/events"
"""Where a promotion is followed, below the API."""
_REF = "#/components/schemas/{name}"
_GENERIC = re.compile(r"\[([^][]*)\]")
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "What happened."},
        "code": {"type": "string", "description": "Stable name of the kind of error."},
        "where": {"type": "string"},
        "hint": {"type": "string", "description": "How to mend it, where that is known."},
        "details": {"type": "array", "items": {"type": "string"}},
        "mistakes": {"type": "array", "items": {"type": "object"}},
    },
}
_NOES = {
    "400": "asked wrongly",
    "401": "nobody knows who is asking",
    "403": "this person may not ask for this, or not with this token",
    "404": "a name that nothing has",
    "409": "a rule said no; nothing was changed",
    "422": "the governance files have mistakes, or the package cannot be read",
    "429": "asked too often",
    "500": "the machinery failed",
    "502": "a platform failed, or cannot be reached",
    "503": "the store cannot be reached now",
}


@functools.cache
def openapi() -> dict[str, Any]:
    """Return the whole description."""
    kinds = [answer_type(r.request) for r in ROUTES if not is_streamed(r.request)]  # type: ignore[arg-type] # a class is hashable
    asked = [route.request for route in ROUTES]
    schemas, components = _readable(msgspec.json.schema_components([*kinds, *asked], ref_template=_REF))
    answers = dict(zip([r.request for r in ROUTES if not is_streamed(r.request)], schemas, strict=False))
    requests = dict(zip(asked, schemas[len(kinds) :], strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        told = _operation(route, answers.get(route.request), _resolved(requests[route.request], components))
        paths.setdefault(BASE + route.path, {})[route.method.lower()] = told
    paths[BASE + EVENTS_PATH] = {"get": _events()}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lampway",
            "version": __version__,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            "description": "Every request of Lampway. Answers are `{data, meta}`, errors are RFC 9457.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": {**components, "Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _readable(made: tuple[Any, dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
    """Return schemas and components with names for people and for programs that make types of them.

    A generic type is called `Part[TextBlock]` by its title and `Part_TextBlock_` by its key; both are made
    `PartOfTextBlock`.
    """
    titles = {key: str(schema.get("title", "")) for key, schema in made[1].items()}
    names = {key: _GENERIC.sub(r"Of\1", title) if "[" in title else key for key, title in titles.items()}

    def renamed(part: Any) -> Any:
        match part:
            case {"$ref": str(place)}:
                return {**part, "$ref": _REF.format(name=names[place.rpartition("/")[2]])}
            case dict():
                return {key: renamed(value) for key, value in part.items()}
            case list() | tuple():
                return [renamed(value) for value in part]
            case _:
                return part

    named = {names[key]: {**renamed(schema), "title": names[key]} for key, schema in made[1].items()}
    return renamed(made[0]), named


def _events() -> dict[str, Any]:
    """Return how a promotion is followed: no request of the engine, but many looks at one."""
    told = {"description": "`state` at each change, `over` at its end; for 20 seconds at most, then ask anew"}
    return {
        "operationId": "FollowPromotion",
        "summary": "Tell what becomes of a promotion as it happens, as server-sent events.",
        "description": "A token for *read* is needed.",
        "parameters": [_parameter("promotion", "path", {"type": "string"}, required=True)],
        "responses": {
            "200": {**told, "content": {EVENTS: {"schema": {"type": "string"}}}},
            **{code: _no(about) for code, about in _NOES.items()},
        },
    }


def _resolved(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    found: dict[str, Any] = components.get(name, schema)
    return found


def _operation(route: Route, answer: dict[str, Any] | None, request: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = request.get("properties", {})
    kind: Any = route.request
    needed = {f.name for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING}
    parameters = [_parameter(name, "path", properties[name], required=True) for name in route.in_path]
    told: dict[str, Any] = {
        "operationId": route.request.__name__,
        "summary": route.about,
        "description": f"A token for *{route.scope}* is needed.",
        "responses": {"200": _yes(answer), **{code: _no(about) for code, about in _NOES.items()}},
    }
    rest = {name: schema for name, schema in properties.items() if name not in route.in_path}
    if route.method == "GET":
        parameters += [_parameter(n, "query", schema, required=n in needed) for n, schema in rest.items()]
        if answer is not None and answer.get("type") == "array":
            parameters += [_number(n) for n in ("limit", "offset") if n not in rest]
        parameters.append(_parameter("If-None-Match", "header", {"type": "string"}, required=False))
        told["responses"].update({} if answer is None else {"304": {"description": "as it was seen before"}})
    else:
        key = {"type": "string", "minLength": 8, "maxLength": 100, "pattern": "^[ -~]*$"}
        parameters.append(_parameter("Idempotency-Key", "header", key, required=False))
        if route.request in MOVING:
            parameters.append(_parameter("Prefer", "header", {"type": "string", "enum": [ASYNC]}, required=False))
            told["responses"]["202"] = _later(answer)
        body = {"type": "object", "properties": rest, "additionalProperties": False}
        body["required"] = sorted(needed & rest.keys())
        content = {"application/json": {"schema": body}}
        told["requestBody"] = {"required": bool(body["required"]), "content": content}
    return {**told, "parameters": parameters}


def _parameter(name: str, place: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "schema": schema}


def _number(name: str) -> dict[str, Any]:
    least = {"limit": 1, "offset": 0}[name]
    most = {"limit": 5000, "offset": 10**9}[name]
    return _parameter(name, "query", {"type": "integer", "minimum": least, "maximum": most}, required=False)


def _yes(answer: dict[str, Any] | None) -> dict[str, Any]:
    if answer is None:
        return {"description": "line by line", "content": {"text/plain": {"schema": {"type": "string"}}}}
    envelope = {
        "type": "object",
        "required": ["data", "meta"],
        "properties": {"data": answer, "meta": {"type": "object"}},
    }
    return {"description": "done", "content": {"application/json": {"schema": envelope}}}


def _later(answer: dict[str, Any] | None) -> dict[str, Any]:
    """Return how a request is answered whose sender does not wait for what it lets begin (RFC 7240)."""
    text = {"schema": {"type": "string"}}
    where = {"description": "Where it is seen what becomes of it, if that is one place.", **text}
    headers = {"Preference-Applied": {"required": True, **text}, "Location": where}
    return {**_yes(answer), "description": "asked for; what may start because of it goes on", "headers": headers}


def _no(about: str) -> dict[str, Any]:
    return {"description": about, "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
