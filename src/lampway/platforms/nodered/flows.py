"""A Node-RED flows array: what its nodes are, which of them a solution holds, and what they do apart from layout.

A runtime has one flat array. Tabs, subflows and groups are nodes too; `z` names the tab or subflow a node is in, `g`
its group, `wires` what it sends to. Configuration nodes such as brokers have no place on a canvas; they are
found by their id standing in some property of another node.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from lampway.domain.digest import digest
from lampway.domain.package import Scope
from lampway.errors import NotFoundError, UsageError
from lampway.platforms.jsontext import dumps_js

__all__ = [
    "SUBFLOW_PREFIX",
    "Kind",
    "Node",
    "children",
    "dumps_js",
    "entries_of",
    "fingerprint",
    "group_members",
    "groups_around",
    "has_entries",
    "is_name_only",
    "kind_of",
    "name_of",
    "normalise",
    "owners",
    "references",
    "revision",
    "select",
    "strip",
    "strip_all",
    "tab_named",
    "tabs",
    "title_of",
]

Node = dict[str, Any]
"""One entry of a flows array, as Node-RED keeps it."""

SUBFLOW_PREFIX = "subflow:"
"""What the type of a subflow instance starts with; the subflow's id follows."""

_NO_REFERENCES = {"id", "type", "z", "g", "wires", "name", "label", "info", "credentials", "x", "y"}
_LAYOUT = {"x", "y", "g", "l", "info", "locked"}
_GROUP_LAYOUT = {"w", "h", "style", "nodes"}
_DEEPEST_GROUP = 50
_NAME_ONLY = re.compile(r"\$\{(?:\$parent\.)?[^\W\d]\w*\}|(?:\$parent\.)?[^\W\d]\w*")


class Kind(StrEnum):
    """What a node is."""

    TAB = "tab"
    SUBFLOW = "subflow"
    INSTANCE = "subflow instance"
    GROUP = "group"
    CONFIG = "config node"
    GLOBAL_CONFIG = "global-config"
    JUNCTION = "junction"
    COMMENT = "comment"
    ORDINARY = "node"


_BY_TYPE = {
    "tab": Kind.TAB,
    "subflow": Kind.SUBFLOW,
    "group": Kind.GROUP,
    "junction": Kind.JUNCTION,
    "comment": Kind.COMMENT,
    "global-config": Kind.GLOBAL_CONFIG,
}


def kind_of(node: Node) -> Kind:
    """Return what a node is. As in the runtime, what has no place on a canvas is a configuration node."""
    known = _BY_TYPE.get(node["type"])
    if known:
        return known
    if node["type"].startswith(SUBFLOW_PREFIX):
        return Kind.INSTANCE
    if ("x" in node and "y" in node) or "wires" in node:
        return Kind.ORDINARY
    return Kind.CONFIG


def name_of(node: Node) -> str:
    """Return what the maker calls a node; type and id where it has no name."""
    for key in ("label", "name") if node["type"] == "tab" else ("name", "label"):
        name = node.get(key)
        if isinstance(name, str) and name.strip():
            return " ".join(name.split())
    kind = "subflow instance" if node["type"].startswith(SUBFLOW_PREFIX) else node["type"]
    return f"{kind} {node['id']}"


def title_of(node: Node) -> str:
    """Return a node's type and name, as in `http request ERP`."""
    kind = "subflow instance" if node["type"].startswith(SUBFLOW_PREFIX) else node["type"]
    name = name_of(node)
    return name if name.startswith(f"{kind} ") else f"{kind} {name}"


def revision(nodes: Sequence[Node]) -> str:
    """Return the `rev` that a runtime holding exactly these nodes, in this order, reports."""
    return hashlib.sha256(dumps_js(nodes).encode()).hexdigest()


def tabs(nodes: Sequence[Node]) -> list[Node]:
    """Return the tabs, in the order of the array."""
    return [node for node in nodes if node["type"] == "tab"]


def tab_named(nodes: Sequence[Node], name: str) -> Node:
    """Return the tab with this id or label.

    Raises NotFoundError for none, UsageError for a label that two tabs have.
    """
    there = tabs(nodes)
    found = [tab for tab in there if tab["id"] == name] or [tab for tab in there if tab.get("label") == name]
    if len(found) == 1:
        return found[0]
    if not found:
        known = ", ".join(dict.fromkeys(name_of(tab) for tab in there)) or "none"
        raise NotFoundError(f"no tab named *{name}*", hint=f"the tabs there are: {known}")
    same = ", ".join(tab["id"] for tab in found)
    raise UsageError(f"{len(found)} tabs are named *{name}*", hint=f"rename one, or name it by its id: {same}")


def select(nodes: Sequence[Node], scope: Scope) -> list[Node]:
    """Return the nodes that belong to a solution, in the order of the array.

    These are its tabs with everything on them, the subflows they use with everything in those, and the configuration
    nodes that any of these refer to. Never a `global-config` node: that one belongs to the environment. Raises
    NotFoundError when a tab is not there or the scope names none, UsageError when a name fits two tabs.
    """
    if not scope.contains:
        known = ", ".join(name_of(tab) for tab in tabs(nodes)) or "none"
        hint = f"name its tabs under `contains`; the tabs there are: {known}"
        raise NotFoundError(f"solution *{scope.solution}* names no tab", hint=hint)
    return _reached_from(nodes, [tab_named(nodes, name)["id"] for name in scope.contains])


def owners(nodes: Sequence[Node], scopes: Mapping[str, Scope]) -> dict[str, tuple[str, ...]]:
    """Return for every node that some solution holds the solutions that hold it, sorted.

    More than one owner means that a tab, subflow or configuration node is shared. Tabs that a scope names and that are
    not there, or whose name fits two, are passed over: they own nothing here.
    """
    owned: dict[str, set[str]] = {}
    for solution, scope in scopes.items():
        for node in _reached_from(nodes, _tabs_there(nodes, scope)):
            owned.setdefault(node["id"], set()).add(solution)
    return {id_: tuple(sorted(solutions)) for id_, solutions in owned.items()}


def _tabs_there(nodes: Sequence[Node], scope: Scope) -> list[str]:
    there = []
    for name in scope.contains:
        try:
            there.append(tab_named(nodes, name)["id"])
        except UsageError:
            continue
    return there


def _reached_from(nodes: Sequence[Node], containers: Sequence[str]) -> list[Node]:
    by_id = {node["id"]: node for node in nodes}
    held = children(nodes)
    waiting = list(containers)
    reached: set[str] = set()
    while waiting:
        id_ = waiting.pop()
        if id_ in reached or kind_of(by_id[id_]) is Kind.GLOBAL_CONFIG:
            continue
        reached.add(id_)
        waiting += [child["id"] for child in held.get(id_, ())]
        waiting += _used_by(by_id[id_], by_id)
    return [node for node in nodes if node["id"] in reached]


def children(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    """Return for every tab and subflow the nodes in it, in the order of the array."""
    held: dict[str, list[Node]] = {node["id"]: [] for node in nodes if node["type"] in {"tab", "subflow"}}
    for node in nodes:
        if node.get("z") in held and node["type"] not in {"tab", "subflow"}:
            held[node["z"]].append(node)
    return held


def _used_by(node: Node, by_id: Mapping[str, Node]) -> Iterator[str]:
    """Yield the ids of the subflow and the environment-wide configuration nodes that a node uses."""
    if kind_of(node) is Kind.INSTANCE and node["type"].removeprefix(SUBFLOW_PREFIX) in by_id:
        yield node["type"].removeprefix(SUBFLOW_PREFIX)
    for id_ in references(node):
        other = by_id.get(id_)
        if other is not None and kind_of(other) is Kind.CONFIG and other.get("z", "") not in by_id:
            yield id_


def references(node: Node) -> Iterator[str]:
    """Yield every text inside a node's own properties; those that are an id refer to that node."""
    waiting = [value for key, value in node.items() if key not in _NO_REFERENCES]
    while waiting:
        value = waiting.pop()
        if isinstance(value, str):
            yield value
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, dict):
            waiting += value.values()


def has_entries(node: Node) -> bool:
    """Return whether a node is of a kind that gives an environment to others: tab, group, subflow or its instance."""
    return node["type"] in {"tab", "group", "subflow"} or node["type"].startswith(SUBFLOW_PREFIX)


def entries_of(node: Node) -> list[Node]:
    """Return the environment entries that a node gives to others; `env` of any other node is a property like any."""
    entries: list[Node] = (node.get("env") or []) if has_entries(node) else []
    return entries


def strip(node: Node, constants: Collection[str] = ()) -> Node:
    """Return a node without anything that an environment gives: credentials, and the values of its environment entries.

    On tabs and groups a value stays when its name is a declared constant, or when it only names another variable.
    Values that subflows and their instances give are design and stay. Secrets never stay, not even declared constant.
    """
    kept = {key: value for key, value in node.items() if key not in {"credentials", "_users", "rev"}}
    if entries_of(node):
        outer = node["type"] in {"tab", "group"}
        kept["env"] = [_strip_entry(entry, constants, outer=outer) for entry in entries_of(node)]
    return kept


def strip_all(nodes: Sequence[Node], constants: Collection[str] = ()) -> list[Node]:
    """Return every node stripped of what an environment gives."""
    return [strip(node, constants) for node in nodes]


def _strip_entry(entry: Node, constants: Collection[str], *, outer: bool) -> Node:
    if entry.get("type") == "cred":
        return {**entry, "value": ""}
    if not outer or entry.get("name") in constants or is_name_only(entry):
        return entry
    return {**entry, "value": ""}


def is_name_only(entry: Node) -> bool:
    """Return whether an environment entry holds no value of its own, only the name of another variable."""
    value = entry.get("value")
    return entry.get("type") == "env" and isinstance(value, str) and _NAME_ONLY.fullmatch(value) is not None


def normalise(node: Node, constants: Collection[str] = (), members: Collection[str] = ()) -> Node:
    """Return what a node does: without layout, documentation, order of wires, and anything an environment gives.

    `members` are the nodes that a group acts upon; given for groups with an environment of their own only, for no other
    group does anything.
    """
    left_out = _LAYOUT | _GROUP_LAYOUT if node["type"] == "group" else _LAYOUT
    kept = {key: value for key, value in strip(node, constants).items() if key not in left_out}
    if kind_of(node) is Kind.CONFIG:  # it has no canvas, so these are its own properties
        kept |= {key: node[key] for key in ("x", "y", "l") if key in node}
    if isinstance(kept.get("wires"), list):
        kept["wires"] = [_sorted(output) for output in kept["wires"]]
    if node["type"] in {"link in", "link out"}:
        kept["links"] = _sorted(kept.get("links", []))
    if node["type"] == "subflow":
        kept |= {key: _without_place(kept[key]) for key in ("in", "out", "status") if key in kept}
    for idle in ("d", "disabled") if node["type"] == "tab" else ("d",):
        if kept.get(idle) is False:
            del kept[idle]
    if has_entries(node) and not kept.get("env", True):
        del kept["env"]
    return {**kept, "members": sorted(members)} if members else kept


def _sorted(output: Any) -> Any:
    return sorted(output, key=dumps_js) if isinstance(output, list) else output


def _without_place(port: Any) -> Any:
    if isinstance(port, list):
        return [_without_place(item) for item in port]
    if not isinstance(port, dict):
        return port
    kept = {key: value for key, value in port.items() if key not in {"x", "y"}}
    return {**kept, "wires": _sorted(kept["wires"])} if "wires" in kept else kept


def fingerprint(node: Node, constants: Collection[str] = (), members: Collection[str] = ()) -> str:
    """Return the digest of what a node does."""
    return digest(normalise(node, constants, members))


def groups_around(node: Node, by_id: Mapping[str, Node]) -> list[Node]:
    """Return the groups a node is in, the nearest first, to a depth that no canvas shows."""
    around: list[Node] = []
    inner = node
    for _ in range(_DEEPEST_GROUP):
        inner = by_id.get(inner.get("g") or "", {})
        if inner.get("type") != "group":
            break
        around.append(inner)
    return list({group["id"]: group for group in around}.values())


def group_members(nodes: Sequence[Node]) -> dict[str, list[str]]:
    """Return for every group that does something the ids of the nodes inside it, those of inner groups included.

    A group does something when it has an environment of its own, or when a catch, status or complete node in it watches
    the group.
    """
    by_id = {node["id"]: node for node in nodes}
    around = {node["id"]: [group["id"] for group in groups_around(node, by_id)] for node in nodes if node.get("g")}
    acting = {node["id"] for node in nodes if node["type"] == "group" and entries_of(node)}
    acting |= {around[node["id"]][0] for node in nodes if node.get("scope") == "group" and around.get(node["id"])}
    members: dict[str, list[str]] = {id_: [] for id_ in acting}
    for id_, groups in around.items():
        for group in groups:
            if group in acting and (id_ in acting or by_id[id_]["type"] != "group"):
                members[group].append(id_)
    return members
