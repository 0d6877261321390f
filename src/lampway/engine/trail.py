"""The trail: the ledger written out for other programs, and searched."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lampway.domain.events import EVENTS, Actor, DeploymentStarted, DriftFound, PromotionRequested
from lampway.domain.moments import parse_moment
from lampway.domain.strategy import RulesInForce
from lampway.engine.audit import HistoryLine
from lampway.engine.context import Engine, Request
from lampway.engine.describe import describe, name_subjects
from lampway.engine.store import Stored, Wanted
from lampway.errors import StorageError, UsageError


class ExportFormat(StrEnum):
    """How the ledger is written out."""

    JSONL = "jsonl"
    """Every column as it is stored, one JSON object a line: who has it can recompute the chain."""
    CLOUDEVENTS = "cloudevents"
    """One CloudEvents 1.0 JSON object a line."""
    CSV = "csv"
    """For people with a spreadsheet: what happened in words."""


@dataclass(frozen=True, slots=True)
class ExportLedger(Request[Iterator[str]]):
    """Write the ledger out."""

    form: ExportFormat = ExportFormat.JSONL
    since: str = ""
    """The number of a row, or a date or time; that one included."""


def export_ledger(engine: Engine, request: ExportLedger, actor: Actor) -> Iterator[str]:
    """Return the ledger's lines, read as they are taken. Raises UsageError; StorageError while it is read."""
    del actor
    after, since = _start(request.since)
    match request.form:
        case ExportFormat.JSONL:
            return map(_as_json, engine.store.stored(after, since))
        case ExportFormat.CLOUDEVENTS:
            first = next(engine.store.stored(), None)
            source = f"urn:lampway:ledger:{first.hash.removeprefix('sha256:')[:16] if first else 'empty'}"
            return (_as_cloud_event(row, source) for row in engine.store.stored(after, since))
        case ExportFormat.CSV:
            return _as_csv(engine, after, since)


def _start(since: str) -> tuple[int, str]:
    if since.isascii() and since.isdigit():
        if len(since) > 18:
            raise UsageError(f"no row has such a number: {since}")
        return max(int(since) - 1, 0), ""
    return 0, parse_moment(since, "UTC") if since else ""


_quote: Callable[[str], str] = json.dumps


def _as_json(row: Stored) -> str:
    head = f'{{"seq":{row.seq},"at":{_quote(row.at)},"kind":{_quote(row.kind)},"schema":{row.schema}'
    return f'{head},"actor":{row.actor},"body":{row.body},"prev":{_quote(row.prev)},"hash":{_quote(row.hash)}}}'


def _as_cloud_event(row: Stored, source: str) -> str:
    """Return the row as an event; attribute names of our own are lower case and short, as the standard asks."""
    try:
        who: dict[str, Any] = json.loads(row.actor)
    except ValueError as error:
        raise StorageError("unreadable actor", where=f"ledger row {row.seq}", hint="lampway audit verify") from error
    attributes = {
        "specversion": "1.0",
        "id": str(row.seq),
        "source": source,
        "type": f"lampway.{row.kind}.v{row.schema}",
        "time": row.at,
        "datacontenttype": "application/json",
        "sequence": f"{row.seq:012d}",
        "person": str(who.get("person")),
        "authenticated": who.get("authenticated") is True,
        "previoushash": row.prev,
        "hash": row.hash,
    }
    return f'{json.dumps(attributes, separators=(",", ":"))[:-1]},"data":{row.body}}}'


_CSV_HEADS = ("seq", "at", "kind", "person", "via", "authenticated", "what", "hash")
_INTRODUCING = (PromotionRequested.kind, DeploymentStarted.kind, DriftFound.kind)


def _as_csv(engine: Engine, after: int, since: str) -> Iterator[str]:
    yield _csv_line(_CSV_HEADS)
    names: dict[str, str] = {}
    for recorded in engine.store.events(kinds=_INTRODUCING if after else ()):
        if recorded.seq > after:
            break
        name_subjects(recorded.event, names)
    for recorded in engine.store.events(after):
        name_subjects(recorded.event, names)
        if recorded.at < since:
            continue
        who = recorded.actor
        said = (who.person, who.via, "yes" if who.authenticated else "no", describe(recorded.event, names))
        yield _csv_line((str(recorded.seq), recorded.at, recorded.event.kind, *said, recorded.hash))


def _csv_line(cells: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow([_as_text(cell) for cell in cells])
    return out.getvalue()


def _as_text(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, on one line."""
    plain = "".join(char if char.isprintable() else " " for char in cell)
    return f"'{plain}" if plain.lstrip()[:1] in {"=", "+", "-", "@", "＝", "＋", "－", "＠"} and plain else plain


@dataclass(frozen=True, slots=True)
class Trail:
    """What a search found."""

    total: int
    """How many events matched; only the newest are listed."""
    lines: tuple[HistoryLine, ...]


@dataclass(frozen=True, slots=True)
class SearchLedger(Request[Trail]):
    """Find who did what, where and when. Empty filters match everything."""

    person: str = ""
    solution: str = ""
    environment: str = ""
    since: str = ""
    until: str = ""
    """A date means its end."""
    kind: str = ""
    limit: int = 100
    """At most so many, the newest; 0 for all."""


def search_ledger(engine: Engine, request: SearchLedger, actor: Actor) -> Trail:
    """Return what matches, oldest first. Raises UsageError for a kind that does not exist or a date that is none."""
    del actor
    if request.kind and request.kind not in EVENTS:
        raise UsageError(f"no such kind of event: {request.kind}", hint=f"one of: {', '.join(EVENTS)}")
    if request.limit < 0:
        raise UsageError("a limit is not negative", hint="0 shows everything")
    wanted = Wanted(
        people=_names_of(engine, request.person) if request.person else (),
        solution=request.solution,
        environment=request.environment,
        since=parse_moment(request.since, "UTC") if request.since else "",
        until=parse_moment(request.until, "UTC", is_end=True) if request.until else "",
        kinds=(request.kind,) if request.kind else (),
        limit=request.limit,
    )
    found = engine.store.search(wanted)
    names: dict[str, str] = {}
    for recorded in found.subjects:
        name_subjects(recorded.event, names)
    lines = tuple(
        HistoryLine(r.seq, r.at, r.actor.person, r.actor.authenticated, r.event.kind, describe(r.event, names))
        for r in found.events
    )
    return Trail(found.total, lines)


def _names_of(engine: Engine, name: str) -> tuple[str, ...]:
    """Return the name itself and, for somebody in force now, the id and e-mails that records may use instead."""
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    person = rules.strategy.person(name) if rules else None
    return (name, person.id, *person.emails) if person else (name,)
