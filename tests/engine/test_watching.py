"""What was deployed is watched for a while, is known-good only then, and goes back by itself where that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from team import TEST_GATES, MortalStore, Team, with_gates

from lampway.domain.deployment import CheckOutcome
from lampway.domain.events import ENGINE
from lampway.domain.health import HealthWatch, Probe, WatchRule
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.domain.strategy import Check, GateRule, Strategy
from lampway.engine.cases import Resume
from lampway.engine.decide import Decide
from lampway.engine.drain import drain
from lampway.engine.drift import RevertDrift, ScanDrift
from lampway.engine.due import RunDue
from lampway.engine.evidence import ExportEvidence
from lampway.engine.health import Looked
from lampway.engine.ports import CheckResult
from lampway.engine.promote import Rollback
from lampway.engine.recheck import RunChecks
from lampway.engine.stops import PutOnHold
from lampway.engine.verify import Tools, Trusted, verify_evidence
from lampway.engine.views import Explain, Status
from lampway.storage.codec import recorded_from
from lampway.testing.world import CrashError, Execution, Fault

PROBE = Probe("probe GET /health", {"method": "GET", "path": "/health", "expect": {"status": 200}})
WATCH = WatchRule(600.0, 60.0, probes=(PROBE,), failures=2, then="rollback")


def with_watch(rules: Strategy, rule: WatchRule | None, stage: str = "prod") -> Strategy:
    (path,) = rules.pipelines
    stages = tuple(replace(s, watch=rule) if s.name == stage else s for s in path.stages)
    return replace(rules, pipelines=(replace(path, stages=stages),))


@pytest.fixture
def watched(shipped: Team) -> Team:
    """Return a team with 1.0.0 and 1.0.1 known-good in prod, where from now on releases are watched."""
    shipped.govern(with_watch(shipped.rules, WATCH))
    return shipped


def look(team: Team, minutes: float = 1.0) -> tuple[Looked, ...]:
    team.clock.move(minutes=minutes)
    return team.do(RunDue()).looked


def probe_fails(team: Team, outcome: CheckOutcome = CheckOutcome.FAILED) -> None:
    team.bench.fail(PROBE.name, "prod", outcome, "503 instead of 200")


def rollbacks(team: Team) -> list[Promotion]:
    return [p for p in team.find(Promotion) if p.kind is DeploymentKind.ROLLBACK]


def the_watch(team: Team) -> HealthWatch:
    return team.find(HealthWatch)[-1]


def test_a_release_succeeds_at_once_and_is_known_good_when_its_watch_passed(watched: Team) -> None:
    watched.ship("1.15")
    newest = watched.find(Promotion)[-1]
    assert newest.state is PromotionState.SUCCEEDED
    assert watched.goods("prod") == ["1.0.0", "1.0.1"]
    assert watched.run(Status("orders"))[-1].watched_until == the_watch(watched).until
    for _ in range(9):
        assert [w.seen for w in look(watched)] == ["good"]
    assert watched.goods("prod") == ["1.0.0", "1.0.1"]
    (last,) = look(watched)
    assert (last.state, last.summary) == ("passed", "did well in 10 looks")
    assert watched.goods("prod") == ["1.0.0", "1.0.1", "1.0.2"]
    assert watched.run(Status("orders"))[-1].watched_until == ""
    assert look(watched) == ()
    assert watched.store.audit() == ()


def test_looking_more_often_than_asked_looks_no_more_often(watched: Team) -> None:
    watched.ship("1.15")
    ran = len(watched.bench.ran)
    for _ in range(5):
        watched.do(Resume())
    assert len(watched.bench.ran) == ran
    assert len(look(watched)) == 1
    assert watched.do(Resume()).looked == ()


def test_a_single_bad_look_is_forgiven(watched: Team) -> None:
    watched.ship("1.15")
    probe_fails(watched)
    assert look(watched)[0].seen == "bad"
    watched.bench.results.clear()
    assert look(watched)[0].seen == "good"
    probe_fails(watched)
    (second,) = look(watched)
    assert (second.seen, second.state) == ("bad", "watching")
    assert rollbacks(watched) == []


def test_a_release_that_does_badly_goes_back_by_itself_and_names_who_let_it_in(watched: Team) -> None:
    watched.ship("1.15")
    forward = watched.find(Promotion)[-1]
    probe_fails(watched)
    look(watched)
    (ended,) = look(watched)
    assert ended.state == "failed"
    (back,) = rollbacks(watched)
    assert ended.rollback == back.id
    assert back.state is PromotionState.SUCCEEDED
    assert back.allowed_by == forward.id
    assert "2 bad looks in a row" in back.reason
    assert f"allowed by promotion {forward.id} of orders@1.0.2, approved by ana" in back.reason
    assert watched.running("prod") == "1.0.1"
    assert watched.price_in(watched.prod) == "1.16"
    assert watched.promotion(forward.id).state is PromotionState.ROLLED_BACK
    assert watched.goods("prod")[-1] == "1.0.1", "what failed its watch was never known-good"
    assert look(watched) == (), "what was brought back is not watched"
    assert watched.store.audit() == ()


def test_a_release_that_fails_its_verification_goes_back_by_itself_at_once(watched: Team) -> None:
    watched.engine = replace(watched.engine, checks=Picky())
    promotion = _approved(watched, "1.15")
    assert watched.promotion(promotion).state is PromotionState.ROLLED_BACK
    (back,) = rollbacks(watched)
    assert "failed its verification" in back.reason
    assert watched.deployment(promotion).note.endswith("rolled back by itself to 1.0.1")
    assert watched.running("prod") == "1.0.1"


def _approved(team: Team, price: str) -> str:
    team.release(price)
    promotion = team.promote()
    team.approve(promotion)
    return promotion


def test_a_rollback_that_fails_is_never_rolled_back(watched: Team) -> None:
    watched.bench.fail("smoke", "prod")
    _approved(watched, "1.15")
    (back,) = rollbacks(watched)
    assert back.state is PromotionState.FAILED, "its own verification failed as well, and there it ends"
    assert watched.running("prod") == "1.0.1"


def test_the_same_release_is_rolled_back_by_itself_only_once(watched: Team) -> None:
    watched.bench.fail("smoke", "prod")
    _approved(watched, "1.15")
    watched.bench.results.clear()
    watched.do(RunChecks("orders", "prod"), "rita")
    watched.bench.fail("smoke", "prod")
    again = watched.promote("prod", "orders@1.0.2")
    watched.approve(again)
    assert len(rollbacks(watched)) == 1
    assert watched.running("prod") == "1.0.2"
    assert "once before, and that is enough" in watched.promotion(again).note


@pytest.mark.parametrize("rule", [replace(WATCH, then="stop"), None])
def test_where_people_are_to_be_asked_nothing_happens_by_itself(shipped: Team, rule: WatchRule | None) -> None:
    shipped.govern(with_watch(shipped.rules, rule))
    shipped.bench.fail("smoke", "prod")
    promotion = _approved(shipped, "1.15")
    assert shipped.promotion(promotion).state is PromotionState.FAILED
    assert rollbacks(shipped) == []
    assert shipped.running("prod") == "1.0.2"


def test_a_check_that_could_not_be_judged_takes_nothing_back(watched: Team) -> None:
    watched.bench.fail("smoke", "prod", CheckOutcome.ERRORED)
    _approved(watched, "1.15")
    assert rollbacks(watched) == []
    assert watched.running("prod") == "1.0.2"


def test_a_first_deployment_has_nothing_to_go_back_to_and_says_so(team: Team) -> None:
    gates = tuple(g for g in team.rules.pipelines[0].stages[1].gates if g.gate != "rollback-target")
    team.govern(with_watch(with_gates(team.rules, "prod", gates), WATCH))
    team.bench.fail("smoke", "prod")
    promotion = _approved(team, "1.19")
    assert "no known-good release to go back to" in team.promotion(promotion).note
    assert team.running("prod") == "1.0.0"


def test_an_emergency_stop_stops_this_rollback_too(watched: Team) -> None:
    watched.ship("1.15")
    watched.run(PutOnHold("we look at it", environment="prod"), "rita")
    probe_fails(watched)
    look(watched)
    (ended,) = look(watched)
    assert "not rolled back by itself: " in the_watch(watched).note
    assert ended.rollback == ""
    assert watched.running("prod") == "1.0.2"


def test_what_nobody_can_judge_neither_passes_nor_goes_back(watched: Team) -> None:
    watched.ship("1.15")
    probe_fails(watched, CheckOutcome.ERRORED)
    states = [look(watched)[0].state for _ in range(20)]
    assert states == ["watching"] * 19 + ["failed"]
    assert "nobody could tell how it does" in the_watch(watched).note
    assert rollbacks(watched) == []
    assert "1.0.2" not in watched.goods("prod")


def test_a_platform_that_does_not_answer_is_unknown_and_not_bad(watched: Team) -> None:
    watched.govern(with_watch(watched.rules, replace(WATCH, failed_executions=0, failures=1)))
    watched.ship("1.15")
    watched.prod.fail(Fault.UNREACHABLE, on="count_executions")
    assert look(watched)[0].seen == "unknown"
    assert look(watched)[0].seen == "good"


def test_failed_executions_count_where_the_platform_tells(watched: Team) -> None:
    watched.govern(with_watch(watched.rules, WatchRule(600.0, 60.0, failed_executions=1, failures=1, then="rollback")))
    before = watched.engine.now()
    watched.prod.executions = [Execution("a1", before[:10], went_well=False)]
    watched.clock.move(days=1)
    watched.ship("1.15")
    now = watched.engine.now()
    watched.prod.executions += [Execution("a1", now, went_well=False), Execution("zz", now, went_well=False)]
    (fine,) = look(watched)
    assert (fine.seen, fine.summary) == ("good", "1 of 1 executions failed")
    watched.prod.executions.append(Execution("a2", now, went_well=False))
    assert look(watched)[0].state == "failed"
    assert watched.running("prod") == "1.0.1"


def test_a_declared_check_that_fails_its_watch_is_evidence(watched: Team) -> None:
    watched.govern(with_watch(watched.rules, WatchRule(600.0, 60.0, checks=("smoke",), failures=2, then="stop")))
    watched.ship("1.15")
    watched.bench.fail("smoke", "prod", summary="it lost an order")
    look(watched)
    recorded = watched.kinds().count("evidence-recorded")
    look(watched)
    assert watched.kinds().count("evidence-recorded") == recorded + 1, "only the look that decided"
    assert watched.run(Status("orders"))[-1].state == "unverified"
    watched.bench.results.clear()
    assert watched.do(RunChecks("orders", "prod"), "rita").verified
    assert the_watch(watched).state == "watching", "somebody mended it, and it is watched once more"
    look(watched, 10)
    assert watched.goods("prod")[-1] == "1.0.2"


def test_whatever_is_deployed_over_it_ends_a_watch_without_a_verdict(watched: Team) -> None:
    watched.ship("1.15")
    watched.do(Rollback("orders", "prod", "a wish"), "rita")
    (ended,) = look(watched)
    assert (ended.state, ended.seen, ended.summary) == ("abandoned", "", "1.0.1 was deployed over it")
    assert "1.0.2" not in watched.goods("prod")
    assert look(watched) == ()


def test_two_that_look_at_once_count_as_one(watched: Team) -> None:
    watched.ship("1.15")
    probe_fails(watched)
    watched.clock.move(minutes=1)

    class Meanwhile:
        def run(self, *arguments: Any) -> CheckResult:
            watched.run(RunDue())
            return watched.bench.run(*arguments)

    mine = replace(watched.engine, checks=Meanwhile())
    from lampway.engine.due import run_due

    assert run_due(mine, RunDue(), ENGINE).looked == ()
    assert (the_watch(watched).looks, the_watch(watched).bad) == (1, 1)


def test_nothing_goes_on_to_the_next_stage_before_its_watch_passed(team: Team) -> None:
    gates = (*(g for g in TEST_GATES), GateRule("previous-stage"))
    team.govern(with_watch(with_gates(team.rules, "prod", gates), replace(WATCH, then="stop"), "test"))
    team.release()
    promotion = team.promote()
    closed = {g.gate: g.reason for g in team.run(Explain("orders", "prod")).gates if g.state == "pending"}
    assert closed == {"previous-stage": "this release is still being watched in test"}
    team.clock.move(minutes=11)
    team.do(Resume())
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_what_failed_its_watch_does_not_go_on(team: Team) -> None:
    gates = (*(g for g in TEST_GATES), GateRule("previous-stage"))
    team.govern(with_watch(with_gates(team.rules, "prod", gates), replace(WATCH, then="stop"), "test"))
    team.release()
    promotion = team.promote()
    team.bench.fail(PROBE.name, "test")
    look(team)
    look(team)
    team.settle()
    assert team.promotion(promotion).state is PromotionState.WAITING
    assert team.running("prod") == ""


def test_a_live_edit_taken_back_meanwhile_is_watched_anew_and_never_rolled_back(watched: Team) -> None:
    watched.ship("1.15")
    watched.prod.edit("p2", does="times 9")
    watched.run(ScanDrift(("prod",)))
    watched.do(RevertDrift("orders", "prod"), "rita")
    look(watched)
    states = {w.version: w.state for w in watched.find(HealthWatch)}
    assert [w.state for w in watched.find(HealthWatch)] == ["abandoned", "watching"], states
    probe_fails(watched)
    look(watched)
    (ended,) = look(watched)
    assert "not rolled back by itself: it was a redeploy" in ended.summary
    assert rollbacks(watched) == []


def test_what_was_rolled_back_by_itself_can_be_proved_to_others(watched: Team) -> None:
    watched.ship("1.15")
    probe_fails(watched)
    look(watched)
    look(watched)
    for version in ("1.0.1", "1.0.2"):
        data = watched.run(ExportEvidence(f"orders@{version}"), "zoe").content.encode()
        trusted = Trusted(watched.rules.people, watched.notary.public_key(), None)
        tools = Tools(recorded_from, watched.notary)
        assert [c for c in verify_evidence(data, trusted, tools) if not c.holds] == [], version


@pytest.fixture(scope="session")
def failing(team_that_shipped: Team) -> Team:
    """Return a team whose next release is approved, will fail its verification, and then goes back by itself."""
    team = team_that_shipped.copy()
    team.govern(with_watch(team.rules, WATCH))
    team.release("1.15")
    promotion = team.promote()
    team.run(Decide(promotion, approved=True), "ana")
    return team


class Picky:
    """Fails the newest release in production, and nothing else."""

    def run(self, check: Check, url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        bad = facts["VERSION"] == "1.0.2" and url == "memory://prod"
        return CheckResult(CheckOutcome.FAILED if bad else CheckOutcome.PASSED, "it lost an order", 0.1)


def drained(team: Team, at: int = 0) -> list[str]:
    store = MortalStore(team.store, at)
    drain(replace(team.another(store), checks=Picky()), "prod")
    return store.points


def test_a_process_that_dies_anywhere_on_the_way_back_falls_back_exactly_once(failing: Team) -> None:
    whole = failing.copy()
    points = drained(whole)
    assert whole.running("prod") == "1.0.1"
    assert len(points) > 60
    whole.store.close()
    for point in range(1, len(points) + 1):
        team = failing.copy()
        with pytest.raises(CrashError):
            drained(team, point)
        drain(replace(team.another(holder="two"), checks=Picky()), "prod")
        assert team.running("prod") == "1.0.1", points[point - 1]
        assert [p.state for p in rollbacks(team)] == [PromotionState.SUCCEEDED], points[point - 1]
        assert team.price_in(team.prod) == "1.16"
        team.store.close()
