"""Configuration sets: what one environment gives to one release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lampway.domain.digest import digest
from lampway.domain.package import Inventory
from lampway.domain.strategy import Environment

BOUND = "connection"
"""The field by which an environment names a connection that is there already; no secret, and it may stand in clear."""

EXTERNAL = {"external": True}
"""Stands for a value that the platform's own surroundings provide, such as a process environment."""


@dataclass(frozen=True, slots=True)
class ConfigurationSet:
    """The values that one environment gives to one release: only those the release asks for."""

    variables: dict[str, Any] = field(default_factory=dict)
    connections: dict[str, dict[str, str]] = field(default_factory=dict)
    """Connection to field to secret reference, never a value; the field `connection` may name one in clear."""

    @property
    def digest(self) -> str:
        """Digest of values and references."""
        return digest({"variables": self.variables, "connections": self.connections})


@dataclass(frozen=True, slots=True)
class Missing:
    """Something the release asks for and the environment does not give, or gives in more than one way."""

    kind: str
    """variable or connection."""
    name: str
    used_by: tuple[str, ...] = ()
    why: str = ""
    """What keeps that which is given from counting, such as another spelling; empty where nothing is given."""

    @property
    def words(self) -> str:
        """Return it for people."""
        return f"{self.kind} {self.name}" + (f" ({self.why})" if self.why else "")


def resolve(
    environment: Environment, solution: str, inventory: Inventory
) -> tuple[ConfigurationSet, tuple[Missing, ...]]:
    """Return what `environment` gives to a release with this inventory, and what it lacks.

    A value given for the solution wins over one given for the whole environment. Names are compared as the platform
    compares them; what is given under the package's own names, and never two values for one name.
    """
    own = environment.solutions.get(solution)
    variables = _Given(inventory, own.variables if own else {}, environment.values.variables)
    connections = _Given(inventory, own.connections if own else {}, environment.values.connections)
    given: dict[str, Any] = {}
    bound: dict[str, dict[str, str]] = {}
    missing: list[Missing] = []
    for variable in inventory.variables:
        names, value = variables.find(variable.name)
        if len(names) == 1:
            given[variable.name] = value
        elif names or variable.required:
            why = variables.why_not(variable.name, names)
            missing.append(Missing("variable", variable.name, variable.used_by, why))
    for connection in inventory.connections:
        names, found = connections.find(connection.name)
        fields = found if len(names) == 1 else {}
        wanted = {name: fields[name] for name in connection.fields if name in fields}
        if wanted:
            bound[connection.name] = wanted
        why = "" if len(names) == 1 else connections.why_not(connection.name, names)
        lacking = [f for f in connection.fields if f not in fields]
        missing += [Missing("connection", f"{connection.name} / {f}", why=why) for f in lacking]
    return ConfigurationSet(given, bound), tuple(missing)


class _Given:
    """Values by name, of one solution and of the whole environment: what the first gives wins."""

    def __init__(self, inventory: Inventory, *layers: Mapping[str, Any]) -> None:
        self._inventory = inventory
        self._layers = [(layer, self._names_of(layer)) for layer in layers]

    def _names_of(self, layer: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        found: dict[str, tuple[str, ...]] = {}
        for name in layer:
            key = self._inventory.key(name)
            found[key] = (*found.get(key, ()), name)
        return found

    def find(self, name: str) -> tuple[tuple[str, ...], Any]:
        """Return the names by which it is given, and the value; more than one name is no answer."""
        for layer, names in self._layers:
            found = names.get(self._inventory.key(name))
            if found:
                return found, layer[found[0]]
        return (), None

    def why_not(self, name: str, names: tuple[str, ...]) -> str:
        """Return why what is given does not count: it is given twice, or is spelled otherwise."""
        if names:
            return f"given more than once: {' and '.join(names)} are the same name there"
        near = (one for layer, _ in self._layers for one in layer if one.casefold() == name.casefold())
        other = next(near, "")
        return f"{other} is given: write it as {name}" if other else ""
