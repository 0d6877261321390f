"""The strategy document says what this team's files say, in words, and nothing that a document must not hold."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lampway.domain.duties import ChecklistItem, Required, RiskClass
from lampway.domain.gate_words import gate_in_words, stage_in_words
from lampway.domain.gates import GATE_KINDS
from lampway.domain.readiness import ReadinessRules, score
from lampway.domain.recertification import Cadence, RecertificationRules
from lampway.domain.roles import Assignment, Conflict
from lampway.domain.strategy import Environment, GateRule, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.domain.strategy_chapters import Dated, Exceptional, InForce, write_document
from lampway.domain.strategy_document import Bullets, Grid, Paragraph, StrategyDocument, Topology, cleaned, joined
from lampway.domain.windows import Window

NOW = "2027-01-10T12:00:00.000+00:00"
APPROVAL = GateRule("approval", roles=("approver",), people=("ada",), quorum=2, signed=True, max_age=86400.0)
PROD = Stage(
    "prod",
    "prod",
    (GateRule("previous-stage"), GateRule("checks", kinds=("uat",), max_age=3600.0), APPROVAL),
    windows=(Window(("mon",), "08:00", "17:00"),),
    waiver_roles=("release-manager",),
    checklist=(ChecklistItem("told", "users were told", "maker"),),
)
BOUND = Assignment("approver", until="2027-02-01")
TEAM = Strategy(
    team="Back office",
    next_review="2027-06-01",
    tiers=(Tier("sandbox"), Tier("dev"), Tier("test", purpose="prove it"), Tier("prod", locked=True)),
    environments=tuple(
        Environment(name, tier, "node-red", f"https://{name}")
        for name, tier in (("dev", "dev"), ("qa", "test"), ("prod", "prod"), ("play", "sandbox"))
    ),
    pipelines=(Pipeline("standard", "dev", (Stage("test", "qa", (GateRule("findings"),)), PROD)),),
    people=(Person("ada", "Ada Lovelace", ("ada@x",), ("maker", "approver"), temporary=(BOUND,)),),
    roles=("maker", "approver", "curator"),
    solutions=(Solution("orders", "standard", "ada", ("Orders",), "high", "call the desk"),),
    conflicts=(Conflict(("auditor", "approver"), "nobody audits themselves"),),
)
IN_FORCE = InForce("c0ffee" * 6, "ada", "2027-01-01T08:00:00", NOW)


def document(
    strategy: Strategy = TEAM,
    exceptions: tuple[Exceptional, ...] = (),
    dates: tuple[Dated, ...] = (),
    authority: InForce = IN_FORCE,
) -> StrategyDocument:
    return write_document(strategy, score(ReadinessRules(), {}, {}, NOW), exceptions, dates, authority)


def chapter(found: StrategyDocument, title: str) -> list:
    (wanted,) = [c for c in found.chapters if c.title == title]
    return [block for part in wanted.parts for block in part.blocks]


def rows(found: StrategyDocument, title: str) -> list[tuple[str, ...]]:
    return [row for block in chapter(found, title) if isinstance(block, Grid) for row in block.rows]


def test_the_cover_names_the_owner_the_review_and_what_is_in_force() -> None:
    facts = dict(document().facts)
    assert facts["Owning team"] == "Back office"
    assert facts["Next review"] == "2027-06-01"
    assert facts["Commit in force"] == "c0ffeec0ffee"
    assert facts["In force since"] == "2027-01-01 by Ada Lovelace"


def test_a_draft_says_that_it_is_one() -> None:
    found = document(authority=InForce("", "", "", NOW))
    assert found.is_draft
    assert "not in force" in dict(found.facts)["Status"]


def test_tiers_paths_and_what_stands_beside_them_are_pictured() -> None:
    found = document()
    (picture,) = [b for b in chapter(found, "Environments") if isinstance(b, Topology)]
    (lane,) = picture.lanes
    assert [p.name for p in lane.places] == ["dev", "qa", "prod"]
    assert lane.steps == ("1 gate", "3 gates")
    assert [p.is_last for p in lane.places] == [False, False, True]
    assert [p.name for p in picture.aside] == ["play"]
    assert ("test", "prove it", "qa (node-red)", "open", "not said") in rows(found, "Environments")


def test_the_gates_of_this_team_stand_there_in_words() -> None:
    found = document()
    said = [item for block in chapter(found, "The four steps") if isinstance(block, Bullets) for item in block.items]
    assert "every uat check passed in the stage before, no longer than 1 h ago" in said
    wanted = "2 different people of the approvers or Ada Lovelace said yes, who neither made it nor asked for it"
    assert f"{wanted}; each signed with a key of their own; a yes lapses after 1 d" in said
    assert ("users were told", "maker") in rows(found, "The four steps")
    assert any("Mon 08:00-17:00 UTC" in item for item in said)


@pytest.mark.parametrize("kind", sorted(GATE_KINDS))
def test_every_kind_of_gate_has_words(kind: str) -> None:
    inner = (GateRule("lock"), GateRule("soak", wait=3600.0))
    text = gate_in_words(GateRule(kind, roles=("approver",), rules=inner, wait=60.0), TEAM)
    assert text
    assert "{" not in text


def test_finer_terms_of_an_approval_are_told() -> None:
    rule = replace(APPROVAL, require=(Required("curator"),), risk=(RiskClass("low", 0),), cooling=3600.0)
    text = gate_in_words(rule, TEAM)
    assert "among them 1 curator" in text
    assert "risk class low takes passed checks alone" in text
    assert "a team of one goes on alone 1 h after sealing" in text
    assert stage_in_words(Stage("x", "x", ())) == ()


def test_roles_say_who_holds_them_and_until_when_and_which_are_kept_apart() -> None:
    found = document()
    assert ("curator", "of this team's own making", "nobody yet") in rows(found, "Roles and duties")
    assert any("Ada Lovelace (until 2027-02-01)" in row for row in rows(found, "Roles and duties"))
    said = [i for b in chapter(found, "Roles and duties") if isinstance(b, Bullets) for i in b.items]
    assert said == ["auditor and approver: nobody audits themselves"]


def test_every_duty_has_somebody_who_answers_for_it() -> None:
    everybody = ("maker", "tester", "solution-owner", "approver", "release-manager", "platform-admin", "auditor")
    found = document(replace(TEAM, roles=everybody))
    (duties,) = [b for b in chapter(found, "Roles and duties") if isinstance(b, Grid) and b.heads[0] == ""]
    assert all(sum("A" in cell for cell in row[1:]) == 1 for row in duties.rows)


def test_exceptions_and_dates_are_listed_or_said_to_be_none() -> None:
    none = [b for b in chapter(document(), "Exceptions in force") if isinstance(b, Grid)]
    assert none[0].empty.startswith("No waiver")
    hold = Exceptional("hold", "orders", "strike", "ada", "2027-01-20T00:00:00")
    found = document(exceptions=(hold,), dates=(Dated("2027-03-01", "later", ""), Dated("2027-02-01", "sooner", "ada")))
    assert ("hold", "orders", "strike", "Ada Lovelace", "2027-01-20") in rows(found, "Exceptions in force")
    assert [row[0] for row in rows(found, "Calendar")][-2:] == ["2027-02-01", "2027-03-01"]


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\ud800", "\u202e", "\u2066", "\uffff"])
def test_nothing_that_no_document_may_hold_gets_in(bad: str) -> None:
    found = document(replace(TEAM, team=f"Back{bad}office\nof us"))
    assert bad not in str(found)
    assert found.team == "Back\N{REPLACEMENT CHARACTER}office of us"
    assert cleaned(Paragraph(f"x{bad}")) == Paragraph("x\N{REPLACEMENT CHARACTER}")


def test_words_are_listed_as_people_list_them() -> None:
    assert [joined(w) for w in ([], ["a"], ["a", "b"], ["a", "", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


def test_the_calendar_says_how_often_owners_are_asked() -> None:
    asked = RecertificationRules("2027-01-15", (Cadence("high", 3, 86400.0),))
    planned, none = document(replace(TEAM, recertification=asked)), document()
    assert rows(planned, "Calendar")[0] == ("orders", "Ada Lovelace", "high", "every 3 months from 2027-01-15")
    assert rows(none, "Calendar")[0][-1] == "not planned yet"
    assert "first campaigns on 2027-01-15 at 09:00 UTC" in chapter(planned, "Calendar")[0].text
