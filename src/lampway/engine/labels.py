"""Labels: what everybody who works in an environment sees of it, compared with what its tier asks for."""

from __future__ import annotations

from lampway.domain.strategy import Environment, RulesInForce
from lampway.engine.abilities import Labelled
from lampway.engine.context import Engine, access_to
from lampway.errors import PlatformError, SecretError


def look_at_label(engine: Engine, environment: Environment) -> tuple[str, str]:
    """Return what people see there, and what is wrong with it, in words; nothing where its tier asks for no label.

    A platform that can show none is no finding: its capabilities say so. Raises nothing for what cannot be seen.
    """
    wanted, platform = _wanted(engine, environment), engine.platform(environment.platform)
    if not wanted or not isinstance(platform, Labelled):
        return "", ""
    try:
        seen = platform.read_label(access_to(engine, environment))
    except (PlatformError, SecretError) as error:
        return "", f"its label cannot be seen: {error.message}"
    if wanted in seen:
        return seen, ""
    return seen, f"people there see {seen!r} where its tier asks for {wanted!r}" if seen else f"no label: {wanted!r}"


def mend_label(engine: Engine, environment: Environment) -> str:
    """Set the label where it is not what the tier asks for; return why that could not be done, empty for nothing."""
    wanted, platform = _wanted(engine, environment), engine.platform(environment.platform)
    if not isinstance(platform, Labelled) or not look_at_label(engine, environment)[1]:
        return ""
    try:
        platform.set_label(access_to(engine, environment), wanted)
    except (PlatformError, SecretError) as error:
        return error.hint or error.message
    return ""


def _wanted(engine: Engine, environment: Environment) -> str:
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    tiers = rules.strategy.tiers if rules else ()
    return next((tier.label for tier in tiers if tier.name == environment.tier), "")
