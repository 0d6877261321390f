"""Environments, what each gives to a solution, and what each platform can do. Reading only."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain.capability import Capability
from lampway.domain.configuration import resolve
from lampway.domain.deployment import DriftFinding, DriftState, Installation
from lampway.domain.events import Actor
from lampway.domain.strategy import Environment
from lampway.engine.context import Engine, Request, newest_release, rules_in_force
from lampway.engine.locks import LockSeen, ShowLocks, show_locks


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """One environment, as the rules in force declare it and the records know it."""

    name: str
    tier: str
    platform: str
    url: str
    """Where people reach it."""
    data: str
    """What data is there: masked, synthetic, production or none; empty where nobody has said."""
    data_set: str
    """The name of that data, where it has one."""
    label: str
    """The label that people see there; empty for none, or not seen."""
    lock: LockSeen | None
    """How its lock stands; None where it needs none and nobody ever looked."""
    solutions: int
    """How many are installed there."""
    drift: tuple[DriftFinding, ...]
    """Live edits that nobody dealt with yet."""


@dataclass(frozen=True, slots=True)
class ShowEnvironments(Request[tuple[EnvironmentView, ...]]):
    """Look at every environment: its tier, lock, label, data, and what was edited live there."""


@dataclass(frozen=True, slots=True)
class Need:
    """A variable or a connection that a release asks for."""

    kind: str
    """variable or connection."""
    name: str
    required: bool
    given_in: tuple[str, ...]
    missing_in: tuple[str, ...]
    """Environments that lack it and must not; never one that needs not give it."""


@dataclass(frozen=True, slots=True)
class ConfigurationView:
    """What the newest release of a solution asks for, and which environments of its path give it."""

    solution: str
    release: str
    """Empty: it has none yet."""
    environments: tuple[str, ...]
    """In the order of its path."""
    needs: tuple[Need, ...]

    @property
    def missing(self) -> int:
        """How many values are still to be given, over all environments."""
        return sum(len(need.missing_in) for need in self.needs)


@dataclass(frozen=True, slots=True)
class ShowConfiguration(Request[ConfigurationView]):
    """Look which environments give what a solution asks for. No value is told, and none of a secret is read."""

    solution: str


@dataclass(frozen=True, slots=True)
class PlatformView:
    """What can be done with one platform."""

    platform: str
    capabilities: tuple[Capability, ...]


@dataclass(frozen=True, slots=True)
class ShowPlatforms(Request[tuple[PlatformView, ...]]):
    """Ask what each platform that is installed here can do."""


def show_environments(engine: Engine, request: ShowEnvironments, actor: Actor) -> tuple[EnvironmentView, ...]:
    """Return the environments in the order of the strategy. Raises RefusedError where no rules are in force."""
    del request
    locks = {lock.environment: lock for lock in show_locks(engine, ShowLocks(), actor)}
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        here = [i.environment for i in reading.find(Installation)]
        edited = reading.find(DriftFinding, states=(DriftState.OPEN,))
    return tuple(_view(e, locks.get(e.name), here.count(e.name), edited) for e in strategy.environments)


def _view(
    environment: Environment, lock: LockSeen | None, solutions: int, edited: tuple[DriftFinding, ...]
) -> EnvironmentView:
    return EnvironmentView(
        name=environment.name,
        tier=environment.tier,
        platform=environment.platform,
        url=environment.public_url or environment.url,
        data=environment.data,
        data_set=environment.data_set.name if environment.data_set else "",
        label=lock.label if lock else "",
        lock=lock,
        solutions=solutions,
        drift=tuple(finding for finding in edited if finding.environment == environment.name),
    )


def show_configuration(engine: Engine, request: ShowConfiguration, actor: Actor) -> ConfigurationView:
    """Return what is given and what is missing along the solution's path. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        name = strategy.solution(request.solution).name
        release = newest_release(reading, name)
        places = tuple(strategy.environment(stage.environment) for stage in strategy.pipeline_of(name).stages)
    names = tuple(place.name for place in places)
    if release is None:
        return ConfigurationView(name, "", names, ())
    wanted = [("variable", v.name, v.required) for v in release.inventory.variables]
    wanted += [("connection", f"{c.name} / {f}", True) for c in release.inventory.connections for f in c.fields]
    given, lacking = {}, {}
    for place in places:
        values, missing = resolve(place, name, release.inventory)
        lacking[place.name] = {(m.kind, m.name) for m in missing}
        fields = {("connection", f"{c} / {f}") for c, bound in values.connections.items() for f in bound}
        given[place.name] = fields | {("variable", v) for v in values.variables}
    needs = tuple(
        Need(
            kind=kind,
            name=need,
            required=required,
            given_in=tuple(p for p in names if (kind, need) in given[p]),
            missing_in=tuple(p for p in names if (kind, need) in lacking[p]),
        )
        for kind, need, required in wanted
    )
    return ConfigurationView(name, release.name, names, needs)


def show_platforms(engine: Engine, request: ShowPlatforms, actor: Actor) -> tuple[PlatformView, ...]:
    """Return the platforms by name. Raises BrokenError for one that cannot be loaded."""
    del request, actor
    return tuple(PlatformView(name, engine.platform(name).capabilities()) for name in sorted(engine.platforms))
