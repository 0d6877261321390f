"""The strategy document: the team's own rules, answers and exceptions, gathered for people who sign."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from lampway.domain.accounts import as_declared
from lampway.domain.backport import Backport, BackportState
from lampway.domain.deployment import DriftFinding, DriftState
from lampway.domain.events import Actor
from lampway.domain.moments import is_before
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.readiness import Readiness
from lampway.domain.stops import Hold, HoldState, Veto
from lampway.domain.strategy import RulesInForce, Strategy
from lampway.domain.strategy_chapters import Dated, Exceptional, InForce, write_document
from lampway.domain.strategy_document import PackedDocument, StrategyDocument, pack
from lampway.engine.context import Engine, Request, rules_in_force
from lampway.engine.readiness import located, readiness_of
from lampway.engine.store import Reading


@dataclass(frozen=True, slots=True)
class WriteDocument(Request[StrategyDocument]):
    """Write the strategy as a document."""

    draft: bool = False
    """From the files as they lie in the working tree, and not from what is in force."""


@dataclass(frozen=True, slots=True)
class FetchDocument(Request[PackedDocument]):
    """Fetch the strategy in force as a document, to be written out wherever one is."""


def fetch_document(engine: Engine, request: FetchDocument, actor: Actor) -> PackedDocument:
    """Return the document in force as it travels. Raises RefusedError where nothing is in force."""
    del request
    return pack(write_strategy_document(engine, WriteDocument(), actor))


def write_strategy_document(engine: Engine, request: WriteDocument, actor: Actor) -> StrategyDocument:
    """Return the document. Raises RefusedError where nothing is in force and it is no draft, InvalidStrategyError."""
    del actor
    drafted = engine.files.load(engine.files.read_folder(engine.source.root)) if request.draft else None
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current") if drafted else rules_in_force(reading)
        strategy = drafted or (rules.strategy if rules else None)
        if strategy is None:
            strategy = rules_in_force(reading).strategy
        strategy = replace(strategy, people=tuple(as_declared(person) for person in strategy.people))
        readiness = readiness_of(engine, reading, strategy)
        exceptions = tuple(_exceptions(engine, reading))
    commit = rules.commit if rules and not request.draft else ""
    readiness = located(engine, readiness, commit)
    authority = InForce(commit, rules.applied_by if rules else "", rules.applied_at if rules else "", engine.now())
    dates = tuple(_dates(strategy, readiness, exceptions, engine.now()[:10]))
    return write_document(strategy, readiness, exceptions, dates, authority)


def _exceptions(engine: Engine, reading: Reading) -> Iterator[Exceptional]:
    now = engine.now()
    for promotion in reading.find(Promotion, states=OPEN_STATES):
        where = f"{promotion.solution}@{promotion.version} to {promotion.stage}"
        for waiver in (w for w in promotion.waivers if is_before(now, w.until)):
            yield Exceptional("waiver", f"gate {waiver.gate} of {where}", waiver.reason, waiver.by, waiver.until)
    for drift in reading.find(DriftFinding, states=(DriftState.ACCEPTED,)):
        what = f"{drift.solution} in {drift.environment}: {'; '.join(drift.changes[:3])}"
        yield Exceptional("accepted live edit", what, drift.reason, drift.resolved_by, "")
    for task in reading.find(Backport, states=(BackportState.OPEN,)):
        yield Exceptional("back-port", task.words, task.reason or "no release contains it yet", task.by, "")
    for hold in (h for h in reading.find(Hold, states=(HoldState.STANDING,)) if h.stands(now)):
        kind = "emergency stop" if hold.emergency else "hold"
        yield Exceptional(kind, hold.scope, hold.reason, hold.by, hold.until)
    for veto in reading.find(Veto):
        what = f"{veto.solution}@{veto.version} in {veto.environment}"
        yield Exceptional("veto", what, veto.reason, veto.by, "")


def _dates(
    strategy: Strategy, readiness: Readiness, exceptions: tuple[Exceptional, ...], today: str
) -> Iterator[Dated]:
    yield Dated(strategy.next_review, "these rules are looked at again", strategy.team)
    found = [
        *(Dated(e.until[:10], f"{e.kind} ends: {e.what}", e.by) for e in exceptions if e.until),
        *(Dated(x.until[:10], f"to be answered again: {x.text}", x.by) for x in readiness.items if x.until),
        *(Dated(f.start[:10], f"freeze begins: {f.reason}", "") for f in strategy.freezes),
        *(Dated(p.until, "last day", p.name) for p in strategy.people if p.until),
        *(Dated(a.until, f"no longer {a.role}", p.name) for p in strategy.people for a in p.temporary if a.until),
        *(Dated(k.until, "a key ends", p.name) for p in strategy.people for k in p.keys if k.until and not k.revoked),
    ]
    yield from (date for date in found if date.day >= today)
