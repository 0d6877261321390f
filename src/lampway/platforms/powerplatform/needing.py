"""What needs a solution, by names: the platform tells dependencies by ids alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.manifest import COMPONENT_TYPES, bare_id

_NAMED: Mapping[str, tuple[str, str, str]] = {
    "29": ("workflows", "workflowid", "name"),
    "300": ("canvasapps", "canvasappid", "displayname"),
    "20": ("roles", "roleid", "name"),
    "80": ("appmodules", "appmoduleid", "name"),
}
"""Types of which a row tells the name: its set, the column of its id, and that of its name."""
_MOST = 25
"""How many are looked up; more are never listed."""


def users_named(client: Client, dependencies: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return each component that needs something, such as `process Monthly of Reports`; once each."""
    users = {
        bare_id(str(one.get("dependentcomponentobjectid") or "")): (
            str(one.get("dependentcomponenttype") or ""),
            bare_id(str(one.get("dependentcomponentbasesolutionid") or "")),
        )
        for one in dependencies
    }
    names: dict[str, str] = {}
    for type_, (table, key, column) in _NAMED.items():
        ids = [id_ for id_, (kind, _) in users.items() if kind == type_][:_MOST]
        names |= _names(client, table, (key, column), ids)
    bases = list(dict.fromkeys(base for _, base in users.values() if base))[:_MOST]
    solutions = _names(client, "solutions", ("solutionid", "uniquename"), bases)
    return [
        _told(id_, COMPONENT_TYPES.get(type_, "component"), names, solutions.get(base, ""))
        for id_, (type_, base) in users.items()
    ]


def _told(id_: str, kind: str, names: Mapping[str, str], solution: str) -> str:
    of = f" of {solution}" if solution and solution not in {"Active", "Default"} else ""
    return f"{kind} {names.get(id_) or id_}{of}"


def _names(client: Client, table: str, columns: tuple[str, str], ids: Sequence[str]) -> dict[str, str]:
    if not ids:
        return {}
    key, column = columns
    wanted = " or ".join(f"{key} eq {id_}" for id_ in ids)
    rows = client.rows(table, select=f"{key},{column}", filter=f"({wanted})")
    return {bare_id(str(row.get(key) or "")): str(row.get(column) or "") for row in rows}
