"""Packages as readable source: one folder per workflow, with code and other long texts in files of their own.

`pack` gives back exactly the package that `unpack` was given. Where a text was taken out of a node, the parameter holds
`{"$file": name}`; a parameter that looked like this by itself is wrapped as `{"$value": ...}`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from lampway.errors import InvalidPackageError
from lampway.platforms.archives import check_path
from lampway.platforms.jsontext import parse, pretty
from lampway.platforms.n8n.contents import MANIFEST, Contents, assemble, write_manifest
from lampway.platforms.n8n.workflows import STICKY, Node, Workflow, name_of, node_id

_FILE = "$file"
_VALUE = "$value"
_ENDINGS = {
    "jsCode": ".js",
    "functionCode": ".js",
    "pythonCode": ".py",
    "html": ".html",
    "markdown": ".md",
    "command": ".sh",
    "query": ".sql",
}
_LONG = 3
"""Line breaks from which on any other text is easier to review in a file."""
_WORKFLOW = "workflow.json"
_RESTORE = "restore it from git"


def unpack(contents: Contents) -> dict[str, bytes]:
    """Return the source of a package: path with `/` to content, sorted, safe to write on every operating system."""
    files = {MANIFEST: write_manifest(contents)}
    for workflow in contents.workflows:
        folder = f"workflows/{_file_name(name_of(workflow), workflow['id'])}"
        nodes = []
        for node in workflow["nodes"]:
            bare, texts = _take_out(node)
            nodes.append(bare)
            files |= {f"{folder}/{name}": text.encode() for name, text in texts.items()}
        files[f"{folder}/{_WORKFLOW}"] = pretty({**workflow, "nodes": nodes})
    return dict(sorted(files.items()))


def _file_name(name: str, id_: str) -> str:
    """Return a name that nothing else has: lower-case ASCII, for ids of n8n differ in their capitals."""
    mark = hashlib.sha256(id_.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^0-9a-z]+", "-", plain)[:40].strip("-")
    return f"{slug}-{mark}" if slug else mark


def _take_out(node: Node) -> tuple[Node, dict[str, str]]:
    """Return the node with its long texts replaced by file names, and the texts by file name."""
    kept = dict(node["parameters"])
    texts: dict[str, str] = {}
    for key, value in node["parameters"].items():
        ending = _ending(node, key, value)
        if ending:
            name = _file_name(node["name"], node_id(node)) + ending
            texts[name] = value
            kept[key] = {_FILE: name}
        elif isinstance(value, dict) and {_FILE, _VALUE} & value.keys():
            kept[key] = {_VALUE: value}
    return {**node, "parameters": kept}, texts


def _ending(node: Node, key: str, value: Any) -> str:
    """Return how the name of the file for a text ends; empty for one that stays where it is."""
    if not isinstance(value, str) or not value or not _is_encodable(value):
        return ""
    if node["type"] == STICKY and key == "content":
        return ".md"
    if key in _ENDINGS and not value.startswith("="):
        return _ENDINGS[key]
    if value.count("\n") < _LONG:
        return ""
    plain = re.sub(r"[^0-9a-z]+", "-", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", key).lower()).strip("-")[:40]
    mark = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"_{plain}-{mark}.txt"


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
    if MANIFEST not in there:
        raise InvalidPackageError("the file is missing", where=MANIFEST, hint=_RESTORE)
    used = {MANIFEST}
    workflows: dict[str, Any] = {}
    for path in sorted(path for path in there if _holds_workflow(path)):
        used.add(path)
        workflows[path] = _put_back(parse(there[path], where=path), path, there, used)
    for path in sorted(there.keys() - used):
        hint = "delete it, or refer to it from the node it belongs to"
        raise InvalidPackageError("the file belongs to no node", where=path, hint=hint)
    return assemble(there[MANIFEST], workflows)


def _holds_workflow(path: str) -> bool:
    parts = path.split("/")
    return len(parts) == 3 and parts[0] == "workflows" and parts[2] == _WORKFLOW


def _put_back(workflow: Any, path: str, files: Mapping[str, bytes], used: set[str]) -> Workflow:
    if not isinstance(workflow, dict) or not isinstance(workflow.get("nodes"), list):
        raise InvalidPackageError("not a workflow with a list of `nodes`", where=path, hint=_RESTORE)
    return {**workflow, "nodes": [_whole(node, path, files, used) for node in workflow["nodes"]]}


def _whole(node: Any, path: str, files: Mapping[str, bytes], used: set[str]) -> Any:
    if not isinstance(node, dict) or not isinstance(node.get("parameters"), dict):
        raise InvalidPackageError("a node without `parameters`", where=path, hint=_RESTORE)
    whole = dict(node["parameters"])
    for key, value in node["parameters"].items():
        if isinstance(value, dict) and value.keys() == {_VALUE}:
            whole[key] = value[_VALUE]
        elif isinstance(value, dict) and value.keys() == {_FILE} and isinstance(value[_FILE], str):
            text = f"{path.rpartition('/')[0]}/{value[_FILE]}"
            used.add(text)
            whole[key] = _text(files, text, path)
    return {**node, "parameters": whole}


def _text(files: Mapping[str, bytes], path: str, referrer: str) -> str:
    if path not in files:
        raise InvalidPackageError(f"the file {path[:200]} is missing", where=referrer, hint=_RESTORE)
    try:
        return files[path].decode()
    except UnicodeDecodeError as error:
        raise InvalidPackageError("not UTF-8 text", where=path, hint="save it as UTF-8") from error
