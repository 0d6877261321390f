"""A deployment that does not come to its end is given up by a named person, and then somebody says what happened."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import Team

from lampway.domain.deployment import DeploymentState
from lampway.domain.promotion import PromotionState
from lampway.engine.drain import drain
from lampway.engine.promote import Abort
from lampway.engine.reconcile import Reconcile
from lampway.errors import RefusedError, StorageError, UsageError
from lampway.testing.world import CrashError, Fault


@pytest.fixture
def hanging(team: Team) -> str:
    """Return a promotion whose change runs on and on in prod, and whose engine died."""
    team.release("1.19")
    promotion = team.promote()
    team.prod.slowness = 10_000
    team.prod.fail(Fault.CRASH_BEFORE, on="poll")
    with pytest.raises(CrashError):
        team.approve(promotion)
    assert team.promotion(promotion).state is PromotionState.RUNNING
    return promotion


def test_what_hangs_is_given_up_by_name_and_then_reconciled(team: Team, hanging: str) -> None:
    assert team.run(Abort(hanging, "the vendor says that it hangs"), "rita") is PromotionState.RECONCILE
    assert team.deployment(hanging).state is DeploymentState.RECONCILE
    assert team.promotion(hanging).note == "given up by rita: the vendor says that it hangs"
    drain(team.engine, "prod")
    assert team.prod.applied == []
    team.prod.operations.clear()
    team.do(Reconcile("orders", "prod", False, "nothing came of it"), "rita")
    assert team.promotion(hanging).state is PromotionState.FAILED
    team.prod.slowness = 0
    again = team.promote()
    team.approve(again)
    assert team.running("prod") == "1.0.0"
    assert team.store.audit() == ()


def test_what_was_given_up_and_came_about_goes_on(team: Team, hanging: str) -> None:
    team.run(Abort(hanging, "it hangs"), "rita")
    (operation,) = team.prod.operations.values()
    operation.left = 0
    operation.go_on()
    team.prod.slowness = 0
    team.do(Reconcile("orders", "prod", True, "it is there after all"), "rita")
    assert team.promotion(hanging).state is PromotionState.SUCCEEDED
    assert team.prod.applied == [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]


def test_whoever_polls_on_stops_at_once(team: Team, hanging: str) -> None:
    """The process was only taken for dead: it may record nothing any more, and begins nothing."""
    polls = []

    def pause(seconds: float) -> None:
        polls.append(seconds)
        if len(polls) == 2:
            team.run(Abort(hanging, "it hangs"), "rita")

    with pytest.raises(StorageError, match="out of our hands"):
        drain(replace(team.another(holder="two"), pause=pause), "prod")
    assert len(polls) == 2
    assert team.promotion(hanging).state is PromotionState.RECONCILE
    assert team.prod.applied == []


def test_a_deployment_that_died_between_two_steps_can_be_given_up_too(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.prod.fail(Fault.CRASH_BEFORE, on="intend")
    with pytest.raises(CrashError):
        team.approve(promotion)
    team.run(Abort(promotion, "we changed our mind"), "rita")
    team.do(Reconcile("orders", "prod", True, "nothing was under way; go on"), "rita")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert team.store.audit() == ()


def test_only_somebody_known_gives_up_and_says_why(team: Team, hanging: str) -> None:
    with pytest.raises(UsageError, match="reason"):
        team.run(Abort(hanging, ""), "rita")
    with pytest.raises(RefusedError, match="nobody in people"):
        team.run(Abort(hanging, "trust me"), "stranger")
    assert team.promotion(hanging).state is PromotionState.RUNNING
    assert team.holders() == {}


def test_what_has_ended_cannot_be_given_up(shipped: Team) -> None:
    done = shipped.find(type(shipped.promotion("id8")), environment="prod")[-1]
    with pytest.raises(RefusedError, match="is succeeded"):
        shipped.run(Abort(done.id, "too late"), "rita")
