"""The contents of a solution package: every component, from the three places where a package keeps them.

They are the root components of the manifest, the sections of `customizations.xml` (with the files these refer to) and
the folders with one record each, which the manifest does not list.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.archive import Archive
from lampway.platforms.powerplatform.manifest import Manifest, bare_id, read_manifest
from lampway.platforms.powerplatform.xmltext import Element, describes, digest_xml, parse_xml, text_of

MAX_PACKAGE = 256 * 1024 * 1024
"""Bytes; the platform itself takes no more than about half of it."""

_EXPORT_AGAIN = "export the solution again from its environment"

CATEGORIES: Mapping[str, str] = {
    "0": "workflow", "1": "dialog", "2": "business rule", "3": "action", "4": "business process flow", "5": "flow",
    "6": "desktop flow", "9": "AI flow", "9000": "macro",
}  # fmt: skip
"""Kinds of processes, by the number in their header."""
VALUE = "environment variable value"
"""What an environment gives, where it was left in the package."""
RIBBON = "RibbonDiffXml"
"""The commands of the whole application, in a section of their own."""
UNKNOWN_PROCESS = "process"
"""What a process of any other category is called."""

_RECORDS: Mapping[str, str] = {
    "environmentvariabledefinitions": "environment variable", "bots": "agent", "botcomponents": "agent component",
    "customapis": "custom API", "pluginpackages": "plug-in package", "pluginassemblies": "plug-in assembly",
    "formulas": "formula", "assets": "link set", "controls": "code component", "aiskillconfigs": "AI skill",
    "appactions": "command", "maskingrules": "masking rule", "dvtablesearchs": "table search",
    "dvtablesearchentities": "table search entity", "reports": "report", "webresources": "web resource",
}  # fmt: skip
_FLAT = frozenset({"formulas", "assets", "workflows", "canvasapps", "webresources", "connector"})
"""Folders whose files are no records: each is a component by itself unless a section refers to it."""

_FILE_TAGS: Mapping[str, str] = {
    "Entities": "FormulaDefinitionFileName",
    "EntityRelationships": "-",
    "optionsets": "-",
    "Roles": "-",
}
"""Where elements that are long name files; in all others any may."""


@dataclass(frozen=True, slots=True)
class Part:
    """One component of a package, not read yet."""

    type: str
    """What makers call it."""
    name: str
    id: str
    """Stable across environments and versions."""
    header: Element | None = None
    """Its element in `customizations.xml`."""
    members: tuple[str, ...] = ()
    """The files that belong to it."""
    missing: tuple[str, ...] = ()
    """Files that its header names and that are not there."""

    @property
    def title(self) -> str:
        """Type and name, as in `flow Notify`."""
        return f"{self.type} {self.name}"


@dataclass(frozen=True, slots=True)
class Contents:
    """A package that was opened."""

    archive: Archive
    manifest: Manifest
    customizations: Element
    parts: tuple[Part, ...]

    def part(self, type_: str, id_: str) -> Part | None:
        """Return the component of this type and id, if there is one."""
        return next((part for part in self.parts if part.type == type_ and part.id == id_), None)


def read_package(data: bytes) -> Contents:
    """Return what a package holds; files are read when they are asked for.

    Raises InvalidPackageError with what is wrong, where, and how to mend it; never anything else, whatever the bytes.
    """
    if not data:
        raise InvalidPackageError("the file is empty", hint=_EXPORT_AGAIN)
    if not data.startswith(b"PK"):
        raise InvalidPackageError("not a zip file, as every solution package is", hint=_EXPORT_AGAIN)
    if len(data) > MAX_PACKAGE:
        message = f"larger than {MAX_PACKAGE // 1024**2} MiB"
        raise InvalidPackageError(message, hint="split it into smaller solutions")
    try:
        archive = Archive(data)
    except InvalidPackageError:
        _refuse_canvas_app(data)
        raise
    manifest = read_manifest(archive.read(_required(archive, "solution.xml")))
    customizations = parse_xml(archive.read(_required(archive, "customizations.xml")), where="customizations.xml")
    return Contents(archive, manifest, customizations, tuple(_unique(_parts(archive, customizations))))


def _refuse_canvas_app(data: bytes) -> None:
    """Say so where somebody gives us an app instead of the solution it is in: its names alone look hostile."""
    if b"Header.json" in data and b"Properties.json" in data and b"solution.xml" not in data.lower():
        hint = "inspect the solution that holds it"
        raise InvalidPackageError("this is a canvas app, and no solution package", hint=hint)


def _required(archive: Archive, name: str) -> str:
    found = archive.find(name)
    if found:
        return found
    nested = next((one for one in archive.names if one.casefold().endswith("/" + name)), "")
    if nested:
        folder = nested.rpartition("/")[0]
        message = f"there is no {name} at its top, only in the folder {folder[:100]}"
        raise InvalidPackageError(message, where="package", hint="zip what is inside of that folder")
    raise InvalidPackageError(f"there is no {name} in it", where="package", hint=_EXPORT_AGAIN)


def _parts(archive: Archive, customizations: Element) -> Iterator[Part]:
    used = {"[content_types].xml", "solution.xml", "customizations.xml"}
    for section in customizations:
        if section.tag == RIBBON:
            yield Part("ribbon", "of the application", "application", section)
        elif section.tag != "Languages":
            for element in section:
                part = _from_header(archive, section.tag, element)
                used.update(name.casefold() for name in part.members)
                yield part
    yield from _records(archive, used)


def _from_header(archive: Archive, section: str, element: Element) -> Part:
    find = _SECTIONS.get(section, _anything)
    type_, name, id_ = find(element)
    id_ = id_ or f"{section}/{digest_xml(element)[:12]}"
    members, missing = [], []
    for below in element.iter(_FILE_TAGS.get(section)):
        path = below.text
        if path and path.startswith("/") and not len(below) and "/" in path[1:] and "\n" not in path:
            found = archive.find(path[1:])
            if found:
                members.append(found)
            elif path[1:].partition("/")[0].casefold() in _FLAT:
                missing.append(path[1:])
    if section == "CustomControls":
        start = f"controls/{id_}/"
        members += [one for one in archive.names if one.casefold().startswith(start)]
    return Part(type_, name or id_, id_, element, tuple(dict.fromkeys(members)), tuple(missing))


def _records(archive: Archive, used: set[str]) -> Iterator[Part]:
    """Yield what has a folder of its own, and single files that no section refers to."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in archive.names:
        if name.casefold() in used:
            continue
        folder, _, rest = name.partition("/")
        key = folder.casefold()
        groups.setdefault((key, rest if key in _FLAT or not rest else rest.partition("/")[0]), []).append(name)
    for (folder, record), names in groups.items():
        values = [name for name in names if name.casefold().endswith("/environmentvariablevalues.json")]
        if folder == "environmentvariabledefinitions" and values:
            names = [name for name in names if name not in values]  # noqa: PLW2901
            yield Part(VALUE, record, record.lower(), members=tuple(values))
        if names:
            yield _record(archive, folder, record, sorted(names))


def _record(archive: Archive, folder: str, record: str, names: list[str]) -> Part:
    if not record or folder in _FLAT - {"formulas", "assets"}:
        return Part("file", names[0], names[0].casefold(), members=tuple(names))
    type_ = _RECORDS.get(folder) or folder.removesuffix("s")
    name = _record_name(archive, names) if folder in {"bots", "botcomponents"} else ""
    return Part(type_, name or record, record.lower(), members=tuple(names))


def _record_name(archive: Archive, names: list[str]) -> str:
    """Return what makers call an agent or a part of it; its file knows."""
    for name in names:
        if name.casefold().endswith(("/bot.xml", "/botcomponent.xml")):
            return text_of(parse_xml(archive.read(name), where=name), "name")
    return ""


def _unique(parts: Iterator[Part]) -> Iterator[Part]:
    """Yield the parts; two of one type and id, as only broken packages hold them, get numbers."""
    seen: dict[tuple[str, str], int] = {}
    for part in parts:
        count = seen[part.type, part.id] = seen.get((part.type, part.id), 0) + 1
        if count == 1:
            yield part
        else:
            yield Part(part.type, part.name, f"{part.id}#{count}", part.header, part.members, part.missing)


Found = tuple[str, str, str]
"""Type, name and id."""


def _process(element: Element) -> Found:
    type_ = CATEGORIES.get(text_of(element, "Category"), UNKNOWN_PROCESS)
    return type_, element.get("Name", ""), bare_id(element.get("WorkflowId", ""))


def _table(element: Element) -> Found:
    name = text_of(element, "Name")
    found = element.find("Name")
    shown = found.get("LocalizedName", "") if found is not None else ""
    return "table", shown or name, name.lower()


def _connection_reference(element: Element) -> Found:
    name = element.get("connectionreferencelogicalname", "")
    return "connection reference", text_of(element, "connectionreferencedisplayname") or name, name.lower()


def _choice(element: Element) -> Found:
    return "choice", element.get("localizedName", "") or element.get("Name", ""), element.get("Name", "").lower()


def _app(element: Element) -> Found:
    id_ = text_of(element, "UniqueName")
    return "model-driven app", describes(element, "LocalizedNames/LocalizedName") or id_, id_.lower()


def _site_map(element: Element) -> Found:
    id_ = text_of(element, "SiteMapUniqueName")
    return "site map", describes(element, "LocalizedNames/LocalizedName") or id_, id_.lower()


def _image_column(element: Element) -> Found:
    table, column = text_of(element, "parententitylogicalname"), text_of(element, "attributelogicalname")
    return "image configuration", f"{table} {column}", f"{table} {column}".lower()


def _by_children(type_: str, name: str, id_: str) -> Callable[[Element], Found]:
    def find(element: Element) -> Found:
        found = bare_id(text_of(element, id_))
        return type_, text_of(element, name) or found, found

    return find


def _by_attributes(type_: str, name: str, id_: str) -> Callable[[Element], Found]:
    def find(element: Element) -> Found:
        found = bare_id(element.get(id_, ""))
        return type_, element.get(name, "") or found, found

    return find


def _anything(element: Element) -> Found:
    """Return what can be told of a component that we know nothing about."""
    words = [(key.lower(), value) for key, value in element.attrib.items()]
    words += [(below.tag.lower(), (below.text or "").strip()) for below in element if not len(below)]
    id_ = next((value for key, value in words if key.endswith(("id", "uniquename", "schemaname")) and value), "")
    name = next((value for key, value in words if key.endswith("name") and value), "")
    return element.tag.lower(), name, bare_id(id_ or name)


_SECTIONS: Mapping[str, Callable[[Element], Found]] = {
    "Entities": _table,
    "Workflows": _process,
    "connectionreferences": _connection_reference,
    "optionsets": _choice,
    "AppModules": _app,
    "AppModuleSiteMaps": _site_map,
    "CanvasApps": _by_children("canvas app", "DisplayName", "Name"),
    "WebResources": _by_children("web resource", "Name", "Name"),
    "Connectors": _by_children("custom connector", "displayname", "name"),
    "AIModels": _by_children("AI model", "msdyn_name", "msdyn_aimodelid"),
    "CustomControls": _by_children("code component", "Name", "Name"),
    "EntityImageConfigs": _by_children("image configuration", "parententitylogicalname", "parententitylogicalname"),
    "AttributeImageConfigs": _image_column,
    "Roles": _by_attributes("security role", "name", "id"),
    "FieldSecurityProfiles": _by_attributes("column security profile", "name", "fieldsecurityprofileid"),
    "EntityRelationships": _by_attributes("relationship", "Name", "Name"),
    "SolutionPluginAssemblies": _by_attributes("plug-in assembly", "FullName", "PluginAssemblyId"),
    "SdkMessageProcessingSteps": _by_attributes("plug-in step", "Name", "SdkMessageProcessingStepId"),
}
