"""What falls to one person alone is found wherever it is kept, and what is excepted now stands in the document."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import APPROVAL, PROD_GATES, Team, with_gates

from lampway.domain.handover import Duty
from lampway.domain.roles import Assignment
from lampway.domain.strategy import RulesInForce
from lampway.domain.strategy_document import Grid, StrategyDocument
from lampway.engine.delegate import Delegate
from lampway.engine.document import WriteDocument
from lampway.engine.drift import AcceptDrift, ScanDrift
from lampway.engine.handover import HandOver
from lampway.engine.promote import Promote
from lampway.engine.readiness import AnswerReadiness
from lampway.engine.stops import PutOnHold, VetoRelease
from lampway.engine.talk import Talk
from lampway.engine.waive import Waive
from lampway.errors import RefusedError


def duties(team: Team, person: str) -> list[Duty]:
    return list(team.run(HandOver(person), "zoe").duties)


def kinds(team: Team, person: str) -> list[str]:
    return [duty.kind for duty in duties(team, person)]


def table(document: StrategyDocument, title: str) -> list[tuple[str, ...]]:
    (chapter,) = [c for c in document.chapters if c.title == title]
    return [row for part in chapter.parts for block in part.blocks if isinstance(block, Grid) for row in block.rows]


def test_who_does_nothing_alone_has_nothing_to_hand_over(team: Team) -> None:
    assert duties(team, "ana") == []


def test_what_somebody_owns_and_is_alone_in_is_listed(team: Team) -> None:
    assert [d.what for d in duties(team, "mia")] == ["owns orders"]
    assert [d.what for d in duties(team, "pam")] == ["is the only platform-admin"]
    named = (*PROD_GATES[:-1], replace(APPROVAL, people=("zoe",)))
    team.govern(with_gates(team.rules, "prod", named))
    assert [d.what for d in duties(team, "zoe")] == ["is named to approve prod of standard"]


def test_a_role_that_others_hold_only_for_a_past_time_is_held_alone(team: Team) -> None:

    past = (Assignment("platform-admin", "", "2025-12-31"),)
    people = tuple(
        replace(p, roles=("platform-admin",), temporary=past) if p.id == "zoe" else p for p in team.rules.people
    )
    team.govern(replace(team.rules, people=people))
    assert "is the only platform-admin" in [d.what for d in duties(team, "pam")]


def test_an_environment_reached_as_a_person_goes_with_their_account(team: Team) -> None:
    places = tuple(
        replace(e, access={"user": "Zoe@example.test", "password": "env:TOKEN"}) if e.name == "prod" else e
        for e in team.rules.environments
    )
    team.govern(replace(team.rules, environments=places))
    (duty,) = duties(team, "zoe")
    assert (duty.kind, duty.by_edit) == ("access", False)
    assert duty.cure.startswith("lampway connect prod")


def test_what_waits_for_one_person_only_is_found_in_the_records(team: Team) -> None:
    only = (*PROD_GATES[:-1], replace(APPROVAL, roles=(), people=("ana",)))
    team.govern(with_gates(team.rules, "prod", only))
    team.release()
    promotion = team.promote()
    found = duties(team, "ana")
    assert [d.place for d in found if d.kind == "promotion"] == [f"promotion {promotion}"]
    assert "lampway delegate" in next(d.cure for d in found if d.kind == "promotion")
    team.run(Talk(promotion, "why?", is_question=True), "ana")
    assert any(d.cure.startswith(f"lampway answer {promotion}") for d in duties(team, "mia"))


def test_voices_holds_and_answers_are_found_while_they_last(team: Team) -> None:
    team.run(Delegate("zoe", "2026-01-01", "2026-02-01", "away"), "ana")
    team.run(PutOnHold("wait", solution="orders"), "zoe")
    team.run(AnswerReadiness("rollback-rehearsed", "yes", note="so", until="2026-02-01"), "rita")
    assert kinds(team, "zoe") == ["delegation", "hold"]
    assert kinds(team, "rita") == ["role", "answer"]
    team.clock.move(days=60)
    assert kinds(team, "zoe") == ["hold"]
    assert kinds(team, "rita") == ["role"]


def test_looking_changes_nothing(team: Team) -> None:
    before = team.kinds()
    duties(team, "mia")
    assert team.kinds() == before


def test_every_exception_in_force_stands_in_the_document(shipped: Team) -> None:
    stages = shipped.rules.pipelines[0].stages
    open_ = replace(stages[1], waiver_roles=("release-manager",))
    shipped.govern(replace(shipped.rules, pipelines=(replace(shipped.rules.pipelines[0], stages=(stages[0], open_)),)))
    shipped.prod.edit("p2", does="times 9.99", by="mia")
    shipped.run(ScanDrift(("prod",)))
    shipped.run(AcceptDrift("orders", "prod", "the shop asked"), "rita")
    shipped.run(PutOnHold("strike", solution="billing", until="2026-03-01"), "rita")
    shipped.run(VetoRelease("orders@1.0.0", "prod", "too slow"), "ana")
    shipped.bench.fail("smoke", "test")
    shipped.release("1.20")
    shipped.do(Promote("orders", "test"))
    promotion = shipped.do(Promote("orders", "prod")).promotions[-1]
    shipped.run(Waive(promotion, "checks", reason="the tester is away", until="2026-02-01"), "rita")
    rows = table(shipped.run(WriteDocument()), "Exceptions in force")
    assert {row[0] for row in rows} == {"waiver", "accepted live edit", "hold", "veto"}
    assert {row[3] for row in rows} == {"Rita", "Ana"}
    dates = table(shipped.run(WriteDocument()), "Calendar")
    assert any("hold ends: billing" in row for row in dates)
    shipped.clock.move(days=90)
    later = table(shipped.run(WriteDocument()), "Exceptions in force")
    assert {row[0] for row in later} == {"accepted live edit", "veto"}


def test_without_rules_in_force_there_is_no_document(team: Team) -> None:

    with team.store.transaction() as transaction:
        transaction.delete(RulesInForce, "current")
    with pytest.raises(RefusedError, match="no strategy is in force"):
        team.run(WriteDocument())
