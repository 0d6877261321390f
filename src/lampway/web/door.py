"""The door: who is asking, how often, and whether the same was asked before."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from starlette.requests import Request

from lampway.app import Engine
from lampway.domain.digest import digest_bytes
from lampway.domain.events import Actor
from lampway.engine.tokens import authenticate
from lampway.errors import ForbiddenError, RefusedError, TooManyError, UnauthenticatedError, UsageError

_KEPT = timedelta(hours=24)
_PEOPLE = 10_000
"""Callers whose allowance is remembered."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is asking, and what for."""

    actor: Actor
    scopes: tuple[str, ...]

    def require(self, scope: str) -> None:
        """Go on only with a token for this. Raises ForbiddenError."""
        if scope not in self.scopes:
            hint = f"issue one with it: lampway token create --scope {scope}"
            raise ForbiddenError(f"this token is not for *{scope}*: it is for {', '.join(self.scopes)}", hint=hint)


def identify(engine: Engine, request: Request) -> Caller:
    """Return who sent this. Raises UnauthenticatedError."""
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token:
        raise UnauthenticatedError(
            "a token is needed", hint="lampway login URL, or the header Authorization: Bearer TOKEN"
        )
    actor, scopes = authenticate(engine, token.strip())
    return Caller(actor, scopes)


class Allowance:
    """How often each caller may ask: so many at once, and so many more each second. In this process only."""

    def __init__(self, at_once: float, each_second: float) -> None:
        self._most = at_once
        self._rate = each_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._turn = threading.Lock()

    def take(self, who: str) -> None:
        """Count one question. Raises TooManyError."""
        now = time.monotonic()
        with self._turn:
            left, since = self._left.pop(who, (self._most, now))
            left = min(self._most, left + (now - since) * self._rate)
            self._left[who] = (max(0.0, left - 1), now)
            while len(self._left) > _PEOPLE:
                self._left.popitem(last=False)
        if left < 1:
            raise TooManyError("asked too often", hint=f"at most {self._rate:g} times a second; try again in a second")


def claim(engine: Engine, caller: Caller, key: str, asked: bytes) -> tuple[int, str] | None:
    """Take it upon us to answer a request that carries an idempotency key; return the answer if it was given before.

    Raises UsageError where the key was used for something else, RefusedError while another one is at it.
    """
    digest = digest_bytes(asked)
    oldest = (engine.clock.now() - _KEPT).isoformat(timespec="milliseconds")
    with engine.store.transaction() as transaction:
        before = transaction.claim(_key(caller, key), digest, forget=oldest)
    if before is None:
        return None
    if before.asked != digest:
        raise UsageError("this idempotency key was used for another request", hint="make up a new key for each request")
    if not before.status:
        raise RefusedError(
            "the same request is being answered, or the server died while it was",
            hint="look what came of it: lampway status; then ask again with a new key",
        )
    return before.status, before.body


def settle(engine: Engine, caller: Caller, key: str, status: int, body: str) -> None:
    """Keep how a request was answered; a status of 0 lets it be asked again."""
    with engine.store.transaction() as transaction:
        transaction.settle_claim(_key(caller, key), status, body)


def _key(caller: Caller, key: str) -> str:
    if not 8 <= len(key) <= 100 or not key.isascii() or not key.isprintable():
        raise UsageError("an idempotency key has 8 to 100 printable characters", hint="a UUID will do")
    return f"{caller.actor.person}/{key}"
