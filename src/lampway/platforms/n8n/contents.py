"""The contents of an n8n package, read from bytes and written to bytes.

A package is a zip with `manifest.json` and one JSON file per workflow. What n8n itself exports is read too: one
workflow, a list of them, what its API answers, or a package of its own (`.n8np`). Those have no solution, no version
and no manifest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from lampway.domain.digest import to_plain
from lampway.domain.package import Dependency
from lampway.errors import InvalidPackageError
from lampway.platforms.archives import MAX_BYTES, read_archive, write_archive
from lampway.platforms.jsontext import parse, pretty
from lampway.platforms.n8n.configuration import VariableSlot, fields_of, find_variables, without_values
from lampway.platforms.n8n.credentials import ConnectionSlot, find_connections, name_credentials, with_connections
from lampway.platforms.n8n.exports import GZIP, read_own_package
from lampway.platforms.n8n.needs import find_dependencies
from lampway.platforms.n8n.workflows import Workflow, check_workflow, keep, name_of

FORMAT = "lampway/n8n/1"
"""First thing a manifest says."""

MANIFEST = "manifest.json"
_AGAIN = "export the workflows again from n8n, or build the package again with `lampway release`"


@dataclass(frozen=True, slots=True)
class Contained:
    """A workflow that the solution consists of."""

    id: str
    """Of the instance it was built on."""
    name: str


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
    workflows: tuple[Workflow, ...]
    """In the order that the solution's owner names them."""
    is_export: bool = False
    """Whether the bytes were an export; its workflows may still hold values."""


@dataclass(frozen=True, slots=True)
class _Dependency:
    kind: str
    name: str
    version: str = ""


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


def read_package(data: bytes) -> Contents:
    """Return the contents of a package or of an export.

    A variable or connection that the workflows use and the manifest forgot is added, so that nothing is deployed
    without it. Raises InvalidPackageError with what is wrong, where, and how to mend it; never anything else, whatever
    the bytes.
    """
    contents = read_exactly(data)
    listed = {slot.name for slot in contents.variables}
    bound = {(slot.name, slot.connector) for slot in contents.connections}
    variables = find_variables(contents.workflows, contents.constants)
    connections = find_connections(contents.workflows)
    return replace(
        contents,
        variables=contents.variables + tuple(slot for slot in variables if slot.name not in listed),
        connections=contents.connections + tuple(c for c in connections if (c.name, c.connector) not in bound),
    )


def read_exactly(data: bytes) -> Contents:
    """Return the contents with exactly what the manifest lists. Raises InvalidPackageError."""
    if not data:
        raise InvalidPackageError("the file is empty", hint=_AGAIN)
    if len(data) > MAX_BYTES:
        raise InvalidPackageError(f"larger than {MAX_BYTES // 1024**2} MiB", hint="split it into smaller solutions")
    if data[:2] == b"PK":
        members = read_archive(data)
        if MANIFEST not in members:
            raise InvalidPackageError(f"there is no {MANIFEST} in it", where="package", hint=_AGAIN)
        for name in members:
            if name != MANIFEST and not (name.startswith("workflows/") and name.endswith(".json")):
                raise InvalidPackageError("does not belong in an n8n package", where=name, hint="take it out")
        return assemble(members[MANIFEST], {n: parse(d, where=n) for n, d in members.items() if n != MANIFEST})
    if data[:2] == GZIP:
        return _read_export(read_own_package(data))
    if data.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in {b"[", b"{"}:
        return _read_export(parse(data, where="file"))
    raise InvalidPackageError("neither an n8n package nor an export of workflows", hint=_AGAIN)


def write_package(contents: Contents) -> bytes:
    """Return the package; the same contents always give the same bytes."""
    members = {f"workflows/{index:03}.json": pretty(w) for index, w in enumerate(contents.workflows, 1)}
    return write_archive({MANIFEST: write_manifest(contents), **members}, first=MANIFEST)


def write_manifest(contents: Contents) -> bytes:
    """Return the manifest as JSON."""
    plain = to_plain(contents)
    listed = {key: plain[key] for key in ("solution", "version", "contains", "variables", "connections", "constants")}
    dependencies = [{key: value for key, value in d.items() if value} for d in plain["dependencies"]]
    return pretty({"format": FORMAT, "platform": "n8n", **listed, "dependencies": dependencies})


def assemble(manifest: bytes, files: Mapping[str, Any]) -> Contents:
    """Return the contents that a manifest's bytes and the workflows beside it make up. Raises InvalidPackageError."""
    stated = _read_manifest(manifest)
    by_id: dict[str, Workflow] = {}
    for where, value in sorted(files.items()):
        workflow = _own(value, where, stated.constants)
        if workflow["id"] in by_id:
            message = f"two workflows have the id {workflow['id'][:60]!r}"
            raise InvalidPackageError(message, where=where, hint="take one of them out")
        by_id[workflow["id"]] = workflow
    _check_contained(stated, by_id)
    _check_connections(tuple(by_id.values()))
    return Contents(
        solution=stated.solution,
        version=stated.version,
        contains=stated.contains,
        variables=stated.variables,
        connections=stated.connections,
        constants=stated.constants,
        dependencies=tuple(Dependency(d.kind, d.name, d.version) for d in stated.dependencies),
        workflows=tuple(by_id[one.id] for one in stated.contains),
    )


def _check_contained(stated: _Manifest, by_id: Mapping[str, Workflow]) -> None:
    listed: set[str] = set()
    for one in stated.contains:
        if one.id not in by_id or one.id in listed:
            fault = "is not in the package" if one.id not in by_id else "is listed twice"
            raise InvalidPackageError(f"workflow *{one.name[:60]}* {fault}", where=MANIFEST, hint=_AGAIN)
        listed.add(one.id)
    for id_, workflow in by_id.items():
        if id_ not in listed:
            message = f"workflow *{name_of(workflow)[:60]}* is not listed under `contains`"
            raise InvalidPackageError(message, where=MANIFEST, hint="list it, or take its file out")


def _check_connections(workflows: Sequence[Workflow]) -> None:
    seen: dict[str, str] = {}
    for slot in find_connections(workflows):
        if seen.setdefault(slot.name, slot.connector) != slot.connector:
            message = f"connection *{slot.name[:60]}* is asked for as {seen[slot.name][:60]} and {slot.connector[:60]}"
            raise InvalidPackageError(message, where="workflows", hint="give one of them another name")


def _own(value: Any, where: str, constants: Sequence[str]) -> Workflow:
    """Return a workflow of a package after checking that it holds nothing that an environment gives."""
    workflow = check_workflow(value, where=where, again=_AGAIN)
    if not isinstance(workflow.get("id"), str) or not workflow["id"]:
        raise InvalidPackageError("`id` is missing or not a text", where=where, hint=_AGAIN)
    for node in workflow["nodes"]:
        for type_, stated in (node.get("credentials") or {}).items():
            if not isinstance(stated, dict) or stated.keys() != {"name"} or not isinstance(stated["name"], str):
                message = f"node *{node['name'][:60]}* names a {type_[:60]} that belongs to one instance"
                hint = "name a connection by `name` alone; environments bind it"
                raise InvalidPackageError(message, where=where, hint=hint)
    for one in fields_of(workflow):
        if one.name not in constants and one.key in one.holder:
            hint = "take `value` out, or list the name under `constants`"
            raise InvalidPackageError(
                f"{one.place[:120]}: field {one.name[:60]} carries a value", where=where, hint=hint
            )
    if keep(workflow) != workflow:
        message = "holds what belongs to one instance"
        extra = ", ".join(sorted(workflow.keys() - keep(workflow).keys()))[:120] or "tags or settings of its own"
        raise InvalidPackageError(f"{message}: {extra}", where=where, hint="take it out")
    return workflow


def _read_manifest(data: bytes) -> _Manifest:
    value = parse(data, where=MANIFEST)
    stated = value.get("format") if isinstance(value, dict) else None
    if stated != FORMAT:
        message = f"the format is {str(stated)[:60]!r}, not {FORMAT!r}"
        raise InvalidPackageError(message, where=MANIFEST, hint="use a newer Lampway")
    try:
        return msgspec.convert(value, _Manifest)
    except msgspec.ValidationError as error:
        raise InvalidPackageError(str(error).lower(), where=MANIFEST, hint=_AGAIN) from error


def _read_export(value: Any) -> Contents:
    if isinstance(value, dict) and isinstance(value.get("data"), list) and "nodes" not in value:  # what the API answers
        value = value["data"]
    listed = value if isinstance(value, list) else [value]
    if not listed:
        raise InvalidPackageError("there is no workflow in it", where="file", hint=_AGAIN)
    several = len(listed) > 1
    checked = [
        check_workflow(one, where=f"file, workflow {index}" if several else "file", again=_AGAIN)
        for index, one in enumerate(listed, 1)
    ]
    return contents_of_export(checked)


def contents_of_export(workflows: Sequence[Workflow]) -> Contents:
    """Return the contents of workflows that n8n exported and `check_workflow` let pass. Raises InvalidPackageError."""
    several = len(workflows) > 1
    whole = [keep({**w, "id": _id_of(w, i if several else 0)}) for i, w in enumerate(workflows, 1)]
    if len({w["id"] for w in whole}) < len(whole):
        raise InvalidPackageError("two workflows have the same id", where="file", hint=_AGAIN)
    names = name_credentials(whole)
    own = tuple(with_connections(w, names) for w in whole)
    return Contents(
        solution="",
        version="",
        contains=tuple(Contained(w["id"], name_of(w)) for w in own),
        variables=find_variables(own),
        connections=find_connections(own),
        constants=(),
        dependencies=find_dependencies(own),
        workflows=own,
        is_export=True,
    )


def _id_of(workflow: Workflow, index: int) -> str:
    """Return the id of an exported workflow; files from elsewhere may have none."""
    stated = str(workflow.get("id") or "")
    return stated or (f"workflow-{index}" if index else "workflow")


def build_contents(
    workflows: Sequence[Workflow],
    *,
    solution: str,
    version: str,
    constants: Sequence[str] = (),
    names: Mapping[tuple[str, str, str], str] | None = None,
) -> Contents:
    """Return the contents of a package of workflows as an instance gives them, its values and credentials left out.

    `names` tells which connection stands for which credential; without it, `name_credentials` says.
    """
    kept = [keep(check_workflow(w, where=f"workflow {w.get('id')}", again=_AGAIN)) for w in workflows]
    named = name_credentials(kept) if names is None else names
    own = tuple(without_values(with_connections(w, named), constants) for w in kept)
    return Contents(
        solution=solution,
        version=version,
        contains=tuple(Contained(w["id"], name_of(w)) for w in own),
        variables=find_variables(own, constants),
        connections=find_connections(own),
        constants=tuple(sorted(set(constants))),
        dependencies=find_dependencies(own),
        workflows=own,
    )
