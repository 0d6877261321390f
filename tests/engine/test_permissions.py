"""Who may ask for what: one table, one door, and nobody locked out. And roles that end when they were said to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from team import APPROVAL, PROD_GATES, Team, strategy, with_gates

from lampway.domain.cautions import cautions
from lampway.domain.duties import Required
from lampway.domain.events import Actor
from lampway.domain.revocation import Revocation
from lampway.domain.roles import MEMBERS, PERMISSIONS, SHIPPED, Assignment, Conflict, clashes
from lampway.domain.strategy import Person, RulesInForce
from lampway.engine.cases import CASES
from lampway.engine.decide import Decide
from lampway.engine.permissions import require_permission
from lampway.engine.reconcile import Reconcile
from lampway.engine.release import MakeRelease
from lampway.engine.revoke import Revoke
from lampway.engine.stops import LiftHold, PutOnHold
from lampway.engine.strategy import ApplyStrategy
from lampway.engine.views import Status
from lampway.errors import RefusedError

RECONCILE = Reconcile("orders", "prod", happened=True, reason="seen")


def may(team: Team, request: Any, by: str) -> bool:
    try:
        require_permission(team.engine, request, Actor(by, "test"))
    except RefusedError:
        return False
    return True


def with_role(team: Team, person: str, *roles: str, **more: Any) -> None:
    people = tuple(replace(p, roles=roles, **more) if p.id == person else p for p in team.rules.people)
    team.govern(replace(team.rules, people=people))


def test_the_table_names_requests_and_roles_that_there_are() -> None:
    requests = {request.__name__ for request in CASES}
    assert {p.request for p in PERMISSIONS} <= requests
    assert len({p.request for p in PERMISSIONS}) == len(PERMISSIONS)
    assert {role for p in PERMISSIONS for role in p.roles} <= set(SHIPPED)
    assert set(MEMBERS) == set(SHIPPED) - {"auditor"}


@pytest.mark.parametrize(
    ("request_", "able", "unable"),
    [
        (MakeRelease("orders"), {"mia", "max", "rita", "pam"}, {"ana", "bob", "zoe", "stranger"}),
        (RECONCILE, {"rita", "pam"}, {"mia", "ana"}),
        (PutOnHold("fire", environment="prod"), {"mia", "zoe"}, {"stranger"}),
        (Status(), {"mia", "zoe", "stranger"}, set()),
    ],
)
def test_each_request_takes_its_roles(team: Team, request_: Any, able: set[str], unable: set[str]) -> None:
    assert {by for by in able | unable if may(team, request_, by)} == able


def test_who_only_audits_changes_nothing_but_may_stop_and_vouch(team: Team) -> None:
    with_role(team, "zoe", "auditor")
    changing = [p for p in PERMISSIONS if p.roles and "auditor" not in p.roles]
    assert {p.request for p in PERMISSIONS} - {p.request for p in changing} >= {"RecordAudit", "PutOnHold"}
    assert not may(team, MakeRelease("orders"), "zoe")


def test_where_nobody_holds_a_role_nobody_is_locked_out_and_the_check_says_so(team: Team) -> None:
    people = tuple(p for p in team.rules.people if p.id not in {"rita", "pam"})
    alone = replace(team.rules, people=people)
    team.govern(alone)
    assert may(team, RECONCILE, "mia")
    assert not may(team, RECONCILE, "zoe"), "who holds no role takes no part"
    assert any("may run reconcile" in text for text in cautions(alone))
    assert not any("may run reconcile" in text for text in cautions(strategy()))


def test_before_any_rules_are_in_force_everybody_may(team: Team) -> None:
    with team.store.transaction() as transaction:
        transaction.delete(RulesInForce, "current")
    assert may(team, ApplyStrategy(), "stranger")


def test_rules_are_applied_by_a_platform_admin_even_without_a_second_person(team: Team) -> None:
    team.govern(replace(team.rules, second_person_applies=False))
    with pytest.raises(RefusedError, match="takes one of the roles platform-admin"):
        team.govern(replace(team.rules, team="Another"), by="mia")
    team.govern(replace(team.rules, team="Another"), author="pam", by="pam")


def test_a_person_who_left_may_nothing_at_once(team: Team) -> None:
    assert may(team, MakeRelease("orders"), "mia")
    found = team.run(Revoke("left", "gone", person="mia"), "pam")
    assert isinstance(found, Revocation)
    team.clock.move(minutes=1)
    assert not may(team, MakeRelease("orders"), "mia")


def test_a_role_for_a_time_ends_by_itself(team: Team) -> None:
    with_role(team, "zoe", "release-manager", temporary=(Assignment("release-manager", "2026-01-10", "2026-01-20"),))
    request = RECONCILE
    assert not may(team, request, "zoe")
    team.clock.move(days=6)
    assert may(team, request, "zoe")
    team.clock.move(days=10)
    assert not may(team, request, "zoe")


def test_an_approval_by_a_role_for_a_time_counts_only_in_that_time(team: Team) -> None:
    with_role(team, "zoe", "approver", temporary=(Assignment("approver", "", "2026-01-20"),))
    team.release()
    promotion = team.promote()
    team.clock.move(days=20)
    with pytest.raises(RefusedError, match="not one of those who may approve"):
        team.run(Decide(promotion, approved=True), "zoe")
    assert team.running("prod") == ""


def test_what_was_decided_in_its_time_stands_after_it(team: Team) -> None:
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES[:-1], replace(APPROVAL, quorum=2))))
    with_role(team, "zoe", "approver", temporary=(Assignment("approver", "", "2026-01-20"),))
    team.release()
    promotion = team.promote()
    team.approve(promotion, by="zoe")
    team.clock.move(days=20)
    team.approve(promotion, by="ana")
    assert team.running("prod") == "1.0.0"


def test_a_required_role_must_have_been_held_when_the_yes_was_said(team: Team) -> None:
    both = replace(APPROVAL, roles=("approver", "release-manager"), require=(Required("release-manager"),))
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES[:-1], both)))
    late = Assignment("release-manager", "2026-03-01", "2026-04-01")
    with_role(team, "ana", "approver", "release-manager", temporary=(late,))
    team.release()
    promotion = team.promote()
    team.approve(promotion, by="ana")
    assert team.running("prod") == ""
    team.approve(promotion, by="rita")
    assert team.running("prod") == "1.0.0"


def test_a_hold_is_lifted_only_while_the_role_is_held(team: Team) -> None:
    with_role(team, "zoe", "release-manager", temporary=(Assignment("release-manager", "", "2026-01-20"),))
    team.run(PutOnHold("wait", solution="orders"), "mia")
    team.clock.move(days=20)
    with pytest.raises(RefusedError, match="may not lift"):
        team.run(LiftHold(solution="orders"), "zoe")


def test_too_few_after_a_role_ends_is_pointed_out(team: Team) -> None:
    bound = (Assignment("approver", "", "2026-01-20"),)
    people = tuple(replace(p, temporary=bound) if "approver" in p.roles else p for p in team.rules.people)
    found = cautions(replace(team.rules, people=people))
    assert "after 2026-01-20 too few can approve prod: roles that are held for a time end" in found


def test_changing_when_a_role_ends_voids_what_it_may_decide(team: Team) -> None:
    stage = team.rules.stage("orders", "prod")
    before = team.rules.governing("orders", stage)
    bound = (Assignment("approver", "", "2026-01-20"),)
    people = tuple(replace(p, temporary=bound) if p.id == "ana" else p for p in team.rules.people)
    assert replace(team.rules, people=people).governing("orders", stage) != before


@pytest.mark.parametrize(
    ("at", "held"),
    [("2026-01-09", ()), ("2026-01-10", ("x",)), ("2026-01-20T23:59", ("x",)), ("2026-01-21", ()), ("", ())],
)
def test_days_of_a_role_count_whole(at: str, held: tuple[str, ...]) -> None:
    person = Person("a", "A", (), ("x",), temporary=(Assignment("x", "2026-01-10", "2026-01-20"),))
    assert person.roles_at(at) == held


def test_conflicts_are_found_by_what_somebody_holds() -> None:
    apart = (Conflict(("auditor", "approver", "maker")), Conflict(("tester", "maker")))
    assert clashes(apart, {"auditor"}) == ()
    assert clashes(apart, {"auditor", "maker", "tester"}) == apart
