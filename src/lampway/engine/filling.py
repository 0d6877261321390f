"""Filling: what a sandbox gets to begin with, and putting it there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lampway.domain.configuration import ConfigurationSet, Missing, resolve
from lampway.domain.package import Inventory
from lampway.domain.secret import Secret
from lampway.domain.strategy import Environment, Strategy
from lampway.engine.context import Engine, access_to, find_release, resolve_fields
from lampway.engine.facts import installed
from lampway.engine.platform import Access, Outcome, Platform, Progress, Wanted
from lampway.engine.release import scopes
from lampway.errors import NotFoundError, PlatformError, RefusedError, SecretError

_TRIES = 600
"""How often a step that runs on is looked at before it is given up."""


@dataclass(frozen=True, slots=True)
class Filling:
    """A solution that is put into a sandbox, with the values that the place gives where its makers build."""

    solution: str
    version: str
    platform: str
    package: bytes
    inventory: Inventory
    configuration: ConfigurationSet
    missing: tuple[Missing, ...] = ()
    """What that place does not give."""

    @property
    def name(self) -> str:
        """Return `solution@version`."""
        return f"{self.solution}@{self.version}"


def fillings(engine: Engine, strategy: Strategy, origin: str) -> tuple[Filling, ...]:
    """Return what is in an environment, or a release. Raises NotFoundError, PlatformError, SecretError.

    Values and secrets are always those of the environment where makers build: none of production gets into a sandbox.
    """
    environment = next((e for e in strategy.environments if e.name == origin), None)
    with engine.store.reading() as reading:
        release = find_release(reading, origin) if environment is None else None
        here = [(s.name, installed(reading, origin, s.name)) for s in strategy.solutions]
    if release is not None:
        return (filling(engine, strategy, release.solution, release.version, release.package.digest),)
    found = [filling(engine, strategy, name, i.version, i.package) for name, i in here if i is not None]
    if not found and environment is not None:
        found = _built(engine, strategy, environment)
    if not found:
        raise NotFoundError(f"nothing of any solution is in {origin}", hint="leave out --from for an empty sandbox")
    return tuple(found)


def _built(engine: Engine, strategy: Strategy, environment: Environment) -> list[Filling]:
    """Return what makers have built in an environment where a path begins, as it is now."""
    known = scopes(strategy)
    platform = engine.platform(environment.platform)
    names = [s.name for s in strategy.solutions if strategy.pipeline(s.pipeline).source == environment.name]
    found = []
    for name in names:
        try:
            package = platform.export(access_to(engine, environment), known[name], known).package
        except NotFoundError:
            continue  # nobody has built it yet
        found.append(_of(strategy, name, "as-built", environment.platform, package, engine))
    return found


def filling(engine: Engine, strategy: Strategy, solution: str, version: str, package: str) -> Filling:
    """Return a solution in one version, by its package's digest, as it is put into a sandbox."""
    name = strategy.environment(strategy.pipeline_of(solution).source).platform
    return _of(strategy, solution, version, name, engine.packages.get(package), engine)


def _of(  # noqa: PLR0917 - a filling is all of these
    strategy: Strategy, solution: str, version: str, platform: str, package: bytes, engine: Engine
) -> Filling:
    inventory = engine.platform(platform).format.inspect(package).inventory
    source = strategy.environment(strategy.pipeline_of(solution).source)
    configuration, missing = resolve(source, solution, inventory)
    return Filling(solution, version, platform, package, inventory, configuration, missing)


def put_in(engine: Engine, platform: Platform, access: Access, found: Sequence[Filling]) -> tuple[str, ...]:
    """Put solutions into a place that nobody governs, and return what they lack there, in words.

    Raises RefusedError, PlatformError.
    """
    there: dict[str, Inventory] = {}
    notes: list[str] = []
    for one in found:
        notes += put_one(engine, platform, access, one, there)
        there[one.solution] = one.inventory
    return tuple(notes)


def put_one(
    engine: Engine,
    platform: Platform,
    access: Access,
    one: Filling,
    others: dict[str, Inventory],
    *,
    over: bytes | None = None,
) -> tuple[str, ...]:
    """Put one solution there, in place of the package `over`, if there is one, and return what it lacks.

    A value or a secret that cannot be had keeps nobody from trying the rest. Raises as `put_in` does.
    """
    secrets, configuration, notes = _given(engine, one)
    wanted = Wanted(
        solution=one.solution,
        version=one.version,
        package=one.package,
        configuration=configuration,
        secrets=secrets,
        installed=over,
        others=others,
    )
    plan = platform.plan(access, wanted)
    if plan.problems:
        problem = plan.problems[0]
        raise RefusedError(f"{one.name} does not go in: {problem.summary}", where=access.environment, hint=problem.hint)
    for step in plan.steps:
        outcome = platform.perform(access, wanted, step.name, platform.intend(access, wanted, step.name))
        finish(engine, platform, access, outcome, f"{one.name} could not be put there: {step.name}")
    return notes


def finish(engine: Engine, platform: Platform, access: Access, outcome: Outcome, failing: str) -> None:
    """Wait until a step outside of any deployment is done. Raises PlatformError, beginning with `failing`."""
    tries = 0
    while outcome.progress is Progress.RUNNING and tries < _TRIES:
        engine.pause(outcome.retry_after or 0.5)
        outcome = platform.poll(access, outcome.detail)
        tries += 1
    if outcome.progress is not Progress.DONE:
        raise PlatformError(f"{failing} {outcome.progress}", where=access.url)


def _given(engine: Engine, one: Filling) -> tuple[dict[str, dict[str, Secret]], ConfigurationSet, tuple[str, ...]]:
    """Return the secrets that can be had, the configuration they go with, and what cannot be had, in words."""
    kept: dict[str, dict[str, str]] = {}
    secrets: dict[str, dict[str, Secret]] = {}
    notes = [f"{one.name}: nobody gives {m.words} where it is built" for m in one.missing]
    for connection, fields in one.configuration.connections.items():
        try:
            secrets[connection] = resolve_fields(engine, fields)
        except SecretError as error:
            notes.append(f"{one.name}: connection {connection} is left without its secret: {error}")
        else:
            kept[connection] = fields
    return secrets, replace(one.configuration, connections=kept), tuple(notes)
