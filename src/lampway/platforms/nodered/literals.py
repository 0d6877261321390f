"""Every text in the flows that a scanner should look at, with its place in a maker's words and what it is for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lampway.domain.package import Literal, Role
from lampway.errors import InvalidPackageError
from lampway.platforms.jsontext import parse
from lampway.platforms.names import is_endpoint_name, is_identity_name, is_secret_name
from lampway.platforms.nodered.flows import Node, title_of

CODE_KEYS: Mapping[str, frozenset[str]] = {
    "function": frozenset({"func", "initialize", "finalize"}),
    "template": frozenset({"template"}),
    "exec": frozenset({"command", "append"}),
    "ui_template": frozenset({"format"}),
    "ui-template": frozenset({"format"}),
}
"""Properties that hold code, by node type."""

_SILENT = {"id", "type", "z", "g", "wires", "x", "y", "w", "h", "d"}
_SILENT_IN = {
    "group": {"style", "nodes"},
    "subflow": {"in", "out", "status", "color", "icon", "category", "inputLabels", "outputLabels"},
}
_PATH_TYPES = {"msg", "flow", "global", "env", "date", "nodeContext", "node"}
_EXPRESSION = re.compile(r"\s*(?:\$\{[^{}\s]+\}|\$\([^()\s]+\)|\{\{\{?[^{}]+\}\}\}?)\s*")
_NODE_ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{6,8}\.[0-9a-f]{3,6}")
_NAME_KEYS = ("name", "key", "p", "header", "field", "k")
_VALUE_KEYS = ("value", "v", "to", "val")


def literals_of(nodes: Sequence[Node]) -> Iterator[Literal]:
    """Yield every text worth scanning, in the order of the nodes.

    Layout, ids of other nodes, message paths and values that are wholly an expression such as `${NAME}` or `{{name}}`
    are left out. What a file should not hold, such as credentials in an editor's export, is yielded.
    """
    places = places_of(nodes)
    ids = frozenset(places)
    for node in nodes:
        yield from _Reader(node, places[node["id"]], ids).read()


def places_of(nodes: Sequence[Node]) -> dict[str, str]:
    """Return for every node where a maker finds it: `tab Orders / http request ERP`; with the id if two are alike."""
    by_id = {node["id"]: node for node in nodes}
    alike = Counter((node.get("z"), title_of(node)) for node in nodes)
    places = {}
    for node in nodes:
        title = title_of(node)
        if alike[node.get("z"), title] > 1 and node["id"] not in title:
            title = f"{title} ({node['id']})"
        home = by_id.get(node.get("z") or "")
        places[node["id"]] = f"{title_of(home)} / {title}" if home and home is not node else title
    return places


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one node."""

    node: Node
    place: str
    ids: frozenset[str]

    def read(self) -> Iterator[Literal]:
        silent = _SILENT | _SILENT_IN.get(self.node["type"], set())
        for key, value in self.node.items():
            if key == "credentials":
                yield from self._credentials(value)
            elif key in CODE_KEYS.get(self.node["type"], ()):
                yield from self._code(value, key, key)
            elif key not in silent and not _is_type_name(key):
                yield from self._typed(self.node, key, value, (key,))

    def _credentials(self, value: Any) -> Iterator[Literal]:
        for key, secret in value.items() if isinstance(value, dict) else ():
            role = Role.IDENTITY if is_identity_name(key) else Role.SECRET_SLOT
            if isinstance(secret, str) and secret:
                yield Literal(f"{self.place} / credentials / {key}", key, secret, role)

    def _typed(self, holder: Mapping[str, Any], key: str, value: Any, path: tuple[str, ...]) -> Iterator[Literal]:
        """Yield from a property that may have a partner telling its type, such as `payload` and `payloadType`."""
        kind = type_beside(holder, key)
        if kind in _PATH_TYPES:
            return
        if kind == "jsonata":
            yield from self._code(value, key, *path)
        elif kind == "json" and isinstance(value, str):
            yield from self._json(value, path)
        else:
            yield from self._value(value, key, path)

    def _value(self, value: Any, key: str, path: tuple[str, ...]) -> Iterator[Literal]:
        if isinstance(value, list):
            for index, item in enumerate(value):
                yield from self._item(item, key, (*path[:-1], f"{singular(path[-1])} {index + 1}"))
        elif isinstance(value, dict):
            for inner, item in value.items():
                if not _is_type_name(inner):
                    yield from self._typed(value, inner, item, (*path, inner))
        else:
            yield from self._text(value, key, path)

    def _item(self, item: Any, key: str, path: tuple[str, ...]) -> Iterator[Literal]:
        """Yield from an element of a list; one that pairs a name with a value is one literal under that name."""
        pair = self._pair(item) if isinstance(item, dict) else None
        if pair is None:
            yield from self._value(item, key, path)
            return
        name, value_key, used = pair
        if isinstance(item.get(value_key), list | dict):
            yield from self._value(item[value_key], name, (*path, name))
        elif value_key == "valueValue" or item.get("type") not in ("cred", "env"):
            yield from self._named(item, name, value_key, (*path, name))
        for other, value in item.items():
            if other not in used and not _is_type_name(other) and other not in {"type", "t", "ui"}:
                yield from self._typed(item, other, value, (*path, other))

    def _named(self, item: Mapping[str, Any], name: str, value_key: str, path: tuple[str, ...]) -> Iterator[Literal]:
        kind = type_beside(item, value_key)
        if kind == "json" and isinstance(item[value_key], str):
            yield from self._json(item[value_key], path)
        elif kind == "jsonata":
            yield from self._code(item[value_key], name, *path)
        elif kind not in _PATH_TYPES:
            yield from self._text(item[value_key], name, path)

    def _pair(self, item: Mapping[str, Any]) -> tuple[str, str, set[str]] | None:
        """Return name, key of the value, and the keys that say so, for an item that pairs a name with a value."""
        if "keyValue" in item and "valueValue" in item:  # a header of an http request
            name = item["keyValue"] if item.get("keyType") in ("other", "", None) else item["keyType"]
            return str(name), "valueValue", {"keyType", "keyValue", "valueType", "valueValue"}
        if self.node["type"] == "switch" and "v" in item:
            return str(self.node.get("property", "value")), "v", {"v"}
        name_key = next((key for key in _NAME_KEYS if isinstance(item.get(key), str) and item[key]), None)
        value_key = next((key for key in _VALUE_KEYS if key in item), None)
        return (item[name_key], value_key, {name_key, value_key}) if name_key and value_key else None

    def _json(self, text: str, path: tuple[str, ...]) -> Iterator[Literal]:
        try:
            value = parse(text, where="")
        except InvalidPackageError:
            value = text
        yield from self._value(value, path[-1], path)

    def _code(self, value: Any, key: str, *path: str) -> Iterator[Literal]:
        if isinstance(value, str) and value.strip() and not _EXPRESSION.fullmatch(value):
            yield Literal(" / ".join((self.place, *path)), key, value, Role.CODE)

    def _text(self, value: Any, key: str, path: tuple[str, ...]) -> Iterator[Literal]:
        role = _role(key, value)
        if isinstance(value, int | float) and not isinstance(value, bool) and role is Role.SECRET_SLOT:
            value = str(value)
        if not isinstance(value, str) or not value.strip() or value in self.ids or _EXPRESSION.fullmatch(value):
            return
        if role is Role.ENDPOINT and _NODE_ID.fullmatch(value):  # a configuration node that was not exported along
            return
        yield Literal(" / ".join((self.place, *path)), key, value, role)


def _role(key: str, value: Any) -> Role:
    if is_secret_name(key):
        return Role.SECRET_SLOT
    if is_endpoint_name(key):  # a path alone is a place on this very runtime
        return Role.TEXT if isinstance(value, str) and value.startswith("/") else Role.ENDPOINT
    return Role.IDENTITY if is_identity_name(key) else Role.TEXT


def type_beside(holder: Mapping[str, Any], key: str) -> str:
    """Return the type a partner property gives to `key`: `payloadType`, `op1type`, `vt`, or `type` beside `value`."""
    partners = [f"{key}Type", f"{key}type", f"{key}t"]
    if key == "value":
        partners.append("type")
    if key == "valueValue":
        partners.append("valueType")
    return next((holder[partner] for partner in partners if isinstance(holder.get(partner), str)), "")


def _is_type_name(key: str) -> bool:
    return key.endswith(("Type", "type")) or key in {"vt", "pt", "tot", "fromt", "v2t"}


def singular(word: str) -> str:
    """Return the word for one element of a list property: `rules` gives rule."""
    return word[:-1] if word.endswith("s") and len(word) > 3 else word
