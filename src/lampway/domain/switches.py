"""Switches: solutions that are switched off where they are installed, without being removed, and on again."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SwitchState(StrEnum):
    """Where a switch stands."""

    TO_OFF = "to-be-off"
    """It is to be switched off as soon as nothing is deployed there."""
    OFF = "off"
    TO_ON = "to-be-on"
    OFF_BY_HAND = "off-by-hand"
    """The platform cannot do it: a platform admin switches it off, and says so."""
    ON_BY_HAND = "on-by-hand"
    ON = "on"


PENDING = (SwitchState.TO_OFF, SwitchState.TO_ON)
"""What the engine has yet to do."""
TASKS = (SwitchState.OFF_BY_HAND, SwitchState.ON_BY_HAND)
"""What a platform admin has yet to do."""
DARK = (SwitchState.TO_OFF, SwitchState.OFF, SwitchState.OFF_BY_HAND)
"""States in which it is off, or is to be."""


@dataclass(frozen=True, slots=True)
class Switch:
    """Whether a solution is switched on in one environment."""

    id: str
    """`<environment>/<solution>`."""
    environment: str
    solution: str
    state: SwitchState
    cause: str
    """Id of the question or the retirement that it follows from."""
    reason: str
    at: str
    begun: str = ""
    """When the platform was first asked to; empty: it was not."""
    note: str = ""
    """Why it is not done yet."""

    @property
    def wants_on(self) -> bool:
        """Whether it is on, or is to be."""
        return self.state not in DARK

    @property
    def words(self) -> str:
        """How it stands, for people."""
        place, note = f"{self.solution} in {self.environment}", f" ({self.note})" if self.note else ""
        match self.state:
            case SwitchState.OFF:
                return f"{place} is switched off: {self.reason}"
            case SwitchState.ON:
                return f"{place} is switched on: {self.reason}"
            case SwitchState.TO_OFF | SwitchState.TO_ON:
                return f"{place} is to be switched {'on' if self.wants_on else 'off'}: {self.reason}{note}"
            case SwitchState.OFF_BY_HAND | SwitchState.ON_BY_HAND:
                which = "on" if self.wants_on else "off"
                return f"{place} is to be switched {which} by hand: {self.reason}{note}"
