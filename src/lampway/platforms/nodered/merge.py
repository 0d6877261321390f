"""Compute what a runtime's whole flows array shall be after a deployment. Pure, and the same for the same input.

What belongs to nobody or to another solution stays as it is and where it is. Values go where the flows look for them:
into the environment of tabs and groups, and into one `global-config` node, of which only our own names are touched.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from lampway.domain.configuration import EXTERNAL
from lampway.domain.digest import digest
from lampway.platforms.nodered.contents import Contents
from lampway.platforms.nodered.flows import Kind, Node, dumps_js, kind_of
from lampway.platforms.nodered.needs import VariableSlot

GLOBAL_CONFIG_ID = hashlib.sha256(b"lampway/node-red/global-config").hexdigest()[:16]
"""Id of the `global-config` node that we add where there is none: the same everywhere."""

_LAYOUT = {"x", "y", "w", "h"}
_ENV_TYPES = {"number": "num", "boolean": "bool", "json": "json"}


def merge(
    live: Sequence[Node],
    *,
    installed: Contents | None,
    wanted: Contents | None,
    variables: Mapping[str, Any],
    shared: Collection[str] = (),
) -> list[Node]:
    """Return the whole array with `wanted` in the place of `installed`; None for none of it.

    Nodes that are there already keep their place, new ones come last, and whatever was added to our own tabs and
    subflows since goes. `shared` are global names that other solutions use too; they are never taken away. Merging the
    result once more changes nothing.
    """
    new = {node["id"]: _configured(node, wanted, variables) for node in wanted.nodes} if wanted else {}
    ours = owned_ids(live, installed, wanted)
    merged: list[Node] = []
    placed: set[str] = set()
    for node in live:
        id_ = node["id"]
        if id_ in new and id_ not in placed:
            merged.append(new[id_])
            placed.add(id_)
        elif id_ not in ours:
            merged.append(node)
    merged += [node for id_, node in new.items() if id_ not in placed]
    given = global_entries(wanted, variables)
    dropped = (global_names(installed) | global_names(wanted)) - given.keys() - set(shared)
    return _with_globals(merged, given, dropped)


def owned_ids(live: Sequence[Node], *contents: Contents | None) -> frozenset[str]:
    """Return the ids of everything in these packages, and of what was added to their tabs and subflows since."""
    nodes = [node for one in contents if one for node in one.nodes]
    holders = {node["id"] for node in nodes if node["type"] in {"tab", "subflow"}}
    return frozenset({node["id"] for node in nodes} | {node["id"] for node in live if node.get("z") in holders})


def global_names(contents: Contents | None) -> set[str]:
    """Return the names that a package declares for the whole environment, secret ones included."""
    if contents is None:
        return set()
    plain = {slot.name for slot in contents.variables if slot.scope == "global"}
    return plain | global_secrets(contents)


def global_secrets(contents: Contents | None) -> set[str]:
    """Return the names that a package declares as credentials of the whole environment."""
    slots = contents.connections if contents else ()
    return {name for slot in slots if slot.place == "global" for name in slot.fields}


def global_entries(contents: Contents | None, variables: Mapping[str, Any]) -> dict[str, Node]:
    """Return the entries of `global-config` that a package gets from these values, by name."""
    if contents is None:
        return {}
    entries: dict[str, Node] = {}
    for slot in contents.variables:
        if slot.scope == "global" and slot.name in variables and not is_external(variables[slot.name]):
            entries[slot.name] = entry_of(slot, variables[slot.name])
    for name in sorted(global_secrets(contents)):
        entries[name] = {"name": name, "type": "cred", "value": ""}
    return entries


def live_globals(nodes: Sequence[Node]) -> dict[str, Node]:
    """Return the entries that all `global-config` nodes hold, by name; of two the last one wins, as in the runtime."""
    return {entry["name"]: entry for node in nodes if _is_global(node) for entry in entries_of(node)}


def entries_of(node: Node) -> list[Node]:
    """Return a node's environment entries that are well formed."""
    entries = node.get("env")
    return [e for e in entries if isinstance(e, dict) and "name" in e] if isinstance(entries, list) else []


def is_external(value: Any) -> bool:
    """Return whether a value is left to the platform's own surroundings."""
    return isinstance(value, dict) and value == EXTERNAL


def entry_of(slot: VariableSlot, value: Any) -> Node:
    """Return the environment entry that gives `value` to a variable.

    A type that the maker chose on a tab or group is kept where the value fits it. An external value becomes a reference
    to the variable of the same name further out, which the runtime takes from its process environment.
    """
    if is_external(value):
        return {"name": slot.name, "type": "env", "value": slot.name}
    declared = slot.type if slot.scope == "tab" else ""
    kind, text = _typed(value, declared)
    return {"name": slot.name, "type": kind, "value": text}


def value_of(entry: Node) -> Any:
    """Return the value that an entry holds, or None where it holds none of its own."""
    text, kind = entry.get("value"), entry.get("type")
    if kind == "str":
        return text
    if kind in {"num", "json"}:
        try:
            return json.loads(str(text))
        except ValueError:
            return text
    if kind == "bool":
        return text in {"true", True}
    return None


def is_same(entry: Node, other: Node) -> bool:
    """Return whether two entries give the same value, however it is written: `5` and `5.0` are one number."""
    if entry.get("type") != other.get("type"):
        return False
    value = value_of(entry)
    return entry.get("value") == other.get("value") or (value is not None and value == value_of(other))


def unconfigured(node: Node, contents: Contents) -> Node:
    """Return a live node with every entry that the environment gives put back to what the package has there."""
    names = {slot.name for slot in contents.variables if slot.node == node["id"]}
    if not names or not isinstance(node.get("env"), list):
        return node
    packed = next(one for one in contents.nodes if one["id"] == node["id"])
    original = {entry["name"]: entry for entry in entries_of(packed) if entry["name"] in names}
    return {**node, "env": [_original(entry, original) for entry in node["env"]]}


def state_digest(nodes: Sequence[Node], *contents: Contents | None) -> str:
    """Return the digest of all that these packages own in a runtime: nodes with their values, and global entries.

    Layout and everything of other solutions are left out.
    """
    ours = owned_ids(nodes, *contents)
    names = {name for one in contents for name in global_names(one)}
    own = {n["id"]: {k: v for k, v in n.items() if k not in _LAYOUT} for n in nodes if n["id"] in ours}
    shared = {name: entry for name, entry in live_globals(nodes).items() if name in names}
    return digest({"nodes": own, "globals": shared})


def _original(entry: Any, original: Mapping[str, Node]) -> Any:
    if isinstance(entry, dict) and entry.get("type") != "cred":
        return original.get(entry.get("name", ""), entry)
    return entry


def _typed(value: Any, declared: str) -> tuple[str, str]:
    if isinstance(value, str):
        wanted = _ENV_TYPES.get(declared, "str")
        return (wanted, value) if _fits(value, wanted) else ("str", value)
    text = dumps_js(value)
    if declared == "string" and not isinstance(value, dict | list):
        return "str", text
    if isinstance(value, bool):
        return "bool", text
    if isinstance(value, int | float) and declared != "json":
        return "num", text
    return "json", text


def _fits(text: str, kind: str) -> bool:
    if kind == "str":
        return True
    try:
        value = json.loads(text)
    except ValueError:
        return False
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return {"bool": isinstance(value, bool), "num": is_number}.get(kind, True)


def _configured(node: Node, contents: Contents | None, variables: Mapping[str, Any]) -> Node:
    slots = {s.name: s for s in (contents.variables if contents else ()) if s.node == node["id"]}
    if not slots or not isinstance(node.get("env"), list):
        return node
    return {**node, "env": [_filled(entry, slots, variables) for entry in node["env"]]}


def _filled(entry: Any, slots: Mapping[str, VariableSlot], variables: Mapping[str, Any]) -> Any:
    name = str(entry.get("name")) if isinstance(entry, dict) else ""
    if name not in slots or name not in variables:
        return entry
    return {**entry, **entry_of(slots[name], variables[name])}


def _is_global(node: Node) -> bool:
    return kind_of(node) is Kind.GLOBAL_CONFIG


def _with_globals(nodes: list[Node], given: Mapping[str, Node], dropped: Collection[str]) -> list[Node]:
    """Return the nodes with our names set in the `global-config` node that knows one, else in the first there is."""
    holders = [node for node in nodes if _is_global(node)]
    knowing = [node for node in holders if any(entry["name"] in given for entry in entries_of(node))]
    home = next(iter(knowing or holders), None)
    if home is None:
        return [*nodes, _new_global_config(given)] if given else nodes
    changed = {id(node): _merged_entries(node, given if node is home else {}, dropped) for node in holders}
    for node in holders:
        if node is not home:  # one name has one place
            changed[id(node)] = _merged_entries(node, {}, {*dropped, *given})
    merged = (changed.get(id(node), node) for node in nodes)
    return [node for node in merged if not (node["id"] == GLOBAL_CONFIG_ID and _is_global(node) and not node["env"])]


def _new_global_config(given: Mapping[str, Node]) -> Node:
    env = list(given.values())
    return {"id": GLOBAL_CONFIG_ID, "type": "global-config", "name": "", "env": env, "modules": {}}


def _merged_entries(node: Node, given: Mapping[str, Node], dropped: Iterable[str]) -> Node:
    gone = set(dropped)
    known = {entry["name"] for entry in entries_of(node)}
    there = node.get("env") if isinstance(node.get("env"), list) else []
    kept = [
        _replaced(entry, given) if isinstance(entry, dict) else entry
        for entry in there or ()
        if not (isinstance(entry, dict) and entry.get("name") in gone)
    ]
    env = kept + [entry for name, entry in given.items() if name not in known]
    return node if env == there else {**node, "env": env}


def _replaced(entry: Node, given: Mapping[str, Node]) -> Node:
    new = given.get(entry.get("name", ""), entry)
    return entry if is_same(entry, new) else new
