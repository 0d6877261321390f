"""Rows about people: users, roles and who holds them, and the environment's own row."""

from __future__ import annotations

from typing import Any

from lampway.testing.dataverse.organisation import ROLES, Organisation
from lampway.testing.dataverse.state import User, stable_id

Rows = list[dict[str, Any]]


def users(organisation: Organisation) -> Rows:
    """Return everybody who may sign in."""
    return [user_row(organisation, one) for one in organisation.state.users.values()]


def user_row(organisation: Organisation, one: User) -> dict[str, Any]:
    """Return a user, with the roles to be expanded."""
    return {
        "systemuserid": one.id,
        "fullname": one.name,
        "internalemailaddress": one.email or None,
        "domainname": one.email or None,
        "applicationid": one.application or None,
        "isdisabled": one.disabled,
        "accessmode": 4 if one.application else 0,
        "azureactivedirectoryobjectid": stable_id(one.id, "directory"),
        "_businessunitid_value": stable_id(organisation.state.id, "businessunit"),
        "systemuserroles_association": [_bare_role(organisation, name) for name in one.roles],
    }


def _bare_role(organisation: Organisation, name: str) -> dict[str, Any]:
    return {
        "roleid": stable_id(organisation.state.id, "role", name),
        "name": name,
        "_businessunitid_value": stable_id(organisation.state.id, "businessunit"),
        "_parentrootroleid_value": stable_id(organisation.state.id, "role", name),
        "ismanaged": name in ROLES,
    }


def roles(organisation: Organisation) -> Rows:
    """Return the roles there are, with who holds them to be expanded."""
    own = [component.part.name for component in organisation.state.of_kind("role")]
    ids = {component.part.name: component.id for component in organisation.state.of_kind("role")}
    rows = []
    for name in (*ROLES, *own):
        holders = [
            {key: value for key, value in user_row(organisation, one).items() if not isinstance(value, list)}
            for one in organisation.state.users.values()
            if name in one.roles
        ]
        row = _bare_role(organisation, name) | {"systemuserroles_association": holders}
        rows.append(row | ({"roleid": ids[name]} if name in ids else {}))
    return rows


def organizations(organisation: Organisation) -> Rows:
    """Return the one row about the environment itself."""
    known = {key: value for key, value in sorted(organisation.state.settings.items()) if not key.startswith("_")}
    settings = "".join(f"<{key}>{str(value).lower()}</{key}>" for key, value in known.items())
    return [
        {
            "organizationid": organisation.state.id,
            "name": organisation.name,
            "friendlyname": organisation.name,
            "orgdborgsettings": f"<OrgSettings>{settings}</OrgSettings>",
            "schemanameprefix": "new",
            "languagecode": 1033,
        }
    ]
