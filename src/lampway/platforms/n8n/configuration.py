"""Values that an environment gives to workflows: the fields of *Configuration* nodes.

n8n has variables of its own only with a licence. Without one, a maker puts an *Edit Fields* (Set) node behind the
trigger and calls it `Configuration`, or something that begins with that word. Each of its fields is a variable of the
solution. Their values are taken out of the package and put back when it is deployed, so that every environment has its
own. A field whose value is an expression is worked out by the workflow, and is none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lampway.errors import InvalidPackageError
from lampway.platforms.jsontext import dumps_js, parse
from lampway.platforms.n8n.workflows import Node, Workflow, name_of

SET = "n8n-nodes-base.set"
_WORD = re.compile(r"configuration(?![a-z])", re.IGNORECASE)
_TYPES = {"string": "string", "number": "number", "boolean": "boolean", "array": "json", "object": "json"}
_LITERAL = re.compile(r"=\{\{ (\"(?:[^\"\\{}]|\\.)*\") \}\}")
_VALUES = ("value", "stringValue", "numberValue", "booleanValue", "arrayValue", "objectValue")
"""Properties that may hold the value of a field; one of another type than the field's is left from before."""
_GONE = object()


@dataclass(frozen=True, slots=True)
class VariableSlot:
    """A variable, and the nodes whose fields take its value."""

    name: str
    type: str
    """string, number, boolean or json."""
    required: bool
    """False where the package carries a constant."""
    used_by: tuple[str, ...]
    """The *Configuration* nodes that have the field, each with its workflow."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a *Configuration* node."""

    name: str
    type: str
    """string, number, boolean or json."""
    place: str
    key: str
    """The property that holds the value."""
    holder: dict[str, Any]
    """The entry itself."""

    @property
    def is_expression(self) -> bool:
        """Whether the workflow works the value out by itself."""
        value = self.holder.get(self.key)
        return isinstance(value, str) and value.startswith("=") and _LITERAL.fullmatch(value) is None

    @property
    def value(self) -> Any:
        """The value that is there, in the type of the variable; None for none."""
        return _read(self.holder.get(self.key), self.type)


def is_configuration(node: Node) -> bool:
    """Return whether a node's fields are variables of the solution."""
    return node["type"] == SET and _WORD.match(node["name"]) is not None


def is_unreadable(node: Node) -> bool:
    """Return whether a *Configuration* node is written as one JSON text, out of which no fields can be taken."""
    return is_configuration(node) and node["parameters"].get("mode") == "raw"


def fields_of(workflow: Workflow) -> Iterator[Field]:
    """Yield the fields of all *Configuration* nodes that an environment gives, or that are constant."""
    for node in workflow["nodes"]:
        if is_configuration(node) and not is_unreadable(node):
            place = f"{name_of(workflow)} / {node['name']}"
            yield from (field for field in _fields(node["parameters"], place) if not field.is_expression)


def _fields(parameters: dict[str, Any], place: str) -> Iterator[Field]:
    """Yield the fields of a Set node of any version."""
    listed = parameters.get("assignments")
    for entry in _entries(listed.get("assignments") if isinstance(listed, dict) else None):  # since 3.3
        yield Field(entry["name"], _TYPES.get(str(entry.get("type")), "string"), place, "value", entry)
    fields = parameters.get("fields")
    for entry in _entries(fields.get("values") if isinstance(fields, dict) else None):  # 3.0 to 3.2
        stated = str(entry.get("type"))
        key = stated if stated in _VALUES else "stringValue"
        yield Field(entry["name"], _TYPES.get(key.removesuffix("Value"), "string"), place, key, entry)
    values = parameters.get("values")
    for kind in ("string", "number", "boolean"):  # 1 and 2
        for entry in _entries(values.get(kind) if isinstance(values, dict) else None):
            yield Field(entry["name"], kind, place, "value", entry)


def _entries(listed: Any) -> list[dict[str, Any]]:
    """Return the entries that have a name."""
    entries = listed if isinstance(listed, list) else []
    return [e for e in entries if isinstance(e, dict) and isinstance(e.get("name"), str) and e["name"]]


def find_variables(workflows: Sequence[Workflow], constants: Collection[str] = ()) -> tuple[VariableSlot, ...]:
    """Return one variable per name, by name: an environment gives one value to every field of that name."""
    found: dict[str, list[Field]] = {}
    for workflow in workflows:
        for field in fields_of(workflow):
            found.setdefault(field.name, []).append(field)
    return tuple(
        VariableSlot(name, _one_type(same), name not in constants, tuple(sorted({field.place for field in same})))
        for name, same in sorted(found.items())
    )


def _one_type(fields: Sequence[Field]) -> str:
    kinds = {field.type for field in fields}
    return kinds.pop() if len(kinds) == 1 else "string"


def values_of(workflows: Sequence[Workflow]) -> dict[str, Any]:
    """Return the values that *Configuration* nodes hold, by name; of two for one name, the first."""
    found: dict[str, Any] = {}
    for workflow in workflows:
        for field in fields_of(workflow):
            if field.value is not None:
                found.setdefault(field.name, field.value)
    return found


def without_values(workflow: Workflow, constants: Collection[str] = ()) -> Workflow:
    """Return a workflow whose *Configuration* nodes hold names and types, and values of constants only."""
    return _with_fields(workflow, lambda field: field.holder.get(field.key) if field.name in constants else _GONE)


def with_values(workflow: Workflow, values: Mapping[str, Any]) -> Workflow:
    """Return a workflow with values in its *Configuration* nodes; what is not among `values` stays as it is."""
    return _with_fields(
        workflow,
        lambda f: _written(values[f.name], f.type) if f.name in values else f.holder.get(f.key, _GONE),
    )


def _with_fields(workflow: Workflow, give: Any) -> Workflow:
    nodes = []
    for node in workflow["nodes"]:
        if not is_configuration(node) or is_unreadable(node):
            nodes.append(node)
            continue
        parameters = _copied(node["parameters"])
        for field in list(_fields(parameters, "")):
            if field.is_expression:
                continue
            value = give(field)
            for key in _VALUES:
                field.holder.pop(key, None)
            if value is not _GONE:
                field.holder[field.key] = value
        nodes.append({**node, "parameters": parameters})
    return {**workflow, "nodes": nodes}


def _copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _written(value: Any, kind: str) -> Any:
    """Return a value as n8n takes it: a text never turns into an expression, lists and objects are JSON texts."""
    if kind == "json" or isinstance(value, dict | list):
        return dumps_js(value)
    if kind == "string":
        text = value if isinstance(value, str) else dumps_js(value)
        if not text.startswith("="):
            return text
        quoted = json.dumps(text).replace("{", "\\u007b").replace("}", "\\u007d")
        return f"={{{{ {quoted} }}}}"
    return value


def _read(value: Any, kind: str) -> Any:
    if not isinstance(value, str):
        return value
    literal = _LITERAL.fullmatch(value)
    if literal:
        value = json.loads(literal[1])
    if kind == "json":
        return _parsed(value)
    if kind == "number":
        number = _parsed(value)
        return number if isinstance(number, int | float) and not isinstance(number, bool) else value
    if kind == "boolean":
        return {"true": True, "false": False}.get(value.strip().lower(), value)
    return value


def _parsed(text: str) -> Any:
    try:
        return parse(text, where="value")
    except InvalidPackageError:
        return text
