"""Platforms that lie or answer late: whatever they say, only what is there counts, and nothing is done twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from team import MortalStore, Team

from lampway.domain.deployment import Deployment, DeploymentState, DriftFinding
from lampway.domain.promotion import PromotionState
from lampway.engine.cases import Resume
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.drift import ScanDrift
from lampway.engine.reconcile import Reconcile
from lampway.errors import StorageError
from lampway.testing.world import CrashError, Fault

STEPS = [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]


@pytest.fixture
def asked(team: Team) -> str:
    """Return a promotion that lacks nothing but its approval."""
    team.release("1.19")
    return team.promote()


def test_a_change_that_was_made_and_denied_is_left_to_a_person(team: Team, asked: str) -> None:
    team.prod.fail(Fault.FALSE_NO)
    team.approve(asked)
    assert team.promotion(asked).state is PromotionState.RECONCILE
    team.do(Reconcile("orders", "prod", True, "it is there"), "rita")
    assert team.promotion(asked).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS


def test_a_no_that_cannot_be_checked_is_looked_at_again(team: Team, asked: str) -> None:
    team.prod.fail(Fault.FALSE_NO)
    team.prod.fail(Fault.UNREACHABLE, on="look_up", times=2)
    team.run(_approval(asked), "ana")
    drain(team.engine, "prod")
    assert team.promotion(asked).state is PromotionState.RUNNING
    team.do(Resume())
    assert team.promotion(asked).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS


def test_secrets_that_are_refused_the_second_time_are_no_success(team: Team, asked: str) -> None:
    team.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        team.approve(asked)
    team.prod.fail(Fault.REFUSED)
    team.do(Resume())
    assert team.promotion(asked).state is PromotionState.RECONCILE


@pytest.mark.parametrize("step", [0, 1])
def test_a_change_that_was_not_made_and_claimed_is_no_success(team: Team, asked: str, step: int) -> None:
    if step:
        team.prod.meanwhile(lambda: team.prod.meanwhile(lambda: team.prod.fail(Fault.FALSE_YES)))
    else:
        team.prod.fail(Fault.FALSE_YES)
    team.approve(asked)
    assert team.promotion(asked).state in (PromotionState.RECONCILE, PromotionState.FAILED)
    assert team.installed("prod") is None
    assert team.goods("prod") == []


@pytest.mark.parametrize("slowness", [1, 3, 9])
def test_a_change_that_comes_after_its_answer_timed_out_is_waited_for(team: Team, asked: str, slowness: int) -> None:
    team.prod.slowness = slowness
    team.prod.fail(Fault.LATE)
    team.approve(asked)
    assert team.promotion(asked).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS


def test_what_is_still_to_be_said_is_said_by_the_next_resume(team: Team, asked: str) -> None:
    """Also when nothing else waits anywhere."""
    store = MortalStore(team.store)
    store.release_lease = lambda *words: (_ for _ in ()).throw(CrashError)
    engine = team.another(store)
    team.run(_approval(asked), "ana")
    with pytest.raises(CrashError):
        drain(engine, "prod")
    assert team.promotion(asked).state is PromotionState.SUCCEEDED
    assert team.source.tags == {}
    assert environments_with_work(team.engine) == ("prod",)
    team.do(Resume())
    assert team.source.tags.keys() == {"orders/v1.0.0"}
    assert team.store.due() == ()


def _approval(promotion: str) -> Any:
    from lampway.engine.decide import Decide

    return Decide(promotion, approved=True)


def test_what_is_deployed_during_a_look_is_no_drift(shipped: Team) -> None:
    """What was seen is the new release, what it was compared with the old one."""
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.meanwhile(lambda: shipped.approve(promotion), before="observe")
    (scanned,) = shipped.run(ScanDrift(("prod",)))
    assert shipped.price_in(shipped.prod) == "1.10"
    assert scanned.findings == ()
    assert shipped.find(DriftFinding, environment="prod") == ()
    assert not shipped.installed("prod").drifted


def test_half_a_deployment_is_no_drift(shipped: Team) -> None:
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        shipped.approve(promotion)
    (scanned,) = shipped.run(ScanDrift(("prod",)))
    assert (scanned.findings, scanned.clean) == ((), ())
    shipped.settle()
    assert shipped.running("prod") == "1.0.2"
    assert shipped.find(DriftFinding, environment="prod") == ()


class FullDisk:
    """A store whose disk becomes full while the platform is being changed."""

    def __init__(self, team: Team) -> None:
        self._store = team.store
        self.is_full = False

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        with self._store.transaction() as transaction:
            yield transaction
            if self.is_full:
                raise StorageError("the store failed: database or disk is full")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


def test_what_could_not_be_written_down_has_not_ended(team: Team, asked: str) -> None:
    """The change was made, and its journal had no room: with room again it goes on, and nothing is done twice."""
    store = FullDisk(team)
    team.run(_approval(asked), "ana")
    team.prod.meanwhile(lambda: setattr(store, "is_full", True))
    with pytest.raises(StorageError, match="full"):
        drain(team.another(store), "prod")
    (deployment,) = team.find(Deployment, environment="prod")
    assert deployment.state is DeploymentState.RUNNING
    assert team.prod.applied == STEPS[:1]
    team.do(Resume())
    assert team.promotion(asked).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS
