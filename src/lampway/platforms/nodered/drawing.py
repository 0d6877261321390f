"""The canvases of Node-RED packages: tabs and subflows with their nodes where the maker put them, and the wires."""

from __future__ import annotations

from typing import Any

from lampway.domain.graph import Graph, GraphEdge, GraphNode
from lampway.platforms.nodered.contents import Contents
from lampway.platforms.nodered.flows import SUBFLOW_PREFIX, Node, children, name_of

_TAB_TYPES = {"tab", "subflow"}
_BESIDE = {"group", "comment"}


def draw_contents(contents: Contents) -> tuple[Graph, ...]:
    """Return one graph per tab and subflow. Configuration nodes have no place on a canvas, and comments do nothing."""
    held = children(contents.nodes)
    containers = [node for node in contents.nodes if node["type"] in _TAB_TYPES]
    return tuple(_graph(container, held[container["id"]]) for container in containers)


def _graph(container: Node, inside: list[Node]) -> Graph:
    placed = [n for n in inside if n["type"] not in _BESIDE and _number(n.get("x")) and _number(n.get("y"))]
    known = {n["id"] for n in placed}
    edges = tuple(dict.fromkeys(edge for node in placed for edge in _wires(node) if edge.target in known))
    return Graph(container["id"], name_of(container), tuple(_node(n) for n in placed), edges)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1_000_000


def _node(node: Node) -> GraphNode:
    kind = "subflow instance" if node["type"].startswith(SUBFLOW_PREFIX) else node["type"]
    name = name_of(node)
    named = "" if name == f"{kind} {node['id']}" else name
    return GraphNode(node["id"], named or kind, kind, float(node["x"]), float(node["y"]))


def _wires(node: Node) -> list[GraphEdge]:
    outputs = node.get("wires")
    found = []
    several = isinstance(outputs, list) and len(outputs) > 1
    for index, targets in enumerate(outputs if isinstance(outputs, list) else [], 1):
        label = str(index) if several else ""
        found += [
            GraphEdge(node["id"], t, label)
            for t in (targets if isinstance(targets, list) else [])
            if isinstance(t, str)
        ]
    return found
