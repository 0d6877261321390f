"""Schedules as a strategy declares them: when environments are looked at for drift, when people are reminded."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DriftSchedule:
    """When environments are looked at for drift."""

    cron: str
    """Minute, hour, day, month, day of the week: by the clock on the wall of its zone."""
    zone: str = "UTC"
    """As in Europe/Berlin."""
    environments: tuple[str, ...] = ()
    """Where; empty means every environment in which something is installed."""

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
