"""What is inside a Node-RED package, in the words that hold for every platform."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lampway.domain.package import Component, Connection, Inventory, Variable, fingerprint_of
from lampway.platforms.names import is_endpoint_name, is_secret_name
from lampway.platforms.nodered.contents import Contents
from lampway.platforms.nodered.flows import (
    SUBFLOW_PREFIX,
    Kind,
    Node,
    fingerprint,
    group_members,
    kind_of,
    name_of,
    title_of,
)
from lampway.platforms.nodered.needs import VariableSlot

_PARTLY = re.compile(r"\$\{[^{}\s]+\}")


def inventory_of(contents: Contents) -> Inventory:
    """Return everything that the package holds and needs."""
    components = components_of(contents)
    connections = [Connection(slot.name, slot.connector, slot.fields, slot.node) for slot in contents.connections]
    return Inventory(
        platform="node-red",
        solution=contents.solution,
        version=contents.version,
        managed=None,
        fingerprint=fingerprint_of(components),
        components=components,
        variables=_variables(contents.variables),
        connections=tuple(connections),
        dependencies=contents.dependencies,
        notes=tuple(_notes(contents)),
    )


def components_of(contents: Contents) -> tuple[Component, ...]:
    """Return one component per tab, subflow, node and configuration node, and per group that does something.

    The environment's own `global-config` node is none.
    """
    members = group_members(contents.nodes)
    return tuple(
        component_of(node, contents.constants, members.get(node["id"], ()))
        for node in contents.nodes
        if is_component(node, members)
    )


def is_component(node: Node, members: object) -> bool:
    """Return whether a node does something that a release is about; `members` holds the groups that do."""
    if node["type"] == "group":
        return isinstance(members, dict) and node["id"] in members
    return kind_of(node) is not Kind.GLOBAL_CONFIG


def component_of(node: Node, constants: Sequence[str], members: Sequence[str]) -> Component:
    """Return a node as a component."""
    kind = "subflow instance" if node["type"].startswith(SUBFLOW_PREFIX) else node["type"]
    parent = node.get("z") or ""
    return Component(kind, name_of(node), node["id"], fingerprint(node, constants, members), parent)


def _variables(slots: Sequence[VariableSlot]) -> tuple[Variable, ...]:
    """Return one variable per name: an environment gives one value to every place of that name."""
    by_name: dict[str, list[VariableSlot]] = {}
    for slot in slots:
        by_name.setdefault(slot.name, []).append(slot)
    return tuple(_variable(name, same) for name, same in sorted(by_name.items()))


def _variable(name: str, slots: Sequence[VariableSlot]) -> Variable:
    required = any(slot.required for slot in slots)
    kinds = {slot.type for slot in slots}
    readers = sorted({reader for slot in slots for reader in slot.used_by})
    return Variable(name, kinds.pop() if len(kinds) == 1 else "string", required, not required, tuple(readers))


def _notes(contents: Contents) -> Iterator[str]:
    by_id = {node["id"]: node for node in contents.nodes}
    yield from _notes_on_variables(contents, by_id)
    astray = [name_of(node) for node in contents.nodes if node.get("z") and node["z"] not in by_id]
    if astray:
        yield f"{_these(astray)} on a tab that is not in the file, as in an export of selected nodes"
    missing = sorted(
        {
            node["type"]
            for node in contents.nodes
            if kind_of(node) is Kind.INSTANCE and node["type"].removeprefix(SUBFLOW_PREFIX) not in by_id
        }
    )
    for type_ in missing:
        yield f"{type_} is used and not in the file"
    for node in contents.nodes:
        yield from _notes_on(node, by_id)


def _notes_on_variables(contents: Contents, by_id: dict[str, Node]) -> Iterator[str]:
    places: dict[str, list[str]] = {}
    for slot in contents.variables:
        places.setdefault(slot.name, []).append(title_of(by_id[slot.node]) if slot.node else "")
    for name, where in places.items():
        if len(where) > 1:
            told = " and ".join(place or "the whole environment" for place in where)
            yield f"variable {name} belongs to {told}; an environment gives one value to all of them"


def _notes_on(node: Node, by_id: dict[str, Node]) -> Iterator[str]:
    if node["type"] in {"link in", "link out", "link call"}:
        links = node.get("links")
        outside = isinstance(links, list) and any(isinstance(link, str) and link not in by_id for link in links)
        if outside:
            yield f"{title_of(node)} is linked to something outside of the solution"
    for key, value in node.items():
        found = _PARTLY.search(value) if isinstance(value, str) and "${" in value else None
        if not found or found[0] == value or node.get(f"{key}Type") == "env":
            continue
        if is_endpoint_name(key) or is_secret_name(key):
            yield f"{title_of(node)}: Node-RED replaces {found[0]} in {key} only when it is the whole value"


def _these(names: Sequence[str]) -> str:
    return f"{names[0]} is" if len(names) == 1 else f"{len(names)} nodes are"
