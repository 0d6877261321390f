"""How one node changed, in a maker's words and without secret values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lampway.domain.package import Edit
from lampway.platforms.jsontext import dumps_js
from lampway.platforms.linewise import differing, lines_edit
from lampway.platforms.masking import STARS, hide, is_masked_name, shorten, shown, shown_structure
from lampway.platforms.nodered.flows import Node, entries_of, has_entries, title_of
from lampway.platforms.nodered.literals import CODE_KEYS, singular, type_beside
from lampway.platforms.nodered.schedule import schedule_edits

_CODE_NAMES = {"func": "code", "initialize": "code run at start", "finalize": "code run at stop", "format": "template"}
_SCHEDULE = {"repeat", "crontab", "once", "onceDelay"}
_OPERATORS = {
    "eq": "==", "neq": "!=", "lt": "<", "lte": "<=", "gt": ">", "gte": ">=", "btwn": "is between", "cont": "contains",
    "regex": "matches", "hask": "has key", "istype": "is of type", "true": "is true", "false": "is false",
    "null": "is null", "nnull": "is not null", "empty": "is empty", "nempty": "is not empty", "else": "otherwise",
    "jsonata_exp": "expression", "head": "first", "tail": "last", "index": "position",
}  # fmt: skip
_UNSET: tuple[Any, ...] = (None, "", [], {})


@dataclass(frozen=True, slots=True)
class Names:
    """What ids stand for, before and after."""

    old: Mapping[str, str]
    new: Mapping[str, str]

    def of(self, id_: str) -> str:
        """Return the name of the node with this id, the newest one; the id itself where nothing has it."""
        return self.new.get(id_) or self.old.get(id_) or id_


def edits_between(old: Node, new: Node, names: Names) -> Iterator[Edit]:
    """Yield every difference between two normalised nodes with the same id, most telling ones first."""
    yield from _identity(old, new, names)
    handled = {"id", "type", "name", "label", "z", "d", "wires", "members"}
    handled |= {"links"} if _is_linked(old) and _is_linked(new) else set()
    handled |= {"env"} if has_entries(old) and has_entries(new) else set()
    if new["type"] == "tab":
        handled |= {"disabled"}
    if new["type"] == "inject":
        yield from (Edit("schedule", text) for text in schedule_edits(old, new))
        handled |= _SCHEDULE
    code = CODE_KEYS.get(new["type"], frozenset())
    for key in sorted(old.keys() | new.keys(), key=lambda key: (key not in code, key)):
        before, after = old.get(key), new.get(key)
        if key in handled or before == after or _is_type_of_another(key, old, new):
            continue
        if key in code and isinstance(before, str | None) and isinstance(after, str | None):
            yield Edit(key, lines_edit(_CODE_NAMES.get(key, key), before or "", after or ""))
        elif key == "rules" and isinstance(before, list) and isinstance(after, list):
            yield from _rules(old, new)
        elif isinstance(before, list) and isinstance(after, list):
            yield from _list(key, before, after, names)
        else:
            yield from _property(key, old, new, names)
    yield from _typed_only(old, new, names, handled)
    yield from _list("env", entries_of(old), entries_of(new), names)
    yield from _wires(old, new, names)


def _identity(old: Node, new: Node, names: Names) -> Iterator[Edit]:
    if old["type"] != new["type"]:
        yield Edit("type", f"type changed from {old['type']} to {new['type']}")
    for key in ("label", "name"):
        if old.get(key) != new.get(key):
            yield Edit(key, f"renamed from {_title(old.get(key))} to {_title(new.get(key))}")
    if old.get("z") != new.get("z"):
        home = names.of(str(new.get("z") or ""))
        yield Edit("z", f"moved to {_starred(home)}" if home else "moved off its tab")
    idle = "disabled" if new["type"] == "tab" else "d"
    if bool(old.get(idle)) != bool(new.get(idle)):
        yield Edit(idle, "disabled" if new.get(idle) else "enabled")


def _title(name: Any) -> str:
    return f"*{shorten(hide(str(name)))}*" if name else "no name"


def _starred(title: str) -> str:
    kind, _, name = title.partition(" ")
    return f"{kind} *{name}*" if name else f"*{title}*"


def _wires(old: Node, new: Node, names: Names) -> Iterator[Edit]:
    before, after = _outputs(old), _outputs(new)
    several = max(len(before), len(after)) > 1
    for index in range(max(len(before), len(after))):
        was = before[index] if index < len(before) else []
        now = after[index] if index < len(after) else []
        origin = f"wire from output {index + 1}" if several else "wire"
        yield from (Edit("wires", f"{origin} to *{names.of(id_)}* added") for id_ in now if id_ not in was)
        yield from (Edit("wires", f"{origin} to *{names.of(id_)}* removed") for id_ in was if id_ not in now)
    if _is_linked(old) and _is_linked(new):
        links, others = _texts(old["links"]), _texts(new["links"])
        yield from (Edit("links", f"link to *{names.of(id_)}* added") for id_ in others if id_ not in links)
        yield from (Edit("links", f"link to *{names.of(id_)}* removed") for id_ in links if id_ not in others)
    inside, outside = _texts(new.get("members")), _texts(old.get("members"))
    yield from (Edit("nodes", f"*{names.of(id_)}* is now in the group") for id_ in inside if id_ not in outside)
    yield from (Edit("nodes", f"*{names.of(id_)}* is no longer in the group") for id_ in outside if id_ not in inside)


def _is_linked(node: Node) -> bool:
    links = node.get("links")
    return node["type"].startswith("link ") and isinstance(links, list) and len(_texts(links)) == len(links)


def _outputs(node: Node) -> list[list[str]]:
    wires = node.get("wires")
    return wires if isinstance(wires, list) else []


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def _rules(old: Node, new: Node) -> Iterator[Edit]:
    describe = _switch_rule if new["type"] == "switch" else _change_rule
    subject = f"{new.get('propertyType') or 'msg'}.{new.get('property', '')}"
    yield from _sequence("rule", old["rules"], new["rules"], lambda rule: describe(rule, subject))


def _sequence(word: str, old: Sequence[Any], new: Sequence[Any], describe: Callable[[Any], str]) -> Iterator[Edit]:
    """Yield which items of an ordered list were added, removed or replaced, each told by `describe`."""
    before, after = [dumps_js(item) for item in old], [dumps_js(item) for item in new]
    for i1, i2, j1, j2 in differing(before, after):
        pairs = min(i2 - i1, j2 - j1)
        for offset in range(pairs):
            was, now = describe(old[i1 + offset]), describe(new[j1 + offset])
            text = f"{now} instead of {was}" if was != now else f"{now}, changed in a detail not shown"
            yield Edit(f"{word} {j1 + offset + 1}", f"{word} {j1 + offset + 1}: {text}")
        for index in range(j1 + pairs, j2):
            yield Edit(f"{word} {index + 1}", f"{word} added: {describe(new[index])}")
        for index in range(i1 + pairs, i2):
            yield Edit(f"{word} {index + 1}", f"{word} removed: {describe(old[index])}")


def _change_rule(rule: Any, _subject: str) -> str:
    if not isinstance(rule, dict):
        return shown_structure("", rule)
    place = f"{rule.get('pt', 'msg')}.{rule.get('p', '')}"
    name = str(rule.get("p", ""))
    match rule.get("t"):
        case "set":
            return f"set {place} to {typed(rule, 'to', name)}"
        case "change":
            return f"replace {typed(rule, 'from', name)} by {typed(rule, 'to', name)} in {place}"
        case "delete":
            return f"delete {place}"
        case "move":
            return f"move {place} to {rule.get('tot', 'msg')}.{rule.get('to', '')}"
        case _:
            return shown_structure("", rule)


def _switch_rule(rule: Any, subject: str) -> str:
    if not isinstance(rule, dict):
        return shown_structure("", rule)
    operator = _OPERATORS.get(str(rule.get("t")), str(rule.get("t")))
    operands = [typed(rule, key, subject) for key in ("v", "v2") if rule.get(key) not in _UNSET]
    if rule.get("t") == "else":
        return operator
    return f"{subject} {operator} {' and '.join(operands)}".strip()


def _list(key: str, old: list[Any], new: list[Any], names: Names) -> Iterator[Edit]:
    """Yield the differences of a list: by name where its items are pairs of a name and a value, else by position."""
    word = "environment entry" if key == "env" else singular(key)
    named_old, named_new = _by_name(old), _by_name(new)
    if named_old is None or named_new is None:
        if old != new:
            yield from _sequence(word, old, new, lambda item: _anything(key, item, names))
        return
    for name in dict.fromkeys([*named_old, *named_new]):
        before, after = named_old.get(name), named_new.get(name)
        if before is None:
            yield Edit(f"{key}/{name}", f"{word} {name} added")
        elif after is None:
            yield Edit(f"{key}/{name}", f"{word} {name} removed")
        elif before != after:
            yield Edit(f"{key}/{name}", f"{word} {name} {_pair_change(name, before, after)}")
    if old != new and named_old == named_new:
        yield Edit(key, f"order of {key} changed")


def _by_name(items: list[Any]) -> dict[str, dict[str, Any]] | None:
    named: dict[str, dict[str, Any]] = {}
    for item in items:
        name = _name_in(item) if isinstance(item, dict) else ""
        if not name or name in named:
            return None
        named[name] = item
    return named


def _name_in(item: Mapping[str, Any]) -> str:
    if "keyType" in item:
        return str(item.get("keyValue") if item["keyType"] in ("other", "msg", "") else item["keyType"])
    return next((item[key] for key in ("name", "p", "key", "var") if isinstance(item.get(key), str)), "")


def _pair_change(name: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    key = next((key for key in ("value", "v", "valueValue") if before.get(key) != after.get(key)), None)
    if key is None:
        return "changed"
    return f"changed{_from_to(typed(before, key, name), typed(after, key, name))}"


def _from_to(before: str, after: str) -> str:
    return "" if before == after else f" from {before} to {after}"


def _property(key: str, old: Node, new: Node, names: Names) -> Iterator[Edit]:
    before, after = old.get(key), new.get(key)
    if isinstance(before, dict) and isinstance(after, dict) and not is_masked_name(key):
        for inner in sorted(before.keys() | after.keys()):
            if before.get(inner) != after.get(inner):
                was, now = _anything(inner, before.get(inner), names), _anything(inner, after.get(inner), names)
                yield Edit(f"{key}/{inner}", f"{key} / {inner} changed{_from_to(was, now)}")
        return
    yield Edit(key, _scalar_change(key, old, new, names))


def _scalar_change(key: str, old: Node, new: Node, names: Names) -> str:
    before, after = old.get(key), new.get(key)
    if isinstance(before, bool | None) and isinstance(after, bool | None) and bool(before) != bool(after):
        return f"{key} turned {'on' if after else 'off'}"
    was, now = (_anything(key, n.get(key), names, n) for n in (old, new))
    if was == now and isinstance(before, str) and isinstance(after, str):
        return f"{key} changed{_around_difference(key, before, after)}"
    if before in _UNSET and after in _UNSET:
        return f"{key} emptied"
    if before in _UNSET:
        return f"{key} set to {now}"
    if after in _UNSET:
        return f"{key} removed, was {was}"
    return f"{key} changed{_from_to(was, now)}"


def _around_difference(key: str, before: str, after: str) -> str:
    """Return what differs between two texts that look the same where they are cut; nothing of secrets."""
    was, now = " ".join(hide(before).split()), " ".join(hide(after).split())
    if is_masked_name(key) or was == now:
        return ""
    start = max(
        next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now))) - 15, 0
    )
    return f" from `…{shorten(was[start:])}` to `…{shorten(now[start:])}`"


def _anything(key: str, value: Any, names: Names, holder: Mapping[str, Any] | None = None) -> str:
    if isinstance(value, str) and (value in names.new or value in names.old):
        return f"*{names.of(value)}*"
    return typed(holder if holder is not None else {key: value}, key, key)


def typed(holder: Mapping[str, Any], key: str, name: str) -> str:
    """Return a value with what its type partner makes of it, as in `variable ERP_URL`, `msg.payload`, `12`."""
    value, kind = holder.get(key), type_beside(holder, key)
    if kind == "env":
        return f"variable {value}"
    if kind in {"msg", "flow", "global"}:
        return f"{kind}.{value}"
    if kind == "date":
        return "the time"
    if value in _UNSET:
        return "nothing"
    if not isinstance(value, str):
        return shown_structure(name, value)
    text = shown(name, value)
    plain = kind in {"num", "bool"} or (text.isalnum() and len(text) <= 20)
    return ("expression " if kind == "jsonata" else "") + (text if plain or text == STARS else f"`{text}`")


def _is_type_of_another(key: str, old: Node, new: Node) -> bool:
    """Return whether `key` only tells the type of a property beside it, whose own change says it all."""
    return key.endswith(("Type", "type")) and key != "type" and (key[:-4] in old or key[:-4] in new)


def _typed_only(old: Node, new: Node, names: Names, handled: set[str]) -> Iterator[Edit]:
    """Yield properties whose type changed while their text stayed, such as `A` now being the variable of that name."""
    for key in sorted(old.keys() & new.keys() - handled):
        if old[key] == new[key] and type_beside(old, key) != type_beside(new, key):
            was, now = _anything(key, old[key], names, old), _anything(key, new[key], names, new)
            change = (
                _from_to(was, now)
                or f" its type from {type_beside(old, key) or 'none'} to {type_beside(new, key) or 'none'}"
            )
            yield Edit(key, f"{key} changed{change}")


def names_of(nodes: Sequence[Node]) -> dict[str, str]:
    """Return id to what a maker calls the node; its type too for tabs and subflows."""
    return {
        node["id"]: title_of(node)
        if node["type"] in {"tab", "subflow"}
        else title_of(node).removeprefix(f"{node['type']} ")
        if (node.get("name") or "").strip()
        else title_of(node)
        for node in nodes
        if isinstance(node.get("name") or "", str)
    }
