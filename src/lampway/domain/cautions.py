"""Cautions: what a valid strategy leaves open that somebody should know of. They keep nothing from being applied."""

from __future__ import annotations

from lampway.domain.roles import PERMISSIONS
from lampway.domain.strategy import Strategy

_LATE = "9999-12-31"


def cautions(strategy: Strategy) -> tuple[str, ...]:
    """Return what to think about, one line each, in the order of the files."""
    return (
        *_unsigned(strategy),
        *_unsaid_data(strategy),
        *_unheld(strategy),
        *_ending(strategy),
        *_unreviewed(strategy),
    )


def _unsigned(strategy: Strategy) -> tuple[str, ...]:
    return tuple(
        f"stage {stage.name} of {pipeline.name} counts approvals that nobody signed: whoever can set LAMPWAY_USER can"
        " be the approver; add signed: true"
        for pipeline in strategy.pipelines
        for stage in pipeline.every_stage
        if strategy.is_prod(stage.environment) and not all(rule.signed for rule in stage.rules_of("approval"))
    )


def _unsaid_data(strategy: Strategy) -> tuple[str, ...]:
    return tuple(
        f"environments/{environment.name}.yaml does not say what data is there:"
        " add data: masked, synthetic, none or production"
        for environment in strategy.environments
        if not environment.data and environment.tier != "sandbox" and not strategy.is_prod(environment.name)
    )


def _unheld(strategy: Strategy) -> tuple[str, ...]:
    """Return which commands nobody has a role for, so that everybody who takes part may run them."""
    held = {role for person in strategy.people for role in person.roles}
    missed = [p for p in PERMISSIONS if p.roles and not set(p.roles) & held]
    by_roles: dict[tuple[str, ...], list[str]] = {}
    for needed in missed:
        by_roles.setdefault(needed.roles, []).append(needed.command)
    return tuple(
        f"nobody holds {' or '.join(roles)}: everybody who takes part may run {', '.join(commands)}"
        for roles, commands in by_roles.items()
    )


def _ending(strategy: Strategy) -> tuple[str, ...]:
    """Return which stages nobody can approve any more once roles that are held for a time have ended."""
    found = []
    for stage in (stage for pipeline in strategy.pipelines for stage in pipeline.every_stage):
        for rule in stage.rules_of("approval"):
            able = strategy.holders(rule.roles, rule.people)
            lasting = [p for p in able if p.id in rule.people or set(rule.roles) & set(p.roles_at(_LATE))]
            if len(able) >= rule.quorum > len(lasting):
                ends = max(given.until for p in able for given in p.temporary if given.role in rule.roles)
                found.append(f"after {ends} too few can approve {stage.name}: roles that are held for a time end")
    return tuple(found)


def _unreviewed(strategy: Strategy) -> tuple[str, ...]:
    """Return that answers of owners would wait for ever: nobody, or only the owner, may look at them."""
    role = strategy.recertification.reviewer if strategy.recertification else ""
    able = {person.id for person in strategy.holders((role,))} if role else set()
    stuck = [s.name for s in strategy.solutions if role and not able - {s.owner}]
    if role and not able:
        return (f"nobody holds {role}: answers of owners wait for their review for ever",)
    return (f"nobody but its owner may review answers about: {', '.join(stuck)}",) if stuck else ()
