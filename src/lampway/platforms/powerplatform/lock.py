"""The lock of an environment: *block unmanaged customizations*, and who may customize at all.

Neither locks everything. What the setting leaves open is documented, and told; who holds a role is looked up. The
setting is read as the platform's own portal reads it. To set it, the column of all such settings has to be written,
which the platform's documentation asks not to do directly: Lampway does so only where the environment's file says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from lampway.engine.abilities import Lock, LockState
from lampway.engine.platform import Access
from lampway.errors import AccessError, InvalidPackageError, NotFoundError, PlatformError, PlatformRefusedError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.xmltext import parse_xml

BLOCK = "IsLockdownOfUnmanagedCustomizationEnabled"
SET_LOCK = "set_lock"
"""Setting of the environment by which its admin lets Lampway write the lock: `orgdborgsettings`."""
WRITE_COLUMN = "orgdborgsettings"
_ROLES: Mapping[str, str] = {
    "system administrator": "System Administrator",
    "system customizer": "System Customizer",
    "environment maker": "Environment Maker",
}
_SHOWN = 5
_GAPS = (
    "values of variables, flows turned on and off, owners and sharing, removing a layer, and exporting stay possible; "
    "service level agreements, dataflows and activating classic workflows do not work under it"
)
_STEPS = (
    "in the Power Platform admin center open the environment, Settings, Product, Features, and turn on "
    "Block unmanaged customizations (not available in the default environment), or give its environment group that rule"
)
_TAKE_ROLES = "take System Administrator, System Customizer and Environment Maker from people there"
_CLOSED = {"true": True, "1": True, "false": False, "0": False, "": False}


@dataclass(frozen=True, slots=True)
class Holders:
    """Who may customize there beside Lampway."""

    people: tuple[str, ...]
    """Names with their roles, sorted."""
    is_known: bool = True


def observe_lock(client: Client) -> Lock:
    """Return whether makers could edit there, and what the lock leaves open. Changes nothing."""
    blocked, holders = _read_block(client), _holders(client)
    whom = _named(holders)
    if blocked is None:
        state = LockState.UNKNOWN
        summary = f"it cannot be seen whether unmanaged customizations are blocked; {whom}"
        return Lock(state, summary, f"let the application read the settings; else: {_STEPS}")
    if blocked and holders.is_known and not holders.people:
        return Lock(LockState.LOCKED, f"unmanaged customizations are blocked, and {whom}")
    if blocked:
        return Lock(LockState.PARTIAL, f"unmanaged customizations are blocked; {_GAPS}; {whom}", _TAKE_ROLES)
    if holders.is_known and not holders.people:
        summary = f"unmanaged customizations are not blocked; {whom}, until somebody is given such a role"
        return Lock(LockState.PARTIAL, summary, _STEPS)
    return Lock(LockState.OPEN, f"unmanaged customizations are not blocked; {whom}", f"{_STEPS}; then {_TAKE_ROLES}")


def _named(holders: Holders) -> str:
    if not holders.is_known:
        return "who may customize there cannot be seen"
    if not holders.people:
        return "nobody but applications may customize there"
    shown = ", ".join(holders.people[:_SHOWN])
    more = f" and {len(holders.people) - _SHOWN} more" if len(holders.people) > _SHOWN else ""
    return f"may customize: {shown}{more}"


def _read_block(client: Client) -> bool | None:
    """Return whether unmanaged customizations are blocked; None where that cannot be seen."""
    try:
        answer = client.action("GetOrgDbOrgSetting", {"SettingName": BLOCK}, is_change=False)
    except (NotFoundError, PlatformRefusedError):
        return _from_column(client)
    except AccessError:
        return None
    told = next((value for key, value in answer.items() if not key.startswith("@")), None)
    if isinstance(told, bool):
        return told
    return _CLOSED.get(str(told or "").strip().lower())


def _from_column(client: Client) -> bool | None:
    try:
        _, settings = _column(client)
    except (AccessError, NotFoundError):
        return None
    found = settings.find(BLOCK)
    return _CLOSED.get(((found.text if found is not None else "") or "").strip().lower())


def _column(client: Client) -> tuple[str, ET.Element]:
    """Return the id of the environment's own row, and its settings as XML. Raises PlatformError."""
    row: dict[str, Any] = next(client.rows("organizations", select=f"organizationid,{WRITE_COLUMN}"), {})
    text = str(row.get(WRITE_COLUMN) or "<OrgSettings />")
    try:
        settings = parse_xml(text.encode(), where=WRITE_COLUMN)
    except InvalidPackageError as error:
        raise PlatformError("the settings of the environment cannot be read", where=client.where) from error
    return str(row.get("organizationid") or ""), settings


def _holders(client: Client) -> Holders:
    """Return every person who holds a role that may customize. Applications are no makers, and disabled people none."""
    people = "systemuserroles_association($select=fullname,applicationid,isdisabled)"
    names = " or ".join(f"name eq '{name}'" for name in _ROLES.values())
    found: dict[str, set[str]] = {}
    try:
        for row in client.rows("roles", select="name", filter=names, expand=people):
            role = str(row.get("name") or "")
            listed = row.get("systemuserroles_association")
            for one in listed if isinstance(listed, list) else ():
                if isinstance(one, dict) and not one.get("applicationid") and not one.get("isdisabled"):
                    found.setdefault(str(one.get("fullname") or "somebody"), set()).add(role)
    except (AccessError, NotFoundError):
        return Holders((), is_known=False)
    return Holders(tuple(sorted(f"{name} ({', '.join(sorted(roles))})" for name, roles in found.items())))


def lock_objection(access: Access) -> str:
    """Return why the lock of this environment is not set by Lampway, with what an admin does; empty when it may be."""
    if access.settings.get(SET_LOCK) == WRITE_COLUMN:
        return ""
    return (
        "Lampway does not block unmanaged customizations there by itself: the platform documents no way for programs, "
        f"and asks not to write the settings column directly. {_STEPS}; or write `{SET_LOCK}: {WRITE_COLUMN}` under "
        "settings of the environment to let Lampway write that column all the same"
    )


def set_lock(client: Client, *, locked: bool) -> None:
    """Block unmanaged customizations, or let them in. Every other setting stays as it is, and it is read back.

    Raises PlatformRefusedError where the environment's settings do not allow it or the platform did not do it.
    """
    why = lock_objection(client.access)
    if why:
        raise PlatformRefusedError("the lock is not set by Lampway there", where=client.where, hint=why)
    id_, settings = _column(client)
    found = settings.find(BLOCK)
    if found is None:
        found = ET.SubElement(settings, BLOCK)
    if _CLOSED.get((found.text or "").strip().lower()) is not locked or found.text is None:
        found.text = "true" if locked else "false"
        client.update("organizations", id_, {WRITE_COLUMN: ET.tostring(settings, encoding="unicode")})
    if _read_block(client) is not locked:
        hint = f"an admin does it by hand: {_STEPS}"
        raise PlatformRefusedError("the lock is not as it was set", where=client.where, hint=hint)
