"""What a contract suite works with: a sample solution, a back door to every place, and a way to deploy.

An adapter's tests describe their product with these; `lampway.testing.platform_contract` does the rest.
"""
# ruff: noqa: S101 - a deployment that does not come about fails the test

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.package import Inventory, Scope
from lampway.domain.secret import Secret
from lampway.engine.platform import Access, Outcome, Platform, Progress, Wanted


class Outside(Protocol):
    """The back door of one environment: a maker with an editor, who knows nothing of the adapter."""

    access: Access
    """What the adapter is given."""
    private: tuple[str, ...]
    """Every value and every secret that `build` types in here. None of them may ever leave."""

    def build(self, version: int) -> None:
        """Make this place hold version 1 or 2 of the sample, and its neighbour, with values and secrets of its own.

        Version 2 changes what a component does, adds one, and asks for the same values.
        """
        ...

    def contents(self) -> Mapping[str, object]:
        """Return everything that is there, by the names of its top-level containers; ids of this place left out."""
        ...

    def stored(self) -> Mapping[str, object]:
        """Return whatever can be told about stored secrets, by the names of the containers that hold them."""
        ...

    def edit(self) -> str:
        """Change what a component of the sample does, live. Return its name."""
        ...

    def edit_elsewhere(self) -> None:
        """Change what the neighbour does, live."""
        ...

    def move(self) -> bool:
        """Move a component of the sample on its canvas, live. Return False where there is no canvas."""
        ...

    def change_value(self) -> str:
        """Change a value that this place gives to the sample, live. Return the variable's name."""
        ...

    def forget_secret(self) -> None:
        """Make this place lose the secrets of the sample."""
        ...


@dataclass(frozen=True, slots=True)
class Sample:
    """A solution, and what production gives to it."""

    scope: Scope
    variables: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Connection to field to value."""

    @property
    def configuration(self) -> ConfigurationSet:
        """What production gives, secrets only by reference."""
        references = {name: {f: f"env:{f}" for f in fields} for name, fields in self.secrets.items()}
        return ConfigurationSet(dict(self.variables), references)

    def wanted(
        self, package: bytes | None, installed: bytes | None = None, others: Mapping[str, Inventory] | None = None
    ) -> Wanted:
        """Return that production shall hold `package`, or no longer hold the sample."""
        return Wanted(
            solution=self.scope.solution,
            version="1.0.0",
            package=package,
            configuration=self.configuration if package else ConfigurationSet(),
            secrets={n: {f: Secret(v) for f, v in fields.items()} for n, fields in self.secrets.items()},
            installed=installed,
            others=others or {},
        )


@dataclass(frozen=True, slots=True)
class Lacking:
    """A package that needs something production does not have."""

    package: bytes
    name: str
    """Of what it needs."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """Ways in that lead nowhere."""

    unreachable: Access
    """Nothing listens there."""
    wrong: Access
    """To production, with credentials that it does not accept."""


class Apply:
    """Deploys as the engine does: plan, then intend and perform each step, polling what runs on."""

    def __init__(self, platform: Platform, access: Access, pause: Callable[[float], None]) -> None:
        self._platform = platform
        self._access = access
        self._pause = pause
        self.told: list[object] = []
        """Everything the adapter told on the way."""

    def __call__(self, wanted: Wanted) -> list[str]:
        """Take every planned step and return their names. Fails the test when there is a problem in the way."""
        plan = self._platform.plan(self._access, wanted)
        assert plan.problems == ()
        self.told.append(plan)
        for step in plan.steps:
            self.perform(wanted, step.name, self._platform.intend(self._access, wanted, step.name))
        return [step.name for step in plan.steps]

    def perform(self, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Take one step and wait until it is done."""
        outcome = self._platform.perform(self._access, wanted, step, intent)
        while outcome.progress is Progress.RUNNING:
            self._pause(outcome.retry_after)
            outcome = self._platform.poll(self._access, outcome.detail)
        self.told += [intent, outcome]
        assert outcome.progress is Progress.DONE
        return outcome
