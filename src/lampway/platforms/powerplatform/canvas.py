"""Canvas apps: the `.msapp` opened, screens and controls with their formulas, data sources and connections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec

from lampway.platforms.powerplatform.archive import Archive
from lampway.platforms.powerplatform.jsontext import decoded, parse_as, parse_json
from lampway.platforms.powerplatform.xmltext import Element, text_of

Json = dict[str, Any]

_CONTROLS = re.compile(r"(?:Controls|Components)/[^/]+\.json", re.IGNORECASE)
_GENERATED = frozenset({
    "header.json", "checksum.json", "appcheckerresult.sarif", "references/templates.json", "entropy.json", ".gitignore",
})  # fmt: skip
"""What Studio writes along with every save: when, checked sums, its own templates."""
_VOLATILE_PROPERTIES = frozenset({
    "FileID", "DeserializationLoadTime", "AnalysisLoadTime", "ErrorCount", "ParserErrorCount", "BindingErrorCount",
    "ControlCount", "LastControlUniqueId", "OriginatingVersion", "Author", "LocalConnectionReferences",
    "LocalDatabaseReferences",
})  # fmt: skip
_CACHED_SOURCES = frozenset({"OptionSetInfo", "ViewInfo"})
_SOURCE_KEYS = (
    "Name", "Type", "DatasetName", "TableName", "EntitySetName", "LogicalName", "ApiId", "ServiceKind",
    "RelatedEntityName",
    "IsSampleData", "Data", "Schema", "FlowNameId", "WorkflowEntityId",
)  # fmt: skip
_CONNECTION_KEYS = (
    "id", "displayName", "dataSources", "dataSets", "datasets", "dependencies", "dependents",
    "xrmConnectionReferenceLogicalName",
)  # fmt: skip
_HEADER_VOLATILE = frozenset({
    "AppVersion", "CreatedByClientVersion", "MinClientVersion", "Tags", "ConnectionReferences", "DatabaseReferences",
    "Status", "IsCustomizable", "CdsDependencies", "CanConsumeAppPass", "IsCdsUpgraded", "IntroducedVersion",
})  # fmt: skip
_NAME = attrgetter("name")
CURRENT_ENVIRONMENT = "default.cds"
"""The data set of tables in whatever environment the app runs in."""


class Template(msgspec.Struct):
    """What kind of control something is."""

    name: str = msgspec.field(default="", name="Name")
    version: str = msgspec.field(default="", name="Version")


class Rule(msgspec.Struct):
    """One property of a control with its formula."""

    name: str = msgspec.field(default="", name="Property")
    formula: str | None = msgspec.field(default="", name="InvariantScript")


class Control(msgspec.Struct):
    """A screen, a reusable component, or something on one of them: what it does, not when it was made or numbered.

    Everything else in the file, such as numbers that Studio gives anew, is passed over while it is read.
    """

    name: str = msgspec.field(default="", name="Name")
    template: Template = msgspec.field(default_factory=Template, name="Template")
    rules: list[Rule] = msgspec.field(default_factory=list, name="Rules")
    children: list[Control] = msgspec.field(default_factory=list, name="Children")
    variant: Any = msgspec.field(default="", name="VariantName")
    layout: Any = msgspec.field(default="", name="LayoutName")
    style: Any = msgspec.field(default="", name="StyleName")
    order: Any = msgspec.field(default=0, name="Index")
    locked: Any = msgspec.field(default=False, name="IsLocked")
    reaches_globals: Any = msgspec.field(default=None, name="AllowAccessToGlobals")
    customizable: Any = msgspec.field(default=None, name="AllowCustomization")
    grouped: Any = msgspec.field(default=None, name="GroupedControlsKey")
    own_properties: Any = msgspec.field(default=None, name="CustomProperties")
    dynamic: Any = msgspec.field(default=None, name="DynamicProperties")

    @property
    def kind(self) -> str:
        """Its template, such as `screen`, `gallery`, `button`."""
        return self.template.name

    @property
    def formulas(self) -> dict[str, str]:
        """Property to formula."""
        return {rule.name: rule.formula or "" for rule in self.rules}

    @property
    def settings(self) -> Json:
        """What else it is, under names for people, beside its formulas and what it holds."""
        return {key: getattr(self, key) for key in _SETTINGS if getattr(self, key) not in (None, "", False)}

    def walk(self) -> Iterator[Control]:
        """Yield this control and all below it."""
        yield self
        for child in self.children:
            yield from child.walk()


class _File(msgspec.Struct):
    top: Control | None = msgspec.field(default=None, name="TopParent")


_SETTINGS = (
    "variant", "layout", "style", "order", "locked", "reaches_globals", "customizable", "grouped", "own_properties",
    "dynamic",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class CanvasApp:
    """What a canvas app consists of."""

    tops: Mapping[str, Control]
    """Screens, reusable components and the app itself, by name."""
    sources: Mapping[str, Json]
    """Data sources by name, without cached descriptions of tables."""
    connections: tuple[Json, ...]
    """The maker's own connections, with the ids they have there."""
    databases: Mapping[str, Json]
    properties: Json
    files: Mapping[str, str]
    """Pictures and other files to their digests."""
    members: int = 0


def read_canvas(data: bytes, *, where: str) -> CanvasApp:
    """Return what an `.msapp` holds. Raises InvalidPackageError."""
    archive = Archive(data, where=where, backslashes=True)
    tops: dict[str, Control] = {}
    files: dict[str, str] = {}
    for name in archive.names:
        if _CONTROLS.fullmatch(name):
            top = parse_as(archive.read(name), _File, where=f"{where}, {name}").top
            if top is not None:
                tops[top.name] = top
        elif not _is_generated(name):
            files[name] = archive.digest(name)
    properties = _object(archive, "Properties.json", where)
    listed = _object(archive, "References/DataSources.json", where).get("DataSources")
    sources = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    connections = decoded(str(properties.get("LocalConnectionReferences", "")))
    databases = decoded(str(properties.get("LocalDatabaseReferences", "")))
    return CanvasApp(
        tops=tops,
        sources={str(one.get("Name")): one for one in sources if one.get("Type") not in _CACHED_SOURCES},
        connections=tuple(_objects(connections)),
        databases={name: one for name, one in databases.items() if isinstance(one, dict)}
        if isinstance(databases, dict)
        else {},
        properties={key: value for key, value in properties.items() if key not in _VOLATILE_PROPERTIES},
        files=files,
        members=len(archive.names),
    )


def _is_generated(name: str) -> bool:
    lowered = name.lower()
    return (
        lowered in _GENERATED
        or lowered.startswith("src/")  # written for readers from the controls; never read back
        or lowered in {"properties.json", "references/datasources.json", "references/resources.json"}
    )


def _object(archive: Archive, name: str, where: str) -> Json:
    found = archive.find(name)
    value = parse_json(archive.read(found), where=f"{where}, {name}") if found else {}
    return value if isinstance(value, dict) else {}


def _objects(value: Any) -> Iterator[Json]:
    for one in value.values() if isinstance(value, dict) else ():
        if isinstance(one, dict):
            yield one


def normalise_canvas(app: CanvasApp) -> Json:
    """Return, as JSON, what an app does: nothing of when it was saved, of caches, or of the maker's own connections."""
    return {
        "tops": {name: _in_order(control) for name, control in app.tops.items()},
        "sources": {name: source_facts(source) for name, source in app.sources.items()},
        "connections": sorted((_connection(one) for one in app.connections), key=str),
        "properties": app.properties,
        "files": dict(app.files),
    }


def _in_order(control: Control) -> Control:
    """Return a control with its properties in one order: Studio writes them in any."""
    for one in control.walk():
        one.rules.sort(key=_NAME)
    return control


def source_facts(source: Json) -> Json:
    """Return what a data source is, without cached descriptions of its tables."""
    return {key: source[key] for key in _SOURCE_KEYS if key in source}


def _connection(one: Json) -> Json:
    """Return a connection without the maker's own, and without hints, icons and tiers that saving writes anew."""
    kept = {key: one[key] for key in _CONNECTION_KEYS if key in one}
    if isinstance(one.get("connectionRef"), dict):
        kept["connectionRef"] = {key: one["connectionRef"].get(key) for key in ("id", "displayName")}
    return kept


def connection_name(one: Json) -> str:
    """Return what makers call a connection."""
    held = one.get("connectionRef")
    held = held if isinstance(held, dict) else one
    return str(held.get("displayName") or str(held.get("id", "")).rpartition("/")[2])


def data_sets(one: Json) -> dict[str, Json]:
    """Return the data sets of a connection, such as sites, each with what is read from it."""
    found = one.get("dataSets") or one.get("datasets")
    return {name: held for name, held in found.items() if isinstance(held, dict)} if isinstance(found, dict) else {}


def bound_variable(override: Any) -> str:
    """Return the environment variable that stands behind a data set or a table; empty where it is fixed."""
    name = override.get("environmentVariableName") if isinstance(override, dict) else None
    return name if isinstance(name, str) else ""


def variables_of(connections: Iterable[Json]) -> dict[str, str]:
    """Return the environment variables that data sets and tables are bound to, with the value last seen in dev."""
    found: dict[str, str] = {}
    for one in connections:
        for held in data_sets(one).values():
            sources = held.get("dataSources")
            overrides = [held.get("datasetOverride")]
            overrides += [
                table.get("tableNameOverride")
                for table in (sources.values() if isinstance(sources, dict) else ())
                if isinstance(table, dict)
            ]
            for override in overrides:
                if variable := bound_variable(override):
                    found[variable] = str(override.get("name", "")) if isinstance(override, dict) else ""
    return found


def bound_sources(connections: Iterable[Json]) -> frozenset[str]:
    """Return the data sources that are in a data set behind an environment variable."""
    return frozenset(
        str(name)
        for one in connections
        for held in data_sets(one).values()
        if bound_variable(held.get("datasetOverride")) and isinstance(held.get("dataSources"), dict)
        for name in held["dataSources"]
    )


def normalise_header(header: Element) -> Json:
    """Return what the header of a canvas app says, without versions, times and ids that each export makes anew."""
    plain = {
        child.tag: text_of(child)
        for child in header
        if child.tag not in _HEADER_VOLATILE and not len(child) and text_of(child) not in ("", "0")
    }
    return {"facts": plain, "connections": sorted((_connection(one) for one in connections_of(header)), key=str)}


def connections_of(header: Element) -> tuple[Json, ...]:
    """Return the connections that the header of a canvas app lists."""
    return tuple(_objects(decoded(text_of(header, "ConnectionReferences"))))
