"""Going back: release and configuration together, by a named person with a reason, to what was known to be good."""

from __future__ import annotations

import pytest
from team import Team, with_environment

from lampway.domain.deployment import CheckOutcome
from lampway.domain.promotion import DeploymentKind, Promotion, PromotionState
from lampway.engine.promote import Promote, Rollback
from lampway.errors import NotFoundError, RefusedError, UsageError


def back(team: Team, by: str = "rita", **more: object) -> str:
    return team.do(Rollback("orders", "prod", more.pop("reason", "it is wrong"), **more), by).promotions[0]


def test_a_rollback_brings_back_the_release_and_its_configuration(team: Team) -> None:
    team.ship("1.19")
    team.govern(with_environment(team.rules, "prod", CURRENCY="CHF"))
    team.ship("1.16")
    assert team.prod.apps["a2"].values == {"CURRENCY": "CHF"}
    promotion = back(team)
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert team.price_in(team.prod) == "1.19"
    assert team.prod.apps["a2"].values == {"CURRENCY": "EUR"}
    assert team.running("prod") == "1.0.0"
    assert team.installed("prod").verified


def test_a_rollback_sends_the_secrets_again(shipped: Team) -> None:
    shipped.prod.apps["a1"].passwords.clear()
    shipped.prod.passwords_sent = 0
    back(shipped)
    assert shipped.prod.apps["a1"].passwords == {"ERP": "erp-password-of-prod"}
    assert shipped.prod.passwords_sent == 1


def test_a_rollback_asks_for_no_approval_and_passes_over_forward_gates(shipped: Team) -> None:
    """In an emergency an open lock or a live edit must not keep the broken release running."""
    shipped.prod.is_locked = False
    shipped.prod.edit("p2", does="times 2")
    promotion = back(shipped)
    assert shipped.price_in(shipped.prod) == "1.19"
    assert shipped.deployment(promotion).kind is DeploymentKind.ROLLBACK


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_rollback_needs_a_reason(shipped: Team, reason: str) -> None:
    with pytest.raises(UsageError, match="reason"):
        back(shipped, reason=reason)


def test_a_rollback_needs_somebody_the_team_knows(shipped: Team) -> None:
    with pytest.raises(RefusedError, match=r"nobody in people\.yaml"):
        back(shipped, "stranger")
    assert shipped.price_in(shipped.prod) == "1.16"
    assert [p for p in shipped.find(Promotion) if p.kind is DeploymentKind.ROLLBACK] == []


def test_the_target_is_the_newest_good_one_other_than_what_runs(shipped: Team) -> None:
    shipped.ship("1.10")
    back(shipped)
    assert shipped.running("prod") == "1.0.1"
    back(shipped)
    assert shipped.running("prod") == "1.0.2", "the newest one that was verified there and is not what runs"


def test_a_version_can_be_named_if_it_was_good_there(shipped: Team) -> None:
    shipped.ship("1.10")
    back(shipped, to="1.0.0")
    assert shipped.price_in(shipped.prod) == "1.19"
    with pytest.raises(RefusedError, match="never verified"):
        back(shipped, to="7.0.0")
    with pytest.raises(UsageError):
        back(shipped, to="1.0.0", remove=True)


def test_the_stage_may_be_named_instead_of_its_environment(shipped: Team) -> None:
    from dataclasses import replace

    (path,) = shipped.rules.pipelines
    stages = (path.stages[0], replace(path.stages[1], name="production"))
    shipped.govern(replace(shipped.rules, pipelines=(replace(path, stages=stages),)))
    shipped.do(Rollback("orders", "production", "it is wrong"), "rita")
    assert shipped.running("prod") == "1.0.0"


def test_a_failed_verification_leaves_it_installed_unverified_and_the_target_right(team: Team) -> None:
    team.ship("1.19")
    team.bench.fail("smoke", "prod", CheckOutcome.FAILED, "it falls over")
    team.release("1.16")
    promotion = team.promote()
    team.approve(promotion)
    assert team.promotion(promotion).state is PromotionState.FAILED
    assert "it falls over" in team.promotion(promotion).note
    here = team.installed("prod")
    assert (here.version, here.verified) == ("1.0.1", False)
    assert team.goods("prod") == ["1.0.0"]
    assert "orders/v1.0.1" not in team.source.tags
    team.bench.results.clear()
    back(team)
    assert (team.running("prod"), team.installed("prod").verified) == ("1.0.0", True)
    assert team.promotion(promotion).state is PromotionState.ROLLED_BACK


def test_a_rollback_marks_exactly_what_it_took_back(shipped: Team) -> None:
    """Not a later attempt that never got as far as production."""
    brought = next(p for p in shipped.find(Promotion, environment="prod") if p.version == "1.0.1")
    from lampway.testing.world import Fault

    shipped.release("1.10")
    later = shipped.promote()
    shipped.prod.fail(Fault.REFUSED)
    shipped.approve(later)
    assert shipped.promotion(later).state is PromotionState.FAILED
    back(shipped)
    assert shipped.promotion(brought.id).state is PromotionState.ROLLED_BACK
    assert shipped.promotion(later).state is PromotionState.FAILED


def test_a_first_deployment_is_rolled_back_by_removing_it(team: Team) -> None:
    team.ship("1.19")
    (forward,) = team.find(Promotion, environment="prod")
    with pytest.raises(RefusedError, match="no known-good"):
        back(team)
    back(team, remove=True)
    assert team.prod.apps == {}
    assert team.installed("prod") is None
    assert team.promotion(forward.id).state is PromotionState.ROLLED_BACK
    with pytest.raises(NotFoundError, match="not installed"):
        back(team)


def test_after_a_rollback_the_same_release_must_be_asked_for_and_approved_again(shipped: Team) -> None:
    back(shipped)
    requested = shipped.do(Promote("orders@1.0.1", "prod"))
    assert requested.already == ("test",)
    assert shipped.running("prod") == "1.0.0"
    shipped.approve(requested.promotions[0])
    assert shipped.running("prod") == "1.0.1"


def test_a_rollback_runs_the_checks_too(shipped: Team) -> None:
    shipped.bench.ran.clear()
    back(shipped)
    assert shipped.bench.ran == [("smoke", "1.0.0")]
