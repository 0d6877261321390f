"""Auditing: does the ledger, and everything that hangs on it, still say what was written?"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lampway.domain.checkpoint import TAG, Checkpoint, parse_checkpoint
from lampway.domain.events import Actor, EvidenceRecorded, PackagesRemoved, ReleaseSealed
from lampway.engine.context import Engine, Request
from lampway.engine.describe import describe, name_subjects
from lampway.engine.store import Chain, Damage
from lampway.errors import StorageError, UsageError


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an audit found."""

    events: int
    packages: int
    head: str
    """Hash of the newest row: note it elsewhere to prove later that nothing was cut off."""
    damage: tuple[Damage, ...]
    last: int = 0
    """Number of the newest row."""
    checkpoints: int = 0
    """How many statements kept outside were compared."""
    covered: int = 0
    """The newest row that one of them speaks of: nobody can have rewritten anything up to it."""
    whole: bool = True
    """Whether records and packages were looked at too."""


@dataclass(frozen=True, slots=True)
class Audit(Request[Verdict]):
    """Verify the ledger, the records and the packages."""

    chain_only: bool = False
    """Leave out records and packages."""
    checkpoints: tuple[tuple[str, str], ...] = ()
    """Where each was read, and its statement; those in git tags are found by themselves."""


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


_ROUTINE = frozenset(
    {"step-started", "step-running", "step-finished", "installed", "environment-observed", "lock-observed"}
) | {"attestation-recorded"}


def audit(engine: Engine, request: Audit, actor: Actor) -> Verdict:
    """Recompute the chain, compare it with the checkpoints, then records and every package's digest. Changes nothing.

    Raises UsageError for a checkpoint that is none.
    """
    del actor
    given = [(f"checkpoint {where}", parse_checkpoint(text, where)) for where, text in request.checkpoints]
    tagged, damage = _tagged(engine)
    known = [*given, *tagged]
    chain = engine.store.verify({checkpoint.seq for _, checkpoint in known})
    damage += [*chain.damage, *_missed(chain, known)]
    packages = 0
    if not request.chain_only:
        damage += () if chain.damage else engine.store.compare()
        packages = _packages(engine, damage)
    return Verdict(
        events=chain.events,
        packages=packages,
        head=chain.head,
        damage=tuple(damage),
        last=chain.last,
        checkpoints=len(known),
        covered=max((c.seq for _, c in known), default=0),
        whole=not request.chain_only,
    )


def _tagged(engine: Engine) -> tuple[list[tuple[str, Checkpoint]], list[Damage]]:
    """Return the checkpoints in the repository's tags, and the tags that carry none."""
    found, damage = [], []
    for tag, message in engine.source.tagged(TAG).items():
        try:
            checkpoint = parse_checkpoint(message, tag)
        except UsageError as error:
            damage.append(Damage(f"tag {tag}", error.message))
            continue
        if checkpoint.tag == tag:
            found.append((f"tag {tag}", checkpoint))
        else:
            damage.append(Damage(f"tag {tag}", f"speaks of row {checkpoint.seq}"))
    return found, damage


def _missed(chain: Chain, known: Iterable[tuple[str, Checkpoint]]) -> Iterator[Damage]:
    """Yield what the ledger no longer says though a checkpoint does."""
    for place, checkpoint in known:
        here = chain.hashes.get(checkpoint.seq)
        if here is None:
            yield Damage(place, f"row {checkpoint.seq} is gone: the ledger ends at row {chain.last}")
        elif here != checkpoint.hash:
            said = f"row {checkpoint.seq} is not what it was at {checkpoint.at}"
            yield Damage(place, f"{said}: rewritten there or before")


def _packages(engine: Engine, damage: list[Damage]) -> int:
    """Read every package that a release names, add what is wrong to `damage`, and return how many there are."""
    packages: set[str] = set()
    try:
        for recorded in engine.store.events(kinds=(ReleaseSealed.kind, EvidenceRecorded.kind, PackagesRemoved.kind)):
            if isinstance(recorded.event, ReleaseSealed):
                packages |= {p.digest for p in recorded.event.release.packages}
            if isinstance(recorded.event, EvidenceRecorded):
                packages |= set(recorded.event.evidence.kept)
            if isinstance(recorded.event, PackagesRemoved):
                packages -= set(recorded.event.digests)
    except StorageError as error:
        if not damage:
            damage.append(Damage(error.where or "ledger", error.message))
    for digest in sorted(packages):
        try:
            engine.packages.get(digest)
        except StorageError as error:
            damage.append(Damage(f"package {digest}", error.message))
    return len(packages)


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
