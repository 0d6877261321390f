"""History: whether judging a promotion becomes slow once a solution has been released a hundred times.

*May this release enter prod?* is asked at every turn: by `explain`, by every approval, and by the engine before it
starts anything. The answer is made from the solution's own records, however many there are by then. Beside it stands
what nobody can do without who looks at the same records: `sqlite3` reading them and `json.loads` of each.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.records import promotion_events, release
from bench.table import Report, Table
from bench.timing import Samples, median, side_by_side
from lampway.app import SystemClock
from lampway.domain.digest import digest
from lampway.domain.events import ENGINE, StrategyApplied
from lampway.domain.promotion import DeploymentKind
from lampway.domain.release import Release
from lampway.domain.strategy import Environment, GateRule, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.engine.facts import Case, eligibility
from lampway.storage.sql import SqlStore, open_sqlite

_HISTORIES = (1, 20, 100)
"""Releases, each of them brought to prod."""
_SIZES = (10, 500)
"""Nodes of the solution."""
_NOW = "2026-11-23T09:00:00.000+00:00"
_ROUNDS = 5
_NOW = "2026-06-01T12:00:00.000+00:00"
_NAME = "solution-0"
_RECORDS = ("release", "deployment", "evidence", "knowngood")


def run(folder: Path) -> Report:
    """Measure every history of every size."""
    rows, samples = [], {}
    for nodes in _SIZES:
        for count in _HISTORIES:
            found = _measure(folder / f"{nodes}-{count}.db", count, nodes)
            bare, judged, sealed = (median(found[name], 1e-3) for name in ("bare", "judged", "digest"))
            rows.append((f"{nodes} nodes", count, judged, bare, judged / bare, sealed))
            samples[f"{nodes} nodes, {count} releases"] = found
    columns = (
        "solution",
        "releases",
        "judge, ms",
        "bare sqlite3 and json, ms",
        "times as long",
        "one digest of it, ms",
    )
    return Report((Table("judging one release before prod, median", columns, rows),), samples)


def _measure(path: Path, count: int, nodes: int) -> Samples:
    strategy = _strategy()
    stage = strategy.stage(_NAME, "prod")
    newest = release(_NAME, count - 1, nodes)
    case = Case(newest, stage, DeploymentKind.FORWARD, "ada")
    store = open_sqlite(path, SystemClock())
    bare = sqlite3.connect(path)
    try:
        _fill(store, strategy, count, nodes)
        return side_by_side(_things(store, bare, case, newest), rounds=_ROUNDS)
    finally:
        bare.close()
        store.close()


def _fill(store: SqlStore, strategy: Strategy, count: int, nodes: int) -> None:
    with store.transaction() as transaction:
        transaction.append(StrategyApplied("0" * 40, strategy, digest(strategy), (), ("ada",)), ENGINE)
        for number in range(count):
            for event in promotion_events(number, solutions=1, nodes=nodes):
                transaction.append(event, ENGINE)


def _things(store: SqlStore, bare: sqlite3.Connection, case: Case, newest: Release) -> dict[str, Callable[[], object]]:
    def judge() -> None:
        with store.reading() as reading:
            eligibility(reading, case, _NOW)

    return {"judged": judge, "bare": lambda: _read(bare), "digest": lambda: newest.digest}


def _read(bare: sqlite3.Connection) -> list[Any]:
    select = "SELECT doc FROM record_{} WHERE solution = ? ORDER BY first"
    return [json.loads(doc) for name in _RECORDS for (doc,) in bare.execute(select.format(name), (_NAME,))]


def _strategy() -> Strategy:
    """Return a path from dev over test to prod with every kind of gate that needs no check."""
    names = ("dev", "test", "prod")
    gates = ("previous-stage", "findings", "drift", "lock", "rollback-target")
    rules = (*(GateRule(gate) for gate in gates), GateRule("approval", roles=("approver",)))
    stages = (Stage("test", "test", (GateRule("findings"),)), Stage("prod", "prod", rules))
    return Strategy(
        team="Order desk",
        next_review="2030-01-01",
        tiers=tuple(Tier(name) for name in names),
        environments=tuple(Environment(name, name, "node-red", f"https://{name}.example.org") for name in names),
        pipelines=(Pipeline("standard", "dev", stages),),
        people=(
            Person("ada", "Ada Maker", ("ada@example.org",), ("maker",)),
            Person("ben", "Ben Approver", ("ben@example.org",), ("approver",)),
        ),
        roles=("maker", "approver"),
        solutions=(Solution(_NAME, "standard", "ada", ("Orders",)),),
    )
