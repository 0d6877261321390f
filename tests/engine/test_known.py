"""What is known to be closed is closed: judging what an event touches comes to what judging everything comes to."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from team import PROD_GATES, Team, with_environment, with_gates

import private_postgres
from lampway.domain.deployment import CheckOutcome, Evidence
from lampway.domain.events import ENGINE, EvidenceRecorded, LockObserved, RanOut
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.release import Release
from lampway.domain.schedules import Schedules
from lampway.domain.strategy import GateRule, Strategy
from lampway.domain.unlocking import UnlockRule
from lampway.engine import drain as draining
from lampway.engine.cases import LookAtLock
from lampway.engine.certify import Recertify
from lampway.engine.decide import Decide
from lampway.engine.drain import drain, void_if_moved
from lampway.engine.drift import AcceptDrift, RevertDrift, ScanDrift
from lampway.engine.facts import case_of, eligibility
from lampway.engine.known import Known
from lampway.engine.promote import Abort, Promote, Rollback
from lampway.engine.recheck import RunChecks
from lampway.engine.release import MakeRelease
from lampway.engine.relock import tend_unlockings
from lampway.engine.schedules import WAKE, _environment, plan_environment
from lampway.engine.stops import LiftHold, PutOnHold, VetoRelease
from lampway.engine.unlock import ReviewUnlock, Unlock
from lampway.engine.waive import Waive
from lampway.errors import LampwayError
from lampway.testing.world import App, Part

PLACES = ("test", "prod")
_OPEN = (PromotionState.REQUESTED, PromotionState.WAITING, PromotionState.READY)


def governed(rules: Strategy) -> Strategy:
    """Return rules with much in them that time and others can change; billing needs orders."""
    aged = tuple(replace(gate, max_age=3 * 3600.0) if gate.gate == "approval" else gate for gate in PROD_GATES)
    gates = (*aged, GateRule("dependencies"), GateRule("soak", wait=1800.0), GateRule("certified"))
    rules = with_gates(rules, "prod", gates)
    (path,) = rules.pipelines
    stages = tuple(replace(s, expires=86_400.0, waiver_roles=("approver",)) for s in path.stages)
    solutions = tuple(replace(s, depends_on={"orders": "1.0.0"}) if s.name == "billing" else s for s in rules.solutions)
    tiers = tuple(replace(tier, unlock=UnlockRule(4 * 3600.0)) if tier.locked else tier for tier in rules.tiers)
    return replace(
        rules,
        tiers=tiers,
        pipelines=(replace(path, stages=stages),),
        solutions=solutions,
        schedules=Schedules(remind=7200.0),
    )


@pytest.fixture(scope="module")
def original() -> Team:
    team = Team()
    team.govern(governed(team.rules))
    team.dev.draw(App("b1", "Billing", (Part("b2", "Bill"),)), by="max@example.test")
    team.release("1.19")
    team.run(MakeRelease("billing"), "max")
    for solution, owner in (("orders", "mia"), ("billing", "max")):
        team.run(Recertify(solution), owner)
    return team


def waiting(team: Team, environment: str = "") -> tuple[Promotion, ...]:
    with team.store.reading() as reading:
        return tuple(reading.find(Promotion, environment=environment, states=_OPEN))


def toggle_lock(team: Team) -> None:
    team.prod.is_locked = not team.prod.is_locked
    team.run(LookAtLock("prod"))


def decide(team: Team, person: str) -> None:
    for promotion in waiting(team, "prod"):
        with suppress(LampwayError):
            team.run(Decide(promotion.id, approved=True), person)


def edit_live(team: Team) -> None:
    part = next((p for app in team.prod.apps.values() for p in app.parts), None)
    if part is not None:
        team.prod.edit(part.id, does=f"edited {team.clock.now()}")
    team.run(ScanDrift())


def check_again(team: Team, outcome: CheckOutcome) -> None:
    team.bench.fail("smoke", "test", outcome)
    team.run(RunChecks("orders", "test"))


ACTS: dict[str, Callable[[Team], Any]] = {
    "orders are released": lambda team: team.release(f"2.{len(team.find(Release))}"),
    "orders are asked for": lambda team: team.run(Promote("orders", "prod")),
    "billing is asked for": lambda team: team.run(Promote("billing", "prod"), "max"),
    "ana approves": lambda team: decide(team, "ana"),
    "bob approves": lambda team: decide(team, "bob"),
    "orders are held": lambda team: team.run(PutOnHold("no", solution="orders")),
    "prod is held for a while": lambda team: team.run(PutOnHold("no", environment="prod", until="2026-01-06")),
    "holds are lifted": lambda team: team.run(LiftHold(solution="orders", reason="yes"), "rita"),
    "a release is vetoed": lambda team: team.run(VetoRelease("orders@1.0.1", "prod", "no"), "rita"),
    "prod is edited": edit_live,
    "the edit is accepted": lambda team: team.run(AcceptDrift("orders", "prod", "fine"), "rita"),
    "the edit is reverted": lambda team: team.run(RevertDrift("orders", "prod"), "rita"),
    "a check fails": lambda team: check_again(team, CheckOutcome.FAILED),
    "a check passes": lambda team: check_again(team, CheckOutcome.PASSED),
    "the lock is waived": lambda team: team.run(Waive("orders", "lock", "known", "2026-01-07"), "ana"),
    "the lock changes": toggle_lock,
    "prod is unlocked": lambda team: team.run(Unlock("prod", "an emergency", 3600.0), "rita"),
    "prod is locked again": lambda team: tend_unlockings(team.engine),
    "that is reviewed": lambda team: team.run(ReviewUnlock("prod", "fine"), "pam"),
    "orders go back": lambda team: team.run(Rollback("orders", "prod", "wrong"), "rita"),
    "a value changes": lambda team: team.govern(with_environment(team.rules, "prod", CURRENCY=str(team.last_id))),
    "one is taken back": lambda team: [team.run(Abort(p.id, "no")) for p in waiting(team)[:1]],
    "half an hour passes": lambda team: team.clock.move(minutes=31),
    "hours pass": lambda team: team.clock.move(hours=4),
    "a day passes": lambda team: team.clock.move(hours=25),
}


def require_true(team: Team, known: Known) -> None:
    """Insist that what is known is what a look at everything would tell."""
    now = team.engine.now()
    known.follow(team.store, now)
    with team.store.reading() as reading:
        for promotion in reading.find(Promotion, environment=known.environment, states=_OPEN):
            if known.is_closed(promotion):
                assert void_if_moved(reading, promotion, now) is None
                case = case_of(reading, promotion)
                assert case is not None
                assert not eligibility(reading, case, now).allowed
        ours = {row.key: row for row in _environment(team.engine, reading, known)}
        fresh = {row.key: row for row in _environment(team.engine, reading, Known(known.environment))}
    wake = f"{WAKE}/{known.environment}"
    mine, theirs = ours.pop(wake, None), fresh.pop(wake, None)
    assert ours == fresh
    assert theirs is None or (mine is not None and mine.at <= theirs.at), "it may be too early, never too late"


@settings(
    max_examples=12 if private_postgres.WANTED else 60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(acts=st.lists(st.tuples(st.sampled_from(sorted(ACTS)), st.booleans()), min_size=6, max_size=24))
def test_whatever_happens_only_what_is_closed_is_known_to_be(original: Team, acts: list[tuple[str, bool]]) -> None:
    team = original.copy()
    known = {name: Known(name) for name in PLACES}
    for name, is_settled in acts:
        with suppress(LampwayError):
            ACTS[name](team)
        for place in PLACES if is_settled else ():
            drain(team.engine, place, known[place])
            plan_environment(team.engine, place, known[place])
        for place in PLACES:
            require_true(team, known[place])
    for place in PLACES:
        drain(team.engine, place, known[place])
    done = len(team.find(Promotion, states=(PromotionState.SUCCEEDED,)))
    for place in PLACES:
        drain(team.engine, place)
    assert len(team.find(Promotion, states=(PromotionState.SUCCEEDED,))) == done or waiting(team)
    team.store.close()


class Counted:
    """Counts how often something is judged."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.solutions: list[str] = []
        judge = draining._judged

        def counting(reading: Any, promotion: Promotion, now: str, known: Known) -> Any:
            self.solutions.append(promotion.solution)
            return judge(reading, promotion, now, known)

        monkeypatch.setattr(draining, "_judged", counting)

    def taken(self) -> list[str]:
        found, self.solutions = sorted(self.solutions), []
        return found


@pytest.fixture
def crowd(original: Team) -> Team:
    """Return a team in which orders and billing wait for an approval in prod, in a place known whole."""
    team = original.copy()
    team.do(Promote("orders", "prod"))
    team.do(Promote("billing", "prod"), "max")
    assert {p.solution for p in waiting(team, "prod")} == {"orders", "billing"}
    return team


def test_an_event_makes_only_what_it_can_change_be_judged_again(crowd: Team, monkeypatch: pytest.MonkeyPatch) -> None:
    known, counted = Known("prod"), Counted(monkeypatch)

    def judged(*events: Any) -> list[str]:
        with crowd.store.transaction() as transaction:
            for event in events:
                transaction.append(event, ENGINE)
        drain(crowd.engine, "prod", known)
        return counted.taken()

    evidence = {e.solution: e for e in crowd.find(Evidence)}
    assert judged() == ["billing", "orders"], "nothing is known yet"
    assert judged() == []
    assert judged(EvidenceRecorded(replace(evidence["billing"], id="e1"))) == ["billing"]
    assert judged(EvidenceRecorded(replace(evidence["orders"], id="e2"))) == ["billing", "orders"], "it needs them"
    assert judged(LockObserved("test", "locked", "", "")) == []
    assert judged(LockObserved("prod", "locked", "", "")) == ["billing", "orders"]
    assert judged(RanOut("freeze", "freeze/x", "2026-01-05", "it ended")) == ["billing", "orders"]
    crowd.clock.move(minutes=31)
    assert judged() == ["billing", "orders"], "the soak is over"
    crowd.store.close()
