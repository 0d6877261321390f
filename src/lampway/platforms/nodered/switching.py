"""Switch a solution off and on: its tabs are disabled, so that nothing on them runs, answers or listens.

A tab that the package itself disables stays disabled. Everything else of the runtime stays as it is, and flows of
others that are under way are answered: only the tabs that change are restarted (observed with 4.1.15).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from lampway.engine.platform import Installed
from lampway.errors import PlatformError, UnknownOutcomeError
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.contents import Contents, read_package
from lampway.platforms.nodered.deploy import DEPLOYMENT_TYPE
from lampway.platforms.nodered.flows import Node

_PATIENCE = 10.0
"""Seconds until what was accepted must be there."""


def is_switched(api: Api, installed: Installed, *, on: bool) -> bool:
    """Return whether every tab of it that is there is as it is when it is on, or off."""
    nodes, _ = api.flows()
    return _with_switch(nodes, read_package(installed.package), on=on) == nodes


def switch(api: Api, installed: Installed, *, on: bool, pause: Callable[[float], None] = time.sleep) -> None:
    """Enable or disable every tab of it, from exactly the revision that was read.

    Raises ConflictError, PlatformRefusedError, AccessError, UnreachableError (nothing was changed), and
    UnknownOutcomeError.
    """
    nodes, revision = api.flows()
    contents = read_package(installed.package)
    wanted = _with_switch(nodes, contents, on=on)
    if wanted == nodes:
        return
    api.deploy(wanted, revision, DEPLOYMENT_TYPE)
    end = time.monotonic() + _PATIENCE
    try:
        while api.state() != "start" and time.monotonic() < end:
            pause(0.1)
    except PlatformError as error:
        hint = "the change was accepted; whether the flows run could not be read back"
        raise UnknownOutcomeError(error.message, where=error.where, hint=hint) from error


def switched_off(contents: Contents) -> Contents:
    """Return a package as it is in a runtime once it was switched off."""
    return replace(contents, nodes=tuple(_with_switch(contents.nodes, contents, on=False)))


def _with_switch(nodes: Sequence[Node], contents: Contents, *, on: bool) -> list[Node]:
    """Return all nodes, with the tabs of a package enabled as it has them, or disabled; others are left untouched."""
    shall = {node["id"]: not on or bool(node.get("disabled")) for node in contents.nodes if node["type"] == "tab"}
    return [
        {**node, "disabled": shall[node["id"]]}
        if node["id"] in shall and node["type"] == "tab" and bool(node.get("disabled")) is not shall[node["id"]]
        else node
        for node in nodes
    ]
