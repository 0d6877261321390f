"""Exporting evidence: one file with everything an auditor needs about a release, to be verified without us."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from lampway.domain.attestation import sealing
from lampway.domain.checkpoint import Checkpoint
from lampway.domain.digest import EMPTY, digest_bytes
from lampway.domain.events import Actor, ReleaseSealed
from lampway.domain.evidence import FORMAT, Earlier, Head, Inclusion, Row, write_content
from lampway.domain.release import Release
from lampway.domain.tree import Tree
from lampway.engine.chosen import Choice
from lampway.engine.context import Engine, Request, find_release
from lampway.engine.describe import describe, name_subjects
from lampway.engine.witness import sign_checkpoint

_EARLIER = 20
"""How many earlier checkpoints a file names, of the first and of the newest each."""


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
    page = _page(engine, release, head, {row.seq for row in rows})
    covered = write_content(page, head, _inclusion(engine, release, head, rows), rows)
    statement = sealing(release.solution, release.version, digest_bytes(covered), (head.row, head.hash))
    seal = engine.signing.sign(statement.payload())
    name = f"{release.solution}-{release.version}.evidence"
    return Exported(name, covered.decode() + seal + "\n", len(rows))


def _inclusion(engine: Engine, release: Release, head: Head, rows: Sequence[Row]) -> Inclusion:
    """Return the proof that these rows are in the ledger up to its head, and that it grew from earlier checkpoints.

    Of those made since the release was sealed, the first and the newest are told.
    """
    tree = Tree(engine.store.hashes(head.row))
    checkpoint = sign_checkpoint(engine, Checkpoint(head.row, head.hash, head.at, tree.root()))
    first = next((r.seq for r in rows if r.kind == ReleaseSealed.kind and release.digest in r.body), 0)
    with engine.store.reading() as reading:
        made = [c for c in reading.find(Checkpoint) if first <= c.seq <= tree.size]
    told = made if len(made) <= 2 * _EARLIER else [*made[:_EARLIER], *made[-_EARLIER:]]
    earlier = tuple(Earlier(c.seq, c.hash, tree.root(c.seq), tree.prove_growth(c.seq)) for c in told)
    places = {*(row.seq - 1 for row in rows), head.row - 1}
    return Inclusion(checkpoint.root, checkpoint.envelope, tree.prove(places), earlier)


def _page(engine: Engine, release: Release, head: Head, chosen: set[int]) -> list[str]:
    """Return what a person reads first."""
    lines = [
        f"release: {release.digest}",
        f"package: {release.package.digest} ({release.package.platform})",
        f"makers: {', '.join(release.makers) or 'nobody'}" + ("; editors unknown" if release.editors_unknown else ""),
        f"sealed: {release.sealed_at} by {release.sealed_by}, source commit {release.commit or 'none'}",
        *(f"edited before: {t.name}, {len(t.places)} places, from {t.before}" for t in release.transformations),
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
