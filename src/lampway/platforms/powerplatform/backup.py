"""Back up a whole environment before what cannot be taken back, where the admin API lets us."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from lampway.engine.platform import Outcome, Progress
from lampway.errors import UnknownOutcomeError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.jobs import seconds_between
from lampway.platforms.powerplatform.signin import told

_VERSION = "api-version=2021-04-01"


def can_back_up(client: Client) -> bool:
    """Return whether it is known which environment of the admin API this is."""
    return bool(told(client.access, "environment_id"))


def _path(client: Client) -> str:
    id_ = quote(told(client.access, "environment_id"), safe="")
    return f"/scopes/admin/environments/{id_}/backups?{_VERSION}"


def find_backup(client: Client, label: str) -> bool:
    """Return whether there is a backup of this label."""
    answer, _ = client.admin("GET", _path(client))
    listed: Any = answer.get("value") if isinstance(answer, dict) else ()
    return any(_label(one) == label for one in listed or ())


def _label(backup: Any) -> str:
    held = backup.get("properties", backup) if isinstance(backup, dict) else {}
    return str(held.get("label") or "") if isinstance(held, dict) else ""


def back_up(client: Client, label: str) -> Outcome:
    """Ask for a backup under a label that nothing else has; one that is there already is not asked for again."""
    if find_backup(client, label):
        return Outcome(Progress.DONE, {"label": label})
    _, headers = client.admin("POST", _path(client), {"label": label}, is_change=True)
    place = urlsplit(headers.get("operation-location") or "").path.rpartition("/")[2]
    detail = {"label": label, "step": "back up", **({"lifecycle": place} if place else {})}
    if not place and find_backup(client, label):
        return Outcome(Progress.DONE, detail)
    if not place:
        told = "answers that a backup was asked for, with no way to follow it, and lists none"
        raise UnknownOutcomeError(told, where=client.where, hint="look at the environment's backups there")
    return Outcome(Progress.RUNNING, detail, seconds_between(client))


def poll_backup(client: Client, handle: dict[str, Any]) -> Outcome:
    """Return how far a backup has come. Raises NotFoundError for one that is no longer known."""
    place = quote(str(handle["lifecycle"]), safe="")
    answer, _ = client.admin("GET", f"/lifecycleOperations/{place}?{_VERSION}")
    state = answer.get("state") if isinstance(answer, dict) else None
    name = str(state.get("id") or "") if isinstance(state, dict) else ""
    detail = {"label": handle["label"]}
    if name == "Succeeded":
        return Outcome(Progress.DONE, detail)
    if name in {"Failed", "Canceled"}:
        return Outcome(Progress.FAILED, {**detail, "message": f"the backup ended as {name}; nothing was changed"})
    if not name:
        raise UnknownOutcomeError("the admin API does not say how the backup stands", where=client.where)
    return Outcome(Progress.RUNNING, handle, seconds_between(client))
