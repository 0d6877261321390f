"""Revocation: a key or a person stops counting at once, ahead of the next people.yaml."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lampway.domain.strategy import Person, Strategy

WHY = ("lost", "rotated", "left")
"""A key was lost or replaced; the person left."""
REVOKERS = ("platform-admin", "release-manager")
"""Roles whose holders may say it of somebody else."""


@dataclass(frozen=True, slots=True)
class Revocation:
    """From a moment on, nothing counts that is decided with this key, or by this person."""

    id: str
    person: str
    """Id in people.yaml."""
    key: str
    """The public key; empty where the person left, with every key."""
    since: str
    """ISO time (UTC), inclusive. It may lie in the past: what was decided since then stops counting."""
    why: str
    """lost, rotated or left."""
    reason: str
    by: str
    at: str

    @property
    def words(self) -> str:
        """What it is about, for people."""
        return f"a key of {self.person} ({self.why})" if self.key else f"{self.person} (left)"


def without_revoked(strategy: Strategy, revocations: Iterable[Revocation]) -> Strategy:
    """Return the strategy in which revoked keys and people end where they were revoked.

    A key never comes back. A person does when people.yaml lets them begin (`from`) on a later day.
    """
    people = {person.id: person for person in strategy.people}
    for found in revocations:
        person = people.get(found.person)
        if person is not None:
            people[person.id] = _ended(person, found) if found.key else _gone(person, found.since)
    return replace(strategy, people=tuple(people.values()))


def _ended(person: Person, found: Revocation) -> Person:
    keys = (replace(k, revoked=_earlier(k.revoked, found.since)) if k.key == found.key else k for k in person.keys)
    return replace(person, keys=tuple(keys))


def _gone(person: Person, since: str) -> Person:
    returned = person.since > since[:10]
    return person if returned else replace(person, left=_earlier(person.left, since))


def _earlier(known: str, found: str) -> str:
    return min(known, found) if known else found
