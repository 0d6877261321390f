"""Cloud flows: what they do, without what designers and exports leave behind, and every action with its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

PLATFORM_PARAMETERS = frozenset({"$connections", "$authentication"})
"""Parameters that the platform puts into every flow."""
_VOLATILE = frozenset({"metadata"})
_VOLATILE_AT_TOP = frozenset(
    {"templateName", "provisioningMethod", "displayName", "state", "flowFailureAlertSubscribed"}
)
_RESULTS = {"succeeded": "Succeeded", "failed": "Failed", "skipped": "Skipped", "timedout": "TimedOut"}
_NESTING = frozenset({"actions", "else", "cases", "default"})


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a flow, whatever holds it."""

    name: str
    body: Json
    """Without the actions it holds."""
    holder: str
    """The action that holds it; empty at the top."""
    branch: str
    """Which branch of it: empty, `else`, `default` or the name of a case."""

    @property
    def title(self) -> str:
        """The name as the designer shows it."""
        return title_of(self.name)

    @property
    def kind(self) -> str:
        """Its type, such as `Http` or `OpenApiConnection`."""
        return str(self.body.get("type", ""))

    @property
    def after(self) -> dict[str, tuple[str, ...]]:
        """The actions it waits for, with the results it goes on after."""
        waits = self.body.get("runAfter")
        if not isinstance(waits, dict):
            return {}
        return {name: tuple(map(str, how)) if isinstance(how, list) else () for name, how in waits.items()}


def title_of(name: str) -> str:
    """Return a name in a definition as the designer shows it."""
    return name.replace("_", " ")


def is_flow(value: Any) -> bool:
    """Return whether JSON is the definition of a cloud flow; those of desktop flows look differently."""
    properties = value.get("properties") if isinstance(value, dict) else None
    return isinstance(properties, dict) and isinstance(properties.get("definition"), dict)


def definition_of(flow: Json) -> Json:
    """Return triggers, actions and parameters of a flow."""
    found: Json = flow["properties"]["definition"]
    return found


def section(holder: Any, key: str) -> Mapping[str, Any]:
    """Return an object below another, with objects only; empty where there is none."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def object_in(holder: Any, key: str) -> Json:
    """Return an object below another; empty where there is none."""
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def connections_of(flow: Json) -> Mapping[str, Any]:
    """Return how a flow names its connections."""
    return section(flow["properties"], "connectionReferences")


def parameters_of(flow: Json) -> dict[str, Json]:
    """Return the parameters that are bound to environment variables: name in the flow to the parameter."""
    return {name: one for name, one in section(definition_of(flow), "parameters").items() if variable_of(one)}


def variable_of(parameter: Json) -> str:
    """Return the schema name of the environment variable that a parameter is bound to; empty for none."""
    metadata = parameter.get("metadata")
    found = metadata.get("schemaName") if isinstance(metadata, dict) else None
    return found if isinstance(found, str) else ""


def actions_of(flow: Json) -> Iterator[Action]:
    """Yield every action, those inside of others after what holds them."""
    yield from _actions(section(definition_of(flow), "actions"), "", "")


def _actions(actions: Mapping[str, Any], holder: str, branch: str) -> Iterator[Action]:
    for name, body in actions.items():
        bare = {key: value for key, value in body.items() if key not in _NESTING}
        yield Action(name, bare, holder, branch)
        yield from _actions(section(body, "actions"), name, "")
        for key in ("else", "default"):
            yield from _actions(section(body.get(key), "actions"), name, key)
        for case, held in section(body, "cases").items():
            yield from _actions(section(held, "actions"), name, case)


def normalise_flow(flow: Json) -> Json:
    """Return a definition without what does nothing: the designer's own metadata and marks of the export."""
    properties = {key: value for key, value in flow["properties"].items() if key not in _VOLATILE_AT_TOP}
    definition = dict(properties["definition"])
    for key in ("triggers", "actions"):
        if isinstance(definition.get(key), dict):
            definition[key] = {name: _bare(body) for name, body in definition[key].items()}
    properties["definition"] = definition
    return {"properties": properties}


def _results(how: Any) -> Any:
    """Return results in one order and one spelling: `SUCCEEDED` and `Succeeded` are the same."""
    return sorted(_RESULTS.get(str(one).lower(), str(one)) for one in how) if isinstance(how, list) else how


def is_usual_authentication(authentication: Any) -> bool:
    """Return whether an authentication is one of those that the platform writes by itself, or nothing."""
    if isinstance(authentication, str):
        return not authentication or authentication.startswith("@")
    value = authentication.get("value") if isinstance(authentication, dict) else None
    return isinstance(value, str) and value.startswith("@") and "X-MS-APIM-Tokens" in value


def _bare(body: Any) -> Any:
    if not isinstance(body, dict):
        return body
    bare = {key: value for key, value in body.items() if key not in _VOLATILE}
    if isinstance(bare.get("runAfter"), dict):
        bare["runAfter"] = {name: _results(how) for name, how in bare["runAfter"].items()}
    inputs = bare.get("inputs")
    if isinstance(inputs, dict) and is_usual_authentication(inputs.get("authentication", "")):
        bare["inputs"] = {key: value for key, value in inputs.items() if key != "authentication"}
    if isinstance(bare.get("actions"), dict):
        bare["actions"] = {name: _bare(one) for name, one in bare["actions"].items()}
    for key in ("else", "default"):
        if isinstance(bare.get(key), dict):
            bare[key] = _bare(bare[key])
    if isinstance(bare.get("cases"), dict):
        bare["cases"] = {name: _bare(one) for name, one in bare["cases"].items()}
    return bare
