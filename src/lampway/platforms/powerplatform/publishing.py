"""Publish what makers saved, before it is exported: asked for once, followed to its end, looked for when unanswered."""

from __future__ import annotations

import time
from collections.abc import Callable

from lampway.errors import NotFoundError, PlatformError, PlatformRefusedError, UnknownOutcomeError, UnreachableError
from lampway.platforms.powerplatform.client import Client, literal
from lampway.platforms.powerplatform.jobs import OperationState, read_operation, seconds_between

LATER, AT_ONCE = "PublishAllXmlAsync", "PublishAllXml"
_MESSAGES = (LATER, AT_ONCE, "PublishAll")
"""What operations that publish can be called."""
_NEWEST = 20
"""How many operations that publish are looked at, the newest first."""
_LONGEST = 1800.0  # seconds that publishing may take
_LOOKS = 3
_HINT = "look there whether it ended, or publish all customizations there by hand; then do this again"


def publish_all(client: Client, *, pause: Callable[[float], None] = time.sleep) -> None:
    """Publish all customizations of an environment where solutions are built.

    It runs there as an operation, which is followed; a service that has no such call is asked to do it at once. Neither
    is sent a second time: without an answer, what was begun there is looked for and followed. Raises
    PlatformRefusedError, AccessError, UnreachableError where nothing was begun or it does not end, PlatformError where
    it failed, and UnknownOutcomeError where nobody can tell.
    """
    before = _newest(client)
    try:
        begun = str(client.action(LATER).get("AsyncOperationId") or "") or _begun_since(client, before, pause)
    except (NotFoundError, PlatformRefusedError):  # not everywhere; what is refused for a reason is refused again
        _publish_at_once(client, before, pause)
        return
    except UnknownOutcomeError as error:
        begun = _begun_since(client, before, pause)
        if not begun:
            told = f"publishing was not begun: {error.message}"
            raise UnreachableError(told, where=client.where, hint="do this again") from error
    if not begun:
        raise UnknownOutcomeError("answers the publishing with no operation", where=client.where, hint=_HINT)
    _follow(client, begun, pause)


def _publish_at_once(client: Client, before: set[str], pause: Callable[[float], None]) -> None:
    """Publish by the call that answers when it is done. Of that no operation tells, on most services."""
    try:
        client.action(AT_ONCE)
    except UnknownOutcomeError as error:
        begun = _begun_since(client, before, pause)
        if not begun:
            told = f"nobody can tell whether everything was published: {error.message}"
            raise UnknownOutcomeError(told, where=client.where, hint=_HINT) from error
        _follow(client, begun, pause)


def _newest(client: Client) -> set[str]:
    messages = " or ".join(f"messagename eq {literal(name)}" for name in _MESSAGES)
    rows = client.rows(
        "asyncoperations", select="asyncoperationid", filter=messages, orderby="createdon desc", top=_NEWEST
    )
    return {str(row.get("asyncoperationid") or "").lower() for row in rows}


def _begun_since(client: Client, before: set[str], pause: Callable[[float], None]) -> str:
    """Return the operation that began to publish since, whoever asked for it; empty for none."""
    for number in range(_LOOKS):
        found = sorted(_newest(client) - before)
        if found:
            return found[0]
        pause(seconds_between(client) * (number + 1))
    return ""


def _follow(client: Client, operation: str, pause: Callable[[float], None]) -> None:
    end = time.monotonic() + _LONGEST
    while True:
        state, words = read_operation(client, operation)
        if state is OperationState.SUCCEEDED:
            return
        if state is not OperationState.RUNNING:
            raise PlatformError(f"publishing failed: {words or 'somebody cancelled it there'}", where=client.where)
        if time.monotonic() > end:
            raise UnreachableError("publishing does not come to its end", where=client.where)
        pause(seconds_between(client))
