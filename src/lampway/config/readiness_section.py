"""What a team makes of the readiness checklist: items of its own, and items that are not theirs."""

from __future__ import annotations

from pydantic import Field, model_validator

from lampway.config.section import Name, Section, Text, closest, fault
from lampway.domain.gates import GATE_KINDS
from lampway.domain.readiness import DEFAULT_ITEMS, LEVELS, NotOurs, ReadinessItem, ReadinessRules


class OwnItemSection(Section):
    """An item of the team's own."""

    item: Name
    """Its short name: `lampway readiness --answer <item>=yes`."""
    text: Text
    """What should hold, in words."""
    area: Text = "our own"
    """The area that it is scored with."""
    level: int = Field(default=2, ge=1, le=len(LEVELS) - 1)
    """The maturity level that it is part of, from 1."""
    by: Name | None = None
    """The role that answers it. Without this key: platform-admin, release-manager or solution-owner."""
    gate: Name | None = None
    """The gate that every stage of the last tier must have; then nobody needs to answer."""

    @model_validator(mode="after")
    def _has_one_source(self) -> OwnItemSection:
        if self.by is not None and self.gate is not None:
            raise fault("an item is answered either by a gate or by a role, not both", "keep one of `by` and `gate`")
        if self.gate is not None and self.gate not in GATE_KINDS:
            raise fault(f"unknown gate: {self.gate}", closest(self.gate, sorted(GATE_KINDS)))
        return self

    def to_domain(self) -> ReadinessItem:
        """Return the item."""
        return ReadinessItem(self.item, self.text, self.area, self.level, by=self.by or "", gate=self.gate or "")


class NotOursSection(Section):
    """An item that the team takes out."""

    item: Name
    """Which one."""
    reason: Text
    """Why it is not theirs; shown wherever the checklist is."""


class ReadinessSection(Section):
    """What the team makes of the readiness checklist."""

    items: list[OwnItemSection] = Field(default=[])
    """Items of the team's own, after the default ones."""
    not_ours: list[NotOursSection] = Field(default=[])
    """Items that are not theirs, each with a reason."""

    @model_validator(mode="after")
    def _names_each_once(self) -> ReadinessSection:
        known = [*(item.item for item in DEFAULT_ITEMS), *(item.item for item in self.items)]
        twice = next((name for name in known if known.count(name) > 1), None)
        if twice:
            raise fault(f"item given twice: {twice}", "give each item its own name")
        out = [entry.item for entry in self.not_ours]
        strange = next((name for name in out if name not in known), None)
        if strange:
            raise fault(f"no such item: {strange}", f"there is: {', '.join(known)}")
        if len(set(out)) < len(out):
            raise fault("an item is taken out twice", "keep one of them")
        return self

    def to_domain(self) -> ReadinessRules:
        """Return the rules."""
        not_ours = tuple(NotOurs(entry.item, entry.reason) for entry in self.not_ours)
        return ReadinessRules(tuple(item.to_domain() for item in self.items), not_ours)
