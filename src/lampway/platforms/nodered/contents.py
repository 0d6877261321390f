"""The contents of a Node-RED package, read from bytes and written to bytes.

A package is a zip with `manifest.json` and `flows.json`. An export from the Node-RED editor, one JSON list, is read
too: it has no solution, no version and no manifest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from lampway.domain.digest import to_plain
from lampway.domain.package import Dependency
from lampway.errors import InvalidPackageError
from lampway.platforms.archives import MAX_BYTES, read_archive, write_archive
from lampway.platforms.jsontext import parse, pretty
from lampway.platforms.nodered.flows import Kind, Node, entries_of, has_entries, kind_of, name_of, strip, tabs
from lampway.platforms.nodered.needs import ConnectionSlot, VariableSlot, find_connections, find_variables

FORMAT = "lampway/node-red/1"
"""First thing a manifest says."""

_EXPORT_AGAIN = "export the flows again from the Node-RED editor, or build the package again with `lampway release`"


@dataclass(frozen=True, slots=True)
class Contained:
    """A tab that the solution consists of."""

    id: str
    label: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a package says and holds."""

    solution: str
    version: str
    contains: tuple[Contained, ...]
    variables: tuple[VariableSlot, ...]
    connections: tuple[ConnectionSlot, ...]
    constants: tuple[str, ...]
    dependencies: tuple[Dependency, ...]
    nodes: tuple[Node, ...]
    """In the order of the runtime they were exported from."""
    is_export: bool = False
    """Whether the bytes were an editor's export; that may still hold values and credentials."""


@dataclass(frozen=True, slots=True)
class _Manifest:
    format: str
    platform: str
    solution: str
    version: str
    contains: tuple[Contained, ...]
    variables: tuple[VariableSlot, ...]
    connections: tuple[ConnectionSlot, ...]
    constants: tuple[str, ...]
    dependencies: tuple[_Dependency, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class _Dependency:
    kind: str
    name: str
    version: str = ""


def read_package(data: bytes) -> Contents:
    """Return the contents of a package or of an editor's export.

    A variable that the flows read and the manifest forgot is added, so that nothing is deployed without its value.
    Raises InvalidPackageError with what is wrong, where, and how to mend it; never anything else, whatever the bytes.
    """
    contents = read_exactly(data)
    listed = {(slot.name, slot.node) for slot in contents.variables}
    found = find_variables(contents.nodes, contents.constants)
    secret = {field for slot in contents.connections if slot.place == "global" for field in slot.fields}
    forgotten = tuple(s for s in found if (s.name, s.node) not in listed and (s.node or s.name not in secret))
    return replace(contents, variables=contents.variables + forgotten) if forgotten else contents


def read_exactly(data: bytes) -> Contents:
    """Return the contents with exactly what the manifest lists. Raises InvalidPackageError."""
    if not data:
        raise InvalidPackageError("the file is empty", hint=_EXPORT_AGAIN)
    if len(data) > MAX_BYTES:
        raise InvalidPackageError(f"larger than {MAX_BYTES // 1024**2} MiB", hint="split it into smaller solutions")
    if data[:2] == b"PK":
        members = read_archive(data)
        for name in ("manifest.json", "flows.json"):
            if name not in members:
                raise InvalidPackageError(f"there is no {name} in it", where="package", hint=_EXPORT_AGAIN)
        for name in members.keys() - {"manifest.json", "flows.json"}:
            raise InvalidPackageError("does not belong in a Node-RED package", where=name, hint="take it out")
        return assemble(members["manifest.json"], parse(members["flows.json"], where="flows.json"))
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}:
        return _read_export(data)
    raise InvalidPackageError("neither a Node-RED package nor an export of flows", hint=_EXPORT_AGAIN)


def write_package(contents: Contents) -> bytes:
    """Return the package; the same contents always give the same bytes."""
    members = {"manifest.json": write_manifest(contents), "flows.json": pretty(list(contents.nodes))}
    return write_archive(members, first="manifest.json")


def write_manifest(contents: Contents) -> bytes:
    """Return the manifest as JSON."""
    plain = to_plain(contents)
    listed = {key: plain[key] for key in ("solution", "version", "contains", "variables", "connections", "constants")}
    dependencies = [{key: value for key, value in d.items() if value} for d in plain["dependencies"]]
    return pretty({"format": FORMAT, "platform": "node-red", **listed, "dependencies": dependencies})


def assemble(manifest: bytes, flows: Any) -> Contents:
    """Return the contents that a manifest's bytes and the flows beside it make up. Raises InvalidPackageError."""
    nodes = check_nodes(flows, where="flows.json")
    stated = _read_manifest(manifest)
    _check_slots(stated, {node["id"] for node in nodes})
    for node in nodes:
        _check_holds_no_values(node, stated.constants)
    return Contents(
        solution=stated.solution,
        version=stated.version,
        contains=stated.contains,
        variables=stated.variables,
        connections=stated.connections,
        constants=stated.constants,
        dependencies=tuple(Dependency(d.kind, d.name, d.version) for d in stated.dependencies),
        nodes=tuple(nodes),
    )


def _read_manifest(data: bytes) -> _Manifest:
    value = parse(data, where="manifest.json")
    stated = value.get("format") if isinstance(value, dict) else None
    if stated != FORMAT:
        raise InvalidPackageError(
            f"the format is {str(stated)[:60]!r}, not {FORMAT!r}", where="manifest.json", hint="use a newer Lampway"
        )
    try:
        return msgspec.convert(value, _Manifest)
    except msgspec.ValidationError as error:
        raise InvalidPackageError(str(error).lower(), where="manifest.json", hint=_EXPORT_AGAIN) from error


def _check_slots(stated: _Manifest, ids: set[str]) -> None:
    named = [(slot.name, slot.node) for slot in stated.variables if slot.node]
    named += [(slot.name, slot.node) for slot in stated.connections if slot.node]
    named += [(tab.label, tab.id) for tab in stated.contains]
    for name, id_ in named:
        if id_ not in ids:
            message = f"*{name[:60]}* is at node {id_[:40]!r}, which is not in flows.json"
            raise InvalidPackageError(message, where="manifest.json", hint=_EXPORT_AGAIN)
    if len({slot.name for slot in stated.connections}) != len(stated.connections):
        raise InvalidPackageError("two connections have the same name", where="manifest.json", hint=_EXPORT_AGAIN)


def _check_holds_no_values(node: Node, constants: Sequence[str]) -> None:
    where = f"flows.json, {node['type']} {name_of(node)}"[:200]
    if "credentials" in node:
        hint = "take `credentials` out; environments give them by reference"
        raise InvalidPackageError("the node carries credentials", where=where, hint=hint)
    for entry, bare in zip(entries_of(node), entries_of(strip(node, constants)), strict=True):
        if entry != bare:
            hint = "empty it, or list the name under `constants`"
            raise InvalidPackageError(f"environment entry {entry['name']} carries a value", where=where, hint=hint)


def _read_export(data: bytes) -> Contents:
    value = parse(data, where="file")
    if isinstance(value, dict):  # what GET /flows answers
        if not isinstance(value.get("flows"), list):
            message = "a JSON object without a list of flows"
            raise InvalidPackageError(message, where="file", hint="export the flows as JSON from the Node-RED editor")
        value = value["flows"]
    nodes = check_nodes(value, where="file")
    bare = [strip(node) for node in nodes]
    return Contents(
        solution="",
        version="",
        contains=tuple(Contained(tab["id"], name_of(tab)) for tab in tabs(nodes)),
        variables=find_variables(bare),
        connections=find_connections(bare, _inline_credentials(nodes), {}),
        constants=(),
        dependencies=find_dependencies(nodes),
        nodes=tuple(nodes),
        is_export=True,
    )


def _inline_credentials(nodes: Sequence[Node]) -> dict[str, tuple[str, ...]]:
    inline = {node["id"]: node.get("credentials") for node in nodes if kind_of(node) is not Kind.GLOBAL_CONFIG}
    return {id_: tuple(fields) for id_, fields in inline.items() if isinstance(fields, dict)}


def find_dependencies(nodes: Sequence[Node]) -> tuple[Dependency, ...]:
    """Return every node type the runtime must have, and every npm module that functions load, sorted."""
    unneeded = {Kind.TAB, Kind.SUBFLOW, Kind.GROUP, Kind.INSTANCE, Kind.GLOBAL_CONFIG}
    types = {node["type"] for node in nodes if kind_of(node) not in unneeded}
    modules = {library["module"] for node in nodes if node["type"] == "function" for library in _libraries(node)}
    return (
        *(Dependency("node type", name) for name in sorted(types)),
        *(Dependency("npm module", name) for name in sorted(modules)),
    )


def _libraries(function: Node) -> list[dict[str, str]]:
    libraries = function.get("libs")
    if not isinstance(libraries, list):
        return []
    return [one for one in libraries if isinstance(one, dict) and isinstance(one.get("module"), str)]


def check_nodes(value: Any, *, where: str) -> list[Node]:
    """Return `value` as a flows array after checking everything that reading it relies on.

    Raises InvalidPackageError. A node on no tab or subflow of the array is accepted, as the editor exports such.
    """
    if not isinstance(value, list):
        raise InvalidPackageError("the flows are not a list", where=where, hint=_EXPORT_AGAIN)
    seen: set[str] = set()
    for index, node in enumerate(value):
        fault = _fault(node)
        if fault:
            raise InvalidPackageError(fault, where=f"{where}, node {index + 1}", hint=_EXPORT_AGAIN)
        if node["id"] in seen:
            hint = "give one of them another id; the runtime would keep only one"
            raise InvalidPackageError(f"two nodes have the id {node['id'][:40]!r}", where=where, hint=hint)
        seen.add(node["id"])
    return value


def _fault(node: Any) -> str:
    if not isinstance(node, dict):
        return "not an object"
    for key in ("id", "type"):
        if not isinstance(node.get(key), str) or not node[key]:
            return f"`{key}` is missing or not a text"
    for key in ("z", "g"):
        if not isinstance(node.get(key), str | None):
            return f"`{key}` is not a text"
    if not _is_list_of(node.get("wires", []), list) or not all(_is_list_of(w, str) for w in node.get("wires", [])):
        return "`wires` is not a list of lists of ids"
    entries = node.get("env") or []
    if has_entries(node) and not (_is_list_of(entries, dict) and all(isinstance(e.get("name"), str) for e in entries)):
        return "`env` is not a list of entries with a name"
    return ""


def _is_list_of(value: Any, kind: type) -> bool:
    return isinstance(value, list) and all(isinstance(item, kind) for item in value)
