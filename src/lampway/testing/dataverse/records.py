"""Rows that are created, changed and deleted through the Web API, and what comes of it."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape, quoteattr

from lampway.testing.dataverse.flows import turn_off, turn_on
from lampway.testing.dataverse.importing import set_value
from lampway.testing.dataverse.layering import edit, remove, touch
from lampway.testing.dataverse.operations import refuse_when_busy
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Part, Publisher, parse
from lampway.testing.dataverse.refusals import RefusedError, bad_request, no_resource, not_found
from lampway.testing.dataverse.removing import delete_component, uninstall
from lampway.testing.dataverse.state import Component, Solution, stable_id

_BOUND = re.compile(r"\(([0-9a-fA-F-]{36})\)")
Body = Mapping[str, Any]
Create = Callable[[Organisation, Body, str], str]
Update = Callable[[Organisation, str, Body, str], None]


def _bound(body: Body, *names: str) -> str:
    """Return the id that a row is bound to under one of these names."""
    for key, value in body.items():
        name, _, annotation = key.partition("@")
        if annotation == "odata.bind" and name.lower() in names:
            found = _BOUND.search(str(value))
            return found[1].lower() if found else ""
    return ""


def _new_solution(organisation: Organisation, body: Body, by: str) -> str:
    name = str(body.get("uniquename", ""))
    if not name or organisation.state.solution(name) is not None:
        raise RefusedError(400, "0x80048041", f"A solution with the unique name '{name}' exists already, or has none.")
    publishers = {one.publisher.id: one.publisher for one in organisation.state.solutions.values()}
    publisher = publishers.get(_bound(body, "publisherid"))
    if publisher is None:
        raise bad_request("Required field 'publisherid' is missing", "0x80040203")
    now = organisation.now()
    solution = Solution(
        id=str(body.get("solutionid") or organisation.ids()).lower(),
        unique_name=name,
        friendly_name=str(body.get("friendlyname", name)),
        version=str(body.get("version", "1.0.0.0")),
        managed=False,
        publisher=publisher,
        installed=now,
        modified=now,
        number=organisation.state.next_number(),
        by=by,
    )
    organisation.state.solutions[name.lower()] = solution
    return solution.id


def _change_solution(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    solution = next(one for one in organisation.state.solutions.values() if one.id == id_)
    if solution.managed and set(body) & {"version", "friendlyname", "description", "uniquename"}:
        raise RefusedError(403, "0x80048037", "Managed solutions cannot be changed.")
    solution.version = str(body.get("version", solution.version))
    solution.friendly_name = str(body.get("friendlyname", solution.friendly_name))
    solution.description = str(body.get("description", solution.description) or "")
    solution.modified, solution.number, solution.by = organisation.now(), organisation.state.next_number(), by


def _delete_solution(organisation: Organisation, id_: str, by: str) -> None:
    refuse_when_busy(organisation, "Uninstall")
    solution = next(one for one in organisation.state.solutions.values() if one.id == id_)
    uninstall(organisation, solution.unique_name, by)


def _new_publisher(organisation: Organisation, body: Body, by: str) -> str:
    """A publisher is known by what it publishes: make an invisible solution of it, so that it can be named."""
    name = str(body.get("uniquename", ""))
    id_, now = stable_id(organisation.state.id, "publisher", name), organisation.now()
    publisher = Publisher(
        name, str(body.get("friendlyname", name)), str(body.get("customizationprefix", "")),
        int(body.get("customizationoptionvalueprefix", 10000)), id_,
    )  # fmt: skip
    holder = f"_publisher_{name}"
    organisation.state.solutions[holder.lower()] = Solution(
        id=stable_id(organisation.state.id, holder), unique_name=holder, friendly_name=holder, version="1.0",
        managed=False, publisher=publisher, installed=now, modified=now, visible=False, by=by,
    )  # fmt: skip
    return id_


def component_with(organisation: Organisation, kind: str, id_: str) -> Component:
    """Return a component that must be there. Raises RefusedError."""
    found = organisation.state.by_id(kind, id_)
    if found is None:
        raise not_found(kind, id_)
    return found


def flow_part(name: str, id_: str, clientdata: str, *, category: int = 5, on: bool = False) -> Part:
    """Return a flow as a package would hold it."""
    file = f"Workflows/{''.join(filter(str.isalnum, name))}-{id_.upper()}.json"
    header = (
        f"<Workflow WorkflowId={quoteattr('{' + id_ + '}')} Name={quoteattr(name)}><JsonFileName>/{file}</JsonFileName>"
        f"<Type>1</Type><Subprocess>0</Subprocess><Category>{category}</Category><Mode>0</Mode><Scope>4</Scope>"
        f"<StateCode>{int(on)}</StateCode><StatusCode>{int(on) + 1}</StatusCode>"
        "<IntroducedVersion>1.0</IntroducedVersion>"
        f"<PrimaryEntity>none</PrimaryEntity></Workflow>"
    )
    return Part("workflow", id_, name, id_, "Workflows", header, {file: clientdata.encode()})


def _new_workflow(organisation: Organisation, body: Body, by: str) -> str:
    id_ = str(body.get("workflowid") or organisation.ids()).lower()
    part = flow_part(
        str(body.get("name", "")), id_, str(body.get("clientdata", "{}")), category=int(body.get("category", 5))
    )
    return edit(organisation, part, by, solution=str(body.get("_solution", ""))).id


def _change_workflow(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    component = component_with(organisation, "workflow", id_)
    if "clientdata" in body or "name" in body or "description" in body:
        edit(organisation, _edited_flow(component, body), by)
    owner = _bound(body, "ownerid")
    if owner:
        component.live["ownerid"] = owner
        touch(organisation, component, by)
    if "statecode" in body:
        (turn_on if int(body["statecode"]) == 1 else turn_off)(organisation, component, by)


def _edited_flow(component: Component, body: Body) -> Part:
    part = component.part
    header = parse(part.header)
    if "name" in body:
        header.set("Name", str(body["name"]))
    if "description" in body:
        header.set("Description", str(body["description"] or ""))
    files = dict(part.files)
    if "clientdata" in body:
        file = next((name for name in files if name.lower().endswith(".json")), f"Workflows/{component.id}.json")
        files[file] = str(body["clientdata"]).encode()
    name = str(body.get("name", part.name))
    return Part("workflow", part.key, name, part.id, part.section, ET.tostring(header, encoding="unicode"), files)


def _new_value(organisation: Organisation, body: Body, by: str) -> str:
    id_ = _bound(body, "environmentvariabledefinitionid")
    definition = component_with(organisation, "environmentvariabledefinition", id_)
    there = organisation.state.components.get(f"environmentvariablevalue:{definition.key}")
    if there is not None:
        raise RefusedError(412, "0x80040237", "A record with matching key values already exists.")
    made = set_value(
        organisation, definition.part.name, body.get("value"), by, id_=str(body.get("environmentvariablevalueid", ""))
    )
    if made is None:
        raise not_found("environmentvariabledefinition", id_)
    return made.id


def _change_value(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    component = component_with(organisation, "environmentvariablevalue", id_)
    if "value" in body:
        set_value(organisation, component.part.name, body["value"], by, id_=component.id)


def definition_part(schema: str, *, shown: str = "", type_: int = 100000000, default: str | None = None) -> Part:
    """Return an environment variable as a package would hold it."""
    root = ET.Element("environmentvariabledefinition", {"schemaname": schema})
    if default is not None:
        ET.SubElement(root, "defaultvalue").text = default
    ET.SubElement(root, "displayname", {"default": shown or schema})
    for name, text in (("introducedversion", "1.0.0.0"), ("isrequired", "0"), ("type", str(type_))):
        ET.SubElement(root, name).text = text
    file = f"environmentvariabledefinitions/{schema}/environmentvariabledefinition.xml"
    return Part("environmentvariabledefinition", schema.lower(), schema, files={file: ET.tostring(root)})


def _new_definition(organisation: Organisation, body: Body, by: str) -> str:
    part = definition_part(
        str(body.get("schemaname", "")),
        shown=str(body.get("displayname", "")),
        type_=int(body.get("type", 100000000)),
        default=body.get("defaultvalue"),
    )
    part.id = str(body.get("environmentvariabledefinitionid", "")).lower()
    if part.ref in organisation.state.components:
        raise RefusedError(412, "0x80040237", "A record with matching key values already exists.")
    return edit(organisation, part, by, solution=str(body.get("_solution", ""))).id


def _change_definition(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    component = component_with(organisation, "environmentvariabledefinition", id_)
    part = component.part
    file = next(iter(part.files))
    root = parse(part.files[file])
    if "displayname" in body:
        found = root.find("displayname")
        (found if found is not None else ET.SubElement(root, "displayname")).set("default", str(body["displayname"]))
    if "defaultvalue" in body:
        found = root.find("defaultvalue")
        (found if found is not None else ET.SubElement(root, "defaultvalue")).text = str(body["defaultvalue"])
    edit(organisation, Part(part.kind, part.key, part.name, part.id, files={file: ET.tostring(root)}), by)


def reference_part(name: str, connector: str, *, shown: str = "") -> Part:
    """Return a connection reference as a package would hold it."""
    header = (
        f"<connectionreference connectionreferencelogicalname={quoteattr(name)}>"
        f"<connectionreferencedisplayname>{shown or name}</connectionreferencedisplayname>"
        f"<connectorid>{connector}</connectorid><iscustomizable>1</iscustomizable><statecode>0</statecode>"
        "<statuscode>1</statuscode></connectionreference>"
    )
    return Part("connectionreference", name.lower(), shown or name, "", "connectionreferences", header)


def canvas_part(name: str, *, saved: str) -> Part:
    """Return a canvas app as a package would hold it, with nothing on its screens."""
    key = f"new_{''.join(filter(str.isalnum, name)).lower()}_{stable_id(name)[:5]}"
    header = (
        f"<CanvasApp><Name>{key}</Name><AppVersion>{saved}</AppVersion><Status>Ready</Status>"
        f"<DisplayName>{escape(name)}</DisplayName><ConnectionReferences>{{}}</ConnectionReferences>"
        f"<DocumentUri>/CanvasApps/{key}_DocumentUri.msapp</DocumentUri></CanvasApp>"
    )
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("Header.json", json.dumps({"DocVersion": "1.340", "LastSavedDateTimeUTC": saved}))
        archive.writestr("Properties.json", json.dumps({"Name": name}))
    file = f"CanvasApps/{key}_DocumentUri.msapp"
    return Part("canvasapp", key, name, "", "CanvasApps", header, {file: content.getvalue()})


def _new_reference(organisation: Organisation, body: Body, by: str) -> str:
    part = reference_part(
        str(body.get("connectionreferencelogicalname", "")),
        str(body.get("connectorid", "")),
        shown=str(body.get("connectionreferencedisplayname") or ""),
    )
    part.id = str(body.get("connectionreferenceid", "")).lower()
    if part.ref in organisation.state.components:
        raise RefusedError(412, "0x80040237", "A record with matching key values already exists.")
    component = edit(organisation, part, by, solution=str(body.get("_solution", "")))
    component.live["connectionid"] = body.get("connectionid")
    return component.id


def _change_reference(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    component = component_with(organisation, "connectionreference", id_)
    if "connectionid" in body:
        component.live["connectionid"] = body["connectionid"]
    if "connectionreferencedisplayname" in body:
        header = parse(component.part.header)
        found = header.find("connectionreferencedisplayname")
        if found is not None:
            found.text = str(body["connectionreferencedisplayname"])
        part = component.part
        text = ET.tostring(header, encoding="unicode")
        edit(
            organisation,
            Part(part.kind, part.key, str(body["connectionreferencedisplayname"]), "", part.section, text),
            by,
        )
    touch(organisation, component, by)


def _change_organization(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    del id_, by
    if "orgdborgsettings" in body:
        for element in parse(str(body["orgdborgsettings"])):
            text = (element.text or "").strip()
            organisation.state.settings[element.tag] = text == "true" if text in {"true", "false"} else text


def _change_operation(organisation: Organisation, id_: str, body: Body, by: str) -> None:
    """An operation that waits can be cancelled."""
    del by
    operation = organisation.state.operations[id_]
    if int(body.get("statecode", 0)) == 3 and operation.state != 3:
        operation.state, operation.status = 3, 32
        operation.completed = organisation.now()


def _delete_value(organisation: Organisation, id_: str, by: str) -> None:
    del by
    remove(organisation, component_with(organisation, "environmentvariablevalue", id_))


def _deleting(kind: str) -> Callable[[Organisation, str, str], None]:
    def delete(organisation: Organisation, id_: str, by: str) -> None:
        del by
        delete_component(organisation, component_with(organisation, kind, id_))

    return delete


CREATE: Mapping[str, Create] = {
    "solutions": _new_solution,
    "publishers": _new_publisher,
    "workflows": _new_workflow,
    "environmentvariablevalues": _new_value,
    "environmentvariabledefinitions": _new_definition,
    "connectionreferences": _new_reference,
}
UPDATE: Mapping[str, Update] = {
    "solutions": _change_solution,
    "workflows": _change_workflow,
    "environmentvariablevalues": _change_value,
    "environmentvariabledefinitions": _change_definition,
    "connectionreferences": _change_reference,
    "organizations": _change_organization,
    "asyncoperations": _change_operation,
}
DELETE: Mapping[str, Callable[[Organisation, str, str], None]] = {
    "solutions": _delete_solution,
    "environmentvariablevalues": _delete_value,
    "workflows": _deleting("workflow"),
    "canvasapps": _deleting("canvasapp"),
    "connectionreferences": _deleting("connectionreference"),
    "environmentvariabledefinitions": _deleting("environmentvariabledefinition"),
}


def read_body(text: bytes) -> dict[str, Any]:
    """Return the JSON of a request. Raises RefusedError."""
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise bad_request("Error identified in Payload provided by the user: it is no JSON.") from error
    if not isinstance(found, dict):
        raise bad_request("Error identified in Payload provided by the user: an object is expected.", "0x80048d19")
    return found


def known_set(name: str, sets: Mapping[str, Any]) -> Any:
    """Return what is done with a set of rows. Raises RefusedError where that cannot be."""
    if name not in sets:
        raise no_resource(name)
    return sets[name]
