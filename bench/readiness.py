"""Readiness of a thousand solutions, from a ledger of a million events: how long the whole answer takes.

The rows are those of `bench.million`, of a thousand solutions that take turns. The records that readiness reads
(releases, deployments, what is installed, what is known-good) are folded from the same events, as the engine would.
"""

from __future__ import annotations

import functools
import itertools
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.ledger import _Clock
from bench.million import _INSERT
from bench.records import AT, promotion_events
from bench.table import Report, Table
from bench.timing import median, seconds
from lampway.config.files import GovernanceFiles
from lampway.domain.events import (
    ENGINE,
    Actor,
    DeploymentStarted,
    EnvironmentObserved,
    Event,
    Installed,
    LedgerVerified,
    LockObserved,
    PromotionRequested,
    Recorded,
    ReleaseSealed,
    StrategyApplied,
    Verified,
)
from lampway.domain.strategy import Environment, GateRule, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.engine.context import Engine
from lampway.engine.readiness import ShowReadiness, show_readiness
from lampway.integrations.secrets import SecretResolver
from lampway.storage.codec import to_text
from lampway.storage.git import GitSource
from lampway.storage.ledger import link
from lampway.storage.sql import SqlStore, open_sqlite

_EVENTS = 1_000_000
_SOLUTIONS = 1_000
_ROUNDS = 7
_FOLDED = (ReleaseSealed, PromotionRequested, DeploymentStarted, Installed, Verified, LockObserved, StrategyApplied)


def run(folder: Path) -> Report:
    """Fill the ledger and ask again and again, each time with a store that was just opened."""
    path = folder / "lampway.db"
    store = open_sqlite(path, _Clock())
    with store.transaction() as transaction:
        for seq, event in enumerate(_events(), 1):
            if isinstance(event, _FOLDED):
                transaction.fold(Recorded(seq, AT, ENGINE, event, ""))
    store.close()
    _fill(path)
    samples, scores = [], set[int]()
    for _ in range(_ROUNDS):
        store = open_sqlite(path, _Clock())
        engine = _engine(store, folder)
        samples.append(seconds(functools.partial(_ask, engine, scores)))
        store.close()
    rows = [("the whole answer", _SOLUTIONS, _EVENTS, median(samples), max(samples))]
    table = Table("readiness", ("asked", "solutions", "events", "median s", "slowest s"), rows)
    notes = (f"score {scores}; the first time nothing is in memory but what filling it left there",)
    return Report((table,), {"readiness": samples}, notes)


def _ask(engine: Engine, scores: set[int]) -> None:
    scores.add(show_readiness(engine, ShowReadiness(), Actor("ada", "bench")).score)


def _events() -> Iterator[Event]:
    rules = _strategy()
    head: list[Event] = [
        StrategyApplied("", rules, "digest", (), ()),
        LockObserved("prod", "locked", "nobody can edit", ""),
        EnvironmentObserved("prod", "r", (), ()),
        LedgerVerified(1, "", 0),
    ]
    promotions = (promotion_events(n, solutions=_SOLUTIONS) for n in itertools.count())
    return itertools.islice(itertools.chain(head, itertools.chain.from_iterable(promotions)), _EVENTS)


def _fill(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("BEGIN")
    connection.executemany(_INSERT, _rows())
    connection.execute("COMMIT")
    connection.close()


def _rows() -> Iterator[tuple[object, ...]]:
    actor, prev = to_text(ENGINE), "sha256:" + "0" * 64
    for seq, event in enumerate(_events(), 1):
        body = to_text(event)
        new = link(prev, seq, AT, (event.kind, event.schema), (actor, body))
        yield seq, AT, event.kind, event.schema, actor, body, prev, new
        prev = new


def _strategy() -> Strategy:
    gates = tuple(GateRule(g) for g in ("previous-stage", "checks", "lock", "rollback-target", "checklist"))
    approval = GateRule("approval", roles=("approver",))
    stages = (Stage("test", "test", (GateRule("findings"),)), Stage("prod", "prod", (*gates, approval)))
    places = [Environment(n, n, "node-red", f"https://{n}.example.org", data="masked") for n in ("dev", "test", "prod")]
    return Strategy(
        team="Back office",
        next_review="2027-01-01",
        tiers=(Tier("dev"), Tier("test"), Tier("prod", locked=True)),
        environments=tuple(replace(p, data="") if p.name == "prod" else p for p in places),
        pipelines=(Pipeline("standard", "dev", stages),),
        people=(Person("ada", "Ada", ("ada@example.org",), ("maker",)),),
        roles=("maker", "approver"),
        solutions=tuple(
            Solution(f"solution-{n}", "standard", "ada", ("Orders",), rollback_plan="call") for n in range(_SOLUTIONS)
        ),
    )


def _engine(store: SqlStore, folder: Path) -> Engine:
    """Return an engine with only what readiness asks of one."""
    return Engine(  # type: ignore[call-arg]
        store=store,
        source=GitSource.init(folder / "files"),
        files=GovernanceFiles(),
        secrets=SecretResolver(),
        clock=_Clock(),
        packages=None,
        scanner=None,
        checks=None,
        signing=None,
        platforms={},
        new_id=str,
        pause=float,
        holder="bench",
    )
