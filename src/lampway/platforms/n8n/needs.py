"""What workflows need of an instance beside values and credentials: node types, packages, other workflows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lampway.domain.package import Dependency
from lampway.platforms.n8n.workflows import STICKY, Workflow, calls_of, community_package

_VARIABLE = re.compile(r"\$vars\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*[\"'`]([^\"'`]{1,100})[\"'`]\s*\])")
_PROCESS = re.compile(r"\$env\s*(?:\.\s*([A-Za-z_]\w*)|\[\s*[\"'`]([^\"'`]{1,100})[\"'`]\s*\])")
WORKFLOW = "workflow"
NODE_TYPE = "node type"
COMMUNITY = "community package"
VARIABLE = "n8n variable"


def find_dependencies(workflows: Sequence[Workflow]) -> tuple[Dependency, ...]:
    """Return every node type with the newest version in use, and what else must be there; sorted within their kinds.

    These are community packages, variables of n8n itself, and workflows outside of the solution, each by its id.
    """
    nodes = [node for workflow in workflows for node in workflow["nodes"] if node["type"] != STICKY]
    versions: dict[str, float] = {}
    for node in nodes:
        versions[node["type"]] = max(versions.get(node["type"], 0), _version(node.get("typeVersion")))
    packages = {community_package(type_) for type_ in versions} - {""}
    own = {workflow["id"] for workflow in workflows}
    called = {call.id for workflow in workflows for call in calls_of(workflow)} - own
    asked = {name for node in nodes for name in variables_read(node)}
    return (
        *(Dependency(NODE_TYPE, name, f"{version:g}" if version else "") for name, version in sorted(versions.items())),
        *(Dependency(COMMUNITY, name) for name in sorted(packages)),
        *(Dependency(WORKFLOW, id_) for id_ in sorted(called)),
        *(Dependency(VARIABLE, name) for name in sorted(asked)),
    )


def _version(stated: Any) -> float:
    return stated if isinstance(stated, int | float) and not isinstance(stated, bool) and 0 < stated < 1000 else 0


def variables_read(value: Any) -> set[str]:
    """Return the names of n8n's own variables that a node's expressions and code ask for."""
    return {found[1] or found[2] for text in _texts(value) for found in _VARIABLE.finditer(text)}


def process_variables_read(value: Any) -> set[str]:
    """Return the names of process variables that a node's expressions and code ask for."""
    return {found[1] or found[2] for text in _texts(value) for found in _PROCESS.finditer(text)}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)
