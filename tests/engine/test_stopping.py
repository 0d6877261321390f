"""Holds, emergency stops and vetoes keep releases out, in every lane, until a named person says otherwise."""

from __future__ import annotations

import pytest
from team import Team

from lampway.domain.deployment import Deployment
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.stops import Hold, Veto
from lampway.engine.audit import History
from lampway.engine.cases import Resume
from lampway.engine.decide import Decide
from lampway.engine.drift import RevertDrift, ScanDrift
from lampway.engine.promote import Promote, Rollback
from lampway.engine.stops import LiftHold, PutOnHold, ShowStops, VetoRelease, refuse_if_stopped
from lampway.engine.views import Explain, Status
from lampway.errors import NotFoundError, RefusedError, UsageError


def closed(team: Team, to: str = "prod") -> dict[str, str]:
    """Return the gates that are not open, each with its reason."""
    told = team.run(Explain("orders", to)).gates
    return {g.gate: g.reason for g in told if g.state not in {"passed", "warned", "waived"}}


@pytest.mark.parametrize(
    "hold",
    [
        PutOnHold("wait", "orders"),
        PutOnHold("wait", environment="prod"),
        PutOnHold("wait", "orders", "prod"),
        PutOnHold("wait", environment="prod", emergency=True),
        PutOnHold("wait", emergency=True),
    ],
)
def test_what_is_stopped_does_not_start_though_it_was_approved_and_starts_when_lifted(
    team: Team, hold: PutOnHold
) -> None:
    team.release()
    promotion = team.promote()
    team.run(hold, "rita")
    team.approve(promotion)
    assert team.promotion(promotion).state is PromotionState.WAITING
    assert team.running("prod") == ""
    assert closed(team).keys() == {"stop" if hold.emergency else "hold"}
    team.do(LiftHold(hold.solution, hold.environment, "over", hold.emergency), "rita")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    assert team.store.audit() == ()


def test_what_is_stopped_elsewhere_stops_nothing_here(team: Team) -> None:
    team.release()
    team.run(PutOnHold("wait", "billing"), "rita")
    team.run(PutOnHold("wait", "orders", "dev"), "rita")
    team.approve(team.promote())
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize("hold", [PutOnHold("wait", "orders"), PutOnHold("wait", emergency=True)])
def test_a_rollback_is_stopped_too_and_says_how_to_lift_it(shipped: Team, hold: PutOnHold) -> None:
    shipped.run(hold, "rita")
    with pytest.raises(RefusedError, match="by rita: wait") as caught:
        shipped.do(Rollback("orders", "prod", "it is wrong"), "rita")
    assert "lampway unhold orders" in caught.value.hint or "lampway start --all" in caught.value.hint
    assert shipped.running("prod") == "1.0.1"


def test_a_redeploy_waits_for_the_end_of_a_hold(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.run(PutOnHold("wait", environment="prod"), "rita")
    shipped.do(RevertDrift("orders", "prod"), "rita")
    assert shipped.price_in(shipped.prod) == "2"
    shipped.do(LiftHold(environment="prod"), "rita")
    assert shipped.price_in(shipped.prod) == "1.16"


def test_a_hold_ends_by_itself_on_its_day(team: Team) -> None:
    team.release()
    promotion = team.promote()
    hold = team.run(PutOnHold("wait", "orders", until="2026-01-06"), "rita")
    assert hold.until == "2026-01-07T00:00:00.000+00:00"
    team.approve(promotion)
    team.clock.move(hours=38)
    team.do(Resume())
    assert team.running("prod") == ""
    assert team.run(ShowStops()).holds == (hold,)
    team.clock.move(hours=1)
    assert team.run(ShowStops()).holds == ()
    team.do(Resume())
    assert team.running("prod") == "1.0.0"


def test_what_was_under_way_when_everything_was_stopped_ends_as_it_would(team: Team) -> None:
    from lampway.testing.world import CrashError, Fault

    team.release()
    promotion = team.promote()
    team.prod.fail(Fault.CRASH_AFTER)
    with pytest.raises(CrashError):
        team.approve(promotion)
    team.run(PutOnHold("fire", emergency=True), "rita")
    team.settle()
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


@pytest.mark.parametrize(
    ("hold", "message"),
    [
        (PutOnHold("  ", "orders"), "a reason is needed"),
        (PutOnHold("wait", "orders", until="soon"), "not a date: soon"),
        (PutOnHold("wait", "orders", until="2026-01-04"), "in the past"),
        (PutOnHold("wait", "ordres"), "no solution named"),
        (PutOnHold("wait", environment="prd"), "no environment named"),
    ],
)
def test_a_hold_that_makes_no_sense_is_refused_and_nothing_is_recorded(
    team: Team, hold: PutOnHold, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        team.run(hold, "rita")
    assert team.find(Hold) == ()


@pytest.mark.parametrize(
    "request_", [PutOnHold("wait", "orders"), VetoRelease("orders@1.0.0", "prod", "no"), LiftHold("orders")]
)
def test_only_people_the_team_knows_stop_anything_and_lift_it(shipped: Team, request_: object) -> None:
    if isinstance(request_, LiftHold):
        shipped.run(PutOnHold("wait", "orders"), "rita")
    with pytest.raises(RefusedError, match=r"stranger is nobody in people\.yaml"):
        shipped.run(request_, "stranger")


def test_a_hold_is_lifted_by_who_set_it_or_who_answers_for_releases(team: Team) -> None:
    for setter, lifter, may in (
        ("mia", "mia", True),
        ("mia", "rita", True),
        ("mia", "pam", True),
        ("rita", "mia", False),
    ):
        team.run(PutOnHold("wait", "orders"), setter)
        if may:
            (lifted,) = team.run(LiftHold("orders"), lifter)
            assert team.get(Hold, lifted.id).lifted_by == lifter
            continue
        with pytest.raises(RefusedError, match="Mia may not lift the hold on orders") as caught:
            team.run(LiftHold("orders"), lifter)
        assert caught.value.hint.endswith("rita, pam")


def test_only_what_stands_with_that_scope_is_lifted(team: Team) -> None:
    with pytest.raises(NotFoundError, match="no hold of that scope stands"):
        team.run(LiftHold("orders"), "rita")
    team.run(PutOnHold("wait", "orders", "prod"), "rita")
    team.run(PutOnHold("fire", environment="prod", emergency=True), "rita")
    with pytest.raises(NotFoundError) as caught:
        team.run(LiftHold("orders"), "rita")
    assert caught.value.hint == "what stands: lampway unhold orders --environment prod"
    with pytest.raises(UsageError, match="a reason is needed"):
        team.run(LiftHold(environment="prod", emergency=True), "rita")


def test_status_says_what_is_stopped(shipped: Team) -> None:
    shipped.run(PutOnHold("fire", environment="prod", emergency=True), "rita")
    held = {(c.solution, c.environment): c.held for c in shipped.run(Status())}
    assert held["orders", "prod"] == ("emergency stop of prod by rita: fire",)
    assert held["billing", "prod"] == held["orders", "prod"]
    assert held["orders", "test"] == ()


def test_the_history_says_who_stopped_what_and_why(shipped: Team) -> None:
    shipped.run(PutOnHold("fire", emergency=True), "rita")
    shipped.run(LiftHold(reason="put out", emergency=True), "pam")
    shipped.run(VetoRelease("orders@1.0.0", "prod", "it lost an order"), "ana")
    assert [line.what for line in shipped.run(History(limit=3))] == [
        "emergency stop of every environment by rita: fire",
        "emergency stop of every environment lifted: put out",
        "orders@1.0.0 may never enter prod, says ana: it lost an order",
    ]


def test_an_environment_that_is_stopped_is_not_seeded_either(team: Team) -> None:
    team.run(PutOnHold("fire", emergency=True), "rita")
    with pytest.raises(RefusedError, match="emergency stop"):
        refuse_if_stopped(team.engine, "orders", "dev")


def test_a_vetoed_release_never_enters_again_in_any_lane(shipped: Team) -> None:
    """1.0.1 runs, 1.0.0 is what a rollback would bring back; then 1.0.0 is vetoed."""
    said = shipped.run(VetoRelease("orders@1.0.0", "prod", "it lost an order"), "ana")
    assert not said.installed
    with pytest.raises(RefusedError, match="no known-good release"):
        shipped.run(Rollback("orders", "prod", "back"), "rita")
    with pytest.raises(RefusedError, match=r"orders@1\.0\.0 may never enter prod"):
        shipped.run(Rollback("orders", "prod", "back", to="1.0.0"), "rita")
    promotion = shipped.promote(release="orders@1.0.0")
    shipped.approve(promotion)
    assert shipped.running("prod") == "1.0.1"
    assert shipped.running("test") == "1.0.0"
    assert shipped.find(Deployment, environment="prod")[-1].version == "1.0.1"


def test_a_vetoed_release_that_runs_is_not_deployed_once_more_but_may_be_taken_out(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    assert shipped.run(VetoRelease("orders@1.0.1", "prod", "it lost an order"), "ana").installed
    shipped.do(RevertDrift("orders", "prod"), "rita")
    assert shipped.price_in(shipped.prod) == "2"
    shipped.do(Rollback("orders", "prod", "back"), "rita")
    assert shipped.running("prod") == "1.0.0"
    shipped.run(VetoRelease("orders@1.0.0", "prod", "that one too"), "ana")
    shipped.do(Rollback("orders", "prod", "out with it", remove=True), "rita")
    assert shipped.running("prod") == ""


def test_a_veto_ends_what_waits_for_it_with_its_reason(team: Team) -> None:
    team.release()
    promotion = team.promote()
    said = team.run(VetoRelease("orders@1.0.0", "prod", "it lost an order"), "bob")
    assert said.rejected == (promotion,)
    assert team.promotion(promotion).state is PromotionState.REJECTED
    assert team.promotion(promotion).note == "vetoed by bob: it lost an order"
    with pytest.raises(RefusedError, match="rejected: vetoed by bob"):
        team.approve(promotion)


def test_a_veto_is_about_one_release_in_one_environment(team: Team) -> None:
    team.release()
    team.approve(team.promote())
    team.run(VetoRelease("orders@1.0.0", "test", "not here"), "bob")
    team.ship("1.16")
    assert team.running("prod") == "1.0.1"


@pytest.mark.parametrize(
    ("release", "place", "error"),
    [
        ("orders", "prod", "about one release"),
        ("orders@9.9.9", "prod", "no release"),
        ("orders@1.0.0", "nowhere", "no stage"),
        ("nothing@1.0.0", "prod", "no release"),
    ],
)
def test_a_veto_that_makes_no_sense_is_refused(shipped: Team, release: str, place: str, error: str) -> None:
    with pytest.raises(UsageError, match=error):
        shipped.run(VetoRelease(release, place, "no"), "ana")
    assert shipped.find(Veto) == ()


def test_a_veto_is_given_once_and_stays(shipped: Team) -> None:
    shipped.run(VetoRelease("orders@1.0.0", "prod", "it lost an order"), "ana")
    with pytest.raises(RefusedError, match="vetoed already"):
        shipped.run(VetoRelease("orders@1.0.0", "prod", "again"), "bob")
    assert [v.by for v in shipped.run(ShowStops()).vetoes] == ["ana"]


def test_a_vetoed_rollback_target_voids_what_was_approved_with_it(shipped: Team) -> None:
    shipped.release("1.07")
    promotion = shipped.promote()
    shipped.run(VetoRelease("orders@1.0.1", "prod", "it lost an order"), "bob")
    with pytest.raises(RefusedError, match="rollback target"):
        shipped.run(Decide(promotion, approved=True), "ana")
    assert shipped.promotion(promotion).state is PromotionState.VOIDED


def test_asking_again_while_held_makes_no_second_promotion(team: Team) -> None:
    team.release()
    team.run(PutOnHold("wait", environment="test"), "rita")
    first = team.do(Promote("orders", "prod"))
    assert team.do(Promote("orders", "prod")) == first
    assert len(team.find(Promotion)) == 2
