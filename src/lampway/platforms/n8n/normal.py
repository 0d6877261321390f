"""What workflows do: without layout, documentation and values, and with nodes told by their ids instead of their names.

Equal here means that a run cannot tell two workflows apart. What only moved on the canvas is the same, but for one
thing: with `executionOrder` v1, n8n runs the branches behind a node from the top of the canvas to its bottom.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from lampway.domain.digest import digest
from lampway.platforms.n8n.configuration import without_values
from lampway.platforms.n8n.workflows import Node, Workflow, loose_wires, name_of, node_id, place_of

_NODE_LAYOUT = {"id", "position", "notes", "notesInFlow", "color", "credentials", "parameters"}
_IDLE: Mapping[str, Any] = {
    "disabled": False,
    "executeOnce": False,
    "retryOnFail": False,
    "alwaysOutputData": False,
    "continueOnFail": False,
    "onError": "stopWorkflow",
}
USUAL: Mapping[str, Any] = {
    "availableInMCP": False,
    "callerPolicy": "workflowsFromSameOwner",
    "executionOrder": "v0",
    "executionTimeout": -1,
    "saveExecutionProgress": "DEFAULT",
    "saveManualExecutions": "DEFAULT",
    "saveDataErrorExecution": "DEFAULT",
    "saveDataSuccessExecution": "DEFAULT",
    "timeSavedMode": "fixed",
    "timezone": "DEFAULT",
    "errorWorkflow": "",
}
_CACHED = {"cachedResultName", "cachedResultUrl"}
_NAMED = re.compile(r"""(\$\(\s*|\$node\s*\[\s*|\$items\s*\(\s*)((["'`])((?:\\.|(?!\3)[^\\\n])*+)\3)""")
_DOTTED = re.compile(r"(\$node\.)([A-Za-z_]\w*)")


def normal_nodes(workflow: Workflow, constants: Collection[str] = ()) -> dict[str, Node]:
    """Return for the name of every node what it does.

    Values in *Configuration* nodes are left out, but for those of constants.
    """
    bare = without_values(workflow, constants)
    ids = {node["name"]: node_id(node) for node in bare["nodes"]}
    places = {node["name"]: place_of(node) for node in bare["nodes"]}
    return {node["name"]: _normal(bare, node, ids, places) for node in bare["nodes"]}


def _normal(workflow: Workflow, node: Node, ids: Mapping[str, str], places: Mapping[str, tuple[float, float]]) -> Node:
    kept = {k: v for k, v in node.items() if k not in _NODE_LAYOUT and _IDLE.get(k, _IDLE) != v and v is not None}
    kept["parameters"] = by_ids(node["parameters"], ids)
    if node.get("credentials"):
        kept["credentials"] = node["credentials"]
    wires = normal_wires(workflow, node, ids)
    order = _order(workflow, node, places)
    return {**kept, **({"wires": wires} if wires else {}), **({"order": [ids[n] for n in order]} if order else {})}


def by_ids(value: Any, ids: Mapping[str, str]) -> Any:
    """Return a parameter with the names of nodes in its expressions replaced by their ids."""
    if isinstance(value, str):
        return _expression(value, ids) if "$" in value else value
    if isinstance(value, list):
        return [by_ids(item, ids) for item in value]
    if isinstance(value, dict):
        left_out = _CACHED if value.get("__rl") else ()
        return {key: by_ids(item, ids) for key, item in value.items() if key not in left_out}
    return value


def _expression(text: str, ids: Mapping[str, str]) -> str:
    named = _NAMED.sub(lambda m: f"{m[1]}{m[3]}{ids.get(_unescaped(m[4]), m[4])}{m[3]}", text)
    return _DOTTED.sub(lambda m: m[1] + ids.get(m[2], m[2]), named)


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def normal_wires(workflow: Workflow, node: Node, ids: Mapping[str, str]) -> dict[str, list[list[list[Any]]]]:
    """Return the wires that leave a node: by kind and output, each end as id, kind and input."""
    is_ordered = workflow["settings"].get("executionOrder") != "v1"
    found: dict[str, list[list[list[Any]]]] = {}
    for kind, outputs in (workflow["connections"].get(node["name"]) or {}).items():
        ends = [
            [[ids.get(e["node"], e["node"]), e.get("type") or kind, e.get("index") or 0] for e in output or ()]
            for output in outputs
        ]
        while ends and not ends[-1]:
            ends.pop()
        if ends:
            found[kind] = ends if is_ordered else [sorted(output) for output in ends]
    return found


def _order(workflow: Workflow, node: Node, places: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the names of the nodes behind a node in the order they run, where their places on the canvas say so."""
    if workflow["settings"].get("executionOrder") != "v1":
        return []
    outputs = (workflow["connections"].get(node["name"]) or {}).get("main", [])
    names = {end["node"] for output in outputs for end in output or () if end["node"] in places}
    return sorted(names, key=lambda name: (places[name][1], places[name][0], name)) if len(names) > 1 else []


def order_of(workflow: Workflow, node: Node) -> list[str]:
    """Return the ids of the nodes behind a node in the order they run, where their places on the canvas say so."""
    ids = {other["name"]: node_id(other) for other in workflow["nodes"]}
    return [ids[name] for name in _order(workflow, node, {o["name"]: place_of(o) for o in workflow["nodes"]})]


def normalise(workflow: Workflow) -> Workflow:
    """Return what a workflow itself does, apart from its nodes: its name, whether it is active, its settings."""
    settings = {k: v for k, v in workflow["settings"].items() if v is not None and USUAL.get(k, USUAL) != v}
    loose = [[w.source, w.kind, w.output, w.target, w.into, w.index] for w in loose_wires(workflow)]
    whole = {"name": name_of(workflow), "active": workflow["active"], "settings": settings}
    return {**whole, "loose": loose} if loose else whole


def exact_digest(workflow: Workflow) -> str:
    """Return the digest of everything in a workflow of a package, its layout and documentation too."""
    return digest(workflow)
