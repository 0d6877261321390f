"""Solutions and components that leave an environment, and what keeps them there."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from lampway.testing.dataverse import words
from lampway.testing.dataverse.flows import turn_all_on, uses_of, wants_on
from lampway.testing.dataverse.importing import UPGRADE, history_row
from lampway.testing.dataverse.kinds import layer_name, type_of
from lampway.testing.dataverse.layering import drop_layer, note_lost_columns, remove
from lampway.testing.dataverse.organisation import Organisation
from lampway.testing.dataverse.refusals import RefusedError
from lampway.testing.dataverse.state import ACTIVE, Component, Solution, stable_id


def solution_named(organisation: Organisation, name: str) -> Solution:
    """Return a solution that must be there. Raises RefusedError."""
    found = organisation.state.solution(name)
    if found is None:
        raise RefusedError(404, "0x80040217", f"Solution with unique name '{name}' does not exist.")
    return found


def uninstall(organisation: Organisation, name: str, by: str) -> None:
    """Take a solution away; a managed one takes its components with it, and tables their rows.

    Raises RefusedError where other solutions need what would go.
    """
    solution = solution_named(organisation, name)
    if solution.managed:
        blocking = told_dependencies(blocking_uninstall(organisation, solution))
        if blocking:
            raise RefusedError(400, words.code(words.STILL_NEEDED), words.cannot_uninstall(blocking))
    organisation.state.solutions.pop(solution.unique_name.lower())
    if solution.managed:
        for ref in list(solution.members):
            drop_layer(organisation, ref, solution.unique_name)
    organisation.state.histories.append(history_row(organisation, solution, 1, "", by))


def promote(organisation: Organisation, name: str, by: str) -> None:
    """Let an upgrade that was held take the place of what it upgrades. Raises RefusedError where there is none."""
    held = organisation.state.solution(name + UPGRADE)
    if held is None:
        raise RefusedError(400, "0x80048060", f"There is no pending upgrade for the solution '{name}'.")
    base = solution_named(organisation, name)
    blocking = told_dependencies(blocking_uninstall(organisation, base, keeping=held.members))
    if blocking:
        raise RefusedError(400, words.code(words.STILL_NEEDED), words.cannot_uninstall(blocking))
    for ref in [one for one in base.members if one not in held.members]:
        drop_layer(organisation, ref, base.unique_name)
    for ref in held.members:
        component = organisation.state.components.get(ref)
        if component is not None:
            before = component.layers[0].part
            _settle(component, base.unique_name, held.unique_name)
            note_lost_columns(organisation, component, before)
    organisation.state.solutions.pop(held.unique_name.lower())
    held.unique_name, held.id, held.installed = base.unique_name, base.id, base.installed
    held.modified = organisation.now()
    organisation.state.solutions[base.unique_name.lower()] = held
    organisation.state.histories.append(history_row(organisation, held, 0, "", by))
    new = [organisation.state.components[ref] for ref in held.members if ref not in base.members]
    turn_all_on(organisation, [one for one in new if one.kind == "workflow" and wants_on(one)], by)


def _settle(component: Component, base: str, held: str) -> None:
    """Let the layer that was held take the place of the one it upgrades, or become the first of its solution."""
    new = next(layer for layer in component.layers if layer.solution == held)
    old = next((layer for layer in component.layers if layer.solution == base), None)
    if old is None:
        new.solution = base
        return
    component.layers.remove(new)
    old.part, old.overwritten = new.part, new.overwritten


def users_of(organisation: Organisation, component: Component) -> list[Component]:
    """Return the components that would break without this one."""
    found = []
    for other in organisation.state.components.values():
        if other.ref == component.ref or other.kind == "file":
            continue
        if _uses(other, component):
            found.append(other)
    return found


def _uses(other: Component, component: Component) -> bool:
    match other.kind, component.kind:
        case "workflow", "connectionreference":
            uses = component.key in uses_of(other).references
        case "workflow", "workflow":
            uses = component.id in uses_of(other).children
        case "workflow", "environmentvariabledefinition":
            uses = component.part.name in uses_of(other).variables
        case "workflow", "entity":
            uses = f"<PrimaryEntity>{component.key}</PrimaryEntity>" in other.part.header
        case "entityrelationship", "entity":
            uses = f">{component.key}<" in other.part.header.lower()
        case "canvasapp", "entity":
            uses = f'"{component.key}"' in other.part.header.replace("&quot;", '"')
        case _:
            uses = False
    return uses


def blocking_uninstall(
    organisation: Organisation, solution: Solution, *, keeping: Collection[str] = ()
) -> list[tuple[Component, Component]]:
    """Return what other solutions need of one that is to go, each with what needs it.

    `keeping` are components that an upgrade brings, and that therefore stay.
    """
    members = {*solution.members, *keeping}
    others = [one for ref, one in organisation.state.components.items() if ref not in members and one.kind != "file"]
    found = []
    for ref in [one for one in solution.members if one not in keeping]:
        component = organisation.state.components.get(ref)
        if component is None or sum(layer.solution != ACTIVE for layer in component.layers) > 1:
            continue
        found += [(component, user) for user in others if _uses(user, component)]
    return found


def told_dependencies(found: Iterable[tuple[Component, Component]]) -> list[dict[str, str]]:
    """Return dependencies as the words for them need them."""
    return [
        {
            "type": layer_name(needed.kind), "name": needed.part.name, "id": needed.id,
            "user_type": layer_name(user.kind), "user": user.part.name, "user_id": user.id,
        }
        for needed, user in found
    ]  # fmt: skip


def dependency_row(organisation: Organisation, needed: Component, user: Component) -> dict[str, Any]:
    """Return one dependency, as the platform writes it."""
    offset = organisation.type_offset
    return {
        "dependencyid": stable_id(needed.id, user.id),
        "dependencytype": 2,
        "requiredcomponentobjectid": needed.id,
        "requiredcomponenttype": type_of(needed.kind, offset),
        "requiredcomponentparentid": "00000000-0000-0000-0000-000000000000",
        "requiredcomponentbasesolutionid": _base(organisation, needed),
        "dependentcomponentobjectid": user.id,
        "dependentcomponenttype": type_of(user.kind, offset),
        "dependentcomponentparentid": "00000000-0000-0000-0000-000000000000",
        "dependentcomponentbasesolutionid": _base(organisation, user),
    }


def _base(organisation: Organisation, component: Component) -> str:
    solution = organisation.state.solution(component.layers[0].solution)
    return solution.id if solution else "00000000-0000-0000-0000-000000000000"


def delete_component(organisation: Organisation, component: Component) -> None:
    """Delete a component that a maker made. Raises RefusedError where it is managed, needed, or locked."""
    if component.managed:
        raise RefusedError(
            403, "0x8004f01c", f"The {component.kind} '{component.part.name}' is managed and cannot be deleted."
        )
    if organisation.locked and component.kind != "environmentvariablevalue":
        raise RefusedError(403, words.code(words.LOCKED), words.LOCKED_TEXT)
    users = users_of(organisation, component)
    if users:
        raise RefusedError(400, "0x8004f01f", words.still_needed(component.part.name, len(users)))
    remove(organisation, component)
