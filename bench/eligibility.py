"""Eligibility: judging one release before a stage of 30 gates, with 200 records about it.

The records are in memory: what is measured is the pure function that everybody asks, as `explain`, every approval and
the start itself do. Beside it stands a bare fold, which looks once at every record for every gate and decides nothing:
what no judgement of so many gates over so many records can do without.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from bench.records import AT, CONFIGURATION, release
from bench.table import Report, Table
from bench.timing import median, side_by_side
from lampway.domain.deployment import CheckOutcome, Evidence, KnownGood, LockRecord
from lampway.domain.gates import judge
from lampway.domain.judgement import Eligibility, Facts
from lampway.domain.keys import PersonKey, write_key
from lampway.domain.promotion import Decision, DeploymentKind
from lampway.domain.quorum import Delegation
from lampway.domain.stops import Stay
from lampway.domain.strategy import Check, Environment, GateRule, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.domain.waiver import Waiver

_TARGET = 2.0
"""Milliseconds."""
_ROUNDS = 300
_NOW = "2026-01-05T10:00:00.000+00:00"
_UNTIL = "2026-02-01T00:00:00.000+00:00"
_NAME = "solution-0"
_CHECKS = tuple(
    Check(f"check-{n}", kind) for n, kind in enumerate(("functional", "integration", "security", "uat") * 3)
)
_KEY = write_key(bytes([7]) * 32)


def run(folder: Path) -> Report:
    """Judge again and again, beside the bare fold, and look that both see what there is."""
    del folder
    facts = _facts()
    judged, records = judge(facts), _records(facts)
    _require(len(judged.gates) == 30 and len(records) == 200, f"{len(judged.gates)} gates, {len(records)} records")
    _require(judged.allowed, f"closed: {[gate.reason for gate in judged.closed]}")
    samples = side_by_side(_things(facts, records), rounds=_ROUNDS)
    bare = median(samples["bare fold"], 1e-3)
    rows = [_row(name, taken, bare) for name, taken in samples.items()]
    columns = ("what", "median ms", "best", "times the fold", "target, ms")
    return Report((Table("30 gates over 200 records, one release", columns, rows),), {"seconds": samples})


def _row(name: str, taken: list[float], bare: float) -> tuple[str, float, float, float, str]:
    took = median(taken, 1e-3)
    met = f"< {_TARGET:g}: {'met' if took < _TARGET else 'NOT MET'}" if name == "eligibility" else ""
    return name, took, min(taken) * 1e3, took / bare, met


def _things(facts: Facts, records: list[object]) -> dict[str, Callable[[], object]]:
    kinds = [rule.gate for rule in facts.stage.gates]

    def fold() -> int:
        seen = 0
        for _ in kinds:
            for record in records:
                seen += record is not None
        return seen

    def eligibility() -> Eligibility:
        return judge(facts)

    return {"bare fold": fold, "eligibility": functools.partial(eligibility)}


def _records(facts: Facts) -> list[object]:
    return [*facts.evidence, *facts.decisions, *facts.delegations, *facts.waivers, *facts.stays]


def _facts() -> Facts:
    """Return a release that may enter, with two approvals among refused voices, and every check run many times."""
    sealed = release(_NAME, 3)
    digest = "sha256:" + "5" * 64
    strategy = _strategy()
    yes = [Decision(f"person-{n}", True, "", AT, digest, authenticated=True, key=_key(n)) for n in range(10)]
    given = [Delegation(f"d{n}", f"person-{n}", f"person-{n + 20}", AT, _UNTIL, "away", AT) for n in range(10)]
    return Facts(
        strategy=strategy,
        solution=_NAME,
        stage=strategy.stage(_NAME, "prod"),
        release=sealed,
        kind=DeploymentKind.FORWARD,
        requested_by="person-0",
        promotion="p",
        digest=digest,
        decisions=tuple(yes),
        makers=("person-1",),
        verified_in=("test",),
        evidence=tuple(_evidence(sealed.digest, n) for n in range(168)),
        lock=LockRecord("prod", "locked", "makers cannot edit", "", _NOW),
        is_first=False,
        rollback=KnownGood(
            "g", "prod", _NAME, "1.2.0", release(_NAME, 2).digest, "sha256:" + "6" * 64, CONFIGURATION, AT
        ),
        now=_NOW,
        requested_at=AT,
        stays=(Stay("test", AT),) * 2,
        waivers=tuple(Waiver("lock", f"person-{n}", "known", _UNTIL, AT) for n in range(10)),
        delegations=tuple(given),
    )


def _key(number: int) -> str:
    return write_key(bytes([number + 1]) * 32)


def _evidence(digest: str, number: int) -> Evidence:
    check = _CHECKS[number % len(_CHECKS)]
    return Evidence(
        id=f"e{number}",
        solution=_NAME,
        version="1.3.0",
        release=digest,
        environment="test",
        check=check.name,
        kind=check.kind,
        outcome=CheckOutcome.PASSED,
        summary="as it should be",
        at=AT,
        seconds=0.1,
    )


def _strategy() -> Strategy:
    approval = GateRule("approval", roles=("approver",), quorum=2, signed=True, max_age=86_400.0)
    kinds = [GateRule("checks", kinds=(kind,), max_age=86_400.0) for kind in ("functional", "integration", "security")]
    either = GateRule("any", rules=(GateRule("soak", wait=60.0), GateRule("checks")))
    plain = [
        GateRule(gate) for gate in ("previous-stage", "findings", "configuration", "drift", "lock", "rollback-target")
    ]
    some = [
        *plain,
        *kinds,
        GateRule("checks"),
        approval,
        replace(approval, quorum=3),
        either,
        GateRule("soak", wait=60.0),
    ]
    gates = tuple((some * 3)[:30])
    names = ("dev", "test", "prod")
    people = tuple(
        Person(f"person-{n}", f"Person {n}", (f"p{n}@example.org",), ("approver",), (PersonKey(_key(n), "2026-01-01"),))
        for n in range(40)
    )
    return Strategy(
        team="Order desk",
        next_review="2030-01-01",
        tiers=tuple(Tier(name) for name in names),
        environments=tuple(Environment(name, name, "node-red", f"https://{name}.example.org") for name in names),
        pipelines=(Pipeline("standard", "dev", (Stage("test", "test", gates), Stage("prod", "prod", gates))),),
        people=people,
        roles=("approver",),
        solutions=(Solution(_NAME, "standard", "person-0", ("Orders",), checks=_CHECKS),),
    )


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)
