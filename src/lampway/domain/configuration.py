"""Configuration sets: what one environment gives to one release."""

from __future__ import annotations

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
    """Something the release asks for and the environment does not give."""

    kind: str
    """variable or connection."""
    name: str
    used_by: tuple[str, ...] = ()


def resolve(
    environment: Environment, solution: str, inventory: Inventory
) -> tuple[ConfigurationSet, tuple[Missing, ...]]:
    """Return what `environment` gives to a release with this inventory, and what it lacks.

    A value given for the solution wins over one given for the whole environment.
    """
    own = environment.solutions.get(solution)
    variables = {**environment.values.variables, **(own.variables if own else {})}
    connections = {**environment.values.connections, **(own.connections if own else {})}
    given: dict[str, Any] = {}
    bound: dict[str, dict[str, str]] = {}
    missing: list[Missing] = []
    for variable in inventory.variables:
        if variable.name in variables:
            given[variable.name] = variables[variable.name]
        elif variable.required:
            missing.append(Missing("variable", variable.name, variable.used_by))
    for connection in inventory.connections:
        fields = connections.get(connection.name, {})
        wanted = {name: fields[name] for name in connection.fields if name in fields}
        if wanted:
            bound[connection.name] = wanted
        missing += [Missing("connection", f"{connection.name} / {f}") for f in connection.fields if f not in fields]
    return ConfigurationSet(given, bound), tuple(missing)
