"""What a solution says about itself: `solution.xml`, the one place that tells identity, version and managed form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lampway.domain.package import Dependency
from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.xmltext import Element, describes, parse_xml, text_of

COMPONENT_TYPES: Mapping[str, str] = {
    "1": "table", "2": "column", "3": "relationship", "9": "choice", "10": "relationship", "14": "key",
    "20": "security role", "26": "view", "29": "process", "31": "report", "36": "e-mail template",
    "44": "duplicate rule", "48": "ribbon", "59": "chart", "60": "form", "61": "web resource", "62": "site map",
    "63": "connection role", "66": "code component", "68": "code component default", "70": "column security profile",
    "80": "model-driven app", "90": "plug-in type", "91": "plug-in assembly", "92": "plug-in step",
    "93": "plug-in step image", "95": "service endpoint", "150": "routing rule", "152": "service level agreement",
    "300": "canvas app", "371": "custom connector", "372": "custom connector", "380": "environment variable",
    "381": "environment variable value", "400": "AI project type", "401": "AI model", "402": "AI configuration",
    "430": "image configuration", "431": "image configuration", "432": "image configuration",
}  # fmt: skip
"""Numbers of component types as they are on every environment; those from 10,000 on differ from one to the next."""

_NAMED_TYPES: Mapping[str, str] = {
    "connectionreference": "connection reference", "environmentvariabledefinition": "environment variable",
    "environmentvariablevalue": "environment variable value", "settingdefinition": "setting definition",
    "customapi": "custom API", "bot": "agent", "botcomponent": "agent component",
}  # fmt: skip
_HINT = "export the solution again; never edit it by hand"
UNMANAGED = "Active"
"""What stands for a solution where a dependency belongs to none."""


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who a solution is from."""

    unique_name: str
    name: str
    prefix: str
    """What every name in the schema begins with."""


@dataclass(frozen=True, slots=True)
class RootComponent:
    """Something the manifest lists as part of the solution."""

    type: str
    """The platform's number."""
    id: str
    """In lower case without braces; empty where it goes by name."""
    schema_name: str
    behavior: str
    """0: with everything below it, 1: without, 2: only its shell."""

    @property
    def kind(self) -> str:
        """What makers call it."""
        return COMPONENT_TYPES.get(self.type, f"component of type {self.type}")


@dataclass(frozen=True, slots=True)
class Missing:
    """Something the solution needs that is not in it."""

    kind: str
    name: str
    """As makers know it."""
    schema_name: str
    solution: str
    """Where it was in the source environment: `Name (version)`; *Active* where it belonged to no solution."""
    needed_by: str

    @property
    def is_unmanaged(self) -> bool:
        """Whether no solution brings it to another environment."""
        return self.solution == UNMANAGED


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything `solution.xml` tells."""

    unique_name: str
    name: str
    version: str
    managed: bool
    publisher: Publisher
    roots: tuple[RootComponent, ...]
    missing: tuple[Missing, ...]
    tenant: str
    """The tenant it was exported from, where the export says so."""
    facts: Mapping[str, object]
    """What else a release is about: titles and the publisher; nothing of the environment or of the version."""


def read_manifest(data: bytes, *, where: str = "solution.xml") -> Manifest:
    """Return what `solution.xml` tells. Raises InvalidPackageError."""
    root = parse_xml(data, where=where)
    stated = root.find("SolutionManifest")
    if stated is None:
        raise InvalidPackageError("there is no SolutionManifest in it", where=where, hint=_HINT)
    unique_name, version = text_of(stated, "UniqueName"), text_of(stated, "Version")
    if not unique_name:
        raise InvalidPackageError("the solution has no unique name", where=where, hint=_HINT)
    if not version or not all(part.isascii() and part.isdigit() for part in version.split(".")):
        raise InvalidPackageError(f"not a version: {version[:40]!r}", where=where, hint="write such as 1.0.0.0")
    publisher = _publisher(stated)
    return Manifest(
        unique_name=unique_name,
        name=describes(stated, "LocalizedNames/LocalizedName") or unique_name,
        version=version,
        managed=_managed(stated, where),
        publisher=publisher,
        roots=tuple(_root(one) for one in stated.iterfind("RootComponents/RootComponent")),
        missing=tuple(_missing(one) for one in stated.iterfind("MissingDependencies/MissingDependency")),
        tenant=root.get("TenantId", ""),
        facts=_facts(stated, publisher),
    )


def version_key(version: str) -> tuple[int, ...]:
    """Return numbers by which versions are ordered; what is missing counts as 0."""
    parts = tuple(int(part) for part in version.split("."))
    return parts + (0,) * (4 - len(parts))


def _managed(stated: Element, where: str) -> bool:
    said = text_of(stated, "Managed")
    if said not in {"0", "1", "2"}:
        hint = "0 is unmanaged, 1 is managed; export the solution again"
        raise InvalidPackageError(f"Managed is {said[:20]!r}", where=where, hint=hint)
    return said == "1"


def _publisher(stated: Element) -> Publisher:
    found = stated.find("Publisher")
    if found is None:
        return Publisher("", "", "")
    name = describes(found, "LocalizedNames/LocalizedName")
    return Publisher(text_of(found, "UniqueName"), name, text_of(found, "CustomizationPrefix"))


def _facts(stated: Element, publisher: Publisher) -> dict[str, object]:
    titles = {one.get("languagecode", ""): one.get("description", "") for one in stated.iterfind("LocalizedNames/*")}
    texts = {one.get("languagecode", ""): one.get("description", "") for one in stated.iterfind("Descriptions/*")}
    return {
        "name": titles,
        "description": texts,
        "publisher": publisher.unique_name,
        "publisher prefix": publisher.prefix,
        "choice value prefix": text_of(stated, "Publisher/CustomizationOptionValuePrefix"),
    }


def _root(element: Element) -> RootComponent:
    return RootComponent(
        element.get("type", ""),
        bare_id(element.get("id", "")),
        element.get("schemaName", ""),
        element.get("behavior", "0"),
    )


def _missing(element: Element) -> Missing:
    required, dependent = element.find("Required"), element.find("Dependent")
    if required is None:
        return Missing("component", "", "", "", "")
    schema = _schema_name(required)
    needed_by = "" if dependent is None else dependent.get("displayName") or _schema_name(dependent)
    name = required.get("displayName") or schema
    return Missing(kind_of_type(required.get("type", "")), name, schema, required.get("solution", ""), needed_by)


def _schema_name(element: Element) -> str:
    """Return what identifies a component across environments; tables of their own have `id.<key>` for it."""
    keyed = next((value for key, value in element.attrib.items() if key.startswith("id.")), "")
    return element.get("schemaName") or keyed or bare_id(element.get("id", ""))


def kind_of_type(type_: str) -> str:
    """Return what makers call a component type, which is a number or the name of a table."""
    if type_.isdigit():
        return COMPONENT_TYPES.get(type_, "component")
    return _NAMED_TYPES.get(type_.lower(), type_ or "component")


def bare_id(text: str) -> str:
    """Return an id as it is compared: lower case, without braces."""
    return text.strip().strip("{}").lower()


def dependencies_of(manifest: Manifest) -> tuple[Dependency, ...]:
    """Return what must be in an environment beforehand: solutions with their versions, and what belongs to none."""
    found: dict[Dependency, None] = {}
    for missing in manifest.missing:
        if missing.is_unmanaged or not missing.solution:
            found[Dependency(f"unmanaged {missing.kind}", missing.schema_name or missing.name)] = None
        else:
            name, _, version = missing.solution.partition(" (")
            found[Dependency("solution", name, version.rstrip(")"))] = None
    return tuple(sorted(found, key=lambda one: (one.kind, one.name, one.version)))
