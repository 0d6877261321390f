"""Exporting evidence: one file with everything an auditor needs about a release, to be verified without us."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass

from lampway.domain.attestation import sealing
from lampway.domain.digest import EMPTY, digest_bytes
from lampway.domain.events import Actor
from lampway.domain.evidence import FORMAT, Head, write_content
from lampway.domain.release import Release
from lampway.engine.chosen import Choice
from lampway.engine.context import Engine, Request, find_release
from lampway.engine.describe import describe, name_subjects


@dataclass(frozen=True, slots=True)
class Exported:
    """An evidence file."""

    name: str
    """What to call it."""
    content: str
    rows: int


@dataclass(frozen=True, slots=True)
class ExportEvidence(Request[Exported]):
    """Put everything about one release into one file."""

    release: str
    """`solution@version`, or `solution` for its newest release."""


def export_evidence(engine: Engine, request: ExportEvidence, actor: Actor) -> Exported:
    """Return the file, sealed with the engine's key. Changes nothing in the ledger. Raises NotFoundError."""
    del actor
    with engine.store.reading() as reading:
        release = find_release(reading, request.release)
    choice = Choice(release)
    with closing(engine.store.stored()) as stored:
        rows = list(choice.choose(stored))
    last = choice.last
    head = Head(
        FORMAT,
        release.solution,
        release.version,
        release.digest,
        engine.now(),
        last.seq if last else 0,
        last.hash if last else EMPTY,
    )
    covered = write_content(_page(engine, release, head, {row.seq for row in rows}), head, rows)
    statement = sealing(release.solution, release.version, digest_bytes(covered), (head.row, head.hash))
    seal = engine.signing.sign(statement.payload())
    name = f"{release.solution}-{release.version}.evidence"
    return Exported(name, covered.decode() + seal + "\n", len(rows))


def _page(engine: Engine, release: Release, head: Head, chosen: set[int]) -> list[str]:
    """Return what a person reads first."""
    lines = [
        f"release: {release.digest}",
        f"package: {release.package.digest} ({release.package.platform})",
        f"makers: {', '.join(release.makers) or 'nobody'}" + ("; editors unknown" if release.editors_unknown else ""),
        f"sealed: {release.sealed_at} by {release.sealed_by}, source commit {release.commit or 'none'}",
        f"ledger: ended with row {head.row}, {head.hash}, at {head.at}",
        f"engine key: {engine.signing.public_key()}",
        "",
        "verify it: lampway evidence verify FILE --keys people.yaml --engine-key KEY",
        "the keys must come from somewhere you trust, not from this file",
        "",
        "what happened (? = who it was is not proved):",
    ]
    names: dict[str, str] = {}
    for recorded in engine.store.events():
        name_subjects(recorded.event, names)
        if recorded.seq in chosen:
            who = recorded.actor.person + ("" if recorded.actor.authenticated else "?")
            lines.append(f"{recorded.seq} {recorded.at[:19]} {who}: {describe(recorded.event, names)}")
    return lines
