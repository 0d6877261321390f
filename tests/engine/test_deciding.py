"""Deciding: by whom, about what exactly, and what makes a decision lapse."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from team import APPROVAL, PROD_GATES, Team, environment, with_environment, with_gates

from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import Person, Strategy
from lampway.engine.decide import Decide
from lampway.engine.drain import drain
from lampway.engine.drift import ScanDrift
from lampway.engine.promote import Rollback
from lampway.engine.views import Inbox, ShowPromotion
from lampway.errors import RefusedError, UsageError, VoidedError


@pytest.fixture
def asked(team: Team) -> str:
    """Return a promotion to production that waits for nothing but an approval."""
    team.release("1.19")
    return team.promote(by="rita")


@pytest.mark.parametrize(
    ("person", "why"),
    [
        ("mia", "not one of those"),
        ("rita", "not one of those"),
        ("zoe", "not one of those"),
        ("stranger", "nobody in people.yaml"),
        ("lampway", "nobody in people.yaml"),
    ],
)
def test_who_has_no_say_is_refused(team: Team, asked: str, person: str, why: str) -> None:
    with pytest.raises(RefusedError, match=why):
        team.approve(asked, person)
    assert team.promotion(asked).decisions == ()


def test_whoever_asked_cannot_approve(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote(by="ana")
    with pytest.raises(RefusedError, match="Ana asked for it"):
        team.approve(promotion, "ana")
    team.approve(promotion, "bob")
    assert team.running("prod") == "1.0.0"


def test_whoever_asked_cannot_approve_under_another_name(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote(by="ana@example.test")
    with pytest.raises(RefusedError, match="asked for it"):
        team.approve(promotion, "ANA@example.test")


def test_a_maker_who_may_approve_cannot_approve_what_they_made(team: Team) -> None:
    team.release("1.19", by="max")
    promotion = team.promote(by="rita")
    with pytest.raises(RefusedError, match="Max made what is in it"):
        team.approve(promotion, "max")


def test_makers_of_every_release_on_the_way_count(team: Team) -> None:
    """Production runs 1.0.0; what max made in 1.0.1 is part of what 1.0.2 brings."""
    team.ship("1.19")
    team.release("1.16", by="max")
    team.dev.apps["a1"].editors.clear()
    team.release("1.10", by="mia")
    promotion = team.promote(by="rita")
    with pytest.raises(RefusedError, match="Max made"):
        team.approve(promotion, "max")


def test_a_live_editor_counts_as_a_maker(team: Team) -> None:
    """Whom the platform names, whoever released it."""
    team.build("1.19", by="max")
    team.release(by="mia")
    promotion = team.promote(by="rita")
    with pytest.raises(RefusedError, match="Max made"):
        team.approve(promotion, "max")


def test_where_nobody_knows_who_edited_every_maker_is_one() -> None:
    team = Team(tells_editors=False)
    team.release("1.19", by="mia")
    promotion = team.promote(by="rita")
    with pytest.raises(RefusedError, match="may edit in dev"):
        team.approve(promotion, "max")
    team.approve(promotion, "ana")
    assert team.running("prod") == "1.0.0"


def test_a_maker_whom_nobody_knows_blocks(team: Team) -> None:
    team.build("1.19", by="intruder")
    team.release(by="mia")
    promotion = team.promote(by="rita")
    (gate,) = [g for g in team.run(ShowPromotion(promotion)).gates if g.gate == "approval"]
    assert "intruder" in gate.reason
    team.approve(promotion)
    assert team.prod.applied == []


def test_a_quorum_counts_people_and_not_clicks(team: Team) -> None:
    gates = tuple(replace(APPROVAL, quorum=2) if g == APPROVAL else g for g in PROD_GATES)
    team.govern(with_gates(team.rules, "prod", gates))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion, "ana")
    for name in ("ana", "ana@example.test", "Ana@Example.Test"):
        with pytest.raises(UsageError, match="decided already"):
            team.approve(promotion, name)
    assert team.prod.applied == []
    team.approve(promotion, "bob")
    assert team.running("prod") == "1.0.0"


def test_one_no_is_enough(team: Team, asked: str) -> None:
    team.do(Decide(asked, approved=False, reason="not before the fair"), "ana")
    assert team.promotion(asked).state is PromotionState.REJECTED
    with pytest.raises(RefusedError):
        team.approve(asked, "bob")
    assert team.prod.applied == []


def test_a_no_needs_a_reason(team: Team, asked: str) -> None:
    with pytest.raises(UsageError, match="reason"):
        team.do(Decide(asked, approved=False, reason="  "), "ana")


def test_a_decision_about_something_else_than_was_shown_is_refused(team: Team, asked: str) -> None:
    with pytest.raises(VoidedError):
        team.approve(asked, "ana", digest="sha256:" + "1" * 64)
    team.approve(asked, "ana", digest=team.promotion(asked).bound.digest)
    assert team.running("prod") == "1.0.0"


def test_the_inbox_shows_everybody_only_what_they_may_decide(team: Team, asked: str) -> None:
    for person, sees in (("ana", [asked]), ("bob", [asked]), ("mia", []), ("rita", []), ("stranger", [])):
        assert [view.promotion.id for view in team.run(Inbox(), person)] == sees
    assert [view.promotion.id for view in team.run(Inbox(everybody=True), "mia")] == [asked]


def test_a_decision_keeps_what_there_was_to_see(team: Team, asked: str) -> None:
    team.approve(asked)
    (decision,) = team.promotion(asked).decisions
    assert decision.digest == team.promotion(asked).bound.digest
    assert len(decision.evidence) == 1
    assert not decision.authenticated


# What voids: an approval holds only for exactly what was looked at.


def new_value(rules: Strategy) -> Strategy:
    return with_environment(rules, "prod", CURRENCY="CHF")


def new_reference(rules: Strategy) -> Strategy:
    prod = environment("prod")
    values = replace(prod.values, connections={"ERP": {"password": "env:ERP_TEST"}})
    return replace(rules, environments=(*rules.environments[:-1], replace(prod, values=values)))


def new_quorum(rules: Strategy) -> Strategy:
    return with_gates(rules, "prod", (*PROD_GATES[:-1], replace(APPROVAL, quorum=2)))


def no_lock_gate(rules: Strategy) -> Strategy:
    return with_gates(rules, "prod", tuple(g for g in PROD_GATES if g.gate != "lock"))


def new_approver(rules: Strategy) -> Strategy:
    return replace(rules, people=tuple(replace(p, roles=("approver",)) if p.id == "zoe" else p for p in rules.people))


def new_checks(rules: Strategy) -> Strategy:
    return replace(rules, solutions=tuple(replace(s, checks=s.checks[:0]) for s in rules.solutions))


def new_url(rules: Strategy) -> Strategy:
    prod = replace(environment("prod"), url="memory://elsewhere")
    return replace(rules, environments=(*rules.environments[:-1], prod))


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (new_value, "the configuration of the environment"),
        (new_reference, "the configuration of the environment"),
        (new_quorum, "the rules that govern this stage"),
        (no_lock_gate, "the rules that govern this stage"),
        (new_approver, "the rules that govern this stage"),
        (new_checks, "the rules that govern this stage"),
        (new_url, "the rules that govern this stage"),
    ],
)
def test_whatever_a_promotion_is_bound_to_voids_it_when_it_changes(
    team: Team, change: Callable[[Strategy], Strategy], part: str
) -> None:
    """Also between an approval that did not yet suffice and the start."""
    team.release("1.19")
    promotion = team.promote()
    team.govern(change(team.rules))
    with pytest.raises(VoidedError, match=part):
        team.approve(promotion)
    moved = team.promotion(promotion)
    assert (moved.state, moved.decisions) == (PromotionState.VOIDED, ())
    assert part in moved.note
    assert team.prod.applied == []


def test_an_approval_lapses_with_what_it_was_bound_to(team: Team) -> None:
    """Approved, and held back by an open lock; then a value changes. The approval must not count any more."""
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    team.govern(new_value(team.rules))
    team.prod.is_locked = True
    again = team.promote()
    assert again != promotion
    assert team.promotion(promotion).state is PromotionState.VOIDED
    assert team.promotion(again).state is PromotionState.WAITING
    assert team.prod.applied == []
    team.approve(again)
    assert team.prod.apps["a2"].values == {"CURRENCY": "CHF"}


def test_what_was_installed_meanwhile_voids(team: Team) -> None:
    """The diff that was approved is no longer the diff that would be deployed."""
    team.ship("1.19")
    team.ship("1.16")
    team.release("1.10")
    promotion = team.promote()
    team.do(Rollback("orders", "prod", "1.16 is wrong"), "rita")
    assert team.promotion(promotion).state is PromotionState.VOIDED
    assert "what runs in the environment" in team.promotion(promotion).note
    assert team.price_in(team.prod) == "1.19"


def test_another_rollback_target_voids(team: Team) -> None:
    """Production runs 1.0.1 with 1.0.0 behind it; whoever approved 1.0.2 counted on coming back to 1.0.1."""
    team.ship("1.19")
    team.release("1.16")
    promotion = team.promote()
    bound = team.promotion(promotion).bound
    team.do(Rollback("orders", "prod", "gone", remove=True), "rita")
    drain(team.engine, "prod")
    assert team.promotion(promotion).state is PromotionState.VOIDED
    again = team.promote()
    assert team.promotion(again).bound.installed == ""
    assert bound.installed


@pytest.mark.parametrize(
    "change",
    [
        lambda rules: replace(rules, next_review="2030-01-01"),
        lambda rules: replace(rules, team="Another name"),
        lambda rules: with_environment(rules, "test", CURRENCY="CHF"),
        lambda rules: with_environment(rules, "prod", UNUSED="value"),
        lambda rules: replace(rules, people=(*rules.people, Person("new", "New", ("new@example.test",), ("maker",)))),
        lambda rules: replace(
            rules, solutions=(rules.solutions[0], replace(rules.solutions[1], criticality="high", checks=()))
        ),
    ],
    ids=["review", "team", "test-value", "unused-value", "new-maker", "other-solution"],
)
def test_edits_that_do_not_govern_void_nothing(team: Team, asked: str, change: Callable[[Strategy], Strategy]) -> None:
    team.govern(change(team.rules))
    team.approve(asked)
    assert team.running("prod") == "1.0.0"


def test_looking_for_drift_and_finding_none_voids_nothing(team: Team, asked: str) -> None:
    team.do(ScanDrift())
    team.approve(asked)
    assert team.running("prod") == "1.0.0"


def test_rules_applied_while_a_deployment_is_about_to_start_still_void_it(team: Team, asked: str) -> None:
    """Between judging and starting the engine looks at the platform, and that takes time."""
    team.prod.meanwhile(lambda: team.govern(new_value(team.rules)), before="plan")
    team.approve(asked)
    assert team.prod.applied == []
    assert team.promotion(asked).state is PromotionState.VOIDED


def test_taking_a_promotion_back_just_before_it_starts_is_heard(team: Team, asked: str) -> None:
    from lampway.engine.promote import Abort

    team.prod.meanwhile(lambda: team.run(Abort(asked, "stop")), before="plan")
    team.approve(asked)
    assert team.prod.applied == []
    assert team.promotion(asked).state is PromotionState.ABORTED


# The rules themselves.


def test_nobody_applies_rules_they_wrote(team: Team) -> None:
    with pytest.raises(RefusedError, match="wrote this change"):
        team.govern(new_value(team.rules), author="pam", by="pam")


@pytest.mark.parametrize("person", ["mia", "stranger"])
def test_only_an_admin_applies_rules(team: Team, person: str) -> None:
    with pytest.raises(RefusedError, match="no platform-admin"):
        team.govern(new_value(team.rules), author="max", by=person)


def test_nobody_makes_themselves_an_admin(team: Team) -> None:
    """Who may apply is judged by the rules in force, not by those to be applied."""
    people = tuple(replace(p, roles=("platform-admin",)) if p.id == "zoe" else p for p in team.rules.people)
    with pytest.raises(RefusedError, match="no platform-admin"):
        team.govern(replace(team.rules, people=people), by="zoe")


def test_rules_that_are_not_in_force_change_nothing(team: Team, asked: str) -> None:
    team.source.write("lampway.yaml", team.desk.write(new_quorum(team.rules)).decode())
    team.approve(asked)
    assert team.running("prod") == "1.0.0"


def test_a_secret_in_clear_never_becomes_a_rule(team: Team) -> None:
    with pytest.raises(RefusedError, match="looks like a secret"):
        team.govern(with_environment(team.rules, "prod", CURRENCY="hardcoded secret"))
