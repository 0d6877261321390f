"""A dossier: an evidence file whose seal holds, taken apart for those who look at it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from lampway.domain import events
from lampway.domain.attestation import Attestation, Statement, read_statement
from lampway.domain.checkpoint import Checkpoint
from lampway.domain.deployment import Deployment
from lampway.domain.events import Event, Recorded
from lampway.domain.evidence import Content, Row
from lampway.domain.promotion import Promotion
from lampway.domain.release import Release
from lampway.domain.strategy import Person
from lampway.engine.ports import Signing
from lampway.errors import UsageError

E = TypeVar("E", bound=Event)
LEEWAY = timedelta(seconds=60)
"""How far apart the engine's own clock readings for one fact may lie."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One thing that was looked at."""

    check: str
    holds: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Tools:
    """What verifying needs from outside: how to read a row, and how to look at a signature."""

    decode: Callable[[Row], Recorded]
    signing: Signing


@dataclass(frozen=True, slots=True)
class Trusted:
    """What the auditor brings along."""

    people: tuple[Person, ...]
    """Whose keys may have signed what, from a people.yaml the auditor trusts."""
    engine_key: str = ""
    """The engine's public key, known from elsewhere; empty to take the file's word for it."""
    package: bytes | None = None
    """The package in hand, to be compared with the one that the evidence is about."""
    checkpoints: tuple[Checkpoint, ...] = ()
    """Checkpoints that were published outside."""


@dataclass(frozen=True, slots=True)
class Dossier:
    """An evidence file whose seal and rows hold, taken apart."""

    content: Content
    told: tuple[Recorded, ...]
    trusted: Trusted
    tools: Tools
    release: Release
    engine_keys: dict[str, int] = field(default_factory=dict)
    """Public key to the row that first spoke of it."""

    def all(self, kind: type[E]) -> list[tuple[Recorded, E]]:
        """Return every event of a kind, with its row."""
        return [(r, r.event) for r in self.told if isinstance(r.event, kind)]

    def rules_at(self, seq: int) -> events.StrategyApplied | None:
        """Return the rules that were in force just before a row."""
        return next((e for r, e in reversed(self.all(events.StrategyApplied)) if r.seq < seq), None)

    def promotions(self) -> dict[str, Promotion]:
        """Return every promotion as it was asked for, by id."""
        return {e.promotion.id: e.promotion for _, e in self.all(events.PromotionRequested)}

    def statements(self, kind: str, about: str = "") -> list[tuple[Recorded, Attestation, Statement]]:
        """Return the signed statements of a kind, about one thing or about anything."""
        found = []
        for row, event in self.all(events.AttestationRecorded):
            one = event.attestation
            if one.predicate == kind and about in ("", one.about):
                found.append((row, one, self.statement(one)))
        return found

    def statement(self, one: Attestation) -> Statement:
        """Return what an attestation says."""
        return read_statement(self.tools.signing.open(one.envelope).payload)

    def is_ours(self, solution: str, version: str) -> bool:
        """Return whether this is the release that the file is about."""
        return (solution, version) == (self.release.solution, self.release.version)

    def started(self) -> list[tuple[Recorded, Deployment, Promotion]]:
        """Return every deployment of the release, with the promotion it carries out. Raises UsageError."""
        asked, found = self.promotions(), []
        for row, event in self.all(events.DeploymentStarted):
            done = event.deployment
            if not self.is_ours(done.solution, done.version) or not done.release:
                continue
            if done.promotion not in asked:
                raise UsageError(f"deployment {done.id} carries out what nobody asked for")
            found.append((row, done, asked[done.promotion]))
        return found


def take_apart(content: Content, trusted: Trusted, tools: Tools) -> Dossier:
    """Return the file taken apart, once it is about exactly one release. Raises UsageError, StorageError."""
    told = tuple(tools.decode(row) for row in content.rows)
    sealed = [
        r.event.release
        for r in told
        if isinstance(r.event, events.ReleaseSealed) and r.event.digest == content.head.release
    ]
    if len(sealed) != 1:
        raise UsageError("the release that it is about is not in it")
    keys: dict[str, int] = {}
    for recorded in told:
        if isinstance(recorded.event, events.EngineKeyRecorded):
            keys.setdefault(recorded.event.key, recorded.seq)
    return Dossier(content, told, trusted, tools, sealed[0], keys)


def apart(one: str, other: str) -> timedelta:
    """Return how far two moments lie from each other."""
    return abs(datetime.fromisoformat(one) - datetime.fromisoformat(other))
