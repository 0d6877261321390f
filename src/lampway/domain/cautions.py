"""Cautions: what a valid strategy leaves open that somebody should know of. They keep nothing from being applied."""

from __future__ import annotations

from lampway.domain.strategy import Strategy


def cautions(strategy: Strategy) -> tuple[str, ...]:
    """Return what to think about, one line each, in the order of the files."""
    return (*_unsigned(strategy), *_data(strategy))


def _unsigned(strategy: Strategy) -> tuple[str, ...]:
    return tuple(
        f"stage {stage.name} of {pipeline.name} counts approvals that nobody signed: whoever can set LAMPWAY_USER can"
        " be the approver; add signed: true"
        for pipeline in strategy.pipelines
        for stage in pipeline.stages
        if strategy.is_prod(stage.environment) and not all(rule.signed for rule in stage.rules_of("approval"))
    )


def _data(strategy: Strategy) -> tuple[str, ...]:
    return tuple(
        f"environments/{environment.name}.yaml does not say what data is there:"
        " add data: masked, synthetic, none or production"
        for environment in strategy.environments
        if not environment.data and environment.tier != "sandbox" and not strategy.is_prod(environment.name)
    )
