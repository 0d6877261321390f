"""Lock and label of a runtime: set where Lampway started it, because its settings listen; elsewhere only seen."""

from __future__ import annotations

from lampway.errors import PlatformRefusedError
from lampway.platforms.nodered.api import Api

_FOREIGN = "Lampway did not start this Node-RED, and what makers may do is read from its settings.js at its start only"
_OPEN = "this Node-RED was started without a lock"
_HINT = "an admin changes settings.js there and restarts Node-RED"


def lock_objection(api: Api) -> str:
    """Return why the lock cannot be set there, in words; empty when it can."""
    found = api.control()
    if found is None:
        return _FOREIGN
    return "" if found.get("lockable") is True else _OPEN


def set_lock(api: Api, *, locked: bool, until: str) -> None:
    """Let makers edit until a moment, or no longer. Raises PlatformRefusedError where that cannot be set."""
    why = lock_objection(api)
    if why:
        raise PlatformRefusedError(why, where=api.where, hint=_HINT)
    told = api.control({"until": "" if locked else until})
    if told is None or told.get("locked") is not locked:
        raise PlatformRefusedError("the lock is not as it was set", where=api.where, hint="look at its clock")


def set_label(api: Api, label: str) -> None:
    """Let the editor show a text at its top. Raises PlatformRefusedError where that cannot be set."""
    if api.control() is None:
        hint = f"an admin sets editorTheme.header.title in settings.js to: {label}"
        raise PlatformRefusedError(_FOREIGN, where=api.where, hint=hint)
    api.control({"label": label})
