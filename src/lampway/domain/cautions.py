"""Cautions: what a valid strategy leaves open that somebody should know of. They keep nothing from being applied."""

from __future__ import annotations

from lampway.domain.strategy import Strategy


def cautions(strategy: Strategy) -> tuple[str, ...]:
    """Return what to think about, one line each, in the order of the files."""
    return tuple(
        f"environments/{environment.name}.yaml does not say what data is there:"
        " add data: masked, synthetic, none or production"
        for environment in strategy.environments
        if not environment.data and environment.tier != "sandbox" and not strategy.is_prod(environment.name)
    )
