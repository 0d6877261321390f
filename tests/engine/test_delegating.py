"""Deciding for somebody who is away: between its days, once for each person, and the record says so."""

from __future__ import annotations

from typing import Any

import pytest
from people_rules import LATER, said, with_approval
from sqlalchemy import text
from team import Team

from lampway.domain.promotion import PromotionState
from lampway.domain.quorum import Delegation
from lampway.engine.audit import Audit
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate, Delegations, EndDelegation
from lampway.engine.views import Inbox
from lampway.errors import NotFoundError, RefusedError, UsageError
from lampway.storage.sql import SqlStore


@pytest.fixture
def delegated(team: Team) -> Delegation:
    """Return ana's delegation to zoe, who has no role herself, for January."""
    return team.run(Delegate("zoe", "2026-01-01", LATER, "on holiday"), "ana")


def test_a_delegate_decides_for_who_is_away_and_the_record_says_so(team: Team, delegated: Delegation) -> None:
    team.release("1.19")
    promotion = team.promote()
    assert [v.promotion.id for v in team.run(Inbox(), "zoe")] == [promotion]
    team.approve(promotion, "zoe")
    assert team.running("prod") == "1.0.0"
    (decision,) = team.promotion(promotion).decisions
    assert (decision.by, decision.on_behalf_of) == ("zoe", "ana")
    assert any("approved by zoe for ana" in line for line in said(team))
    assert team.run(Audit()).damage == ()


@pytest.mark.parametrize("days", [-5, 27])
def test_a_delegation_holds_only_between_its_days(team: Team, delegated: Delegation, days: int) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.clock.move(days=days)
    with pytest.raises(RefusedError, match="not one of those"):
        team.approve(promotion, "zoe")


def test_nobody_counts_twice_by_standing_in(team: Team, delegated: Delegation) -> None:
    team.govern(with_approval(team.rules, quorum=2))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion, "ana")
    with pytest.raises(RefusedError, match="counted already"):
        team.approve(promotion, "zoe")
    assert team.prod.applied == []
    team.run(Delegate("zoe", "2026-01-01", LATER, "too"), "bob")
    with pytest.raises(RefusedError, match="counted already"):
        team.approve(promotion, "zoe", on_behalf_of="ana")
    team.approve(promotion, "zoe", on_behalf_of="bob")
    assert team.running("prod") == "1.0.0"


def test_who_is_back_may_still_say_no_to_what_was_approved_for_them(team: Team, delegated: Delegation) -> None:
    team.govern(with_approval(team.rules, quorum=2))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion, "zoe")
    team.do(Decide(promotion, approved=False, reason="not this one"), "ana")
    assert team.promotion(promotion).state is PromotionState.REJECTED


def test_a_delegate_who_may_approve_speaks_for_themselves_unless_they_say_so(team: Team) -> None:
    team.run(Delegate("bob", "2026-01-01", LATER, "away"), "ana")
    team.govern(with_approval(team.rules, quorum=2))
    team.release("1.19")
    promotion = team.promote()
    with pytest.raises(RefusedError, match="let bob approve nothing"):
        team.approve(promotion, "bob", on_behalf_of="max")
    team.approve(promotion, "bob")
    assert team.promotion(promotion).decisions[0].on_behalf_of == ""
    with pytest.raises(UsageError, match="decided already"):
        team.approve(promotion, "bob", on_behalf_of="ana")


def test_makers_and_who_asked_neither_stand_in_nor_let_anybody(team: Team) -> None:
    team.run(Delegate("mia", "2026-01-01", LATER, "away"), "ana")
    team.run(Delegate("zoe", "2026-01-01", LATER, "away"), "max")
    team.release("1.19", by="max")
    team.dev.apps["a1"].editors.clear()
    promotion = team.promote(by="mia")
    for who, why in (("mia", "asked for it"), ("zoe", "may speak for max, but not here")):
        with pytest.raises(RefusedError, match=why):
            team.approve(promotion, who)


def test_what_was_delegated_is_not_passed_on(team: Team, delegated: Delegation) -> None:
    with pytest.raises(RefusedError, match="nothing themselves"):
        team.run(Delegate("rita", "2026-01-01", LATER, "away too"), "zoe")


def test_a_delegation_taken_back_ends_at_once_and_what_was_decided_stands(team: Team, delegated: Delegation) -> None:
    team.govern(with_approval(team.rules, quorum=2))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion, "zoe")
    team.clock.move(hours=1)
    with pytest.raises(RefusedError, match="ana who gave it"):
        team.run(EndDelegation(delegated.id), "zoe")
    team.run(EndDelegation(delegated.id), "ana")
    assert team.run(Delegations()) == ()
    assert [d.id for d in team.run(Delegations(everything=True))] == [delegated.id]
    with pytest.raises(UsageError, match="over already"):
        team.run(EndDelegation(delegated.id), "ana")
    team.approve(promotion, "bob")
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize(
    ("request_", "who", "error"),
    [
        (Delegate("ana", "2026-01-01", LATER, "me"), "ana", UsageError),
        (Delegate("ghost", "2026-01-01", LATER, "who"), "ana", RefusedError),
        (Delegate("zoe", "2026-01-01", LATER, "who"), "ghost", RefusedError),
        (Delegate("zoe", "2026-02-01", LATER, "backwards"), "ana", UsageError),
        (Delegate("zoe", "2025-01-01", "2025-02-01", "past"), "ana", UsageError),
        (Delegate("zoe", "2026-01-01", LATER, ""), "ana", UsageError),
        (Delegate("zoe", "then", LATER, "x"), "ana", UsageError),
        (EndDelegation("none"), "ana", NotFoundError),
    ],
)
def test_a_delegation_that_makes_no_sense_is_refused(
    team: Team, request_: Any, who: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        team.run(request_, who)
    assert team.find(Delegation) == ()


def test_a_store_from_before_delegations_learns_them(team: Team) -> None:
    with team.store._engine.connect() as connection, connection.begin():
        connection.execute(text("DROP TABLE record_delegation"))
    SqlStore(team.store._engine, team.clock)
    team.run(Delegate("zoe", "2026-01-01", LATER, "away"), "ana")
    assert team.run(Audit()).damage == ()
