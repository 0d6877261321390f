"""Trees in the YAML layout, made of packages as the layout is documented: for tests, where no tenant writes any."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.manifest import bare_id
from lampway.platforms.powerplatform.xmltext import Element, parse_xml, text_of

_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_PLAIN = re.compile(r"[A-Za-z0-9/][A-Za-z0-9/._ -]*[A-Za-z0-9]|[A-Za-z0-9]")
_FOLDERS = {
    "Workflows": ("modernflows", "workflow"), "WebResources": ("webresources", "webresource"),
    "CanvasApps": ("canvasapps", "canvasapp"), "Connectors": ("connectors", "connector"), "Roles": ("roles", "role"),
    "optionsets": ("optionsets", "optionset"), "AppModules": ("appmodules", "appmodule"),
    "AppModuleSiteMaps": ("appmodulesitemaps", "appmodulesitemap"),
    "SolutionPluginAssemblies": ("pluginassemblies", "pluginassembly"),
    "SdkMessageProcessingSteps": ("sdkmessageprocessingsteps", "sdkmessageprocessingstep"),
    "EntityRelationships": ("entityrelationships", "entityrelationship"),
    "connectionreferences": ("connectionreferences", "connectionreference"),
    "FieldSecurityProfiles": ("fieldsecurityprofiles", "fieldsecurityprofile"),
}  # fmt: skip


def yaml_tree(package: bytes) -> dict[str, bytes]:
    """Return what Git integration would commit of a solution."""
    return _Tree(package).files


def written(node: Any, indent: int = 0) -> str:
    """Return YAML as Git integration writes it: block style, quotes only where they are needed."""
    pad, lines = "  " * indent, []
    for key, held in node.items():
        name = f"'{key}'" if key.startswith(("@", "#")) else key
        items = held if isinstance(held, list) else [held]
        if not isinstance(held, list):
            lines.append(f"{pad}{name}: {_value(held, indent)}")
            continue
        lines.append(f"{pad}{name}:")
        for item in items:
            text = written(item, indent + 1) if isinstance(item, dict) and item else f"{pad}  {_value(item, indent)}\n"
            lines.append(f"{pad}- {text.removeprefix(pad + '  ').rstrip()}")
    return "\n".join(lines) + "\n"


def _value(held: Any, indent: int) -> str:
    if isinstance(held, dict):
        return "\n" + written(held, indent + 1).rstrip("\n") if held else ""
    if not held:
        return "" if held is None else "''"
    is_plain = _PLAIN.fullmatch(held) and held.lower() not in {"null", "~"} and ": " not in held and " #" not in held
    return held if is_plain else json.dumps(held, ensure_ascii=False)


def node_of(element: Element) -> Any:
    """Return what is in an element: attributes with `@`, children by their names, or its text."""
    found: dict[str, Any] = {f"@{name.replace(_XSI, 'xsi:')}": value for name, value in element.attrib.items()}
    if any(name.startswith("@xsi:") for name in found):
        found["@xmlns:xsi"] = _XSI[1:-1]
    for child in element:
        held = node_of(child)
        if child.tag not in found:
            found[child.tag] = held
        else:
            there = found[child.tag]
            found[child.tag] = [*there, held] if isinstance(there, list) else [there, held]
    text = element.text if element.text and element.text.strip() else ""
    if not found:
        return text or None
    return {**found, "#text": text} if text else found


class _Tree:
    def __init__(self, package: bytes) -> None:
        contents = read_package(package)
        self.files: dict[str, bytes] = {}
        self.paths: list[str] = []
        self.archive, self.moved = contents.archive, dict[str, str]()
        for section in contents.customizations:
            for number, element in enumerate(section):
                self._component(section.tag, element, number)
        for name in self.archive.names:
            if name.lower() not in {"solution.xml", "customizations.xml", "[content_types].xml"}:
                self._file(name)
        self._solution(parse_xml(self.archive.read(self.archive.find("solution.xml")), where=""))

    def _yml(self, path: str, element: Element) -> None:
        self.files[path] = written({element.tag: node_of(element)}).encode()

    def _component(self, section: str, element: Element, number: int) -> None:
        if section == "Entities":
            self._table(element)
        elif section == "RibbonDiffXml" or section == "Languages":
            assert section == "Languages", "the ribbon of the application is in none of the packages"
        else:
            folder, file = _FOLDERS.get(section, (section.lower(), element.tag.lower()))
            home = f"{folder}/{_key(element) or number}"
            for below in element.iter():
                member = self.archive.find((below.text or "").strip().lstrip("/")) if not len(below) else ""
                if member and below.text and below.text.startswith("/"):
                    self.moved[member] = f"{home}/{member.rpartition('/')[2]}"
                    below.text = f"/{self.moved[member]}"
            self._yml(f"{home}/{file}.yml", element)
            self.paths.append(home)

    def _table(self, table: Element) -> None:
        home = f"entities/{text_of(table, 'Name').lower()}"
        columns = table.find("EntityInfo/entity/attributes")
        for column in list(columns) if columns is not None else ():
            columns.remove(column)
            self._yml(f"{home}/attributes/{text_of(column, 'LogicalName') or text_of(column, 'Name')}.yml", column)
        for forms in table.findall("FormXml/forms"):
            for form in forms.findall("systemform"):
                forms.remove(form)
                key = bare_id(text_of(form, "formid"))
                self._yml(f"{home}/formxml/{forms.get('type')}/{key}/systemform.yml", form)
        for views in table.findall("SavedQueries/savedqueries"):
            for view in views.findall("savedquery"):
                views.remove(view)
                self._yml(f"{home}/savedqueries/{bare_id(text_of(view, 'savedqueryid'))}/savedquery.yml", view)
        ribbon = table.find("RibbonDiffXml")
        if ribbon is not None:
            self._yml(f"{home}/ribbondiffs/ribbondiff.yml", ribbon)
            ribbon.clear()
        self._yml(f"{home}/entity.yml", table)
        self.paths.append(home)

    def _file(self, name: str) -> None:
        path = self.moved.get(name, name)
        if path == name:
            folder, _, rest = name.partition("/")
            path = f"{folder.lower()}/{rest}"
            self.paths.append(path if rest.count("/") == 0 else f"{folder.lower()}/{rest.partition('/')[0]}")
        path = path.replace("environmentvariablevalues.json", "environment_variable_values.json")
        self.files[path] = self.archive.read(name, limit=10**9)

    def _solution(self, root: Element) -> None:
        stated = root.find("SolutionManifest")
        name, publisher = text_of(stated, "UniqueName"), stated.find("Publisher")
        who = text_of(publisher, "UniqueName")
        folder = f"solutions/{name}"
        self._yml(f"publishers/{who}/publisher.yml", publisher)
        for child in list(publisher):
            if child.tag != "UniqueName":
                publisher.remove(child)
        for tag, file in (("RootComponents", "rootcomponents"), ("MissingDependencies", "missingdependencies")):
            held = stated.find(tag)
            if len(held) or tag == "RootComponents":
                self._yml(f"{folder}/{file}.yml", held)
            stated.remove(held)
        self._yml(f"{folder}/solution.yml", root)
        listed = sorted({*self.paths, f"publishers/{who}"})
        self.files[f"{folder}/solutioncomponents.yml"] = components(*listed)


def components(*paths: str) -> bytes:
    """Return a `solutioncomponents.yml` that lists these paths."""
    listed = [{"@path": f"/{path}"} for path in paths]
    return written({"SolutionComponents": {"Component": listed[0] if len(listed) == 1 else listed}}).encode()


def together(*trees: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return several solutions under one root."""
    return {path: data for tree in trees for path, data in tree.items()}


def _key(element: Element) -> str:
    """Return what a component's folder is called: its id, or its name."""
    for name in ("WorkflowId", "id", "PluginAssemblyId", "SdkMessageProcessingStepId", "Name"):
        if element.get(name):
            return bare_id(element.get(name, ""))
    found = element.get("connectionreferencelogicalname") or text_of(element, "WebResourceId")
    names = ("Name", "name", "UniqueName", "SiteMapUniqueName")
    return bare_id(found or next((text_of(element, one) for one in names if text_of(element, one)), ""))
