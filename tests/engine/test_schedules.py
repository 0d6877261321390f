"""What time alone brings about happens when it is due: once, over all workers, after downtime, across clock changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete
from team import APPROVAL, PROD_GATES, Team, with_gates

from lampway.domain.due import next_change
from lampway.domain.gates import judge
from lampway.domain.judgement import Facts
from lampway.domain.promotion import PromotionState
from lampway.domain.schedules import DriftSchedule, Schedules
from lampway.domain.stops import Hold, Stay
from lampway.domain.strategy import GateRule, Stage, Strategy
from lampway.domain.windows import Freeze, Window
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate
from lampway.engine.drain import drain
from lampway.engine.facts import case_of, gather
from lampway.engine.reach import every_environment
from lampway.engine.schedules import fire, fire_due, next_moment, plan_environment, plan_everywhere
from lampway.engine.stops import PutOnHold
from lampway.engine.store import Scheduled
from lampway.engine.waive import Waive
from lampway.runtime.timetable import CronCalendar
from lampway.storage.operations import schedule
from lampway.testing.world import CrashError, Fault

CALENDAR = CronCalendar()
BERLIN = ZoneInfo("Europe/Berlin")


def work(team: Team) -> None:
    """Do what a worker does at this moment, and nothing later."""
    before = -1
    while before != len(team.kinds()):
        before = len(team.kinds())
        plan_everywhere(team.engine, CALENDAR)
        for name in every(team):
            drain(team.engine, name)
            plan_environment(team.engine, name)
        list(fire_due(team.engine, CALENDAR))


def every(team: Team) -> tuple[str, ...]:
    with team.store.reading() as reading:
        return every_environment(reading)


def run_until(team: Team, end: datetime) -> int:
    """Let a worker run until then: it sleeps from one due moment to the next. Returns how often it woke."""
    work(team)
    woke = 0
    while (left := next_moment(team.engine)) <= (end - team.clock.time).total_seconds():
        team.clock.move(seconds=max(left, 0.001))
        woke += 1
        for fired in fire_due(team.engine, CALENDAR):
            if fired.drain:
                drain(team.engine, fired.drain)
                plan_environment(team.engine, fired.drain)
    team.clock.time = end
    return woke


def rows(team: Team) -> list[Scheduled]:
    with team.store.reading() as reading:
        return list(reading.due_by("9999"))


def told(team: Team, kind: str) -> list[Any]:
    return [recorded for recorded in team.store.events() if recorded.event.kind == kind]


def ran_out(team: Team) -> list[str]:
    return [recorded.event.what for recorded in told(team, "ran-out")]


def with_schedules(rules: Strategy, **given: Any) -> Strategy:
    return replace(rules, schedules=Schedules(**given))


def with_prod(rules: Strategy, **changes: Any) -> Strategy:
    (path,) = rules.pipelines
    stages = tuple(replace(s, **changes) if s.name == "prod" else s for s in path.stages)
    return replace(rules, pipelines=(replace(path, stages=stages),))


def observed(team: Team, since: int) -> list[datetime]:
    """Return when the engine itself looked at prod, by the clock in Berlin."""
    found = [r for r in told(team, "environment-observed") if r.seq > since and r.actor.person == "lampway"]
    return [datetime.fromisoformat(r.at).astimezone(BERLIN) for r in found]


@pytest.fixture
def watched(shipped: Team) -> Team:
    """Return a team that looks at prod every night at half past two, by the clock in Berlin."""
    table = DriftSchedule("30 2 * * *", "Europe/Berlin", ("prod",))
    shipped.govern(with_schedules(shipped.rules, drift=(table,)))
    return shipped


def test_a_scan_comes_once_on_every_day_of_two_years_also_when_clocks_are_changed(watched: Team) -> None:
    begin = watched.clock.time
    since = len(watched.kinds())
    run_until(watched, begin + timedelta(days=730))
    found = observed(watched, since)
    first = begin.astimezone(BERLIN).date() + timedelta(days=1)
    assert [moment.date() for moment in found] == [first + timedelta(days=n) for n in range(730)]
    unusual = {str(m.date()): m.strftime("%H:%M %Z") for m in found if m.strftime("%H:%M") != "02:30"}
    assert unusual == {"2026-03-29": "03:00 CEST", "2027-03-28": "03:00 CEST"}, "02:30 is left out on those nights"
    assert sum(m.date().isoformat() == "2026-10-25" for m in found) == 1, "02:30 is shown twice on that night"


def test_what_was_missed_while_no_worker_ran_is_done_once(watched: Team) -> None:
    work(watched)
    since = len(watched.kinds())
    watched.clock.move(days=10)
    work(watched)
    assert len(observed(watched, since)) == 1
    run_until(watched, watched.clock.time + timedelta(days=2))
    assert len(observed(watched, since)) == 3


def test_of_many_workers_one_does_what_is_due(watched: Team) -> None:
    work(watched)
    since = len(watched.kinds())
    watched.clock.move(days=1)
    due = [row for row in rows(watched) if row.at <= watched.engine.now()]
    others = [watched.another(holder=f"worker {n}") for n in range(4)]
    assert [fire(engine, CALENDAR, row) is not None for row in due for engine in others] == [True, False, False, False]
    assert len(observed(watched, since)) == 1


def test_a_worker_that_dies_during_a_scan_leaves_it_to_the_next_one(watched: Team) -> None:
    work(watched)
    since = len(watched.kinds())
    watched.clock.move(days=1)
    watched.prod.fail(Fault.CRASH_BEFORE, on="observe")
    with pytest.raises(CrashError):
        list(fire_due(watched.engine, CALENDAR))
    assert list(fire_due(watched.engine, CALENDAR)) == [], "it may still be at it"
    watched.clock.move(minutes=11)
    assert len(list(fire_due(watched.engine, CALENDAR))) == 1
    assert len(observed(watched, since)) == 1


def test_a_place_that_cannot_be_looked_at_is_told_and_looked_at_again_next_time(watched: Team) -> None:
    work(watched)
    since = len(watched.kinds())
    watched.clock.move(days=1)
    watched.prod.fail(Fault.UNREACHABLE, on="observe")
    (fired,) = fire_due(watched.engine, CALENDAR)
    assert fired.scanned is not None
    assert fired.scanned.error
    run_until(watched, watched.clock.time + timedelta(days=1))
    assert len(observed(watched, since)) == 1


def test_a_schedule_that_is_taken_out_is_over_and_one_without_places_is_for_what_is_installed(watched: Team) -> None:
    work(watched)
    watched.govern(with_schedules(watched.rules, drift=(DriftSchedule("0 * * * *"),)))
    work(watched)
    assert sorted(row.environment for row in rows(watched)) == ["prod", "test"]
    watched.govern(with_schedules(watched.rules))
    work(watched)
    assert rows(watched) == []


def waiting(team: Team, **prod: Any) -> str:
    """Return a promotion to prod that waits for what the stage asks for."""
    team.govern(with_prod(team.rules, **prod))
    team.release()
    return team.promote()


def test_a_promotion_expires_on_its_day_though_nobody_does_anything(team: Team) -> None:
    promotion = waiting(team, expires=7 * 86_400.0)
    asked = team.clock.time
    woke = run_until(team, asked + timedelta(days=30))
    assert team.promotion(promotion).state is PromotionState.EXPIRED
    (moved,) = [r for r in told(team, "promotion-moved") if r.event.state is PromotionState.EXPIRED]
    assert datetime.fromisoformat(moved.at) - asked == timedelta(days=7, milliseconds=1)
    assert woke == 1, "nobody looks in between"
    assert rows(team) == []


OPENINGS: dict[str, tuple[Callable[[Team], str], datetime]] = {
    "window": (
        lambda team: approved(waiting(team, windows=(Window(("sun",), "02:30", "04:00", "Europe/Berlin"),)), team),
        datetime(2026, 1, 11, 1, 30, tzinfo=UTC),
    ),
    "soak": (
        lambda team: approved(waiting(team, gates=(*PROD_GATES, GateRule("soak", wait=36_000.0))), team),
        datetime(2026, 1, 5, 19, tzinfo=UTC),
    ),
    "freeze": (
        lambda team: approved(frozen(team, "2026-01-09T00:00:00+01:00"), team),
        datetime(2026, 1, 8, 23, tzinfo=UTC),
    ),
    "hold": (lambda team: approved(held(team, "2026-01-06T12:00"), team), datetime(2026, 1, 6, 12, tzinfo=UTC)),
}


def approved(promotion: str, team: Team) -> str:
    team.approve(promotion)
    return promotion


def frozen(team: Team, until: str) -> str:
    team.govern(replace(team.rules, freezes=(Freeze("2026-01-01T00:00:00+00:00", until, "year end", ("prod",)),)))
    team.release()
    return team.promote()


def held(team: Team, until: str) -> str:
    promotion = waiting(team)
    team.run(PutOnHold("not yet", "orders", "prod", until=until), "rita")
    return promotion


@pytest.mark.parametrize("what", OPENINGS)
def test_what_waited_for_a_date_starts_on_it_though_nobody_does_anything(team: Team, what: str) -> None:
    ask, opens = OPENINGS[what]
    promotion = ask(team)
    assert team.promotion(promotion).state is PromotionState.WAITING
    run_until(team, opens - timedelta(seconds=1))
    assert team.promotion(promotion).state is PromotionState.WAITING
    run_until(team, opens + timedelta(days=30))
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    started = [r for r in told(team, "deployment-started") if r.event.deployment.environment == "prod"]
    assert [datetime.fromisoformat(r.at) for r in started] == [opens]


@pytest.mark.parametrize("what", OPENINGS)
def test_what_opened_while_no_worker_ran_starts_when_one_comes(team: Team, what: str) -> None:
    ask, opens = OPENINGS[what]
    promotion = ask(team)
    team.clock.time = opens + timedelta(hours=1)
    work(team)
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


def everything_that_runs_out(team: Team) -> None:
    freeze = Freeze("2026-01-01T00:00:00+00:00", "2026-01-08T00:00:00+00:00", "year end", ("test",))
    gates = tuple(replace(g, quorum=2, max_age=86_400.0) if g.gate == "approval" else g for g in PROD_GATES)
    rules = with_prod(replace(team.rules, freezes=(freeze,)), gates=gates, waiver_roles=("release-manager",))
    team.govern(rules)
    team.release()
    team.prod.is_locked = False
    promotion = team.promote()
    team.run(Waive(promotion, "lock", reason="mended on Friday", until="2026-01-09"), "rita")
    team.approve(promotion)
    team.run(Delegate(to="bob", start="2026-01-01", until="2026-01-10", reason="away"), "ana")
    team.run(PutOnHold("not yet", "billing", until="2026-01-11"), "rita")


def test_everything_that_runs_out_is_told_once_whatever_happens_to_the_rows(team: Team) -> None:
    everything_that_runs_out(team)
    run_until(team, team.clock.time + timedelta(days=60))
    assert ran_out(team) == ["approval", "freeze", "waiver", "delegation", "hold"]
    with team.store.transaction() as transaction:
        transaction.connection.execute(delete(schedule))
    work(team)
    run_until(team, team.clock.time + timedelta(days=400))
    assert len(ran_out(team)) == 5, "the ledger remembers what it told, not the rows"
    assert team.store.audit() == ()


def test_everything_that_ran_out_while_no_worker_ran_is_told_once(team: Team) -> None:
    everything_that_runs_out(team)
    team.clock.move(days=60)
    for engine in (team.engine, team.another(holder="two")):
        plan_everywhere(engine, CALENDAR)
        plan_environment(engine, "prod")
        list(fire_due(engine, CALENDAR))
    assert sorted(ran_out(team)) == ["approval", "delegation", "freeze", "hold", "waiver"]


def test_a_hold_that_is_lifted_before_its_day_does_not_run_out(team: Team) -> None:
    from lampway.engine.stops import LiftHold

    team.run(PutOnHold("not yet", "orders", until="2026-01-06T12:00"), "rita")
    work(team)
    assert len(rows(team)) == 1
    team.run(LiftHold("orders"), "rita")
    work(team)
    assert rows(team) == []


@pytest.fixture
def reminding(team: Team) -> Team:
    team.govern(with_schedules(team.rules, remind=86_400.0))
    team.release()
    team.promote()
    return team


def test_who_may_approve_is_reminded_at_every_interval_until_somebody_has(reminding: Team) -> None:
    begin = reminding.clock.time
    run_until(reminding, begin + timedelta(days=3, hours=1))
    found = told(reminding, "reminded")
    assert [datetime.fromisoformat(r.at) for r in found] == [begin + timedelta(days=n) for n in (1, 2, 3)]
    assert all(r.event.people == ("ana", "bob", "max") for r in found)
    waits = found[0].event.promotion
    reminding.approve(waits)
    run_until(reminding, begin + timedelta(days=30))
    assert len(told(reminding, "reminded")) == 3
    assert rows(reminding) == []


def test_reminders_that_were_missed_are_told_once_and_the_next_one_comes_in_time(reminding: Team) -> None:
    begin = reminding.clock.time
    work(reminding)
    reminding.clock.move(days=5, hours=6)
    work(reminding)
    assert len(told(reminding, "reminded")) == 1
    run_until(reminding, begin + timedelta(days=6, hours=1))
    assert [r.event.due[:10] for r in told(reminding, "reminded")] == ["2026-01-10", "2026-01-11"]


def test_waiting_costs_nothing_in_between(reminding: Team) -> None:
    run_until(reminding, reminding.clock.time + timedelta(hours=1))
    before = len(reminding.kinds())
    assert run_until(reminding, reminding.clock.time + timedelta(hours=20)) == 0
    assert len(reminding.kinds()) == before


MINUTES = st.integers(0, 20_000)
BEGIN = datetime(2026, 3, 27, 9, tzinfo=UTC)


def at(minutes: int) -> str:
    return (BEGIN + timedelta(minutes=minutes)).isoformat(timespec="milliseconds")


@st.composite
def stages(draw: st.DrawFn) -> tuple[dict[str, Any], tuple[Freeze, ...], tuple[Hold, ...], tuple[Stay, ...]]:
    windows = draw(
        st.lists(
            st.builds(
                Window,
                st.lists(st.sampled_from(("mon", "fri", "sat", "sun")), min_size=1, unique=True).map(tuple),
                st.sampled_from(("01:30", "02:30", "03:00", "09:00")),
                st.sampled_from(("02:00", "04:00", "17:00")),
                st.sampled_from(("Europe/Berlin", "UTC", "America/New_York")),
            ),
            max_size=2,
        )
    )
    spans = draw(st.lists(st.tuples(MINUTES, MINUTES), max_size=2))
    freezes = tuple(Freeze(at(min(s)), at(max(s) + 1), "x") for s in spans)
    ends = draw(st.lists(MINUTES, max_size=2))
    holds = tuple(Hold(str(n), "orders", "prod", "x", "rita", at(0), until=at(end)) for n, end in enumerate(ends))
    since = draw(st.lists(MINUTES, max_size=1))
    soak = draw(st.sampled_from((0.0, 3_600.0, 200_000.0)))
    gates = (GateRule("soak", wait=soak), APPROVAL) if soak else (APPROVAL,)
    expires = draw(st.sampled_from((0.0, 86_400.0)))
    stage = {"windows": tuple(windows), "gates": gates, "expires": expires}
    return stage, freezes, holds, tuple(Stay("test", at(s)) for s in since)


@pytest.fixture(scope="module")
def facts(new_team: Team) -> Facts:
    """Return the facts of an approved promotion, to be changed at will."""
    team = new_team.copy()
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES, GateRule("soak", wait=1e9))))
    team.release("1.19")
    promotion = team.promote()
    team.run(Decide(promotion, approved=True), "ana")
    with team.store.reading() as reading:
        case = case_of(reading, team.promotion(promotion))
        assert case is not None
        found = gather(reading, case, team.engine.now())
    team.store.close()
    return found


@settings(max_examples=150, deadline=None)
@given(drawn=stages(), now=MINUTES, probes=st.lists(st.floats(0, 0.999999), min_size=3, max_size=3))
def test_until_the_next_change_nothing_opens_and_nothing_expires(
    facts: Facts, drawn: Any, now: int, probes: list[float]
) -> None:
    given_stage, freezes, holds, stays = drawn
    stage: Stage = replace(facts.stage, **given_stage)
    rules = with_prod(replace(facts.strategy, freezes=freezes), **given_stage)
    case = replace(
        facts, strategy=rules, stage=stage, holds=holds, stays=stays, now=at(now), requested_at=at(0), decisions=(
            *(replace(d, digest=facts.digest) for d in facts.decisions),
        )
    )  # fmt: skip
    if judge(case).allowed:
        return
    due = next_change(case)
    end = datetime.fromisoformat(due) if due else BEGIN + timedelta(days=60)
    span = end - datetime.fromisoformat(case.now)
    for part in probes:
        moment = (datetime.fromisoformat(case.now) + span * part).isoformat(timespec="milliseconds")
        then = judge(replace(case, now=moment))
        assert not then.allowed, (case.now, moment, due)
        assert ("expiry" in {g.gate for g in then.closed}) == ("expiry" in {g.gate for g in judge(case).closed})
