"""Rehearsing: the upgrade and the way back on the very pair of releases, by deployments like any other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from team import APPROVAL, MortalStore, Team, environment, with_environment, with_gates

from lampway.domain.deployment import CheckOutcome, Deployment
from lampway.domain.health import WatchRule
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.rehearsal import RehearsalRun, RunState
from lampway.domain.strategy import GateRule
from lampway.engine.audit import Audit
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.drift import ScanDrift
from lampway.engine.due import RunDue
from lampway.engine.ports import CheckResult
from lampway.engine.promote import Abort, Promote, Rollback
from lampway.engine.rehearse import RehearsalView, Rehearse, ShowRehearsal
from lampway.engine.rollbackplan import PlanRollback
from lampway.errors import NotFoundError, RefusedError
from lampway.testing.world import CrashError, Fault


@pytest.fixture
def upgrading(shipped: Team) -> Team:
    """Return a team with 1.0.1 in production and test, and 1.0.2 sealed."""
    shipped.release("1.10")
    return shipped


def rehearse(team: Team, release: str = "orders", **more: str) -> RehearsalRun:
    run = team.do(Rehearse(release, **more))
    return shown(team, run).run


def shown(team: Team, run: str) -> RehearsalView:
    view = team.run(ShowRehearsal(run))
    assert isinstance(view, RehearsalView)
    return view


def deployed(team: Team) -> list[tuple[DeploymentKind, str]]:
    """Return what was deployed to test for a rehearsal, in order."""
    ours = {p.id for p in team.find(Promotion) if p.rehearsal}
    return [(d.kind, d.version) for d in team.find(Deployment, environment="test") if d.promotion in ours]


F, B = DeploymentKind.FORWARD, DeploymentKind.ROLLBACK


def test_it_upgrades_goes_back_and_leaves_the_candidate_verified(upgrading: Team) -> None:
    run = rehearse(upgrading)
    assert (run.state, run.way, run.by) == (RunState.SUCCEEDED, "1.0.1 → 1.0.2 → 1.0.1", "mia")
    assert deployed(upgrading) == [(F, "1.0.2"), (B, "1.0.1"), (F, "1.0.2")]
    assert upgrading.running("test") == "1.0.2"
    assert upgrading.installed("test").verified
    assert upgrading.price_in(upgrading.test) == "1.10"
    assert upgrading.running("prod") == "1.0.1", "production is left alone"


def test_each_move_is_read_back_and_verified(upgrading: Team) -> None:
    view = shown(upgrading, rehearse(upgrading).id)
    assert [m.read_back for m in view.moves] == [True, True, True]
    ran = [version for name, version in upgrading.bench.ran[-3:] if name == "smoke"]
    assert ran == ["1.0.2", "1.0.1", "1.0.2"]


def test_it_starts_from_what_runs_in_production_whatever_runs_in_test(upgrading: Team) -> None:
    upgrading.promote("test", "orders@1.0.0")
    assert rehearse(upgrading).state is RunState.SUCCEEDED
    assert deployed(upgrading) == [(F, "1.0.1"), (F, "1.0.2"), (B, "1.0.1"), (F, "1.0.2")]


def test_an_upgrade_that_was_just_made_there_is_not_made_twice(upgrading: Team) -> None:
    upgrading.promote("test")
    assert rehearse(upgrading).state is RunState.SUCCEEDED
    assert deployed(upgrading) == [(B, "1.0.1"), (F, "1.0.2")]


def test_what_production_would_go_back_to_is_what_is_gone_back_to(shipped: Team) -> None:
    """1.0.2 runs in production without having been verified: a rollback there brings back 1.0.1."""
    shipped.bench.fail("smoke", "prod", CheckOutcome.FAILED, "it falls over")
    shipped.release("1.10")
    shipped.approve(shipped.promote())
    shipped.release("1.05")
    run = rehearse(shipped)
    assert (run.state, run.way) == (RunState.SUCCEEDED, "1.0.2 → 1.0.3 → 1.0.1")
    assert deployed(shipped) == [(F, "1.0.3"), (B, "1.0.1"), (F, "1.0.3")]


def test_a_release_that_fails_its_checks_fails_the_rehearsal(upgrading: Team) -> None:
    upgrading.bench.fail("smoke", "test", CheckOutcome.FAILED, "it falls over")
    run = rehearse(upgrading)
    assert run.state is RunState.FAILED
    assert "it falls over" in run.note
    assert deployed(upgrading) == [(F, "1.0.2")]


def test_a_way_back_that_fails_fails_the_rehearsal(upgrading: Team) -> None:
    upgrading.promote("test")
    upgrading.test.fail(Fault.REFUSED)
    run = rehearse(upgrading)
    assert run.state is RunState.FAILED
    assert "rollback to 1.0.1 failed" in run.note


def test_where_test_asks_for_an_approval_it_waits_and_goes_on_by_itself(upgrading: Team) -> None:
    upgrading.govern(with_gates(upgrading.rules, "test", (GateRule("findings"), APPROVAL)))
    run = rehearse(upgrading)
    assert run.state is RunState.RUNNING
    while shown(upgrading, run.id).run.state is RunState.RUNNING:
        (waiting,) = upgrading.find(Promotion, environment="test", states=(PromotionState.WAITING,))
        upgrading.approve(waiting.id)
    assert shown(upgrading, run.id).run.state is RunState.SUCCEEDED
    assert deployed(upgrading) == [(F, "1.0.2"), (B, "1.0.1"), (F, "1.0.2")]


def watching(team: Team) -> None:
    """Let the path lead through an empty place in which everything is watched for an hour."""
    (path,) = team.rules.pipelines
    watch = WatchRule(length=3600.0, every=600.0, checks=("smoke",))
    stage = replace(path.stages[0], name="uat", environment="uat", watch=watch)
    place = replace(environment("test"), name="uat", url="memory://uat")
    team.platform.world("memory://uat")
    places = (*team.rules.environments, place)
    team.govern(replace(team.rules, environments=places, pipelines=(replace(path, stages=(stage, path.stages[1])),)))


def test_where_it_is_watched_it_waits_until_there_is_something_good_to_go_back_to(upgrading: Team) -> None:
    watching(upgrading)
    run = rehearse(upgrading)
    assert (run.state, upgrading.running("uat")) == (RunState.RUNNING, "1.0.1")
    with pytest.raises(RefusedError, match="is being rehearsed in uat"):
        rehearse(upgrading)
    for _ in range(7):
        upgrading.clock.move(minutes=10)
        upgrading.do(RunDue())
    assert shown(upgrading, run.id).run.state is RunState.SUCCEEDED
    assert upgrading.running("uat") == "1.0.2"


def test_where_the_watch_fails_it_fails(upgrading: Team) -> None:
    watching(upgrading)
    run = rehearse(upgrading)
    upgrading.bench.results["smoke", "memory://uat"] = CheckResult(CheckOutcome.FAILED, "no", 0.1)
    for _ in range(7):
        upgrading.clock.move(minutes=10)
        upgrading.do(RunDue())
    assert shown(upgrading, run.id).run.state is RunState.FAILED
    assert "1.0.1 was not verified in uat" in shown(upgrading, run.id).run.note


def test_taking_a_move_back_stops_it(upgrading: Team) -> None:
    upgrading.govern(with_gates(upgrading.rules, "test", (GateRule("findings"), APPROVAL)))
    run = rehearse(upgrading)
    (waiting,) = upgrading.find(Promotion, environment="test", states=(PromotionState.WAITING,))
    upgrading.do(Abort(waiting.id, "not now"))
    assert shown(upgrading, run.id).run.state is RunState.STOPPED
    assert rehearse(upgrading).state is RunState.RUNNING, "it can be asked for again"


def test_something_else_in_between_stops_it(upgrading: Team) -> None:
    upgrading.govern(with_gates(upgrading.rules, "test", (GateRule("findings"), APPROVAL)))
    run = rehearse(upgrading)
    (waiting,) = upgrading.find(Promotion, environment="test", states=(PromotionState.WAITING,))
    upgrading.do(Rollback("orders", "test", "meanwhile", to="1.0.0"), "rita")
    assert upgrading.promotion(waiting.id).state is PromotionState.VOIDED
    assert shown(upgrading, run.id).run.state is RunState.STOPPED


def test_nothing_else_of_the_solution_may_be_open_there(upgrading: Team) -> None:
    upgrading.govern(with_gates(upgrading.rules, "test", (GateRule("findings"), APPROVAL)))
    promotion = upgrading.promote("test")
    with pytest.raises(RefusedError, match="on its way to test") as refused:
        rehearse(upgrading)
    assert promotion in refused.value.hint
    upgrading.do(Abort(promotion, ""))
    assert rehearse(upgrading).state is RunState.RUNNING


def test_one_that_was_stopped_unseen_is_in_nobodys_way(upgrading: Team) -> None:
    first = upgrading.run(Rehearse("orders"))
    (waiting,) = upgrading.find(Promotion, environment="test", states=(PromotionState.WAITING,))
    upgrading.run(Abort(waiting.id, "not now"))
    second = upgrading.run(Rehearse("orders"))
    assert shown(upgrading, first).run.state is RunState.STOPPED
    upgrading.settle()
    assert shown(upgrading, second).run.state is RunState.SUCCEEDED


def test_between_two_moves_no_other_one_begins(upgrading: Team) -> None:
    upgrading.run(Rehearse("orders"))
    engine = upgrading.another()
    drain(replace(engine, is_leaving=lambda: bool(upgrading.goods("test")[2:])), "test")
    (run,) = upgrading.find(RehearsalRun)
    with pytest.raises(RefusedError, match="on its way to test"):
        upgrading.run(Rehearse("orders"))
    drain(engine, "test")
    assert shown(upgrading, run.id).run.state is RunState.SUCCEEDED


def test_where_there_is_nothing_to_rehearse_it_says_why(team: Team) -> None:
    with pytest.raises(NotFoundError, match="no release yet"):
        rehearse(team)
    team.release()
    with pytest.raises(RefusedError, match="a first deployment is undone by removing it"):
        rehearse(team)
    team.approve(team.promote())
    with pytest.raises(RefusedError, match="there is nothing to upgrade"):
        rehearse(team)
    team.release("1.10")
    with pytest.raises(RefusedError, match="nothing is rehearsed in prod"):
        rehearse(team, environment="prod")
    with pytest.raises(NotFoundError, match="no stage"):
        rehearse(team, environment="moon")
    assert team.find(RehearsalRun) == ()


def test_the_rollback_plan_tells_of_the_last_rehearsal(upgrading: Team) -> None:
    assert upgrading.run(PlanRollback("orders", "prod")).rehearsed == ""
    rehearse(upgrading)
    upgrading.approve(upgrading.promote())
    plan = upgrading.run(PlanRollback("orders", "prod"))
    assert (plan.running, plan.target, plan.reversibility) == ("1.0.2", "1.0.1", "reversible")
    assert plan.rehearsed.startswith("succeeded in test on 2026-01-05 by mia")
    assert any("Price" in line for line in plan.changes)
    assert plan.not_restored


def test_the_rollback_plan_tells_what_it_overwrites_and_which_values_come_back(shipped: Team) -> None:
    shipped.govern(with_environment(shipped.rules, "prod", CURRENCY="CHF"))
    shipped.ship("1.10")
    shipped.prod.edit("p2", does="times 9")
    shipped.run(ScanDrift(("prod",)))
    plan = shipped.run(PlanRollback("orders", "prod"))
    assert any("Price" in line for line in plan.overwrites)
    assert plan.configuration == ("variable CURRENCY gets its former value",)
    assert "CHF" not in repr(plan)
    with pytest.raises(NotFoundError, match="not installed"):
        shipped.run(PlanRollback("billing", "prod"))


def test_the_ledger_alone_tells_all_of_it(upgrading: Team) -> None:
    rehearse(upgrading)
    assert upgrading.run(Audit()).damage == ()
    told = [e.event for e in upgrading.store.events() if e.event.kind == "rehearsal-ended"]
    assert [str(e.state) for e in told] == ["succeeded"]


def test_another_process_goes_on_between_two_moves(upgrading: Team) -> None:
    upgrading.run(Rehearse("orders"))
    engine = upgrading.another()
    left = replace(engine, is_leaving=lambda: bool(upgrading.goods("test")[2:]))
    drain(left, "test")
    assert environments_with_work(engine)[0] == "test", "although no promotion is open there"
    drain(engine, "test")
    (run,) = upgrading.find(RehearsalRun)
    assert run.state is RunState.SUCCEEDED


@pytest.fixture(scope="module")
def begun(team_that_shipped: Team) -> Iterator[Team]:
    """Return a team whose rehearsal was asked for, and nothing more."""
    team = team_that_shipped.copy()
    team.release("1.10")
    team.run(Rehearse("orders"))
    yield team
    team.store.close()


def test_a_process_that_dies_anywhere_in_it_leaves_it_to_the_next_one(begun: Team) -> None:
    whole = begun.copy()
    store = MortalStore(whole.store)
    drain(whole.another(store), "test")
    points = store.points
    applied = whole.test.applied
    whole.store.close()
    assert len(points) > 90
    for point in range(1, len(points) + 1, 3):
        team = begun.copy()
        with pytest.raises(CrashError):
            drain(team.another(MortalStore(team.store, point)), "test")
        drain(team.another(holder="two"), "test")
        (run,) = team.find(RehearsalRun)
        assert run.state is RunState.SUCCEEDED, points[point - 1]
        assert deployed(team) == [(F, "1.0.2"), (B, "1.0.1"), (F, "1.0.2")], points[point - 1]
        assert team.test.applied == applied, "no step was applied twice"
        team.store.close()


def test_while_it_waits_for_people_nothing_is_held(upgrading: Team) -> None:
    upgrading.govern(with_gates(upgrading.rules, "test", (GateRule("findings"), APPROVAL)))
    rehearse(upgrading)
    assert upgrading.holders() == {}
    assert upgrading.do(Promote("orders@1.0.1", "prod")).already
