"""Schedules as a strategy declares them: when environments are looked at for drift, when people are reminded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DriftSchedule:
    """When environments are looked at for drift, or at their lock."""

    cron: str
    """Minute, hour, day, month, day of the week: by the clock on the wall of its zone."""
    zone: str = "UTC"
    """As in Europe/Berlin."""
    environments: tuple[str, ...] = ()
    """Where; empty means every environment in which there is something to look at."""

    @property
    def words(self) -> str:
        """The schedule for people."""
        return f"{', '.join(self.environments) or 'every environment'} at {self.cron} {self.zone}"


@dataclass(frozen=True, slots=True)
class Schedules:
    """What workers do by the clock."""

    drift: tuple[DriftSchedule, ...] = ()
    remind: float = 0.0
    """Seconds after which whoever may approve is reminded of a promotion, again and again; 0 for never."""
    lock: tuple[DriftSchedule, ...] = ()
    """When it is looked whether makers can edit; where no environment is named, wherever they must not."""
