"""The wire: requests, answers and errors as JSON and back, the same on both ends."""

from __future__ import annotations

import functools
import sys
import typing
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from lampway import errors
from lampway.engine.context import Request
from lampway.errors import BrokenError, InvalidStrategyError, LampwayError, Mistake, UsageError

PROBLEM = "application/problem+json"
_STATUS = {
    "usage": HTTPStatus.BAD_REQUEST,
    "not-found": HTTPStatus.NOT_FOUND,
    "invalid-package": HTTPStatus.UNPROCESSABLE_ENTITY,
    "invalid-strategy": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unauthenticated": HTTPStatus.UNAUTHORIZED,
    "forbidden": HTTPStatus.FORBIDDEN,
    "too-many": HTTPStatus.TOO_MANY_REQUESTS,
    "too-large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "store-lost": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Where the code says more than the exit code."""
_BY_EXIT = {1: HTTPStatus.CONFLICT, 2: HTTPStatus.BAD_REQUEST}


def encode(value: object) -> bytes:
    """Return the JSON of a request or an answer. Raises TypeError for what must not travel, such as a secret."""
    return msgspec.json.encode(value)


def decode(kind: Any, data: bytes) -> Any:
    """Return a value of this kind. Raises BrokenError when it is none: then the other end is of another version."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as error:
        hint = "use the same version of Lampway here and on the server"
        raise BrokenError(f"the server's answer is not understood: {error}", hint=hint) from error


@functools.cache
def answer_type(request: type[Request[Any]]) -> Any:
    """Return what a request is answered with."""
    bases = getattr(request, "__orig_bases__", ())
    base = next(b for b in bases if typing.get_origin(b) is Request)
    kind = typing.get_args(base)[0]
    if isinstance(kind, typing.ForwardRef):
        return eval(kind.__forward_arg__, vars(sys.modules[request.__module__]))  # noqa: S307 - our own source
    return kind


def is_streamed(request: type[Request[Any]]) -> bool:
    """Return whether the answer comes line by line."""
    kind: Any = answer_type(request)  # type: ignore[arg-type] # a class is hashable
    origin: Any = typing.get_origin(kind)
    return origin is Iterator


def status_of(error: LampwayError) -> HTTPStatus:
    """Return the HTTP status that says what kind of error this is."""
    if error.code in _STATUS:
        return _STATUS[error.code]
    if isinstance(error, errors.PlatformError):
        return HTTPStatus.BAD_GATEWAY
    return _BY_EXIT.get(error.exit_code, HTTPStatus.INTERNAL_SERVER_ERROR)


def to_problem(error: LampwayError) -> dict[str, Any]:
    """Return an error as RFC 9457 has it; what is ours stands beside under its own names."""
    status = status_of(error)
    problem: dict[str, Any] = {
        "type": f"urn:lampway:error:{error.code}",
        "title": status.phrase,
        "status": int(status),
        "detail": error.message,
        "code": error.code,
    }
    told = {"where": error.where, "hint": error.hint, "details": list(error.details)}
    problem.update({name: value for name, value in told.items() if value})
    if isinstance(error, InvalidStrategyError):
        problem["mistakes"] = msgspec.to_builtins(error.mistakes)
    return problem


def from_problem(problem: Mapping[str, Any]) -> LampwayError:
    """Return the error that was told, of the class that it was raised as where this version knows it."""
    code = str(problem.get("code", ""))
    message = str(problem.get("detail") or problem.get("title") or "the server says no")
    details = tuple(str(line) for line in problem.get("details", ()))
    given: dict[str, Any] = {"where": str(problem.get("where", "")), "hint": str(problem.get("hint", ""))}
    match _classes().get(code):
        case None:
            status = int(problem.get("status", 500))
            kind = UsageError if status < HTTPStatus.INTERNAL_SERVER_ERROR else BrokenError
            return kind(message, **given, details=details)
        case errors.InvalidStrategyError:
            return InvalidStrategyError(msgspec.convert(problem.get("mistakes", ()), tuple[Mistake, ...]))
        case errors.DeliveryError:
            return errors.DeliveryError(message, hint=given["hint"])
        case known:
            found: LampwayError = known(message, **given, details=details)
            return found


@functools.cache
def _classes() -> dict[str, Any]:
    """Return every class of error by its code."""
    found, left = {}, [LampwayError]
    while left:
        kind = left.pop()
        left += kind.__subclasses__()
        found[kind.code] = kind
    return found
