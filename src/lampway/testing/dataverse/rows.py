"""Rows of the Web API, made from the state when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree as ET

from lampway.testing.dataverse import people
from lampway.testing.dataverse.kinds import type_of
from lampway.testing.dataverse.organisation import ACTIVE_ID, DEFAULT_ID, Organisation
from lampway.testing.dataverse.package import parse, text_of, value_in
from lampway.testing.dataverse.state import ACTIVE, Component, Operation, Solution, moment, stable_id

Rows = list[dict[str, Any]]
_PUBLISHER_EMPTY = (
    "address2_line1", "address1_county", "pinpointpublisherdefaultlocale", "address2_utcoffset", "address2_fax",
    "entityimage_url", "address1_line1", "address1_name", "address1_postalcode", "address2_line3", "address1_line3",
    "address2_name", "address1_utcoffset", "address2_city", "pinpointpublisherid", "address2_county", "emailaddress",
    "address2_postofficebox", "address1_stateorprovince", "address2_telephone3", "address2_addresstypecode",
    "address2_telephone2", "address2_telephone1", "address2_shippingmethodcode", "_modifiedonbehalfby_value",
    "entityimage_timestamp", "address2_stateorprovince", "address1_latitude", "address1_longitude",
    "address2_latitude", "address1_line2", "supportingwebsiteurl", "address2_postalcode", "address2_line2",
    "address2_upszone", "address2_longitude", "address1_fax", "_createdonbehalfby_value", "address2_country",
    "description", "address1_shippingmethodcode", "address1_postofficebox", "address1_upszone",
    "address1_addresstypecode", "address1_country", "entityimageid", "entityimage", "address1_telephone3",
    "address1_telephone2", "address1_city", "address1_telephone1",
)  # fmt: skip
_OPERATION_EMPTY = (
    "datablobid_name", "postponeuntil", "datablobid", "workload", "primaryentitytype", "data", "recurrencestarttime",
    "_regardingobjectid_value", "_workflowactivationid_value", "_owningextensionid_value", "requestid",
    "utcconversiontimezonecode", "callerorigin", "rootexecutioncontext", "recurrencepattern", "workflowstagename",
    "breadcrumbid", "_owningteam_value",
)  # fmt: skip
NO_ID = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A set of rows."""

    logical: str
    key: str
    rows: Callable[[Organisation], Rows]
    name: str = "name"
    """The column that people know a row by."""


def _tag(row: dict[str, Any], number: int) -> dict[str, Any]:
    return {"@odata.etag": f'W/"{number}"', **row}


def publisher_row(organisation: Organisation, solution: Solution) -> dict[str, Any]:
    """Return who a solution says made it."""
    one, id_ = solution.publisher, organisation.state.id
    made = moment(solution.installed)
    row = (
        {"publisherid": one.id}
        | dict.fromkeys(_PUBLISHER_EMPTY)
        | {
            "uniquename": one.unique_name,
            "friendlyname": one.friendly_name,
            "customizationprefix": one.prefix or None,
            "customizationoptionvalueprefix": one.option_prefix,
            "isreadonly": one.unique_name == "MicrosoftCorporation",
            "_organizationid_value": id_,
            "versionnumber": solution.number,
            "address1_addressid": stable_id(one.id, "address1"),
            "address2_addressid": stable_id(one.id, "address2"),
            "createdon": made,
            "modifiedon": made,
            "_createdby_value": solution.by or None,
            "_modifiedby_value": solution.by or None,
        }
    )
    return _tag(row, solution.number)


def solution_row(organisation: Organisation, one: Solution) -> dict[str, Any]:
    """Return a solution, with its publisher to be expanded."""
    nothing = (
        "_configurationpageid_value", "thumbprint", "pinpointpublisherid", "_modifiedonbehalfby_value",
        "_parentsolutionid_value", "pinpointassetid", "pinpointsolutionid", "templatesuffix", "upgradeinfo",
        "_createdonbehalfby_value", "updatedon", "solutiontype", "pinpointsolutiondefaultlocale",
    )  # fmt: skip
    row = (
        {"solutionid": one.id}
        | dict.fromkeys(nothing)
        | {
            "uniquename": one.unique_name,
            "friendlyname": one.friendly_name,
            "description": one.description or None,
            "version": one.version,
            "ismanaged": one.managed,
            "isvisible": one.visible,
            "isapimanaged": False,
            "solutionpackageversion": one.package_version,
            "installedon": moment(one.installed),
            "createdon": moment(one.installed),
            "modifiedon": moment(one.modified),
            "_publisherid_value": one.publisher.id,
            "_organizationid_value": organisation.state.id,
            "_createdby_value": one.by or None,
            "_modifiedby_value": one.by or None,
            "versionnumber": one.number,
            "publisherid": publisher_row(organisation, one),
        }
    )
    return _tag(row, one.number)


def _solutions(organisation: Organisation) -> Rows:
    return [solution_row(organisation, one) for one in organisation.state.solutions.values()]


def _publishers(organisation: Organisation) -> Rows:
    solutions = {one.publisher.id: one for one in organisation.state.solutions.values()}
    return [publisher_row(organisation, one) for one in solutions.values()]


def common(organisation: Organisation, component: Component) -> dict[str, Any]:
    """Return the columns that every component has."""
    live = component.live
    holder = component.layers[-1].solution if component.layers else ACTIVE
    solution = organisation.state.solution(holder)
    return {
        "ismanaged": component.managed,
        "solutionid": solution.id if solution else NO_ID,
        "componentstate": 0,
        "overwritetime": moment(component.layers[-1].overwritten) if component.managed else "1900-01-01T00:00:00Z",
        "createdon": live.get("createdon"),
        "modifiedon": live.get("modifiedon"),
        "_createdby_value": live.get("createdby"),
        "_modifiedby_value": live.get("modifiedby"),
        "_ownerid_value": live.get("ownerid"),
        "_owninguser_value": live.get("ownerid"),
        "versionnumber": live.get("number", 0),
        "iscustomizable": {
            "Value": True,
            "CanBeChanged": True,
            "ManagedPropertyLogicalName": "iscustomizableanddeletable",
        },
    }


def header_of(component: Component) -> ET.Element:
    """Return the element of what holds now."""
    return parse(component.part.header)


def file_ending(component: Component, *endings: str) -> bytes:
    """Return the first file with one of these endings; empty where there is none."""
    files = component.part.files
    return next((content for name, content in files.items() if name.lower().endswith(endings)), b"")


def _number(header: ET.Element, name: str, otherwise: int) -> int:
    text = text_of(header.find(name))
    return int(text) if text.isdigit() else otherwise


def workflow_row(organisation: Organisation, component: Component) -> dict[str, Any]:
    """Return a flow or another process."""
    header = header_of(component)
    state = int(component.live.get("statecode", 0))
    row = {
        "workflowid": component.id,
        "workflowidunique": stable_id(organisation.state.id, component.ref, "unique"),
        "name": header.get("Name", component.part.name),
        "uniquename": None,
        "description": header.get("Description") or None,
        "category": _number(header, "Category", 0),
        "type": _number(header, "Type", 1),
        "mode": _number(header, "Mode", 0),
        "scope": _number(header, "Scope", 4),
        "statecode": state,
        "statuscode": 2 if state == 1 else 1,
        "primaryentity": text_of(header.find("PrimaryEntity")) or "none",
        "introducedversion": text_of(header.find("IntroducedVersion")) or None,
        "clientdata": file_ending(component, ".json").decode("utf-8-sig") or None,
        "xaml": file_ending(component, ".xaml").decode("utf-8-sig", "replace") or None,
        **common(organisation, component),
    }
    return _tag(row, int(component.live.get("number", 0)))


def definition_columns(component: Component) -> dict[str, Any]:
    """Return what a package says about an environment variable."""
    root = parse(file_ending(component, "environmentvariabledefinition.xml") or "<none />")
    shown = root.find("displayname")
    described = root.find("description")
    return {
        "schemaname": root.get("schemaname", component.part.name),
        "displayname": shown.get("default", "") if shown is not None else "",
        "description": (described.get("default", "") if described is not None else "") or None,
        "type": _number(root, "type", 100000000),
        "defaultvalue": text_of(root.find("defaultvalue")) or None,
        "isrequired": text_of(root.find("isrequired")) == "1",
        "parameterkey": text_of(root.find("parameterkey")) or None,
        "apiid": text_of(root.find("apiid")) or None,
        "secretstore": _number(root, "secretstore", 0),
        "introducedversion": text_of(root.find("introducedversion")) or None,
        "valueschema": None,
        "hint": None,
    }


def value_row(organisation: Organisation, component: Component) -> dict[str, Any]:
    """Return the value that this environment gives to a variable."""
    definition = organisation.state.components.get(f"environmentvariabledefinition:{component.key}")
    row = {
        "environmentvariablevalueid": component.id,
        "schemaname": component.part.name,
        "value": value_in(file_ending(component, ".json")).get("value"),
        "_environmentvariabledefinitionid_value": definition.id if definition else None,
        "statecode": 0,
        "statuscode": 1,
        **common(organisation, component),
    }
    return _tag(row, int(component.live.get("number", 0)))


def definition_row(organisation: Organisation, component: Component) -> dict[str, Any]:
    """Return an environment variable, with its value to be expanded."""
    value = organisation.state.components.get(f"environmentvariablevalue:{component.key}")
    row = {
        "environmentvariabledefinitionid": component.id,
        **definition_columns(component),
        "_parentdefinitionid_value": None,
        "statecode": 0,
        "statuscode": 1,
        **common(organisation, component),
        "environmentvariabledefinition_environmentvariablevalue": [value_row(organisation, value)] if value else [],
    }
    return _tag(row, int(component.live.get("number", 0)))


def reference_row(organisation: Organisation, component: Component) -> dict[str, Any]:
    """Return a connection reference with the connection that it stands for here."""
    header = header_of(component)
    row = {
        "connectionreferenceid": component.id,
        "connectionreferencelogicalname": header.get("connectionreferencelogicalname", component.part.name),
        "connectionreferencedisplayname": text_of(header.find("connectionreferencedisplayname")) or None,
        "description": text_of(header.find("description")) or None,
        "connectorid": text_of(header.find("connectorid")) or None,
        "_customconnectorid_value": None,
        "connectionid": component.live.get("connectionid"),
        "promptingbehavior": _number(header, "promptingbehavior", 0),
        "statecode": 0,
        "statuscode": 1,
        **common(organisation, component),
    }
    return _tag(row, int(component.live.get("number", 0)))


def canvas_row(organisation: Organisation, component: Component) -> dict[str, Any]:
    """Return a canvas app."""
    header = header_of(component)
    row = {
        "canvasappid": component.id,
        "name": text_of(header.find("Name")),
        "displayname": text_of(header.find("DisplayName")) or None,
        "description": text_of(header.find("Description")) or None,
        "appversion": text_of(header.find("AppVersion")) or None,
        "lastpublishtime": text_of(header.find("AppVersion")) or None,
        "canvasapptype": _number(header, "CanvasAppType", 0),
        "status": "Ready",
        "connectionreferences": text_of(header.find("ConnectionReferences")) or None,
        "lastmodifiedtime": component.live.get("modifiedon"),
        **common(organisation, component),
    }
    return _tag(row, int(component.live.get("number", 0)))


def _plain(key: str, *columns: str) -> Callable[[Organisation, Component], dict[str, Any]]:
    def row(organisation: Organisation, component: Component) -> dict[str, Any]:
        named = dict.fromkeys(columns, component.part.name)
        found = {key: component.id, **named, "statecode": 0, "statuscode": 1, **common(organisation, component)}
        return _tag(found, int(component.live.get("number", 0)))

    return row


def _of(kind: str, row: Callable[[Organisation, Component], dict[str, Any]]) -> Callable[[Organisation], Rows]:
    return lambda organisation: [row(organisation, one) for one in organisation.state.of_kind(kind)]


def operation_row(organisation: Organisation, one: Operation) -> dict[str, Any]:
    """Return an asynchronous operation, with every column that the platform gives it."""
    took = (one.completed - one.started).total_seconds() if one.completed and one.started else 0.0
    unit = stable_id(organisation.state.id, "businessunit")
    return dict.fromkeys(_OPERATION_EMPTY) | {
        "asyncoperationid": one.id,
        "statecode": one.state,
        "statuscode": one.status,
        "timezoneruleversionnumber": 0,
        "createdon": moment(one.created),
        "startedon": moment(one.started),
        "completedon": moment(one.completed),
        "modifiedon": moment(one.completed or one.started or one.created),
        "depth": 1,
        "messagename": one.message,
        "name": one.message.removesuffix("Async"),
        "correlationid": stable_id(one.id, "correlation"),
        "correlationupdatedtime": moment(one.created),
        "expanderstarttime": moment(one.created),
        "parentpluginexecutionid": NO_ID,
        "iswaitingforevent": False,
        "hostid": "EMU001A1000001.MSCRMAsyncService" if one.started else None,
        "retainjobhistory": False,
        "operationtype": 54,
        "sequence": one.number,
        "retrycount": 0,
        "executiontimespan": took,
        "dependencytoken": f"SolutionOperation_{{{organisation.state.id}}}",
        "subtype": 1,
        "message": one.text,
        "friendlymessage": one.friendly,
        "errorcode": one.error,
        "_owningbusinessunit_value": unit,
        **dict.fromkeys(
            (
                "_ownerid_value", "_owninguser_value", "_createdby_value", "_modifiedby_value",
                "_createdonbehalfby_value", "_modifiedonbehalfby_value",
            ),
            one.by,
        ),
    }  # fmt: skip


def _operations(organisation: Organisation) -> Rows:
    return [operation_row(organisation, one) for one in organisation.state.operations.values()]


def _jobs(organisation: Organisation) -> Rows:
    return [
        {
            "importjobid": one.id,
            "solutionname": one.solution,
            "name": one.solution,
            "progress": round(one.progress, 2),
            "startedon": moment(one.started),
            "createdon": moment(one.started),
            "completedon": moment(one.completed),
            "modifiedon": moment(one.completed or one.started),
            "data": one.data or None,
            "importcontext": "Import",
            "operationcontext": None,
            "_createdby_value": one.by,
        }
        for one in organisation.state.jobs.values()
    ]


def _held(organisation: Organisation, solution: Solution) -> list[Component]:
    """Return what a solution holds; the default one holds everything, the active one what was edited in place."""
    every = organisation.state.components
    if solution.id == DEFAULT_ID:
        found = list(every.values())
    elif solution.id == ACTIVE_ID:
        found = [one for one in every.values() if one.active is not None]
    else:
        found = [every[ref] for ref in solution.members if ref in every]
    return [one for one in found if one.kind != "file"]


def _memberships(organisation: Organisation) -> Rows:
    rows: Rows = []
    for solution in organisation.state.solutions.values():
        for component in _held(organisation, solution):
            rows.append(
                {
                    "solutioncomponentid": stable_id(solution.id, component.ref),
                    "objectid": component.id,
                    "componenttype": type_of(component.kind, organisation.type_offset),
                    "rootcomponentbehavior": 0 if component.kind in {"entity", "workflow", "canvasapp"} else None,
                    "rootsolutioncomponentid": None,
                    "ismetadata": component.kind in {"entity", "optionset", "entityrelationship"},
                    "_solutionid_value": solution.id,
                    "createdon": moment(solution.installed),
                    "modifiedon": moment(solution.modified),
                }
            )
    return rows


def _histories(organisation: Organisation) -> Rows:
    return [dict(one) for one in organisation.state.histories]


def _kept(name: str) -> Callable[[Organisation], Rows]:
    """Return what was put beside the state: rows that nothing here makes by itself, such as runs of flows."""
    return lambda organisation: [dict(one) for one in organisation.state.extras.get(name, ())]


ENTITY_SETS: Mapping[str, EntitySet] = {
    "solutions": EntitySet("solution", "solutionid", _solutions, "friendlyname"),
    "publishers": EntitySet("publisher", "publisherid", _publishers, "friendlyname"),
    "solutioncomponents": EntitySet("solutioncomponent", "solutioncomponentid", _memberships, "objectid"),
    "workflows": EntitySet("workflow", "workflowid", _of("workflow", workflow_row)),
    "environmentvariabledefinitions": EntitySet(
        "environmentvariabledefinition",
        "environmentvariabledefinitionid",
        _of("environmentvariabledefinition", definition_row),
        "schemaname",
    ),
    "environmentvariablevalues": EntitySet(
        "environmentvariablevalue",
        "environmentvariablevalueid",
        _of("environmentvariablevalue", value_row),
        "schemaname",
    ),
    "connectionreferences": EntitySet(
        "connectionreference",
        "connectionreferenceid",
        _of("connectionreference", reference_row),
        "connectionreferencedisplayname",
    ),
    "canvasapps": EntitySet("canvasapp", "canvasappid", _of("canvasapp", canvas_row), "displayname"),
    "webresourceset": EntitySet(
        "webresource", "webresourceid", _of("webresource", _plain("webresourceid", "name", "displayname"))
    ),
    "bots": EntitySet("bot", "botid", _of("bots", _plain("botid", "name", "schemaname"))),
    "connectors": EntitySet("connector", "connectorid", _of("connector", _plain("connectorid", "name", "displayname"))),
    "appmodules": EntitySet("appmodule", "appmoduleid", _of("appmodule", _plain("appmoduleid", "name", "uniquename"))),
    "asyncoperations": EntitySet("asyncoperation", "asyncoperationid", _operations),
    "importjobs": EntitySet("importjob", "importjobid", _jobs, "solutionname"),
    "systemusers": EntitySet("systemuser", "systemuserid", people.users, "fullname"),
    "roles": EntitySet("role", "roleid", people.roles),
    "organizations": EntitySet("organization", "organizationid", people.organizations),
    "msdyn_solutionhistories": EntitySet("msdyn_solutionhistory", "msdyn_solutionhistoryid", _histories, "msdyn_name"),
    "flowruns": EntitySet("flowrun", "flowrunid", _kept("flowruns")),
    "teams": EntitySet("team", "teamid", _kept("teams")),
}
"""By the name in the address. Layers and summaries, which answer in ways of their own, are beside it."""


COMPONENTS: Mapping[str, tuple[str, Callable[[Organisation, Component], dict[str, Any]]]] = {
    "workflows": ("workflow", workflow_row),
    "environmentvariabledefinitions": ("environmentvariabledefinition", definition_row),
    "environmentvariablevalues": ("environmentvariablevalue", value_row),
    "connectionreferences": ("connectionreference", reference_row),
    "canvasapps": ("canvasapp", canvas_row),
}
"""Sets whose rows are components: one of them can be made without all the others."""


def row_with(organisation: Organisation, name: str, id_: str) -> dict[str, Any] | None:
    """Return the row of a set with an id; None where there is none."""
    if name in COMPONENTS:
        kind, row = COMPONENTS[name]
        component = organisation.state.by_id(kind, id_)
        return row(organisation, component) if component else None
    entity_set = ENTITY_SETS[name]
    return next((one for one in entity_set.rows(organisation) if str(one[entity_set.key]).lower() == id_), None)


def rows_of(organisation: Organisation, name: str) -> Rows:
    """Return all rows of a set."""
    return ENTITY_SETS[name].rows(organisation)
