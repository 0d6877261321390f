"""What an environment gives to a solution, compared with what was given at the deployment. No value is ever told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lampway.domain.configuration import EXTERNAL
from lampway.domain.package import Edit, Variable
from lampway.domain.secret import is_reference
from lampway.engine.platform import Installed
from lampway.platforms.powerplatform.content import JsonFile, read_content, value_in
from lampway.platforms.powerplatform.contents import VALUE, Contents, Part
from lampway.platforms.powerplatform.inventory import BINDING, definitions_of
from lampway.platforms.powerplatform.layers import FLOW, REFERENCE, Placed
from lampway.platforms.powerplatform.present import Flow, Present
from lampway.platforms.powerplatform.values import as_text, is_same_value
from lampway.platforms.powerplatform.xmltext import text_of

_TYPES = {"100000001": "number", "100000002": "boolean", "100000003": "json"}


def given_edits(present: Present, contents: Contents, installed: Installed, there: Sequence[Placed]) -> Iterator[Edit]:
    """Yield values, bindings, states and owners that are not as they were deployed."""
    yield from _values(present, contents, installed)
    yield from _bindings(present, contents, installed)
    flows = [present.flows[one.id] for one in there if one.kind == FLOW and one.id in present.flows]
    yield from flow_edits_of(contents, flows, is_on=installed.is_on)


def flow_edits_of(contents: Contents, flows: Sequence[Flow], *, is_on: bool) -> Iterator[Edit]:
    """Yield flows that are on, off or owned otherwise than a deployment leaves them."""
    parts = {part.id: part for part in contents.parts if part.type == FLOW}
    for flow in sorted(flows, key=lambda one: (one.name.lower(), one.id)):
        yield from _flow(flow, parts.get(flow.id), is_on=is_on)


def _values(present: Present, contents: Contents, installed: Installed) -> Iterator[Edit]:
    given = _shipped(contents)
    given |= {name.lower(): value for name, value in installed.configuration.variables.items() if value != ""}
    for definition in definitions_of(contents).values():
        name = definition.name
        path, live = f"variable {name}", present.values.get(name.lower())
        if name.lower() not in given:
            if live is not None:
                yield Edit(path, f"environment variable *{name}* has a value that was not given")
        elif given[name.lower()] == EXTERNAL:
            continue
        elif live is None:
            yield Edit(path, f"environment variable *{name}* no longer has the value that was given")
        elif not _is_same(
            Variable(name, _TYPES.get(definition.type, "string"), False, False), given[name.lower()], live
        ):
            yield Edit(path, f"environment variable *{name}* has another value than the one that was given")


def _shipped(contents: Contents) -> dict[str, Any]:
    """Return the values that were left in the package: an import gives them where nothing else is given."""
    found: dict[str, Any] = {}
    for part in contents.parts:
        if part.type == VALUE:
            held = (one.value for one in read_content(contents, part).files.values() if isinstance(one, JsonFile))
            found[part.id] = next((value_in(value) for value in held), "")
    return {name: value for name, value in found.items() if value}


def _is_same(variable: Variable, given: Any, live: Any) -> bool:
    return is_same_value(variable, as_text(variable, given), str(live))


def _bindings(present: Present, contents: Contents, installed: Installed) -> Iterator[Edit]:
    given: Mapping[str, str] = {
        name.lower(): fields.get(BINDING, "") for name, fields in installed.configuration.connections.items()
    }
    for part in contents.parts:
        if part.type != REFERENCE:
            continue
        wanted, live = given.get(part.id, ""), present.bindings.get(part.id, "")
        path = f"connection {part.id} / {BINDING}"
        if wanted and not live:
            yield Edit(path, f"connection reference *{part.name}* no longer stands for a connection")
        elif live and live.lower() != wanted.lower() and not is_reference(wanted):
            words = "another connection than the one that was given" if wanted else "a connection that was not given"
            yield Edit(path, f"connection reference *{part.name}* stands for {words}")


def _flow(flow: Flow, part: Part | None, *, is_on: bool) -> Iterator[Edit]:
    if part is None or part.header is None:
        return
    wanted = is_on and text_of(part.header, "StateCode") == "1"
    if flow.is_on != wanted:
        why = "" if is_on else ", though the solution was switched off"
        yield Edit(f"state {flow.id}", f"flow *{flow.name}* was turned {'on' if flow.is_on else 'off'}{why}")
    if flow.owner and flow.maker and flow.owner != flow.maker:
        yield Edit(f"owner {flow.id}", f"flow *{flow.name}* was given to another owner than whoever deployed it")
