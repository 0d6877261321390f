"""The gates a stage may declare, each with the parameters it takes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from lampway.config.duty_rules import RequireSection, RiskSection, SoloSection
from lampway.config.section import MayBeEmpty, Name, Section, Unique, fault
from lampway.domain.strategy import GateRule

CheckKind: TypeAlias = Literal["functional", "integration", "security", "uat"]
FindingKind: TypeAlias = Literal["secret", "endpoint", "governance"]


class PreviousStage(Section):
    """This very release was verified in the stage before."""

    gate: Literal["previous-stage"]
    """This very release was verified in the stage before."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Checks(Section):
    """The checks of the solution passed in the stage before."""

    gate: Literal["checks"]
    """The checks of the solution passed in the stage before."""
    kinds: Annotated[list[CheckKind], Unique, Field(min_length=1)] | None = None
    """Which kinds of check must have passed. Without this key: every check of the solution."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, kinds=tuple(self.kinds or ()))


class Findings(Section):
    """Nothing hardcoded was found in the package."""

    gate: Literal["findings"]
    """Nothing hardcoded was found in the package."""
    block: Annotated[list[FindingKind], Unique] = Field(default=["secret", "endpoint"], min_length=1)
    """Which kinds of finding block."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, severities=tuple(self.block))


class Configuration(Section):
    """The environment gives a value for everything the release asks for."""

    gate: Literal["configuration"]
    """The environment gives a value for everything the release asks for."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Drift(Section):
    """Nobody changed the solution live in the environment."""

    gate: Literal["drift"]
    """Nobody changed the solution live in the environment."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Lock(Section):
    """Makers cannot edit in the environment."""

    gate: Literal["lock"]
    """Makers cannot edit in the environment."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class RollbackTarget(Section):
    """It is known what a rollback would bring back."""

    gate: Literal["rollback-target"]
    """It is known what a rollback would bring back."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Approval(Section):
    """People who neither made the release nor asked for the promotion approved it."""

    gate: Literal["approval"]
    """People who neither made the release nor asked for the promotion approved it."""
    roles: Annotated[list[Name], Unique] = Field(default=[])
    """Whoever holds one of these roles may approve."""
    people: Annotated[list[Name], Unique] = Field(default=[])
    """These people may approve, by their ids in people.yaml."""
    quorum: int = Field(default=1, ge=1)
    """How many different people must approve."""
    require: list[RequireSection] = Field(default=[])
    """Roles that must be among those who approve; one person stands for one of them."""
    risk: Annotated[dict[Name, RiskSection], MayBeEmpty] = Field(default={})
    """Risk classes by name, tried in this order: the first that fits says how many approvals, in place of `quorum`."""
    solo: SoloSection | None = None
    """For a team of one: passed checks and a cooling time, shown as no independent approval."""

    @model_validator(mode="after")
    def _somebody_may(self) -> Approval:
        if not self.roles and not self.people and not self.require:
            raise fault("approval names nobody who may give it", "add `roles: [approver]` or `people: [...]`")
        seats = sum(want.count for want in self.require)
        few = next((name for name, risk in self.risk.items() if 0 < risk.approvals < seats), None)
        if few:
            hint = f"write 0, or at least {seats}"
            raise fault(f"the risk class {few} asks for fewer people than `require` names roles", hint)
        return self

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(
            self.gate,
            roles=tuple(dict.fromkeys([*self.roles, *(want.role for want in self.require)])),
            people=tuple(self.people),
            quorum=max(self.quorum, sum(want.count for want in self.require)),
            require=tuple(want.to_domain() for want in self.require),
            risk=tuple(risk.to_domain(name) for name, risk in self.risk.items()),
            cooling=self.solo.seconds if self.solo else 0.0,
        )


class Checklist(Section):
    """Every item of the stage's checklist was answered by whom it is for."""

    gate: Literal["checklist"]
    """Every item of the stage's checklist was answered by whom it is for."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


AnyGate: TypeAlias = Annotated[
    PreviousStage | Checks | Findings | Configuration | Drift | Lock | RollbackTarget | Approval | Checklist,
    Field(discriminator="gate"),
]
