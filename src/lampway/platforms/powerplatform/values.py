"""What an environment gives to a solution: values of environment variables, and connections by their ids."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.configuration import EXTERNAL
from lampway.domain.package import Variable
from lampway.engine.platform import Problem, Wanted
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.contents import Contents
from lampway.platforms.powerplatform.halfway import Change
from lampway.platforms.powerplatform.inventory import BINDING
from lampway.platforms.powerplatform.xmltext import text_of

LONGEST = 2000
"""Characters that the value of an environment variable can have."""
_VAULT = re.compile(r"/subscriptions/[^/\s]+/.+/secrets/[^/\s]+", re.IGNORECASE)
_JOINED = "environmentvariabledefinition_environmentvariablevalue"
_TYPE = "@odata.type"


@dataclass(frozen=True, slots=True)
class Given:
    """A variable as it is defined in an environment, with the value that this gives it."""

    definition: str
    """Id of the definition."""
    value_id: str
    """Id of the row that holds the value; empty where there is none."""
    value: str | None


@dataclass(frozen=True, slots=True)
class Bound:
    """A connection reference as it is in an environment."""

    id: str
    connection: str
    """Id of the connection it stands for; empty where it has none."""


def as_text(variable: Variable, value: Any) -> str:
    """Return a value as the platform keeps it: as text, whatever its type."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=variable.type == "json")


def is_same_value(variable: Variable, one: str | None, other: str | None) -> bool:
    """Return whether two texts are the same value of this variable."""
    if one == other or one is None or other is None:
        return one == other
    if variable.type in {"json", "number"}:
        try:
            return bool(json.loads(one) == json.loads(other))
        except (ValueError, RecursionError):
            return False
    return variable.type == "boolean" and one.casefold() == other.casefold()


def wanted_values(wanted: Wanted, variables: tuple[Variable, ...]) -> dict[str, str]:
    """Return schema name to text for every variable that gets a value; what the surroundings provide gets none."""
    given = wanted.configuration.variables
    return {
        one.name: as_text(one, given[one.name])
        for one in variables
        if one.name in given and given[one.name] != EXTERNAL and given[one.name] != ""
    }


def wanted_connections(wanted: Wanted, contents: Contents) -> dict[str, str]:
    """Return connection reference to connection id."""
    found = {}
    for name in _references(contents):
        secret = wanted.secrets.get(name, {}).get(BINDING)
        if secret is not None and secret.reveal():
            found[name] = secret.reveal()
    return found


def value_problems(wanted: Wanted, variables: tuple[Variable, ...], contents: Contents) -> Iterator[Problem]:
    """Yield what the environment lacks or gives wrongly; never a value."""
    where = "give it in the file of the environment, and apply the strategy"
    given = wanted.configuration.variables
    for one in variables:
        value = given.get(one.name)
        if value in (None, "") and one.required:
            yield Problem(f"environment variable {one.name} is required and gets no value", where)
        elif value not in (None, "") and value != EXTERNAL:
            yield from _wrong(one, as_text(one, value))
    for name in _references(contents):
        if name not in wanted_connections(wanted, contents):
            hint = f"write `{name}: {{connection: ID}}` under connections of the environment, and apply the strategy"
            yield Problem(f"connection reference {name} gets no connection", hint)


def _wrong(variable: Variable, text: str) -> Iterator[Problem]:
    name = variable.name
    if len(text) > LONGEST:
        yield Problem(f"the value of {name} is longer than {LONGEST} characters", "keep it elsewhere, and refer to it")
    if variable.type == "secret" and not _VAULT.fullmatch(text):
        hint = "give the path of a secret in Azure Key Vault: /subscriptions/.../vaults/NAME/secrets/NAME"
        yield Problem(f"secret variable {name} gets something else than a reference to a vault", hint)
    if variable.type == "boolean" and text.casefold() not in {"yes", "no"}:
        yield Problem(f"the value of {name} is neither yes nor no", "write true or false")
    if variable.type in {"json", "number"}:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if value is None or (variable.type == "number" and not isinstance(value, int | float)):
            yield Problem(f"the value of {name} is no {variable.type}", "mend it in the file of the environment")


def component_parameters(
    wanted: Wanted, variables: tuple[Variable, ...], contents: Contents, there: Mapping[str, Given]
) -> list[dict[str, Any]]:
    """Return what an import is given beside the package."""
    parameters: list[dict[str, Any]] = []
    for name, text in wanted_values(wanted, variables).items():
        held = there.get(name.casefold())
        known = {"environmentvariablevalueid": held.value_id} if held and held.value_id else {}
        kind = "Microsoft.Dynamics.CRM.environmentvariablevalue"
        parameters.append({_TYPE: kind, "schemaname": name, "value": text, **known})
    headers = _references(contents)
    for name, connection in wanted_connections(wanted, contents).items():
        parameters.append(
            {
                _TYPE: "Microsoft.Dynamics.CRM.connectionreference",
                "connectionreferencelogicalname": name,
                **headers[name],
                "connectionid": connection,
            }
        )
    return parameters


def _references(contents: Contents) -> dict[str, dict[str, str]]:
    """Return every connection reference of a package, with what its import has to repeat."""
    found = {}
    for part in contents.parts:
        if part.type == "connection reference" and part.header is not None:
            name = part.header.get("connectionreferencelogicalname", part.id)
            found[name] = {
                "connectionreferencedisplayname": text_of(part.header, "connectionreferencedisplayname"),
                "description": text_of(part.header, "description"),
                "connectorid": text_of(part.header, "connectorid"),
            }
    return found


def read_values(client: Client) -> dict[str, Given]:
    """Return every variable that is defined there, by schema name in lower case."""
    found = {}
    for row in client.rows("environmentvariabledefinitions", expand=_JOINED):
        held: Mapping[str, Any] = next(iter(row.get(_JOINED) or ()), {})
        value = held.get("value")
        found[str(row.get("schemaname") or "").casefold()] = Given(
            definition=str(row.get("environmentvariabledefinitionid") or ""),
            value_id=str(held.get("environmentvariablevalueid") or ""),
            value=None if value is None else str(value),
        )
    return found


def read_connections(client: Client) -> dict[str, Bound]:
    """Return every connection reference there, by logical name in lower case."""
    return {
        str(row.get("connectionreferencelogicalname") or "").casefold(): Bound(
            str(row.get("connectionreferenceid") or ""), str(row.get("connectionid") or "")
        )
        for row in client.rows("connectionreferences")
    }


def value_changes(client: Client, values: Mapping[str, str], variables: tuple[Variable, ...]) -> list[Change]:
    """Return what lets the environment give these values; what it gives already is left alone."""
    there, types = read_values(client), {one.name: one for one in variables}
    found = ((name, text, there.get(name.casefold())) for name, text in values.items())
    return [
        (name, _giving(client, held, text))
        for name, text, held in found
        if held is not None and not is_same_value(types[name], held.value, text)
    ]


def _giving(client: Client, held: Given, text: str) -> Callable[[], object]:
    if held.value_id:
        return lambda: client.update("environmentvariablevalues", held.value_id, {"value": text})
    definition = f"/environmentvariabledefinitions({held.definition})"
    record = {"value": text, "EnvironmentVariableDefinitionId@odata.bind": definition}
    return lambda: client.create("environmentvariablevalues", record)


def binding_changes(client: Client, connections: Mapping[str, str]) -> list[Change]:
    """Return what lets connection references stand for these connections, where they do not."""
    there = read_connections(client)
    found = ((name, connection, there.get(name.casefold())) for name, connection in connections.items())
    return [
        (name, _binding(client, held.id, connection))
        for name, connection, held in found
        if held is not None and held.connection != connection
    ]


def _binding(client: Client, id_: str, connection: str) -> Callable[[], object]:
    return lambda: client.update("connectionreferences", id_, {"connectionid": connection})
