"""How one node or workflow changed, in a maker's words and without secret values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.package import Edit
from lampway.platforms.linewise import lines_edit
from lampway.platforms.masking import STARS, hide, is_masked_name, shorten, shown, shown_structure
from lampway.platforms.n8n.literals import CODE_KEYS
from lampway.platforms.n8n.normal import by_ids, normal_wires, order_of
from lampway.platforms.n8n.outputs import kind_word, labels_of
from lampway.platforms.n8n.parameters import Leaf, is_condition, leaves_of
from lampway.platforms.n8n.schedule import schedule_edits, schedule_keys
from lampway.platforms.n8n.workflows import Node, Workflow, name_of, node_id

_MOST = 100
"""Differences of parameters that are told of one node; nobody reads more."""
_ABSENT = object()
_UNSET: tuple[Any, ...] = (None, "", [], {})
_CODE_NAMES = {"jsCode": "code", "functionCode": "code", "pythonCode": "code", "code": "code"}
_ON_ERROR = {
    "stopWorkflow": "stops the workflow",
    "continueRegularOutput": "goes on as if nothing had happened",
    "continueErrorOutput": "goes on by the error output",
}
_HANDLED = {
    "id", "name", "type", "typeVersion", "position", "parameters", "credentials", "disabled", "onError", "notes",
    "notesInFlow", "color", "continueOnFail",
}  # fmt: skip
_SWITCHES = {
    "executeOnce": "runs for the first item only",
    "alwaysOutputData": "goes on without any data too",
    "retryOnFail": "tries again after a failure",
}
_SETTINGS = {
    "timezone": "time zone",
    "executionTimeout": "longest run in seconds",
    "errorWorkflow": "workflow run on errors",
    "executionOrder": "order of execution",
    "callerPolicy": "who may call it",
    "callerIds": "workflows that may call it",
    "saveDataErrorExecution": "keeping of failed runs",
    "saveDataSuccessExecution": "keeping of successful runs",
    "saveManualExecutions": "keeping of manual runs",
    "saveExecutionProgress": "keeping of progress",
}
_OPERATIONS = {
    "equals": "=", "notEquals": "≠", "gt": ">", "lt": "<", "gte": "≥", "lte": "≤", "true": "is true",
    "false": "is false", "exists": "exists", "notExists": "does not exist", "empty": "is empty",
    "notEmpty": "is not empty", "startsWith": "starts with", "endsWith": "ends with", "contains": "contains",
    "notContains": "does not contain", "regex": "matches", "after": "is after", "before": "is before",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Names:
    """What ids of nodes and of workflows stand for, before and after."""

    old: Mapping[str, str]
    new: Mapping[str, str]

    def of(self, id_: str) -> str:
        """Return the name of what has this id, the newest one; the id itself where nothing has it."""
        return self.new.get(id_) or self.old.get(id_) or id_


def workflow_edits(old: Workflow, new: Workflow, names: Names) -> Iterator[Edit]:
    """Yield every difference between two workflows themselves, apart from their nodes."""
    if name_of(old) != name_of(new):
        yield Edit("name", f"renamed from *{_name(name_of(old))}* to *{_name(name_of(new))}*")
    if old["active"] != new["active"]:
        yield Edit("active", "published" if new["active"] else "no longer published")
    was, now = old["settings"], new["settings"]
    for key in sorted(was.keys() | now.keys()):
        if was.get(key) == now.get(key):
            continue
        before, after = (_setting(key, settings.get(key), names) for settings in (was, now))
        yield Edit(f"settings/{key}", f"{_SETTINGS.get(key, key)}{_from_to(before, after)}")


def _setting(key: str, value: Any, names: Names) -> str:
    if value is None:
        return ""
    if key == "errorWorkflow" and isinstance(value, str):
        return f"*{_name(names.of(value))}*"
    return _shown(key, value)


@dataclass(frozen=True, slots=True)
class Seen:
    """A node with the workflow around it; values of an environment are out of both."""

    workflow: Workflow
    node: Node


def node_edits(old: Seen, new: Seen, names: Names) -> Iterator[Edit]:
    """Yield every difference between two nodes with the same id, most telling ones first.

    That other nodes were renamed is no difference of the ones whose expressions read them.
    """
    before, after = old.node, new.node
    yield from _identity(before, after)
    if before["type"] == after["type"]:
        yield from (Edit("schedule", text) for text in schedule_edits(before, after))
    now_called = {node_id(node): node["name"] for node in new.workflow["nodes"]}
    renamed = {n["name"]: now_called.get(node_id(n), n["name"]) for n in old.workflow["nodes"]}
    yield from _parameters(before, by_ids(before["parameters"], renamed), after, by_ids(after["parameters"], {}), names)
    yield from _credentials(before, after)
    yield from _conduct(before, after)
    yield from _wires(old, new, names)


def _identity(old: Node, new: Node) -> Iterator[Edit]:
    if old["type"] != new["type"]:
        yield Edit("type", f"type changed from {_name(old['type'])} to {_name(new['type'])}")
    if old["name"] != new["name"]:
        yield Edit("name", f"renamed from *{_name(old['name'])}* to *{_name(new['name'])}*")
    if bool(old.get("disabled")) != bool(new.get("disabled")):
        yield Edit("disabled", "disabled" if new.get("disabled") else "enabled")
    was, now = old.get("typeVersion"), new.get("typeVersion")
    if was != now and old["type"] == new["type"]:
        yield Edit("typeVersion", f"version of the node changed from {_shown('', was)} to {_shown('', now)}")


def _name(text: str) -> str:
    return shorten(hide(text))


def _parameters(old: Node, before: dict[str, Any], new: Node, after: dict[str, Any], names: Names) -> Iterator[Edit]:
    timed = schedule_keys(old) & schedule_keys(new) if old["type"] == new["type"] else set()
    was, now = (
        {leaf.path: leaf for leaf in leaves_of({k: v for k, v in p.items() if k not in timed})} for p in (before, after)
    )
    paths = [path for path in dict.fromkeys([*was, *now]) if _value_at(was, path) != _value_at(now, path)]
    for path in sorted(paths, key=lambda path: path[-1] not in CODE_KEYS)[:_MOST]:
        if path not in was:
            yield from _told(path, _added(now[path], names))
        elif path not in now:
            yield from _told(path, _removed(was[path], names))
        else:
            yield from _told(path, _changed(was[path], now[path], names))
    if len(paths) > _MOST:
        yield Edit("parameters", f"{len(paths) - _MOST} more parameters changed")


def _value_at(leaves: Mapping[tuple[str, ...], Leaf], path: tuple[str, ...]) -> Any:
    return leaves[path].value if path in leaves else _ABSENT


def _told(path: tuple[str, ...], summary: str) -> Iterator[Edit]:
    yield Edit("/".join(path), f"{_words(path)} {summary}")


def _words(path: tuple[str, ...]) -> str:
    """Return the way to a parameter in words."""
    if path[-1] in _CODE_NAMES:
        return "code"
    return shorten(hide(" / ".join(path)))


def _added(leaf: Leaf, names: Names) -> str:
    return f"set to {_value(leaf, names)}" if leaf.value not in _UNSET else "added"


def _removed(leaf: Leaf, names: Names) -> str:
    return f"removed, was {_value(leaf, names)}" if leaf.value not in _UNSET else "removed"


def _changed(old: Leaf, new: Leaf, names: Names) -> str:
    before, after = old.value, new.value
    if isinstance(before, str) and isinstance(after, str) and _is_long(old.path[-1], before, after):
        return lines_edit("", before, after).lstrip()
    if isinstance(before, bool) and isinstance(after, bool):
        return f"turned {'on' if after else 'off'}"
    was, now = _value(old, names), _value(new, names)
    if was == now and isinstance(before, str) and isinstance(after, str):
        return f"changed{_around(old.key, before, after)}"
    return f"changed{'' if was == now else f' from {was} to {now}'}"


def _is_long(key: str, before: str, after: str) -> bool:
    return key in CODE_KEYS or min(before.count("\n"), after.count("\n")) > 1


def _around(key: str, before: str, after: str) -> str:
    """Return what differs between two texts that look the same where they are cut; nothing of secrets."""
    was, now = " ".join(hide(before).split()), " ".join(hide(after).split())
    if is_masked_name(key) or was == now:
        return ""
    shorter = min(len(was), len(now))
    start = max(next((i for i in range(shorter) if was[i] != now[i]), shorter) - 15, 0)
    return f" from `…{shorten(was[start:])}` to `…{shorten(now[start:])}`"


def _value(leaf: Leaf, names: Names) -> str:
    if leaf.key == "workflowId" and isinstance(leaf.value, str) and names.of(leaf.value) != leaf.value:
        return f"*{_name(names.of(leaf.value))}*"
    return _shown(leaf.key, leaf.value)


def _shown(key: str, value: Any) -> str:
    """Return a value as people may see it."""
    if value in _UNSET:
        return "nothing"
    if is_condition(value):
        return f"`{_condition(value)}`"
    if not isinstance(value, str):
        return shown_structure(key, value)
    text = shown(key, value.removeprefix("="))
    plain = text == STARS or (text.isalnum() and len(text) <= 20 and not value.startswith("="))
    return text if plain else f"`{text}`"


def _condition(value: dict[str, Any]) -> str:
    operator = value["operator"] if isinstance(value["operator"], dict) else {}
    operation = str(operator.get("operation", ""))[:30]
    left, right = (_side(value.get(key)) for key in ("leftValue", "rightValue"))
    name = left.rpartition(".")[2].strip("{} '\"]")
    right = STARS if is_masked_name(name) and right and not right.startswith("{{") else right
    return " ".join(part for part in (left, _OPERATIONS.get(operation, operation), right) if part)


def _side(value: Any) -> str:
    if value in _UNSET:
        return ""
    return shorten(hide(value.removeprefix("=") if isinstance(value, str) else json.dumps(value)))


def _from_to(before: str, after: str) -> str:
    if not before:
        return f" set to {after}"
    if not after:
        return f" back to the usual, was {before}"
    return f" changed from {before} to {after}"


def _credentials(old: Node, new: Node) -> Iterator[Edit]:
    was, now = (
        {type_: str(stated["name"]) for type_, stated in (n.get("credentials") or {}).items()} for n in (old, new)
    )
    for type_ in sorted(was.keys() | now.keys()):
        if was.get(type_) == now.get(type_):
            continue
        kind = f" ({shorten(type_)})"
        if type_ not in was:
            summary = f"now uses connection *{_name(now[type_])}*{kind}"
        elif type_ not in now:
            summary = f"no longer uses connection *{_name(was[type_])}*{kind}"
        else:
            summary = f"uses connection *{_name(now[type_])}* instead of *{_name(was[type_])}*{kind}"
        yield Edit(f"credentials/{type_}", summary)


def _conduct(old: Node, new: Node) -> Iterator[Edit]:
    """Yield what is different in how a node runs, whatever it does."""
    if _on_error(old) != _on_error(new):
        yield Edit("onError", f"after an error now {_on_error(new)}; before, it {_on_error(old)}")
    for key in sorted((old.keys() | new.keys()) - _HANDLED):
        before, after = old.get(key), new.get(key)
        if key in _SWITCHES and bool(before) != bool(after):
            yield Edit(key, f"{'now' if after else 'no longer'} {_SWITCHES[key]}")
        elif key not in _SWITCHES and before != after:
            was, now = ("" if value is None else _shown(key, value) for value in (before, after))
            yield Edit(key, f"{shorten(key)}{_from_to(was, now)}")


def _on_error(node: Node) -> str:
    usual = "continueRegularOutput" if node.get("continueOnFail") else "stopWorkflow"
    stated = str(node.get("onError") or usual)
    return _ON_ERROR.get(stated, shorten(stated))


def _wires(old: Seen, new: Seen, names: Names) -> Iterator[Edit]:
    was, now = (dict.fromkeys(_ends(seen)) for seen in (old, new))
    for end in (*(end for end in now if end not in was), *(end for end in was if end not in now)):
        kind, output, target, index = end
        several = len(_labels(new)) > 1 or len(_labels(old)) > 1
        origin = f" from output {_output(new if end in now else old, output)}" if kind == "main" and several else ""
        into = f", input {index + 1}" if index else ""
        word = "wire" if kind == "main" else f"{kind_word(kind)} wire"
        done = "added" if end in now else "removed"
        yield Edit("wires", f"{word}{origin} to *{_name(names.of(target))}*{into} {done}")
    if was.keys() == now.keys():
        yield from _order(old, new, names)


def _ends(seen: Seen) -> list[tuple[str, int, str, int]]:
    """Return what a node is wired to: kind, output, id of the other node, input."""
    ids = {node["name"]: node_id(node) for node in seen.workflow["nodes"]}
    return [
        (kind, output, end[0], end[2])
        for kind, outputs in normal_wires(seen.workflow, seen.node, ids).items()
        for output, ends in enumerate(outputs)
        for end in ends
    ]


def _labels(seen: Seen) -> list[str]:
    return labels_of(seen.node, len((seen.workflow["connections"].get(seen.node["name"]) or {}).get("main", [])))


def _output(seen: Seen, output: int) -> str:
    labels = _labels(seen)
    return labels[output] if output < len(labels) and labels[output] else str(output + 1)


def _order(old: Seen, new: Seen, names: Names) -> Iterator[Edit]:
    before, after = order_of(old.workflow, old.node), order_of(new.workflow, new.node)
    if before != after and after:
        told = ", ".join(f"*{_name(names.of(id_))}*" for id_ in after[:5])
        yield Edit("order", f"the branches behind it run in another order: {told}")
