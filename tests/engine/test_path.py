"""The path from dev to production: nothing gets past it, and nobody walks it twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import APPROVAL, PROD_GATES, Team, with_gates

from lampway.domain.deployment import CheckOutcome, Deployment, DeploymentState
from lampway.domain.digest import digest_bytes
from lampway.domain.events import PromotionMoved
from lampway.domain.judgement import GateState
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.strategy import GateRule
from lampway.engine.context import access_to
from lampway.engine.drain import drain
from lampway.engine.platform import Installed
from lampway.engine.promote import Abort, Promote
from lampway.engine.release import MakeRelease
from lampway.engine.views import Explain, Status
from lampway.errors import NotFoundError, RefusedError
from lampway.testing.world import App, Part


def gate(team: Team, name: str, to: str = "prod", release: str = "orders") -> tuple[GateState, str]:
    told = team.run(Explain(release, to), "rita")
    return next((g.state, g.reason) for g in told.gates if g.gate == name)


def test_one_command_and_one_decision_bring_a_change_to_production(team: Team) -> None:
    team.release("1.19")
    promotion = team.do(Promote("orders", "prod"), "mia").promotions[-1]
    team.approve(promotion, "ana")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert team.price_in(team.prod) == "1.19"


def test_what_runs_in_production_is_byte_for_byte_what_passed_test(shipped: Team) -> None:
    done = shipped.find(Deployment, states=(DeploymentState.SUCCEEDED,))
    newest = {d.environment: d for d in done}
    assert newest["test"].release == newest["prod"].release
    assert (
        newest["test"].package == newest["prod"].package == digest_bytes(shipped.packages.get(newest["prod"].package))
    )
    for place in ("test", "prod"):
        here = shipped.installed(place)
        access = shipped.engine.platform("memory")
        package = shipped.packages.get(here.package)
        seen = access.observe(_access(shipped, place), {"orders": Installed(package, here.configuration)})
        assert seen.solutions["orders"].is_clean


def _access(team: Team, place: str):
    return access_to(team.engine, team.rules.environment(place))


def test_a_damaged_package_is_never_deployed(team: Team) -> None:
    release = team.release("1.19")
    promotion = team.promote()
    team.packages.kept[release.package.digest] = b"something else"
    team.approve(promotion)
    assert team.promotion(promotion).state is PromotionState.WAITING
    assert "damaged" in team.promotion(promotion).note
    assert team.prod.applied == []


def test_every_environment_gets_its_own_values_and_secrets(shipped: Team) -> None:
    assert shipped.test.apps["a1"].values == {"ERP_URL": "https://erp.test"}
    assert shipped.prod.apps["a1"].values == {"ERP_URL": "https://erp.prod"}
    assert shipped.test.apps["a1"].passwords == {"ERP": "erp-password-of-test"}
    assert shipped.prod.apps["a1"].passwords == {"ERP": "erp-password-of-prod"}


def test_asking_twice_makes_no_second_promotion(team: Team) -> None:
    team.release("1.19")
    first = team.promote()
    count = len(team.find(Promotion))
    assert team.promote() == first
    assert len(team.find(Promotion)) == count


def test_asking_for_what_runs_verified_asks_for_nothing(shipped: Team) -> None:
    requested = shipped.do(Promote("orders", "prod"))
    assert requested.promotions == ()
    assert requested.already == ("test", "prod")


def test_a_newer_release_supersedes_the_one_that_waits(team: Team) -> None:
    team.release("1.19")
    older = team.promote()
    team.release("1.16")
    newer = team.promote()
    assert team.promotion(older).state is PromotionState.SUPERSEDED
    team.approve(newer)
    assert team.price_in(team.prod) == "1.16"
    with pytest.raises(RefusedError, match="superseded"):
        team.approve(older)


def test_a_release_that_was_not_verified_before_may_not_enter(team: Team) -> None:
    team.bench.fail("smoke", "test")
    team.release("1.19")
    promotion = team.promote()
    state, reason = gate(team, "previous-stage")
    assert state is GateState.PENDING
    assert "not verified in test" in reason
    team.approve(promotion)
    assert team.prod.applied == []


def test_another_release_of_the_same_solution_counts_for_nothing(team: Team) -> None:
    """The gate asks for this very digest."""
    team.release("1.19")
    team.promote("test")
    team.release("1.16")
    assert gate(team, "previous-stage", release="orders@1.0.0")[0] is GateState.PASSED
    assert gate(team, "previous-stage", release="orders@1.0.1")[0] is GateState.PENDING


@pytest.mark.parametrize("outcome", [CheckOutcome.FAILED, CheckOutcome.ERRORED])
def test_a_check_that_did_not_pass_blocks_production(team: Team, outcome: CheckOutcome) -> None:
    team.bench.fail("smoke", "test", outcome, "it fell over")
    team.release("1.19")
    promotion = team.promote()
    state, reason = gate(team, "checks")
    assert state is {CheckOutcome.FAILED: GateState.FAILED, CheckOutcome.ERRORED: GateState.ERRORED}[outcome]
    assert "it fell over" in reason
    team.approve(promotion)
    assert team.prod.applied == []
    assert team.installed("test").verified is False
    assert team.goods("test") == []


def test_a_check_that_passes_when_run_again_opens_the_gate(team: Team) -> None:
    team.bench.fail("smoke", "test")
    team.release("1.19")
    promotion = team.promote()
    team.bench.results.clear()
    team.promote("test")
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"


def test_no_check_at_all_fails_closed(team: Team) -> None:
    rules = replace(team.rules, solutions=tuple(replace(s, checks=()) for s in team.rules.solutions))
    team.govern(rules)
    team.release("1.19")
    team.promote()
    assert gate(team, "checks")[0] is GateState.FAILED
    assert team.prod.applied == []


def test_a_stage_without_gates_lets_nothing_in(team: Team) -> None:
    team.govern(with_gates(team.rules, "test", ()))
    team.release("1.19")
    team.promote("test")
    assert team.test.applied == []


def test_a_value_that_an_environment_does_not_give_blocks(team: Team) -> None:
    team.dev.edit("p2", does="times ${RATE}", by="mia@example.test")
    team.dev.give("a1", "RATE", 3)
    team.release()
    team.promote()
    state, reason = gate(team, "configuration", "test")
    assert state is GateState.FAILED
    assert "variable RATE" in reason
    assert team.test.applied == []


def test_an_open_production_blocks_until_it_is_locked(team: Team) -> None:
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    assert gate(team, "lock")[0] is GateState.FAILED
    assert team.prod.applied == []
    team.prod.is_locked = True
    team.promote()
    assert team.running("prod") == "1.0.0"


def test_a_lock_nobody_ever_looked_at_is_no_lock(team: Team) -> None:
    team.govern(with_gates(team.rules, "test", (GateRule("lock"),)))
    team.test.is_locked = True
    team.release("1.19")
    state, _ = gate(team, "lock", "test")
    assert state is GateState.INCONCLUSIVE


@pytest.mark.parametrize("word", ["hardcoded secret", "hardcoded endpoint"])
def test_no_release_is_made_of_something_hardcoded(team: Team, word: str) -> None:
    team.build(word)
    with pytest.raises(RefusedError) as caught:
        team.run(MakeRelease("orders"))
    assert word in " ".join(caught.value.details)
    assert team.packages.kept == {}


def test_waiting_for_people_holds_no_lease_and_running_always_does(team: Team) -> None:
    held: list[dict[str, str]] = []
    for world in (team.test, team.prod):
        for _ in range(2):
            world.meanwhile(lambda: held.append(team.holders()))
    team.release("1.19")
    promotion = team.promote()
    assert team.promotion(promotion).state is PromotionState.WAITING
    assert held == [{"test": "one"}] * 2
    assert team.holders() == {}
    team.approve(promotion)
    assert held[2:] == [{"prod": "one"}] * 2
    assert team.holders() == {}


def test_solutions_in_one_environment_are_deployed_one_after_the_other(team: Team) -> None:
    team.dev.draw(App("b1", "Billing", (Part("q1", "Bill", "send"),)), by="max@example.test")
    team.release("1.19")
    team.run(MakeRelease("billing"), "max")
    team.run(Promote("orders", "test"))
    team.run(Promote("billing", "test"), "max")
    team.settle()
    assert [solution for _, solution, _ in team.test.applied] == ["orders", "orders", "billing"]  # needs no values
    first, second = team.find(Deployment)
    assert first.finished_at
    assert first.state is second.state is DeploymentState.SUCCEEDED


def test_a_promotion_that_waits_can_be_taken_back(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.run(Abort(promotion, "not today"))
    assert team.promotion(promotion).state is PromotionState.ABORTED
    with pytest.raises(RefusedError):
        team.approve(promotion)
    with pytest.raises(RefusedError):
        team.run(Abort(promotion, "once more"))


def test_the_judgement_that_started_a_deployment_is_recorded(shipped: Team) -> None:
    started = [
        r.event for r in shipped.store.events() if isinstance(r.event, PromotionMoved) and r.event.state == "ready"
    ]
    assert {g["gate"] for g in started[-1].gates} == {rule.gate for rule in PROD_GATES}
    assert all(g["state"] in {"passed", "warned", "waived"} for move in started for g in move.gates)


def test_what_is_explained_is_what_is_performed(team: Team) -> None:
    team.release("1.19")
    told = [line.partition(":")[0] for line in team.run(Explain("orders", "test")).plan]
    team.promote("test")
    (deployment,) = team.find(Deployment)
    assert told == [step.name for step in deployment.plan] == [step.name for step in deployment.steps]


def test_explaining_promises_only_what_the_engine_then_does(team: Team) -> None:
    team.release("1.19")
    assert team.run(Explain("orders", "test")).allowed
    assert not team.run(Explain("orders", "prod")).allowed
    team.promote()
    assert (team.running("test"), team.running("prod")) == ("1.0.0", "")


def test_status_says_what_is_where(shipped: Team) -> None:
    shipped.release("1.10")
    shipped.promote()
    cells = {(c.solution, c.environment): c for c in shipped.run(Status("orders"))}
    assert cells["orders", "test"].version == "1.0.2"
    assert cells["orders", "prod"].version == "1.0.1"
    assert cells["orders", "prod"].waiting == "orders@1.0.2"
    assert not cells["orders", "prod"].drift


def test_names_that_nothing_has_are_not_found(team: Team) -> None:
    with pytest.raises(NotFoundError):
        team.promote()
    team.release("1.19")
    for release, to in (("orders@9.9.9", "prod"), ("ghosts", "prod"), ("orders", "moon")):
        with pytest.raises(NotFoundError):
            team.promote(to, release)


def test_a_quorum_of_nobody_is_still_judged_by_the_people_there_are(team: Team) -> None:
    """More approvals than there are people who may give them is a no at once, not an endless wait."""
    gates = tuple(replace(APPROVAL, quorum=5) if g == APPROVAL else g for g in PROD_GATES)
    team.govern(with_gates(team.rules, "prod", gates))
    team.release("1.19")
    team.promote()
    state, reason = gate(team, "approval")
    assert state is GateState.FAILED
    assert "only 3" in reason


def test_the_last_stage_tags_the_release_and_a_broken_remote_only_delays_it(team: Team) -> None:
    release = team.release("1.19")
    promotion = team.promote()
    team.source.broken = 2
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"
    assert "tagged" not in team.kinds()
    (due,) = team.store.due()
    assert due.attempts >= 1
    team.source.broken = 0
    drain(team.engine, "prod")
    assert team.source.tags == {"orders/v1.0.0": release.commit}
    assert team.source.pushed[-1] == "refs/tags/orders/v1.0.0"
    assert team.kinds().count("tagged") == 1
    assert team.store.due() == ()
