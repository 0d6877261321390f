"""What the ledger says is in the package store, and what each of it is."""

from __future__ import annotations

from collections.abc import Iterable

from lampway.domain.events import (
    Event,
    EvidenceRecorded,
    PackagesRemoved,
    Recorded,
    ReleaseSealed,
    RetirementBegun,
    StepFinished,
)


def named(event: Event) -> tuple[tuple[str, str], ...]:
    """Return the digests that an event says are kept, each with what it is."""
    match event:
        case ReleaseSealed(release=release):
            return tuple((p.digest, f"package of {release.name}") for p in release.packages)
        case EvidenceRecorded(evidence=e):
            said = f"evidence {e.id} of {e.solution}@{e.version} in {e.environment}"
            return tuple((digest, said) for digest in e.kept)
        case StepFinished(detail={"kept": str(digest)}) if digest:
            return ((digest, f"what ran before deployment {event.deployment}"),)
        case RetirementBegun(archive=archive):
            return tuple((digest, f"what is kept of retirement {event.retirement}") for digest in archive)
        case _:
            return ()


def forgotten(event: Event) -> tuple[str, ...]:
    """Return the digests that an event says are kept no more."""
    return event.digests if isinstance(event, PackagesRemoved) else ()


NAMING = (ReleaseSealed.kind, EvidenceRecorded.kind, StepFinished.kind, PackagesRemoved.kind, RetirementBegun.kind)
"""Kinds of events that tell what is in the package store."""


def kept(events: Iterable[Recorded]) -> dict[str, str]:
    """Return what should be in the package store, by digest, with what first named it."""
    found: dict[str, str] = {}
    for recorded in events:
        for digest, what in named(recorded.event):
            found.setdefault(digest, what)
        for digest in forgotten(recorded.event):
            found.pop(digest, None)
    return found
