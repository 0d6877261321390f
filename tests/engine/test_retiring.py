"""Ending a solution: by several people, put aside, switched off, removed once; and reversible until the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from governing import RULES, SAID, governed, run_for, work
from team import PROD_GATES, MortalStore, Team, key_of, with_gates

from lampway.domain.certification import Certification
from lampway.domain.deployment import Deployment, Installation
from lampway.domain.events import ENGINE
from lampway.domain.kept import kept
from lampway.domain.keys import PersonKey
from lampway.domain.promotion import PromotionState
from lampway.domain.retirement import Retirement, RetirementState
from lampway.domain.switches import Switch
from lampway.engine.certify import Recertify
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.drift import RevertDrift, ScanDrift
from lampway.engine.due import RunDue, run_due
from lampway.engine.promote import Promote, Rollback
from lampway.engine.questions import ShowRetirements
from lampway.engine.rehearse import Rehearse
from lampway.engine.release import MakeRelease
from lampway.engine.retention import Retain
from lampway.engine.retire import ApproveRetirement, DraftConsent, Retire, UndoRetirement
from lampway.engine.schedules import fire_due, plan_everywhere
from lampway.engine.stops import LiftHold, PutOnHold
from lampway.errors import LampwayError, NotFoundError, RefusedError, UsageError
from lampway.runtime.timetable import CronCalendar
from lampway.testing.world import App, CrashError, Fault, Part

WHY = "nobody orders lamps any more"


@pytest.fixture
def ending(shipped: Team) -> Team:
    """Return a team in which the retirement of orders was asked for, and approved by somebody else."""
    shipped.govern(governed(shipped.rules, None))
    shipped.run(Recertify("orders"))
    shipped.do(Retire("orders", WHY))
    shipped.do(ApproveRetirement("orders"), "ana")
    return shipped


def retirement(team: Team) -> Retirement:
    return team.find(Retirement, newest_first=True)[0]


def assert_gone(team: Team) -> None:
    assert retirement(team).state is RetirementState.DONE
    assert (team.prod.apps, team.test.apps) == ({}, {})
    for world in (team.prod, team.test):
        assert [change[:2] for change in world.applied].count(("remove", "orders")) == 1
    assert team.find(Installation) == ()
    assert team.kinds().count("retirement-ended") == 1
    assert team.kinds().count("certificate-closed") == 1
    assert not team.find(Certification)[0].holds(team.engine.now())
    assert team.store.audit() == ()


def test_it_is_switched_off_at_once_and_removed_when_its_time_has_come(ending: Team) -> None:
    assert retirement(ending).state is RetirementState.WAITING
    assert not any(app.is_on for app in ending.prod.apps.values())
    assert ending.run(ScanDrift(("prod",)))[0].findings == ()
    run_for(ending, days=29)
    assert set(ending.prod.apps) == {"a1", "a2"}
    run_for(ending, days=2)
    assert_gone(ending)
    assert all(ending.promotion(key).state is PromotionState.SUCCEEDED for key in retirement(ending).removals)
    assert PromotionState.ROLLED_BACK not in {p.state for p in map(ending.promotion, _promotions(ending))}


def _promotions(team: Team) -> list[str]:
    return [r.event.promotion.id for r in team.store.events() if r.event.kind == "promotion-requested"]


def test_whoever_asks_does_not_approve(shipped: Team) -> None:
    shipped.do(Retire("orders", WHY), "max")
    with pytest.raises(RefusedError, match="somebody else approves") as caught:
        shipped.run(ApproveRetirement("orders"), "max")
    assert "ana, bob" in caught.value.hint
    with pytest.raises(RefusedError, match="may not approve"):
        shipped.run(ApproveRetirement("orders"), "rita")
    assert retirement(shipped).state is RetirementState.REQUESTED
    assert shipped.run(ShowRetirements())[0].missing == ("0 of 1 approvals; who may: ana, bob",)


def test_as_many_approve_as_production_asks_for(shipped: Team) -> None:
    two = tuple(replace(g, quorum=2) if g.gate == "approval" else g for g in PROD_GATES)
    shipped.govern(with_gates(shipped.rules, "prod", two))
    shipped.do(Retire("orders", WHY))
    shipped.do(ApproveRetirement("orders"), "ana")
    assert retirement(shipped).state is RetirementState.REQUESTED
    with pytest.raises(UsageError, match="already"):
        shipped.run(ApproveRetirement("orders"), "ana")
    shipped.do(ApproveRetirement("orders"), "bob")
    assert retirement(shipped).state is RetirementState.WAITING


def test_where_production_is_signed_only_a_signed_approval_counts(shipped: Team) -> None:
    signed = tuple(replace(g, signed=True) if g.gate == "approval" else g for g in PROD_GATES)
    keys = {name: (PersonKey(key_of(name).public, "2026-01-01"),) for name in ("ana", "bob")}
    people = tuple(replace(p, keys=keys.get(p.id, ())) for p in shipped.rules.people)
    shipped.govern(replace(with_gates(shipped.rules, "prod", signed), people=people))
    shipped.do(Retire("orders", WHY))
    shipped.do(ApproveRetirement("orders"), "ana")
    assert retirement(shipped).state is RetirementState.REQUESTED
    draft = shipped.run(DraftConsent("orders"), "bob")
    forged = key_of("max").sign(draft.statement.encode())
    with pytest.raises(RefusedError, match="not by a key of bob"):
        shipped.run(ApproveRetirement("orders", envelope=forged), "bob")
    shipped.do(ApproveRetirement("orders", envelope=key_of("bob").sign(draft.statement.encode())), "bob")
    assert retirement(shipped).state is RetirementState.WAITING
    assert retirement(shipped).consents[-1].key == key_of("bob").public


def test_a_team_of_one_decides_alone(shipped: Team) -> None:
    shipped.govern(replace(shipped.rules, people=tuple(p for p in shipped.rules.people if p.id == "mia")))
    assert shipped.do(Retire("orders", WHY)).state is RetirementState.WAITING


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (Retire("orders", " "), UsageError),
        (Retire("soup", WHY), NotFoundError),
        (Retire("billing", WHY), NotFoundError),
        (Retire("orders", WHY, "dev"), NotFoundError),
        (ApproveRetirement("orders"), NotFoundError),
        (UndoRetirement("orders", WHY), NotFoundError),
        (UndoRetirement("orders", ""), UsageError),
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    shipped: Team, request_: object, error: type[LampwayError]
) -> None:
    before = shipped.kinds()
    with pytest.raises(error) as caught:
        shipped.run(request_)
    assert caught.value.hint
    assert shipped.kinds() == before


def with_billing(team: Team) -> Team:
    """Let billing, which cannot do without orders, run in test."""
    needy = tuple(replace(s, depends_on={"orders": "1.0"}) if s.name == "billing" else s for s in team.rules.solutions)
    team.govern(replace(team.rules, solutions=needy))
    team.dev.draw(App("b1", "Billing", (Part("q1", "Send"),)), by="max@example.test")
    team.run(MakeRelease("billing"), "max")
    team.do(Promote("billing", "test"), "max")
    assert team.installed("test", "billing")
    return team


def test_it_is_refused_while_another_solution_there_needs_it(shipped: Team) -> None:
    team = with_billing(shipped)
    with pytest.raises(RefusedError, match="billing in test cannot do without orders") as caught:
        team.run(Retire("orders", WHY))
    assert "retire billing first" in caught.value.hint
    assert team.do(Retire("orders", WHY, "prod")).environment == "prod"


def test_whoever_came_to_need_it_meanwhile_keeps_it_from_being_removed(ending: Team) -> None:
    run_for(ending, days=10)
    team = with_billing(ending)
    run_for(team, days=25)
    assert retirement(team).state is RetirementState.WAITING
    assert "billing in test cannot do without it" in retirement(team).words
    assert set(team.test.apps) == {"a1", "a2", "b1"}
    team.do(Rollback("billing", "test", "it went wrong", remove=True), "rita")
    run_for(team, days=2)
    assert_gone(team)


def test_in_one_environment_it_goes_on_in_the_others(shipped: Team) -> None:
    shipped.do(Retire("orders", WHY, "prod"))
    shipped.do(ApproveRetirement("orders", "prod"), "ana")
    run_for(shipped, days=31)
    assert retirement(shipped).state is RetirementState.DONE
    assert shipped.prod.apps == {}
    assert all(app.is_on for app in shipped.test.apps.values())
    release = shipped.release("2.00")
    shipped.promote("test", release.name)
    assert shipped.running("test") == release.version
    with pytest.raises(RefusedError, match="was retired"):
        shipped.run(Promote(release.name, "prod"))


def test_while_it_ends_and_after_nothing_brings_it_back_but_taking_it_back(ending: Team) -> None:
    ending.prod.edit("p2", does="times 9")
    ending.run(ScanDrift(("prod",)))
    for request in (
        Promote("orders", "test"),
        Rollback("orders", "prod", "again"),
        RevertDrift("orders", "prod", "again"),
        Rehearse("orders"),
    ):
        with pytest.raises(RefusedError, match="is switched off and is removed") as caught:
            ending.run(request)
        assert caught.value.hint == "lampway retire orders --undo --reason '...'"
    with pytest.raises(RefusedError, match="is switched off"):
        ending.run(Recertify("orders"))
    run_for(ending, days=31)
    with pytest.raises(RefusedError, match="orders was retired on") as caught:
        ending.run(Promote("orders", "test"))
    assert "kept" in caught.value.hint


def test_what_waited_to_be_deployed_is_aborted(shipped: Team) -> None:
    promotion = shipped.promote("prod", shipped.release("2.00").name)
    shipped.do(Retire("orders", WHY), "max")
    shipped.do(ApproveRetirement("orders"), "bob")
    assert shipped.promotion(promotion).state is PromotionState.ABORTED


def test_taken_back_it_runs_again(ending: Team) -> None:
    run_for(ending, days=20)
    with pytest.raises(RefusedError, match="neither asked"):
        ending.run(UndoRetirement("orders", "no"), "zoe")
    ending.do(UndoRetirement("orders", "the desk does need it"), "mia")
    assert retirement(ending).state is RetirementState.UNDONE
    assert all(app.is_on for app in ending.prod.apps.values())
    run_for(ending, days=60)
    assert ending.running("prod") == "1.0.1"
    assert ending.do(Promote("orders", "prod")).already == ("test", "prod")


def test_taken_back_half_way_what_was_removed_comes_back_as_it_was(ending: Team) -> None:
    """Production is on hold when its time comes: only test is empty, and all of it comes back."""
    before = ending.installed("test")
    ending.run(PutOnHold("the year is closed", environment="prod"), "rita")
    run_for(ending, days=31)
    assert (ending.test.apps, set(ending.prod.apps)) == ({}, {"a1", "a2"})
    assert retirement(ending).state is RetirementState.REMOVING
    ending.do(UndoRetirement("orders", "not yet"), "mia")
    ending.do(LiftHold(environment="prod"), "rita")
    work(ending)
    after = ending.installed("test")
    assert (after.release, after.configuration) == (before.release, before.configuration)
    assert all(app.is_on for app in (*ending.prod.apps.values(), *ending.test.apps.values()))
    assert ending.running("prod") == "1.0.1"


def test_a_removal_that_fails_is_tried_again_the_next_day(ending: Team) -> None:
    ending.prod.fail(Fault.REFUSED)
    run_for(ending, days=30, hours=1)
    assert retirement(ending).state is RetirementState.WAITING
    assert "removing it from prod is failed" in retirement(ending).note
    run_for(ending, days=1)
    assert_gone(ending)


def test_evidence_and_the_last_package_are_kept_for_good(ending: Team) -> None:
    run_for(ending, days=31)
    archive = retirement(ending).archive
    assert len(archive) == 2
    content = ending.packages.get(archive[1]).decode()
    assert content.startswith("LAMPWAY EVIDENCE for orders@1.0.1")
    assert set(archive) <= set(kept(ending.store.events()))
    ending.govern(replace(ending.rules, retention=86_400.0))
    ending.clock.move(days=2000)
    ending.run(Retain(apply=True), "rita")
    assert all(ending.packages.has(digest) for digest in archive)


@pytest.fixture(scope="module")
def due(team_that_shipped: Team) -> Iterator[Team]:
    """Return a team whose retirement's time has come this moment."""
    team = team_that_shipped.copy()
    team.govern(governed(team.rules, None))
    team.run(Recertify("orders"))
    team.do(Retire("orders", WHY))
    team.do(ApproveRetirement("orders"), "ana")
    team.clock.move(days=30)
    plan_everywhere(team.engine, CronCalendar())
    yield team
    team.store.close()


def go_on(team: Team, store: object = None) -> None:
    """Do what one worker does until nothing more is due."""
    engine = team.another(store) if store else team.another(holder="two")
    plan_everywhere(engine, CronCalendar())
    list(fire_due(engine, CronCalendar()))
    for _ in range(2):
        for name in environments_with_work(engine):
            drain(engine, name)
    run_due(engine, RunDue(), ENGINE)


def test_a_process_that_dies_at_any_point_of_removing_is_taken_over(due: Team) -> None:
    counting = due.copy()
    store = MortalStore(counting.store)
    go_on(counting, store)
    assert_gone(counting)
    points = len(store.points)
    assert points > 40
    for point in range(1, points + 1):
        team = due.copy()
        with pytest.raises(CrashError):
            go_on(team, MortalStore(team.store, point))
        go_on(team)
        assert_gone(team)
        team.store.close()


@pytest.mark.parametrize("point", range(1, 30))
def test_a_process_that_dies_while_it_begins_leaves_nothing_by_halves(shipped: Team, point: int) -> None:
    shipped.do(Retire("orders", WHY))
    engine, living = shipped.engine, True
    shipped.engine = shipped.another(MortalStore(shipped.store, point))
    try:
        shipped.do(ApproveRetirement("orders"), "ana")
    except CrashError:
        living = False
    shipped.engine = engine
    if retirement(shipped).state is RetirementState.REQUESTED:
        assert all(app.is_on for app in shipped.prod.apps.values())
        shipped.do(ApproveRetirement("orders"), "ana")
    work(shipped)
    assert living or point < 30
    assert retirement(shipped).state is RetirementState.WAITING
    assert [s.state for s in shipped.find(Switch)] == ["off", "off"]
    assert sorted(shipped.prod.switched) == [("a1", False), ("a2", False)]
    assert shipped.store.audit() == ()


def test_a_retirement_that_nobody_answered_for_still_needs_people(shipped: Team) -> None:
    shipped.govern(governed(shipped.rules, RULES))
    run_for(shipped, days=180)
    assert retirement(shipped).requested_by == "lampway"
    run_for(shipped, days=200)
    assert shipped.running("prod") == "1.0.1"
    shipped.do(ApproveRetirement("orders"), "ana")
    run_for(shipped, days=31)
    assert shipped.prod.apps == {}
    assert retirement(shipped).state is RetirementState.DONE
    assert len(shipped.find(Deployment, environment="prod")) == 3


def test_an_answer_does_not_undo_what_people_asked_for(shipped: Team) -> None:
    shipped.govern(governed(shipped.rules, RULES))
    run_for(shipped, days=28)
    shipped.do(Retire("orders", WHY), "max")
    with pytest.raises(RefusedError, match="waits for approval"):
        shipped.run(Recertify("orders", **SAID))


def test_taken_back_when_its_owner_no_longer_is_asked_it_runs_again(shipped: Team) -> None:
    """Switched off for want of an answer, then not needed, then needed after all."""
    shipped.govern(governed(shipped.rules, RULES))
    run_for(shipped, days=28 + 59 + 1)
    assert not any(app.is_on for app in shipped.prod.apps.values())
    shipped.do(Recertify("orders", needed=False, reason="it is old"))
    shipped.do(ApproveRetirement("orders"), "ana")
    shipped.do(UndoRetirement("orders", "it is needed"), "ana")
    assert all(app.is_on for app in (*shipped.prod.apps.values(), *shipped.test.apps.values()))
    assert shipped.do(Promote("orders", "prod")).already == ("test", "prod")
    release = shipped.release("2.00")
    shipped.promote("test", release.name)
    assert shipped.running("test") == release.version


def test_a_place_may_be_named_by_its_stage(shipped: Team) -> None:
    (path,) = shipped.rules.pipelines
    renamed = tuple(replace(s, name="live") if s.name == "prod" else s for s in path.stages)
    shipped.govern(replace(shipped.rules, pipelines=(replace(path, stages=renamed),)))
    assert shipped.do(Retire("orders", WHY, "live")).environment == "prod"
    assert shipped.do(ApproveRetirement("orders", "live"), "ana").state is RetirementState.WAITING
    shipped.do(UndoRetirement("orders", "no", "prod"))
    assert retirement(shipped).state is RetirementState.UNDONE
