"""What goes over the wire to an instance, and how two drafts are told apart: bodies, digests, packages of n8n's own."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from typing import Any

from lampway.domain.digest import digest
from lampway.platforms.n8n.normal import USUAL
from lampway.platforms.n8n.workflows import Node, Workflow, calls_of, keep, name_of, node_id

REFUSED = "lampway-probe"
"""Id and type of a credential that no instance can have: a package that asks for it is refused."""

_BROUGHT = ("id", "name", "nodes", "connections", "nodeGroups", "settings")
_SENT = ("name", "description", "nodes", "connections", "nodeGroups", "settings")
_LAYOUT = {"position", "notes", "notesInFlow", "color"}
_MADE_UP = {"webhookId"}
"""What n8n adds to nodes that come without it."""


def body_of(workflow: Workflow, live: Workflow | None) -> Workflow:
    """Return what is sent to let a draft be `workflow`, where `live` is there now.

    n8n merges settings into those that are there: what must go is set to what it is by default.
    """
    there = (live or {}).get("settings") or {}
    gone = {key: _reset(key) for key in there if key not in workflow["settings"] and key in USUAL}
    sent = {key: workflow[key] for key in _SENT if workflow.get(key) is not None}
    return {"id": workflow["id"], **sent, "settings": {**gone, **workflow["settings"]}}


def _reset(key: str) -> Any:
    return "DEFAULT" if key == "errorWorkflow" else USUAL[key]


def stuck_settings(workflow: Workflow, live: Workflow) -> list[str]:
    """Return the settings that are there, shall not be, and cannot be taken away."""
    there = keep(live)["settings"]
    return sorted(key for key in there if key not in workflow["settings"] and key not in USUAL)


def published_of(live: Workflow) -> Workflow | None:
    """Return a workflow as it runs; None where it is not published."""
    version = live.get("activeVersion")
    if not live.get("active") or not isinstance(version, dict):
        return None
    return {**live, "nodes": version.get("nodes") or [], "connections": version.get("connections") or {}}


def is_same_draft(body: Workflow, live: Workflow) -> bool:
    """Return whether a draft already is what would be sent, to the last coordinate."""
    there = {key: live.get(key) for key in body if key not in {"nodes", "settings"}}
    mine = {key: value for key, value in body.items() if key not in {"nodes", "settings"}}
    nodes = [_as_sent(node, sent) for node, sent in zip(live["nodes"], body["nodes"], strict=False)]
    is_as_long = len(live["nodes"]) == len(body["nodes"])
    return is_as_long and there == mine and nodes == body["nodes"] and _settings(live) == _settings(body)


def _as_sent(node: Node, sent: Node) -> Node:
    """Return a live node without what n8n added to what was sent."""
    return {key: value for key, value in node.items() if key in sent or key not in _MADE_UP}


def draft_digest(workflow: Workflow, packaged: Workflow | None) -> str:
    """Return the digest of a draft: its name, settings, nodes and wires, without its layout.

    What n8n itself adds to nodes is left out where the package does not have it.
    """
    return digest({"name": name_of(workflow), "settings": _settings(workflow), "runs": _runs(workflow, packaged)})


def running_digest(workflow: Workflow, packaged: Workflow | None) -> str:
    """Return the digest of what runs: nodes and wires, without layout."""
    return digest(_runs(workflow, packaged))


def _settings(workflow: Workflow) -> Mapping[str, Any]:
    settings = keep({**workflow, "id": workflow["id"]})["settings"]
    usual = {**USUAL, "errorWorkflow": ""}
    return {k: v for k, v in settings.items() if usual.get(k, usual) != v and v is not None and v != "DEFAULT"}


def _runs(workflow: Workflow, packaged: Workflow | None) -> Any:
    known = {node_id(node): node for node in packaged["nodes"]} if packaged else {}
    nodes = []
    for node in workflow["nodes"]:
        sent = known.get(node_id(node))
        kept = node if sent is None else _as_sent(node, sent)
        bare = {k: v for k, v in kept.items() if k not in _LAYOUT and k != "credentials"}
        nodes.append({**bare, "credentials": _ids(node)})
    return {"nodes": sorted(nodes, key=node_id), "connections": workflow.get("connections") or {}}


def _ids(node: Node) -> Mapping[str, Any]:
    stated = node.get("credentials") or {}
    return {type_: one.get("id") if isinstance(one, dict) else one for type_, one in stated.items()}


def called_first(workflows: Sequence[Workflow]) -> list[Workflow]:
    """Return workflows so that each comes behind those it calls; in a circle, in the order they had."""
    by_id = {workflow["id"]: workflow for workflow in workflows}
    ordered: dict[str, Workflow] = {}
    under_way: set[str] = set()

    def put(workflow: Workflow) -> None:
        if workflow["id"] in ordered or workflow["id"] in under_way:
            return
        under_way.add(workflow["id"])
        for call in calls_of(workflow):
            if call.id in by_id:
                put(by_id[call.id])
        ordered[workflow["id"]] = workflow

    for workflow in workflows:
        put(workflow)
    return list(ordered.values())


def pack_for_import(bodies: Sequence[Workflow], *, refused: bool = False) -> bytes:
    """Return a package of n8n's own with workflows under their ids, none of them published.

    `refused` lets it ask for a credential that cannot be there, so that an import only says what is against it.
    """
    members: dict[str, Any] = {}
    entries = []
    for index, body in enumerate(bodies, 1):
        target = f"workflows/workflow-{index:03}"
        entries.append({"id": body["id"], "name": body["name"], "target": target})
        own = {key: body[key] for key in _BROUGHT if key in body}
        members[f"{target}/workflow.json"] = {**own, "parentFolderId": None, "isArchived": False}
        members[f"{target}/workflow-metadata.json"] = {"versionId": "lampway", "publishedVersionId": None}
    manifest: dict[str, Any] = {
        "packageFormatVersion": "1",
        "exportedAt": "2000-01-01T00:00:00.000Z",
        "sourceN8nVersion": "0.0.0",
        "sourceId": "lampway",
        "workflows": entries,
    }
    if refused:
        users = [body["id"] for body in bodies]
        asked = {"id": REFUSED, "name": REFUSED, "type": REFUSED, "usedByWorkflows": users}
        manifest["requirements"] = {"credentials": [asked]}
    return _archive({"manifest.json": manifest, **members})


def _archive(members: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in members.items():
            data = json.dumps(content, ensure_ascii=True).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), mtime=0)
