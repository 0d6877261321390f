"""Auditing: does the ledger, and everything that hangs on it, still say what was written?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lampway.domain.events import Actor, ReleaseSealed
from lampway.engine.context import Engine, Request
from lampway.engine.describe import describe, name_subjects
from lampway.engine.store import Damage
from lampway.errors import StorageError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found."""

    events: int
    packages: int
    head: str
    """Hash of the newest row: note it elsewhere to prove later that nothing was cut off."""
    damage: tuple[Damage, ...]


@dataclass(frozen=True, slots=True)
class Audit(Request[Verdict]):
    """Verify the ledger, the records and the packages."""


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event, for people."""

    seq: int
    at: str
    who: str
    authenticated: bool
    kind: str
    what: str


@dataclass(frozen=True, slots=True)
class History(Request[tuple[HistoryLine, ...]]):
    """Read the ledger."""

    solution: str = ""
    limit: int = 50
    everything: bool = False
    """Also each step of a deployment, and each look that found nothing new."""


_ROUTINE = frozenset({"step-started", "step-finished", "installed", "environment-observed", "lock-observed"}) | {
    "attestation-recorded"
}


def audit(engine: Engine, request: Audit, actor: Actor) -> Verdict:
    """Recompute the chain, the records and every package's digest. Changes nothing."""
    del request, actor
    damage = list(engine.store.audit())
    events, head = 0, ""
    packages: set[str] = set()
    try:
        for recorded in engine.store.events():
            events, head = events + 1, recorded.hash
            if isinstance(recorded.event, ReleaseSealed):
                packages |= {p.digest for p in recorded.event.release.packages}
    except StorageError as error:
        if not damage:
            damage.append(Damage(error.where or "ledger", error.message))
    for digest in sorted(packages):
        try:
            engine.packages.get(digest)
        except StorageError as error:
            damage.append(Damage(f"package {digest}", error.message))
    return Verdict(events, len(packages), head, tuple(damage))


def history(engine: Engine, request: History, actor: Actor) -> tuple[HistoryLine, ...]:
    """Return the newest events, oldest of them first."""
    del actor
    lines = []
    names: dict[str, str] = {}
    for recorded in engine.store.events():
        name_subjects(recorded.event, names)
        if recorded.event.kind in _ROUTINE and not request.everything:
            continue
        what = describe(recorded.event, names)
        if request.solution and not re.search(rf"(?<![\w-]){re.escape(request.solution)}(?![\w-])", what):
            continue
        who = recorded.actor
        lines.append(HistoryLine(recorded.seq, recorded.at, who.person, who.authenticated, recorded.event.kind, what))
    return tuple(lines[-request.limit :])
