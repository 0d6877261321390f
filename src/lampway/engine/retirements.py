"""Retirements under way and ended: found, and what they keep from being asked for."""

from __future__ import annotations

from collections.abc import Sequence

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.deployment import Installation
from lampway.domain.promotion import Bound, DeploymentKind, Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.retirement import UNDER_WAY, Retirement, RetirementState, needed_by
from lampway.domain.strategy import GateRule, Person, Strategy
from lampway.engine.context import Engine, rules_in_force
from lampway.engine.store import Reading
from lampway.errors import NotFoundError, RefusedError, UsageError

_USUAL = (GateRule("approval", roles=("approver", "release-manager", "platform-admin")),)
"""Who approves where the path asks for no approval."""


def find_retirement(reading: Reading, solution: str, environment: str) -> Retirement:
    """Return the retirement that is under way. Raises NotFoundError, UsageError where several would do."""
    under_way = reading.find(Retirement, solution=solution, states=UNDER_WAY)
    place = place_of(reading, solution, environment)
    found = [r for r in under_way if not place or r.environment == place]
    if not found:
        where = f" in {environment}" if environment else ""
        raise NotFoundError(f"no retirement of {solution}{where} is under way", hint="lampway retire --list")
    if len(found) > 1:
        places = ", ".join(r.environment for r in found)
        raise UsageError(f"several retirements of {solution} are under way", hint=f"add --in: {places}")
    return found[0]


def place_of(reading: Reading, solution: str, stage: str) -> str:
    """Return the environment that somebody means by its name, or by that of a stage on the solution's path."""
    strategy = rules_in_force(reading).strategy
    if not stage or not any(s.name == solution for s in strategy.solutions):
        return stage
    return strategy.stage(solution, stage).environment


def installed_in(reading: Reading, retirement: Retirement) -> tuple[Installation, ...]:
    """Return what of it is installed where it is to go from."""
    found = reading.find(Installation, solution=retirement.solution)
    return tuple(here for here in found if retirement.covers(here.environment))


def refuse_needed(reading: Reading, retirement: Retirement) -> None:
    """Go on only if it is installed, and nothing there cannot do without it. Raises NotFoundError, RefusedError."""
    places = installed_in(reading, retirement)
    if not places:
        where = retirement.environment or "any environment"
        raise NotFoundError(f"{retirement.solution} is not installed in {where}", hint="lampway status")
    for environment, others in users_of(reading, places).items():
        first = others[0]
        raise RefusedError(
            f"{', '.join(others)} in {environment} cannot do without {retirement.solution}",
            hint=f"retire {first} first, or bring a release of it there that does not need {retirement.solution}",
        )


def users_of(reading: Reading, places: Sequence[Installation]) -> dict[str, tuple[str, ...]]:
    """Return where other solutions need it, by environment."""
    found = {}
    for here in places:
        there = reading.find(Installation, environment=here.environment)
        names = [f"{i.solution}@{i.version}" for i in there]
        releases = {name: r for name in names if (r := reading.get(Release, name)) is not None}
        others = needed_by(here.solution, here.environment, there, releases)
        if others:
            found[here.environment] = others
    return found


def refuse_second(reading: Reading, solution: str, environment: str) -> None:
    """Go on only if nothing of it ends already. Raises RefusedError."""
    for other in reading.find(Retirement, solution=solution, states=UNDER_WAY):
        if not environment or other.covers(environment):
            raise RefusedError(other.words, hint="lampway retire --list")


def refuse_retired(reading: Reading, solution: str, environment: str) -> None:
    """Let nothing be asked for where a solution ends, or has ended. Raises RefusedError."""
    installed = reading.get(Installation, f"{environment}/{solution}")
    for one in reading.find(Retirement, solution=solution):
        if not one.covers(environment):
            continue
        if one.state in (RetirementState.WAITING, RetirementState.REMOVING):
            scope = f"{solution} --in {one.environment}" if one.environment else solution
            raise RefusedError(one.words, where=environment, hint=f"lampway retire {scope} --undo --reason '...'")
        if one.state is RetirementState.DONE and installed is None:
            hint = "its package and its evidence are kept; what is needed again begins as a new solution"
            raise RefusedError(f"{one.words}: {one.reason}", where=environment, hint=hint)


def removal_of(engine: Engine, strategy: Strategy, retirement: Retirement, here: Installation) -> Promotion:
    """Return the promotion that takes it out of one environment, asked for by a person who is still here."""
    people = (*(c.by for c in retirement.consents), retirement.requested_by)
    named = (strategy.person(name) for name in people)
    asked = next((p.id for p in named if p is not None and p.is_here(engine.now())), retirement.requested_by)
    stage = strategy.stage(here.solution, here.environment)
    nothing = ConfigurationSet()
    return Promotion(
        id=engine.new_id(),
        solution=here.solution,
        version=here.version,
        stage=stage.name,
        environment=here.environment,
        kind=DeploymentKind.ROLLBACK,
        bound=Bound("remove", nothing.digest, "", "", ""),
        configuration=nothing,
        requested_by=asked,
        requested_at=engine.now(),
        reason=f"retired: {retirement.reason}",
        state=PromotionState.WAITING,
    )


def missing_consents(reading: Reading, strategy: Strategy, retirement: Retirement) -> tuple[str, ...]:
    """Return what is still missing before a retirement may begin, in words; nothing once it may."""
    found = []
    for rule in approval_rules(reading, strategy, retirement):
        counted = {
            c.by
            for c in retirement.consents
            if c.by in {p.id for p in able_to_approve(strategy, rule, c.at)} and (c.key or not rule.signed)
        } - {retirement.requested_by}
        needed = max(rule.quorum, 1)
        if len(counted) < needed:
            able = [
                p.id for p in able_to_approve(strategy, rule, "") if p.id not in {*counted, retirement.requested_by}
            ]
            signed = " signed" if rule.signed else ""
            found.append(f"{len(counted)} of {needed}{signed} approvals; who may: {', '.join(able) or 'nobody yet'}")
    return tuple(found)


def approval_rules(reading: Reading, strategy: Strategy, retirement: Retirement) -> tuple[GateRule, ...]:
    """Return by which rules it is approved: those of the last stage in which it is installed."""
    if not any(s.name == retirement.solution for s in strategy.solutions):
        return _USUAL
    there = {here.environment for here in (retirement.places or installed_in(reading, retirement))}
    stages = [s for s in strategy.pipeline_of(retirement.solution).stages if s.environment in there]
    return next((rules for stage in reversed(stages) if (rules := stage.rules_of("approval"))), _USUAL)


def able_to_approve(strategy: Strategy, rule: GateRule, at: str) -> tuple[Person, ...]:
    """Return who may approve under a rule at a moment; without one, whoever ever may."""
    held = strategy.holders(rule.roles, rule.people)
    return tuple(
        p for p in held if p.is_here(at) and (not at or p.id in rule.people or set(rule.roles) & set(p.roles_at(at)))
    )
