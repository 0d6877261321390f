"""Break-glass: a locked environment is opened by people who may, for a while, and is locked again by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from team import APPROVAL, PROD_GATES, Team, key_of, with_gates
from test_evidence import faults, forge, without
from test_proof_offline import body
from test_signed_decisions import sign

from lampway.domain.deployment import DriftFinding, LockRecord
from lampway.domain.events import Actor
from lampway.domain.judgement import GateState
from lampway.domain.keys import PersonKey
from lampway.domain.notify import Channel, Notify, Route
from lampway.domain.promotion import PromotionState
from lampway.domain.schedules import DriftSchedule, Schedules
from lampway.domain.strategy import Strategy, Tier
from lampway.domain.unlocking import Unlocking, UnlockRule, UnlockState
from lampway.engine.deliver import ShowNotices
from lampway.engine.drift import AcceptDrift, RevertDrift, ScanDrift
from lampway.engine.due import RunDue
from lampway.engine.evidence import ExportEvidence
from lampway.engine.locks import LockEnvironment, LockHistory, LookAtLocks, ShowLocks
from lampway.engine.permissions import require_permission
from lampway.engine.promote import Promote, Rollback
from lampway.engine.readiness import ShowReadiness
from lampway.engine.relock import tend_unlockings
from lampway.engine.schedules import fire, fire_due, next_moment, plan_everywhere
from lampway.engine.unlock import ConfirmUnlock, DraftUnlockWord, ReviewUnlock, Unlock
from lampway.engine.views import Explain, Status
from lampway.errors import LampwayError, NotFoundError, PlatformError, RefusedError, UnsignedError, UsageError
from lampway.runtime.timetable import CronCalendar
from lampway.testing.world import App, CrashError, Fault, Part

CALENDAR = CronCalendar()
HOUR = 3600.0
LABEL = "PROD, locked: use lampway"
CHAT = Notify((Channel("chat", apprise="env:CHAT"),), (Route(("chat",)),))


def with_prod_tier(rules: Strategy, **given: Any) -> Strategy:
    return replace(rules, tiers=(*rules.tiers[:-1], Tier("prod", locked=True, **given)))


def unlockable(team: Team, *, alone: bool = True, longest: float = 4 * HOUR) -> Team:
    team.govern(with_prod_tier(team.rules, unlock=UnlockRule(longest, alone)))
    return team


@pytest.fixture
def glass(shipped: Team) -> Iterator[Team]:
    """Return a team with orders in production that may unlock it for four hours, one person alone."""
    return unlockable(shipped)


def unlock(team: Team, by: str = "rita", *, hours: float = 2, **more: Any) -> Unlocking:
    return team.run(Unlock("prod", "the warehouse stands still", hours * HOUR, **more), by)


def the_one(team: Team) -> Unlocking:
    return team.find(Unlocking)[-1]


def gates(team: Team) -> dict[str, tuple[GateState, str]]:
    return {g.gate: (g.state, g.reason) for g in team.run(Explain("orders", "prod")).gates}


def tend(team: Team, engine: Any = None) -> list[tuple[bool, str]]:
    return [(r.locked, r.note) for r in tend_unlockings(engine or team.engine)[0]]


def count(team: Team, kind: str) -> int:
    return team.kinds().count(kind)


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


# What was edited meanwhile.


def test_what_was_edited_meanwhile_is_found_right_after_and_blocks_until_dealt_with(glass: Team) -> None:
    promotion = _asked(glass)
    unlock(glass)
    assert glass.prod.save("p2", does="times 2")
    glass.clock.move(hours=2)
    glass.settle()
    assert the_one(glass).state is UnlockState.UNREVIEWED
    assert "orders was edited" in the_one(glass).note
    (finding,) = glass.find(DriftFinding, environment="prod")
    assert finding.state == "open"
    assert gates(glass)["drift"][0] is GateState.FAILED
    assert glass.promotion(promotion).state is PromotionState.WAITING
    glass.do(AcceptDrift("orders", "prod", "known"), "rita")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def test_what_was_drawn_anew_in_no_solution_is_named(glass: Team) -> None:
    unlock(glass)
    glass.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    glass.clock.move(hours=2)
    assert tend(glass) == [(True, "new, and in no solution: Private tool")]


def _asked(team: Team) -> str:
    """Return a promotion to production that was approved and waits, because of a hole in the lock."""
    team.release("1.10")
    promotion = team.promote()
    team.prod.is_locked = False
    team.run(LookAtLocks(), "rita")
    team.approve(promotion)
    team.prod.is_locked = True
    return promotion


# While it is open.


def test_nothing_goes_forward_while_it_is_open_not_even_with_the_lock_gate_waived(glass: Team) -> None:
    glass.govern(replace(glass.rules, pipelines=_without_lock_gate(glass.rules)))
    glass.release("1.10")
    unlock(glass)
    promotion = glass.promote()
    glass.approve(promotion)
    assert gates(glass)["break-glass"][0] is GateState.PENDING
    assert glass.promotion(promotion).state is PromotionState.WAITING
    assert glass.running("prod") == "1.0.1"
    glass.do(LockEnvironment("prod"), "ana")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def _without_lock_gate(rules: Strategy) -> tuple[Any, ...]:
    (path,) = rules.pipelines
    bare = tuple(replace(s, gates=tuple(g for g in s.gates if g.gate != "lock")) for s in path.stages)
    return (replace(path, stages=bare),)


def test_going_back_goes_on_while_it_is_open(glass: Team) -> None:
    unlock(glass)
    glass.do(Rollback("orders", "prod", "it burns"), "rita")
    assert glass.running("prod") == "1.0.0"


def test_the_record_is_not_deployed_over_what_is_being_edited(glass: Team) -> None:
    unlock(glass)
    glass.prod.edit("p2", does="times 2")
    glass.run(ScanDrift(("prod",)))
    (redeploy,) = glass.do(RevertDrift("orders", "prod"), "rita")
    assert glass.promotion(redeploy).state is PromotionState.WAITING
    glass.clock.move(hours=2)
    glass.settle()
    assert glass.promotion(redeploy).state is PromotionState.SUCCEEDED
    assert glass.price_in(glass.prod) == "1.16"


def test_other_environments_go_on(glass: Team) -> None:
    unlock(glass)
    glass.release("1.10")
    glass.do(Promote("orders", "test"))
    assert glass.running("test") == "1.0.2"


# The review.


def test_what_nobody_else_reviewed_within_a_day_closes_the_gates_until_somebody_does(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(hours=2)
    tend(glass)
    glass.clock.move(hours=22, milliseconds=-1)
    assert "break-glass" not in gates(glass)
    glass.clock.move(milliseconds=1)
    state, reason = gates(glass)["break-glass"]
    assert (state, "nobody has reviewed that prod was unlocked" in reason) == (GateState.FAILED, True)
    with pytest.raises(RefusedError, match="somebody else reviews"):
        glass.run(ReviewUnlock("prod", "looks fine"), "rita")
    with pytest.raises(UsageError):
        glass.run(ReviewUnlock("prod", " "), "ana")
    reviewed = glass.run(ReviewUnlock("prod", "read the diff, nothing was edited"), "ana")
    assert (reviewed.state, reviewed.reviewed_by) == (UnlockState.CLOSED, "ana")
    assert "break-glass" not in gates(glass)
    with pytest.raises(NotFoundError):
        glass.run(ReviewUnlock("prod", "once more"), "bob")


def test_a_review_while_it_is_open_leaves_it_open_and_closes_it_for_good(glass: Team) -> None:
    unlock(glass)
    glass.run(ReviewUnlock("prod", "sat beside her"), "ana")
    assert the_one(glass).is_open
    assert not glass.prod.is_locked
    glass.clock.move(hours=2)
    tend(glass)
    assert the_one(glass).state is UnlockState.CLOSED


def test_a_missing_review_waits_as_a_promotion_and_goes_on_when_it_is_there(glass: Team) -> None:
    unlock(glass)
    glass.do(LockEnvironment("prod"), "rita")
    glass.clock.move(days=2)
    glass.release("1.10")
    promotion = glass.promote()
    glass.approve(promotion)
    assert glass.promotion(promotion).state is PromotionState.WAITING
    glass.do(ReviewUnlock("prod", "fine"), "ana")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def test_a_review_that_does_not_come_is_told_once(glass: Team) -> None:
    unlock(glass)
    for _ in range(30):
        plan_everywhere(glass.engine, CALENDAR)
        list(fire_due(glass.engine, CALENDAR))
        glass.clock.move(hours=2)
    ended = [r.event.what for r in glass.store.events() if r.event.kind == "ran-out"]
    assert ended == ["unlock-review"]


def test_each_unlocking_is_reviewed_by_itself_the_first_one_first(glass: Team) -> None:
    first = unlock(glass)
    glass.run(LockEnvironment("prod"), "rita")
    second = unlock(glass, "pam")
    assert glass.run(ReviewUnlock("prod", "fine"), "ana").id == first.id
    assert glass.run(ReviewUnlock("prod", "fine"), "rita").id == second.id
    assert not any(one.needs_review for one in glass.find(Unlocking))


# Signed, where the path there asks for signatures.


@pytest.fixture
def signing(glass: Team) -> Team:
    """Return a team whose approvals for production are signed, and in which everybody has a key."""
    gates = (*PROD_GATES[:-1], replace(APPROVAL, signed=True))
    keyed = tuple(replace(p, keys=(PersonKey(key_of(p.id).public, "2026-01-01"),)) for p in glass.rules.people)
    glass.govern(replace(with_gates(glass.rules, "prod", gates), people=keyed))
    return glass


def say(team: Team, request: Any, by: str, key: str = "") -> Any:
    """Give a word with the signature of whoever gives it, or with somebody else's."""
    draft = team.run(DraftUnlockWord(request.environment, getattr(request, "note", "")), by)
    assert key_of(by).public in draft.keys
    return team.run(replace(request, envelope=key_of(key or by).sign(draft.statement.encode())), by)


def test_the_word_of_the_second_person_counts_only_signed_where_approvals_do(signing: Team) -> None:
    unlock(signing, second="ana")
    before = signing.kinds()
    with pytest.raises(UnsignedError, match="only what is signed counts"):
        signing.run(ConfirmUnlock("prod"), "ana")
    with pytest.raises(RefusedError, match="not by a key of"):
        say(signing, ConfirmUnlock("prod"), "ana", key="rita")
    assert (signing.kinds(), signing.prod.is_locked) == (before, True)
    opened = say(signing, ConfirmUnlock("prod"), "ana")
    assert (opened.is_open, opened.key, signing.prod.is_locked) == (True, key_of("ana").public, False)


def test_a_review_is_signed_as_well_and_neither_can_be_changed_afterwards(signing: Team) -> None:
    unlock(signing, second="ana")
    say(signing, ConfirmUnlock("prod"), "ana")
    signing.run(LockEnvironment("prod"), "rita")
    unlock(signing)
    signing.run(LockEnvironment("prod"), "rita")
    with pytest.raises(UnsignedError):
        signing.run(ReviewUnlock("prod", "fine"), "bob")
    say(signing, ReviewUnlock("prod", "read the diff"), "bob")
    signing.release("1.10")
    signing.do(sign(signing, signing.promote(), "ana"), "ana")
    assert signing.running("prod") == "1.0.2"
    data = signing.run(ExportEvidence("orders"), "zoe").content.encode()
    people = signing.rules.people
    assert faults(data, people) == []
    for change in (
        body("unlocked", "unlocking", reason="nothing"),
        body("unlocked", "unlocking", second="bob"),
        lambda row, old: {**old, "note": "looks fine"} if row.kind == "unlock-reviewed" else old,
        lambda row, old: {**old, "attestation": "", "key": ""} if row.kind == "unlock-reviewed" else old,
    ):
        said = "\n".join(c.reason for c in faults(forge(data, change), people))
        assert "is not what they signed" in said or "signed what is not recorded" in said


def test_what_people_sign_about_an_unlocking_is_what_its_schema_says(signing: Team) -> None:
    unlock(signing, second="ana")
    draft = json.loads(signing.run(DraftUnlockWord("prod"), "ana").statement)
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/unlock.v1.schema.json").read_text())
    assert set(draft["predicate"]) == set(schema["required"]) == set(schema["properties"])
    assert draft["predicate"]["word"] in schema["properties"]["word"]["enum"]
    assert (draft["predicateType"], draft["predicate"]["seconds"]) == (schema["$id"], 7200)


# Seen everywhere.


def test_it_shows_in_status_readiness_and_the_list_of_locks(glass: Team) -> None:
    glass.run(LookAtLocks())
    score = _readiness(glass)
    assert score[0] == 1.0
    unlock(glass)
    (line,) = {line for cell in glass.run(Status()) for line in cell.lock if "is unlocked" in line}
    assert "by rita: the warehouse stands still" in line
    assert _readiness(glass)[0] == 0.0
    (prod,) = [seen for seen in glass.run(ShowLocks()) if seen.environment == "prod"]
    assert any("somebody reviews that prod was unlocked" in words for words in prod.remarks)
    glass.run(LockEnvironment("prod"), "ana")
    assert _readiness(glass)[0] == 1.0
    glass.clock.move(days=2)
    assert _readiness(glass) == (0.0, "lampway unlock prod --review '...'")


def _readiness(team: Team, item: str = "prod-locked") -> tuple[float, str]:
    found = next(line for line in team.run(ShowReadiness()).items if line.item == item)
    return found.score, found.next


def test_the_history_says_when_what_was_seen_and_by_whom(glass: Team) -> None:
    glass.run(LookAtLocks(), "pam")
    unlock(glass)
    glass.clock.move(hours=2)
    tend(glass)
    glass.run(ReviewUnlock("prod", "fine"), "ana")
    lines = glass.run(LockHistory("prod"))
    told = [(line.by, line.kind, line.state) for line in lines if line.seq > lines[-1].seq - 9]
    assert told == [
        ("pam", "lock-observed", "locked"),
        ("rita", "unlocked", ""),
        ("rita", "lock-observed", "open"),
        ("lampway", "lock-observed", "locked"),
        ("lampway", "relocked", ""),
        ("ana", "unlock-reviewed", ""),
    ]
    assert [line.at for line in lines] == sorted(line.at for line in lines)
    assert len(glass.run(LockHistory("prod", limit=2))) == 2
    assert [line for line in glass.run(LockHistory("test")) if line.kind != "lock-observed"] == []


def test_all_that_must_be_locked_is_looked_at_and_one_that_does_not_answer_holds_up_no_other(glass: Team) -> None:
    tiers = (Tier("dev"), Tier("test", locked=True), glass.rules.tiers[-1])
    glass.govern(replace(glass.rules, tiers=tiers))
    glass.test.fail(Fault.UNREACHABLE, on="observe_lock")
    seen = {one.environment: (one.state, bool(one.error), one.is_well) for one in glass.run(LookAtLocks())}
    assert seen == {"test": ("never", True, False), "prod": ("locked", False, True)}


def test_locks_are_looked_at_by_the_clock_once_over_all_workers(glass: Team) -> None:
    hourly = Schedules(lock=(DriftSchedule("0 * * * *", "UTC"),))
    glass.govern(replace(glass.rules, schedules=hourly))
    plan_everywhere(glass.engine, CALENDAR)
    looks = glass.prod.calls["observe_lock"]
    second = glass.another(holder="two")
    for _ in range(24):
        glass.clock.move(hours=1)
        list(fire_due(glass.engine, CALENDAR))
        list(fire_due(second, CALENDAR))
        plan_everywhere(second, CALENDAR)
    assert glass.prod.calls["observe_lock"] == looks + 24
    glass.prod.is_locked = False
    glass.clock.move(hours=1)
    list(fire_due(second, CALENDAR))
    assert gates(glass)["lock"][0] is GateState.FAILED, "seen open by the clock alone"
    assert any("prod is open" in words for cell in glass.run(Status()) for words in cell.lock)


def test_what_was_locked_when_it_was_asked_for_is_looked_at_again_before_it_starts(glass: Team) -> None:
    glass.release("1.10")
    promotion = glass.promote()
    looks = glass.prod.calls["observe_lock"]
    glass.clock.move(days=3)
    glass.prod.is_locked = False
    glass.approve(promotion)
    assert glass.promotion(promotion).state is PromotionState.WAITING
    assert gates(glass)["lock"][0] is GateState.FAILED
    assert glass.prod.calls["observe_lock"] == looks + 1
    glass.do(LockEnvironment("prod"), "rita")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def test_a_lock_that_was_just_seen_is_not_looked_at_again(glass: Team) -> None:
    glass.release("1.10")
    promotion = glass.promote()
    looks = glass.prod.calls["observe_lock"]
    glass.clock.move(minutes=30)
    glass.approve(promotion)
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED
    assert glass.prod.calls["observe_lock"] == looks


def test_a_lock_that_somebody_else_opened_is_set_on_demand(glass: Team) -> None:
    glass.prod.is_locked = False
    assert glass.run(LockEnvironment("prod"), "ana").state == "locked"
    assert glass.prod.is_locked
    glass.prod.is_locked = False
    glass.prod.has_lock_switch = False
    seen = glass.run(LockEnvironment("prod"), "ana")
    assert (seen.state, seen.note) == ("open", "its lock has no switch")


def test_an_environment_that_needs_no_lock_is_only_looked_at(glass: Team) -> None:
    glass.run(LockEnvironment("dev"), "ana")
    assert not glass.dev.is_locked


# Told.


def test_everybody_concerned_is_told_of_every_turn_it_takes(glass: Team) -> None:
    glass.vault.known["env:CHAT"] = "json://chat.example/pass-word"
    glass.govern(replace(glass.rules, notify=CHAT))
    glass.run(LookAtLocks())
    unlock(glass, second="ana")
    glass.run(ConfirmUnlock("prod"), "ana")
    glass.clock.move(hours=2)
    glass.prod.fail(Fault.UNREACHABLE, on="set_lock")
    tend(glass)
    glass.clock.move(hours=1)
    tend(glass)
    found = [(one.kind, one.people, one.title) for one in glass.run(ShowNotices())]
    assert [kind for kind, _, _ in found] == ["unlocked"] * 4, "that it is open is told as what it is, and once"
    assert [set(people) for _, people, _ in found] == [{"ana"}, *[{"rita", "ana"}] * 3]
    assert [title.partition(" until")[0] for _, _, title in found] == [
        "confirm that prod is unlocked",
        "prod is unlocked",
        "prod could not be locked again",
        "prod is locked again",
    ]


# Proved offline.


def test_what_was_unlocked_is_judged_again_from_the_evidence_file(glass: Team) -> None:
    unlock(glass)
    glass.do(LockEnvironment("prod"), "rita")
    glass.ship("1.10")
    data = glass.run(ExportEvidence("orders"), "zoe").content.encode()
    assert faults(data) == []
    without_review = "\n".join(c.reason for c in faults(forge(data, without("unlocked"))))
    assert "never recorded" in without_review
    still_open = "\n".join(c.reason for c in faults(forge(data, without("relocked"))))
    assert "break-glass" in still_open, "nothing may have entered an open environment"


def test_records_folded_anew_are_those_that_stand(glass: Team) -> None:
    unlock(glass, second="ana")
    unlock(glass)
    glass.prod.fail(Fault.UNREACHABLE, on="set_lock")
    glass.clock.move(hours=2)
    for _ in range(2):
        tend(glass)
        glass.clock.move(minutes=1)
    glass.run(ReviewUnlock("prod", "fine"), "ana")
    assert [one.state for one in glass.find(Unlocking)] == ["asked", "closed"]
    assert glass.store.compare() == ()


# Labels.


def labelled(team: Team) -> Team:
    team.govern(with_prod_tier(team.rules, label=LABEL))
    return team


def test_a_missing_label_is_a_finding_that_blocks_nothing_and_is_set_on_demand(shipped: Team) -> None:
    team = labelled(shipped)
    team.run(LookAtLocks())
    assert f"no label: {LABEL!r}" in team.get(LockRecord, "prod").mislabelled
    (scanned,) = team.run(ScanDrift(("prod",)))
    assert scanned.mislabelled
    assert _readiness(team, "separate-environments")[1] == "lampway lock prod"
    assert any("no label" in words for cell in team.run(Status()) for words in cell.lock)
    team.ship("1.10")
    assert team.run(LockEnvironment("prod"), "pam").mislabelled == ""
    assert (team.prod.label, team.get(LockRecord, "prod").label) == (LABEL, LABEL)
    assert not any(cell.lock for cell in team.run(Status()))


def test_a_wrong_label_is_told_with_both_texts_and_more_around_it_is_fine(shipped: Team) -> None:
    team = labelled(shipped)
    team.prod.label = "TEST"
    team.run(LookAtLocks())
    assert team.get(LockRecord, "prod").mislabelled == f"people there see 'TEST' where its tier asks for {LABEL!r}"
    team.prod.label = f"Node {LABEL} (eu)"
    team.run(LookAtLocks())
    assert team.get(LockRecord, "prod").mislabelled == ""


def test_a_label_that_cannot_be_set_or_seen_is_told_and_the_lock_still_seen(shipped: Team) -> None:
    team = labelled(shipped)
    team.prod.fail(Fault.REFUSED, on="set_label")
    seen = team.run(LockEnvironment("prod"), "pam")
    assert (seen.state, bool(seen.mislabelled), bool(seen.note)) == ("locked", True, True)
    team.prod.fail(Fault.UNREACHABLE, on="read_label")
    team.run(LookAtLocks())
    assert team.get(LockRecord, "prod").mislabelled.startswith("its label cannot be seen")


def test_label_and_break_glass_rules_void_no_promotion(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.govern(with_prod_tier(team.rules, label=LABEL, unlock=UnlockRule(HOUR)))
    team.settle()
    assert team.promotion(promotion).state is PromotionState.WAITING
