"""Readiness moves because the work is done: each piece of work on the path shows in the answer it belongs to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from team import PROD_GATES, Team, with_gates

from lampway.domain.readiness import NotOurs, Readiness, ReadinessItem, ReadinessRules
from lampway.domain.strategy import GateRule
from lampway.engine.cases import LookAtLock
from lampway.engine.drift import ScanDrift
from lampway.engine.readiness import AnswerReadiness, RecordAudit, ShowReadiness
from lampway.engine.sandboxes import CreateSandbox
from lampway.errors import NotFoundError, RefusedError, UsageError
from lampway.testing.world import App, Part


def ready(team: Team) -> Readiness:
    return team.run(ShowReadiness())


def state(team: Team, item: str) -> str:
    return next(line.state for line in ready(team).items if line.item == item)


def line(team: Team, item: str) -> Any:
    return next(found for found in ready(team).items if found.item == item)


def say(
    team: Team, item: str, reply: str = "yes", *, by: str = "rita", until: str = "2026-06-30", note: str = "so"
) -> Any:
    return team.run(AnswerReadiness(item, reply, note=note, until=until), by)


def test_before_anything_runs_in_production_evidence_is_said_to_be_missing(team: Team) -> None:
    assert state(team, "known-good") == "unknown"
    assert line(team, "known-good").next == "lampway adopt prod"
    with pytest.raises(RefusedError, match="answered by evidence"):
        say(team, "known-good")


def test_shipping_twice_gives_something_to_go_back_to_with_a_link_to_the_row(team: Team) -> None:
    team.ship("1.19")
    assert state(team, "known-good") == "no"
    team.ship("1.16")
    found = line(team, "known-good")
    assert found.state == "yes"
    row = int(found.links[0].place.removeprefix("row "))
    assert [r.event.kind for r in team.store.events() if r.seq == row] == ["verified"]
    assert state(team, "managed-packages") == "yes"
    assert state(team, "nothing-hardcoded") == "yes"


def test_a_live_edit_shows_and_so_does_that_nobody_looked_for_a_week(shipped: Team) -> None:
    shipped.run(ScanDrift(("prod",)))
    assert state(shipped, "drift-under-control") == "yes"
    shipped.clock.move(days=8)
    assert line(shipped, "drift-under-control").next == "lampway drift scan prod"
    shipped.prod.edit("p2", does="times 9.99", by="mia")
    shipped.run(ScanDrift(("prod",)))
    found = line(shipped, "drift-under-control")
    assert (found.state, found.next) == ("no", "lampway drift revert orders --in prod")


def test_a_lock_counts_when_it_was_seen_and_not_for_ever(shipped: Team) -> None:
    shipped.run(LookAtLock("prod"))
    assert state(shipped, "prod-locked") == "yes"
    shipped.clock.move(days=40)
    assert line(shipped, "prod-locked").next == "lampway lock prod"
    shipped.prod.is_locked = False
    shipped.run(LookAtLock("prod"))
    assert state(shipped, "prod-locked") == "no"


def test_a_verified_ledger_is_evidence_only_when_it_was_whole_and_recorded(shipped: Team) -> None:
    assert line(shipped, "audit-verified").next == "lampway audit verify --record"
    shipped.run(RecordAudit(), "rita")
    assert state(shipped, "audit-verified") == "yes"
    shipped.clock.move(days=32)
    assert state(shipped, "audit-verified") == "no"
    digest = next(iter(shipped.packages.kept))
    shipped.packages.kept[digest] += b" "
    before = len(shipped.kinds())
    assert shipped.run(RecordAudit(), "rita").damage
    assert len(shipped.kinds()) == before


def test_a_gate_that_is_added_answers_for_everybody(team: Team) -> None:
    assert state(team, "checklist-before-prod") == "no"
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES, GateRule("checklist"))))
    assert state(team, "checklist-before-prod") == "yes"
    assert line(team, "checklist-before-prod").links[0].kind == "ledger"


def test_a_gate_that_can_be_gone_around_is_no_gate(team: Team) -> None:
    around = GateRule("any", rules=(GateRule("checklist"), GateRule("drift")))
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES, around)))
    assert state(team, "checklist-before-prod") == "no"


def test_people_who_left_own_nothing(team: Team) -> None:
    assert state(team, "owners-named") == "yes"
    gone = tuple(replace(p, until="2025-12-31") if p.id == "mia" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=gone))
    found = line(team, "owners-named")
    assert (found.state, found.next) == ("partly", "lampway handover mia --to PERSON")


def test_what_is_in_no_solution_runs_outside_the_path(shipped: Team) -> None:
    shipped.prod.draw(App("wild", "Wild", (Part("w1", "Do", "x"),)), by="mia")
    shipped.run(ScanDrift(("prod",)))
    found = line(shipped, "managed-packages")
    assert (found.state, found.next) == ("partly", "lampway adopt prod")
    assert "Wild in prod" in found.reason


def test_an_answer_is_recorded_with_its_end_and_lapses(team: Team) -> None:
    told = say(team, "rollback-rehearsed")
    assert (told.state, told.source, told.by) == ("yes", "said", "rita")
    assert team.kinds()[-1] == "readiness-answered"
    team.clock.move(days=200)
    assert state(team, "rollback-rehearsed") == "unknown"


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        ({"item": "prod-locked"}, RefusedError, "answered by evidence"),
        ({"item": "nonsense"}, NotFoundError, "no item nonsense"),
        ({"reply": "maybe"}, UsageError, "not an answer"),
        ({"note": " "}, UsageError, "needs a note"),
        ({"until": ""}, UsageError, "until a day"),
        ({"until": "2025-01-01"}, UsageError, "has passed"),
        ({"until": "2027-06-30"}, UsageError, "a year at most"),
        ({"by": "mia"}, RefusedError, "not for Mia to answer"),
        ({"by": "nobody"}, RefusedError, "nobody in people.yaml"),
    ],
)
def test_a_wrong_answer_records_nothing(team: Team, more: dict[str, str], error: type[Exception], said: str) -> None:
    before = len(team.kinds())
    given = {"item": "rollback-rehearsed", **more}
    with pytest.raises(error, match=said):
        say(team, **given)
    assert len(team.kinds()) == before


def test_a_team_shapes_the_checklist_and_who_answers(team: Team) -> None:
    own = ReadinessItem("dpo-told", "the data officer knows", "data", 1, by="approver")
    gated = ReadinessItem("locked-gate", "prod asks for the lock", "our own", 2, gate="lock")
    out = NotOurs("rollback-rehearsed", "the vendor does it")
    team.govern(replace(team.rules, readiness=ReadinessRules((own, gated), (out,))))
    assert state(team, "locked-gate") == "yes"
    assert state(team, "rollback-rehearsed") == "not-ours"
    with pytest.raises(RefusedError, match="taken out"):
        say(team, "rollback-rehearsed")
    with pytest.raises(RefusedError, match="not for Rita"):
        say(team, "dpo-told")
    assert say(team, "dpo-told", by="ana").state == "yes"


def test_nobody_changed_anything_by_looking(shipped: Team) -> None:
    before = len(shipped.kinds())
    assert ready(shipped) == ready(shipped)
    assert len(shipped.kinds()) == before


def test_a_sandbox_that_somebody_started_is_evidence_that_one_is_offered(team: Team) -> None:
    assert state(team, "sandbox-offered") == "unknown"
    team.run(CreateSandbox("play"))
    assert state(team, "sandbox-offered") == "yes"
    team.clock.move(days=367)
    assert state(team, "sandbox-offered") == "unknown"
