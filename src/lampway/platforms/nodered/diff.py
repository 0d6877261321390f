"""What separates two Node-RED packages, in a maker's words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lampway.domain.package import Change, Component, Diff, Edit
from lampway.platforms.nodered.contents import Contents
from lampway.platforms.nodered.flows import Node, group_members, normalise
from lampway.platforms.nodered.inventory import components_of, inventory_of
from lampway.platforms.nodered.wording import Names, edits_between, names_of

_PLACE = ("x", "y", "g", "w", "h", "l", "style", "nodes")
_CONTEXT = "what nodes keep in context is not restored by a rollback"


def diff_contents(old: Contents, new: Contents) -> Diff:
    """Return what separates two packages. Nodes are the same when their ids are.

    Moving nodes, describing them and the order of the array are no differences; notes tell of them. What an environment
    must give in addition is told in notes too. Always reversible: a runtime takes any older flows.
    """
    before, after = _by_id(old), _by_id(new)
    changed, unchanged = _changes(old, new, before, after)
    added = tuple(component for id_, component in after.items() if id_ not in before)
    removed = tuple(component for id_, component in before.items() if id_ not in after)
    notes = [*_notes_on_needs(old, new), *_notes_on_layout(old, new, {change.component.id for change in changed})]
    if added or removed or changed:
        notes.append(_CONTEXT)
    return Diff(added, removed, changed, unchanged, notes=tuple(notes))


def _by_id(contents: Contents) -> dict[str, Component]:
    return {component.id: component for component in components_of(contents)}


def _changes(
    old: Contents, new: Contents, before: Mapping[str, Component], after: Mapping[str, Component]
) -> tuple[tuple[Change, ...], int]:
    names = Names(names_of(old.nodes), names_of(new.nodes))
    was, now = _normal(old, before), _normal(new, after)
    changes = []
    shared = [component for id_, component in after.items() if id_ in before]
    for component in shared:
        if before[component.id].fingerprint == component.fingerprint:
            continue
        edits = tuple(edits_between(was[component.id], now[component.id], names))
        changes.append(Change(component, edits or (_unworded(was[component.id], now[component.id]),)))
    return tuple(changes), len(shared) - len(changes)


def _unworded(was: Node, now: Node) -> Edit:
    """Return what stands for a change that shows in no word, such as of a delay that is not in use."""
    keys = ", ".join(sorted(key for key in was.keys() | now.keys() if was.get(key) != now.get(key)))
    return Edit(keys, f"details of {keys} changed")


def _normal(contents: Contents, components: Mapping[str, Component]) -> dict[str, Node]:
    members = group_members(contents.nodes)
    return {
        node["id"]: normalise(node, contents.constants, members.get(node["id"], ()))
        for node in contents.nodes
        if node["id"] in components
    }


def _notes_on_needs(old: Contents, new: Contents) -> Iterator[str]:
    before, after = inventory_of(old), inventory_of(new)
    needed, wanted = ({v.name for v in one.variables if v.required} for one in (before, after))
    yield from (f"variable {name} is now required" for name in sorted(wanted - needed))
    yield from (f"variable {name} is no longer required" for name in sorted(needed - wanted))
    bound = {c.name: set(c.fields) for c in before.connections}
    binding = {c.name: set(c.fields) for c in after.connections}
    for name in sorted(binding):
        more = sorted(binding[name] - bound.get(name, set()))
        if more:
            yield f"connection {name} now needs {', '.join(more)}"
    yield from (f"connection {name} is no longer needed" for name in sorted(bound.keys() - binding.keys()))
    known = set(before.dependencies)
    yield from (f"{d.kind} {d.name} is now needed" for d in after.dependencies if d not in known)


def _notes_on_layout(old: Contents, new: Contents, changed: set[str]) -> Iterator[str]:
    before = {node["id"]: node for node in old.nodes}
    same = [(before[node["id"]], node) for node in new.nodes if node["id"] in before and node["id"] not in changed]
    moved = sum(_differ(was, now, _PLACE) for was, now in same)
    if moved:
        yield f"{_count(moved)} only moved"
    described = sum(_differ(was, now, ("info",)) for was, now in same)
    if described:
        yield f"{_count(described)} only described differently"


def _differ(was: Mapping[str, Any], now: Mapping[str, Any], keys: Sequence[str]) -> bool:
    return any(was.get(key) != now.get(key) for key in keys)


def _count(number: int) -> str:
    return "1 node was" if number == 1 else f"{number} nodes were"
