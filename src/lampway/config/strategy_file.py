"""The models of `lampway.yaml` and `people.yaml`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from lampway.config.account_section import AccountSection, ClaimSection
from lampway.config.duty_rules import ChecklistSection, WaiversSection
from lampway.config.gate_rules import AnyGate
from lampway.config.key_section import Day, KeySection
from lampway.config.notify_section import Network, NotifySection
from lampway.config.readiness_section import ReadinessSection
from lampway.config.recertification_section import RecertificationSection, RetirementSection
from lampway.config.role_section import ConflictSection, RoleEntry, role_names
from lampway.config.schedule_rules import SchedulesSection
from lampway.config.section import Email, MayBeEmpty, Name, Section, Text, Unique, choice, fault
from lampway.config.spans import Span
from lampway.config.unlock_section import Label, UnlockSection
from lampway.config.watch_section import WatchSection
from lampway.config.windows import FreezeSection, WindowSection
from lampway.domain.strategy import Person, Pipeline, Stage, Tier


class TierSection(Section):
    """A level of environments and the rules they inherit."""

    purpose: str = ""
    """What environments of this tier are for, in words."""
    locked: bool = False
    """Whether makers must not be able to edit there."""

    label: Label | None = None
    """What everybody who works there is to see, where the platform can show it. Without this key: nothing."""
    unlock: UnlockSection | None = None
    """How it may be opened to makers for a while: break-glass. Without this key: not at all."""

    @model_validator(mode="after")
    def _has_a_lock(self) -> TierSection:
        if self.unlock is not None and not self.locked:
            raise fault("only what is locked can be unlocked", "add `locked: true`, or take `unlock` out")
        return self

    def to_domain(self, name: str) -> Tier:
        """Return the tier."""
        unlock = self.unlock.to_domain() if self.unlock else None
        return Tier(name, self.locked, self.purpose, label=self.label or "", unlock=unlock)


class StageSection(Section):
    """A position in a pipeline; points at an environment and has gates."""

    name: Name
    """What people call the stage: `promote --to <name>`."""
    environment: Name | None = None
    """The environment it deploys to. Without this key: the one with the stage's name."""
    gates: list[AnyGate] = Field(min_length=1)
    """What must hold before a release enters; all of them, judged in this order."""
    windows: list[WindowSection] | None = Field(default=None, min_length=1)
    """When deployments may start; one of them is enough. Without this key: at any time."""
    expires: Span | None = None
    """After how long a promotion that still waits has expired, such as 7d. Without this key: never."""
    waivers: WaiversSection | None = None
    """Who may accept an exception from a gate here. Without this key: nobody."""
    checklist: list[ChecklistSection] = Field(default=[])
    """What must be answered before a release enters; judged by the gate `checklist`."""
    watch: WatchSection | None = None
    """What happens in the time after a deployment. Without this key: nothing, and a failed verification stops."""

    def to_domain(self) -> Stage:
        """Return the stage."""
        return Stage(
            self.name,
            self.environment or self.name,
            tuple(gate.to_domain() for gate in self.gates),
            windows=tuple(window.to_domain() for window in self.windows or ()),
            expires=self.expires or 0.0,
            waiver_roles=tuple(self.waivers.roles if self.waivers else ()),
            checklist=tuple(item.to_domain() for item in self.checklist),
            watch=self.watch.to_domain() if self.watch else None,
        )


class PipelineSection(Section):
    """The ordered path of a solution's releases."""

    source: Name = Field(alias="from")
    """The environment where makers build."""
    stages: list[StageSection] = Field(min_length=1)
    """Where releases go, first stage first."""
    hotfix: list[StageSection] | None = Field(default=None, min_length=1)
    """The short path that hotfixes take to the same end: fewer stages or gates, but tested and approved. Without this
    key: they take the whole one."""

    def to_domain(self, name: str) -> Pipeline:
        """Return the pipeline."""
        short = tuple(stage.to_domain() for stage in self.hotfix or ())
        return Pipeline(name, self.source, tuple(stage.to_domain() for stage in self.stages), hotfix=short)


class RulesSection(Section):
    """Rules about the rules."""

    second_person_applies: bool = True
    """Whether a change of these files must be put in force by somebody who did not write it."""


class AuditSection(Section):
    """How the ledger can be proved to others."""

    checkpoints: Literal["tag"] | None = None
    """Where checkpoints go that are made after each deployment to production: tag, as git tags, pushed where there is a
    remote. Without this key: they are kept in the store, and evidence carries them."""


class ChecksSection(Section):
    """What holds for the checks of every solution."""

    allow: Annotated[list[Network], Unique] = Field(default=[])
    """Networks that are not public and that HTTP checks may reach all the same, as in 10.20.0.0/16."""


class StrategyFile(Section):
    """What a team has decided about its path to production."""

    team: Text
    """The team that owns these rules."""
    next_review: Day
    """The day on which the team looks at these rules again, as in 2027-05-01."""
    tiers: dict[Name, Annotated[TierSection, MayBeEmpty]] = Field(min_length=1)
    """Levels of environments, lowest first; the last one is the most protected."""
    roles: Annotated[list[Name], Unique]
    """Roles that people may hold."""
    pipelines: dict[Name, PipelineSection] = Field(min_length=1)
    """Paths to production, by name."""
    rules: Annotated[RulesSection, MayBeEmpty] = RulesSection()
    """Rules about the rules."""
    freezes: list[FreezeSection] = Field(default=[])
    """When deployments may not start, by the calendar."""
    schedules: Annotated[SchedulesSection, MayBeEmpty] = SchedulesSection()
    """What workers do by the clock."""
    audit: Annotated[AuditSection, MayBeEmpty] = AuditSection()
    """How the ledger can be proved to others."""
    retention: Span | None = None
    """After how long packages of releases that never were in production may go. Without this key: never."""
    readiness: Annotated[ReadinessSection, MayBeEmpty] = ReadinessSection()
    """What the team makes of the readiness checklist."""
    conflicts: list[ConflictSection] = Field(default=[])
    """Roles that nobody may hold at once."""
    notify: NotifySection | None = None
    """Who is told what, and how. Without this key: nobody is."""
    recertification: RecertificationSection | None = None
    """When owners are asked whether their solutions are still needed. Without this key: never."""
    retirement: Annotated[RetirementSection, MayBeEmpty] = RetirementSection()
    """How solutions end."""
    checks: Annotated[ChecksSection, MayBeEmpty] = ChecksSection()
    """What holds for the checks of every solution."""

    @field_validator("retention")
    @classmethod
    def _is_a_day(cls, span: float | None) -> float | None:
        if span is not None and span < 86_400:
            raise fault("packages are kept for a day at least", "write it as in: 180d")
        return span


class PersonSection(Section):
    """Somebody who makes, tests, approves or runs."""

    name: Text
    """The name that others know them by."""
    email: Email | None = None
    """The address in their git commits."""
    emails: Annotated[list[Email], Unique, Field(min_length=1)] | None = None
    """Several addresses, where their commits carry more than one."""
    roles: Annotated[list[RoleEntry], AfterValidator(role_names)] = Field(default=[])
    """The roles they hold, declared in lampway.yaml; `{role: approver, until: 2027-01-31}` for a time."""
    keys: list[KeySection] = Field(default=[])
    """The public keys they sign decisions with."""
    since: Day | None = Field(alias="from", default=None)
    """The first day on which what they decide counts. Without this key: any."""
    until: Day | None = None
    """The last day on which it does, such as when they leave. Without this key: no end."""
    accounts: list[AccountSection] = Field(default=[])
    """Their accounts at the provider where the team signs in. Without this key: whoever has their verified e-mail."""

    @model_validator(mode="after")
    def _has_address(self) -> PersonSection:
        choice("a person", ("email", self.email), ("emails", self.emails))
        if self.since is not None and self.until is not None and self.until < self.since:
            raise fault("the person's last day is before their first", "mend `from` or `until`")
        return self

    def to_domain(self, name: str) -> Person:
        """Return the person."""
        emails = self.emails or [self.email or ""]
        keys = tuple(key.to_domain() for key in self.keys)
        roles = tuple(dict.fromkeys(given.role for given in self.roles))
        bounded = tuple(given.to_domain() for given in self.roles if given.until)
        accounts = tuple(account.to_domain() for account in self.accounts)
        who = Person(name, self.name, tuple(emails), roles, keys, temporary=bounded, accounts=accounts)
        return replace(who, since=self.since or "", until=self.until or "")


class PeopleFile(Section):
    """Everybody who takes part."""

    people: Annotated[dict[Name, PersonSection], MayBeEmpty]
    """People by id; the id is what approvals and owners refer to."""
    claims: list[ClaimSection] = Field(default=[])
    """Roles that the provider gives to people who stand here, for as long as they are signed in."""
