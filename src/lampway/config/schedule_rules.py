"""Schedules in governance files: when environments are looked at for drift or for their lock, and people reminded."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, Field

from lampway.config.section import Name, Section, Unique, fault
from lampway.config.spans import Span
from lampway.config.windows import Zone
from lampway.domain.schedules import DriftSchedule, Schedules

_HINT = "write minute, hour, day, month and day of the week, such as 15 6 * * mon-fri"


def _cron(text: str) -> str:
    from cronsim import CronSim, CronSimError

    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except (CronSimError, StopIteration) as error:
        raise fault(f"not a time table: {str(error).lower() or 'it never comes'}", _HINT) from None
    if len(text.split()) != 5:
        raise fault("must be five parts, minutes first", _HINT)
    return " ".join(text.split())


class DriftScheduleSection(Section):
    """When environments are looked at for drift."""

    cron: Annotated[str, AfterValidator(_cron)]
    """Minute, hour, day, month, day of the week, such as 15 6 * * mon-fri; by the clock there."""
    zone: Zone
    """The time zone of the clock, such as Europe/Berlin."""
    environments: Annotated[list[Name], Unique] | None = Field(default=None, min_length=1)
    """Where. Without this key: wherever something is installed."""

    def to_domain(self) -> DriftSchedule:
        """Return the schedule."""
        return DriftSchedule(self.cron, self.zone, tuple(self.environments or ()))


class LockScheduleSection(Section):
    """When it is looked whether makers can edit."""

    cron: Annotated[str, AfterValidator(_cron)]
    """Minute, hour, day, month, day of the week, such as 0 * * * *; by the clock there."""
    zone: Zone
    """The time zone of the clock, such as Europe/Berlin."""
    environments: Annotated[list[Name], Unique] | None = Field(default=None, min_length=1)
    """Where. Without this key: wherever makers must not edit."""

    def to_domain(self) -> DriftSchedule:
        """Return the schedule."""
        return DriftSchedule(self.cron, self.zone, tuple(self.environments or ()))


class SchedulesSection(Section):
    """What workers do by the clock."""

    drift: list[DriftScheduleSection] = Field(default=[])
    """When environments are looked at for drift."""
    lock: list[LockScheduleSection] = Field(default=[])
    """When it is looked whether makers can edit."""
    remind: Span | None = None
    """After how long, again and again, approvers are reminded of what waits for them. Without this key: never."""

    def to_domain(self) -> Schedules:
        """Return the schedules."""
        looks = tuple(one.to_domain() for one in self.lock)
        return Schedules(tuple(one.to_domain() for one in self.drift), self.remind or 0.0, lock=looks)
