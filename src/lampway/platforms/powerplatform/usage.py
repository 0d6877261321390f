"""What the platform tells about the use of a solution: when its flows ran last, and when something was changed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from lampway.engine.abilities import Usage
from lampway.engine.platform import Installed
from lampway.errors import AccessError, NotFoundError, PlatformRefusedError
from lampway.platforms.powerplatform.client import Client, literal
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.layers import CANVAS, FLOW, at_once

_KEPT = "the platform keeps runs for 28 days unless an admin says otherwise, and only those of cloud flows"
_UNKNOWN = "runs of its flows cannot be read there: the table of flow runs is off, or the application may not read it"
_NO_FLOWS = "it has no cloud flows, and the platform keeps no record here of who opened an app"
_CHANGED = "the last change may also be a deployment, or that somebody turned a flow on or off"


def tell_usage(client: Client, installed: Installed) -> Usage:
    """Return what is known. Changes nothing. Raises UnreachableError, PlatformError."""
    contents = read_package(installed.package)
    flows = [part.id for part in contents.parts if part.type == FLOW]
    apps = {part.id for part in contents.parts if part.type == CANVAS}
    last_run, note = _last_run(client, flows)
    changed = [str(row.get("modifiedon") or "") for row in _rows_of(client, flows)]
    if apps:
        rows = client.rows("canvasapps", select="name,lastmodifiedtime")
        changed += [str(row.get("lastmodifiedtime") or "") for row in rows if str(row.get("name")).lower() in apps]
    moments = sorted(filter(None, map(_moment, changed)))
    notes = (note, _CHANGED) if moments else (note,)
    return Usage(last_run=last_run, last_change=moments[-1] if moments else "", notes=notes)


def _rows_of(client: Client, flows: Sequence[str]) -> list[dict[str, object]]:
    wanted = set(flows)
    rows = client.rows("workflows", select="workflowid,modifiedon", filter="category eq 5") if wanted else ()
    return [row for row in rows if str(row.get("workflowid")).lower() in wanted]


def _last_run(client: Client, flows: Sequence[str]) -> tuple[str, str]:
    """Return when one of these flows began to run last, empty where nobody knows, and the limit of that."""
    if not flows:
        return "", _NO_FLOWS

    def newest(id_: str) -> str:
        asked = {
            "select": "starttime",
            "filter": f"workflowid eq {literal(id_)}",
            "orderby": "starttime desc",
            "top": 1,
        }
        return max((_moment(str(row.get("starttime") or "")) for row in client.rows("flowruns", **asked)), default="")

    try:
        return max(at_once(newest, flows)), _KEPT
    except (NotFoundError, PlatformRefusedError, AccessError):
        return "", _UNKNOWN


def _moment(text: str) -> str:
    """Return a time as Lampway writes it; empty for what is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return ""
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")
