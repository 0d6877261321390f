"""Checks that are run again: they can take the right to move on away, grow old, and verify late; never by mistake."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from team import APPROVAL, PROD_GATES, MortalStore, Team, with_gates

from lampway.domain.deployment import CheckOutcome, DeploymentState, Evidence
from lampway.domain.events import Actor
from lampway.domain.judgement import GateState
from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import Check, GateRule, Strategy
from lampway.engine.attest import ReadKept, ShowEvidence
from lampway.engine.audit import Audit
from lampway.engine.drift import AcceptDrift, ScanDrift
from lampway.engine.ports import CheckResult
from lampway.engine.promote import Promote, Rollback
from lampway.engine.recheck import Checked, RunChecks, ShowLapsed, run_checks
from lampway.engine.views import Explain, ShowPromotion
from lampway.errors import NotFoundError, RefusedError, UsageError
from lampway.testing.world import CrashError, Fault

PASSED, FAILED, ERRORED = CheckOutcome
DAY = 86_400.0


def again(team: Team, place: str = "test", *, release: str = "orders", by: str = "rita", **more: Any) -> Checked:
    return team.do(RunChecks(release, place, **more), by)


def gate(team: Team, name: str = "checks") -> Any:
    (found,) = [g for g in team.run(Explain("orders", "prod")).gates if g.gate == name]
    return found


def with_checks(rules: Strategy, *checks: Check) -> Strategy:
    orders = replace(rules.solutions[0], checks=checks)
    return replace(rules, solutions=(orders, *rules.solutions[1:]))


def with_age(rules: Strategy, age: float = DAY) -> Strategy:
    gates = tuple(replace(g, max_age=age) if g.gate == "checks" else g for g in PROD_GATES)
    return with_gates(rules, "prod", gates)


@pytest.fixture
def waiting(team: Team) -> str:
    """Return a promotion to production that waits for nothing but an approval."""
    team.release("1.19")
    return team.promote(by="rita")


@pytest.fixture
def approved(team: Team) -> str:
    """Return a promotion to production that was approved and is held back by an open lock."""
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote(by="rita")
    team.approve(promotion)
    assert team.promotion(promotion).state is PromotionState.WAITING
    return promotion


# Going bad.


def test_a_check_that_is_run_again_and_fails_voids_what_was_approved(team: Team, approved: str) -> None:
    team.bench.fail("smoke", "test", FAILED, "it fell over")
    done = again(team)
    assert [e.outcome for e in done.evidence] == [FAILED]
    assert done.voided == (approved,)
    moved = team.promotion(approved)
    assert moved.state is PromotionState.VOIDED
    assert moved.note == "evidence turned bad: check *smoke* failed in test: it fell over"
    team.prod.is_locked = True
    team.settle()
    assert team.prod.applied == []


@pytest.mark.parametrize("person", ["ana", "rita"])
def test_approver_and_requester_are_told(team: Team, approved: str, person: str) -> None:
    team.bench.fail("smoke", "test")
    again(team, by="bob")
    assert [p.id for p in team.run(ShowLapsed(), person)] == [approved]
    assert team.run(ShowLapsed(), "zoe") == ()
    team.bench.results.clear()
    again(team)
    team.promote(by="rita")
    assert team.run(ShowLapsed(), person) == ()


def test_it_stays_closed_until_the_check_passes_and_then_somebody_must_decide_anew(team: Team, approved: str) -> None:
    team.bench.fail("smoke", "test")
    again(team)
    team.prod.is_locked = True
    second = team.promote(by="rita")
    assert second != approved
    assert gate(team).state is GateState.FAILED
    again(team)
    assert team.promotion(second).state is PromotionState.WAITING, "what was bad already takes nothing more away"
    team.bench.results.clear()
    again(team)
    assert gate(team).state is GateState.PASSED
    assert team.prod.applied == []
    team.approve(second)
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize("outcome", [PASSED, ERRORED])
def test_only_a_failure_voids(team: Team, waiting: str, outcome: CheckOutcome) -> None:
    team.bench.fail("smoke", "test", outcome, "so")
    assert again(team).voided == ()
    assert team.promotion(waiting).state is PromotionState.WAITING
    team.approve(waiting)
    assert (team.running("prod") == "1.0.0") is (outcome is PASSED)


def test_what_does_not_rely_on_the_check_is_left_alone(team: Team) -> None:
    gates = tuple(replace(g, kinds=("uat",)) if g.gate == "checks" else g for g in PROD_GATES)
    checks = (Check("smoke", "functional"), Check("walk", "uat"))
    team.govern(with_gates(with_checks(team.rules, *checks), "prod", gates))
    team.release("1.19")
    promotion = team.promote()
    team.bench.fail("smoke", "test")
    assert again(team).voided == ()
    assert team.promotion(promotion).state is PromotionState.WAITING


def test_a_failure_and_the_voiding_are_one_fact(team: Team, approved: str) -> None:
    """Nobody ever sees the one without the other."""
    team.bench.fail("smoke", "test")
    again(team)
    kinds = team.kinds()
    at = max(n for n, kind in enumerate(kinds) if kind == "evidence-recorded")
    assert kinds[at + 1] == "promotion-moved"
    assert team.run(Audit()).damage == ()


# Only exactly what is installed is judged.


def test_nothing_but_the_installed_release_can_be_checked(team: Team, waiting: str) -> None:
    team.release("1.16")
    with pytest.raises(RefusedError, match=r"orders@1\.0\.1 is not installed in test: 1\.0\.0 is"):
        again(team, release="orders@1.0.1")
    with pytest.raises(RefusedError, match="nothing is"):
        again(team, "prod", release="orders@1.0.0")
    assert again(team).release == "orders@1.0.0"
    assert waiting


@pytest.mark.parametrize("accepted", [True, False])
def test_what_was_edited_live_is_not_the_release(team: Team, waiting: str, *, accepted: bool) -> None:
    team.test.apps["a1"].values["ERP_URL"] = "https://elsewhere"
    if accepted:
        team.run(ScanDrift(("test",)))
        team.run(AcceptDrift("orders", "test", "for now"), "ana")
    count = len(team.find(Evidence))
    with pytest.raises(RefusedError, match="edited live"):
        again(team)
    assert len(team.find(Evidence)) == count
    assert waiting


def test_a_result_about_what_is_gone_meanwhile_is_not_recorded(team: Team, waiting: str) -> None:
    """Somebody deploys while the check runs: the result is about neither."""
    honest = team.bench.run

    def run(*given: Any) -> CheckResult:
        team.bench.run = honest
        team.release("1.16")
        team.promote("test")
        return honest(*given)

    team.bench.run = run
    count = len(team.find(Evidence))
    with pytest.raises(RefusedError, match="while the check ran"):
        again(team)
    assert [e.version for e in team.find(Evidence)[count:]] == ["1.0.1"]
    assert waiting


def test_asking_wrongly_says_what_there_is(team: Team, waiting: str) -> None:
    with pytest.raises(NotFoundError, match="no check named"):
        again(team, check="smoek")
    with pytest.raises(NotFoundError):
        again(team, "nowhere")
    with pytest.raises(NotFoundError):
        again(team, release="nothing")
    with pytest.raises(RefusedError, match=r"nobody in people\.yaml"):
        again(team, by="stranger")
    team.govern(with_checks(team.rules))
    with pytest.raises(UsageError, match="no check that can be run"):
        again(team)
    assert waiting


def test_an_environment_that_does_not_answer_records_nothing(team: Team, waiting: str) -> None:
    team.test.fail(Fault.UNREACHABLE, on="observe")
    count = len(team.find(Evidence))
    with pytest.raises(Exception, match="nothing answers"):
        again(team)
    assert len(team.find(Evidence)) == count
    assert waiting


# Errored.


def test_what_could_not_be_judged_is_not_called_failed(team: Team) -> None:
    team.bench.fail("smoke", "test", ERRORED, "no browser here")
    team.release("1.19")
    team.promote()
    (first, _) = team.find(type(team.promotion(team.promote())))[:2]
    assert first.state is PromotionState.FAILED
    assert "could not be judged" in first.note
    told = gate(team)
    assert told.state is GateState.ERRORED
    assert "no browser here" in told.reason
    assert "lampway check run orders@1.0.0 --in test" in told.next


@pytest.mark.parametrize("outcome", [ERRORED, FAILED])
def test_a_complete_run_that_passes_verifies_late(team: Team, outcome: CheckOutcome) -> None:
    team.bench.fail("smoke", "test", outcome)
    team.release("1.19")
    promotion = team.promote()
    assert team.goods("test") == []
    team.bench.results.clear()
    done = again(team)
    assert done.verified
    assert team.goods("test") == ["1.0.0"]
    assert team.installed("test").verified
    assert gate(team, "previous-stage").state is GateState.PASSED
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"
    assert not again(team).verified, "once is enough"
    assert team.run(Audit()).damage == ()


def test_a_run_of_some_checks_verifies_nothing(team: Team) -> None:
    team.govern(with_checks(team.rules, Check("smoke", "functional"), Check("leaks", "security")))
    team.bench.fail("leaks", "test", ERRORED)
    team.release("1.19")
    team.promote()
    team.bench.results.clear()
    assert not again(team, check="leaks").verified
    assert team.goods("test") == []
    assert again(team).verified


def test_a_release_verified_late_in_production_is_tagged_and_can_be_gone_back_to(team: Team) -> None:
    team.bench.fail("smoke", "prod", ERRORED)
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    assert team.deployment(promotion).state is DeploymentState.FAILED
    assert team.source.tags == {}
    team.bench.results.clear()
    again(team, "prod")
    team.do(Promote("orders", "prod"))
    assert team.goods("prod") == ["1.0.0"]
    team.ship("1.16")
    assert "orders/v1.0.0" in team.source.tags
    team.do(Rollback("orders", "prod", "1.16 is wrong"), "rita")
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize("point", range(1, 8))
@pytest.mark.parametrize("before", [PASSED, ERRORED])
def test_a_process_that_dies_while_checks_run_leaves_nothing_by_halves(
    team: Team, before: CheckOutcome, point: int
) -> None:
    """After a pass the run fails and voids; after an error it passes and verifies late. Run again, it comes out."""
    team.bench.fail("smoke", "test", before)
    team.release("1.19")
    promotion = team.promote(by="rita")
    team.bench.fail("smoke", "test", FAILED if before is PASSED else PASSED)
    store = MortalStore(team.store, point)
    with contextlib.suppress(CrashError):
        run_checks(team.another(store), RunChecks("orders", "test"), Actor("rita", "test"))
    newest = [e for e in team.find(Evidence) if e.environment == "test"][-1]
    voided = team.promotion(promotion).state is PromotionState.VOIDED
    assert voided is (newest.outcome is FAILED)
    assert team.installed("test").verified is (team.goods("test") != [])
    again(team)
    assert (team.promotion(promotion).state is PromotionState.VOIDED) is (before is PASSED)
    assert team.goods("test") == ["1.0.0"]
    assert team.run(Audit()).damage == ()


# Growing old.


def test_old_evidence_is_collected_again_when_it_is_needed(team: Team) -> None:
    team.govern(with_age(team.rules))
    team.release("1.19")
    promotion = team.promote()
    team.clock.move(hours=25)
    told = gate(team)
    assert told.state is GateState.EXPIRED
    assert told.reason == "check *smoke* passed in test 1 d 1 h ago; it counts for 1 d"
    ran = len(team.bench.ran)
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"
    assert len(team.bench.ran) == ran + 2, "once more in test, and then in prod"


def test_evidence_that_only_grows_old_voids_nothing(team: Team) -> None:
    team.govern(with_age(team.rules))
    team.release("1.19")
    promotion = team.promote()
    for _ in range(3):
        team.clock.move(days=30)
        team.settle()
        assert team.promotion(promotion).state is PromotionState.WAITING
    assert gate(team).state is GateState.PASSED


def test_collected_again_and_failed_voids(team: Team) -> None:
    team.govern(with_age(team.rules))
    team.release("1.19")
    promotion = team.promote()
    team.clock.move(hours=25)
    team.bench.fail("smoke", "test", FAILED, "no longer")
    team.approve(promotion)
    assert team.promotion(promotion).state is PromotionState.VOIDED
    assert "evidence turned bad" in team.promotion(promotion).note
    assert team.prod.applied == []


def test_collecting_that_errors_blocks_and_is_not_tried_for_ever(team: Team) -> None:
    team.govern(with_age(team.rules))
    team.release("1.19")
    promotion = team.promote()
    team.clock.move(hours=25)
    team.bench.fail("smoke", "test", ERRORED)
    team.approve(promotion)
    ran = len(team.bench.ran)
    team.settle()
    assert len(team.bench.ran) == ran
    assert gate(team).state is GateState.ERRORED
    assert team.promotion(promotion).state is PromotionState.WAITING


def test_where_the_release_is_gone_nothing_is_collected_and_it_says_so(team: Team) -> None:
    team.govern(with_age(team.rules))
    team.release("1.19")
    promotion = team.promote()
    team.release("1.16")
    team.promote("test")
    team.clock.move(hours=25)
    ran = len(team.bench.ran)
    team.approve(promotion)
    assert len(team.bench.ran) == ran
    assert team.promotion(promotion).state is PromotionState.WAITING
    assert "not installed in test: 1.0.1 is" in team.promotion(promotion).note


def test_nothing_is_collected_for_what_may_not_enter_anyway(team: Team, approved: str) -> None:
    team.govern(with_age(team.rules), by="pam")
    team.prod.is_locked = False
    promotion = team.promote()
    assert promotion != approved
    team.clock.move(hours=25)
    ran = len(team.bench.ran)
    team.settle()
    assert len(team.bench.ran) == ran


def test_a_clock_that_went_backwards_proves_nothing(team: Team) -> None:
    team.govern(with_age(team.rules))
    team.release("1.19")
    team.promote()
    team.clock.move(hours=-3)
    assert gate(team).state is GateState.INCONCLUSIVE


# What is kept.


def test_output_and_report_are_kept_by_digest_and_masked_first(team: Team) -> None:
    secret = "erp-password-of-test"
    told = CheckResult(PASSED, f"ok {secret}\x1b[2J", 0.1, f"say {secret}".encode(), b"<r/>\xff" + secret.encode())
    team.bench.results["smoke", "memory://test"] = told
    team.release("1.19")
    team.promote("test")
    (evidence,) = team.run(ShowEvidence("orders"))
    assert evidence.summary == "ok ******** [2J"
    assert team.run(ReadKept(evidence.id)) == b"say ********"
    assert team.run(ReadKept(evidence.id, "report")) == b"<r/>\xff********"
    assert not any(secret.encode() in data for data in team.packages.kept.values())
    team.packages.kept[evidence.output] = b"say something else"
    assert [d.place for d in team.run(Audit()).damage] == [f"package {evidence.output}"]


def test_what_is_kept_is_bounded_and_no_secret_is_cut_in_two(team: Team) -> None:
    secret = b"erp-password-of-test"
    output = b"x" * (1_048_576 - 5) + secret + b"y" * 60_000
    team.bench.results["smoke", "memory://test"] = CheckResult(PASSED, "ok", 0.1, output)
    team.release("1.19")
    team.promote("test")
    (evidence,) = team.run(ShowEvidence("orders"))
    kept = team.run(ReadKept(evidence.id))
    assert len(kept) == 1_048_576
    assert kept.endswith(b"x*****")
    with pytest.raises(NotFoundError, match="has no report"):
        team.run(ReadKept(evidence.id, "report"))


def test_a_secret_that_cannot_be_had_errors_the_check_and_not_the_machinery(team: Team) -> None:
    asks = Check("smoke", "functional", http={"path": "/", "headers": {"Authorization": "env:GONE"}})
    team.govern(with_checks(team.rules, asks))
    team.release("1.19")
    promotion = team.run(Promote("orders", "test")).promotions[0]
    team.settle()
    assert team.promotion(promotion).state is PromotionState.FAILED
    assert [e.outcome for e in team.find(Evidence)] == [ERRORED]


# The platform's own run.


def test_the_platforms_own_smoke_run_is_evidence(team: Team) -> None:
    team.govern(with_checks(team.rules, Check("alive", "functional", platform="smoke")))
    team.release("1.19")
    promotion = team.promote()
    (evidence,) = team.run(ShowEvidence("orders"))
    assert (evidence.outcome, evidence.summary) == (PASSED, "3 parts ran")
    assert team.bench.ran == []
    team.approve(promotion)
    team.prod.apps["a1"].passwords.clear()
    team.test.fail(Fault.DENIED, on="smoke_run")
    (told,) = again(team).evidence
    assert told.outcome is ERRORED
    assert "not accepted" in told.summary


def test_what_a_platform_cannot_do_is_refused_with_the_strategy(team: Team) -> None:
    class Mute:
        name = "memory"

    team.engine.platforms["memory"] = Mute()
    with pytest.raises(RefusedError, match="asks memory for a smoke run"):
        team.govern(with_checks(team.rules, Check("alive", "functional", platform="smoke")))


# Whatever happens.


STEPS = st.lists(st.sampled_from(["pass", "fail", "error", "old", "ask", "approve"]), max_size=8)


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(STEPS)
def test_nothing_enters_production_while_its_newest_evidence_is_not_a_young_pass(
    new_team: Team, steps: list[str]
) -> None:
    team = new_team.copy()
    gates = (GateRule("checks", max_age=DAY), APPROVAL)
    team.govern(with_gates(team.rules, "prod", gates))
    team.release("1.19")
    promotion = team.promote(by="rita")
    outcomes = {"pass": PASSED, "fail": FAILED, "error": ERRORED}
    for step in steps:
        before = team.running("prod")
        if step in outcomes:
            team.bench.fail("smoke", "test", outcomes[step])
            again(team)
        elif step == "old":
            team.clock.move(hours=25)
        elif step == "ask":
            promotion = team.run(Promote("orders", "prod"), "rita").promotions[-1:] or (promotion,)
            promotion = promotion[0]
            team.settle()
        elif team.promotion(promotion).state is PromotionState.WAITING and not team.promotion(promotion).decisions:
            team.approve(promotion)
        if not before and team.running("prod"):
            newest = [e for e in team.find(Evidence) if e.environment == "test"][-1]
            assert newest.outcome is PASSED
            assert team.clock.now() - datetime.fromisoformat(newest.at) <= timedelta(seconds=DAY)
            assert team.run(ShowPromotion(promotion)).promotion.state is PromotionState.SUCCEEDED
    assert team.run(Audit()).damage == ()
    team.store.close()
