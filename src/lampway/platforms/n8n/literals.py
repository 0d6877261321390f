"""Every text in workflows that a scanner should look at, with its place in a maker's words and what it is for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from lampway.domain.package import Literal, Role
from lampway.errors import InvalidPackageError
from lampway.platforms.jsontext import parse
from lampway.platforms.n8n.configuration import is_configuration, is_unreadable
from lampway.platforms.n8n.parameters import Leaf, is_condition, leaves_of
from lampway.platforms.n8n.workflows import Node, Workflow, name_of, places_of
from lampway.platforms.names import is_endpoint_name, is_identity_name, is_secret_name, words_of

CODE_KEYS = frozenset({"jsCode", "pythonCode", "functionCode", "code", "command", "query", "workflowJson"})
"""Parameters that hold code, whatever node they are of."""

_COUNTED = {
    "max", "min", "num", "number", "count", "limit", "total", "page", "next", "continuation", "sync", "csrf", "type",
    "usage", "prompt", "completion", "input", "output", "send", "include", "use", "location", "name", "source",
}  # fmt: skip
"""Words beside *token* and the like that tell of no secret: how many, which kind, whether at all."""
_LISTS = {"whitelist", "allowlist", "blocklist", "blacklist"}
_WHOLE = re.compile(r"=\s*\{\{(?:(?!\}\}).)*\}\}\s*", re.DOTALL)
_READS = re.compile(r"[\w$.\[\]'\"\s()?-]*")
"""What only reads something and says nothing of its own, if no text stands in it but names."""
_SILENT = frozenset({"resource", "operation", "nodeCredentialType", "genericAuthType", "authentication", "mode"})


def literals_of(workflows: Sequence[Workflow]) -> Iterator[Literal]:
    """Yield every text worth scanning, in the order of the workflows and their nodes.

    Ids of things chosen in other systems keep their role; expressions that only read something are left out.
    """
    for workflow in workflows:
        description = workflow.get("description")
        if isinstance(description, str) and description.strip():
            place = f"workflow {name_of(workflow)} / description"
            yield Literal(place, "description", description, Role.TEXT)
        places = places_of(workflow)
        for node in workflow["nodes"]:
            yield from _node(node, places[node["name"]])


def _node(node: Node, place: str) -> Iterator[Literal]:
    given = is_configuration(node) and not is_unreadable(node)
    for leaf in leaves_of(node["parameters"]):
        if given and not str(leaf.value).startswith("="):
            yield from _given(leaf, place)
        else:
            yield from _leaf(leaf, place)
    if isinstance(node.get("notes"), str) and node["notes"].strip():
        yield Literal(f"{place} / notes", "notes", node["notes"], Role.TEXT)


def _given(leaf: Leaf, place: str) -> Iterator[Literal]:
    """Yield the value of a variable in an export: it may be an address, for it does not stay, but no secret."""
    if isinstance(leaf.value, str) and leaf.value.strip() and not _is_kind(leaf):
        yield Literal(_told(place, leaf), leaf.key, leaf.value, Role.IDENTITY)


def _is_kind(leaf: Leaf) -> bool:
    """Return whether it only tells of what type the entry beside it is."""
    return leaf.key == "type" and len(leaf.path) > 1


def _leaf(leaf: Leaf, place: str) -> Iterator[Literal]:
    value = leaf.value
    if is_condition(value):
        yield from _condition(value, leaf, place)
        return
    if isinstance(value, int | float) and not isinstance(value, bool) and not leaf.is_named and is_secret(leaf.key):
        value = str(value)
    if not isinstance(value, str) or not value.strip() or leaf.key in _SILENT or _is_kind(leaf):
        return
    text = value.removeprefix("=")
    if _WHOLE.fullmatch(value):
        if _READS.fullmatch(text.strip().strip("{}")) is None or _quotes(text):
            yield Literal(_told(place, leaf), leaf.key, text, Role.CODE)
        return
    inside = _json(text)
    if inside is not None:
        for inner in leaves_of({leaf.key: inside}):
            path = (*leaf.path[:-1], leaf.path[-1], *inner.path[1:])
            yield from _leaf(Leaf(path, inner.key, inner.value, is_named=True), place)
        return
    yield Literal(_told(place, leaf), leaf.key, text, _role(leaf, text))


def _condition(value: dict[str, Any], leaf: Leaf, place: str) -> Iterator[Literal]:
    """Yield both sides of a comparison; what is compared with goes by the name of what it is compared to."""
    compared = re.findall(r"[\w-]+", str(value.get("leftValue", "")))
    for key, name in (("leftValue", "leftValue"), ("rightValue", compared[-1] if compared else "rightValue")):
        for inner in leaves_of({key: value.get(key)}):
            path = (*leaf.path, *inner.path)
            yield from _leaf(Leaf(path, name if inner.key == key else inner.key, inner.value, is_named=True), place)


def _quotes(text: str) -> bool:
    """Return whether some quoted text in an expression is long enough to be more than the name of something."""
    return re.search(r"""(["'`])[^"'`]{12,}\1""", text) is not None


def _told(place: str, leaf: Leaf) -> str:
    return " / ".join((place, *leaf.path))


def _json(text: str) -> Any:
    """Return the list or object that a text holds as JSON; None where it holds none."""
    if text.lstrip()[:1] not in {"{", "["}:
        return None
    try:
        return parse(text, where="value") or None
    except InvalidPackageError:
        return None


def _role(leaf: Leaf, text: str) -> Role:
    key = leaf.key
    if leaf.is_reference:
        return Role.RESOURCE_ID
    if key in CODE_KEYS or (key.startswith("json") and text.lstrip()[:1] in {"{", "["}):
        return Role.CODE
    if leaf.is_named:  # what a maker calls *token* or *address* need be none: the value tells
        return Role.ENDPOINT if is_endpoint_name(key) and "://" in text else Role.TEXT
    if is_secret(key):
        return Role.SECRET_SLOT
    if is_endpoint_name(key) and not _LISTS & set(words_of(key)):  # a path alone is a place on this very instance
        return Role.TEXT if text.startswith("/") else Role.ENDPOINT
    return Role.IDENTITY if is_identity_name(key) else Role.TEXT


def is_secret(key: str) -> bool:
    """Return whether a value under this name is likely a secret."""
    return is_secret_name(key) and not _COUNTED & set(words_of(key))
