"""Switch a solution off and on: its cloud flows, those that are called first when going on, last when going off.

What the package itself ships turned off stays off. Nothing is removed, and nothing of others is touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lampway.engine.platform import Installed
from lampway.errors import ConflictError, PlatformRefusedError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.content import read_content
from lampway.platforms.powerplatform.contents import Contents, Part, read_package
from lampway.platforms.powerplatform.flows import actions_of, object_in
from lampway.platforms.powerplatform.layers import FLOW
from lampway.platforms.powerplatform.xmltext import text_of

_ON, _OFF = {"statecode": 1, "statuscode": 2}, {"statecode": 0, "statuscode": 1}
_PAGE = 25


def is_switched(client: Client, installed: Installed, *, on: bool) -> bool:
    """Return whether every flow of it that is there is as it is when it is on, or off; without flows it is on."""
    flows = flows_in_order(read_package(installed.package))
    if not flows:
        return on
    states = _states(client, flows)
    return all(states[part.id] is (on and ships_on(part)) for part in flows if part.id in states)


def switch(client: Client, installed: Installed, *, on: bool) -> None:
    """Turn the flows of a solution on as its package has them, or off.

    Raises ConflictError when one of them is gone, PlatformRefusedError where there is nothing to turn off or the
    platform does not turn one on, AccessError, UnreachableError, UnknownOutcomeError. What was done by then stays, and
    doing it again goes on from there.
    """
    flows = flows_in_order(read_package(installed.package))
    if not flows and not on:
        hint = "an admin ends sharing of its apps, or takes the roles from whoever uses them"
        raise PlatformRefusedError("it has no flows, and apps and tables cannot be turned off", hint=hint)
    states = _states(client, flows)
    missing = [part.name for part in flows if part.id not in states]
    if missing:
        hint = f"lampway drift scan {client.where}"
        raise ConflictError(f"flow {missing[0]} is no longer there", where=client.where, hint=hint)
    for part in flows if on else reversed(flows):
        wanted = on and ships_on(part)
        if states[part.id] is not wanted:
            client.update("workflows", part.id, _ON if wanted else _OFF)


def ships_on(part: Part) -> bool:
    """Return whether a flow is on as the package has it."""
    return part.header is not None and text_of(part.header, "StateCode") == "1"


def _states(client: Client, flows: tuple[Part, ...]) -> dict[str, bool]:
    """Return for each flow that is there whether it is on."""
    found: dict[str, bool] = {}
    for start in range(0, len(flows), _PAGE):
        wanted = " or ".join(f"workflowid eq {part.id}" for part in flows[start : start + _PAGE])
        for row in client.rows("workflows", select="workflowid,statecode", filter=f"({wanted})"):
            found[str(row.get("workflowid")).lower()] = row.get("statecode") == 1
    return found


def flows_in_order(contents: Contents) -> tuple[Part, ...]:
    """Return the cloud flows of a package, each after those that it calls; circles as they come."""
    flows = {part.id: part for part in contents.parts if part.type == FLOW}
    calls = {id_: [one for one in _called(contents, part) if one in flows] for id_, part in flows.items()}
    done: dict[str, Part] = {}
    for start in flows:
        _visit(start, calls, flows, done)
    return tuple(done.values())


def _visit(start: str, calls: Mapping[str, list[str]], flows: Mapping[str, Part], done: dict[str, Part]) -> None:
    stack, entered = [(start, False)], set()
    while stack:
        id_, is_left = stack.pop()
        if is_left:
            done.setdefault(id_, flows[id_])
        elif id_ not in entered and id_ not in done:
            entered.add(id_)
            stack.append((id_, True))
            stack += [(one, False) for one in reversed(calls[id_])]


def _called(contents: Contents, part: Part) -> Iterator[str]:
    flow = read_content(contents, part).flow
    for action in actions_of(flow) if flow is not None else ():
        if action.kind == "Workflow":
            host = object_in(object_in(action.body, "inputs"), "host")
            yield str(host.get("workflowReferenceName") or "").lower()
