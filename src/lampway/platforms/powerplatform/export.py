"""Read a solution out of the environment where it is built, in both forms, and prove that they are one build."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable, Iterator, Mapping

from lampway.domain.package import Component, Inventory, Scope, fingerprint_of
from lampway.engine.platform import Export
from lampway.errors import (
    InvalidPackageError,
    NotFoundError,
    PlatformError,
    RefusedError,
    UnreachableError,
    UsageError,
)
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.contents import Contents, read_package
from lampway.platforms.powerplatform.diff import diff_contents
from lampway.platforms.powerplatform.held import Held, find_held, held_solutions
from lampway.platforms.powerplatform.inventory import BINDING, inspect_contents
from lampway.platforms.powerplatform.jobs import OperationState, read_operation, seconds_between
from lampway.platforms.powerplatform.manifest import version_key
from lampway.platforms.powerplatform.publishing import publish_all
from lampway.platforms.powerplatform.signin import told
from lampway.platforms.powerplatform.values import read_connections, read_values

WORKBENCH = frozenset({"default", "active", "basic"})
"""Solutions that every environment has, for what belongs to no other."""

_LONGEST = 1800.0  # seconds that an export may take
_NOTE = (
    "what was saved and not published is not in the export: publish all customizations before a release, or write"
    " `publish: all` under settings of the environment where it is built"
)


def solution_name(scope: Scope) -> str:
    """Return the unique name of the solution that a scope describes. Raises RefusedError where it names several."""
    if len(scope.contains) > 1:
        hint = "let `contains` name one solution by its unique name, or leave it out where the names are the same"
        raise RefusedError(f"{scope.solution} is said to be several solutions", hint=hint)
    return scope.contains[0] if scope.contains else scope.solution


def export_solution(
    client: Client, scope: Scope, known: Mapping[str, Scope], *, pause: Callable[[float], None] = time.sleep
) -> Export:
    """Return the solution in its managed form, with the unmanaged one as its source.

    Changes nothing, but that what makers saved is published first where the environment's settings ask for it. Raises
    NotFoundError, RefusedError for what is managed there already, for two owners and for two forms that are not the
    same build, UsageError for such a setting that is none.
    """
    name = solution_name(scope)
    for other in known.values():
        if other.solution != scope.solution and solution_name(other).casefold() == name.casefold():
            hint = "one solution of the platform is one solution of the strategy"
            raise RefusedError(f"{name} belongs to {other.solution} as well", hint=hint)
    held = find_held(client, name)
    if held is None:
        hint = "give its unique name, as the list of solutions shows it; the display name is another"
        raise NotFoundError(f"no solution {name} in {client.where}", hint=hint)
    if held.managed:
        hint = "export it where it is built; a managed solution never leaves the environment it was installed in"
        raise RefusedError(f"{name} is managed in {client.where} and cannot be exported", hint=hint)
    is_published = _publish(client, pause=pause)
    source = _export(client, held, managed=False, pause=pause)
    package = _export(client, held, managed=True, pause=pause)
    contents = require_one_build(source, package, client.where)
    inventory = inspect_contents(contents).inventory
    values, connections = read_values(client), read_connections(client)
    given = {v.name: found.value for v in inventory.variables if (found := values.get(v.name.casefold()))}
    bound = {c.name: (BINDING,) for c in inventory.connections if _is_bound(connections, c.name)}
    return Export(
        package=package,
        source=source,
        values={name: value for name, value in given.items() if value is not None},
        bound=bound,
        editors=None,
        unowned=tuple(unowned_solutions(client, {solution_name(s) for s in known.values()})),
        notes=() if is_published else (_NOTE,),
    )


def _is_bound(connections: Mapping[str, object], name: str) -> bool:
    return bool(getattr(connections.get(name.casefold()), "connection", ""))


def unowned_solutions(client: Client, names: set[str]) -> Iterator[Component]:
    """Yield the unmanaged solutions there that are none of these: what people build in no solution we know."""
    ours = {name.casefold() for name in names} | WORKBENCH
    for held in held_solutions(client):
        if not held.managed and held.name.casefold() not in ours:
            yield Component("solution", held.name, held.name.casefold(), fingerprint_of(()))


def _publish(client: Client, *, pause: Callable[[float], None]) -> bool:
    """Publish what makers saved, where the settings say so. Raises UsageError, and like `publish_all`."""
    wish = told(client.access, "publish", "")
    if wish not in {"", "all"}:
        raise UsageError(f"publish is {wish[:40]!r} in its settings", where=client.where, hint="write all, or nothing")
    if wish:
        publish_all(client, pause=pause)
    return bool(wish)


def _export(client: Client, held: Held, *, managed: bool, pause: Callable[[float], None]) -> bytes:
    body = {"SolutionName": held.name, "Managed": managed}
    begun = client.action("ExportSolutionAsync", body, is_change=False)
    operation, job = str(begun.get("AsyncOperationId") or ""), str(begun.get("ExportJobId") or "")
    end = time.monotonic() + _LONGEST
    while True:
        state, words = read_operation(client, operation)
        if state is OperationState.SUCCEEDED:
            break
        if state is not OperationState.RUNNING:
            raise PlatformError(f"the export of {held.name} failed: {words}", where=client.where)
        if time.monotonic() > end:
            raise UnreachableError(f"the export of {held.name} does not come to its end", where=client.where)
        pause(seconds_between(client))
    answer = client.action("DownloadSolutionExportData", {"ExportJobId": job}, is_change=False)
    try:
        return base64.b64decode(str(answer.get("ExportSolutionFile") or ""), validate=True)
    except (binascii.Error, ValueError):
        raise PlatformError("answers the export with no package", where=client.where) from None


def require_one_build(source: bytes, package: bytes, where: str) -> Contents:
    """Return the managed form, proven to be the same build as the unmanaged one. Raises RefusedError, PlatformError."""
    try:
        unmanaged, managed = read_package(source), read_package(package)
        found = diff_contents(unmanaged, managed)
    except InvalidPackageError as error:
        raise PlatformError(f"exports a package that cannot be read: {error}", where=where) from error
    if unmanaged.manifest.managed or not managed.manifest.managed:
        raise PlatformError("exports another form than it was asked for", where=where)
    versions = {version_key(one.manifest.version) for one in (unmanaged, managed)}
    names = {one.manifest.unique_name for one in (unmanaged, managed)}
    if not found.is_empty or len(versions) > 1 or len(names) > 1:
        raise RefusedError(
            "the managed and the unmanaged export are not the same build",
            where=where,
            hint="somebody saved between the two: try again when nobody does",
            details=found.summaries() or ("they differ in their manifest",),
        )
    return managed


def inventory_of(package: bytes) -> Inventory:
    """Return what a package holds and needs. Raises InvalidPackageError."""
    return inspect_contents(read_package(package)).inventory
