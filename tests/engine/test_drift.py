"""Drift: what was edited live is found, named, blocks, and can be reverted or accepted."""

from __future__ import annotations

import pytest
from team import Team

from lampway.domain.deployment import DriftFinding, DriftState
from lampway.domain.judgement import GateState
from lampway.domain.promotion import PromotionState
from lampway.engine.drift import AcceptDrift, RevertDrift, ScanDrift
from lampway.engine.views import Explain
from lampway.errors import NotFoundError, RefusedError, UsageError
from lampway.testing.world import App, Fault, Part


def states(team: Team) -> list[DriftState]:
    return [finding.state for finding in team.find(DriftFinding, environment="prod")]


def gate(team: Team) -> GateState:
    team.run(ScanDrift(("prod",)))
    return next(g.state for g in team.run(Explain("orders", "prod")).gates if g.gate == "drift")


def test_a_live_edit_is_found_once_and_named(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    for _ in range(3):
        (scanned,) = shipped.run(ScanDrift(("prod",)))
        assert [f.stream for f in scanned.findings] == ["definition"]
        assert "Price" in scanned.findings[0].changes[0]
    assert states(shipped) == [DriftState.OPEN]
    assert shipped.installed("prod").drifted


def test_looking_changes_nothing_there(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    before, revision = shipped.prod.contents(), shipped.prod.revision
    shipped.run(ScanDrift())
    assert (shipped.prod.contents(), shipped.prod.revision) == (before, revision)


def test_nothing_edited_is_nothing_found(shipped: Team) -> None:
    shipped.prod.edit("p2", at=99)
    scanned = shipped.run(ScanDrift())
    assert [s.findings for s in scanned] == [(), ()]
    assert [s.clean for s in scanned] == [("orders",), ("orders",)]


def test_a_changed_value_is_drift_of_its_own_kind(shipped: Team) -> None:
    shipped.prod.give("a1", "ERP_URL", "https://private.copy")
    (scanned,) = shipped.run(ScanDrift(("prod",)))
    assert [f.stream for f in scanned.findings] == ["configuration"]
    assert "https://private.copy" not in repr(scanned)


def test_what_no_release_put_there_is_named(shipped: Team) -> None:
    shipped.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    (scanned,) = shipped.run(ScanDrift(("prod",)))
    assert scanned.unowned == ("Private tool",)
    assert scanned.findings == ()


def test_a_live_edit_blocks_until_it_is_taken_back(shipped: Team) -> None:
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.approve(promotion)
    assert shipped.price_in(shipped.prod) == "2"
    shipped.prod.edit("p2", does="times 1.16")
    shipped.do(ScanDrift(("prod",)))
    assert states(shipped) == [DriftState.GONE]
    assert shipped.price_in(shipped.prod) == "1.10"


def test_a_live_edit_nobody_scanned_for_still_blocks(shipped: Team) -> None:
    """Pre-flight looks before anything changes."""
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.edit("p2", does="times 2")
    shipped.approve(promotion)
    assert shipped.price_in(shipped.prod) == "2"
    assert shipped.promotion(promotion).state is PromotionState.WAITING
    assert "edited live" in shipped.promotion(promotion).note


def test_reverting_brings_back_exactly_what_was_recorded(shipped: Team) -> None:
    before = shipped.prod.contents()
    shipped.prod.edit("p2", does="times 2")
    shipped.prod.give("a1", "ERP_URL", "https://private.copy")
    shipped.run(ScanDrift(("prod",)))
    shipped.do(RevertDrift("orders", "prod"), "rita")
    assert shipped.prod.contents() == before
    assert set(states(shipped)) == {DriftState.REVERTED}
    assert not shipped.installed("prod").drifted
    assert gate(shipped) is GateState.PASSED


def test_reverting_keeps_what_it_overwrites(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    (promotion,) = shipped.do(RevertDrift("orders", "prod"), "rita")
    kept = shipped.deployment(promotion).step("keep").detail["kept"]
    assert b"times 2" in shipped.packages.get(kept)


def test_accepting_lets_one_edit_stand_and_no_other(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.do(AcceptDrift("orders", "prod", "the fair is today"), "rita")
    assert gate(shipped) is GateState.WAIVED
    shipped.prod.edit("p2", does="times 3")
    assert gate(shipped) is GateState.FAILED


def test_an_accepted_edit_does_not_cover_another_kind_of_edit(shipped: Team) -> None:
    """The definition was accepted; then somebody changes a value, and nobody scans before deploying."""
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.do(AcceptDrift("orders", "prod", "the fair is today"), "rita")
    shipped.release("1.10")
    promotion = shipped.promote()
    shipped.prod.give("a1", "ERP_URL", "https://private.copy")
    shipped.approve(promotion)
    assert shipped.price_in(shipped.prod) == "2"
    assert shipped.promotion(promotion).state is PromotionState.WAITING


def test_the_next_release_overwrites_what_was_accepted(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.do(AcceptDrift("orders", "prod", "the fair is today"), "rita")
    shipped.ship("1.10")
    assert shipped.price_in(shipped.prod) == "1.10"
    assert states(shipped) == [DriftState.REVERTED]
    assert gate(shipped) is GateState.PASSED


def test_drift_is_decided_upon_by_people_the_team_knows_and_with_a_reason(shipped: Team) -> None:
    with pytest.raises(NotFoundError):
        shipped.do(AcceptDrift("orders", "prod", "why not"), "rita")
    with pytest.raises(NotFoundError):
        shipped.do(RevertDrift("orders", "prod"), "rita")
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    with pytest.raises(UsageError, match="reason"):
        shipped.do(AcceptDrift("orders", "prod", " "), "rita")
    for request in (AcceptDrift("orders", "prod", "why not"), RevertDrift("orders", "prod")):
        with pytest.raises(RefusedError, match="nobody in people"):
            shipped.do(request, "stranger")
    assert states(shipped) == [DriftState.OPEN]


def test_one_place_that_does_not_answer_does_not_hide_the_others(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.test.fail(Fault.UNREACHABLE, on="observe")
    test, prod = shipped.run(ScanDrift())
    assert "nothing answers" in test.error
    assert len(prod.findings) == 1


def test_a_place_that_did_not_answer_is_not_taken_for_clean(shipped: Team) -> None:
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.prod.fail(Fault.UNREACHABLE, on="observe")
    shipped.run(ScanDrift(("prod",)))
    assert states(shipped) == [DriftState.OPEN]
