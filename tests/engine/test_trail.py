"""The ledger for those who come after: written out, searched, and accounted for."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st
from team import Team, with_gates

from lampway.domain.digest import EMPTY, canonical
from lampway.domain.events import Actor, EnvironmentObserved
from lampway.domain.strategy import GateRule, Person
from lampway.engine.audit import History
from lampway.engine.coverage import Cover, Coverage, Period, WhoCould
from lampway.engine.drift import AcceptDrift, ScanDrift
from lampway.engine.promote import Rollback
from lampway.engine.trail import ExportFormat, ExportLedger, SearchLedger, Trail, _as_text
from lampway.errors import NotFoundError, StorageError, UsageError
from lampway.storage import mentions
from lampway.storage.ledger import link

DAY = "2026-01-05"


def export(team: Team, form: ExportFormat = ExportFormat.JSONL, since: str = "") -> list[str]:
    return list(team.run(ExportLedger(form, since)))


# Writing out.


def test_who_has_the_json_lines_can_recompute_the_chain(shipped: Team) -> None:
    rows = [json.loads(line) for line in export(shipped)]
    assert len(rows) == len(shipped.kinds())
    prev = EMPTY
    for row in rows:
        texts = (canonical(row["actor"]).decode(), canonical(row["body"]).decode())
        assert row["prev"] == prev
        prev = link(prev, row["seq"], row["at"], (row["kind"], row["schema"]), texts)
        assert row["hash"] == prev


def test_every_line_is_a_cloud_event(shipped: Team) -> None:
    found = [json.loads(line) for line in export(shipped, ExportFormat.CLOUDEVENTS)]
    assert len({(e["source"], e["id"]) for e in found}) == len(found) == len(shipped.kinds())
    assert len({e["source"] for e in found}) == 1
    for event, recorded in zip(found, shipped.store.events(), strict=True):
        assert event["specversion"] == "1.0"
        assert event["type"] == f"lampway.{recorded.event.kind}.v1"
        assert event["time"] == recorded.at
        assert event["person"] == recorded.actor.person
        assert isinstance(event["data"], dict)
        assert all(name.isalnum() and name.islower() and len(name) <= 20 for name in event)
        assert all(isinstance(value, str | bool) for name, value in event.items() if name != "data")
    assert [e["sequence"] for e in found] == sorted(e["sequence"] for e in found)


def test_a_spreadsheet_says_the_same_as_the_history(shipped: Team) -> None:
    rows = list(csv.DictReader(io.StringIO("\n".join(export(shipped, ExportFormat.CSV)))))
    lines = shipped.run(History(limit=1000, everything=True))
    assert [(int(r["seq"]), r["person"], r["what"]) for r in rows] == [(x.seq, x.who, x.what) for x in lines]


@pytest.mark.parametrize("form", list(ExportFormat))
def test_an_export_starts_where_it_is_told(team: Team, form: ExportFormat) -> None:
    team.ship("1.19")
    team.clock.move(days=1)
    team.ship("1.16")
    whole = export(team, form)
    head = whole[: len(whole) - len(team.kinds())]
    assert export(team, form, "1") == export(team, form, "0") == whole
    assert export(team, form, "12") == head + whole[len(head) + 11 :]
    later = export(team, form, "2026-01-06")
    assert head == later[: len(head)]
    assert 0 < len(later) - len(head) < len(team.kinds())
    assert later[len(head) :] == whole[-(len(later) - len(head)) :]
    assert export(team, form, "99999") == head
    assert export(team, form, "2026-01-06T09:00:01+00:00") == head


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "-1", "9" * 30, "2026-01-05T25:00"])
def test_a_start_that_is_neither_row_nor_time_is_asking_wrongly(team: Team, since: str) -> None:
    with pytest.raises(UsageError):
        export(team, since=since)


@given(st.text())
def test_no_cell_is_ever_taken_for_a_formula(text: str) -> None:
    cell = _as_text(text)
    assert not cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"))
    assert "\n" not in cell
    assert "\r" not in cell


def test_a_reason_that_is_a_formula_is_written_as_text(shipped: Team) -> None:
    shipped.engine.record(
        [EnvironmentObserved('=cmd|"/c calc"!A1', "", (), ())], Actor("=HYPERLINK(1)", "test", name="x")
    )
    row = list(csv.DictReader(io.StringIO("\n".join(export(shipped, ExportFormat.CSV)))))[-1]
    assert row["person"] == "'=HYPERLINK(1)"
    assert row["what"].startswith("'=cmd")


# Searching.


def search(team: Team, **wanted: Any) -> list[tuple[int, str]]:
    trail: Trail = team.run(SearchLedger(**{"limit": 0, **wanted}))
    assert trail.total == len(trail.lines)
    return [(line.seq, line.what) for line in trail.lines]


def told(team: Team, **more: Any) -> list[tuple[int, str]]:
    return [(x.seq, x.what) for x in team.run(History(limit=10_000, everything=True, **more))]


def test_without_filters_everything_is_found_with_its_names(shipped: Team) -> None:
    assert search(shipped) == told(shipped)


def test_a_search_finds_what_each_event_is_about_through_the_ids_in_it(shipped: Team) -> None:
    prod = search(shipped, solution="orders", environment="prod")
    test = search(shipped, solution="orders", environment="test")
    assert {seq for seq, _ in prod}.isdisjoint(seq for seq, _ in test)
    said = [what for _, what in prod]
    assert any("approved by ana" in what for what in said)
    assert any("check smoke passed in prod" in what for what in said)
    assert sum("read back" in what for what in said) == 2
    assert all("test" not in what for what in said if "→" in what)
    assert search(shipped, solution="billing") == []
    assert search(shipped, solution="order") == []
    every = {seq for seq, _ in search(shipped, solution="orders")}
    assert {seq for seq, _ in prod + test} < every


def test_a_search_by_person_knows_id_and_e_mail(shipped: Team) -> None:
    by_id = search(shipped, person="ana")
    assert [what for _, what in by_id if "approved by ana" in what] == [what for _, what in by_id]
    assert by_id == search(shipped, person="ana@example.test") == search(shipped, person="ANA@example.test")
    assert search(shipped, person="an") == []


def test_a_search_by_time_takes_whole_days_and_keeps_names_from_before(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.clock.move(days=3)
    team.approve(promotion)
    (found,) = search(team, since="2026-01-08", until="2026-01-08", kind="decision-made")
    assert found[1] == "orders@1.0.0 → prod approved by ana"
    assert search(team, until="2026-01-07", kind="decision-made") == []
    assert search(team, since="2026-01-09") == []
    assert search(team, since="2026-01-08T10:00+02:00", until="2026-01-08T11:00:00.001+02:00")[-1] == search(team)[-1]


def test_only_the_newest_are_listed_and_all_are_counted(shipped: Team) -> None:
    trail: Trail = shipped.run(SearchLedger(solution="orders", limit=3))
    whole = search(shipped, solution="orders")
    assert trail.total == len(whole)
    assert [(line.seq, line.what) for line in trail.lines] == whole[-3:]


def test_a_kind_that_does_not_exist_is_asking_wrongly(team: Team) -> None:
    with pytest.raises(UsageError, match="no such kind") as caught:
        search(team, kind="decided")
    assert "decision-made" in caught.value.hint


# The index that searching goes by.


ASKED: tuple[dict[str, Any], ...] = (
    {},
    {"solution": "orders"},
    {"environment": "prod"},
    {"solution": "orders", "environment": "prod", "person": "ana"},
    {"person": "ANA@example.test"},
    {"person": "mia", "environment": "test"},
    {"solution": "orders", "since": f"{DAY}T09:00", "until": DAY},
    {"environment": "prod", "kind": "step-finished"},
    {"solution": "order"},
)


def index(team: Team, rows: int = 10_000) -> None:
    """Bring the index nearer by so many rows."""
    with team.engine.store.transaction() as transaction, patch.object(mentions, "_AT_MOST", rows):
        mentions.bring_nearer(transaction.connection)


@pytest.mark.parametrize("step", [7, 23, 10_000])
def test_the_index_finds_what_reading_every_row_finds_however_far_it_has_come(shipped: Team, step: int) -> None:
    read = [search(shipped, **asked) for asked in ASKED]
    newest = [shipped.run(SearchLedger(**{**asked, "limit": 4})) for asked in ASKED]
    last = search(shipped)[-1][0]
    for _ in range(0, last, step):
        index(shipped, step)
        assert [search(shipped, **asked) for asked in ASKED] == read
        assert [shipped.run(SearchLedger(**{**asked, "limit": 4})) for asked in ASKED] == newest
    assert shipped.engine.store.compare() == ()


def test_a_search_brings_the_index_nearer_when_it_is_far_behind(shipped: Team) -> None:
    with patch.object(mentions, "FAR", 10):
        found = search(shipped, solution="orders")
    with shipped.engine.store.reading() as reading:
        assert mentions.reached(reading.connection) == reading.head()[0]
    assert search(shipped, solution="orders") == found


def test_who_may_not_write_finds_everything_all_the_same(shipped: Team) -> None:
    read = search(shipped, solution="orders")
    with (
        patch.object(mentions, "FAR", 10),
        patch.object(mentions, "bring_nearer", side_effect=StorageError("read-only")) as tried,
    ):
        assert search(shipped, solution="orders") == read
    assert tried.called


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM mention WHERE what = 's' AND seq = (SELECT max(seq) FROM mention WHERE what = 's')",
        "UPDATE mention SET name = 'nobody' WHERE what = 'p' AND name = 'ana'",
        "INSERT INTO mention (what, name, seq) VALUES ('e', 'prod', 1)",
    ],
)
def test_the_audit_tells_an_index_that_hides_something(shipped: Team, statement: str) -> None:
    index(shipped)
    with shipped.engine.store.transaction() as transaction:
        transaction.connection.exec_driver_sql(statement)
    assert {damage.place.partition(",")[0] for damage in shipped.engine.store.compare()} == {"search index"}


# Accounting for a time.


def cover(team: Team, since: str = DAY, until: str = "2026-01-20", **more: Any) -> Coverage:
    found: Coverage = team.run(Cover(since, until, **more))
    return found


def test_every_production_deployment_is_told_with_who_asked_and_who_approved(shipped: Team) -> None:
    shipped.clock.move(hours=1)
    shipped.do(Rollback("orders", "prod", "too dear"), "rita")
    shipped.clock.move(hours=1)
    first, second, back = cover(shipped).deployments
    assert (first.version, second.version, back.version) == ("1.0.0", "1.0.1", "1.0.0")
    assert [a.by for a in first.approvals] == ["ana"]
    assert (first.asked.by, first.verified, first.state) == ("mia", True, "succeeded")
    assert not any(said.proved for said in (first.asked, *first.approvals))
    assert (back.kind, back.approvals, back.reason, back.asked.by) == ("rollback", (), "too dear", "rita")
    assert {d.environment for d in cover(shipped).deployments} == {"prod"}
    assert {d.environment for d in cover(shipped, environment="test").deployments} == {"test"}
    assert cover(shipped, since=f"{DAY}T09:30").deployments == (back,)


def test_live_edits_are_told_with_what_became_of_them(shipped: Team) -> None:
    shipped.clock.move(hours=1)
    shipped.prod.edit("p2", does="times 2")
    shipped.run(ScanDrift(("prod",)))
    shipped.clock.move(hours=1)
    (edit,) = cover(shipped).drift
    assert (edit.state, edit.resolved_at) == ("open", "")
    shipped.run(AcceptDrift("orders", "prod", "for now"), "rita")
    shipped.clock.move(hours=1)
    (edit,) = cover(shipped).drift
    assert (edit.state, edit.resolved_by, edit.reason, edit.resolved_at) == ("accepted", "rita", "for now", "")
    shipped.do(Rollback("orders", "prod", "back"), "rita")
    shipped.clock.move(hours=1)
    (edit,) = cover(shipped).drift
    assert edit.state == "reverted"
    assert edit.reason.startswith("overwritten by deployment")
    assert cover(shipped, since=f"{DAY}T12:30").drift == ()
    assert cover(shipped, until=f"{DAY}T10:30").drift[0].state == "open"


def test_every_long_time_without_a_look_is_told(new_team: Team) -> None:
    team = new_team.copy()
    team.ship("1.19")
    team.clock.move(days=2)
    team.run(ScanDrift(("prod",)))
    team.clock.move(hours=20)
    team.run(ScanDrift(("prod",)))
    team.clock.move(days=3)
    gaps = [(u.environment, u.since[:13], u.until[:13], u.hours, u.never) for u in cover(team).unseen]
    assert gaps == [
        ("prod", "2026-01-05T09", "2026-01-07T09", 48.0, False),
        ("test", "2026-01-05T09", "2026-01-11T05", 140.0, False),
        ("prod", "2026-01-08T05", "2026-01-11T05", 72.0, False),
    ]
    assert [u.hours for u in cover(team, environment="prod", gap="50h").unseen] == [72.0]
    assert [u.hours for u in cover(team, gap="19h", since="2026-01-08T06:00", environment="prod").unseen] == [72.0]
    assert cover(team, gap="7d").unseen == ()
    assert [(u.never, u.hours) for u in cover(team, environment="dev").unseen] == [(True, 140.0)]
    assert cover(team, since="2025-12-01").begins[:10] == DAY


def test_a_time_that_is_none_and_a_place_that_never_was_are_asking_wrongly(shipped: Team) -> None:
    shipped.clock.move(days=1)
    for wrong in ({"since": "2026-01-09", "until": "2026-01-08"}, {"since": "2027-01-01"}, {"gap": "a while"}):
        with pytest.raises(UsageError):
            cover(shipped, **wrong)
    with pytest.raises(NotFoundError, match="nowhere"):
        cover(shipped, environment="nowhere")


# Who could have.


def who(team: Team, could: str = "approve", environment: str = "prod", on: str = DAY) -> list[list[str]]:
    periods: tuple[Period, ...] = team.run(WhoCould(could, environment, on))
    return [[able.person for able in period.people] for period in periods]


def test_who_could_have_approved_is_asked_of_the_strategy_in_force_then(team: Team) -> None:
    assert who(team) == [["ana", "bob", "max"]]
    team.clock.move(days=2)
    people = tuple(replace(p, roles=()) if p.id == "max" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=(*people, Person("eve", "Eve", (), ("approver",)))))
    assert who(team, on="2026-01-06") == [["ana", "bob", "max"]]
    assert who(team, on="2026-01-07") == [["ana", "bob", "max"], ["ana", "bob", "eve"]]
    assert who(team, on="2026-01-07T08:59") == [["ana", "bob", "max"]]
    assert who(team, on="2026-01-08") == [["ana", "bob", "eve"]]
    with pytest.raises(NotFoundError, match="no strategy was in force"):
        who(team, on="2026-01-04")


def test_a_stage_that_asks_for_no_approval_is_named(team: Team) -> None:
    team.govern(with_gates(team.rules, "prod", (GateRule("findings"),)))
    (*_, period) = team.run(WhoCould("approve", "prod", "2026-01-06"))
    assert period.people == ()
    assert "standard: prod asks for no approval" in period.notes


def test_everybody_who_could_have_deployed_is_told(team: Team) -> None:
    assert who(team, "deploy") == [sorted(p.id for p in team.rules.people)]
    (period,) = team.run(WhoCould("deploy", "dev", DAY))
    assert period.people == ()
    assert any("no stage points at it" in note for note in period.notes)


@pytest.mark.parametrize("wrong", [{"could": "fly"}, {"environment": "nowhere"}, {"on": "someday"}])
def test_who_could_do_what_nobody_knows_is_asking_wrongly(team: Team, wrong: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        who(team, **wrong)
