"""The strategy: tiers, environments, pipelines, gates, roles, people and solutions, as one value."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, cast

from lampway.domain.accounts import Account, Claimed, ClaimRule, as_declared
from lampway.domain.digest import lasting_digest
from lampway.domain.duties import ChecklistItem, Required, RiskClass
from lampway.domain.health import WatchRule
from lampway.domain.keys import PersonKey
from lampway.domain.notify import Notify
from lampway.domain.readiness import ReadinessRules
from lampway.domain.recertification import RecertificationRules, RetirementRules
from lampway.domain.revocation import Revocation
from lampway.domain.roles import Assignment, Conflict
from lampway.domain.schedules import Schedules
from lampway.domain.unlocking import UnlockRule
from lampway.domain.windows import Freeze, Window
from lampway.errors import NotFoundError


@dataclass(frozen=True, slots=True)
class Tier:
    """A level of environments and the rules they inherit."""

    name: str
    locked: bool = False
    """Whether makers must not be able to edit there."""
    purpose: str = ""
    label: str = ""
    """What everybody who works there is to see, where the platform can show it. No promotion is bound to it."""
    unlock: UnlockRule | None = None
    """How it may be opened for a while; None: not at all. No promotion is bound to it."""


@dataclass(frozen=True, slots=True)
class Values:
    """What one environment gives: values in clear, secrets only by reference."""

    variables: dict[str, Any] = field(default_factory=dict)
    """Name to JSON value; `{"external": true}` where the platform itself provides it."""
    connections: dict[str, dict[str, str]] = field(default_factory=dict)
    """Connection name to field to secret reference."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """The data that an environment was given to be tested with."""

    name: str
    digest: str
    """`sha256:<hex>` of it, however whoever made it takes that."""


LONGEST_WAIT = 4 * 3600.0
"""Seconds that a change waits for what others have under way, where the environment does not say."""


@dataclass(frozen=True, slots=True)
class Environment:
    """A real place on a platform where solutions run."""

    name: str
    tier: str
    platform: str
    url: str
    """The platform's admin API, without a trailing slash."""
    public_url: str = ""
    """Where people and checks reach what runs there; `url` if empty."""
    access: dict[str, str] = field(default_factory=dict)
    """How the engine signs in: field to secret reference (or a plain user name under `user`)."""
    maker_access: dict[str, str] = field(default_factory=dict)
    """A maker's credential, used only to observe what makers may do there."""
    values: Values = field(default_factory=Values)
    """What every solution gets."""
    solutions: dict[str, Values] = field(default_factory=dict)
    """What one solution gets; wins over `values`."""
    data: str = ""
    """What data is there: masked, synthetic, production or none; empty where nobody has said."""
    data_set: DataSet | None = None
    """Which data exactly; None where nobody has said."""
    settings: dict[str, str] = field(default_factory=dict)
    """What else the platform must be told to be reached and used, in clear."""
    longest_wait: float = LONGEST_WAIT
    """Seconds that a change waits for what others have under way there, before a person must say."""


@dataclass(frozen=True, slots=True)
class GateRule:
    """A gate as the strategy declares it."""

    gate: str
    """The kind of gate."""
    roles: tuple[str, ...] = ()
    """Approvals: whose decision counts."""
    people: tuple[str, ...] = ()
    """Approvals: named people whose decision counts."""
    quorum: int = 1
    """Approvals: how many different people."""
    kinds: tuple[str, ...] = ()
    """Checks: which kinds must have passed; empty means every required one."""
    severities: tuple[str, ...] = ()
    """Findings: which severities block."""
    rules: tuple[GateRule, ...] = ()
    """Any and all: the gates they are made of."""
    wait: float = 0.0
    """Soak: for how many seconds."""
    max_age: float = 0.0
    """Approval, checks, rehearsed: after how many seconds what was said, or done, counts as expired; 0 for never."""
    signed: bool = False
    """Approvals: whether only a decision signed with the person's own key counts."""

    def every(self) -> Iterator[GateRule]:
        """Yield this rule, and every one that it is made of."""
        yield self
        for rule in self.rules:
            yield from rule.every()

    require: tuple[Required, ...] = ()
    """Approvals: roles that must be among those who approve."""
    risk: tuple[RiskClass, ...] = ()
    """Approvals: how many a release needs by its risk; the first class that fits."""
    cooling: float = 0.0
    """Approvals: seconds since sealing after which a team of one may go on without; 0: never."""
    warn: float = 0.0
    """Certified: for how many seconds before its end it warns."""
    pattern: str = ""
    """Ticket: the regular expression that the whole of it must match; empty for any."""


@dataclass(frozen=True, slots=True)
class Stage:
    """A position in a pipeline; points at an environment and has gates."""

    name: str
    environment: str
    gates: tuple[GateRule, ...]
    windows: tuple[Window, ...] = ()
    """When deployments may start; empty means at any time."""
    expires: float = 0.0
    """Seconds after which a promotion that still waits has expired; 0 for never."""

    def rules_of(self, kind: str) -> tuple[GateRule, ...]:
        """Return the rules of one kind of gate, also those that others are made of."""
        return tuple(rule for gate in self.gates for rule in gate.every() if rule.gate == kind)

    waiver_roles: tuple[str, ...] = ()
    """Who may waive a gate here; empty: nobody."""
    checklist: tuple[ChecklistItem, ...] = ()
    watch: WatchRule | None = None
    """What happens in the time after a deployment; None: nothing, and a failed verification stops."""

    @property
    def asks_signatures(self) -> bool:
        """Whether a gate here says `signed: true`: then what people give counts only with their signature."""
        return any(rule.signed for gate in self.gates for rule in gate.every())


@dataclass(frozen=True, slots=True)
class Pipeline:
    """The ordered path of a solution's releases."""

    name: str
    source: str
    """The environment where makers build."""
    stages: tuple[Stage, ...]
    hotfix: tuple[Stage, ...] = ()
    """The short path that hotfixes take to the same end; empty: they take the whole one."""

    @property
    def every_stage(self) -> tuple[Stage, ...]:
        """The stages of the path and of the short one."""
        return (*self.stages, *self.hotfix)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who makes, tests, approves or runs."""

    id: str
    name: str
    emails: tuple[str, ...]
    roles: tuple[str, ...] = ()
    keys: tuple[PersonKey, ...] = ()
    """What they sign decisions with."""
    since: str = ""
    """ISO date: the first day on which what they decide counts; empty for any."""
    until: str = ""
    """ISO date: the last day on which it does; empty for no end."""
    left: str = ""
    """ISO time (UTC) from which on it no longer does, as the ledger tells; never written in people.yaml."""
    temporary: tuple[Assignment, ...] = ()
    """Which of `roles` they hold for a time only, and when."""
    accounts: tuple[Account, ...] = ()
    """Their accounts at providers, by what those call them."""
    claimed: tuple[str, ...] = ()
    """Which of `roles` a provider gave them; never written in people.yaml."""

    def roles_at(self, at: str) -> tuple[str, ...]:
        """Return the roles they hold at this ISO time (UTC)."""
        if not self.temporary:
            return self.roles
        bounded = {given.role for given in self.temporary}
        held = {given.role for given in self.temporary if given.holds(at)}
        return tuple(role for role in self.roles if role not in bounded or role in held)

    def as_of(self, at: str) -> Person:
        """Return the person with only the roles they hold at this ISO time (UTC)."""
        return replace(self, roles=self.roles_at(at), temporary=()) if self.temporary else self

    def is_here(self, at: str) -> bool:
        """Return whether what they decide at this ISO time (UTC) may count."""
        day, has_left = at[:10], bool(self.left) and at[: len(self.left)] >= self.left
        return (not at or self.since <= day) and (not self.until or day <= self.until) and not has_left

    def absence(self, at: str) -> str:
        """Return why they do not count at this time, in words; empty when they do."""
        if self.is_here(at):
            return ""
        if at and at[:10] < self.since:
            return f"{self.name} begins on {self.since}"
        return f"{self.name} left on {(self.left or self.until)[:10]}"


@dataclass(frozen=True, slots=True)
class Check:
    """Something that produces evidence."""

    name: str
    kind: str
    """functional, integration, security or uat."""
    timeout: float = 30.0
    """Seconds."""
    http: dict[str, Any] = field(default_factory=dict)
    """method, path, headers, json, expect {status, json, contains}; empty for a command check."""
    command: tuple[str, ...] = ()
    """Run in a copy of the solution's folder as it was released; empty for an HTTP check."""
    report: str = ""
    """Command: file it writes, below its folder: JUnit XML (`.xml`) or SARIF (`.sarif`, `.json`); empty: exit code."""
    fail_on: str = ""
    """SARIF: the lowest level of a result that fails the check, error or warning; empty for error."""
    platform: str = ""
    """The platform's own run: `smoke`; empty for none."""
    attested: bool = False
    """Whether a person says what came of it; then there is nothing to run."""
    max_age: float = 0.0
    """Seconds after which its evidence counts as expired; 0 for never."""
    signed: bool = False
    """Attested: whether only what a tester signed with their own key counts."""
    networks: tuple[str, ...] = ()
    """Where its requests may go beside public addresses and the environment's own; taken from the rules in force."""


@dataclass(frozen=True, slots=True)
class Solution:
    """What makers build and version, as its owner declares it."""

    name: str
    pipeline: str
    owner: str
    """Id of a person."""
    contains: tuple[str, ...]
    """The platform's top-level containers (tabs, workflows, apps) that belong to it."""
    criticality: str = "medium"
    rollback_plan: str = ""
    """In words: what a rollback does not restore and who must be told."""
    constants: tuple[str, ...] = ()
    connections: dict[str, tuple[str, ...]] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    support: str = ""
    """Digest of the files beside its declaration that its checks run from; empty for none."""
    backup_owner: str = ""
    """Id of whoever may act in the owner's place; empty for nobody."""
    data_class: str = ""
    """How sensitive the data is that it handles; empty where nobody has said."""
    depends_on: dict[str, str] = field(default_factory=dict)
    """Other solution to the lowest version of it that will do."""

    @property
    def automatic(self) -> tuple[Check, ...]:
        """The checks that are run; the others are attested by people."""
        return tuple(check for check in self.checks if not check.attested)


@dataclass(frozen=True, slots=True)
class Strategy:
    """Everything a team has decided about its path to production."""

    team: str
    """The owning team."""
    next_review: str
    """ISO date of the next review."""
    tiers: tuple[Tier, ...]
    environments: tuple[Environment, ...]
    pipelines: tuple[Pipeline, ...]
    people: tuple[Person, ...]
    roles: tuple[str, ...]
    solutions: tuple[Solution, ...] = ()
    second_person_applies: bool = True
    """Whether a change of the strategy must be applied by somebody who did not write it."""
    freezes: tuple[Freeze, ...] = ()
    """When deployments may not start. They govern by the calendar alone: no promotion is bound to them."""
    checkpoints: str = ""
    """`tag`: checkpoints that are made by themselves are published as git tags; empty: they are kept in the store."""
    retention: float = 0.0
    """Seconds after which packages of releases that never were in production may go; 0 for never."""
    schedules: Schedules = field(default_factory=Schedules)
    """What workers do by the clock. No promotion is bound to it."""
    readiness: ReadinessRules = field(default_factory=ReadinessRules)
    """What the team makes of the readiness checklist."""
    conflicts: tuple[Conflict, ...] = ()
    """Roles that nobody may hold at once."""
    notify: Notify | None = None
    """Who is told what, and how; None: nobody. No promotion is bound to it."""
    recertification: RecertificationRules | None = None
    """When owners are asked whether solutions are still needed; None: never. No promotion is bound to it."""
    retirement: RetirementRules = field(default_factory=RetirementRules)
    """How solutions end. No promotion is bound to it."""
    check_networks: tuple[str, ...] = ()
    """Networks that are not public and that requests of checks may reach all the same. No promotion is bound to it."""
    claims: tuple[ClaimRule, ...] = ()
    """Which roles the provider gives, where people sign in."""

    def tier(self, name: str) -> Tier:
        """Return the tier. Raises NotFoundError."""
        return _named(self.tiers, name, "tier")

    def environment(self, name: str) -> Environment:
        """Return the environment. Raises NotFoundError."""
        return _named(self.environments, name, "environment")

    def pipeline(self, name: str) -> Pipeline:
        """Return the pipeline. Raises NotFoundError."""
        return _named(self.pipelines, name, "pipeline")

    def solution(self, name: str) -> Solution:
        """Return the solution. Raises NotFoundError."""
        return _named(self.solutions, name, "solution")

    def knows(self, solution: str) -> bool:
        """Return whether there is a solution of this name."""
        return _find(self.solutions, solution) is not None

    def pipeline_of(self, solution: str) -> Pipeline:
        """Return the pipeline that the solution's releases follow. Raises NotFoundError."""
        return self.pipeline(self.solution(solution).pipeline)

    def stage(self, solution: str, stage: str, *, hotfix: bool = False) -> Stage:
        """Return a stage of the solution's pipeline by its name or its environment's. Raises NotFoundError.

        Those of the short path are known by their names; to a hotfix, by their environments too.
        """
        pipeline = self.pipeline_of(solution)
        path = pipeline.hotfix if hotfix and pipeline.hotfix else pipeline.stages
        for candidate in (*path, *pipeline.every_stage):
            if stage == candidate.name or (candidate in path and stage == candidate.environment):
                return candidate
        known = ", ".join(s.name for s in path)
        raise NotFoundError(f"no stage *{stage}* on the path of {solution}", hint=f"its stages are: {known}")

    def stages_before(self, solution: str, stage: Stage) -> tuple[Stage, ...]:
        """Return the stages that come before `stage` on the solution's path, first one first."""
        pipeline = self.pipeline_of(solution)
        stages = pipeline.hotfix if stage in pipeline.hotfix else pipeline.stages
        return stages[: stages.index(stage)]

    def is_prod(self, environment: str) -> bool:
        """Return whether the environment is of the last, most protected tier."""
        return self.environment(environment).tier == self.tiers[-1].name

    def person(self, name: str) -> Person | None:
        """Return the person with this id or e-mail, or None. Case is ignored in e-mails."""
        for person in self.people:
            if name == person.id:
                return person
        wanted = name.lower()
        for person in self.people:
            if any(wanted == email.lower() for email in person.emails):
                return person
        return None

    def holders(self, roles: tuple[str, ...], people: tuple[str, ...] = ()) -> tuple[Person, ...]:
        """Return everybody who holds one of the roles or is named."""
        return tuple(p for p in self.people if p.id in people or set(roles) & set(p.roles))

    def governing(self, solution: str, stage: Stage) -> str:
        """Return the digest of only those rules and people that govern this stage for this solution.

        Values an environment gives are left out: a promotion binds those it needs by themselves.
        """
        if any(person.claimed for person in self.people):  # who signed in today changes no rule
            return replace(self, people=tuple(as_declared(p) for p in self.people)).governing(solution, stage)
        environment = self.environment(stage.environment)
        rules = [rule for gate in stage.gates for rule in gate.every()]
        holders = [p for r in rules for p in self.holders(r.roles, r.people)] + [*self.holders(stage.waiver_roles)]
        named = {role for rule in rules for role in rule.roles} | set(stage.waiver_roles)
        claims = sorted(rule.words for rule in self.claims if rule.role in named)
        deciders = {p.id: [*sorted(p.roles), *(given.words for given in p.temporary)] for p in holders}
        return lasting_digest(
            {
                "stage": stage,
                "before": [s.name for s in self.stages_before(solution, stage)],
                "tier": replace(self.tier(environment.tier), label="", unlock=None),
                "environment": [environment.name, environment.platform, environment.url, environment.public_url],
                "deciders": deciders,
                **({"claims": claims} if claims else {}),
                "checks": [self.solution(solution).checks, self.solution(solution).support],
                "rollback_plan": self.solution(solution).rollback_plan,
                "criticality": self.solution(solution).criticality,
                **({"data_class": self.solution(solution).data_class} if self.solution(solution).data_class else {}),
            }
        )


class _Named(Protocol):
    @property
    def name(self) -> str: ...


N = TypeVar("N", bound=_Named)
_MANY = 32
"""From so many on, names are looked up in an index: a strategy never changes."""


class _Same:
    """Things that are these very ones, whatever they are equal to."""

    __slots__ = ("things",)

    def __init__(self, things: tuple[_Named, ...]) -> None:
        self.things = things

    def __hash__(self) -> int:
        return id(self.things)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.things is self.things


@functools.lru_cache(maxsize=4)
def _by_name(of: _Same) -> dict[str, _Named]:
    return {thing.name: thing for thing in reversed(of.things)}


def _named(things: tuple[N, ...], name: str, kind: str) -> N:
    thing = _find(things, name)
    if thing is not None:
        return thing
    known = ", ".join(thing.name for thing in things) or "none"
    raise NotFoundError(f"no {kind} named *{name}*", hint=f"there is: {known}")


def _find(things: tuple[N, ...], name: str) -> N | None:
    if len(things) > _MANY:
        return cast("N | None", _by_name(_Same(things)).get(name))
    return next((thing for thing in things if thing.name == name), None)


@dataclass(frozen=True, slots=True)
class RulesInForce:
    """A strategy that was applied, and from which commit."""

    strategy: Strategy
    commit: str
    digest: str
    applied_by: str
    applied_at: str
    revocations: tuple[Revocation, ...] = ()
    """What was revoked, in order; the next strategy inherits it."""
    claimed: tuple[Claimed, ...] = ()
    """Which roles a provider gave to whom, and when; the next strategy inherits it."""


@dataclass(frozen=True, slots=True)
class StrategyChange:
    """One difference between two strategies, in words."""

    place: str
    summary: str
