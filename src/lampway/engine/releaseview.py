"""A release whole: what is in it, how it was made, where it went, and what is signed about it. Reading only."""

from __future__ import annotations

from dataclasses import dataclass

from lampway.domain import attestation as a
from lampway.domain.deployment import Evidence, Installation
from lampway.domain.events import Actor
from lampway.domain.promotion import Promotion
from lampway.domain.release import Release
from lampway.domain.stops import Veto
from lampway.engine.context import Engine, Request, find_release, rules_in_force


@dataclass(frozen=True, slots=True)
class SignedLine:
    """A signed statement about a release, as a line of a list."""

    id: str
    """Digest of its envelope."""
    what: str
    """In words."""
    predicate: str
    signer: str
    """Id of a person; `lampway` for the engine."""
    environment: str
    key: str
    """The public key that signed it."""


@dataclass(frozen=True, slots=True)
class ReleaseView:
    """A release, and everything that the records say about it."""

    release: Release
    digest: str
    where: tuple[str, ...]
    """Environments in which it runs now."""
    makers: tuple[str, ...]
    """By name, where they are known."""
    statements: tuple[SignedLine, ...]
    evidence: tuple[Evidence, ...]
    """What checks told about it, oldest first."""
    promotions: tuple[Promotion, ...]
    """Everything that was asked with it, newest first."""
    vetoes: tuple[str, ...]
    """Where it may never enter again, and why."""


@dataclass(frozen=True, slots=True)
class ShowRelease(Request[ReleaseView]):
    """Look at one release: inventory, findings, provenance, and what is signed about it."""

    release: str
    """`solution@version`, or `solution` for its newest release."""


def show_release(engine: Engine, request: ShowRelease, actor: Actor) -> ReleaseView:
    """Return a release with what is recorded about it. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        release = find_release(reading, request.release)
        digest, name = release.digest, release.solution
        strategy = rules_in_force(reading).strategy
        here = reading.find(Installation, solution=name)
        signed = reading.find(a.Attestation, solution=name)
        evidence = reading.find(Evidence, solution=name)
        asked = reading.find(Promotion, solution=name, newest_first=True)
        vetoes = [v for v in reading.find(Veto) if v.release == digest]
    people = {p.id: p.name for p in strategy.people}
    return ReleaseView(
        release=release,
        digest=digest,
        where=tuple(i.environment for i in here if i.release == digest),
        makers=tuple(people.get(maker, maker) for maker in release.makers),
        statements=tuple(_line(s) for s in signed if s.release == digest),
        evidence=tuple(e for e in evidence if e.release == digest),
        promotions=tuple(p for p in asked if p.bound.release == digest),
        vetoes=tuple(f"{v.environment}: {v.reason}" for v in vetoes),
    )


def _line(signed: a.Attestation) -> SignedLine:
    return SignedLine(
        id=signed.id,
        what=a.WORDS.get(signed.predicate, signed.predicate),
        predicate=signed.predicate,
        signer=signed.signer,
        environment=signed.environment,
        key=signed.key,
    )
