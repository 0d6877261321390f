"""See, without changing anything, what our credentials may do in an environment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lampway.engine.platform import Rights
from lampway.errors import AccessError, NotFoundError, PlatformError, PlatformRefusedError
from lampway.platforms.powerplatform.backup import can_back_up
from lampway.platforms.powerplatform.client import Client

ADMINISTRATOR = "System Administrator"
_MAY_IMPORT = frozenset({"system administrator", "system customizer"})
_ROLE = f"in the Power Platform admin center give the application user the role {ADMINISTRATOR}"
_ADMIN = (
    "an admin of the tenant registers the application once as an admin application, "
    "or environment_id is taken out of settings"
)
_ROLES = "systemuserroles_association"


def probe_rights(client: Client) -> Rights:
    """Return what our credentials may do there. Raises AccessError when they are good for nothing at all."""
    who = client.function("WhoAmI")
    user = _try(lambda: client.row("systemusers", str(who.get("UserId") or ""), expand=f"{_ROLES}($select=name)"))
    roles = _roles(user)
    can_read = _try(lambda: list(client.rows("solutions", select="uniquename", top=1))) is not None
    can_deploy = can_read and roles is not None and bool(roles & _MAY_IMPORT)
    missing = []
    if not can_read:
        missing.append(f"solutions cannot be read: {_ROLE}")
    elif roles is None:
        missing.append(f"it cannot be seen which roles the application user has: {_ROLE}")
    elif not can_deploy:
        missing.append(f"nothing can be imported with its roles: {_ROLE}")
    notes = []
    if can_deploy and roles is not None and ADMINISTRATOR.casefold() not in roles:
        notes.append(f"packages with plug-ins need more than its roles: {_ROLE}")
    missing += _backups(client)
    version = _try(lambda: client.function("RetrieveVersion")) or {}
    return Rights(
        product=f"Dataverse {version.get('Version', '')}".strip(),
        can_read=can_read,
        can_deploy=can_deploy,
        user=str((user or {}).get("fullname") or ""),
        missing=tuple(missing),
        notes=tuple(notes),
    )


def _roles(user: dict[str, Any] | None) -> frozenset[str] | None:
    """Return the names of the roles that a user has by itself; None where they cannot be seen."""
    listed = user.get(_ROLES) if user is not None else None
    if not isinstance(listed, list):
        return None
    return frozenset(str(one.get("name") or "").casefold() for one in listed if isinstance(one, dict))


def _backups(client: Client) -> list[str]:
    if not can_back_up(client):
        return []
    try:
        client.admin("GET", "/scopes/admin/environments?api-version=2021-04-01")
    except (AccessError, NotFoundError, PlatformRefusedError):
        return [f"the environment cannot be backed up before tables or columns go: {_ADMIN}"]
    except PlatformError as error:
        return [f"the admin API does not answer, and no backup can be made: {error.message}"]
    return []


def _try(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except (AccessError, NotFoundError, PlatformRefusedError):
        return None
