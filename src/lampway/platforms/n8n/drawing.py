"""The canvases of n8n packages: workflows with their nodes where the maker put them, and every kind of wire."""

from __future__ import annotations

from lampway.domain.graph import Graph, GraphEdge, GraphNode
from lampway.platforms.n8n.contents import Contents
from lampway.platforms.n8n.outputs import label_of, labels_of
from lampway.platforms.n8n.workflows import (
    STICKY,
    Node,
    Workflow,
    component_id,
    kind_of,
    name_of,
    place_of,
    wires_of,
)

_HALF = 48
"""n8n keeps the upper left corner of a node; this is half of its side."""


def draw_contents(contents: Contents) -> tuple[Graph, ...]:
    """Return one graph per workflow. Sticky notes do nothing, and are left out."""
    return tuple(_graph(workflow) for workflow in contents.workflows)


def _graph(workflow: Workflow) -> Graph:
    placed = {node["name"]: node for node in workflow["nodes"] if node["type"] != STICKY}
    ids = {name: component_id(workflow, node) for name, node in placed.items()}
    labels = {name: _labels(workflow, node) for name, node in placed.items()}
    edges = (
        GraphEdge(ids[wire.source], ids[wire.target], label_of(wire, labels[wire.source]))
        for wire in wires_of(workflow)
        if wire.source in ids and wire.target in ids
    )
    nodes = tuple(_node(node, ids[name]) for name, node in placed.items())
    return Graph(workflow["id"], name_of(workflow), nodes, tuple(dict.fromkeys(edges)))


def _labels(workflow: Workflow, node: Node) -> list[str]:
    return labels_of(node, len((workflow["connections"].get(node["name"]) or {}).get("main", [])))


def _node(node: Node, id_: str) -> GraphNode:
    x, y = place_of(node)
    return GraphNode(id_, " ".join(node["name"].split()) or kind_of(node), kind_of(node), x + _HALF, y + _HALF)
