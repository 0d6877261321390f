"""Cloud flows: what they do, without what designers and exports leave behind, and every action with its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lampway.platforms.powerplatform.jsontext import decoded

Json = dict[str, Any]

PLATFORM_PARAMETERS = frozenset({"$connections", "$authentication"})
"""Parameters that the platform puts into every flow."""
_VOLATILE_AT_TOP = frozenset(
    {"templateName", "provisioningMethod", "displayName", "state", "flowFailureAlertSubscribed"}
)
_RESULTS = {"succeeded": "Succeeded", "failed": "Failed", "skipped": "Skipped", "timedout": "TimedOut"}
_SUCCEEDED = ["Succeeded"]
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


def bare_flow(text: str) -> Json | None:
    """Return the definition in a text, without what does nothing; None where it holds none."""
    flow = decoded(text)
    if not is_flow(flow):
        return None
    normalise_flow(flow)
    found: Json = flow
    return found


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


def actions_of(flow: Json) -> list[Action]:
    """Return every action, those inside of others after what holds them."""
    found: list[Action] = []
    _collect(definition_of(flow).get("actions"), "", "", found)
    return found


def _collect(actions: Any, holder: str, branch: str, found: list[Action]) -> None:
    for name, body in actions.items() if isinstance(actions, dict) else ():
        if not isinstance(body, dict):
            continue
        if _NESTING.isdisjoint(body):
            found.append(Action(name, body, holder, branch))
            continue
        found.append(Action(name, {key: value for key, value in body.items() if key not in _NESTING}, holder, branch))
        _collect(body.get("actions"), name, "", found)
        for key in ("else", "default"):
            _collect(object_in(body, key).get("actions"), name, key, found)
        for case, held in object_in(body, "cases").items():
            _collect(object_in({"": held}, "").get("actions"), name, case, found)


def operation_of(body: Json) -> str:
    """Return which operation of which connector is called."""
    host = object_in(object_in(body, "inputs"), "host")
    connector = str(host.get("apiId", "")).rpartition("/")[2].removeprefix("shared_")
    operation = str(host.get("operationId", ""))
    return f"{operation} of {connector}" if operation and connector else operation


def without_values(flow: Json) -> Json:
    """Return a flow without what each environment pushes into it: values of variables, and its own connections."""
    definition = dict(flow["properties"]["definition"])
    parameters = definition.get("parameters")
    if isinstance(parameters, dict):
        definition["parameters"] = {name: _unvalued(one) for name, one in parameters.items()}
    return {**flow, "properties": {**flow["properties"], "definition": definition}}


def _unvalued(parameter: Any) -> Any:
    bound = isinstance(parameter, dict) and isinstance(parameter.get("metadata"), dict)
    return {k: v for k, v in parameter.items() if k != "defaultValue"} if bound else parameter


def normalise_flow(flow: Json) -> None:
    """Take out of a definition what does nothing: the designer's own metadata and marks of the export."""
    properties = flow["properties"]
    for key in _VOLATILE_AT_TOP.intersection(properties):
        del properties[key]
    definition = properties["definition"]
    for key in ("triggers", "actions"):
        _strip_all(definition.get(key))


def _results(how: Any) -> Any:
    """Return results in one order and one spelling: `SUCCEEDED` and `Succeeded` are the same."""
    if how == _SUCCEEDED or not isinstance(how, list):
        return how
    return sorted(_RESULTS.get(str(one).lower(), str(one)) for one in how)


def is_usual_authentication(authentication: Any) -> bool:
    """Return whether an authentication is one of those that the platform writes by itself, or nothing."""
    if isinstance(authentication, str):
        return not authentication or authentication.startswith("@")
    value = authentication.get("value") if isinstance(authentication, dict) else None
    return isinstance(value, str) and value.startswith("@") and "X-MS-APIM-Tokens" in value


def _strip_all(bodies: Any) -> None:
    for body in bodies.values() if isinstance(bodies, dict) else ():
        if isinstance(body, dict):
            _strip(body)


def _strip(body: Json) -> None:
    body.pop("metadata", None)
    waits = body.get("runAfter")
    if isinstance(waits, dict):
        for name, how in waits.items():
            waits[name] = _results(how)
    inputs = body.get("inputs")
    if isinstance(inputs, dict) and "authentication" in inputs and is_usual_authentication(inputs["authentication"]):
        del inputs["authentication"]
    if _NESTING.isdisjoint(body):
        return
    _strip_all(body.get("actions"))
    for key in ("else", "default"):
        _strip_all(object_in(body, key).get("actions"))
    for held in object_in(body, "cases").values():
        _strip_all(object_in({"": held}, "").get("actions"))
