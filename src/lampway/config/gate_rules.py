"""The gates a stage may declare, each with the parameters it takes."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from lampway.config.section import Name, Section, Unique, fault
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
    signed: bool = False
    """Whether only a decision signed with the person's own key counts; keys stand in people.yaml."""

    @model_validator(mode="after")
    def _somebody_may(self) -> Approval:
        if not self.roles and not self.people:
            raise fault("approval names nobody who may give it", "add `roles: [approver]` or `people: [...]`")
        return self

    def to_domain(self) -> GateRule:
        """Return the rule."""
        roles, people = tuple(self.roles), tuple(self.people)
        return GateRule(self.gate, roles=roles, people=people, quorum=self.quorum, signed=self.signed)


AnyGate: TypeAlias = Annotated[
    PreviousStage | Checks | Findings | Configuration | Drift | Lock | RollbackTarget | Approval,
    Field(discriminator="gate"),
]
