"""Recertification and retirement in `lampway.yaml`: when owners are asked, what follows, and how solutions end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from lampway.config.document import Document, Path
from lampway.config.key_section import Day
from lampway.config.section import Name, Section, Unique, closest, fault
from lampway.config.spans import Span
from lampway.config.windows import Zone
from lampway.domain.recertification import (
    ACTING,
    USUAL_WAIT,
    Cadence,
    Consequence,
    RecertificationRules,
    RetirementRules,
    Rung,
)
from lampway.errors import Mistake

_DAY = 86_400.0
_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)


def _clock(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise fault("must be a time of the day", 'write it as in: "09:00"')
    return text


Clock = Annotated[str, AfterValidator(_clock), Field(json_schema_extra={"pattern": f"^{_CLOCK.pattern}$"})]


class CadenceSection(Section):
    """How often solutions of one criticality are asked about."""

    every: int = Field(ge=1, le=60)
    """Every how many months."""
    answer: Span
    """How long the owner has, such as 30d."""

    @model_validator(mode="after")
    def _leaves_time(self) -> CadenceSection:
        if self.answer < _DAY:
            raise fault("an owner needs a day at least", "write it as in: answer: 30d")
        if self.answer > self.every * 28 * _DAY:
            raise fault("the next campaign would begin before the answer is due", "let `answer` be shorter")
        return self


class RungSection(Section):
    """What follows when nobody answers."""

    then: Literal["remind", "escalate", "switch-off", "retire"]
    """Remind whoever may answer, tell others as well, switch it off, or ask for its retirement."""
    after: Span
    """How long after the answer was due, or after the rung before, such as 7d."""
    to: Annotated[list[Name], Unique] | None = Field(default=None, min_length=1)
    """Escalate: the roles that are told beside the backup owner. Without this key: platform-admin."""

    @model_validator(mode="after")
    def _tells_whom(self) -> RungSection:
        if self.to is not None and self.then != "escalate":
            raise fault("only an escalation names who is told", "take out `to`")
        return self

    def to_domain(self) -> Rung:
        """Return the rung."""
        usual = ("platform-admin",) if self.then == "escalate" else ()
        return Rung(Consequence(self.then), self.after, tuple(self.to or usual))


class ReviewSection(Section):
    """Who looks at answers before they count."""

    role: Name
    """The role that looks."""
    remind: Span | None = None
    """After how long, again and again, they are reminded. Without this key: never."""


class RecertificationSection(Section):
    """When owners are asked whether their solutions are still needed, and what follows when they do not answer."""

    starts: Day
    """The day of the first campaigns; later ones are counted from it. Where it is past, they open at once."""
    at: Clock = "09:00"
    """The time of the day at which campaigns open."""
    zone: Zone = "UTC"
    """The time zone of that clock, such as Europe/Vienna."""
    high: CadenceSection | None = None
    """How often solutions of high criticality are asked about. Without this key: never."""
    medium: CadenceSection | None = None
    """Likewise of medium criticality."""
    low: CadenceSection | None = None
    """Likewise of low criticality."""
    ladder: list[RungSection] = Field(default=[])
    """What follows, in this order, when nobody answers. Without this key: nothing but an answer that is overdue."""
    review: ReviewSection | None = None
    """Who looks at answers before they count. Without this key: they count at once."""

    @model_validator(mode="after")
    def _makes_sense(self) -> RecertificationSection:
        if not (self.high or self.medium or self.low):
            raise fault(
                "nobody is ever asked", "add `high`, `medium` or `low`, as in: medium: {every: 12, answer: 30d}"
            )
        kinds = [Consequence(rung.then) for rung in self.ladder]
        if kinds and kinds[0] in ACTING:
            hint = "begin with: {then: remind, after: 7d}"
            raise fault(f"{kinds[0]} must be announced: it cannot be the first rung", hint)
        for kind in sorted(ACTING):
            if kinds.count(kind) > 1:
                raise fault(f"{kind} is there twice", "keep one of them")
        if Consequence.RETIRE in kinds and kinds[-1] is not Consequence.RETIRE:
            raise fault("nothing follows after retire", "put it last")
        return self

    def to_domain(self) -> RecertificationRules:
        """Return the rules."""
        given = (("high", self.high), ("medium", self.medium), ("low", self.low))
        return RecertificationRules(
            starts=self.starts,
            cadences=tuple(Cadence(name, one.every, one.answer) for name, one in given if one),
            ladder=tuple(rung.to_domain() for rung in self.ladder),
            at=self.at,
            zone=self.zone,
            reviewer=self.review.role if self.review else "",
            review=(self.review.remind or 0.0) if self.review else 0.0,
        )


class RetirementSection(Section):
    """How solutions end."""

    wait: Span = Field(default=USUAL_WAIT, validate_default=False)
    """For how long a solution is switched off before it is removed, such as 30d."""

    def to_domain(self) -> RetirementRules:
        """Return the rules."""
        return RetirementRules(self.wait)


def check_recertification(strategy: Document) -> Iterator[Mistake]:
    """Yield roles that the strategy does not declare."""
    known = strategy.words("roles")
    review: Path = ("recertification", "review", "role")
    places = [(review, strategy.at(*review))]
    for rung, _ in strategy.items("recertification", "ladder"):
        places += strategy.items(*rung, "to")
    for path, role in places:
        if known is not None and isinstance(role, str) and role not in known:
            yield strategy.mistake(path, f"unknown role: {role[:80]}", closest(role, known) or "add it to roles")
