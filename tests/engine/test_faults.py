"""What platforms do to a deployment: refuse, vanish, answer late or never, and change under one's hands."""

from __future__ import annotations

import pytest
from team import Team

from lampway.domain.deployment import Deployment, DeploymentState, DriftFinding, StepState
from lampway.domain.digest import canonical
from lampway.domain.promotion import PromotionState
from lampway.engine.drain import drain
from lampway.engine.promote import Rollback
from lampway.engine.reconcile import Reconcile
from lampway.errors import NotFoundError, RefusedError, StorageError, UsageError
from lampway.testing.world import Fault

STEPS = [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]


@pytest.fixture
def approved(team: Team) -> str:
    """Return a promotion that is tested, and approved while production's lock is still open."""
    team.release("1.19")
    team.prod.is_locked = False
    promotion = team.promote()
    team.approve(promotion)
    team.prod.is_locked = True
    team.prod.calls.clear()
    return promotion


def go(team: Team) -> None:
    """Let everybody see that production is locked now; that opens the last gate."""
    team.promote()


@pytest.mark.parametrize("method", ["plan", "observe", "export", "intend", "perform"])
@pytest.mark.parametrize("step", ["before-anything"])
def test_nobody_there_before_anything_changed_is_waited_for(team: Team, approved: str, method: str, step: str) -> None:
    go(team)
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    team.release("1.16")
    promotion = team.promote()
    team.prod.fail(Fault.UNREACHABLE, on=method)
    before = list(team.prod.applied)
    team.approve(promotion)
    if method == "export":  # what runs is kept from the records then
        assert team.promotion(promotion).state is PromotionState.SUCCEEDED
        return
    assert team.promotion(promotion).state is PromotionState.WAITING
    assert team.prod.applied == before
    assert team.holders() == {}
    team.settle()
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert team.price_in(team.prod) == "1.16"


def test_a_refusal_is_a_no_and_changes_nothing(team: Team, approved: str) -> None:
    team.prod.fail(Fault.REFUSED)
    go(team)
    assert team.promotion(approved).state is PromotionState.FAILED
    assert team.prod.applied == []
    assert team.installed("prod") is None


def test_a_refusal_half_way_is_told_with_what_was_applied(team: Team, approved: str) -> None:
    team.prod.fail(Fault.FAILED)
    go(team)
    deployment = team.deployment(approved)
    assert deployment.state is DeploymentState.FAILED
    assert team.goods("prod") == []
    assert team.installed("prod") is None


def test_credentials_that_are_not_accepted_end_it_before_anything_changes(team: Team, approved: str) -> None:
    team.prod.fail(Fault.DENIED)
    go(team)
    assert team.promotion(approved).state is PromotionState.ERRORED
    assert team.prod.applied == []


def test_a_secret_that_is_missing_is_waited_for(team: Team, approved: str) -> None:
    del team.vault.known["env:ERP_PROD"]
    go(team)
    assert team.promotion(approved).state is PromotionState.WAITING
    assert "env:ERP_PROD" in team.promotion(approved).note
    team.vault.known["env:ERP_PROD"] = "erp-password-of-prod"
    team.settle()
    assert team.promotion(approved).state is PromotionState.SUCCEEDED


def test_a_change_that_is_polled_for_ends_well(team: Team, approved: str) -> None:
    team.prod.slowness = 4
    go(team)
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS
    assert team.paused > 0


def test_a_poll_that_is_not_answered_says_nothing_about_the_change(team: Team, approved: str) -> None:
    team.prod.slowness = 4
    team.prod.fail(Fault.UNREACHABLE, on="poll", times=3)
    go(team)
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.UNSENT])
def test_no_answer_is_resolved_by_looking(team: Team, approved: str, fault: Fault, times: int) -> None:
    """Whether it had happened or not, it happens exactly once."""
    team.prod.fail(fault, times=times)
    go(team)
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS
    assert team.prod.calls["look_up"] >= 1


def test_looking_is_repeated_while_nobody_answers(team: Team, approved: str) -> None:
    team.prod.fail(Fault.LOST)
    team.prod.fail(Fault.UNREACHABLE, on="look_up", times=3)
    go(team)
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS


def test_an_unknown_answer_is_never_success(team: Team, approved: str) -> None:
    team.prod.fail(Fault.LOST)
    team.prod.fail(Fault.UNREACHABLE, on="look_up", times=99)
    go(team)
    assert team.promotion(approved).state is PromotionState.RECONCILE
    assert team.installed("prod") is None


@pytest.fixture
def unclear(team: Team, approved: str) -> str:
    team.prod.fail(Fault.HALF)
    go(team)
    assert team.promotion(approved).state is PromotionState.RECONCILE
    assert team.deployment(approved).state is DeploymentState.RECONCILE
    return approved


def test_what_cannot_be_told_blocks_the_environment(team: Team, unclear: str) -> None:
    team.release("1.16")
    newer = team.promote()
    team.approve(newer)
    for _ in range(3):
        drain(team.engine, "prod")
    assert team.promotion(newer).state is PromotionState.WAITING
    assert team.promotion(unclear).state is PromotionState.RECONCILE
    assert len(team.find(Deployment, environment="prod")) == 1
    assert team.running("test") == "1.0.1", "other environments go on"


def test_a_person_says_it_happened_and_it_goes_on(team: Team, unclear: str) -> None:
    """Having mended the half that was missing."""
    from lampway.testing.memory_package import read_package

    for app in read_package(team.packages.get(team.deployment(unclear).package)).apps:
        team.prod.apps[app.id] = app
    team.do(Reconcile("orders", "prod", True, "I looked, and finished it by hand"), "rita")
    assert team.promotion(unclear).state is PromotionState.SUCCEEDED
    assert team.prod.applied == [("configure", "orders", "1.0.0")]
    assert team.price_in(team.prod) == "1.19"


def test_a_person_cannot_talk_a_difference_away(team: Team, unclear: str) -> None:
    """Half of it is missing, and the platform or reading back finds that out whatever was said."""
    team.do(Reconcile("orders", "prod", True, "it looked fine to me"), "rita")
    assert team.promotion(unclear).state is PromotionState.FAILED
    assert team.installed("prod") is None
    assert team.goods("prod") == []


def test_a_person_says_it_did_not_happen_and_the_environment_is_free(team: Team, unclear: str) -> None:
    team.do(Reconcile("orders", "prod", False, "half of it was there; I removed it"), "rita")
    assert team.promotion(unclear).state is PromotionState.FAILED
    assert team.installed("prod") is None
    team.prod.apps.clear()
    promotion = team.promote()
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"


def test_only_somebody_known_reconciles_and_says_why(team: Team, unclear: str) -> None:
    with pytest.raises(UsageError, match="reason"):
        team.do(Reconcile("orders", "prod", True, ""), "rita")
    with pytest.raises(RefusedError, match="nobody in people"):
        team.do(Reconcile("orders", "prod", True, "trust me"), "stranger")
    with pytest.raises(NotFoundError):
        team.do(Reconcile("orders", "test", True, "nothing waits there"), "rita")
    assert team.promotion(unclear).state is PromotionState.RECONCILE


def test_what_is_read_back_and_differs_is_never_recorded_as_installed(team: Team, approved: str) -> None:
    """Somebody edits between our change and our look."""
    team.prod.meanwhile(lambda: team.prod.meanwhile(_edit_all(team), before="observe"), before="perform")
    go(team)
    assert team.promotion(approved).state is PromotionState.RECONCILE
    assert team.installed("prod") is None
    team.prod.edit("p2", does="times 1.19")
    team.do(Reconcile("orders", "prod", True, "taken back"), "rita")
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.running("prod") == "1.0.0"
    assert team.prod.applied == STEPS


def _edit_all(team: Team):
    return lambda: team.prod.edit("p2", does="times 100")


def test_nobody_there_for_reading_back_is_no_success(team: Team, approved: str) -> None:
    team.prod.meanwhile(lambda: team.prod.fail(Fault.UNREACHABLE, on="observe", times=9), before="perform")
    go(team)
    assert team.promotion(approved).state is PromotionState.RUNNING, "nothing is in doubt that looking will not tell"
    assert team.installed("prod") is None
    team.prod._faults.clear()
    go(team)
    assert team.prod.applied == STEPS
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.running("prod") == "1.0.0"


def test_a_rollback_waits_for_what_is_in_doubt(shipped: Team) -> None:
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.fail(Fault.HALF)
    shipped.approve(promotion)
    back = shipped.do(Rollback("orders", "prod", "away with it"), "rita").promotions[0]
    assert shipped.promotion(back).state is PromotionState.WAITING
    shipped.do(Reconcile("orders", "prod", False, "half"), "rita")
    assert shipped.promotion(back).state is PromotionState.SUCCEEDED


# Other people.


def test_an_edit_elsewhere_during_a_deployment_only_costs_another_look(shipped: Team) -> None:
    from lampway.testing.world import App, Part

    shipped.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    for _ in range(2):
        shipped.prod.meanwhile(lambda: shipped.prod.edit("z2", does="more of it"))
    release = shipped.ship("1.10")
    (done,) = [d for d in shipped.find(Deployment, environment="prod") if d.version == release.version]
    assert done.step("import").attempt > 1
    assert shipped.price_in(shipped.prod) == "1.10"
    assert shipped.prod.apps["z1"].parts[0].does == "more of it"


def test_an_edit_of_the_very_solution_during_its_deployment_is_refused_as_drift(shipped: Team) -> None:
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.meanwhile(lambda: shipped.prod.edit("p2", does="times 2"))
    shipped.approve(promotion)
    assert shipped.price_in(shipped.prod) == "2"
    assert shipped.promotion(promotion).state is PromotionState.WAITING
    assert shipped.deployment(promotion).state is DeploymentState.REFUSED
    (finding,) = shipped.find(DriftFinding, environment="prod")
    assert finding.version == "1.0.1"


def test_an_edit_after_the_first_step_does_not_make_our_own_work_look_like_drift(shipped: Team) -> None:
    """Import is done; somebody edits elsewhere before configure. What differs from the records now is ours."""
    from lampway.testing.world import App, Part

    shipped.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    edit = lambda: shipped.prod.edit("z2", does="more of it")  # noqa: E731
    shipped.dev.edit("p3", does="in ${CURRENCY} at ${RATE}")
    shipped.dev.give("a2", "RATE", 3)
    from team import with_environment

    for place in ("test", "prod"):
        shipped.govern(with_environment(shipped.rules, place, RATE=7))
    shipped.release()
    promotion = shipped.promote()
    shipped.prod.meanwhile(lambda: shipped.prod.meanwhile(edit))
    shipped.approve(promotion)
    assert shipped.promotion(promotion).state is PromotionState.SUCCEEDED, shipped.promotion(promotion).note
    assert shipped.prod.apps["a2"].values["RATE"] == 7
    assert shipped.find(DriftFinding, environment="prod") == ()


def test_endless_edits_end_the_deployment_and_not_the_patience(shipped: Team) -> None:
    from lampway.testing.world import App, Part

    shipped.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))

    def busy() -> None:
        shipped.prod.edit("z2", does="again")
        shipped.prod.meanwhile(busy)

    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.meanwhile(busy)
    shipped.approve(promotion)
    assert shipped.price_in(shipped.prod) == "1.16"
    assert shipped.promotion(promotion).state is PromotionState.WAITING
    shipped.prod._meanwhile.clear()
    shipped.settle()
    assert shipped.price_in(shipped.prod) == "1.10"


# Two processes.


def test_who_lost_the_environment_can_record_nothing_there(team: Team, approved: str) -> None:
    """A process that was taken for dead wakes up in the middle of a deployment."""
    other = team.another(holder="two")
    team.prod.meanwhile(lambda: team.store.take_lease("prod", other.holder))
    with pytest.raises(StorageError, match="took over"):
        go(team)
    assert team.holders() == {"prod": "two"}, "the old one gives nothing free that is no longer its own"
    count = len(team.kinds())
    drain(other, "prod")
    assert len(team.kinds()) > count
    assert team.promotion(approved).state is PromotionState.SUCCEEDED
    assert team.prod.applied == STEPS


def test_fences_only_ever_grow(team: Team) -> None:
    fences = []
    for holder in ("one", "two", "one"):
        fences.append(team.store.take_lease("prod", holder))
        team.store.release_lease("prod", fences[-1])
    assert fences == [1, 2, 3]
    with pytest.raises(StorageError), team.store.transaction() as transaction:
        transaction.require_fence("prod", 2)


# Secrets.


def test_no_secret_is_in_anything_that_is_kept_or_told(team: Team, approved: str) -> None:
    """Whatever goes wrong: ledger, records, packages, notes, what observers are told."""
    team.bench.fail("smoke", "prod", summary="GET failed: Authorization: Bearer erp-password-of-prod")
    team.prod.fail(Fault.LOST)
    go(team)
    team.prod.edit("p2", does="times 2")
    team.do(Rollback("orders", "prod", "away", remove=True), "rita")
    told = [canonical(r.event) for r in team.store.events()] + list(team.packages.kept.values())
    told += [repr(team.seen).encode(), repr(team.source).encode()]
    for secret in ("engine-token", "erp-password-of-prod", "erp-password-of-test", "erp-password-of-dev"):
        assert [text for text in told if secret.encode() in text] == []
    assert team.deployment(approved).step("verify").state is StepState.FAILED


def test_what_stands_in_the_way_after_a_conflict_stops_going_back_too(shipped: Team) -> None:
    """Somebody was faster: whether what was decided still can be done is asked anew, whatever is being done."""
    from lampway.testing.world import App, Part

    shipped.prod.plugins.add("tax")
    shipped.test.plugins.add("tax")
    shipped.dev.edit("p3", plugin="tax")
    shipped.release()
    with_plugin = shipped.promote()
    shipped.approve(with_plugin)
    assert shipped.promotion(with_plugin).state is PromotionState.SUCCEEDED, shipped.promotion(with_plugin).note
    shipped.dev.edit("p3", plugin="")
    shipped.build("1.10")
    shipped.ship("1.10")
    before = list(shipped.prod.applied)

    def faster() -> None:
        shipped.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
        shipped.prod.plugins.clear()

    shipped.prod.meanwhile(faster)
    back = shipped.do(Rollback("orders", "prod", "away with it"), "rita").promotions[0]
    assert shipped.promotion(back).state is PromotionState.FAILED
    assert "plug-in tax is not installed" in shipped.promotion(back).note
    assert shipped.prod.applied == before
