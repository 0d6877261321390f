"""What is inside a solution package, in the words that hold for every platform."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from lampway.domain.package import (
    Component,
    Connection,
    Finding,
    Inspection,
    Inventory,
    Literal,
    Variable,
    fingerprint_of,
)
from lampway.platforms.powerplatform.content import (
    MAX_BUNDLE,
    Content,
    JsonFile,
    Opaque,
    component_of,
    read_content,
)
from lampway.platforms.powerplatform.contents import CATEGORIES, UNKNOWN_PROCESS, Contents, Part
from lampway.platforms.powerplatform.findings import Definition, app_variables, findings_of, manifest_findings
from lampway.platforms.powerplatform.flows import parameters_of, variable_of
from lampway.platforms.powerplatform.literals import literals_of
from lampway.platforms.powerplatform.manifest import dependencies_of
from lampway.platforms.powerplatform.names import printable
from lampway.platforms.powerplatform.tables import ids_in
from lampway.platforms.powerplatform.xmltext import parse_xml, text_of

NAME = "power-platform"
BINDING = "connection"
"""The one field of a connection reference: which connection it stands for in an environment."""

_ENDPOINT_FIX = "make an environment variable in the solution, use it here, and give its value in each environment"
_TYPES: Mapping[str, str] = {
    "100000000": "string", "100000001": "number", "100000002": "boolean", "100000003": "json",
    "100000004": "data source", "100000005": "secret",
}  # fmt: skip
_KNOWN_KINDS = frozenset(
    {"table", "process", "column", "form", "view", "canvas app", "web resource", "security role", "choice"}
)
_PROCESSES = frozenset({*CATEGORIES.values(), UNKNOWN_PROCESS})


@dataclass(slots=True)
class _Found:
    """What reading every component once has told so far."""

    components: list[Component] = field(default_factory=list)
    literals: list[Literal] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    variables: list[Variable] = field(default_factory=list)
    users: dict[str, list[str]] = field(default_factory=dict)
    """Environment variable to the titles of what reads it."""
    off: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    """Files with code that are too large to be looked into."""


def inspect_contents(contents: Contents) -> Inspection:
    """Return everything that a package holds and needs. Each component is read once and let go of."""
    found = _Found()
    places = places_of(contents.parts)
    definitions = definitions_of(contents)
    for part in contents.parts:
        content = read_content(contents, part)
        place = places[part.type, part.id]
        found.components.append(component_of(content))
        found.literals += map(_printable, literals_of(content, place))
        found.findings += findings_of(content, place, definitions)
        _look_for_needs(content, found)
    found.findings += manifest_findings(contents.manifest)
    publisher = contents.manifest.publisher
    return Inspection(
        inventory=_inventory(contents, found),
        literals=tuple(found.literals),
        findings=tuple(found.findings),
        endpoint_fix=_ENDPOINT_FIX,
        publisher=f"{publisher.name or publisher.unique_name} ({publisher.prefix})" if publisher.unique_name else "",
    )


def _printable(literal: Literal) -> Literal:
    return literal if literal.place.isprintable() else replace(literal, place=printable(literal.place))


def components_of(contents: Contents) -> tuple[Component, ...]:
    """Return every component with its fingerprint."""
    return tuple(component_of(read_content(contents, part)) for part in contents.parts)


def places_of(parts: Sequence[Part]) -> dict[tuple[str, str], str]:
    """Return for every component what makers call it; with the id if two are called alike."""
    alike = Counter(part.title for part in parts)
    return {(p.type, p.id): f"{p.title} ({p.id})" if alike[p.title] > 1 else p.title for p in parts}


def definitions_of(contents: Contents) -> dict[str, Definition]:
    """Return what the definitions of environment variables say, by schema name in lower case."""
    found = {}
    for part in contents.parts:
        if part.type == "environment variable" and part.members:
            record = parse_xml(contents.archive.read(part.members[0]), where=part.members[0])
            found[part.id] = Definition(part.name, text_of(record, "defaultvalue"), text_of(record, "type"))
    return found


def _look_for_needs(content: Content, found: _Found) -> None:
    part = content.part
    if part.type == "environment variable":
        found.variables.append(_variable(content))
    if part.type == "code component":
        found.unread += [f"{part.name}/{n}" for n, v in content.files.items() if _is_unread(n, v)]
    for name in _used_by(content):
        found.users.setdefault(name.lower(), []).append(part.title)
    if part.type == "flow" and part.header is not None and text_of(part.header, "StateCode") != "1":
        found.off.append(part.name)


def _is_unread(name: str, value: object) -> bool:
    return isinstance(value, Opaque) and value.size > MAX_BUNDLE and name.lower().endswith(".js")


def _used_by(content: Content) -> Iterator[str]:
    """Yield the environment variables that a component reads."""
    if content.flow is not None:
        yield from (variable_of(parameter) for parameter in parameters_of(content.flow).values())
    if content.canvas is not None:
        yield from app_variables(content)
    if content.part.type == "custom connector":
        for value in content.files.values():
            if isinstance(value, JsonFile) and isinstance(value.value, dict):
                _, quote, rest = str(value.value.get("host", "")).partition('environmentVariables("')
                yield from (rest.partition('"')[0],) if quote else ()


def _variable(content: Content) -> Variable:
    record = content.record
    type_ = _TYPES.get(text_of(record, "type"), "string")
    has_default = bool(text_of(record, "defaultvalue"))
    return Variable(content.part.name, type_, required=not has_default, has_default=has_default)


def _inventory(contents: Contents, found: _Found) -> Inventory:
    manifest = contents.manifest
    components = tuple(sorted(found.components, key=lambda one: (one.type, one.name.lower(), one.id)))
    variables = (
        Variable(v.name, v.type, v.required, v.has_default, tuple(sorted(set(found.users.get(v.name.lower(), ())))))
        for v in found.variables
    )
    return Inventory(
        platform=NAME,
        solution=manifest.unique_name,
        version=manifest.version,
        managed=manifest.managed,
        fingerprint=fingerprint_of(components),
        components=components,
        variables=tuple(sorted(variables, key=lambda one: one.name.lower())),
        connections=tuple(_connections(contents)),
        dependencies=dependencies_of(manifest),
        notes=tuple(_notes(contents, found)),
        caseless=True,
        shared=True,
    )


def _connections(contents: Contents) -> Iterator[Connection]:
    for part in contents.parts:
        if part.type == "connection reference" and part.header is not None:
            connector = text_of(part.header, "connectorid").rpartition("/")[2]
            name = part.header.get("connectionreferencelogicalname", part.id)
            yield Connection(name, connector, (BINDING,), part.id)


def _notes(contents: Contents, found: _Found) -> Iterator[str]:
    if found.off:
        yield f"turned off in the package: {', '.join(sorted(found.off))}"
    for name in found.unread:
        yield f"code component {name} is compared and not scanned: built code with other people's libraries in it"
    known = {v.name.lower() for v in found.variables}
    for name in sorted(found.users.keys() - known):
        yield f"environment variable {name} is used by {min(found.users[name])} and not in the package"
    known_ids = ids_by_kind(contents)
    for root in contents.manifest.roots:
        wanted = {root.id, root.schema_name.lower()} - {""}
        if root.kind in known_ids and known_ids[root.kind].isdisjoint(wanted):
            yield f"{root.kind} {root.schema_name or root.id} is listed in the manifest, and not in the package"


def ids_by_kind(contents: Contents) -> dict[str, set[str]]:
    """Return everything in the package by kind, under each of its ids; kinds that nobody can tell are left out."""
    found: dict[str, set[str]] = {kind: set() for kind in _KNOWN_KINDS}
    for part in contents.parts:
        found.setdefault("process" if part.type in _PROCESSES else part.type, set()).update(
            {part.id, part.name.lower(), _own_id(part)}
        )
        if part.type == "table" and part.header is not None:
            for kind, ids in ids_in(part.header).items():
                found[kind].update(ids)
    return found


def _own_id(part: Part) -> str:
    """Return the id that a component has beside its name, as connectors and web resources do."""
    if part.header is None:
        return ""
    return next((text_of(child).strip("{}").lower() for child in part.header if child.tag.lower().endswith("id")), "")
