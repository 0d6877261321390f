"""n8n workflows: what their nodes are, how they are wired, and what they do apart from layout.

A workflow is one JSON object. Its wires are told beside its nodes: under the name of the node they leave, by kind
(`main`, or what an AI node takes such as `ai_tool`), one list of ends per output. Names of nodes are unique in a
workflow, and expressions in other nodes read a node by its name; ids of nodes are what stays when one is renamed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lampway.domain.package import Scope
from lampway.errors import InvalidPackageError, NotFoundError, UsageError

Workflow = dict[str, Any]
"""A workflow, as n8n gives it or as a package holds it."""
Node = dict[str, Any]
"""One entry of a workflow's `nodes`."""

STICKY = "n8n-nodes-base.stickyNote"
OWN_TAG = "lampway:"
"""What the tags begin with that Lampway itself puts on workflows; they are in no package."""

_KEPT = ("id", "name", "description", "active", "tags", "settings", "nodes", "connections", "nodeGroups")
"""What of a workflow is in a package; everything else says how one instance keeps it."""
_SET_BY_ITSELF = {"binaryMode"}
"""Settings that n8n works out, whatever one sends."""
_CORE = ("n8n-nodes-base.", "@n8n/n8n-nodes-langchain.")
_CALLERS = {
    "n8n-nodes-base.executeWorkflow",
    "@n8n/n8n-nodes-langchain.toolWorkflow",
    "@n8n/n8n-nodes-langchain.retrieverWorkflow",
}


def node_id(node: Node) -> str:
    """Return what stays when a node is renamed: its id, or in old exports, which have none, its name."""
    id_ = node.get("id")
    return id_ if isinstance(id_, str) and id_ else str(node["name"])


def kind_of(node: Node) -> str:
    """Return what a maker calls the kind of a node: `n8n-nodes-base.httpRequest` gives http request."""
    short = str(node["type"]).rpartition(".")[2] or str(node["type"])
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", short).lower().split())


def name_of(workflow: Workflow) -> str:
    """Return what the maker calls a workflow; its id where it has no name."""
    name = workflow.get("name")
    plain = " ".join(name.split()) if isinstance(name, str) else ""
    return plain or f"workflow {workflow['id']}"


def component_id(workflow: Workflow, node: Node) -> str:
    """Return the id of a node as a component: copies of a workflow may share the ids of nodes."""
    return f"{workflow['id']}/{node_id(node)}"


def places_of(workflow: Workflow) -> dict[str, str]:
    """Return for the name of every node where a maker finds it: `workflow Orders / http request ERP`."""
    return {n["name"]: f"workflow {name_of(workflow)} / {kind_of(n)} {_flat(n['name'])}" for n in workflow["nodes"]}


def _flat(text: str) -> str:
    return " ".join(text.split())


def community_package(type_: str) -> str:
    """Return the community package that brings a node type; empty for one of n8n's own."""
    return "" if type_.startswith(_CORE) else type_.rpartition(".")[0] or type_


@dataclass(frozen=True, slots=True)
class Wire:
    """One wire between two nodes, which are told by name."""

    source: str
    kind: str
    output: int
    target: str
    into: str
    """The kind at its other end; hardly ever another one."""
    index: int
    """Which input it goes into."""


def wires_of(workflow: Workflow) -> Iterator[Wire]:
    """Yield every wire in the order of the workflow, also those whose ends are not there."""
    for source, kinds in workflow["connections"].items():
        for kind, outputs in kinds.items():
            for output, ends in enumerate(outputs):
                for end in ends or ():
                    yield Wire(source, kind, output, end["node"], end.get("type") or kind, end.get("index") or 0)


def loose_wires(workflow: Workflow) -> list[Wire]:
    """Return the wires that begin or end at a node that is not there; n8n refuses to save such a workflow."""
    known = {node["name"] for node in workflow["nodes"]}
    return [wire for wire in wires_of(workflow) if not {wire.source, wire.target} <= known]


@dataclass(frozen=True, slots=True)
class Call:
    """A place where a workflow names another one."""

    place: str
    id: str
    name: str
    """What the editor last knew it by; may be empty."""


def calls_of(workflow: Workflow) -> Iterator[Call]:
    """Yield every other workflow that this one names by its id: called by nodes, run on errors, allowed to call.

    What an expression works out while it runs is not known, and left out.
    """
    places = places_of(workflow)
    for node in workflow["nodes"]:
        if node["type"] in _CALLERS:
            stated = node["parameters"].get("workflowId")
            id_, name = _located(stated)
            if id_ and not id_.startswith("="):
                yield Call(places[node["name"]], id_, name)
    settings = workflow["settings"]
    whole = f"workflow {name_of(workflow)} / settings"
    if isinstance(settings.get("errorWorkflow"), str) and settings["errorWorkflow"] not in {"", "DEFAULT"}:
        yield Call(f"{whole} / error workflow", settings["errorWorkflow"], "")
    for id_ in _caller_ids(settings):
        yield Call(f"{whole} / callers", id_, "")


def _located(stated: Any) -> tuple[str, str]:
    if isinstance(stated, dict):
        return str(stated.get("value") or ""), str(stated.get("cachedResultName") or "")
    return (stated, "") if isinstance(stated, str) else ("", "")


def _caller_ids(settings: Mapping[str, Any]) -> list[str]:
    stated = settings.get("callerIds")
    return [id_.strip() for id_ in stated.split(",") if id_.strip()] if isinstance(stated, str) else []


def tags_of(workflow: Workflow) -> list[str]:
    """Return the names of a workflow's tags but for our own, sorted."""
    stated = workflow.get("tags") or []
    names = [tag.get("name") if isinstance(tag, dict) else tag for tag in stated]
    return sorted({name for name in names if isinstance(name, str) and name and not name.startswith(OWN_TAG)})


def keep(workflow: Workflow) -> Workflow:
    """Return what of a workflow a package is about, with its keys in one order; credentials and values still in it."""
    settings = {k: v for k, v in (workflow.get("settings") or {}).items() if k not in _SET_BY_ITSELF}
    whole = {
        **workflow,
        "id": str(workflow["id"]),
        "active": bool(workflow.get("active")),
        "tags": tags_of(workflow),
        "settings": settings,
        "nodes": [_kept_node(node) for node in workflow["nodes"]],
        "connections": workflow.get("connections") or {},
    }
    return {key: whole[key] for key in _KEPT if whole.get(key) is not None}


def _kept_node(node: Node) -> Node:
    kept = {key: value for key, value in node.items() if key not in {"issues", "executionData"}}
    return {**kept, "parameters": node.get("parameters") or {}}


def workflow_named(workflows: Sequence[Workflow], name: str) -> Workflow:
    """Return the workflow with this id or name.

    Raises NotFoundError for none, UsageError for a name that two workflows have.
    """
    found = [w for w in workflows if str(w["id"]) == name] or [w for w in workflows if name_of(w) == _flat(name)]
    if len(found) == 1:
        return found[0]
    if not found:
        known = ", ".join(dict.fromkeys(map(name_of, workflows))) or "none"
        raise NotFoundError(f"no workflow named *{name}*", hint=f"the workflows there are: {known}")
    same = ", ".join(str(w["id"]) for w in found)
    raise UsageError(f"{len(found)} workflows are named *{name}*", hint=f"rename one, or name it by its id: {same}")


def select(workflows: Sequence[Workflow], scope: Scope) -> list[Workflow]:
    """Return the workflows that a solution consists of, in the order its owner names them.

    Raises NotFoundError when one is not there or the scope names none, UsageError when a name fits two.
    """
    if not scope.contains:
        known = ", ".join(map(name_of, workflows)) or "none"
        hint = f"name its workflows under `contains`; the workflows there are: {known}"
        raise NotFoundError(f"solution *{scope.solution}* names no workflow", hint=hint)
    found = [workflow_named(workflows, name) for name in scope.contains]
    return list({str(workflow["id"]): workflow for workflow in found}.values())


def place_of(node: Node) -> tuple[float, float]:
    """Return where a node stands on the canvas; 0, 0 where it does not say."""
    match node.get("position"):
        case [int() | float() as x, int() | float() as y] if abs(x) < 1_000_000 and abs(y) < 1_000_000:
            return float(x), float(y)
        case {"x": int() | float() as x, "y": int() | float() as y} if abs(x) < 1_000_000 and abs(y) < 1_000_000:
            return float(x), float(y)
    return 0.0, 0.0


def check_workflow(value: Any, *, where: str, again: str) -> Workflow:
    """Return `value` after checking everything that reading a workflow relies on. Raises InvalidPackageError."""
    fault = _fault(value)
    if fault:
        raise InvalidPackageError(fault, where=where, hint=again)
    seen: set[str] = set()
    named: set[str] = set()
    for index, node in enumerate(value["nodes"]):
        fault = _node_fault(node)
        if fault:
            raise InvalidPackageError(fault, where=f"{where}, node {index + 1}", hint=again)
        for what, text, known in (("name", node["name"], named), ("id", node_id(node), seen)):
            if text in known:
                hint = f"give one of them another {what}; n8n would keep only one"
                raise InvalidPackageError(f"two nodes have the {what} {text[:60]!r}", where=where, hint=hint)
            known.add(text)
    workflow: Workflow = value
    return workflow


def _fault(value: Any) -> str:
    if not isinstance(value, dict):
        return "the workflow is not an object"
    if not isinstance(value.get("nodes"), list):
        return "`nodes` is missing or not a list"
    if not isinstance(value.get("connections"), dict):
        return "`connections` is missing or not an object"
    for key, kind, word in (("name", str, "a text"), ("settings", dict, "an object"), ("tags", list, "a list")):
        if not isinstance(value.get(key), kind | None):
            return f"`{key}` is not {word}"
    if not isinstance(value.get("id"), str | int | None):
        return "`id` is not a text"
    return next((fault for kinds in value["connections"].values() if (fault := _wire_fault(kinds))), "")


def _wire_fault(kinds: Any) -> str:
    if not isinstance(kinds, dict) or not all(isinstance(outputs, list) for outputs in kinds.values()):
        return "`connections` does not list outputs by kind"
    outputs = [output for listed in kinds.values() for output in listed]
    if not all(isinstance(output, list | None) for output in outputs):
        return "`connections` does not list the ends of each output"
    ends = [end for output in outputs for end in output or ()]
    if not all(isinstance(e, dict) and isinstance(e.get("node"), str) for e in ends):
        return "`connections` has an end without the name of a node"
    sound = all(isinstance(e.get("type"), str | None) and isinstance(e.get("index"), int | None) for e in ends)
    return "" if sound else "`connections` has an end whose `type` is no text, or whose `index` is no whole number"


def _node_fault(node: Any) -> str:
    if not isinstance(node, dict):
        return "not an object"
    for key in ("name", "type"):
        if not isinstance(node.get(key), str) or not node[key]:
            return f"`{key}` is missing or not a text"
    if not isinstance(node.get("id"), str | None):
        return "`id` is not a text"
    for key in ("parameters", "credentials"):
        if not isinstance(node.get(key), dict | None):
            return f"`{key}` is not an object"
    return ""
