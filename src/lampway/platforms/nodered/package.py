"""Node-RED packages: the flows of one solution and what they need, as one file that holds no environment's values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lampway.domain.graph import Graph
from lampway.domain.package import Diff, Inspection, Scope
from lampway.errors import InvalidPackageError
from lampway.platforms.jsontext import dumps_js, parse
from lampway.platforms.nodered import source
from lampway.platforms.nodered.contents import (
    Contained,
    Contents,
    check_nodes,
    find_dependencies,
    read_exactly,
    read_package,
    write_package,
)
from lampway.platforms.nodered.diff import diff_contents
from lampway.platforms.nodered.drawing import draw_contents
from lampway.platforms.nodered.flows import Kind, Node, kind_of, name_of, select, strip_all, tab_named
from lampway.platforms.nodered.inventory import inventory_of
from lampway.platforms.nodered.literals import literals_of
from lampway.platforms.nodered.needs import find_connections, find_variables

__all__ = ["Contents", "NodeRedFormat", "build_package", "read_package"]


def build_package(
    nodes: Sequence[Node], scope: Scope, *, credential_fields: Mapping[str, Sequence[str]], version: str = ""
) -> bytes:
    """Return the package of the solution that `scope` describes, cut out of a runtime's whole flows array.

    Every credential is left out, and so is every value that tabs and groups keep in their environment, but for declared
    constants. `credential_fields` tells for node ids which fields the runtime keeps; they become fields of connections,
    as do environment entries of type `cred`. The same flows and the same scope give the same bytes. Raises
    NotFoundError, UsageError as `select` does, and InvalidPackageError for an array that no runtime should hold.
    """
    whole = _as_javascript(nodes)
    own = strip_all(select(whole, scope), scope.constants)
    contained = [tab_named(whole, name) for name in scope.contains]
    variables = find_variables(own, scope.constants)
    kept_secret = _global_secrets(whole) & {slot.name for slot in variables if slot.scope == "global"}
    connections = find_connections(own, credential_fields, scope.connections, kept_secret)
    secret = {field for slot in connections if slot.place == "global" for field in slot.fields}
    return write_package(
        Contents(
            solution=scope.solution,
            version=version or scope.version,
            contains=tuple(dict.fromkeys(Contained(tab["id"], name_of(tab)) for tab in contained)),
            variables=tuple(slot for slot in variables if slot.scope == "tab" or slot.name not in secret),
            connections=connections,
            constants=tuple(sorted(set(scope.constants))),
            dependencies=find_dependencies(own),
            nodes=tuple(own),
        )
    )


def _as_javascript(nodes: Sequence[Node]) -> list[Node]:
    """Return a copy of the nodes with numbers and key order as a runtime holds them."""
    try:
        text = dumps_js(list(nodes))
    except (RecursionError, TypeError) as error:
        raise InvalidPackageError("the flows are no JSON", where="flows", hint="read them from a runtime") from error
    return check_nodes(parse(text, where="flows"), where="flows")


def _global_secrets(nodes: Sequence[Node]) -> set[str]:
    """Return the names that the runtime's global environment keeps as credentials."""
    entries = [e for node in nodes if kind_of(node) is Kind.GLOBAL_CONFIG for e in node.get("env") or ()]
    return {e["name"] for e in entries if isinstance(e, dict) and e.get("type") == "cred" and "name" in e}


class NodeRedFormat:
    """The bytes of Node-RED packages, and of plain exports from its editor. Pure."""

    def inspect(self, package: bytes) -> Inspection:
        """Return what is inside. Raises InvalidPackageError with what, where and how to mend it."""
        contents = read_package(package)
        return Inspection(inventory_of(contents), tuple(literals_of(contents.nodes)))

    def diff(self, old: bytes, new: bytes) -> Diff:
        """Return what separates two packages, in a maker's words. Raises InvalidPackageError."""
        return diff_contents(read_package(old), read_package(new))

    def draw(self, package: bytes) -> tuple[Graph, ...]:
        """Return one graph per tab and subflow, as they lie on the canvas. Raises InvalidPackageError."""
        return draw_contents(read_package(package))

    def unpack(self, package: bytes) -> Mapping[str, bytes]:
        """Return readable source: relative path with `/` to content. Raises InvalidPackageError.

        A plain export is refused: it may hold values and credentials that must not reach git.
        """
        contents = read_exactly(package)
        if contents.is_export:
            hint = "export it as a solution with `lampway release`"
            raise InvalidPackageError("an editor's export cannot be kept as source", hint=hint)
        return source.unpack(contents)

    def pack(self, source_tree: Mapping[str, bytes], /) -> bytes:
        """Return the package of a source tree, byte for byte as it was unpacked. Raises InvalidPackageError."""
        return write_package(source.pack(source_tree))

    def stamp(self, package: bytes, version: str) -> bytes:
        """Return the same package carrying `version`. Raises InvalidPackageError; also for an editor's export."""
        contents = read_exactly(package)
        if contents.is_export:
            hint = "export it as a solution with `lampway release`"
            raise InvalidPackageError("an editor's export carries no version", hint=hint)
        return write_package(replace(contents, version=version))

    def recognises(self, package: bytes) -> bool:
        """Return whether these bytes are a Node-RED package or an editor's export; never raises."""
        try:
            contents = read_exactly(package)
        except InvalidPackageError:
            return False
        return not contents.is_export or bool(contents.nodes)
