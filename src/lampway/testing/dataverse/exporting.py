"""Solutions that leave an environment for makers, in both forms."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from lampway.testing.dataverse.flows import in_force
from lampway.testing.dataverse.kinds import KINDS
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Part, parse, text_of, write_package
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.state import Component, Solution

_HINT = re.compile(r'("workflowName"\s*:\s*\{\s*"value"\s*:\s*")[^"]*(")')
_BLANK = (
    "<ImportExportXml><Entities/><Roles/><Workflows/><FieldSecurityProfiles/><Templates/><EntityMaps/>"
    "<EntityRelationships/><OrganizationSettings/><optionsets/><CustomControls/><EntityDataProviders/>"
    "<Languages><Language>1033</Language></Languages></ImportExportXml>"
)


def export_solution(organisation: Organisation, name: str, *, managed: bool) -> bytes:
    """Return the package of a solution as it is now. Raises RefusedError."""
    solution = organisation.state.solution(name)
    if solution is None:
        raise RefusedError(404, "0x80040217", f"Solution with unique name '{name}' does not exist.")
    if solution.managed:
        raise RefusedError(400, "0x80048037", "Managed solutions cannot be exported.")
    found = [organisation.state.components[ref] for ref in solution.members]
    parts = [_leaving(organisation, one, managed=managed) for one in found]
    return write_package(
        manifest=_manifest(organisation, solution, found, managed=managed),
        skeleton=solution.skeleton or _BLANK,
        parts=parts,
    )


def _leaving(organisation: Organisation, component: Component, *, managed: bool) -> Part:
    part = component.part
    header, files = part.header, dict(part.files)
    if part.kind == "workflow":
        header = _with_state(header, int(component.live.get("statecode", 0)))
        files = {name: _with_values(organisation, name, content) for name, content in files.items()}
    if part.kind == "entity" and managed:
        header = _without_repeated_labels(header)
    if part.kind == "canvasapp" and "workflowName" in header:
        fresh = organisation.ids()  # new with every export, as the platform's is
        header = _HINT.sub(lambda found: found[1] + fresh + found[2], header)
    return Part(part.kind, part.key, part.name, part.id, part.section, header, files)


def _without_repeated_labels(header: str) -> str:
    """Return a table as managed packages have it: labels on forms that only repeat the name of a column are blank."""
    element = parse(header)
    names = {
        text_of(column.find("LogicalName")): {one.get("description") for one in column.iter("displayname")}
        for column in element.iter("attribute")
    }
    for cell in element.iter("cell"):
        control = cell.find("control")
        known = names.get(control.get("datafieldname", ""), set()) if control is not None else set()
        for label in cell.iter("label"):
            if label.get("description") in known:
                label.set("description", "")
    return ET.tostring(element, encoding="unicode")


def _with_state(header: str, state: int) -> str:
    element = parse(header)
    for name, value in (("StateCode", state), ("StatusCode", 2 if state else 1)):
        found = element.find(name)
        if found is not None:
            found.text = str(value)
    return ET.tostring(element, encoding="unicode")


def _with_values(organisation: Organisation, name: str, content: bytes) -> bytes:
    """Return a flow with the values in force as defaults of its parameters: the platform pushes them into flows."""
    if not name.lower().endswith(".json") or b"schemaName" not in content:
        return content
    whole = json.loads(content.decode("utf-8-sig"))
    parameters = whole.get("properties", {}).get("definition", {}).get("parameters", {})
    changed = False
    for one in parameters.values():
        schema = (one.get("metadata") or {}).get("schemaName")
        value = in_force(organisation, str(schema)) if schema else None
        if value is not None and one.get("type") == "String" and one.get("defaultValue") != value:
            one["defaultValue"], changed = value, True
    return json.dumps(whole, indent=2, ensure_ascii=False).encode() if changed else content


def _manifest(organisation: Organisation, solution: Solution, found: Iterable[Component], *, managed: bool) -> str:
    root = parse(solution.manifest) if solution.manifest else _new_manifest(solution)
    manifest = root.find("SolutionManifest")
    if manifest is None:
        raise RefusedError(500, "0x80040216", "the solution has no manifest")
    for name, value in (("Version", solution.version), ("Managed", str(int(managed)))):
        element = manifest.find(name)
        if element is not None:
            element.text = value
    roots = manifest.find("RootComponents")
    if roots is not None:
        _bring_roots_up_to_date(organisation, roots, list(found))
    return ET.tostring(root, encoding="unicode")


def _bring_roots_up_to_date(organisation: Organisation, roots: ET.Element, found: list[Component]) -> None:
    """List what makers added, and drop what they took away; what was listed stays as it was written."""
    del organisation
    known = {(str(KINDS[one.kind].type), word) for one in found if one.kind in KINDS for word in (one.id, one.key)}
    listed = set()
    tracked = {str(kind.type) for kind in KINDS.values()} - {"2", "381"}
    for element in list(roots):
        names = {(element.get(k) or "").strip("{}").lower() for k in ("id", "schemaName")} - {""}
        type_ = element.get("type", "")
        hit = {name for name in names if (type_, name) in known or (type_ == "61" and _is_named(found, name))}
        if type_ in tracked and not hit and type_ in {"29", "300", "1", "20"}:
            roots.remove(element)
        listed |= {(type_, name) for name in names}
    for one in found:
        kind = KINDS.get(one.kind)
        if kind is None or one.kind not in {"workflow", "canvasapp", "entity", "role"}:
            continue
        words = {(str(kind.type), one.id), (str(kind.type), one.key)}
        if not words & listed:
            by = {"id": f"{{{one.id}}}"} if one.kind in {"workflow", "role"} else {"schemaName": one.key}
            ET.SubElement(roots, "RootComponent", {"type": str(kind.type), **by, "behavior": "0"})


def _is_named(found: Iterable[Component], name: str) -> bool:
    return any(one.part.name.lower() == name for one in found)


def _new_manifest(solution: Solution) -> ET.Element:
    root = ET.Element(
        "ImportExportXml", {"version": "9.2.0.0", "SolutionPackageVersion": "9.2", "languagecode": "1033"}
    )
    manifest = ET.SubElement(root, "SolutionManifest")
    ET.SubElement(manifest, "UniqueName").text = solution.unique_name
    names = ET.SubElement(manifest, "LocalizedNames")
    ET.SubElement(names, "LocalizedName", {"description": solution.friendly_name, "languagecode": "1033"})
    ET.SubElement(manifest, "Descriptions")
    ET.SubElement(manifest, "Version")
    ET.SubElement(manifest, "Managed")
    publisher = ET.SubElement(manifest, "Publisher")
    ET.SubElement(publisher, "UniqueName").text = solution.publisher.unique_name
    shown = ET.SubElement(publisher, "LocalizedNames")
    ET.SubElement(shown, "LocalizedName", {"description": solution.publisher.friendly_name, "languagecode": "1033"})
    ET.SubElement(publisher, "CustomizationPrefix").text = solution.publisher.prefix
    ET.SubElement(publisher, "CustomizationOptionValuePrefix").text = str(solution.publisher.option_prefix)
    ET.SubElement(manifest, "RootComponents")
    ET.SubElement(manifest, "MissingDependencies")
    return root
