"""Coverage: what was deployed, what was edited live, and when nobody looked: what the ledger cannot know."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from lampway.domain import events
from lampway.domain.deployment import STILL_THERE, Deployment, DriftFinding, DriftState
from lampway.domain.events import Actor, Recorded
from lampway.domain.moments import parse_moment
from lampway.domain.promotion import DeploymentKind, Promotion
from lampway.domain.revocation import Revocation, without_revoked
from lampway.domain.spans import HINT, parse_span
from lampway.domain.strategy import Person, Stage, Strategy
from lampway.engine.context import Engine, Request
from lampway.errors import NotFoundError, UsageError

_KINDS = (
    events.StrategyApplied.kind,
    events.PromotionRequested.kind,
    events.DecisionMade.kind,
    events.DeploymentStarted.kind,
    events.Installed.kind,
    events.Verified.kind,
    events.DeploymentFinished.kind,
    events.DriftFound.kind,
    events.DriftResolved.kind,
    events.EnvironmentObserved.kind,
)


@dataclass(frozen=True, slots=True)
class Said:
    """Somebody's request or approval."""

    by: str
    at: str
    proved: bool
    """Whether it was proved who they are."""


@dataclass(frozen=True, slots=True)
class Covered:
    """A deployment, and who is answerable for it."""

    id: str
    promotion: str
    solution: str
    version: str
    environment: str
    kind: DeploymentKind
    started_at: str
    state: str
    verified: bool
    asked: Said
    approvals: tuple[Said, ...]
    """Those on exactly what was deployed. A rollback or redeploy has none: a named person and a reason stand for it."""
    reason: str


@dataclass(frozen=True, slots=True)
class Drifted:
    """A live edit that stood during the time asked about, and what became of it until its end."""

    id: str
    solution: str
    environment: str
    found_at: str
    changes: tuple[str, ...]
    state: str
    resolved_by: str
    resolved_at: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unseen:
    """A time in which an environment was not looked at: what happened in it is not known."""

    environment: str
    since: str
    """The last look before, or when the environment came into the strategy."""
    until: str
    """The next look, or the end of the time asked about."""
    hours: float
    never: bool
    """Whether it had never been looked at until then."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the ledger knows about a time, and what it cannot know."""

    since: str
    until: str
    environments: tuple[str, ...]
    """Those that are covered."""
    deployments: tuple[Covered, ...]
    drift: tuple[Drifted, ...]
    unseen: tuple[Unseen, ...]
    begins: str
    """When the ledger begins: of the time before it, nothing is known."""


@dataclass(frozen=True, slots=True)
class Cover(Request[Coverage]):
    """Account for a time."""

    since: str
    until: str
    """A date means its end."""
    environment: str = ""
    """Empty: deployments to and drift in production, and looks at every environment that a stage points at."""
    gap: str = "24h"
    """Not looked at for longer than this is told."""


def cover(engine: Engine, request: Cover, actor: Actor) -> Coverage:
    """Account for a time, from the ledger alone.

    Raises UsageError for dates that are none, NotFoundError for an environment that was never in force.
    """
    del actor
    gap = parse_span(request.gap)
    if gap is None:
        raise UsageError(f"not a length of time: {request.gap!r}", hint=HINT)
    since = parse_moment(request.since, "UTC")
    until = min(parse_moment(request.until, "UTC", is_end=True), engine.now())
    if since >= until:
        raise UsageError("there is no time between the two", hint="--from comes before --to, and not in the future")
    account = _Account(since, until, request.environment, timedelta(seconds=gap))
    for recorded in engine.store.events(kinds=_KINDS):
        if recorded.at < until:
            account.add(recorded)
    if request.environment and request.environment not in account.declared:
        known = ", ".join(sorted(account.declared)) or "none"
        raise NotFoundError(f"no environment named *{request.environment}*", hint=f"there were: {known}")
    first = next(engine.store.stored(), None)
    return account.close(first.at if first else until)


@dataclass(slots=True)
class _Account:
    since: str
    until: str
    only: str
    gap: timedelta
    declared: set[str] = field(default_factory=set)
    covered: set[str] = field(default_factory=set)
    _watched: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Environment to when it was last seen (or declared), and whether it ever was."""
    _unseen: list[Unseen] = field(default_factory=list)
    _asked: dict[str, tuple[Promotion, Said, list[Said]]] = field(default_factory=dict)
    _deployments: dict[str, Covered] = field(default_factory=dict)
    _places: dict[str, tuple[str, str]] = field(default_factory=dict)
    _drift: dict[str, Drifted] = field(default_factory=dict)
    _prod: frozenset[str] = frozenset()

    def add(self, recorded: Recorded) -> None:
        match recorded.event:
            case events.StrategyApplied(strategy=strategy):
                self._applied(strategy, recorded.at)
            case events.EnvironmentObserved(environment=name):
                self._seen(name, recorded.at)
            case events.DriftFound() | events.DriftResolved():
                self._drifts(recorded)
            case _:
                self._deploys(recorded)

    def close(self, begins: str) -> Coverage:
        for name in list(self._watched):
            self._look(name, self.until)
        deployments = [d for d in self._deployments.values() if d.started_at >= self.since]
        drift = [d for d in self._drift.values() if not d.resolved_at or d.resolved_at >= self.since]
        unseen = sorted(self._unseen, key=lambda u: (u.since, u.environment))
        places = tuple(sorted(self.covered))
        return Coverage(self.since, self.until, places, tuple(deployments), tuple(drift), tuple(unseen), begins)

    def _applied(self, strategy: Strategy, at: str) -> None:
        self._prod = frozenset(e.name for e in strategy.environments if strategy.is_prod(e.name))
        self.declared |= {e.name for e in strategy.environments}
        staged = {stage.environment for pipeline in strategy.pipelines for stage in pipeline.stages}
        wanted = {self.only} & {e.name for e in strategy.environments} if self.only else staged
        self.covered |= wanted
        for name in self._watched.keys() - wanted:
            self._look(name, at)
            del self._watched[name]
        for name in wanted - self._watched.keys():
            self._watched[name] = (at, False)

    def _seen(self, name: str, at: str) -> None:
        if name in self._watched:
            self._look(name, at)
            self._watched[name] = (at, True)

    def _look(self, name: str, at: str) -> None:
        """Tell the time since the last look, if it was too long and touches what was asked about."""
        last, ever = self._watched[name]
        took = datetime.fromisoformat(at) - datetime.fromisoformat(last)
        if took > self.gap and at > self.since:
            self._unseen.append(Unseen(name, last, at, round(took.total_seconds() / 3600, 1), never=not ever))

    def _concerns(self, environment: str) -> bool:
        return environment == self.only if self.only else environment in self._prod

    def _drifts(self, recorded: Recorded) -> None:
        match recorded.event:
            case events.DriftFound(finding=f) if self._concerns(f.environment):
                self._drift[f.id] = _drifted(f, recorded.at)
            case events.DriftResolved(finding=key, state=state, reason=reason) if key in self._drift:
                done = replace(self._drift[key], state=str(state), resolved_by=recorded.actor.person, reason=reason)
                over = state not in STILL_THERE  # accepted or back-ported, it still stands
                self._drift[key] = replace(done, resolved_at=recorded.at if over else "")
            case _:
                pass

    def _deploys(self, recorded: Recorded) -> None:
        match recorded.event:
            case events.PromotionRequested(promotion=p):
                said = Said(recorded.actor.person, recorded.at, recorded.actor.authenticated)
                self._asked[p.id] = (p, said, [])
            case events.DecisionMade(promotion=key, decision=d) if key in self._asked:
                promotion, _, approvals = self._asked[key]
                if d.approved and d.digest == promotion.bound.digest:
                    approvals.append(Said(d.by, recorded.at, d.authenticated))
            case events.DeploymentStarted(deployment=d) if self._concerns(d.environment):
                self._started(d, recorded.at)
            case events.Verified(deployment=key) if key in self._deployments:
                self._deployments[key] = replace(self._deployments[key], verified=True)
            case events.DeploymentFinished(deployment=key, state=state) if key in self._deployments:
                self._deployments[key] = replace(self._deployments[key], state=str(state))
            case events.Installed(deployment=key) if key in self._places:
                self._overwritten(key, recorded.at)
            case _:
                pass

    def _started(self, deployment: Deployment, at: str) -> None:
        promotion, asked, approvals = self._asked[deployment.promotion]
        self._places[deployment.id] = (deployment.environment, deployment.solution)
        self._deployments[deployment.id] = Covered(
            id=deployment.id,
            promotion=promotion.id,
            solution=deployment.solution,
            version=deployment.version,
            environment=deployment.environment,
            kind=deployment.kind,
            started_at=at,
            state=str(deployment.state),
            verified=False,
            asked=asked,
            approvals=tuple(approvals),
            reason=promotion.reason,
        )

    def _overwritten(self, deployment: str, at: str) -> None:
        for key, found in self._drift.items():
            if (found.environment, found.solution) == self._places[deployment] and not found.resolved_at:
                over = replace(found, state=str(DriftState.REVERTED), resolved_by="lampway", resolved_at=at)
                self._drift[key] = replace(over, reason=f"overwritten by deployment {deployment}")


def _drifted(finding: DriftFinding, at: str) -> Drifted:
    return Drifted(
        id=finding.id,
        solution=finding.solution,
        environment=finding.environment,
        found_at=at,
        changes=finding.changes,
        state=str(finding.state),
        resolved_by="",
        resolved_at="",
        reason="",
    )


@dataclass(frozen=True, slots=True)
class Able:
    """Somebody who could have done it under one strategy."""

    person: str
    name: str
    roles: tuple[str, ...]
    stages: tuple[str, ...]
    """Pipeline and stage at which they could."""


@dataclass(frozen=True, slots=True)
class Period:
    """A part of the day under one strategy."""

    since: str
    """When that strategy came in force."""
    until: str
    """When the next one did; empty if none did that day."""
    commit: str
    people: tuple[Able, ...]
    notes: tuple[str, ...]
    """What the list alone would hide."""


@dataclass(frozen=True, slots=True)
class WhoCould(Request[tuple[Period, ...]]):
    """Who could have approved or deployed in an environment on a day."""

    could: str
    """approve or deploy."""
    environment: str
    on: str
    """A date, UTC; or a moment."""


def who_could(engine: Engine, request: WhoCould, actor: Actor) -> tuple[Period, ...]:
    """Return who could, for each strategy in force that day. Raises UsageError, NotFoundError."""
    del actor
    if request.could not in _ABLE:
        raise UsageError(f"nobody can {request.could!r}", hint=f"one of: {', '.join(_ABLE)}")
    start, end = parse_moment(request.on, "UTC"), parse_moment(request.on, "UTC", is_end=True)
    applied = [r for r in engine.store.events(kinds=(events.StrategyApplied.kind,)) if r.at < end or r.at <= start]
    earlier = [r for r in applied if r.at <= start]
    in_force = [*earlier[-1:], *(r for r in applied if r.at > start)]
    if not in_force:
        raise NotFoundError(f"no strategy was in force on {request.on}", hint="lampway history shows since when one is")
    ends = [*(r.at for r in in_force[1:]), ""]
    revoked = [r.event for r in engine.store.events(kinds=(events.Revoked.kind,)) if r.at < end or r.at <= start]
    gone = tuple(e.revocation for e in revoked if isinstance(e, events.Revoked))
    spans = zip(in_force, ends, strict=True)
    periods = tuple(_period(r, until, request, gone) for r, until in spans if _knows(r, request))
    if not periods:
        raise NotFoundError(f"no environment named *{request.environment}* was in force on {request.on}")
    return periods


def _knows(applied: Recorded, request: WhoCould) -> bool:
    return any(e.name == request.environment for e in _strategy(applied).environments)


def _strategy(applied: Recorded) -> Strategy:
    assert isinstance(applied.event, events.StrategyApplied)  # noqa: S101 - only such are asked for
    return applied.event.strategy


def _period(applied: Recorded, until: str, request: WhoCould, gone: tuple[Revocation, ...]) -> Period:
    start = max(applied.at, parse_moment(request.on, "UTC"))
    known = without_revoked(_strategy(applied), gone)
    strategy = replace(known, people=tuple(p.as_of(start) for p in known.people if p.is_here(start)))
    stages = {
        f"{pipeline.name}: {stage.name}": stage
        for pipeline in strategy.pipelines
        for stage in pipeline.every_stage
        if stage.environment == request.environment
    }
    found, notes = _ABLE[request.could](strategy, stages)
    able: dict[str, Able] = {}
    for name, person in found:
        at = able[person.id].stages if person.id in able else ()
        able[person.id] = Able(person.id, person.name, person.roles, tuple(dict.fromkeys((*at, name))))
    left = [p.absence(start) for p in known.people if not p.is_here(start)]
    left += [f"{found.words}: revoked on {found.since[:16]}" for found in gone if found.since > start]
    commit = applied.event.commit if isinstance(applied.event, events.StrategyApplied) else ""
    people = tuple(sorted(able.values(), key=lambda a: a.person))
    return Period(applied.at, until, commit, people, (*notes, *left))


def _approvers(strategy: Strategy, stages: Mapping[str, Stage]) -> tuple[Iterable[tuple[str, Person]], list[str]]:
    rules = [(name, rule) for name, stage in stages.items() for rule in stage.rules_of("approval")]
    asked = {name for name, _ in rules}
    notes = [f"{name} asks for no approval" for name in stages if name not in asked]
    if rules:
        notes.append("of these, whoever made the content or asked for it never counts")
    people = ((name, person) for name, rule in rules for person in strategy.holders(rule.roles, rule.people))
    return people, notes


def _deployers(strategy: Strategy, stages: Mapping[str, Stage]) -> tuple[Iterator[tuple[str, Person]], list[str]]:
    notes = ["anybody in people.yaml may ask for a promotion or a rollback; a promotion starts once its gates are open"]
    if not stages:
        notes = ["no stage points at it: nothing is deployed there through Lampway"]
    notes.append(
        "whoever holds the environment's own credentials could deploy past Lampway: drift scan sees that later"
    )
    return ((name, person) for name in stages for person in strategy.people), notes


_ABLE = {"approve": _approvers, "deploy": _deployers}
