"""Quorum: whose voice counts for an approval, and when there are enough different people.

A delegation lets one person speak for another between two moments. Whoever speaks, and whoever is spoken for, is in at
most one voice: nobody counts twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lampway.domain.duties import Required
from lampway.domain.moments import is_before
from lampway.domain.promotion import Decision
from lampway.domain.strategy import Person


@dataclass(frozen=True, slots=True)
class Delegation:
    """Somebody lets another person approve in their place for a while. It is never passed on."""

    id: str
    by: str
    """Id of the person whose voice is given."""
    to: str
    """Id of the person who may speak for them."""
    start: str
    until: str
    reason: str
    at: str
    """When it was given: it holds for nothing that was decided before."""
    authenticated: bool = False
    """Whether who gave it was proved to be who they say."""
    ended_at: str = ""
    """When it was taken back, if it was."""
    key: str = ""
    """The public key it was signed with; empty where it was not signed."""
    attestation: str = ""
    """Digest of the envelope that was signed: theirs, or without a key the engine's, of who was signed in."""

    def holds(self, at: str) -> bool:
        """Return whether it held at this moment."""
        given = not is_before(at, self.start) and not is_before(at, self.at) and is_before(at, self.until)
        return given and not (self.ended_at and not is_before(at, self.ended_at))


@dataclass(frozen=True, slots=True)
class Voice:
    """One voice that counts: who spoke, and for whom."""

    speaker: Person
    principal: Person
    """The person whose right it is; the speaker's own where they spoke for themselves."""

    def __str__(self) -> str:
        """Return `ana`, or `ben for cleo`."""
        return voice_name(self.speaker.id, "" if self.speaker == self.principal else self.principal.id)


def voice_name(by: str, on_behalf_of: str) -> str:
    """Return who spoke and for whom, as records and screens say it."""
    return f"{by} for {on_behalf_of}" if on_behalf_of else by


def count_voices(decisions: Iterable[Decision], voice_of: Callable[[Decision], Voice | None]) -> tuple[Voice, ...]:
    """Return the voices that count, in the order in which they were given; each person is in at most one."""
    used: set[str] = set()
    counted = []
    for decision in decisions:
        voice = voice_of(decision) if decision.approved else None
        if voice is None or used & {voice.speaker.id, voice.principal.id}:
            continue
        used |= {voice.speaker.id, voice.principal.id}
        counted.append(voice)
    return tuple(counted)


def unmet_roles(required: Sequence[Required], people: Sequence[Person]) -> tuple[str, ...]:
    """Return the roles that nobody is left for when each of these people stands for one required role at most."""
    seats = [want.role for want in required for _ in range(want.count)]
    taken: dict[int, int] = {}

    def seat_for(seat: int, tried: set[int]) -> bool:
        for number, person in enumerate(people):
            if seats[seat] in person.roles and number not in tried:
                tried.add(number)
                if number not in taken or seat_for(taken[number], tried):
                    taken[number] = seat
                    return True
        return False

    return tuple(role for seat, role in enumerate(seats) if not seat_for(seat, set()))
