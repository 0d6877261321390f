"""Credentials in the shapes in which a deployment must carry them. Pure; the values stay inside what is returned.

Secrets travel inside the nodes, because only then does the runtime restart what uses them: sent beside the flows they
are stored, and running nodes keep the old ones (observed with 4.1.15, November 2026). What a deployment leaves out is
kept for the ids that stay, and forgotten for ids that go, so ours are sent every time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from lampway.domain.secret import Secret
from lampway.platforms.nodered.contents import Contents
from lampway.platforms.nodered.flows import SUBFLOW_PREFIX, Kind, Node, kind_of
from lampway.platforms.nodered.merge import entries_of, global_secrets, live_globals, owned_ids

KEEP = "__PWRD__"
"""Stands for the value that the runtime has already."""

Secrets = Mapping[str, Mapping[str, Secret]]
"""Connection to field to value."""


def with_credentials(
    nodes: Sequence[Node], *, installed: Contents | None, wanted: Contents | None, secrets: Secrets
) -> list[Node]:
    """Return the nodes, ours with the secrets that the environment gives them, all others as they are.

    A field that our package had and no longer has is emptied. The `global-config` node is touched only where one of our
    packages keeps a secret there; the secrets of others are then kept by name, for a runtime forgets whatever such a
    deployment does not name.
    """
    carried = _by_node(installed, wanted, secrets)
    for id_ in _readers(nodes, installed, wanted):
        carried.setdefault(id_, {})  # carrying something, if only nothing, is what restarts a node
    if global_secrets(installed) or global_secrets(wanted):
        given = _given_globally(wanted, secrets)
        others = {name for name in live_globals(nodes) if name not in global_secrets(wanted)}
        carried |= {node["id"]: {"map": _global_map(node, given, others)} for node in nodes if _is_global(node)}
    return [{**node, "credentials": carried[node["id"]]} if node["id"] in carried else node for node in nodes]


def _by_node(installed: Contents | None, wanted: Contents | None, secrets: Secrets) -> dict[str, dict[str, Any]]:
    carried: dict[str, dict[str, Any]] = {}
    for slot in wanted.connections if wanted else ():
        if slot.place == "global":
            continue
        given = secrets.get(slot.name, {})
        fields = {name: given[name].reveal() for name in slot.fields if name in given}
        if f"{slot.connector}:".startswith(SUBFLOW_PREFIX):  # here, and only here, what is not named is forgotten
            fields = dict.fromkeys(slot.fields, KEEP) | fields
        if fields:
            carried[slot.node] = fields
    staying = {node["id"] for node in wanted.nodes} if wanted else set()
    now = {slot.node: slot.fields for slot in (wanted.connections if wanted else ())}
    for slot in installed.connections if installed else ():
        for name in slot.fields:
            if slot.node in staying and name not in now.get(slot.node, ()):
                carried.setdefault(slot.node, {})[name] = ""
    return carried


def _readers(nodes: Sequence[Node], installed: Contents | None, wanted: Contents | None) -> Iterator[str]:
    """Yield our nodes that read a secret of their tab or group while starting, and so would keep the old one."""
    slots = wanted.connections if wanted else ()
    names = {f"${{{name}}}" for slot in slots if slot.place == "env" for name in slot.fields}
    if not names:
        return
    ours = owned_ids(nodes, installed, wanted)
    for node in nodes:
        if node["id"] in ours and kind_of(node) in {Kind.ORDINARY, Kind.CONFIG, Kind.INSTANCE} and _holds(node, names):
            yield node["id"]


def _holds(value: Any, names: set[str]) -> bool:
    if isinstance(value, str):
        return value in names
    if isinstance(value, dict):
        return any(_holds(item, names) for item in value.values())
    return isinstance(value, list) and any(_holds(item, names) for item in value)


def _given_globally(wanted: Contents | None, secrets: Secrets) -> dict[str, str]:
    slots = [slot for slot in (wanted.connections if wanted else ()) if slot.place == "global"]
    found = ((name, secrets.get(slot.name, {}).get(name)) for slot in slots for name in slot.fields)
    return {name: secret.reveal() for name, secret in found if secret is not None}


def _global_map(node: Node, given: Mapping[str, str], others: Collection[str]) -> dict[str, str]:
    """Return what a `global-config` shall keep.

    A name of others under which nothing was stored yet then holds the mark itself, which is no secret either.
    """
    names = [str(entry["name"]) for entry in entries_of(node) if entry.get("type") == "cred"]
    return {name: given.get(name, KEEP) for name in names if name in given or name in others}


def _is_global(node: Node) -> bool:
    return kind_of(node) is Kind.GLOBAL_CONFIG
