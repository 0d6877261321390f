"""What n8n remembers of the runs of what is installed."""

from __future__ import annotations

from lampway.engine.abilities import Executions, Usage
from lampway.engine.platform import Installed
from lampway.platforms.n8n.api import Api, Json
from lampway.platforms.n8n.contents import read_package

_FAILED = {"error", "crashed"}
_UNDER_WAY = {"new", "running", "waiting"}
_FORGETS = (
    "n8n forgets runs: after 14 days or 10,000 of them, unless it was told otherwise, and those it was told not to save"
)
_CHANGED = "a change is also a save that changed nothing"


def tell_usage(api: Api, installed: Installed) -> Usage:
    """Return when any workflow of it ran last, and was saved last."""
    live = {workflow["id"]: workflow for workflow in api.workflows()}
    own = [live[w["id"]] for w in read_package(installed.package).workflows if w["id"] in live]
    runs = [_moment(run, "startedAt") for w in own for run in [api.last_execution(w["id"])] if run is not None]
    return Usage(
        last_run=max(runs, default=""),
        last_change=max((_moment(workflow, "updatedAt") for workflow in own), default=""),
        notes=(_FORGETS, _CHANGED),
    )


def count_executions(api: Api, installed: Installed, since: str) -> Executions:
    """Return how many runs of it began since a moment and are over, and how many of them failed."""
    live = {workflow["id"] for workflow in api.workflows()}
    total = failed = 0
    for workflow in read_package(installed.package).workflows:
        if workflow["id"] in live:
            for run in api.executions(workflow["id"], startedAfter=since):
                if run.get("status") in _UNDER_WAY:
                    continue
                total += 1
                failed += run.get("status") in _FAILED
    return Executions(total, failed)


def _moment(told: Json, key: str) -> str:
    value = told.get(key)
    return value.replace("Z", "+00:00") if isinstance(value, str) else ""
