"""What waits for time starts when it has come, expires when it has passed, and is never started before."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from team import APPROVAL, PROD_GATES, Team, with_gates

from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import GateRule, Strategy
from lampway.domain.windows import Freeze, Window
from lampway.engine.cases import Resume
from lampway.engine.decide import Decide
from lampway.engine.promote import Promote, Rollback
from lampway.engine.views import Explain, Inbox
from lampway.errors import RefusedError, UsageError, VoidedError

DAY = 86400.0
WORKING = Window(("mon", "tue", "wed", "thu", "fri"), "13:00", "17:00", "Europe/Berlin")


def with_stage(rules: Strategy, **changes: object) -> Strategy:
    (path,) = rules.pipelines
    stages = tuple(replace(s, **changes) if s.name == "prod" else s for s in path.stages)
    return replace(rules, pipelines=(replace(path, stages=stages),))


def closed(team: Team) -> dict[str, str]:
    return {g.gate: g.reason for g in team.run(Explain("orders", "prod")).gates if g.state == "pending"}


def approved(team: Team) -> str:
    team.release()
    promotion = team.promote()
    team.approve(promotion)
    return promotion


def test_what_was_approved_outside_its_window_starts_when_the_window_opens(team: Team) -> None:
    team.govern(with_stage(team.rules, windows=(WORKING,)))
    promotion = approved(team)
    assert closed(team) == {"window": "closed; opens Mon 13:00 Europe/Berlin"}
    team.clock.move(hours=2, minutes=59)
    team.do(Resume())
    assert team.running("prod") == ""
    team.clock.move(minutes=1)
    team.do(Resume())
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_a_rollback_needs_no_window_and_passes_a_freeze(shipped: Team) -> None:
    freeze = Freeze("2026-01-01T00:00:00+00:00", "2026-02-01T00:00:00+00:00", "audit")
    shipped.govern(replace(with_stage(shipped.rules, windows=(WORKING,)), freezes=(freeze,)))
    shipped.do(Rollback("orders", "prod", "it is wrong"), "rita")
    assert shipped.running("prod") == "1.0.0"


def test_a_freeze_holds_what_was_approved_and_voids_nothing(team: Team) -> None:
    promotion_before = approved_later(team)
    freeze = Freeze("2026-01-05T00:00:00+00:00", "2026-01-06T00:00:00+00:00", "audit", ("prod",))
    team.govern(replace(team.rules, freezes=(freeze,)))
    team.approve(promotion_before)
    assert closed(team) == {"freeze": "frozen: audit"}
    team.clock.move(hours=15)
    team.do(Resume())
    assert team.promotion(promotion_before).state is PromotionState.SUCCEEDED


def approved_later(team: Team) -> str:
    team.release()
    return team.promote()


def test_soak_opens_when_the_release_ran_long_enough_in_test(team: Team) -> None:
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES, GateRule("soak", wait=7200.0))))
    promotion = approved(team)
    assert closed(team) == {"soak": "0 s of 2 h in test; opens Mon 11:00 UTC"}
    team.clock.move(hours=1)
    team.do(Resume())
    assert team.running("prod") == ""
    team.clock.move(hours=1)
    team.do(Resume())
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_soak_begins_anew_when_something_else_was_deployed_in_between(team: Team) -> None:
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES, GateRule("soak", wait=7200.0))))
    approved(team)
    team.clock.move(hours=1)
    team.release("1.16")
    team.promote("test")
    team.clock.move(hours=5)
    team.do(Resume())
    assert team.running("prod") == ""
    soak = next(g for g in team.run(Explain("orders@1.0.0", "prod")).gates if g.gate == "soak")
    assert soak.reason == "1 h of 2 h in test, and it does not run there verified now"


def test_a_promotion_that_waits_too_long_expires_and_asking_again_keeps_its_evidence(team: Team) -> None:
    team.govern(with_stage(team.rules, expires=7 * DAY))
    team.release()
    promotion = team.promote()
    team.clock.move(days=7, seconds=1)
    with pytest.raises(VoidedError, match="expired: it waited longer than 7 d") as caught:
        team.run(Decide(promotion, approved=True), "ana")
    assert "lampway promote orders@1.0.0 --to prod" in caught.value.hint
    assert team.promotion(promotion).state is PromotionState.EXPIRED
    runs = len(team.bench.ran)
    again = team.promote()
    assert again != promotion
    team.approve(again)
    assert team.running("prod") == "1.0.0"
    assert team.bench.ran[runs:] == [("smoke", "1.0.0")]  # in prod, and not once more in test


@pytest.mark.parametrize("way", ["resume", "ask"])
def test_what_has_expired_is_ended_by_whoever_comes_by(team: Team, way: str) -> None:
    team.govern(with_stage(team.rules, expires=DAY))
    team.release()
    promotion = team.promote()
    team.clock.move(days=2)
    assert team.run(Inbox(), "ana") == () or team.run(Inbox(), "ana")[0].gates[-1].gate == "expiry"
    team.do(Resume() if way == "resume" else Promote("orders", "prod"))
    assert team.promotion(promotion).state is PromotionState.EXPIRED


def test_an_approval_grows_old_and_may_be_given_again(team: Team) -> None:
    gates = tuple(replace(g, max_age=DAY) if g == APPROVAL else g for g in PROD_GATES)
    team.govern(with_stage(with_gates(team.rules, "prod", gates), windows=(replace(WORKING, days=("sat",)),)))
    promotion = approved(team)
    with pytest.raises(UsageError, match="decided already"):
        team.run(Decide(promotion, approved=True), "ana")
    team.clock.move(days=5, hours=4)  # the window is open, the approval is not fresh any more
    team.do(Resume())
    assert team.running("prod") == ""
    assert closed(team) == {"approval": "0 of 1 approvals"}
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"


def test_any_of_several_gates_lets_a_release_through_and_shows_them_all(team: Team) -> None:
    either = GateRule("any", rules=(GateRule("soak", wait=7200.0), GateRule("all", rules=(APPROVAL,))))
    team.govern(with_gates(team.rules, "prod", (GateRule("previous-stage"), either)))
    team.release()
    promotion = team.promote()
    assert [v.promotion.id for v in team.run(Inbox(), "ana")] == [promotion]
    gate = team.run(Explain("orders", "prod")).gates[-1]
    assert [(p.gate, [q.gate for q in p.parts]) for p in gate.parts] == [("soak", []), ("all", ["approval"])]
    with pytest.raises(RefusedError, match="not one of those who may approve"):
        team.run(Decide(promotion, approved=True), "mia")
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"


def test_the_other_way_through_opens_by_itself(team: Team) -> None:
    either = GateRule("any", rules=(GateRule("soak", wait=7200.0), APPROVAL))
    team.govern(with_gates(team.rules, "prod", (GateRule("previous-stage"), either)))
    team.release()
    team.promote()
    team.clock.move(hours=2)
    team.do(Resume())
    assert team.running("prod") == "1.0.0"


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.integers(1, 300), min_size=3, max_size=12), st.integers(0, 2))
def test_nothing_ever_starts_while_its_window_is_closed_or_its_soak_is_short(
    new_team: Team, steps: list[int], late: int
) -> None:
    team = new_team.copy()
    rules = with_gates(team.rules, "prod", (*PROD_GATES, GateRule("soak", wait=5400.0)))
    team.govern(with_stage(rules, windows=(WORKING,), expires=DAY))
    promotion = approved(team)
    verified = team.clock.time
    for number, minutes in enumerate(steps):
        team.clock.move(minutes=minutes)
        team.do(Resume())
        if number == late and team.promotion(promotion).state is PromotionState.EXPIRED:
            team.do(Promote("orders", "prod"))
    for recorded in team.store.events():
        event = recorded.event
        if event.kind == "deployment-started" and event.deployment.environment == "prod":
            from datetime import datetime

            at = datetime.fromisoformat(recorded.at)
            assert WORKING.is_open(at)
            assert (at - verified).total_seconds() >= 5400.0
    assert team.store.audit() == ()
    team.store.close()
