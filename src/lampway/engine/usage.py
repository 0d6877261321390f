"""What is known about the use of a solution, with its limits. What is not known is said to be unknown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from lampway.domain.capability import Ability
from lampway.domain.deployment import DriftFinding, Installation
from lampway.domain.due import to_text
from lampway.domain.strategy import Strategy
from lampway.engine import abilities
from lampway.engine import platform as port
from lampway.engine.context import Engine, access_to, rules_in_force
from lampway.errors import LampwayError

_BACK = timedelta(days=90)
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What is known about one solution in one environment."""

    environment: str
    deployed: str
    """When what runs there was deployed."""
    edited: str
    """When somebody was last found to have edited it live; empty for never."""
    last_run: str
    """Empty where it is not known."""
    last_change: str
    """By the platform's own word; empty where it is not known."""
    runs: int | None
    """How many runs began in the last 90 days; None where it is not known."""
    notes: tuple[str, ...]
    """Limits: why something is not known, or what is not counted."""

    @property
    def words(self) -> str:
        """All of it in one line."""
        counted = f", {self.runs} runs in 90 days" if self.runs is not None else ""
        notes = f" ({'; '.join(self.notes)})" if self.notes else ""
        edited = f", last live edit found {self.edited[:10]}" if self.edited else ""
        changed = f", changed {self.last_change[:10]}" if self.last_change else ", last change unknown"
        run = f"last run {self.last_run[:10] or _UNKNOWN}{counted}"
        return f"{self.environment}: {run}{changed}, deployed {self.deployed[:10]}{edited}{notes}"


def usage_of(engine: Engine, solution: str) -> tuple[UsageFacts, ...]:
    """Return what is known about each place where it is installed. A platform that does not answer is unknown.

    Raises nothing for what cannot be asked; changes nothing.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        found = reading.find(Installation, solution=solution)
        edits = reading.find(DriftFinding, solution=solution)
    edited = {finding.environment: finding.found_at for finding in edits}
    return tuple(_facts(engine, strategy, here, edited.get(here.environment, "")) for here in found)


def usage_lines(engine: Engine, solution: str) -> tuple[str, ...]:
    """Return the same in words, one line for each place."""
    return tuple(facts.words for facts in usage_of(engine, solution))


def _facts(engine: Engine, strategy: Strategy, here: Installation, edited: str) -> UsageFacts:
    told, runs, notes = abilities.Usage(), None, []
    try:
        environment = strategy.environment(here.environment)
        platform, access = engine.platform(environment.platform), access_to(engine, environment)
        base = port.Installed(engine.packages.get(here.package), here.configuration)
        if isinstance(platform, abilities.UsageTelling):
            told = platform.tell_usage(access, base)
        else:
            notes.append(_limit(platform, Ability.USAGE))
        if isinstance(platform, abilities.ExecutionCounting):
            since = to_text(engine.clock.now() - _BACK)
            runs = platform.count_executions(access, base, since).total
    except LampwayError as error:
        notes.append(f"it could not be asked: {error.message}")
    return UsageFacts(
        environment=here.environment,
        deployed=here.since,
        edited=edited,
        last_run=told.last_run,
        last_change=told.last_change,
        runs=runs,
        notes=(*told.notes, *notes),
    )


def _limit(platform: port.Platform, ability: Ability) -> str:
    """Return why a platform does not tell something, in its adapter's own words."""
    declared = next((c for c in platform.capabilities() if c.name is ability), None)
    return declared.note if declared and declared.note else f"{platform.name} does not tell"
