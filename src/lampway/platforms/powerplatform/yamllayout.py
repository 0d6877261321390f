"""The YAML source layout that Git integration commits: one solution of such a tree, as a tree in the classic layout.

After <https://learn.microsoft.com/en-us/power-platform/alm/solution-source-control-yaml-format> (7 April 2026), which
describes the folders and the four manifest files and shows little of what is in them. How files look was seen in a
public repository that Git integration wrote (github.com/Be-Jones/CopilotScripts: a flow and a connection reference): a
folder and a file per component, whose root is the element of `customizations.xml`; paths begin with `/`, where the
document shows a list of `Path`. Both are read. That the packer puts laid-out canvas apps together again is reported by
others (github.com/tbalt88/DVerse, with pac 2.10.1). The platform's own packer was not at hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.layout import (
    CUSTOMIZATIONS,
    HOMES,
    SECTIONS,
    SOLUTION,
    relationship_table,
    safe,
)
from lampway.platforms.powerplatform.manifest import bare_id
from lampway.platforms.powerplatform.xmltext import Element, parse_xml, text_of, write_xml
from lampway.platforms.powerplatform.yamllists import (
    NO_COMPONENTS,
    ComponentList,
    chosen,
    listed_in,
    refuse_strangers,
    required,
    solutions_in,
)
from lampway.platforms.powerplatform.yamltext import element_of, parse_yaml, read_element

_ALWAYS = (
    "Entities", "Roles", "Workflows", "FieldSecurityProfiles", "Templates", "EntityMaps", "EntityRelationships",
    "OrganizationSettings", "optionsets", "CustomControls", "EntityDataProviders",
)  # fmt: skip
"""Sections that every package has."""
_HELD_TOGETHER: Mapping[str, str] = {
    "connectionreference": "connectionreferences", "FieldSecurityProfile": "FieldSecurityProfiles",
    "Template": "Templates", "EntityMap": "EntityMaps", "CustomControl": "CustomControls",
    "EntityDataProvider": "EntityDataProviders", "AIModel": "AIModels", "EntityImageConfig": "EntityImageConfigs",
    "AttributeImageConfig": "AttributeImageConfigs",
}  # fmt: skip
"""Elements that have no file of their own in the classic layout, and their sections."""
_HOMES = {home.tag: home for home in HOMES}
_FLAT: Mapping[str, str] = {
    "modernflows": "Workflows", "workflows": "Workflows", "canvasapps": "CanvasApps", "webresources": "WebResources",
    "connectors": "Connector", "connector": "Connector",
}  # fmt: skip
"""Folders with one folder per component, whose files lie side by side in a package."""
_SPELLED = {"pluginassemblies": "PluginAssemblies", "formulas": "Formulas", "assets": "Assets", "controls": "Controls"}
_RENAMED = {"environment_variable_values.json": "environmentvariablevalues.json"}
_SHOWN_ONLY = (".pa.yaml", ".msapr")
"""What Git integration writes beside a canvas app so that people can read it; the app itself is the `.msapp`."""
_MANIFEST_LISTS = (
    ("RootComponents", "RootComponent", "rootcomponents.yml"),
    ("MissingDependencies", "MissingDependency", "missingdependencies.yml"),
)
"""What of the manifest is in a file of its own: the element, what it holds, and the file."""


@dataclass(slots=True)
class Converted:
    """A solution of a tree in the YAML layout, as a tree in the classic layout."""

    files: dict[str, bytes]
    missing: list[str]
    """What its lists or its components name and the tree does not hold, in words."""
    folder: str
    """Where its lists are."""


def convert(files: Mapping[str, bytes], solution: str = "") -> Converted:
    """Return one solution of the tree in the classic layout; `solution` may be left out where there is only one.

    Raises InvalidPackageError for a tree with several where none is named, for files below the components that no
    solution lists, and for whatever cannot be read. What is merely missing is told, so that all of it can be.
    """
    known = solutions_in(files)
    name = chosen(known, solution)
    lists = {one: listed_in(files, one) for one in known}
    refuse_strangers(files, lists)
    return _Conversion(files, f"solutions/{name}", lists[name]).run()


@dataclass(slots=True)
class _Table:
    """A table, whose parts lie in files of their own."""

    element: Element | None = None
    columns: list[Element] = field(default_factory=list)
    files: list[tuple[str, Element]] = field(default_factory=list)
    """Forms, views and ribbon: where below the table they lie."""


class _Conversion:
    """Puts the files of one solution where the classic layout has them."""

    def __init__(self, files: Mapping[str, bytes], folder: str, listed: ComponentList) -> None:
        self.files, self.folder = files, folder
        self.mine = sorted(file for file in files if listed.covers(file) and not _is_publisher(file))
        self.made: dict[str, bytes] = {}
        self.taken: set[str] = set()
        self.missing = [f"{path} is listed in {folder}/solutioncomponents.yml" for path in listed.missing(files)]
        self.tables: dict[str, _Table] = {}
        self.relationships: dict[str, list[Element]] = {}
        self.sections: dict[str, list[Element]] = {}
        self.found = {file.casefold(): file for file in self.mine}
        heads = (file.removesuffix("/header.json") for file in self.found if file.endswith("/header.json"))
        self.apps = {app for app in heads if app.startswith("canvasapps/") and f"{app}.msapp" not in self.found}
        """Canvas apps that are laid out: folders that are called like the file they become."""

    def run(self) -> Converted:
        """Return the tree."""
        manifest = self._manifest()
        for file in self.mine:
            self._take(file)
        for name, table in self.tables.items():
            self._put_table(name, table)
        for name, relationships in self.relationships.items():
            group = ET.Element("EntityRelationships")
            group.extend(relationships)
            self._put(f"Other/Relationships/{name}.xml", write_xml(group))
        self._put(CUSTOMIZATIONS, write_xml(self._customizations(manifest.get("languagecode", "1033"))))
        self._put(SOLUTION, write_xml(manifest))
        return Converted(self.made, self.missing, self.folder)

    def _put(self, path: str, data: bytes) -> None:
        if path.casefold() in self.taken:
            hint = "rename one of the two components, and commit again"
            raise InvalidPackageError("two components would be in one file", where=path, hint=hint)
        self.taken.add(path.casefold())
        self.made[path] = data

    def _take(self, file: str) -> None:
        lowered, data = file.lower(), self.files[file]
        if lowered.endswith(".yml"):
            self._place(read_element(data, where=file), file)
        elif lowered.startswith("entities/"):
            self._take_beside_table(file, data)
        elif lowered.endswith(".xml") and (root := parse_xml(data, where=file)).tag in {*_HOMES, *_HELD_TOGETHER}:
            self._place(root, file)
        elif app := next((app for app in self.apps if lowered.startswith(f"{app}/")), ""):
            self._put(f"{_member(file[: len(app)])}.msapp/{file[len(app) + 1 :]}", data)
        elif not (lowered.startswith("canvasapps/") and lowered.endswith(_SHOWN_ONLY)):
            self._put(_in_source(_member(file)), data)

    def _take_beside_table(self, file: str, data: bytes) -> None:
        """Put what lies in the folder of a table and is no YAML: formulas, and parts that are still XML."""
        base = file.rpartition("/")[2]
        if base.lower().endswith(".xml"):
            self._place(parse_xml(data, where=file), file)
        elif "/formulas/" in file.lower():
            self._put(f"Formulas/{base}", data)
        else:
            hint = "take it off the list, or out of the tree"
            raise InvalidPackageError("the file belongs to no component", where=file, hint=hint)

    def _place(self, element: Element, file: str) -> None:
        """Put an element where it belongs: into a file, a section, its table, or beside its record."""
        folder, _, rest = file.partition("/")
        if folder.casefold() == "entities":
            self._take_table(element, rest, file)
        elif element.tag in SECTIONS:
            for held in element:
                self._place(held, file)
        elif home := _HOMES.get(element.tag):
            self._refer(element, file)
            self._put(self._free(home.path(element)), write_xml(element))
        elif element.tag == "EntityRelationship":
            self.relationships.setdefault(relationship_table(element), []).append(element)
        elif element.tag in _HELD_TOGETHER or element.tag == "RibbonDiffXml":
            self._refer(element, file)
            self.sections.setdefault(_HELD_TOGETHER.get(element.tag, element.tag), []).append(element)
        elif rest.count("/"):
            self._put(_in_source(_member(file))[: -len("yml")] + "xml", write_xml(element))
        else:
            hint = "report it with a tree that shows it"
            raise InvalidPackageError(f"nobody knows where {element.tag[:40]} belongs", where=file, hint=hint)

    def _free(self, path: str) -> str:
        """Return a path that is not taken yet: components may be called alike."""
        stem, dot, ending = path.rpartition("/")[2].partition(".")
        folder, count, free = path[: len(path) - len(stem) - len(dot) - len(ending)], 1, path
        while free.casefold() in self.taken:
            count += 1
            free = f"{folder}{stem}_{count}{dot}{ending}"
        return free

    def _refer(self, element: Element, file: str) -> None:
        """Let an element name its files as they lie in a package, and note those that are not there."""
        for below in element.iter():
            path = (below.text or "").strip()
            if len(below) or not path.startswith("/") or path.partition("/")[2].partition("/")[0].lower() not in _FILED:
                continue
            there = self._file(path[1:])
            if there or path[1:].lower().removesuffix(".msapp") in self.apps:
                below.text = f"/{_member(there or path[1:])}"
            elif "." in path.rpartition("/")[2] or below.tag.endswith(("FileName", "Uri")):
                self.missing.append(f"{path[1:]} is named by {file}")

    def _file(self, path: str) -> str:
        """Return a file of this solution by the path that an element gives it: in the tree, or in a package."""
        wanted = _member(path).casefold()
        near = (file for file in self.mine if not file.endswith(".yml") and _member(file).casefold() == wanted)
        return self.found.get(path.casefold()) or next(near, "")

    def _take_table(self, element: Element, rest: str, file: str) -> None:
        name, _, inside = rest.partition("/")
        table = self.tables.setdefault(name.casefold(), _Table())
        kind = inside.split("/")[1] if inside.count("/") > 1 else "main"
        match element.tag:
            case "Entity" if table.element is None:
                table.element = element
            case "attribute":
                table.columns.append(element)
            case "systemform":
                table.files.append((f"FormXml/{kind}/{{{bare_id(text_of(element, 'formid'))}}}.xml", element))
            case "savedquery":
                table.files.append((f"SavedQueries/{{{bare_id(text_of(element, 'savedqueryid'))}}}.xml", element))
            case "RibbonDiffXml":
                table.files.append(("RibbonDiff.xml", element))
            case _:
                hint = "report it with a tree that shows it"
                message = f"nobody knows where {element.tag[:40]} belongs in a table"
                raise InvalidPackageError(message, where=file, hint=hint)

    def _put_table(self, name: str, table: _Table) -> None:
        if table.element is None:
            self.missing.append(f"entities/{name}/entity.yml, for what is in that folder")
            return
        folder = f"Entities/{safe(text_of(table.element, 'Name') or name)}"
        if table.columns:
            _attributes(table.element).extend(table.columns)
        self._put(f"{folder}/Entity.xml", write_xml(table.element))
        for path, element in table.files:
            self._put(f"{folder}/{path}", write_xml(element))

    def _manifest(self) -> Element:
        """Return `solution.xml`: its four files and the publisher in one. Raises InvalidPackageError."""
        where = f"{self.folder}/solution.yml"
        root = read_element(self.files[where], where=where)
        stated = root.find("SolutionManifest")
        if root.tag != "ImportExportXml" or stated is None:
            hint = "let the platform write it again"
            raise InvalidPackageError("there is no ImportExportXml with a SolutionManifest", where=where, hint=hint)
        name = text_of(stated, "UniqueName")
        if name.casefold() != self.folder.rpartition("/")[2].casefold():
            hint = "name the folder like the solution"
            raise InvalidPackageError(f"it is about another solution: {name[:60]!r}", where=where, hint=hint)
        self._publish(stated)
        for tag, one, path in _MANIFEST_LISTS:
            for there in stated.findall(tag):
                stated.remove(there)
            stated.append(self._list(tag, one, f"{self.folder}/{path}"))
        return root

    def _list(self, tag: str, one: str, where: str) -> Element:
        """Return one of the manifest's lists; Git integration writes no file for missing dependencies without any."""
        if where not in self.files and tag == "MissingDependencies":
            return ET.Element(tag)
        data = required(self.files, where)
        node = parse_yaml(data, where=where)
        if not node:
            return ET.Element(tag)
        if isinstance(node, list):  # as the document shows the list of paths
            return element_of(tag, {one: node}, where=where)
        found = read_element(data, where=where)
        if found.tag != tag:
            hint = "let the platform write it again"
            raise InvalidPackageError(f"not {tag} but {found.tag[:40]}", where=where, hint=hint)
        return found

    def _publish(self, stated: Element) -> None:
        """Put the publisher's own file in the place of its name."""
        named = stated.find("Publisher")
        name = text_of(named, "UniqueName")
        path = next((p for p in self.files if p.casefold() == f"publishers/{name}/publisher.yml".casefold()), "")
        if named is None or not path:
            if text_of(named, "CustomizationPrefix"):
                return  # it is there whole
            self.missing.append(f"publishers/{name or 'NAME'}/publisher.yml, the publisher of the solution")
            return
        publisher = read_element(self.files[path], where=path)
        stated[list(stated).index(named)] = publisher

    def _customizations(self, language: str) -> Element:
        root = ET.Element("ImportExportXml")
        names = {*_ALWAYS, *self.sections}
        ordered = [*(n for n in SECTIONS if n in names), *sorted(names - set(SECTIONS))]
        for name in ordered:
            if name == "RibbonDiffXml":
                root.extend(self.sections[name])
            else:
                ET.SubElement(root, name).extend(self.sections.get(name, ()))
        languages = ET.SubElement(root, "Languages")
        ET.SubElement(languages, "Language").text = language
        return root


def _is_publisher(file: str) -> bool:
    return file.partition("/")[0].casefold() in NO_COMPONENTS


def _attributes(table: Element) -> Element:
    """Return where the columns of a table stand: after its texts, as exports have it."""
    entity = table.find("EntityInfo/entity")
    if entity is None:
        entity = ET.SubElement(ET.SubElement(table, "EntityInfo"), "entity", {"Name": text_of(table, "Name")})
    found = entity.find("attributes")
    if found is None:
        texts = ("LocalizedNames", "LocalizedCollectionNames", "Descriptions")
        found = ET.Element("attributes")
        entity.insert(sum(1 for one in entity if one.tag in texts), found)
    return found


_FILED = frozenset(name.lower() for name in (*_FLAT, *_FLAT.values(), "PluginAssemblies"))
"""Folders with files that elements name."""


def _member(file: str) -> str:
    """Return where a file of the tree lies in a package."""
    folder, _, rest = file.partition("/")
    base = rest.rpartition("/")[2]
    if flat := _FLAT.get(folder.casefold()):
        return f"{flat}/{base}"
    renamed = _RENAMED.get(base.lower(), base)
    return f"{_SPELLED.get(folder.casefold(), folder)}/{rest[: len(rest) - len(base)]}{renamed}"


def _in_source(member: str) -> str:
    return f"Connectors/{member.removeprefix('Connector/')}" if member.startswith("Connector/") else member
