"""What separates two n8n packages, in a maker's words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from lampway.domain.package import Change, Component, Diff, Edit
from lampway.platforms.n8n.configuration import without_values
from lampway.platforms.n8n.contents import Contents
from lampway.platforms.n8n.inventory import components_of, inventory_of
from lampway.platforms.n8n.wording import Names, Seen, node_edits, workflow_edits
from lampway.platforms.n8n.workflows import STICKY, Workflow, component_id, name_of, node_id, tags_of

_DATA = "what workflows remember between runs, and runs that wait, are not restored by a rollback"
_DESCRIBED = ("notes", "notesInFlow", "color")


def diff_contents(old: Contents, new: Contents) -> Diff:
    """Return what separates two packages. Workflows are the same when their ids are, and so are nodes in them.

    Where two exports come from two instances, workflows are known by their names instead. Moving nodes and describing
    them are no differences; notes tell of them. What an environment must give in addition is told in notes too. Always
    reversible: an instance takes any older workflow.
    """
    old = _paired(old, new)
    before, after = ({c.id: c for c in components_of(contents)} for contents in (old, new))
    changed, unchanged = _changes(old, new, before, after)
    added = tuple(component for id_, component in after.items() if id_ not in before)
    removed = tuple(component for id_, component in before.items() if id_ not in after)
    notes = [*_notes_on_needs(old, new), *_notes_on_layout(old, new, {change.component.id for change in changed})]
    if added or removed or changed:
        notes.append(_DATA)
    return Diff(added, removed, changed, unchanged, notes=tuple(notes))


def _paired(old: Contents, new: Contents) -> Contents:
    """Return the old contents with the ids that the new ones have for workflows of the same name, where ids differ."""
    known, wanted = ({w["id"] for w in contents.workflows} for contents in (old, new))
    gone = [w for w in old.workflows if w["id"] not in wanted]
    come = [w for w in new.workflows if w["id"] not in known]
    often = Counter(map(name_of, gone)) + Counter(map(name_of, come))
    ids = {name_of(w): w["id"] for w in come if often[name_of(w)] == 2}
    if not (old.is_export or new.is_export) or not ids:
        return old
    left = {w["id"] for w in gone}
    workflows = [{**w, "id": ids.get(name_of(w), w["id"])} if w["id"] in left else w for w in old.workflows]
    return replace(old, workflows=tuple(workflows)) if len({w["id"] for w in workflows}) == len(workflows) else old


def _changes(
    old: Contents, new: Contents, before: Mapping[str, Component], after: Mapping[str, Component]
) -> tuple[tuple[Change, ...], int]:
    was, now = _seen(old), _seen(new)
    shared = [component for id_, component in after.items() if id_ in before]
    changes = []
    for component in shared:
        if before[component.id].fingerprint != component.fingerprint:
            edits = tuple(_edits(was[component.id], now[component.id], old, new))
            changes.append(Change(component, edits or (Edit("", "details changed that show in no word"),)))
    return tuple(changes), len(shared) - len(changes)


def _edits(was: tuple[Workflow, Any], now: tuple[Workflow, Any], old: Contents, new: Contents) -> Iterator[Edit]:
    flows = Names({w["id"]: name_of(w) for w in old.workflows}, {w["id"]: name_of(w) for w in new.workflows})
    if was[1] is None or now[1] is None:
        yield from workflow_edits(was[0], now[0], flows)
        return
    names = Names({**flows.old, **_names(was[0])}, {**flows.new, **_names(now[0])})
    yield from node_edits(Seen(*was), Seen(*now), names)


def _names(workflow: Workflow) -> dict[str, str]:
    return {node_id(node): node["name"] for node in workflow["nodes"]}


def _seen(contents: Contents) -> dict[str, tuple[Workflow, Any]]:
    """Return for every component its workflow and its node, without what an environment gives."""
    found: dict[str, tuple[Workflow, Any]] = {}
    for whole in contents.workflows:
        workflow = without_values(whole, contents.constants)
        found[workflow["id"]] = (workflow, None)
        found |= {component_id(workflow, node): (workflow, node) for node in workflow["nodes"]}
    return found


def _notes_on_needs(old: Contents, new: Contents) -> Iterator[str]:
    before, after = inventory_of(old), inventory_of(new)
    needed, wanted = ({v.name for v in one.variables if v.required} for one in (before, after))
    yield from (f"variable {name} is now required" for name in sorted(wanted - needed))
    yield from (f"variable {name} is no longer required" for name in sorted(needed - wanted))
    bound, binding = ({(c.name, c.connector) for c in one.connections} for one in (before, after))
    yield from (f"connection {name} ({kind}) is now needed" for name, kind in sorted(binding - bound))
    yield from (f"connection {name} ({kind}) is no longer needed" for name, kind in sorted(bound - binding))
    known = {(d.kind, d.name): d.version for d in before.dependencies}
    for one in after.dependencies:
        if (one.kind, one.name) not in known:
            yield f"{one.kind} {one.name} is now needed"
        elif known[one.kind, one.name] != one.version:
            yield f"{one.kind} {one.name} is now needed in version {one.version}"


def _notes_on_layout(old: Contents, new: Contents, changed: set[str]) -> Iterator[str]:
    before = {id_: node for id_, (_, node) in _seen(old).items() if node}
    pairs = [(before[id_], node, id_) for id_, (_, node) in _seen(new).items() if node and id_ in before]
    same = [(was, now) for was, now, id_ in pairs if id_ not in changed]
    moved = sum(was.get("position") != now.get("position") for was, now in same)
    if moved:
        yield f"{_count(moved, 'node')} only moved"
    described = sum(any(was.get(key) != now.get(key) for key in _DESCRIBED) for was, now in same)
    if described:
        yield f"{_count(described, 'node')} only described differently"
    yield from _notes_on_stickies(old, new)
    tagged = {w["id"]: tags_of(w) for w in old.workflows}
    for workflow in new.workflows:
        if workflow["id"] in tagged and tagged[workflow["id"]] != tags_of(workflow):
            yield f"the tags of workflow {name_of(workflow)} are others"


def _notes_on_stickies(old: Contents, new: Contents) -> Iterator[str]:
    was, now = _stickies(old), _stickies(new)
    differ = sum(was.get(id_) != now.get(id_) for id_ in was.keys() | now.keys())
    if differ:
        yield f"{_count(differ, 'sticky note')} changed"


def _stickies(contents: Contents) -> dict[str, Any]:
    """Return what is written on sticky notes, by their ids."""
    nodes = {component_id(w, node): node for w in contents.workflows for node in w["nodes"] if node["type"] == STICKY}
    return {id_: node["parameters"].get("content", "") for id_, node in nodes.items()}


def _count(number: int, word: str) -> str:
    return f"1 {word} was" if number == 1 else f"{number} {word}s were"
