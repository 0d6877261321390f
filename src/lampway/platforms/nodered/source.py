"""Packages as readable source: one folder per tab, and code, templates and descriptions in files of their own.

`pack` gives back exactly the package that `unpack` was given. Where a text was taken out of a node, the property holds
`{"$file": name}`; a property that looked like this by itself is wrapped as `{"$value": ...}`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lampway.errors import InvalidPackageError
from lampway.platforms.archives import check_path
from lampway.platforms.jsontext import parse, pretty
from lampway.platforms.nodered.contents import Contents, assemble, write_manifest
from lampway.platforms.nodered.flows import Kind, Node, kind_of, name_of

_FILE = "$file"
_VALUE = "$value"
_PARTS = {"func": "", "initialize": "_initialize", "finalize": "_finalize"}
_TEMPLATE_ENDINGS = {
    "handlebars": ".html",
    "html": ".html",
    "javascript": ".js",
    "css": ".css",
    "json": ".json",
    "markdown": ".md",
    "yaml": ".yaml",
    "sql": ".sql",
    "php": ".php",
    "python": ".py",
    "c_cpp": ".c",
    "java": ".java",
}
_SAFE_ID = re.compile(r"[0-9a-z.]{0,31}[0-9a-z]")


def unpack(contents: Contents) -> dict[str, bytes]:
    """Return the source of a package: path with `/` to content, sorted, safe to write on every operating system."""
    files = {
        "manifest.json": write_manifest(contents),
        "order.json": pretty([node["id"] for node in contents.nodes]),
    }
    for path, nodes in _places(contents.nodes).items():
        folder = path.rpartition("/")[0]
        kept = []
        for node in nodes:
            bare, texts = _take_out(node)
            kept.append(bare)
            files |= {f"{folder}/{name}": text.encode() for name, text in texts.items()}
        files[path] = pretty(kept)
    return dict(sorted(files.items()))


def _places(nodes: Sequence[Node]) -> dict[str, list[Node]]:
    """Return for every JSON file of the source the nodes it holds."""
    by_id = {node["id"]: node for node in nodes}
    places: dict[str, list[Node]] = {}
    for node in nodes:
        places.setdefault(_path(node, by_id), []).append(node)
    return places


def _path(node: Node, by_id: Mapping[str, Node]) -> str:
    home = node if node["type"] in {"tab", "subflow"} else by_id.get(node.get("z") or "")
    if home and home["type"] in {"tab", "subflow"}:
        return f"{home['type']}s/{_file_name(home)}/flow.json"
    if kind_of(node) is Kind.CONFIG:
        return f"config/{_file_name(node)}.json"
    return "loose/flow.json"


def _file_name(node: Node) -> str:
    """Return a name that no other node has: lower-case ASCII, `_` and capitals left to us."""
    id_ = node["id"]
    safe = id_ if _SAFE_ID.fullmatch(id_) else hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{_slug(name_of(node)) or _slug(node['type']) or 'node'}-{safe}"


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^0-9a-z]+", "-", plain)[:32].strip("-")


def _take_out(node: Node) -> tuple[Node, dict[str, str]]:
    """Return the node with its texts replaced by file names, and the texts by file name."""
    kept = dict(node)
    texts: dict[str, str] = {}
    endings = dict(_text_properties(node))
    for key, value in node.items():
        if isinstance(value, str) and value and key in endings and _is_encodable(value):
            name = _file_name(node) + endings[key]
            texts[name] = value
            kept[key] = {_FILE: name}
        elif isinstance(value, dict) and {_FILE, _VALUE} & value.keys():
            kept[key] = {_VALUE: value}
    return kept, texts


def _text_properties(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the properties that become files, with how the file name ends."""
    yield "info", ".md" if node["type"] == "comment" else "_info.md"
    if node["type"] == "function":
        yield from ((key, f"{part}.js") for key, part in _PARTS.items())
    elif node["type"] == "template":
        yield "template", _TEMPLATE_ENDINGS.get(str(node.get("format")), ".txt")
    elif node["type"] in {"ui_template", "ui-template"}:
        yield "format", ".html"


def _is_encodable(text: str) -> bool:
    return not any("\ud800" <= char <= "\udfff" for char in text)


def pack(files: Mapping[str, bytes]) -> Contents:
    """Return the contents that a source tree describes. Files whose names start with a dot are passed over.

    Raises InvalidPackageError for unsafe paths, texts that are missing, and files that belong to nothing: what was
    reviewed and what is deployed would differ.
    """
    there = {path: data for path, data in files.items() if not path.rpartition("/")[2].startswith(".")}
    for path in there:
        check_path(path)
    for path in ("manifest.json", "order.json"):
        if path not in there:
            raise InvalidPackageError("the file is missing", where=path, hint="restore it from git")
    used = {"manifest.json", "order.json"}
    nodes: list[Node] = []
    for path in sorted(path for path in there if _holds_nodes(path)):
        used.add(path)
        nodes += [_put_back(node, path, there, used) for node in _list(there, path)]
    for path in sorted(there.keys() - used):
        hint = "delete it, or refer to it from the node it belongs to"
        raise InvalidPackageError("the file belongs to no node", where=path, hint=hint)
    return assemble(there["manifest.json"], _in_order(nodes, _list(there, "order.json")))


def _holds_nodes(path: str) -> bool:
    parts = path.split("/")
    if parts[0] in {"tabs", "subflows"}:
        return len(parts) == 3 and parts[2] == "flow.json"
    return path == "loose/flow.json" or (len(parts) == 2 and parts[0] == "config" and path.endswith(".json"))


def _list(files: Mapping[str, bytes], path: str) -> list[Any]:
    value = parse(files[path], where=path)
    if not isinstance(value, list):
        raise InvalidPackageError("not a list", where=path, hint="restore it from git")
    return value


def _put_back(node: Any, path: str, files: Mapping[str, bytes], used: set[str]) -> Any:
    if not isinstance(node, dict):
        raise InvalidPackageError("not a list of objects", where=path, hint="restore it from git")
    whole = dict(node)
    for key, value in node.items():
        if isinstance(value, dict) and value.keys() == {_VALUE}:
            whole[key] = value[_VALUE]
        elif isinstance(value, dict) and value.keys() == {_FILE} and isinstance(value[_FILE], str):
            text = f"{path.rpartition('/')[0]}/{value[_FILE]}"
            used.add(text)
            whole[key] = _text(files, text, path)
    return whole


def _text(files: Mapping[str, bytes], path: str, referrer: str) -> str:
    if path not in files:
        raise InvalidPackageError(f"the file {path} is missing", where=referrer, hint="restore it from git")
    try:
        return files[path].decode()
    except UnicodeDecodeError as error:
        raise InvalidPackageError("not UTF-8 text", where=path, hint="save it as UTF-8") from error


def _in_order(nodes: list[Node], order: list[Any]) -> list[Node]:
    """Return the nodes in the order listed; those not listed follow."""
    place = {id_: index for index, id_ in enumerate(order) if isinstance(id_, str)}
    return sorted(nodes, key=lambda node: place.get(str(node.get("id")), len(place)))
