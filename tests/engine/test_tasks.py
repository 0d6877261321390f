"""Everything that waits for somebody is told to them and to nobody else, the most urgent first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import PROD_GATES, Team
from test_attesting import attest, with_uat
from test_people import LATER, with_stage

from lampway.domain.deployment import CheckOutcome
from lampway.domain.duties import ChecklistItem
from lampway.domain.strategy import GateRule
from lampway.engine.approving import ShowCase
from lampway.engine.checklist import Checklist
from lampway.engine.drift import ScanDrift
from lampway.engine.reconcile import Reconcile
from lampway.engine.talk import Talk
from lampway.engine.tasks import ShowTasks, Task, TaskKind
from lampway.engine.waive import Waive
from lampway.testing.world import Fault

ITEM = ChecklistItem("told", "users were told", "release-manager")


def tasks(team: Team, person: str) -> tuple[Task, ...]:
    return team.run(ShowTasks(), person)


def kinds(team: Team, person: str) -> list[str]:
    return [str(task.kind) for task in tasks(team, person)]


@pytest.fixture
def promotion(team: Team) -> str:
    """Return a promotion that waits for a tester, a checklist and an approver."""
    gates = (*PROD_GATES[:-1], GateRule("checklist"), PROD_GATES[-1])
    team.govern(with_stage(with_uat(team.rules), gates=gates, checklist=(ITEM,), waiver_roles=("release-manager",)))
    team.release("1.19")
    return team.promote(by="mia")


def test_each_person_is_told_what_is_theirs_and_no_more(team: Team, promotion: str) -> None:
    (test,) = tasks(team, "tess")
    assert (test.kind, test.check, test.environment, test.promotion) == ("test", "walk-through", "test", promotion)
    assert kinds(team, "ana") == ["decide"]
    (listed,) = tasks(team, "rita")
    assert (listed.kind, listed.words) == ("checklist", "users were told")
    assert tasks(team, "mia") == (), "mia asked, and made it"
    assert tasks(team, "nobody") == ()


def test_what_was_done_waits_no_more(team: Team, promotion: str) -> None:
    attest(team)
    team.run(Checklist(promotion, ("told=yes",)), "rita")
    assert (tasks(team, "tess"), tasks(team, "rita")) == ((), ())
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"
    assert tasks(team, "ana") == ()


def test_a_maker_of_the_content_is_not_asked_to_test_it(team: Team) -> None:
    team.govern(with_uat(team.rules))
    team.release("1.19", by="tim")
    team.promote(by="rita")
    assert "test" not in kinds(team, "tim")
    assert "test" in kinds(team, "tess")


def test_what_is_broken_comes_before_what_waits_and_that_before_what_is_owed(team: Team, promotion: str) -> None:
    team.approve(promotion)
    attest(team)
    team.run(Checklist(promotion, ("told=yes",)), "rita")
    team.settle()
    assert team.running("prod") == "1.0.0"
    team.prod.edit("p1", does="something by hand")
    team.run(ScanDrift(), "rita")
    team.release("1.50")
    team.test.fail(Fault.HALF)
    team.promote("test")
    team.run(Talk(promotion=team.promote(by="rita"), text="why?", is_question=True), "ana")
    assert kinds(team, "rita") == ["look", "drift", "reply", "checklist"]
    found = tasks(team, "rita")
    assert [_place(kind) for kind in (t.kind for t in found)] == sorted(_place(t.kind) for t in found)
    team.run(Reconcile("orders", "test", False, "half"), "rita")
    assert "look" not in kinds(team, "rita")


def _place(kind: TaskKind) -> int:
    return list(TaskKind).index(kind)


def test_what_failed_waits_for_whoever_asked_until_something_comes_after(team: Team) -> None:
    team.bench.fail("smoke", "test", CheckOutcome.FAILED)
    team.release("1.19")
    team.promote("test")
    assert kinds(team, "mia") == ["failed"]
    assert tasks(team, "rita") == ()
    team.bench.results.clear()
    team.promote("test")
    assert tasks(team, "mia") == ()


def test_a_case_names_what_one_may_test_and_waive(team: Team, promotion: str) -> None:
    case = {who: team.run(ShowCase(promotion), who) for who in ("tess", "rita", "mia")}
    assert case["tess"].to_attest == (("walk-through", "test"),)
    assert case["rita"].to_attest == case["mia"].to_attest == case["mia"].to_waive == ()
    assert case["rita"].to_waive == ("checks", "checklist")
    for gate in case["rita"].to_waive:
        team.run(Waive(promotion, gate, "because", LATER), "rita")
    assert team.run(ShowCase(promotion), "rita").to_waive == ()


def test_somebody_who_left_has_nothing_to_do(team: Team, promotion: str) -> None:
    assert tasks(team, "ana")
    people = tuple(replace(p, until="2026-01-04") if p.id == "ana" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=people))
    assert tasks(team, "ana") == ()
    assert promotion
