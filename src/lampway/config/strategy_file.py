"""The models of `lampway.yaml` and `people.yaml`."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from lampway.config.duty_rules import ChecklistSection, WaiversSection
from lampway.config.gate_rules import AnyGate
from lampway.config.key_section import KeySection
from lampway.config.schedule_rules import SchedulesSection
from lampway.config.section import Email, MayBeEmpty, Name, Section, Text, Unique, choice, fault
from lampway.config.timing import FreezeSection, Span, WindowSection
from lampway.domain.strategy import Person, Pipeline, Stage, Tier


class TierSection(Section):
    """A level of environments and the rules they inherit."""

    purpose: str = ""
    """What environments of this tier are for, in words."""
    locked: bool = False
    """Whether makers must not be able to edit there."""

    def to_domain(self, name: str) -> Tier:
        """Return the tier."""
        return Tier(name, self.locked, self.purpose)


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
        )


class PipelineSection(Section):
    """The ordered path of a solution's releases."""

    source: Name = Field(alias="from")
    """The environment where makers build."""
    stages: list[StageSection] = Field(min_length=1)
    """Where releases go, first stage first."""

    def to_domain(self, name: str) -> Pipeline:
        """Return the pipeline."""
        return Pipeline(name, self.source, tuple(stage.to_domain() for stage in self.stages))


class RulesSection(Section):
    """Rules about the rules."""

    second_person_applies: bool = True
    """Whether a change of these files must be put in force by somebody who did not write it."""


class StrategyFile(Section):
    """What a team has decided about its path to production."""

    team: Text
    """The team that owns these rules."""
    next_review: Text = Field(json_schema_extra={"format": "date"})
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
    retention: Span | None = None
    """After how long packages of releases that never were in production may go. Without this key: never."""

    @field_validator("retention")
    @classmethod
    def _is_a_day(cls, span: float | None) -> float | None:
        if span is not None and span < 86_400:
            raise fault("packages are kept for a day at least", "write it as in: 180d")
        return span

    @field_validator("next_review")
    @classmethod
    def _is_date(cls, text: str) -> str:
        try:
            if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
                return date.fromisoformat(text).isoformat()
        except ValueError:
            pass
        raise fault(f"not a date: {text[:40]}", "write year, month and day, as in 2027-05-01")


class PersonSection(Section):
    """Somebody who makes, tests, approves or runs."""

    name: Text
    """The name that others know them by."""
    email: Email | None = None
    """The address in their git commits."""
    emails: Annotated[list[Email], Unique, Field(min_length=1)] | None = None
    """Several addresses, where their commits carry more than one."""
    roles: Annotated[list[Name], Unique] = Field(default=[])
    """The roles they hold; declared in lampway.yaml."""
    keys: list[KeySection] = Field(default=[])
    """The public keys they sign decisions with."""

    @model_validator(mode="after")
    def _has_address(self) -> PersonSection:
        choice("a person", ("email", self.email), ("emails", self.emails))
        return self

    def to_domain(self, name: str) -> Person:
        """Return the person."""
        emails = self.emails or [self.email or ""]
        keys = tuple(key.to_domain() for key in self.keys)
        return Person(name, self.name, tuple(emails), tuple(self.roles), keys)


class PeopleFile(Section):
    """Everybody who takes part."""

    people: Annotated[dict[Name, PersonSection], MayBeEmpty]
    """People by id; the id is what approvals and owners refer to."""
