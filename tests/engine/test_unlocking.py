"""Opening an environment for a while: who may, and that it is locked again whatever goes wrong."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from glass import CALENDAR, HOUR, count, gates, tend, the_one, unlock, unlockable
from hypothesis import given, settings
from hypothesis import strategies as st
from team import Team

from lampway.domain.deployment import LockRecord
from lampway.domain.events import Actor
from lampway.domain.judgement import GateState
from lampway.domain.unlocking import UnlockState
from lampway.engine.due import RunDue
from lampway.engine.locks import LockEnvironment
from lampway.engine.permissions import require_permission
from lampway.engine.schedules import fire, fire_due, next_moment, plan_everywhere
from lampway.engine.unlock import ConfirmUnlock, ReviewUnlock, Unlock
from lampway.errors import LampwayError, NotFoundError, PlatformError, RefusedError, UsageError
from lampway.testing.world import CrashError, Fault

# Opening.


def test_one_person_opens_for_a_while_and_makers_can_save(glass: Team) -> None:
    opened = unlock(glass)
    assert opened.state is UnlockState.OPEN
    assert opened.until == (glass.clock.time + timedelta(hours=2)).isoformat(timespec="milliseconds")
    assert glass.prod.save("p2", does="times 2")
    assert "prod is unlocked until" in glass.get(LockRecord, "prod").summary
    assert glass.get(LockRecord, "prod").cure == "lampway lock prod"


def test_with_two_people_nothing_is_open_before_the_second_confirms(glass: Team) -> None:
    asked = unlock(glass, second="ana")
    assert (asked.state, glass.prod.is_locked) == (UnlockState.ASKED, True)
    glass.clock.move(minutes=50)
    opened = glass.run(ConfirmUnlock("prod"), "ana")
    assert (opened.confirmed, opened.needs_review, glass.prod.is_locked) == (True, False, False)
    assert opened.until == (glass.clock.time + timedelta(hours=2)).isoformat(timespec="milliseconds")
    glass.clock.move(hours=3)
    tend(glass)
    assert the_one(glass).state is UnlockState.CLOSED, "two people had a hand in it: nothing is left to review"


def test_only_whoever_was_asked_confirms_and_only_within_the_hour(glass: Team) -> None:
    unlock(glass, second="ana")
    for other in ("bob", "rita"):
        with pytest.raises(RefusedError):
            glass.run(ConfirmUnlock("prod"), other)
    glass.clock.move(hours=1)
    with pytest.raises(NotFoundError):
        glass.run(ConfirmUnlock("prod"), "ana")
    assert glass.prod.is_locked


@pytest.mark.parametrize(
    ("by", "words", "error", "said"),
    [
        ("rita", {"length": 4 * HOUR + 1}, UsageError, "for 4 h at most"),
        ("rita", {"length": 0.0}, UsageError, "for 4 h at most"),
        ("rita", {"reason": " "}, UsageError, "a reason is needed"),
        ("rita", {"environment": "dev"}, UsageError, "not to be locked"),
        ("rita", {"environment": "nowhere"}, NotFoundError, "nowhere"),
        ("rita", {"second": "rita"}, UsageError, "asks for it"),
        ("rita", {"second": "mia"}, UsageError, "cannot confirm it"),
        ("rita", {"second": "nobody"}, UsageError, "cannot confirm it"),
        ("mia", {}, RefusedError, "release-manager, platform-admin"),
        ("eve", {}, RefusedError, "nobody in people.yaml"),
    ],
)
def test_what_is_not_allowed_opens_nothing_and_leaves_no_trace(
    glass: Team, by: str, words: dict[str, Any], error: type[LampwayError], said: str
) -> None:
    before = glass.kinds()
    asked = {"environment": "prod", "reason": "it burns", "length": HOUR, **words}
    with pytest.raises(error, match=said):
        glass.run(Unlock(**asked), by)
    assert (glass.kinds(), glass.prod.is_locked) == (before, True)


def test_what_the_strategy_does_not_declare_is_not_done(shipped: Team) -> None:
    with pytest.raises(RefusedError, match="let nobody unlock prod") as caught:
        unlock(shipped)
    assert "unlock: {longest: 4h}" in caught.value.hint


def test_where_it_takes_two_people_one_is_refused(shipped: Team) -> None:
    team = unlockable(shipped, alone=False)
    with pytest.raises(RefusedError, match="takes two people") as caught:
        unlock(team)
    assert "--with PERSON: max, ana, bob, pam" in caught.value.hint
    unlock(team, second="pam")
    team.run(ConfirmUnlock("prod"), "pam")
    assert not team.prod.is_locked


def test_nobody_opens_alone_where_nobody_else_could_review_it(glass: Team) -> None:
    rules = glass.rules
    lonely = tuple(p for p in rules.people if p.id in ("mia", "rita"))
    glass.govern(replace(rules, people=lonely, second_person_applies=False))
    with pytest.raises(RefusedError, match="nobody else is here"):
        unlock(glass)


def test_a_platform_whose_lock_has_no_switch_is_refused_before_anything_is_recorded(glass: Team) -> None:
    glass.prod.has_lock_switch = False
    before = glass.kinds()
    with pytest.raises(RefusedError, match="its lock has no switch"):
        unlock(glass)
    assert glass.kinds() == before


def test_what_is_open_is_not_opened_once_more(glass: Team) -> None:
    unlock(glass)
    with pytest.raises(RefusedError, match="already: prod is unlocked until"):
        unlock(glass, "pam")


@pytest.mark.parametrize("request_", [Unlock("prod", "x", HOUR), ConfirmUnlock("prod"), ReviewUnlock("prod", "x")])
def test_the_door_lets_only_those_ask_whose_part_it_is(glass: Team, request_: Any) -> None:
    with pytest.raises(RefusedError):
        require_permission(glass.engine, request_, Actor("zoe", "test"))
    require_permission(glass.engine, LockEnvironment("prod"), Actor("zoe", "test"))


# Locking again.


def test_it_is_locked_again_when_its_time_is_over_and_not_before(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(hours=2, milliseconds=-1)
    assert tend(glass) == []
    assert not glass.prod.is_locked
    glass.clock.move(milliseconds=1)
    assert tend(glass) == [(True, "nothing was edited meanwhile")]
    assert (glass.prod.is_locked, the_one(glass).state) == (True, UnlockState.UNREVIEWED)
    assert glass.get(LockRecord, "prod").state == "locked"
    assert tend(glass) == []


def test_of_many_workers_one_locks_it(glass: Team) -> None:
    unlock(glass)
    plan_everywhere(glass.engine, CALENDAR)
    glass.clock.move(hours=2)
    with glass.store.reading() as reading:
        due = reading.due_by(glass.engine.now())
    locked = glass.prod.calls["set_lock"]
    others = [glass.another(holder=f"worker {n}") for n in range(4)]
    for row in due:
        for engine in others:
            fire(engine, CALENDAR, row)
    assert glass.prod.calls["set_lock"] == locked + 1
    assert count(glass, "relocked") == 1


def test_a_worker_that_is_at_it_is_left_to_it_and_taken_over_from_when_it_died(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(hours=2)
    second = glass.another(holder="two")
    seen: list[list[Any]] = []
    glass.prod.meanwhile(lambda: seen.append(tend(glass, second)), before="set_lock")
    glass.prod.fail(Fault.CRASH_AFTER, on="set_lock")
    with pytest.raises(CrashError):
        tend(glass)
    assert seen == [[]], "one is at it"
    assert tend(glass, second) == [], "it may still be"
    glass.clock.move(minutes=2)
    assert tend(glass, second) == [(True, "nothing was edited meanwhile")]
    assert count(glass, "relocked") == 1


def test_what_was_over_while_nobody_worked_is_locked_when_somebody_does(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(days=10)
    plan_everywhere(glass.engine, CALENDAR)
    assert next_moment(glass.engine) == 0
    assert [fired.row.kind for fired in fire_due(glass.engine, CALENDAR) if fired.row.kind == "relock"] == ["relock"]
    assert glass.prod.is_locked
    plan_everywhere(glass.engine, CALENDAR)
    assert "relock" not in [fired.row.kind for fired in fire_due(glass.engine, CALENDAR)]


def test_resume_locks_it_as_well_and_says_when_it_is_due(glass: Team) -> None:
    opened = unlock(glass)
    assert glass.run(RunDue()).next_at == opened.until
    glass.clock.move(hours=2)
    assert [r.locked for r in glass.run(RunDue()).relocked] == [True]


def test_a_platform_that_does_not_answer_is_tried_again_and_announced_once(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(hours=2)
    glass.prod.fail(Fault.UNREACHABLE, on="set_lock", times=3)
    tries = 0
    while not glass.prod.is_locked:
        tend(glass)
        assert tend(glass) == [], "not before its time"
        tries += 1
        glass.clock.move(seconds=5 * 2 ** (tries - 1))
    assert (tries, count(glass, "relock-failed"), count(glass, "relocked")) == (4, 1, 1)


def test_a_worker_locks_only_where_it_works_and_one_without_the_secret_leaves_it_to_the_next(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(hours=2)
    assert glass.run(RunDue(lanes=("test",))).relocked == ()
    bare = replace(glass.another(holder="bare"), secrets=without_secrets(glass))
    for _ in range(12):
        assert [locked for locked, _ in tend(glass, bare)] == [False]
        glass.clock.move(seconds=5)
    assert count(glass, "relock-failed") == 1
    assert [r.locked for r in glass.run(RunDue(lanes=("prod",))).relocked] == [True]


def without_secrets(team: Team) -> Any:
    """Return what resolves secrets in a process that has not been given any."""
    empty = type(team.vault)()
    empty.known = {}
    return empty


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.FALSE_YES, Fault.DENIED])
def test_what_the_platform_only_says_it_locked_stays_open_in_the_records(glass: Team, fault: Fault) -> None:
    unlock(glass)
    glass.clock.move(hours=2)
    glass.prod.fail(fault, on="set_lock")
    (told,) = tend(glass)
    assert not told[0]
    assert (the_one(glass).state, glass.prod.is_locked) == (UnlockState.OPEN, False)
    assert gates(glass)["break-glass"][0] is GateState.PENDING
    glass.clock.move(seconds=5)
    assert tend(glass)[0][0]
    assert "break-glass" not in gates(glass)


def test_it_is_locked_on_demand_before_its_time(glass: Team) -> None:
    unlock(glass)
    glass.prod.edit("p2", does="times 2")
    seen = glass.run(LockEnvironment("prod"), "ana")
    assert (seen.state, glass.prod.is_locked) == ("locked", True)
    assert "orders was edited" in seen.note
    assert the_one(glass).closed_by == "ana"
    glass.clock.move(hours=3)
    assert tend(glass) == []


def test_a_lock_that_cannot_be_set_on_demand_is_told_and_stays_open(glass: Team) -> None:
    unlock(glass)
    glass.prod.fail(Fault.UNREACHABLE, on="set_lock")
    seen = glass.run(LockEnvironment("prod"), "ana")
    assert seen.error
    assert not seen.is_well
    assert the_one(glass).is_open


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.REFUSED, Fault.UNREACHABLE])
def test_an_opening_that_did_not_come_about_is_locked_again_at_once(glass: Team, fault: Fault) -> None:
    glass.prod.fail(fault, on="set_lock")
    with pytest.raises(PlatformError):
        unlock(glass)
    assert (glass.prod.is_locked, the_one(glass).state) == (True, UnlockState.UNREVIEWED)
    assert [k for k in glass.kinds() if "lock" in k and k != "lock-observed"] == [
        "unlocked",
        "unlock-failed",
        "relocked",
    ]


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_whoever_dies_while_opening_leaves_what_is_locked_when_its_time_is_over(glass: Team, fault: Fault) -> None:
    glass.prod.fail(fault, on="set_lock")
    with pytest.raises(CrashError):
        unlock(glass)
    assert the_one(glass).is_open
    assert gates(glass)["break-glass"][0] is GateState.PENDING
    glass.clock.move(hours=2)
    assert tend(glass)[0][0]
    assert glass.prod.is_locked


@settings(max_examples=30, deadline=None)
@given(
    faults=st.lists(
        st.tuples(
            st.sampled_from([Fault.UNREACHABLE, Fault.REFUSED, Fault.FALSE_YES, Fault.CRASH_BEFORE, Fault.CRASH_AFTER]),
            st.sampled_from(["set_lock", "observe_lock", "observe"]),
        ),
        max_size=6,
    ),
    waits=st.lists(st.integers(1, 7200), min_size=1, max_size=8),
)
def test_whatever_goes_wrong_it_is_locked_in_the_end_and_recorded_once(
    team_that_shipped: Team, faults: list[tuple[Fault, str]], waits: list[int]
) -> None:
    team = unlockable(team_that_shipped.copy())
    unlock(team)
    for fault, method in faults:
        team.prod.fail(fault, on=method)
    for wait in (*waits, *(600 for _ in range(20))):
        team.clock.move(seconds=wait)
        try:
            tend(team)
        except CrashError:
            continue
        if the_one(team).state is not UnlockState.OPEN:
            assert team.prod.is_locked, "it is never recorded as locked before it is"
    team.clock.move(hours=3)
    for _ in range(20):
        team.clock.move(minutes=6)
        try:
            tend(team)
        except CrashError:
            continue
    assert team.prod.is_locked
    assert count(team, "relocked") == 1
    assert team.store.compare() == ()
    team.store.close()
