"""Lock and label of a tier in lampway.yaml: how long its environments may be opened, and what people see there."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field, field_validator

from lampway.config.section import Section, fault
from lampway.config.spans import Span
from lampway.domain.unlocking import LONGEST, UnlockRule

_MOST = 80


def _label(text: str) -> str:
    if not text.strip() or len(text) > _MOST or not text.isprintable():
        raise fault(f"must be one line of 1 to {_MOST} characters", "write it as in: PROD, locked: use lampway")
    return text.strip()


Label: TypeAlias = Annotated[
    str, AfterValidator(_label), Field(json_schema_extra={"minLength": 1, "maxLength": _MOST, "pattern": r"\S"})
]
"""A text that fits at the top of an editor."""


class UnlockSection(Section):
    """How environments of a tier may be opened to makers for a while."""

    longest: Span
    """For how long at most, such as 4h; a day is the most that can be declared."""
    alone: bool = True
    """Whether one person may, with somebody else's review within 24 hours; else a second person confirms it before."""

    @field_validator("longest")
    @classmethod
    def _is_a_while(cls, span: float) -> float:
        if span > LONGEST:
            raise fault("nothing is unlocked for more than a day", "write it as in: 4h")
        return span

    def to_domain(self) -> UnlockRule:
        """Return the rule."""
        return UnlockRule(self.longest, self.alone)
