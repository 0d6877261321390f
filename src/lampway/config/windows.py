"""Windows and freezes in governance files."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from lampway.config.section import Name, Section, Text, Unique, fault
from lampway.domain.moments import DAYS, is_zone, read_moment
from lampway.domain.windows import Freeze, Window, parse_clock

_DAY = "mon|tue|wed|thu|fri|sat|sun"
_DAYS = re.compile(rf"({_DAY})(?:-({_DAY}))?")


def _days(value: object) -> str:
    found = _DAYS.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise fault("must be a day or a run of days", "write mon, or mon-fri")
    return found[0]


def _clock(value: object) -> str:
    shown = parse_clock(value) if isinstance(value, str) else None
    if shown is None:
        raise fault("must be a time of day", 'write hours and minutes in quotes, such as "08:00"')
    return shown


def _zone(value: object) -> str:
    if not isinstance(value, str) or not is_zone(value):
        raise fault("must be a time zone", "write it as the time zone database does, such as Europe/Berlin or UTC")
    return value


def spread(days: list[str]) -> tuple[str, ...]:
    """Return every day that is meant; a run may go over the end of the week. What is no day is passed over."""
    found: list[str] = []
    for text in (day for day in days if _DAYS.fullmatch(day)):
        first, _, last = text.partition("-")
        place = DAYS.index(first)
        count = (DAYS.index(last or first) - place) % 7 + 1
        found += [DAYS[(place + step) % 7] for step in range(count)]
    return tuple(day for day in DAYS if day in found)


DayRun: TypeAlias = Annotated[
    str, BeforeValidator(_days), WithJsonSchema({"type": "string", "pattern": f"^({_DAY})(-({_DAY}))?$"})
]
ClockTime: TypeAlias = Annotated[
    str,
    BeforeValidator(_clock),
    WithJsonSchema({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}),
]
Zone: TypeAlias = Annotated[str, BeforeValidator(_zone), WithJsonSchema({"type": "string", "minLength": 1})]


class WindowSection(Section):
    """When deployments may start."""

    days: Annotated[list[DayRun], Unique] = Field(min_length=1)
    """The days on which it opens: mon, or mon-fri."""
    opens: ClockTime = Field(alias="from")
    """When it opens, as the clock there shows, such as "08:00"."""
    closes: ClockTime = Field(alias="to")
    """When it closes; not after `from` means on the day after, "24:00" the end of the day."""
    zone: Zone
    """The time zone of the clock, such as Europe/Berlin."""

    @model_validator(mode="after")
    def _is_open_at_all(self) -> WindowSection:
        if self.opens == "24:00":
            raise fault("a window cannot open at 24:00", 'write "00:00", and the day after')
        if self.opens == self.closes:
            hint = 'for the whole day write from "00:00" to "24:00"'
            raise fault("a window opens and closes at the same time", hint)
        return self

    def to_domain(self) -> Window:
        """Return the window."""
        return Window(spread(self.days), self.opens, self.closes, self.zone)


class FreezeSection(Section):
    """When deployments may not start."""

    start: Text = Field(alias="from")
    """The first day, or the moment, as in 2026-12-19 or 2026-12-19T18:00."""
    until: Text
    """The last day, which is frozen too, or the moment it ends."""
    reason: Text
    """Why, for whoever has to wait."""
    environments: Annotated[list[Name], Unique] | None = Field(default=None, min_length=1)
    """Where. Without this key: everywhere."""
    zone: Zone = "UTC"
    """The time zone that its days and times are meant in."""

    @model_validator(mode="after")
    def _ends_after_it_begins(self) -> FreezeSection:
        start = read_moment(self.start, self.zone)
        end = read_moment(self.until, self.zone, is_end=True)
        if start is None or end is None:
            wrong = self.start if start is None else self.until
            raise fault(f"not a date: {wrong[:40]}", "write it as in 2026-12-19 or 2026-12-19T18:00")
        if end <= start:
            raise fault("a freeze ends before it begins", "let `until` come after `from`")
        return self

    def to_domain(self) -> Freeze:
        """Return the freeze, its days as moments."""
        start = read_moment(self.start, self.zone)
        end = read_moment(self.until, self.zone, is_end=True)
        assert start is not None  # noqa: S101 - judged above
        assert end is not None  # noqa: S101 - judged above
        return Freeze(start.isoformat(), end.isoformat(), self.reason, tuple(self.environments or ()), self.zone)
