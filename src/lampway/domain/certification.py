"""Certifications: an owner's word that a solution is still needed, for a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lampway.domain.moments import is_before, shown
from lampway.domain.strategy import Solution


@dataclass(frozen=True, slots=True)
class Certification:
    """The record that an owner confirmed it; recertifying makes a new one."""

    id: str
    solution: str
    by: str
    """Id of a person."""
    role: str
    """`owner` or `backup-owner`, as the rules in force had it."""
    at: str
    until: str
    """The moment from which it holds no more."""
    reason: str = ""
    authenticated: bool = False
    """Whether the person was proved to be who they say."""

    def holds(self, now: str) -> bool:
        """Return whether it has not ended by now. A moment that nobody knows is never within it."""
        return is_before(now, self.until)

    def words(self, now: str) -> str:
        """Return how it stands, for people."""
        if self.holds(now):
            return f"{self.solution} is certified as still needed until {shown(self.until)}, by {self.by}"
        return f"the certification of {self.solution} ended {shown(self.until)}: lampway recertify {self.solution}"


def newest(certifications: Sequence[Certification], solution: str) -> Certification | None:
    """Return the certification of a solution that was given last, of these, oldest first. A new one replaces all."""
    return next((c for c in reversed(certifications) if c.solution == solution), None)


def role_of(solution: Solution, person: str) -> str:
    """Return as what this person may certify the solution; empty when they may not."""
    roles = {solution.backup_owner: "backup-owner", solution.owner: "owner"}
    return roles.get(person, "") if person else ""
