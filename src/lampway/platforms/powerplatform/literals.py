"""Every text in a package that a scanner should look at, with its place in a maker's words and what it is for.

What the platform itself writes into packages is left out: its own addresses, ids of connectors and operations, schemas,
pictures, the description of tables, and `$authentication` in the form that it always has.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from lampway.domain.package import Literal, Role
from lampway.platforms.powerplatform.canvas import (
    CURRENT_ENVIRONMENT,
    CanvasApp,
    Json,
    bound_sources,
    bound_variable,
    connection_name,
    connections_of,
    data_sets,
    variables_of,
)
from lampway.platforms.powerplatform.content import Content, JsonFile, value_in
from lampway.platforms.powerplatform.contents import VALUE
from lampway.platforms.powerplatform.flows import (
    PLATFORM_PARAMETERS,
    actions_of,
    definition_of,
    is_flow,
    section,
    title_of,
    variable_of,
)
from lampway.platforms.powerplatform.names import is_unset, neutral, role_of
from lampway.platforms.powerplatform.xmltext import Element, text_of

_LONGEST_ICON = 2000
_SILENT_KEYS = frozenset({
    "$schema", "apiId", "operationId", "connectionName", "connectionReferenceName", "schema", "type", "kind",
    "runAfter", "metadata",
    "staticResult", "contentVersion", "x-ms-dynamically-added", "operationMetadataId", "entityName",
})  # fmt: skip
_SILENT_IN_PAIRS = _SILENT_KEYS | {"name", "value"}
_SLOTS = frozenset({"password", "secret", "pfx", "value", "key"})
_SILENT_SECTIONS = frozenset({
    "Entity", "Role", "EntityRelationship", "optionset", "connectionreference", "AppModule", "FieldSecurityProfile",
    "Workflow", "CanvasApp", "Connector", "EntityImageConfig", "AttributeImageConfig",
})  # fmt: skip
_SILENT_TAGS = frozenset({"iconbase64", "icon", "entityimage", "iconblob"})
_OPENAPI_KEYS = frozenset({"host", "default", "example", "x-ms-url-encoding"})


def literals_of(content: Content, place: str) -> Iterator[Literal]:
    """Yield every text of a component that is worth scanning, in the order of its content."""
    part = content.part
    if part.type == VALUE:
        yield from _current_value(content, place)
        return
    if part.type == "environment variable":
        yield from _definition(content, place)
        return
    if part.header is not None:
        yield from _header(part.header, place)
    for name, value in content.files.items():
        match value:
            case JsonFile():
                yield from _json_file(content, value.value, place, name)
            case CanvasApp():
                yield from _canvas(value, part.header, place)
            case str():
                yield Literal(f"{place} / {name}", "", neutral(value), Role.CODE)
            case Element():
                yield from _xml(value, f"{place} / {name}")


def _json_file(content: Content, value: Any, place: str, name: str) -> Iterator[Literal]:
    if isinstance(value, dict) and is_flow(value):
        yield from flow_literals(value, place)
    elif content.part.type == "custom connector" and isinstance(value, dict) and "paths" in value:
        yield from _openapi(value, f"{place} / definition", ())
    else:
        yield from texts_in(value, f"{place} / {name}")


def parameter_place(place: str, name: str) -> str:
    """Return where the default value of a flow's parameter is."""
    return f"{place} / parameter {name} / default value"


def flow_literals(flow: Json, place: str) -> Iterator[Literal]:
    """Yield the texts of a cloud flow: defaults of parameters, then the trigger's, then those of every action."""
    definition = definition_of(flow)
    for name, parameter in section(definition, "parameters").items():
        if name not in PLATFORM_PARAMETERS:
            where = parameter_place(place, name)
            yield from _text(parameter.get("defaultValue"), where, variable_of(parameter) or name)
    for name, trigger in section(definition, "triggers").items():
        yield from texts_in(trigger, f"{place} / trigger {title_of(name)}")
    for action in actions_of(flow):
        yield from texts_in(action.body, f"{place} / {action.title}")


def texts_in(value: Any, place: str) -> list[Literal]:
    """Return the texts in a JSON value, each with the way to it."""
    found: list[Literal] = []
    _collect(value, f"{place} / ", "", found)
    return found


def _collect(value: Any, way: str, key: str, found: list[Literal]) -> None:
    """Add the texts in a value that is reached by `way` and stands under `key`; `way` ends before the next word."""
    kind = value.__class__  # asked for every value of every flow, and much quicker than isinstance
    if kind is dict:
        _collect_object(value, way, found)
    elif kind is list:
        for number, inner in enumerate(value, 1):
            _collect(inner, f"{way}{number}.", key, found)
    elif kind is str:
        found += _text(value, way.removesuffix(" / ").removesuffix("."), key)


def _collect_object(value: dict[str, Any], way: str, found: list[Literal]) -> None:
    named = value.get("name")
    silent = _SILENT_KEYS
    if named.__class__ is str and value.get("value").__class__ is str:  # a variable, a header, a setting
        found += _text(value["value"], f"{way}{named}", str(named))
        silent = _SILENT_IN_PAIRS
    for word, inner in value.items():
        if not inner or word in silent:
            continue
        if inner.__class__ is not str:
            _collect(inner, f"{way}{word}.", word, found)
        elif not _is_filled_in(inner):
            found += _text(inner, f"{way}{word}", word)


def _is_filled_in(text: str) -> bool:
    """Return whether a text is found out at run time without any constant in it, or is the platform's own."""
    return (text[0] == "@" and "'" not in text) or text.startswith("/providers/")


def _text(value: Any, place: str, key: str) -> tuple[Literal, ...]:
    if isinstance(value, bool) or value is None:
        return ()
    text = value if isinstance(value, str) else str(value)
    if is_unset(text) or _is_filled_in(text):
        return ()
    role = role_of(key, text)
    if key in _SLOTS and ".authentication." in place and not text.startswith("@"):
        role = Role.SECRET_SLOT
    return (Literal(place, key, neutral(text), role),)


def _canvas(app: CanvasApp, header: Element | None, place: str) -> Iterator[Literal]:
    for top in app.tops.values():
        home = f"{place} / {top.kind or 'screen'} {top.name}"
        for control in top.walk():
            where = f"{home} / {control.name}" if control is not top else home
            for rule in control.rules:
                if rule.formula and '"' in rule.formula:
                    yield Literal(f"{where} / {rule.name}", rule.name, neutral(rule.formula), Role.CODE)
    connections = [*app.connections, *(connections_of(header) if header is not None else ())]
    bound, seen = bound_sources(connections), set()
    for name, source in app.sources.items():
        for key in ("DatasetName", "TableName", "Data"):
            text = source.get(key)
            if isinstance(text, str) and text and text != CURRENT_ENVIRONMENT and not source.get("IsSampleData"):
                seen.add(text)
                role = Role.RESOURCE_ID if name in bound else role_of(key, text)
                yield Literal(f"{place} / data source {name} / {key}", key, neutral(text), role)
    yield from _app_connections(connections, seen, place)
    for name, database in app.databases.items():
        url = database.get("instanceUrl")
        if isinstance(url, str) and name != CURRENT_ENVIRONMENT:
            yield Literal(f"{place} / database {name} / instanceUrl", "instanceUrl", url, Role.ENDPOINT)


def _app_connections(connections: list[Json], seen: set[str], place: str) -> Iterator[Literal]:
    for one in connections:
        name = connection_name(one)
        instance = one.get("connectionInstanceId")
        if isinstance(instance, str) and instance not in seen:
            seen.add(instance)
            where = f"{place} / connection {name} / connectionInstanceId"
            yield Literal(where, "connectionInstanceId", instance, Role.RESOURCE_ID)
        for dataset, held in data_sets(one).items():
            if dataset not in seen and "://" in dataset and not bound_variable(held.get("datasetOverride")):
                seen.add(dataset)
                yield Literal(f"{place} / connection {name} / data set", "dataset", neutral(dataset), Role.ENDPOINT)
    for variable, value in variables_of(connections).items():
        if value:
            where = f"{place} / environment variable {variable} / value last seen"
            yield Literal(where, variable, value, Role.RESOURCE_ID)


def default_place(place: str) -> str:
    """Return where the default value of an environment variable is."""
    return f"{place} / default value"


def _definition(content: Content, place: str) -> Iterator[Literal]:
    record = content.record
    value = text_of(record, "defaultvalue")
    if record is not None and not is_unset(value):
        role = role_of(content.part.id, value)
        yield Literal(default_place(place), content.part.name, neutral(value), role)


def _current_value(content: Content, place: str) -> Iterator[Literal]:
    for value in content.files.values():
        text = value_in(value.value) if isinstance(value, JsonFile) else ""
        if not is_unset(text):
            yield Literal(place, content.part.name, neutral(text), role_of(content.part.id, text))


def _header(header: Element, place: str) -> Iterator[Literal]:
    """Yield texts of a component's header: only where makers write addresses, code or settings."""
    if header.tag in _SILENT_SECTIONS:
        return
    if header.tag == "WebResource":
        return
    yield from _xml(header, place)


def _xml(root: Element, place: str) -> Iterator[Literal]:
    name = text_of(root, "name")
    for element in root.iter():
        if element.tag in _SILENT_TAGS:
            continue
        for key, value in element.attrib.items():
            if "://" in value and not key.startswith("{"):
                yield Literal(f"{place} / {element.tag} / {key}", key, neutral(value), role_of(key, value))
        text = (element.text or "").strip()
        if len(element) or len(text) < 4 or (len(text) > _LONGEST_ICON and text.startswith(("data:image", "iVBOR"))):
            continue
        key = name if element.tag == "value" and name else element.tag
        yield Literal(f"{place} / {element.tag}", key, neutral(text), _role_in_xml(key, text))


def _role_in_xml(key: str, text: str) -> Role:
    return Role.CODE if "\n" in text or text.startswith(("{", "[", "<")) else role_of(key, text)


def _openapi(value: Any, place: str, path: tuple[str, ...]) -> Iterator[Literal]:
    """Yield where a connector goes, and what its definition gives as defaults and examples."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key in _OPENAPI_KEYS and isinstance(one, str):
                if "environmentVariables(" not in one:
                    yield from _text(one, f"{place} / {'.'.join((*path, key))}", key)
            else:
                yield from _openapi(one, place, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield from _openapi(item, place, (*path, str(number)))
