"""Exporting evidence: one file with everything an auditor needs about a release, to be verified without us."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from lampway.domain.attestation import sealing
from lampway.domain.digest import EMPTY, digest_bytes
from lampway.domain.events import Actor, EngineKeyRecorded, ReleaseSealed, StrategyApplied
from lampway.domain.evidence import FORMAT, Head, Row, write_content
from lampway.domain.release import Release
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
    choice = _Choice(release)
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


class _Choice:
    """Chooses the rows that speak of one release, with the rules that were in force meanwhile."""

    def __init__(self, release: Release) -> None:
        self._release = release
        self._digest = release.digest
        self._ids: set[str] = set()
        """Of promotions, deployments and whatever else turned out to be about it."""
        self.last: Row | None = None

    def choose(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows in order. The rules in force come once before the first row that was judged by them."""
        rules: Row | None = None
        for row in rows:
            self.last = row
            if row.kind == StrategyApplied.kind:
                rules = row
            elif row.kind == EngineKeyRecorded.kind or self._belongs(row):
                if rules is not None and rules.seq < row.seq:
                    yield rules
                    rules = None
                yield row

    def _belongs(self, row: Row) -> bool:
        body = json.loads(row.body)
        if row.kind == ReleaseSealed.kind:
            return bool(body["release"]["solution"] == self._release.solution)
        return any(self._is_ours(value) for value in (body, *body.values()))

    def _is_ours(self, value: Any) -> bool:
        if isinstance(value, str):
            return value in self._ids
        if not isinstance(value, dict):
            return False
        same = (value.get("solution"), value.get("version")) == (self._release.solution, self._release.version)
        ours = same or value.get("release") == self._digest or str(value.get("promotion")) in self._ids
        if ours and isinstance(value.get("id"), str):
            self._ids.add(value["id"])
        return ours


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
