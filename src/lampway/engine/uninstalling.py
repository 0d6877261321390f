"""What the platform itself says against taking a solution away: asked before people are, not weeks later."""

from __future__ import annotations

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import Installation
from lampway.engine.context import Engine, access_to, rules_in_force
from lampway.engine.retirements import place_of
from lampway.engine.steps import wanted_for
from lampway.errors import PlatformError, RefusedError, SecretError


def refuse_used_there(engine: Engine, solution: str, environment: str) -> None:
    """Go on only if no platform sees something that cannot do without it. Raises RefusedError with what that is.

    A platform that cannot be asked now keeps nobody from asking for a retirement: the removal looks again.
    """
    with engine.store.reading() as reading:
        strategy = rules_in_force(reading).strategy
        found = reading.find(Installation, solution=solution)
        only = place_of(reading, solution, environment)
    known = {one.name: one for one in strategy.environments}
    for here in found:
        if here.environment not in known or only not in {"", here.environment}:
            continue
        place = known[here.environment]
        try:
            nothing = ConfigurationSet()
            wanted = wanted_for(engine, solution=solution, release=None, environment=place.name, configuration=nothing)
            problems = engine.platform(place.platform).plan(access_to(engine, place), wanted).problems
        except (PlatformError, SecretError):
            continue
        if problems:
            raise RefusedError(
                f"{solution} cannot be taken out of {place.name}: {problems[0].summary}",
                hint=problems[0].hint,
                details=tuple(problem.summary for problem in problems),
            )
