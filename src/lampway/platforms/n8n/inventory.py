"""What is inside an n8n package, in the words that hold for every platform."""

from __future__ import annotations

from collections.abc import Iterator

from lampway.domain.configuration import BOUND
from lampway.domain.digest import digest
from lampway.domain.package import Component, Connection, Inventory, Variable, fingerprint_of
from lampway.platforms.n8n.contents import Contents
from lampway.platforms.n8n.normal import normal_nodes, normalise
from lampway.platforms.n8n.workflows import STICKY, Workflow, calls_of, component_id, kind_of, name_of


def inventory_of(contents: Contents) -> Inventory:
    """Return everything that the package holds and needs."""
    components = components_of(contents)
    return Inventory(
        platform="n8n",
        solution=contents.solution,
        version=contents.version,
        managed=None,
        fingerprint=fingerprint_of(components),
        components=components,
        variables=tuple(Variable(v.name, v.type, v.required, not v.required, v.used_by) for v in contents.variables),
        connections=tuple(Connection(slot.name, slot.connector, (BOUND,)) for slot in contents.connections),
        dependencies=contents.dependencies,
        notes=tuple(_notes(contents)),
    )


def components_of(contents: Contents) -> tuple[Component, ...]:
    """Return one component per workflow and one per node in it; sticky notes do nothing, and are none."""
    return tuple(component for workflow in contents.workflows for component in _components(workflow, contents))


def _components(workflow: Workflow, contents: Contents) -> Iterator[Component]:
    yield Component("workflow", name_of(workflow), workflow["id"], digest(normalise(workflow)))
    normal = normal_nodes(workflow, contents.constants)
    for node in workflow["nodes"]:
        if node["type"] != STICKY:
            name = " ".join(node["name"].split()) or node["name"]
            id_ = component_id(workflow, node)
            yield Component(kind_of(node), name, id_, digest(normal[node["name"]]), workflow["id"])


def _notes(contents: Contents) -> Iterator[str]:
    own = {workflow["id"] for workflow in contents.workflows}
    for workflow in contents.workflows:
        for call in calls_of(workflow):
            if call.id not in own:
                name = f" *{call.name[:60]}*" if call.name else ""
                yield f"{call.place} names a workflow{name} outside of the solution: {call.id[:60]}"
        if not contents.is_export and not workflow["active"]:
            yield f"workflow {name_of(workflow)} is not published: nothing starts it by itself where it is deployed"
