"""How a cloud flow changed, in the words of whoever builds flows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from lampway.domain.package import Edit
from lampway.platforms.powerplatform.flows import (
    PLATFORM_PARAMETERS,
    Action,
    Json,
    actions_of,
    connections_of,
    definition_of,
    object_in,
    operation_of,
    section,
    title_of,
    variable_of,
)
from lampway.platforms.powerplatform.jsontext import compact, decoded
from lampway.platforms.powerplatform.wording import MOST, changed, flatten, json_edits

_RESULTS = {"Succeeded": "success", "Failed": "failure", "Skipped": "being skipped", "TimedOut": "a time-out"}
_KINDS = {
    "Button": "by hand", "Http": "an HTTP request", "PowerApp": "a canvas app", "PowerAppV2": "a canvas app",
    "Skills": "an agent", "ApiConnection": "an HTTP request", "Geofence": "a place", "EventGrid": "an event",
}  # fmt: skip
_EVERY = {
    "Second": "every second",
    "Minute": "every minute",
    "Hour": "hourly",
    "Day": "daily",
    "Week": "weekly",
    "Month": "monthly",
}
_OPERATORS = {
    "equals": "=", "greater": ">", "greaterOrEquals": ">=", "less": "<", "lessOrEquals": "<=", "contains": "contains",
    "startsWith": "starts with", "endsWith": "ends with",
}  # fmt: skip
_HANDLED = frozenset({"runAfter", "metadata", "expression", "foreach", "type", "kind"})


def flow_edits(old: Json, new: Json) -> Iterator[Edit]:
    """Yield every difference between two definitions, most telling ones first."""
    yield from _triggers(old, new)
    yield from _actions(old, new)
    yield from _connections(old, new)
    yield from _parameters(old, new)
    handled = {"triggers", "actions", "parameters", "$schema", "contentVersion", "metadata"}
    before, after = (
        {key: value for key, value in definition_of(flow).items() if key not in handled} for flow in (old, new)
    )
    yield from json_edits(before, after, "definition: ")


def _triggers(old: Json, new: Json) -> Iterator[Edit]:
    before, after = (section(definition_of(flow), "triggers") for flow in (old, new))
    gone, come = [n for n in before if n not in after], [n for n in after if n not in before]
    if len(gone) == len(come) == 1:
        was, now = before[gone[0]], after[come[0]]
        words = f"trigger changed from {_told(gone[0], was)} to {_told(come[0], now)}"
        if _told("", was) == _told("", now):
            words = f"trigger renamed from *{title_of(gone[0])}* to *{title_of(come[0])}*"
        yield Edit("triggers", words)
        yield from _inputs(was, now, "trigger: ")
        return
    yield from (Edit("triggers", f"trigger {_told(name, after[name])} added") for name in come)
    yield from (Edit("triggers", f"trigger {_told(name, before[name])} removed") for name in gone)
    for name in after:
        if name in before:
            yield from _trigger(name, before[name], after[name])


def _trigger(name: str, was: Json, now: Json) -> Iterator[Edit]:
    if _told(name, was) != _told(name, now):
        yield Edit(f"triggers/{name}", f"trigger changed from {_told(name, was)} to {_told(name, now)}")
    yield from _inputs(was, now, "trigger: ")


def _told(name: str, trigger: Json) -> str:
    """Return when a trigger starts its flow."""
    recurrence = object_in(trigger, "recurrence")
    often = _how_often(recurrence) if recurrence else ""
    match trigger.get("type"):
        case "Recurrence":
            return often
        case "Request":
            return _KINDS.get(str(trigger.get("kind", "Http")), str(trigger.get("kind")))
    operation = operation_of(trigger)
    told = operation or title_of(name) or str(trigger.get("type", ""))
    return f"{told}, looked for {often}" if often else told


def _how_often(recurrence: Mapping[str, Any]) -> str:
    frequency, interval = str(recurrence.get("frequency", "")), recurrence.get("interval", 1)
    every = _EVERY.get(frequency, frequency) if interval == 1 else f"every {interval} {frequency.lower()}s"
    schedule = recurrence.get("schedule")
    if not isinstance(schedule, dict):
        return every
    details = [f"{key} {', '.join(map(str, value))}" for key, value in schedule.items() if isinstance(value, list)]
    return f"{every} ({'; '.join(details)})" if details else every


@dataclass(frozen=True, slots=True)
class _Both:
    """The actions of two builds, by name, with those that were only renamed known under their new names."""

    old: Mapping[str, Action]
    new: Mapping[str, Action]
    renamed: Mapping[str, str]
    """New name to old name."""

    @property
    def added(self) -> list[str]:
        return [name for name in self.new if name not in self.old]

    @property
    def removed(self) -> list[str]:
        return [name for name in self.old if name not in self.new]


def _actions(old: Json, new: Json) -> Iterator[Edit]:
    both = _match({a.name: a for a in actions_of(old)}, {a.name: a for a in actions_of(new)})
    for now, was in both.renamed.items():
        yield Edit(f"actions/{now}", f"action *{title_of(was)}* renamed to *{title_of(now)}*")
    added, removed = set(both.added), set(both.removed)
    for name in both.added:
        action = both.new[name]
        if action.holder not in added:
            inside = sum(_is_inside(other, name, both.new) for other in both.new.values())
            more = f", with {inside} action{'s' if inside > 1 else ''} in it" if inside else ""
            yield Edit(f"actions/{name}", f"action *{action.title}* ({_does(action)}) added{_where(action)}{more}")
    for name in both.removed:
        action = both.old[name]
        if action.holder not in removed:
            inside = sum(_is_inside(other, name, both.old) for other in both.old.values())
            more = f", with {inside} action{'s' if inside > 1 else ''} in it" if inside else ""
            yield Edit(f"actions/{name}", f"action *{action.title}* ({_does(action)}) removed{more}")
    for name, action in both.new.items():
        if name in both.old:
            yield from _action(both.old[name], action, both)


def _is_inside(action: Action, holder: str, actions: Mapping[str, Action]) -> bool:
    seen: set[str] = set()
    while action.holder and action.holder not in seen:
        if action.holder == holder:
            return True
        seen.add(action.holder)
        if action.holder not in actions:
            return False
        action = actions[action.holder]
    return False


def _does(action: Action) -> str:
    return operation_of(action.body) or action.kind


def _where(action: Action) -> str:
    after = [f"*{title_of(name)}*" for name in action.after]
    place = f" in *{title_of(action.holder)}*{_branch(action)}" if action.holder else ""
    return f"{place} after {' and '.join(after)}" if after else f"{place} at the start"


def _branch(action: Action) -> str:
    return f" ({action.branch})" if action.branch else ""


def _match(old: dict[str, Action], new: dict[str, Action]) -> _Both:
    """Match actions by name; one that went and one that came and do the same are one that was renamed."""
    gone = {name: action for name, action in old.items() if name not in new}
    by_body: dict[bytes, list[str]] = {}
    for name, action in gone.items():
        by_body.setdefault(_essence(action), []).append(name)
    renamed: dict[str, str] = {}
    for name, action in new.items():
        if name not in old and (same := by_body.get(_essence(action))):
            renamed[name] = same.pop(0)
    names = {was: now for now, was in renamed.items()}
    return _Both({names.get(n, n): _with_names(a, names) for n, a in old.items()}, new, renamed)


def _essence(action: Action) -> bytes:
    return compact({key: value for key, value in sorted(action.body.items()) if key not in {"runAfter", "metadata"}})


def _with_names(action: Action, names: Mapping[str, str]) -> Action:
    """Return an action as it would be if the others had had their new names already."""
    if not names:
        return action
    text = compact(action.body).decode("utf-8", "replace")
    for was, now in names.items():
        if was in text:
            text = text.replace(f"'{was}'", f"'{now}'").replace(f'"{was}":[', f'"{now}":[')
    body = decoded(text)
    named = names.get(action.name, action.name)
    holder = names.get(action.holder, action.holder)
    return replace(action, name=named, holder=holder, body=body if isinstance(body, dict) else action.body)


def _action(was: Action, now: Action, both: _Both) -> Iterator[Edit]:
    prefix, path = f"action *{now.title}*: ", f"actions/{now.name}"
    if (was.holder, was.branch) != (now.holder, now.branch):
        place = f"into *{title_of(now.holder)}*{_branch(now)}" if now.holder else "to the top"
        waits = " and ".join(f"*{title_of(name)}*" for name in now.after)
        yield Edit(path, f"{prefix}moved {place}{f', after {waits}' if waits else ''}")
    else:
        yield from (Edit(f"{path}/runAfter", prefix + text) for text in _order(was, now, both))
    if _does(was) != _does(now):
        yield Edit(path, f"{prefix}now {_does(now)} instead of {_does(was)}")
    if was.body.get("expression") != now.body.get("expression"):
        before, after = _condition(was.body.get("expression")), _condition(now.body.get("expression"))
        yield Edit(f"{path}/expression", f"{prefix}condition {changed('', before, after)}")
    if was.body.get("foreach") != now.body.get("foreach"):
        words = changed("", was.body.get("foreach"), now.body.get("foreach"))
        yield Edit(f"{path}/foreach", f"{prefix}what it loops over {words}")
    yield from _inputs(was.body, now.body, prefix, path)


def _order(was: Action, now: Action, both: _Both) -> Iterator[str]:
    """Yield how the order changed, but for what follows from other actions having come or gone."""
    before, after = was.after, now.after
    if _without(before, both.old, set(both.removed)) != _without(after, both.new, set(both.added)):
        come = [f"*{title_of(name)}*" for name in after if name not in before]
        gone = [f"*{title_of(name)}*" for name in before if name not in after]
        if come and gone:
            yield f"now runs after {' and '.join(come)} instead of {' and '.join(gone)}"
        elif come:
            yield f"now also waits for {' and '.join(come)}"
        elif gone:
            yield f"no longer waits for {' and '.join(gone)}"
    for name in after:
        if name in before and set(before[name]) != set(after[name]):
            more = [_RESULTS.get(result, result) for result in after[name] if result not in before[name]]
            less = [_RESULTS.get(result, result) for result in before[name] if result not in after[name]]
            if more:
                yield f"now runs also after {' or '.join(more)} of *{title_of(name)}*"
            if less:
                yield f"no longer runs after {' or '.join(less)} of *{title_of(name)}*"


def _without(names: Mapping[str, Any], actions: Mapping[str, Action], passing: set[str]) -> set[str]:
    """Return what is waited for when the actions in `passing` are thought away."""
    found, seen, todo = set(), set(), list(names)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        if name in passing and name in actions:
            todo.extend(actions[name].after)
        else:
            found.add(name)
    return found


def _condition(expression: Any) -> str:
    """Return a condition as people write it; in its own form where it is unusual."""
    if isinstance(expression, dict) and len(expression) == 1:
        ((operator, operands),) = expression.items()
        if operator in {"and", "or"} and isinstance(operands, list):
            return f" {operator} ".join(_condition(one) for one in operands)
        if operator == "not":
            return f"not {_condition(operands)}"
        if isinstance(operands, list) and len(operands) == 2:
            left, right = (one if isinstance(one, str) else compact(one).decode() for one in operands)
            return f"{left} {_OPERATORS.get(operator, operator)} {right or 'nothing'}"
    return expression if isinstance(expression, str) else compact(expression).decode("utf-8", "replace")


def _inputs(was: Json, now: Json, prefix: str, path: str = "triggers") -> Iterator[Edit]:
    """Yield what differs in what an action is given, each under the name that the designer shows."""
    before, after = (flatten({k: v for k, v in body.items() if k not in _HANDLED}) for body in (was, now))
    is_told = operation_of(was) != operation_of(now)
    count = 0
    yield from _schema_edits(was, now, prefix, path)
    for way in dict.fromkeys([*before, *after]):
        old, new = before.get(way), after.get(way)
        if old == new or (is_told and way[:2] == ("inputs", "host")):
            continue
        if way[:2] == ("inputs", "schema") or (path == "triggers" and way[0] == "recurrence"):
            continue
        count += 1
        if count <= MOST:
            key = next((word for word in reversed(way) if not word.isdigit()), "")
            yield Edit("/".join((path, *way)), f"{prefix}{_field(way)} {_became(way, key, old, new)}")
    if count > MOST:
        yield Edit(path, f"{prefix}{count - MOST} more details changed")


def _schema_edits(was: Json, now: Json, prefix: str, path: str) -> list[Edit]:
    """Return what differs in the fields that are asked for, answered or expected."""
    old, new = (object_in(object_in(body, "inputs"), "schema") for body in (was, now))
    if old == new:
        return []
    before, after = (section(schema, "properties") for schema in (old, new))
    where = f"{path}/inputs/schema"
    edits = [Edit(where, f"{prefix}field {_titled(n, one)} added") for n, one in after.items() if n not in before]
    edits += [Edit(where, f"{prefix}field {_titled(n, one)} removed") for n, one in before.items() if n not in after]
    for name in after:
        if name in before and before[name] != after[name]:
            kinds = tuple(str(one.get("type", "any")) for one in (before[name], after[name]))
            words = f"now {kinds[1]} instead of {kinds[0]}" if kinds[0] != kinds[1] else "changed in its details"
            edits.append(Edit(where, f"{prefix}field {_titled(name, after[name])} {words}"))
    edits = edits[:MOST] + (
        [Edit(where, f"{prefix}{len(edits) - MOST} more fields changed")] if len(edits) > MOST else []
    )
    return edits or [Edit(where, f"{prefix}what it expects changed in its details")]


def _titled(name: str, field: Json) -> str:
    return f"*{field.get('title') or name}* ({field.get('type', 'any')})"


def _field(way: tuple[str, ...]) -> str:
    if way[:2] == ("runtimeConfiguration", "staticResult"):
        return "static result"
    if way == ("inputs", "host", "connectionName"):
        return "connection"
    names = way[1:] if way[0] == "inputs" and len(way) > 1 else way
    names = names[1:] if names[0] in {"parameters", "variables"} and len(names) > 1 else names
    return f"*{' / '.join(names)}*" if names != ("inputs",) else "what it is given"


def _became(way: tuple[str, ...], key: str, old: Any, new: Any) -> str:
    if way[-1] == "staticResultOptions":
        return "switched on: it returns a made-up result" if new == "Enabled" else "switched off"
    return changed(key, old, new)


def _connections(old: Json, new: Json) -> Iterator[Edit]:
    before, after = connections_of(old), connections_of(new)
    for name in dict.fromkeys([*before, *after]):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            yield Edit(f"connections/{name}", f"connection {name} added{_uses(now)}")
        elif now is None:
            yield Edit(f"connections/{name}", f"connection {name} removed")
        elif was is not None and _uses(was) != _uses(now):
            words = f"now{_uses(now) or ' without a reference'}, before{_uses(was) or ' without one'}"
            yield Edit(f"connections/{name}", f"connection {name}: {words}")
        elif was is not None and was.get("runtimeSource") != now.get("runtimeSource"):
            whose = "of whoever starts the flow" if now.get("runtimeSource") == "invoker" else "given with the flow"
            yield Edit(f"connections/{name}", f"connection {name}: now the one {whose}")


def _uses(connection: Json) -> str:
    held = object_in(connection, "connection")
    if reference := held.get("connectionReferenceLogicalName"):
        return f" with reference *{reference}*"
    return " hard-wired to one connection" if held.get("name") or held.get("id") else ""


def _parameters(old: Json, new: Json) -> Iterator[Edit]:
    before, after = (section(definition_of(flow), "parameters") for flow in (old, new))
    for name in dict.fromkeys([*before, *after]):
        if name in PLATFORM_PARAMETERS:
            continue
        was, now = before.get(name), after.get(name)
        variable = variable_of(now or was or {})
        what = f"environment variable *{variable}*" if variable else f"parameter *{name}*"
        path = f"parameters/{name}"
        if was is None:
            yield Edit(path, f"now uses {what}")
        elif now is None:
            yield Edit(path, f"no longer uses {what}")
        elif was.get("defaultValue") != now.get("defaultValue"):
            words = changed(f"{variable} {name}", was.get("defaultValue"), now.get("defaultValue"))
            yield Edit(path, f"value kept as default for {what} {words}")
