"""Compare what runs with what was installed: definition, values and stored credentials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Edit, Scope
from lampway.engine.platform import Installed, Observation, Observed
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.contents import Contents, find_dependencies, read_package
from lampway.platforms.nodered.diff import diff_contents
from lampway.platforms.nodered.export import keeps_credentials, stored_credentials, unowned_tabs
from lampway.platforms.nodered.flows import Node, name_of, select, strip_all
from lampway.platforms.nodered.merge import (
    entries_of,
    entry_of,
    global_secrets,
    is_external,
    is_same,
    live_globals,
    unconfigured,
)
from lampway.platforms.nodered.needs import find_connections, find_variables
from lampway.platforms.nodered.switching import switched_off


def observe_all(api: Api, installed: Mapping[str, Installed]) -> Observation:
    """Return how each solution there differs from what was installed."""
    nodes, revision = api.flows()
    contents = {name: _expected(one) for name, one in installed.items()}
    solutions = {}
    for name, one in installed.items():
        others = {node["id"] for other, held in contents.items() if other != name for node in held.nodes}
        live = live_part(nodes, contents[name], others)
        definition = diff_contents(contents[name], _as_package(live, contents[name]))
        edits = (
            *_value_edits(nodes, contents[name], one.configuration),
            *_credential_edits(api, live, contents[name], one),
        )
        solutions[name] = Observed(definition, edits)
    owned = {node["id"] for held in contents.values() for node in held.nodes}
    return Observation(revision, solutions, unowned_tabs(nodes, owned))


def _expected(one: Installed) -> Contents:
    """Return what is to be there: with its tabs disabled where it was switched off."""
    contents = read_package(one.package)
    return contents if one.is_on else switched_off(contents)


def live_part(nodes: Sequence[Node], recorded: Contents, others: set[str]) -> list[Node]:
    """Return what a solution is in the runtime now, in the order of its array.

    That is everything its tabs reach, whatever was recorded and is still there, and nothing that another solution
    installed: somebody who uses that has changed the node that refers to it, and that one shows.
    """
    there = {node["id"] for node in nodes}
    tabs = tuple(tab.id for tab in recorded.contains if tab.id in there)
    reached = {node["id"] for node in select(nodes, Scope(recorded.solution, contains=tabs))} if tabs else set()
    own = {node["id"] for node in recorded.nodes} | (reached - others)
    return [node for node in nodes if node["id"] in own]


def _as_package(live: Sequence[Node], recorded: Contents) -> Contents:
    packed = strip_all([unconfigured(node, recorded) for node in live], recorded.constants)
    there = {node["id"] for node in packed}
    stored = {slot.node: slot.fields for slot in recorded.connections if slot.node in there}
    secret = global_secrets(recorded)
    variables = find_variables(packed, recorded.constants)
    return replace(
        recorded,
        contains=tuple(tab for tab in recorded.contains if tab.id in there),
        variables=tuple(slot for slot in variables if slot.node or slot.name not in secret),
        connections=find_connections(packed, stored, {}, secret),
        dependencies=find_dependencies(packed),
        nodes=tuple(packed),
    )


def _value_edits(nodes: Sequence[Node], recorded: Contents, configuration: ConfigurationSet) -> Iterator[Edit]:
    """Yield what differs from the values given. The live value is not told: it may be a secret somebody typed there."""
    everywhere = live_globals(nodes)
    by_id = {node["id"]: node for node in nodes}
    for slot in recorded.variables:
        if slot.name not in configuration.variables or (slot.node and slot.node not in by_id):
            continue
        held = {e["name"]: e for e in entries_of(by_id[slot.node])} if slot.node else everywhere
        place = f"{by_id[slot.node]['type']} *{name_of(by_id[slot.node])}*" if slot.node else "the whole environment"
        path = f"variable {slot.name}"
        value = configuration.variables[slot.name]
        if is_external(value) and not slot.node:
            if slot.name in held:
                yield Edit(path, f"set in {place}, though the process environment shall give it")
            continue
        expected = entry_of(slot, value)
        if slot.name not in held:
            yield Edit(path, f"no longer set in {place}")
        elif not is_same(held[slot.name], expected):
            yield Edit(path, f"another value in {place} than the one that was given")


def _credential_edits(api: Api, live: Sequence[Node], recorded: Contents, installed: Installed) -> Iterator[Edit]:
    slots = {slot.node: slot for slot in recorded.connections if slot.place != "global"}
    keepers = [node for node in live if node["id"] in slots and keeps_credentials(node)]
    stored, unseen = stored_credentials(api, keepers)
    if unseen:
        return
    for node in keepers:
        slot = slots[node["id"]]
        given = set(installed.configuration.connections.get(slot.name, {}))
        there = set(stored.get(node["id"], ()))
        for name in sorted(given - there):
            yield Edit(f"connection {slot.name} / {name}", "the secret that was given is no longer stored")
        for name in sorted(there & set(slot.fields) - given):
            yield Edit(f"connection {slot.name} / {name}", "a secret is stored that was not given")
