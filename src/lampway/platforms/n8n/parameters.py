"""The parameters of nodes, as a maker sees them: every value with the way to it, entries of lists by their names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

_WORDS = {
    "headerParameters": "header",
    "queryParameters": "query parameter",
    "bodyParameters": "body parameter",
    "headerParametersUi": "header",
    "queryParametersUi": "query parameter",
    "bodyParametersUi": "body parameter",
    "parametersHeaders": "header",
    "parametersQuery": "query parameter",
    "parametersBody": "body parameter",
    "assignments": "field",
    "fields": "field",
    "workflowInputs": "input",
}
_NAME_KEYS = ("name", "key", "fieldId", "fieldName", "keyName", "parameterName", "outputKey")
_VALUE_KEYS = (
    "value", "fieldValue", "stringValue", "numberValue", "booleanValue", "arrayValue", "objectValue", "keyValue",
)  # fmt: skip
_SILENT_IN_ENTRIES = {"id"}
_PLURAL = {"conditions": "condition", "values": "value", "parameters": "parameter", "messageValues": "message"}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One value, and the way to it."""

    path: tuple[str, ...]
    key: str
    """The name beside the value, wherever it is kept."""
    value: Any
    """A text, number or truth value; an empty list or object; a condition or the columns of a table as a whole."""
    is_reference: bool = False
    """Whether it names something of another system that the maker chose there, such as a spreadsheet."""
    is_named: bool = False
    """Whether `key` is a name that the maker made up, not one that the node gives to its parameters."""


def leaves_of(parameters: dict[str, Any]) -> Iterator[Leaf]:
    """Yield every value among the parameters of a node, in their order."""
    for key, value in parameters.items():
        yield from _leaves(value, key, (_WORDS.get(key, key),))


def _leaves(value: Any, key: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    if isinstance(value, dict) and value:
        yield from _object(value, key, path)
    elif isinstance(value, list) and value:
        yield from _list(value, key, path)
    else:
        yield Leaf(path, key, value)


def _object(value: dict[str, Any], key: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    if value.get("__rl") and not isinstance(value.get("value"), dict | list):
        yield Leaf(path, key, value.get("value"), is_reference=True)
        return
    if is_condition(value):
        yield Leaf(path, key, value)
        return
    only = next(iter(value)) if len(value) == 1 else ""
    if only and isinstance(value[only], list) and value[only]:  # a wrapper around a list, which no maker sees
        yield from _list(value[only], only, path)
        return
    is_table = "mappingMode" in value and "schema" in value
    for inner, item in value.items():
        if is_table and inner in {"schema", "matchingColumns"}:
            yield Leaf((*path, inner), inner, item)
        elif is_table and inner == "value":
            yield from _leaves(item, key, path)
        else:
            yield from _leaves(item, inner, (*path, inner))


def is_condition(value: Any) -> bool:
    """Return whether this compares two values, as nodes such as If and Filter do."""
    return isinstance(value, dict) and "operator" in value and bool({"leftValue", "rightValue"} & value.keys())


def _list(items: list[Any], key: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    """Yield from a list; entries that have a name are known by it, others by their number."""
    names = [_name(item) for item in items]
    often = Counter(name for name in names if name)
    seen: Counter[str] = Counter()
    for index, (item, name) in enumerate(zip(items, names, strict=True), 1):
        if not name:
            yield from _leaves(item, key, (*path[:-1], f"{_singular(path[-1])} {index}"))
            continue
        seen[name] += 1
        told = name if often[name] == 1 else f"{name} ({seen[name]})"
        yield from _entry(item, name, (*path, told))


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    return next((" ".join(item[k].split()) for k in _NAME_KEYS if isinstance(item.get(k), str) and item[k].strip()), "")


def _entry(item: dict[str, Any], name: str, path: tuple[str, ...]) -> Iterator[Leaf]:
    name_key = next(k for k in _NAME_KEYS if isinstance(item.get(k), str) and item[k].strip())
    value_key = next((k for k in _VALUE_KEYS if k in item and k != name_key), "")
    if value_key:
        yield from (replace(leaf, is_named=True) for leaf in _leaves(item[value_key], name, path))
    for key, value in item.items():
        if key not in {name_key, value_key} | _SILENT_IN_ENTRIES:
            yield from _leaves(value, key, (*path, key))
    if item.keys() <= {name_key} | _SILENT_IN_ENTRIES:
        yield Leaf(path, name, "")


def _singular(word: str) -> str:
    if word in _PLURAL:
        return _PLURAL[word]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word
