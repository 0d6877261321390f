"""Layers and summaries: virtual tables of the platform, with ways of their own."""

from __future__ import annotations

import json
import re
from typing import Any

from lampway.testing.dataverse.kinds import kind_named, layer_name, type_of
from lampway.testing.dataverse.layering import component_json, touch
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.refusals import RefusedError, bad_request, not_found
from lampway.testing.dataverse.state import ACTIVE, Component, moment, stable_id

_ID = re.compile(r"msdyn_componentid\s+eq\s+'\{?([0-9a-fA-F-]{36})\}?'")
_NAME = re.compile(r"msdyn_solutioncomponentname\s+eq\s+'([^']+)'")
_SOLUTION = re.compile(r"msdyn_solutionname\s+eq\s+'([^']+)'")


def component_layers(organisation: Organisation, filter_: str) -> list[dict[str, Any]]:
    """Return the layers of the one component that a filter names; its id must stand in quotes. Raises RefusedError."""
    ids, names = _ID.findall(filter_), _NAME.findall(filter_)
    if len(ids) != 1 or len(names) != 1:
        raise bad_request(
            "The filter must name one msdyn_componentid, in quotes, and one msdyn_solutioncomponentname.", "0x80040203"
        )
    kind = kind_named(names[0])
    component = organisation.state.by_id(kind, ids[0].lower()) if kind else None
    rows = _layers(organisation, component) if component else []
    wanted = _SOLUTION.findall(filter_)
    return [row for row in rows if not wanted or row["msdyn_solutionname"] in wanted]


def _layers(organisation: Organisation, component: Component) -> list[dict[str, Any]]:
    rows = []
    below: dict[str, Any] = {}
    for order, layer in enumerate(component.layers, 1):
        solution = organisation.state.solution(layer.solution)
        attributes = component_json(layer.part)
        changes = {key: value for key, value in attributes.items() if below.get(key) != value}
        rows.append(
            {
                "msdyn_componentlayerid": stable_id(component.id, layer.solution),
                "msdyn_componentid": component.id,
                "msdyn_name": layer.part.name,
                "msdyn_solutionname": layer.solution,
                "msdyn_solutioncomponentname": layer_name(component.kind),
                "msdyn_publishername": solution.publisher.friendly_name if solution else "",
                "msdyn_order": order,
                "msdyn_overwritetime": moment(layer.overwritten),
                "msdyn_changes": _attributes(changes),
                "msdyn_componentjson": _attributes(attributes),
                "msdyn_children": "[]",
            }
        )
        below = attributes
    return rows


def _attributes(found: dict[str, Any]) -> str:
    return json.dumps({"Attributes": [{"Key": key, "Value": value} for key, value in found.items()]})


def summaries(organisation: Organisation, filter_: str) -> list[dict[str, Any]]:
    """Return the components of one solution in short. Filters on true and false fail, as the platform's do."""
    if re.search(r"\b(eq|ne)\s+(true|false)\b", filter_):
        raise bad_request("An error occurred while processing this request: boolean filters are not supported.")
    found = re.search(r"msdyn_solutionid\s+eq\s+'?\{?([0-9a-fA-F-]{36})\}?'?", filter_)
    if found is None:
        raise bad_request("The filter must name one msdyn_solutionid.", "0x80040203")
    id_ = found[1].lower()
    solution = next((one for one in organisation.state.solutions.values() if one.id == id_), None)
    if solution is None:
        return []
    rows = []
    for ref in solution.members:
        component = organisation.state.components.get(ref)
        if component is not None and component.kind != "file":
            rows.append(_summary(organisation, component, id_))
    return rows


def _summary(organisation: Organisation, component: Component, solution: str) -> dict[str, Any]:
    return {
        "msdyn_solutioncomponentsummaryid": stable_id(solution, component.ref, "summary"),
        "msdyn_objectid": component.id,
        "msdyn_solutionid": solution,
        "msdyn_componenttype": type_of(component.kind, organisation.type_offset),
        "msdyn_componenttypename": layer_name(component.kind),
        "msdyn_componentlogicalname": component.kind,
        "msdyn_name": component.part.name if component.kind != "connectionreference" else component.key,
        "msdyn_displayname": component.part.name,
        "msdyn_schemaname": component.key,
        "msdyn_ismanaged": component.managed,
        "msdyn_hasactivecustomization": component.edited,
        "msdyn_iscustomizable": True,
        "msdyn_modifiedon": component.live.get("modifiedon"),
        "msdyn_createdon": component.live.get("createdon"),
        "msdyn_owner": component.live.get("ownerid"),
        "msdyn_status": str(component.live.get("statecode", "")),
    }


def remove_active(organisation: Organisation, name: str, id_: str, by: str) -> None:
    """Take away what was edited in place. Raises RefusedError where there is no such component."""
    kind = kind_named(name)
    component = organisation.state.by_id(kind, id_.lower()) if kind else None
    if component is None:
        raise not_found(name, id_)
    if not component.managed:
        raise RefusedError(
            400, "0x80040216", f"The {name} component with Id = {id_} has no managed layer below its customizations."
        )
    component.layers = [one for one in component.layers if one.solution != ACTIVE]
    touch(organisation, component, by)
