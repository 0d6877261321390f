"""How components come into an environment, change, and leave it: layer by layer."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from lampway.testing.dataverse import words
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.package import Part, parse, text_of
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.state import ACTIVE, Component, Layer, moment, stable_id

DATA = frozenset({"environmentvariablevalue", "file"})
"""Kinds that the lock on unmanaged customizations leaves alone: they are data."""


def put_layer(organisation: Organisation, part: Part, solution: str, by: str) -> Component:
    """Let a solution, or a maker, say what a component is. A layer that is there already is replaced where it lies."""
    now = organisation.now()
    component = organisation.state.components.get(part.ref)
    if component is None:
        component = _new(organisation, part, by)
    layer = Layer(solution, part, now)
    for place, one in enumerate(component.layers):
        if one.solution == solution:
            component.layers[place] = layer
            break
    else:
        below_active = solution != ACTIVE and component.active is not None
        component.layers.insert(len(component.layers) - below_active, layer)
    touch(organisation, component, by)
    return component


def _new(organisation: Organisation, part: Part, by: str) -> Component:
    id_ = part.id or stable_id(organisation.state.id, part.ref)
    component = Component(part.kind, part.key, id_)
    component.live = {"createdon": moment(organisation.now()), "createdby": by, "ownerid": by}
    if part.kind == "workflow":
        component.live["statecode"] = 0
    if part.kind == "entity" and "_" not in part.key:
        base = Part(
            "entity", part.key, part.name, section="Entities", header=f"<Entity><Name>{part.name}</Name></Entity>"
        )
        component.layers.append(Layer("System", base, organisation.now()))
    organisation.state.components[part.ref] = component
    return component


def touch(organisation: Organisation, component: Component, by: str) -> None:
    """Remember who changed a component last, and when."""
    component.live["modifiedon"] = moment(organisation.now())
    component.live["modifiedby"] = by
    component.live["number"] = organisation.state.next_number()


def drop_layer(organisation: Organisation, ref: str, solution: str) -> None:
    """Take a solution's layer away; with the last one goes the component."""
    component = organisation.state.components.get(ref)
    if component is None:
        return
    component.layers = [one for one in component.layers if one.solution != solution]
    if not component.managed:
        remove(organisation, component)


def remove(organisation: Organisation, component: Component) -> None:
    """Take a component away for good, and what hangs on it; rows of data are counted as lost."""
    state = organisation.state
    state.components.pop(component.ref, None)
    for solution in state.solutions.values():
        if component.ref in solution.members:
            solution.members.remove(component.ref)
    if component.kind == "environmentvariabledefinition":
        value = state.components.get(f"environmentvariablevalue:{component.key}")
        if value is not None:
            remove(organisation, value)
    if component.kind == "entity" and component.rows:
        lost = state.settings.setdefault("_lost_rows", {})
        lost[component.key] = lost.get(component.key, 0) + component.rows


def edit(organisation: Organisation, part: Part, by: str, *, solution: str = "") -> Component:
    """Change a component in place, or make one, as a maker with an editor does.

    Raises RefusedError where that is locked.
    """
    if organisation.locked and part.kind not in DATA:
        raise RefusedError(403, words.code(words.LOCKED), words.LOCKED_TEXT)
    component = put_layer(organisation, part, ACTIVE, by)
    holder = organisation.state.solution(solution) if solution else None
    if holder is not None and part.ref not in holder.members:
        holder.members.append(part.ref)
    return component


def columns_of(part: Part) -> dict[str, ET.Element]:
    """Return the columns of a table, as a package has them."""
    if part.kind != "entity":
        return {}
    found = parse(part.header).iter("attribute")
    return {text_of(one.find("LogicalName")) or text_of(one.find("Name")): one for one in found}


def with_columns_kept(new: Part, old: Part) -> Part:
    """Return a table with the columns that it had before as well: an update takes none away."""
    kept = {name: one for name, one in columns_of(old).items() if name not in columns_of(new)}
    header = parse(new.header)
    attributes = next(header.iter("attributes"), None)
    if not kept or attributes is None:
        return new
    attributes.extend(kept.values())
    text = ET.tostring(header, encoding="unicode")
    return Part(new.kind, new.key, new.name, new.id, new.section, text, new.files)


def note_lost_columns(organisation: Organisation, component: Component, before: Part) -> None:
    """Remember columns that went away from a table with data in it."""
    gone = sorted(columns_of(before).keys() - columns_of(component.part).keys())
    if gone and component.rows:
        lost = organisation.state.settings.setdefault("_lost_columns", {})
        lost[component.key] = [*lost.get(component.key, []), *gone]


def component_json(part: Part) -> dict[str, Any]:
    """Return what a layer says, as attributes."""
    attributes: dict[str, Any] = {"name": part.name}
    for name, content in part.files.items():
        if len(content) < 2_000_000 and name.lower().endswith((".json", ".xml", ".xaml")):
            key = "clientdata" if part.kind == "workflow" else name.rpartition("/")[2]
            attributes[key] = content.decode("utf-8-sig", "replace")
    if part.header:
        attributes["header"] = part.header
    return attributes
