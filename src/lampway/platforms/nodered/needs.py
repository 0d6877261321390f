"""What flows need from their environment: variables by name, and places where credentials go."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lampway.platforms.nodered.flows import (
    SUBFLOW_PREFIX,
    Kind,
    Node,
    entries_of,
    groups_around,
    has_entries,
    is_name_only,
    kind_of,
    name_of,
)

CREDENTIAL_FIELDS: Mapping[str, tuple[str, ...]] = {
    "http request": ("user", "password"),
    "http proxy": ("username", "password"),
    "mqtt-broker": ("user", "password"),
    "tls-config": ("certdata", "keydata", "cadata", "passphrase"),
}
"""Fields that Node-RED's own node types keep as credentials."""

_AUTH_FIELDS = {"basic": ("user", "password"), "digest": ("user", "password"), "bearer": ("password",)}
_BUILT_IN = {"NR_NODE_ID", "NR_NODE_NAME", "NR_NODE_PATH", "NR_GROUP_ID", "NR_GROUP_NAME", "NR_FLOW_ID", "NR_FLOW_NAME"}
_PARENT = "$parent."

_WHOLE = re.compile(r"\$\{([^{}\s]+)\}|\$\(([^()\s]+)\)")
_EMBEDDED = re.compile(r"\$\{([^}]{1,200})\}")
_IN_CODE = re.compile(r"""\benv\s*\.\s*get\s*\(\s*(["'`])([^"'`$]+)\1""")
_IN_JSONATA = re.compile(r"""\$env\s*\(\s*(["'])([^"']+)\1""")
_IN_TEMPLATE = re.compile(r"\{\{[{&#^]?\s*env\.([^}\s]+)\s*\}?\}\}")
_CODE_COMMENT = re.compile(r"^[ \t]*//.*$", re.MULTILINE)
_TYPES = {"num": "number", "bool": "boolean", "json": "json"}


@dataclass(frozen=True, slots=True)
class VariableSlot:
    """A variable, and the one place where its value goes."""

    name: str
    type: str
    """string, number, boolean or json."""
    scope: Literal["global", "tab"]
    """global: an entry of the environment's `global-config` node; tab: of a tab's or group's own environment."""
    node: str
    """Id of the tab or group; empty for global."""
    required: bool
    """False where the package carries a constant."""
    used_by: tuple[str, ...]
    """Names of the nodes that read it."""


@dataclass(frozen=True, slots=True)
class ConnectionSlot:
    """A place that takes credentials."""

    name: str
    connector: str
    """Type of the node."""
    node: str
    """Its id; empty for global."""
    fields: tuple[str, ...]
    place: Literal["node", "env", "global"]
    """node: the node's own credentials; env: environment entries of type `cred`, by name; global: likewise, on
    `global-config`."""


def find_variables(nodes: Sequence[Node], constants: Collection[str] = ()) -> tuple[VariableSlot, ...]:
    """Return every variable that `nodes` read or that their tabs and groups declare; global ones first, by name.

    A name that the nearest group, tab or subflow around the reader declares is of that place; a name that a subflow or
    its instance declares is design and no variable; any other one is global.
    """
    reading = _Reading(nodes)
    slots = [
        VariableSlot(name, "string", "global", "", required=True, used_by=tuple(sorted(readers)))
        for name, readers in sorted(reading.of_place("").items())
    ]
    for node in nodes:
        if node["type"] not in {"tab", "group"}:
            continue
        used = reading.of_place(node["id"])
        for entry in {
            entry["name"]: entry for entry in entries_of(node)
        }.values():  # of two, the runtime takes the last
            if entry.get("type") == "cred" or (is_name_only(entry) and entry["name"] not in constants):
                continue
            readers = tuple(sorted(used.get(entry["name"], ())))
            kind = _TYPES.get(str(entry.get("type")), "string")
            required = entry["name"] not in constants
            slots.append(VariableSlot(entry["name"], kind, "tab", node["id"], required=required, used_by=readers))
    return tuple(slots)


class _Reading:
    """Who reads which name from where, resolved as the runtime does: group, tab or subflow, then outwards."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        self._by_id = {node["id"]: node for node in nodes}
        self._instances: dict[str, list[Node]] = {}
        for node in nodes:
            if kind_of(node) is Kind.INSTANCE:
                self._instances.setdefault(node["type"].removeprefix(SUBFLOW_PREFIX), []).append(node)
        self._read: dict[str, dict[str, set[str]]] = {}
        for node in nodes:
            for name in names_read(node):
                for place in self._places(node, name):
                    plain = name.removeprefix(_PARENT)
                    self._read.setdefault(place, {}).setdefault(plain, set()).add(name_of(node))

    def of_place(self, id_: str) -> Mapping[str, set[str]]:
        """Return name to readers for the tab, group or (empty id) the global environment that answers them."""
        return self._read.get(id_, {})

    def _places(self, node: Node, name: str) -> set[str]:
        """Return the ids of what answers `name` when `node` asks; the empty id is the global environment.

        Inside a subflow these may be several, for what the subflow does not declare is asked where its instances stand.
        """
        places: set[str] = set()
        asked: set[str] = set()
        asking = [(node, name)]
        while asking:
            asker, name = asking.pop()
            rings = self._rings(asker)
            outermost = rings[-1] if rings else None
            if name.startswith(_PARENT):
                rings, name = rings[1:], name.removeprefix(_PARENT)
            answer = next((ring["id"] for ring in rings if _declares(ring, name)), None)
            if answer is not None:
                places.add(answer)
            elif outermost is None or outermost["type"] != "subflow":
                places.add("")
            elif outermost["id"] not in asked:
                asked.add(outermost["id"])
                asking += [(instance, name) for instance in self._instances.get(outermost["id"], ())]
        return places

    def _rings(self, node: Node) -> list[Node]:
        """Return what may answer a node, the nearest first: itself, its groups, its tab or subflow."""
        if node["type"] in {"tab", "subflow"}:
            return [node]
        itself = [node] if has_entries(node) else []
        home = self._by_id.get(node.get("z") or "")
        return [*itself, *groups_around(node, self._by_id), *([home] if home else [])]


def _declares(node: Node, name: str) -> bool:
    return any(entry["name"] == name and not _is_own_name(entry) for entry in entries_of(node))


def _is_own_name(entry: Node) -> bool:
    """Return whether an entry only passes on the variable of the same name from further out."""
    return is_name_only(entry) and entry["value"].strip("${}") == entry["name"]


def names_read(node: Node) -> frozenset[str]:
    """Return the names of the variables that a node's properties and code ask for; built-in ones left out."""
    own = node["type"] in {"tab", "group", "subflow"}  # the runtime evaluates nothing but their entries
    found = set(_names({"env": entries_of(node)} if own else node, whole=not own))
    if node["type"] == "template":
        found |= set(_IN_TEMPLATE.findall(str(node.get("template", ""))))
    return frozenset(name for name in found if not _is_built_in(name.removeprefix(_PARENT)))


def _is_built_in(name: str) -> bool:
    return name in _BUILT_IN or name.startswith("NR_SUBFLOW_")


def _names(value: Any, *, whole: bool) -> Iterator[str]:
    if isinstance(value, str):
        match = _WHOLE.fullmatch(value)
        if match and whole:
            yield match[1] or match[2]
        if "env" in value:
            code = _CODE_COMMENT.sub("", value)
            yield from (name for _, name in _IN_CODE.findall(code))
            yield from (name for _, name in _IN_JSONATA.findall(code))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _names(item, whole=whole)
    elif isinstance(value, dict):
        yield from _typed_names(value)
        for key, item in value.items():
            if key not in {"id", "z", "g", "wires", "info", "x", "y", "type"}:
                yield from _names(item, whole=whole)


def _typed_names(holder: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names in typed inputs: pairs such as `payload` and `payloadType`, the type being `env`."""
    for key, value in holder.items():
        if value != "env":
            continue
        stem = re.sub(r"(?:Type|type|(?<=.)t)$", "", key) if key != "type" else "value"
        for partner in (stem, stem + "Value"):
            text = holder.get(partner)
            if partner != key and isinstance(text, str) and text:
                yield from _EMBEDDED.findall(text) if re.search(r"\$\{\S{1,200}\}", text) else [text]
                break


def find_connections(
    nodes: Sequence[Node],
    stored: Mapping[str, Collection[str]],
    by_hand: Mapping[str, Collection[str]],
    global_secrets: Collection[str] = (),
) -> tuple[ConnectionSlot, ...]:
    """Return every place that takes credentials, in the order of the array.

    `stored` tells for node ids which fields a live runtime keeps; `by_hand` adds fields to nodes by name or id, under
    `global-config` to the global environment; `global_secrets` are global variables kept as credentials.
    """
    wanted = {node["id"]: _fields(node, nodes, stored, by_hand) for node in nodes}
    names = _unique_names([node for node in nodes if wanted[node["id"]]])
    slots = [
        ConnectionSlot(names[node["id"]], node["type"], node["id"], wanted[node["id"]], _place(node))
        for node in nodes
        if wanted[node["id"]]
    ]
    everywhere = tuple(sorted({*global_secrets, *by_hand.get("global-config", ())}))
    if everywhere:
        slots.append(ConnectionSlot("global-config", "global-config", "", everywhere, "global"))
    return tuple(slots)


def _place(node: Node) -> Literal["node", "env"]:
    return "env" if has_entries(node) else "node"


def _fields(
    node: Node, nodes: Sequence[Node], stored: Mapping[str, Collection[str]], by_hand: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    found = {*stored.get(node["id"], ()), *by_hand.get(node["id"], ()), *by_hand.get(name_of(node), ())}
    if _place(node) == "env":
        declared = {entry["name"] for entry in entries_of(node) if entry.get("type") == "cred"}
        if node["type"] == "subflow":
            declared = {name for name in declared if _is_inherited(node["id"], name, nodes)}
        found |= declared
    elif node["type"] == "http request":
        found |= set(_AUTH_FIELDS.get(str(node.get("authType")), ()))
    return _ordered(found, CREDENTIAL_FIELDS.get(node["type"], ()))


def _is_inherited(subflow: str, name: str, nodes: Sequence[Node]) -> bool:
    """Return whether some instance takes this credential from the subflow itself."""
    instances = [node for node in nodes if node["type"] == SUBFLOW_PREFIX + subflow]
    return any(not _declares(instance, name) for instance in instances)


def _ordered(fields: set[str], known: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(fields, key=lambda name: (known.index(name) if name in known else len(known), name)))


def _unique_names(nodes: Sequence[Node]) -> dict[str, str]:
    plain = [name_of(node) for node in nodes]
    often = Counter([*plain, "global-config"])
    return {
        node["id"]: name if often[name] == 1 else f"{name} ({node['id']})"
        for node, name in zip(nodes, plain, strict=True)
    }
