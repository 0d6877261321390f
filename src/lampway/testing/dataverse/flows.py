"""Flows that are turned on and off, and what keeps them from it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lampway.testing.dataverse import words
from lampway.testing.dataverse.layering import touch
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import parse, text_of, value_in
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.state import Component

CLOUD_FLOW = "5"


def definition_of(component: Component) -> dict[str, Any]:
    """Return the JSON of a flow; empty where there is none."""
    return _read(_content(component))


def _content(component: Component) -> bytes:
    return next((c for n, c in component.part.files.items() if n.lower().endswith(".json")), b"{}")


def _read(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content.decode("utf-8-sig"))
    except (ValueError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True)
class Uses:
    """What a flow needs."""

    references: frozenset[str]
    """Connection references, in lower case."""
    variables: frozenset[str]
    children: frozenset[str]
    """Ids of the flows that it calls."""


def uses_of(component: Component) -> Uses:
    """Return what a flow needs."""
    return _uses(_content(component))


@lru_cache(maxsize=20_000)
def _uses(content: bytes) -> Uses:
    properties = _read(content).get("properties", {})
    definition = properties.get("definition", {})
    connections = properties.get("connectionReferences", {}).values()
    names = (one.get("connection", {}).get("connectionReferenceLogicalName", "") for one in connections)
    schemas = ((one.get("metadata") or {}).get("schemaName") for one in definition.get("parameters", {}).values())
    called = (
        action.get("inputs", {}).get("host", {}).get("workflowReferenceName")
        for action in _actions(definition)
        if action.get("type") == "Workflow"
    )
    return Uses(
        references=frozenset(name.lower() for name in names if name),
        variables=frozenset(str(name) for name in schemas if name),
        children=frozenset(str(id_).lower() for id_ in called if id_),
    )


def is_cloud_flow(component: Component) -> bool:
    """Return whether this is a flow, and no other process."""
    return component.kind == "workflow" and text_of(parse(component.part.header).find("Category")) == CLOUD_FLOW


def _actions(block: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for action in (block.get("actions") or {}).values():
        yield action
        yield from _actions(action)
        yield from _actions(action.get("else") or {})
        yield from _actions(action.get("default") or {})
        for case in (action.get("cases") or {}).values():
            yield from _actions(case)


def turn_on(organisation: Organisation, component: Component, by: str) -> None:
    """Turn a flow on. Raises RefusedError, in the platform's words, where something that it needs is not there."""
    if is_cloud_flow(component):
        reason = _obstacle(organisation, component, by)
        if reason:
            raise RefusedError(400, words.code(words.FLOW_ERROR), reason)
    component.live["statecode"] = 1
    touch(organisation, component, by)


def _obstacle(organisation: Organisation, component: Component, by: str) -> str:
    """Return why a flow cannot be turned on; empty where it can."""
    state, uses = organisation.state, uses_of(component)
    connections = {str(one["name"]).lower(): one for one in state.extras.get("connections", ())}
    for name in sorted(uses.references):
        reference = state.components.get(f"connectionreference:{name}")
        connection = str(reference.live.get("connectionid") or "") if reference else ""
        if not connection:
            return words.reference_unbound(name)
        found = connections.get(connection.lower())
        if found is None or not _may_use(organisation, found, by):
            connector = str(found["connector"]) if found else "the connector"
            return words.connection_unknown(by, connection, connector)
    for schema in sorted(uses.variables):
        if in_force(organisation, schema) is None:
            return words.variable_unset(schema)
    for id_ in sorted(uses.children):
        child = state.by_id("workflow", id_)
        if child is None or child.live.get("statecode") != 1:
            return words.child_off(child.part.name if child else id_)
    return ""


def _may_use(organisation: Organisation, connection: Mapping[str, Any], by: str) -> bool:
    """Return whether a connection is somebody's own or shared with them."""
    user = organisation.user(by)
    return "*" in connection["shared"] or user.name in {connection["owner"], *connection["shared"]}


def in_force(organisation: Organisation, schema: str) -> Any:
    """Return what an environment variable gives here: its value, else its default, else None."""
    components = organisation.state.components
    value = components.get(f"environmentvariablevalue:{schema.lower()}")
    if value is not None:
        return value_in(next(iter(value.part.files.values()))).get("value")
    definition = components.get(f"environmentvariabledefinition:{schema.lower()}")
    if definition is None:
        return None
    content = next((c for n, c in definition.part.files.items() if n.lower().endswith(".xml")), b"<none />")
    return text_of(parse(content).find("defaultvalue")) or None


def turn_all_on(organisation: Organisation, flows: Sequence[Component], by: str) -> list[tuple[Component, str]]:
    """Turn flows on, those that are called before those that call them. Return those that stay off, and why."""
    waiting = [(one, "") for one in flows]
    for _round in flows:
        left = []
        for component, _ in waiting:
            try:
                turn_on(organisation, component, by)
            except RefusedError as error:
                left.append((component, error.message))
        if len(left) == len(waiting):
            return left
        waiting = left
    return waiting


def turn_off(organisation: Organisation, component: Component, by: str) -> None:
    """Turn a flow off."""
    component.live["statecode"] = 0
    touch(organisation, component, by)


def wants_on(component: Component) -> bool:
    """Return whether a package ships this process turned on."""
    return text_of(parse(component.part.header).find("StateCode")) == "1"
