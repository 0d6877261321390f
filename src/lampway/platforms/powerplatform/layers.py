"""Edits made in place: the unmanaged layer over what a managed solution brought, told as differences.

`msdyn_componentlayers` answers for one component at a time and with everything it has. So the summary of a solution is
read first, and only the components it marks as customized are asked for, several at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from lampway.domain.package import Edit
from lampway.platforms.powerplatform.client import Client, literal
from lampway.platforms.powerplatform.jsontext import decoded
from lampway.platforms.powerplatform.manifest import COMPONENT_TYPES, UNMANAGED, kind_of_type
from lampway.platforms.powerplatform.wording import MOST, changed

AT_ONCE = 6
"""Requests that are under way side by side; the platform slows down who sends many more."""
FLOW, TABLE, CANVAS, VARIABLE = "flow", "table", "canvas app", "environment variable"
REFERENCE, VALUE = "connection reference", "environment variable value"

_NAMES: Mapping[int, str] = {
    1: "Entity", 2: "Attribute", 9: "OptionSet", 10: "EntityRelationship", 14: "EntityKey", 20: "Role",
    26: "SavedQuery", 29: "Workflow", 31: "Report", 59: "SavedQueryVisualization", 60: "SystemForm",
    61: "WebResource", 62: "SiteMap", 66: "CustomControl", 70: "FieldSecurityProfile", 80: "AppModule",
    90: "PluginType", 91: "PluginAssembly", 92: "SDKMessageProcessingStep", 95: "ServiceEndpoint", 300: "CanvasApp",
    371: "Connector", 372: "Connector", 380: "EnvironmentVariableDefinition", 381: "EnvironmentVariableValue",
    401: "AIModel",
}  # fmt: skip
"""What layers call a type; whatever is not listed goes by its logical name."""
_NOISE = frozenset({
    "modifiedon", "modifiedby", "modifiedonbehalfby", "createdon", "createdby", "createdonbehalfby", "versionnumber",
    "overwritetime", "componentstate", "solutionid", "supportingsolutionid", "ismanaged", "componentidunique",
    "statecode", "statuscode", "ownerid", "owningbusinessunit", "owninguser", "owningteam", "owneridtype",
    "connectionid", "connectioninstanceid", "workflowidunique", "activeworkflowid", "isautocrudoperation",
    "timezoneruleversionnumber", "utcconversiontimezonecode", "importsequencenumber", "overriddencreatedon",
})  # fmt: skip
"""Columns that say when and by whom, and those that are data by design: states, owners, bindings."""

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Placed:
    """One component of a solution, as the summary of the environment lists it."""

    kind: str
    """What makers call it."""
    name: str
    id: str
    """The environment's own, in lower case."""
    ids: frozenset[str]
    """Everything a package may know it by: this id, and its names in the schema."""
    layer_name: str
    """What layers call its type."""
    is_customized: bool
    """Whether somebody edited it in place; never of the value of a variable, which is data wherever it came from."""


def components_there(client: Client, solution_id: str) -> tuple[Placed, ...]:
    """Return every component of a solution. Whether one is customized is told as text or as yes and no."""
    rows = client.rows("msdyn_solutioncomponentsummaries", filter=f"msdyn_solutionid eq {solution_id}")
    return tuple(_placed(row) for row in rows)


def _placed(row: Mapping[str, Any]) -> Placed:
    number = int(float(row.get("msdyn_componenttype") or 0))
    logical = str(row.get("msdyn_componentlogicalname") or "")
    id_ = str(row.get("msdyn_objectid") or "").lower()
    names = [str(row.get(f"msdyn_{key}") or "") for key in ("displayname", "name", "schemaname", "uniquename")]
    kind = COMPONENT_TYPES.get(str(number)) or kind_of_type(logical)
    if number == 29 and str(row.get("msdyn_workflowcategory") or "5").partition(".")[0] == "5":
        kind = FLOW
    return Placed(
        kind=kind,
        name=next(filter(None, names), id_),
        id=id_,
        ids=frozenset({id_, *map(str.lower, names[1:])} - {""}),
        layer_name=_NAMES.get(number, logical),
        is_customized=kind != VALUE and str(row.get("msdyn_hasactivecustomization")).lower() in {"true", "1"},
    )


def at_once(ask: Callable[[Asked], Answer], asked: Sequence[Asked]) -> list[Answer]:
    """Return the answers to several questions, in their order, a few of them asked side by side."""
    if len(asked) < 2:
        return [ask(one) for one in asked]
    with ThreadPoolExecutor(min(AT_ONCE, len(asked)), thread_name_prefix="dataverse") as pool:
        return list(pool.map(ask, asked))


def layer_edits(client: Client, placed: Placed) -> tuple[Edit, ...] | None:
    """Return what was edited in place, in the words of the columns; None where nothing was but what is no edit.

    An edit that comes to nothing still keeps the next release from showing: it is told as such.
    """
    asked = f"msdyn_componentid eq {literal(placed.id)} and msdyn_solutioncomponentname eq {literal(placed.layer_name)}"
    rows = list(client.rows("msdyn_componentlayers", filter=asked))
    rows.sort(key=lambda row: float(row.get("msdyn_order") or 0))
    active = next((row for row in rows if row.get("msdyn_solutionname") == UNMANAGED), None)
    if active is None:
        return None
    below = [row for row in rows if row is not active]
    after = _attributes(active, "msdyn_changes") or _attributes(active, "msdyn_componentjson")
    before = _attributes(below[-1], "msdyn_componentjson") if below else {}
    if after and not after.keys() - _NOISE:
        return None
    told = {key: value for key, value in after.items() if key not in _NOISE}
    return tuple(_edits(placed.name if placed.kind == VARIABLE else "", before, told))


def _edits(owner: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Edit]:
    """Yield what differs; `owner` is what the values belong to, where its name says whether they are secret."""
    differing = [key for key in after if key not in before or before[key] != after[key]]
    for key in differing[:MOST]:
        words = changed(f"{owner} {key}", before[key], after[key]) if key in before else "changed"
        yield Edit(f"layer/{key}", f"edited in place: *{key}* {words}")
    if len(differing) > MOST:
        yield Edit("layer", f"edited in place: {len(differing) - MOST} more details changed")


def _attributes(row: Mapping[str, Any], column: str) -> dict[str, Any]:
    """Return the columns that a layer speaks of, with their values."""
    told = decoded(str(row.get(column) or ""))
    listed = told.get("Attributes") if isinstance(told, dict) else None
    found: dict[str, Any] = {}
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and isinstance(one.get("Key"), str):
            value = one.get("Value")
            found[one["Key"].lower()] = value["Value"] if isinstance(value, dict) and "Value" in value else value
    return found
