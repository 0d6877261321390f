"""What a stage may ask of people besides a plain approval: roles, risk classes, cooling, waivers, checklist."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from lampway.config.section import Name, Section, Text, Unique, fault
from lampway.config.spans import Span
from lampway.domain.duties import ChecklistItem, Required, RiskClass

DataClass: TypeAlias = Literal["public", "internal", "confidential", "restricted"]
"""How sensitive data is, the least sensitive first."""


class RequireSection(Section):
    """A role that must be among those who approve."""

    role: Name
    """The role; declared in lampway.yaml."""
    count: int = Field(default=1, ge=1)
    """How many different people who hold it."""

    def to_domain(self) -> Required:
        """Return what is required."""
        return Required(self.role, self.count)


class WhenSection(Section):
    """The facts that make a release belong to a risk class; all that are given must hold."""

    criticality: Annotated[list[Literal["low", "medium", "high"]], Unique, Field(min_length=1)] | None = None
    """What the owner says about the solution: any of these."""
    reversibility: (
        Annotated[list[Literal["reversible", "data-step", "forward-only"]], Unique, Field(min_length=1)] | None
    ) = None
    """Whether the change can be taken back: any of these."""
    touches_at_most: int | None = Field(default=None, ge=0)
    """How many components it adds, removes and changes, together, since what runs in the environment."""
    removes_at_most: int | None = Field(default=None, ge=0)
    """How many components it removes."""
    needs_at_most: int | None = Field(default=None, ge=0)
    """How many variables and connections it asks for that were not asked for before."""
    data_class: Annotated[list[DataClass], Unique, Field(min_length=1)] | None = None
    """How sensitive the owner says the data is that the solution handles: any of these."""

    @model_validator(mode="after")
    def _says_something(self) -> WhenSection:
        if not self.model_fields_set:
            raise fault("a risk class without facts would fit every release", "add `criticality` or `touches_at_most`")
        return self


class RiskSection(Section):
    """A risk class: facts, and how many approvals a release with these facts needs."""

    when: WhenSection
    """The facts; all that are given must hold."""
    approvals: int = Field(ge=0)
    """How many different people must approve, in place of `quorum`; 0: none, on passed checks alone."""

    def to_domain(self, name: str) -> RiskClass:
        """Return the risk class."""
        when = self.when
        return RiskClass(
            name,
            self.approvals,
            tuple(when.criticality or ()),
            tuple(when.reversibility or ()),
            when.touches_at_most,
            when.removes_at_most,
            when.needs_at_most,
            data_class=tuple(when.data_class or ()),
        )


class SoloSection(Section):
    """What stands in for a second person in a team of one."""

    cooling: Span
    """How long after sealing it may go on without anybody else, as in 1h; shown as no independent approval."""


class WaiversSection(Section):
    """Who may accept exceptions at a stage."""

    roles: Annotated[list[Name], Unique] = Field(min_length=1)
    """Whoever holds one of these roles may waive a gate, for a reason and until a day; never the approval."""


class ChecklistSection(Section):
    """Something to be answered before a release enters the stage."""

    item: Name
    """Its short name: `lampway checklist ... --answer <item>=yes`."""
    text: Text
    """What is asked, in words."""
    by: Literal["evidence", "maker", "release-manager", "approver"]
    """Whose part it is to answer."""
    gate: Name | None = None
    """For evidence: the gate of this stage whose state is the answer."""

    @model_validator(mode="after")
    def _names_its_evidence(self) -> ChecklistSection:
        if self.by == "evidence" and not self.gate:
            raise fault("an item that evidence answers needs the gate that is its evidence", "add `gate: checks`")
        if self.by != "evidence" and self.gate:
            raise fault("only an item that evidence answers has a gate", "write `by: evidence`, or take `gate` out")
        return self

    def to_domain(self) -> ChecklistItem:
        """Return the item."""
        return ChecklistItem(self.item, self.text, self.by, self.gate or "")
