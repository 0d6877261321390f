"""Switch a solution off and on: its workflows are unpublished, so that nothing starts them; all of them stay there."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from lampway.engine.platform import Installed
from lampway.errors import ConflictError, PlatformError, UnknownOutcomeError
from lampway.platforms.n8n.api import Api
from lampway.platforms.n8n.contents import read_package
from lampway.platforms.n8n.going_live import wait_until_live, wait_until_quiet
from lampway.platforms.n8n.observe import observe_one, read_seen
from lampway.platforms.n8n.wire import called_first
from lampway.platforms.n8n.workflows import Workflow, name_of

Pause = Callable[[float], None]


def is_switched(api: Api, installed: Installed, *, on: bool) -> bool:
    """Return whether every workflow of it that is there is published as the package has it, or none is."""
    live = {workflow["id"]: workflow for workflow in api.workflows()}
    own = [(w, live[w["id"]]) for w in read_package(installed.package).workflows if w["id"] in live]
    return all(bool(there.get("active")) is (on and packaged["active"]) for packaged, there in own)


def switch(api: Api, installed: Installed, *, on: bool, pause: Pause = time.sleep) -> None:
    """Publish what the package has published, those that others call first; or unpublish all of it, in reverse.

    On again it is only when nobody edited it meanwhile. Raises ConflictError, PlatformRefusedError, AccessError,
    UnreachableError (nothing was changed), and UnknownOutcomeError.
    """
    if is_switched(api, installed, on=on):
        return
    seen = read_seen(api)
    if on:
        _require_as_installed(api, installed)
    ordered = called_first([w for w in read_package(installed.package).workflows if w["id"] in seen.live])
    changed: list[str] = []
    versions: dict[str, str] = {}
    ended: list[Workflow] = []
    try:
        for workflow in ordered if on else reversed(ordered):
            live = seen.live[workflow["id"]]
            if bool(live.get("active")) is (on and workflow["active"]):
                continue
            if on and workflow["active"]:
                api.publish(live["id"], str(live["versionId"]))
                versions[live["id"]] = str(live["versionId"])
            else:
                api.unpublish(live["id"])
                ended.append(live)
            changed.append(name_of(live))
    except PlatformError as error:
        if not changed:
            raise
        message = f"only {', '.join(changed)} could be switched: {error.message}"
        raise UnknownOutcomeError(message, where=error.where, hint=error.hint) from error
    _settle(api, versions, ended, pause)


def _require_as_installed(api: Api, installed: Installed) -> None:
    off = observe_one(read_seen(api), replace(installed, is_on=False), api.where)
    if not off.definition.is_empty:
        told = off.definition.summaries()
        hint = "look at what was edited, then deploy the release again"
        raise ConflictError(f"it was edited while it was off: {told[0]}", where=api.where, hint=hint, details=told)


def _settle(api: Api, versions: dict[str, str], ended: list[Workflow], pause: Pause) -> None:
    try:
        live = {workflow["id"]: workflow for workflow in api.workflows()}
        faults = wait_until_live(api, live, versions, pause) + wait_until_quiet(api, ended, pause)
    except PlatformError as error:
        hint = "the change was accepted; whether it came about could not be read back"
        raise UnknownOutcomeError(error.message, where=error.where, hint=hint) from error
    if faults:
        raise UnknownOutcomeError("; ".join(faults), where=api.where, hint="look at the executions there")
