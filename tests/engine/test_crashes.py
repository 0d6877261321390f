"""Kill -9 at any moment: nothing is lost, no step is applied twice, and the next process goes on by itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from team import MortalStore, Team, with_environment

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.promotion import PromotionState
from lampway.engine.deploy import carry_out
from lampway.engine.drain import drain
from lampway.engine.promote import Promote, Rollback
from lampway.engine.reconcile import Reconcile
from lampway.storage.sql import open_sqlite
from lampway.testing.world import CrashError, Fault

STEPS = [("import", "orders", "1.0.1"), ("configure", "orders", "1.0.1")]
POINTS = 39
"""Places where a process can die while it brings a release to production: before each event and after each commit."""


@pytest.fixture(scope="session")
def team_that_is_ready(new_team: Team) -> tuple[Team, str]:
    team = new_team.copy()
    team.ship("1.19")
    team.govern(with_environment(team.rules, "prod", CURRENCY="CHF"))
    team.release("1.16")
    promotion = team.promote()
    team.prod.is_locked = False
    team.run(Promote("orders", "prod"))
    team.approve(promotion)
    team.prod.is_locked = True
    team.run(Promote("orders", "prod"))
    team.prod.applied.clear()
    return team, promotion


@pytest.fixture
def team(team_that_is_ready: tuple[Team, str]) -> Iterator[Team]:
    """Return a team with a second release that is approved for production."""
    copied = team_that_is_ready[0].copy()
    yield copied
    copied.store.close()


@pytest.fixture
def ready(team_that_is_ready: tuple[Team, str]) -> str:
    """Return its promotion, with nothing left but to start it."""
    return team_that_is_ready[1]


def assert_brought_once(team: Team, promotion: str) -> None:
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS
    assert team.price_in(team.prod) == "1.16"
    assert (team.running("prod"), team.installed("prod").verified) == ("1.0.1", True)
    assert list(dict.fromkeys(team.goods("prod"))) == ["1.0.0", "1.0.1"]
    assert len(team.find(Deployment, environment="prod")) == 2
    assert team.source.tags.keys() == {"orders/v1.0.0", "orders/v1.0.1"}
    assert team.kinds().count("tagged") == 2
    assert team.store.due() == ()


def test_these_are_all_the_points(team: Team, ready: str) -> None:
    store = MortalStore(team.store)
    drain(team.another(store), "prod")
    assert len(store.points) == POINTS, store.points
    assert_brought_once(team, ready)


@pytest.mark.parametrize("point", range(1, POINTS + 1))
def test_a_process_that_dies_around_any_event_is_taken_over(team: Team, ready: str, point: int) -> None:
    with pytest.raises(CrashError):
        drain(team.another(MortalStore(team.store, point)), "prod")
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
@pytest.mark.parametrize("call", [1, 2])
def test_a_process_that_dies_while_it_changes_something_is_taken_over(
    team: Team, ready: str, fault: Fault, call: int
) -> None:
    if call == 1:
        team.prod.fail(fault)
    else:
        team.prod.meanwhile(lambda: team.prod.meanwhile(lambda: team.prod.fail(fault)))
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)


@pytest.mark.parametrize("method", ["plan", "observe", "export", "intend"])
def test_a_process_that_dies_while_it_looks_is_taken_over(team: Team, ready: str, method: str) -> None:
    team.prod.fail(Fault.CRASH_BEFORE, on=method)
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)


def test_dying_again_and_again_still_applies_once(team: Team, ready: str) -> None:
    """Each new process gets three points further than it can and dies, also while it recovers."""
    deaths = 0
    for _ in range(60):
        try:
            drain(team.another(MortalStore(team.store, 8)), "prod")
        except CrashError:
            deaths += 1
        else:
            break
    assert deaths > 5
    assert_brought_once(team, ready)
    assert team.store.audit() == ()


class LateStore:
    """A store at which somebody else goes on between the look and the moment the lease is taken."""

    def __init__(self, team: Team, meanwhile: Callable[[], None]) -> None:
        self._store = team.store
        self._meanwhile = [meanwhile]

    def take_lease(self, environment: str, holder: str) -> int:
        while self._meanwhile:
            self._meanwhile.pop()()
        return self._store.take_lease(environment, holder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("point", [0, *range(1, POINTS - 9, 2)])
def test_who_takes_over_goes_on_from_where_the_other_one_came_since_it_was_seen(
    team: Team, ready: str, point: int
) -> None:
    with pytest.raises(CrashError):
        drain(team.another(MortalStore(team.store, 9)), "prod")

    def go_on() -> None:
        with suppress(CrashError):
            drain(team.another(MortalStore(team.store, point), holder="two"), "prod")

    drain(team.another(LateStore(team, go_on), holder="three"), "prod")
    assert_brought_once(team, ready)
    done = team.deployment(ready)
    assert [step.name for step in done.steps] == [planned.name for planned in done.plan]


def test_dying_during_recovery_sends_secrets_again_and_nothing_else(team: Team, ready: str) -> None:
    team.prod.meanwhile(lambda: team.prod.meanwhile(lambda: team.prod.fail(Fault.CRASH_AFTER)))
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    team.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        drain(team.another(holder="two"), "prod")
    drain(team.another(holder="three"), "prod")
    assert_brought_once(team, ready)
    assert team.prod.passwords_sent >= 3


def test_dying_while_a_slow_change_runs_on_polls_on(team: Team, ready: str) -> None:
    """Its handle is in the journal: the next process asks with it, and begins nothing a second time."""
    team.prod.slowness = 3
    team.prod.fail(Fault.CRASH_BEFORE, on="poll")
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    assert team.prod.applied == []
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)
    assert len(team.prod.operations) == len(STEPS)


def test_a_change_whose_handle_was_never_heard_is_waited_for_by_looking(team: Team, ready: str) -> None:
    """It was accepted, and the process died before the answer came: the platform can tell that it runs on."""
    team.prod.slowness = 3
    team.prod.fail(Fault.LATE)

    def die(seconds: float) -> None:
        raise CrashError

    with pytest.raises(CrashError):
        drain(replace(team.engine, pause=die), "prod")
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)
    assert len(team.prod.operations) == len(STEPS)


def test_a_platform_that_forgot_the_handle_is_looked_at(team: Team, ready: str) -> None:
    team.prod.slowness = 2
    team.prod.fail(Fault.CRASH_BEFORE, on="poll")
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    team.prod.forgets = True
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)


def test_without_a_precondition_nothing_is_sent_twice_on_a_guess(team: Team, ready: str) -> None:
    """What was sent may still arrive, and nobody would refuse the second one: a person says."""
    team.platform._has_precondition = False
    team.prod.fail(Fault.CRASH_BEFORE)
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    drain(team.another(holder="two"), "prod")
    assert team.promotion(ready).state is PromotionState.RECONCILE
    assert team.prod.applied == []
    team.do(Reconcile("orders", "prod", False, "nothing of it is there"), "rita")
    assert team.promotion(ready).state is PromotionState.FAILED


def test_without_a_precondition_what_is_there_counts_as_done(team: Team, ready: str) -> None:
    team.platform._has_precondition = False
    team.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)


def test_somebody_edits_elsewhere_between_a_crash_and_its_recovery(team: Team, ready: str) -> None:
    from lampway.testing.world import App, Part

    team.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    team.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    drain(team.another(holder="two"), "prod")
    assert_brought_once(team, ready)


def test_somebody_edits_the_solution_between_a_crash_and_its_recovery(team: Team, ready: str) -> None:
    """Neither what was there nor what was to be there: a person must say, and nothing is overwritten."""
    team.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        drain(team.engine, "prod")
    team.prod.edit("p2", does="times 2")
    drain(team.another(holder="two"), "prod")
    assert team.promotion(ready).state is PromotionState.RECONCILE
    assert team.price_in(team.prod) == "2"


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_removal_that_dies_is_taken_over(shipped: Team, fault: Fault) -> None:
    shipped.run(Rollback("orders", "prod", "away", remove=True), "rita")
    shipped.prod.fail(fault)
    with pytest.raises(CrashError):
        drain(shipped.engine, "prod")
    drain(shipped.another(holder="two"), "prod")
    assert shipped.prod.apps == {}
    assert shipped.installed("prod") is None
    assert shipped.prod.applied[-1][0] == "remove"
    assert [step for step, *_ in shipped.prod.applied].count("remove") == 1


def test_a_completed_deployment_is_not_carried_out_again(shipped: Team) -> None:
    before = list(shipped.prod.applied)
    for name in ("test", "prod"):
        drain(shipped.another(holder="two"), name)
    assert shipped.prod.applied == before
    done = shipped.find(Deployment, environment="prod")[-1]
    assert done.state is DeploymentState.SUCCEEDED
    assert all(step.name in {p.name for p in done.plan} for step in done.steps)
    assert carry_out.__doc__


@pytest.fixture
def on_disk(tmp_path: Path) -> Iterator[Team]:
    team = Team(lambda clock: open_sqlite(tmp_path / "state" / "lampway.db", clock))
    yield team
    team.store.close()


def test_another_process_opens_the_same_file_and_goes_on(on_disk: Team, tmp_path: Path) -> None:
    on_disk.release("1.19")
    promotion = on_disk.promote()
    on_disk.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        on_disk.approve(promotion)
    on_disk.store.close()
    on_disk.store = open_sqlite(tmp_path / "state" / "lampway.db", on_disk.clock)
    on_disk.engine = on_disk.another(holder="two")
    on_disk.settle()
    assert on_disk.running("prod") == "1.0.0"
    assert on_disk.prod.applied == [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]
    assert on_disk.store.audit() == ()
