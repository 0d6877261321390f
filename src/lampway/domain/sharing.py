"""Values that solutions share: on some platforms a name stands for one thing in an environment, whoever brings it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lampway.domain.configuration import EXTERNAL, ConfigurationSet, resolve
from lampway.domain.digest import digest
from lampway.domain.package import Inventory
from lampway.domain.strategy import Environment


@dataclass(frozen=True, slots=True)
class Shared:
    """A variable or connection that another solution in an environment has as well: both get one value there."""

    kind: str
    """variable or connection."""
    name: str
    other: str
    """The other solution."""
    ours: str
    """Where the value comes from that is to be given: a place in the environment's file; empty where none is given."""
    theirs: str
    """Where that of the other solution comes from; likewise."""
    is_same: bool
    """Whether both are given the same."""

    @property
    def words(self) -> str:
        """Return it for people; no value is told."""
        head = f"{self.kind} {self.name} is shared with {self.other}"
        if self.is_same:
            return f"{head}, and given the same by {_both(self.ours, self.theirs)}"
        if self.ours and self.theirs:
            return f"{head}, and {self.ours} gives another value than {self.theirs}: each would overwrite the other's"
        if self.ours:
            return f"{head}, which is given none and would get what {self.ours} gives"
        return f"{head}, and given by {self.theirs} alone: what that gives would hold for both"

    @property
    def cure(self) -> str:
        """How to mend it, where they are not given the same."""
        return f"give both the same, under `{self.kind}s` for the whole environment, or let one use a name of its own"


def shared_values(
    environment: Environment,
    solution: str,
    inventory: Inventory,
    configuration: ConfigurationSet,
    others: Mapping[str, Inventory],
) -> Iterator[Shared]:
    """Yield what a solution to be deployed with `configuration` shares with the others that are in the environment.

    What counts of the others is what the rules in force give them, and not what they were deployed with: where that is
    about to change for both, nobody stands in the way of the other.
    """
    if not inventory.shared:
        return
    for other, theirs in sorted(others.items()):
        given, _ = resolve(environment, other, theirs)
        for kind in ("variable", "connection"):
            mine, hers = _of(kind, configuration), _of(kind, given)
            known = {inventory.key(name): name for name in _names(kind, theirs)}
            for name in _names(kind, inventory):
                there = known.get(inventory.key(name), "")
                values = mine.get(name), hers.get(there)
                if not there or values == (None, None) or EXTERNAL in values:
                    continue
                yield Shared(
                    kind=kind,
                    name=name,
                    other=other,
                    ours=_source(environment, inventory, (solution, kind, name), values[0]),
                    theirs=_source(environment, theirs, (other, kind, there), values[1]),
                    is_same=digest(values[0]) == digest(values[1]),
                )


def notes_of(found: Iterable[Shared]) -> tuple[str, ...]:
    """Return these in words; what is the same for many is told once for all of them."""
    alike: dict[tuple[str, str], list[Shared]] = {}
    told = []
    for one in found:
        if one.is_same:
            alike.setdefault((one.kind, one.name), []).append(one)
        else:
            told.append(one.words)
    for (kind, name), ones in alike.items():
        names = ", ".join(one.other for one in ones)
        together = f"{kind} {name} is shared with {names}: all are given the same"
        told.append(ones[0].words if len(ones) == 1 else together)
    return tuple(told)


def _of(kind: str, configuration: ConfigurationSet) -> Mapping[str, Any]:
    return configuration.variables if kind == "variable" else configuration.connections


def _names(kind: str, inventory: Inventory) -> list[str]:
    found = inventory.variables if kind == "variable" else inventory.connections
    return [one.name for one in found]


def _source(environment: Environment, inventory: Inventory, given_to: tuple[str, str, str], value: Any) -> str:
    """Return where a value stands in the environment's file; else it is of before; empty where there is none.

    `given_to` says to what: solution, kind and name.
    """
    if value is None:
        return ""
    solution, kind, name = given_to
    file = f"environments/{environment.name}.yaml"
    given, _ = resolve(environment, solution, inventory)
    if digest(_of(kind, given).get(name)) != digest(value):
        return f"the configuration that {solution} had before"
    own = environment.solutions.get(solution)
    mine = (own.variables if kind == "variable" else own.connections) if own else {}
    if any(inventory.key(one) == inventory.key(name) for one in mine):
        return f"`solutions: {solution}: {kind}s` of {file}"
    return f"`{kind}s` of {file}"


def _both(one: str, other: str) -> str:
    return one if one == other else f"{one} and {other}"
