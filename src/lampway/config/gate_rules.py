"""The gates a stage may declare, each with the parameters it takes."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator

from lampway.config.duty_rules import RequireSection, RiskSection, SoloSection
from lampway.config.section import MayBeEmpty, Name, Section, Text, Unique, fault
from lampway.config.spans import Span
from lampway.domain.strategy import GateRule
from lampway.domain.ticket import pattern_fault

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
    max_age: Span | None = None
    """How old evidence may be, as in 24h or 7d; then it is collected again. Without this key: it never grows old."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, kinds=tuple(self.kinds or ()), max_age=self.max_age or 0.0)


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
    max_age: Span | None = None
    """For how long an approval counts, such as 7d. Without this key: for as long as the promotion waits."""
    require: list[RequireSection] = Field(default=[])
    """Roles that must be among those who approve; one person stands for one of them."""
    risk: Annotated[dict[Name, RiskSection], MayBeEmpty] = Field(default={})
    """Risk classes by name, tried in this order: the first that fits says how many approvals, in place of `quorum`."""
    solo: SoloSection | None = None
    """For a team of one: passed checks and a cooling time, shown as no independent approval."""
    signed: bool = False
    """Whether only a decision signed with the person's own key counts; keys stand in people.yaml."""

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
            max_age=self.max_age or 0.0,
            require=tuple(want.to_domain() for want in self.require),
            risk=tuple(risk.to_domain(name) for name, risk in self.risk.items()),
            cooling=self.solo.cooling if self.solo else 0.0,
            signed=self.signed,
        )


class Checklist(Section):
    """Every item of the stage's checklist was answered by whom it is for."""

    gate: Literal["checklist"]
    """Every item of the stage's checklist was answered by whom it is for."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Soak(Section):
    """The release ran verified in the stage before for some time."""

    gate: Literal["soak"]
    """The release ran verified in the stage before for some time."""
    wait: Span = Field(alias="for")
    """For how long, without anything else being deployed there, such as 2h."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, wait=self.wait)


class Managed(Section):
    """The package is in the platform's managed form, where it has one."""

    gate: Literal["managed"]
    """The package is in the platform's managed form, where it has one."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Rehearsed(Section):
    """Exactly this upgrade, and the way back from it, were carried out in a stage before."""

    gate: Literal["rehearsed"]
    """Exactly this upgrade, and the way back from it, were carried out in a stage before."""
    max_age: Span | None = None
    """For how long a rehearsal counts, such as 30d. Without this key: for ever."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, max_age=self.max_age or 0.0)


class Dependencies(Section):
    """Every other solution it needs runs in the environment, in a version that will do."""

    gate: Literal["dependencies"]
    """Every other solution it needs runs in the environment, in a version that will do."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


class Certified(Section):
    """The solution's owner has confirmed that it is still needed."""

    gate: Literal["certified"]
    """The solution's owner has confirmed that it is still needed."""
    warn_within: Span | None = None
    """For how long before its end a certification warns, such as 14d. Without this key: 14d."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, warn=self.warn_within or 14 * 86_400.0)


class Data(Section):
    """The evidence that counts was collected on masked or synthetic data, and it is recorded on which."""

    gate: Literal["data"]
    """The evidence that counts was collected on masked or synthetic data, and it is recorded on which."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate)


def _pattern(text: str) -> str:
    wrong = pattern_fault(text)
    if wrong:
        raise fault(f"must be a pattern that is safe to try: this one {wrong}", "write it as in: CHG-[0-9]{4,8}")
    return text


class Ticket(Section):
    """The promotion goes by a change ticket."""

    gate: Literal["ticket"]
    """The promotion goes by a change ticket."""
    pattern: Annotated[Text, AfterValidator(_pattern)] | None = None
    """A regular expression that the whole ticket must match, as in CHG-[0-9]{4,8}. Without this key: any ticket."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, pattern=self.pattern or "")


def _implied(schema: dict[str, Any]) -> None:
    """Let editors ask for `any: [...]` alone; the kind of gate follows from the key."""
    schema["properties"].pop("gate", None)
    schema["required"].remove("gate")


class AnyOf(Section):
    """One of several gates is enough."""

    model_config = ConfigDict(json_schema_extra=_implied)

    gate: Literal["any"]
    """One of several gates is enough."""
    gates: list[AnyGate] = Field(alias="any", min_length=1)
    """The gates of which one is enough."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, rules=tuple(gate.to_domain() for gate in self.gates))


class AllOf(Section):
    """Several gates, all of them, as one; useful within `any`."""

    model_config = ConfigDict(json_schema_extra=_implied)

    gate: Literal["all"]
    """Several gates, all of them, as one; useful within `any`."""
    gates: list[AnyGate] = Field(alias="all", min_length=1)
    """The gates which are all needed."""

    def to_domain(self) -> GateRule:
        """Return the rule."""
        return GateRule(self.gate, rules=tuple(gate.to_domain() for gate in self.gates))


COMPOSED = ("any", "all")
"""Keys that stand for a gate made of others."""


def _composed(value: Any) -> Any:
    """Read `any: [...]` as the gate *any*, so that nobody has to write it twice."""
    if isinstance(value, dict) and "gate" not in value:
        for key in COMPOSED:
            if key in value:
                return {"gate": key, **value}
    return value


AnyGate: TypeAlias = Annotated[
    PreviousStage
    | Checks
    | Findings
    | Configuration
    | Drift
    | Lock
    | RollbackTarget
    | Approval
    | Soak
    | AnyOf
    | AllOf
    | Checklist
    | Managed
    | Rehearsed
    | Dependencies
    | Certified
    | Data
    | Ticket,
    Field(discriminator="gate"),
    BeforeValidator(_composed),
]

AnyOf.model_rebuild()
AllOf.model_rebuild()
