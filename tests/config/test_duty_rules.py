"""What a stage asks of people is read as written, and what could never work is told with its place."""

import re
import textwrap
from pathlib import Path

import pytest

from lampway.config import initial_files, load_strategy
from lampway.domain.duties import ChecklistItem, Required, RiskClass
from lampway.errors import InvalidStrategyError

OTHERS = "          - gate: rollback-target\n          - gate: lock\n"
APPROVAL = "          - gate: approval\n            roles: [approver]\n            quorum: 1\n" + OTHERS
DUTIES = """\
          - gate: rollback-target
          - gate: lock
          - gate: approval
            people: [ada]
            require: [{role: approver}, {role: maker, count: 1}]
            risk:
              low:
                when: {criticality: [low], reversibility: [reversible], touches_at_most: 5, needs_at_most: 0}
                approvals: 0
              high: {when: {criticality: [high], removes_at_most: 9}, approvals: 2}
          - gate: checklist
        waivers: {roles: [platform-admin]}
        checklist:
          - {item: backup, text: a backup was taken, by: maker}
          - {item: proven, text: checks passed, by: evidence, gate: checks}
"""


def test_duties_are_read_as_written(altered):
    duties = DUTIES.replace("{role: maker, count: 1}", "{role: platform-admin, count: 1}")
    files = altered("lampway.yaml", APPROVAL, duties)
    files["people.yaml"] += b"  cleo: {name: Cleo, email: cleo@example.com, roles: [platform-admin]}\n"
    stage = load_strategy(files).pipelines[0].stages[1]
    approval = stage.gates[-2]
    assert (approval.roles, approval.people, approval.quorum) == (("approver", "platform-admin"), ("ada",), 2)
    assert approval.require == (Required("approver"), Required("platform-admin"))
    assert approval.risk == (
        RiskClass("low", 0, ("low",), ("reversible",), touches_at_most=5, needs_at_most=0),
        RiskClass("high", 2, ("high",), removes_at_most=9),
    )
    assert stage.waiver_roles == ("platform-admin",)
    assert stage.checklist == (
        ChecklistItem("backup", "a backup was taken", "maker"),
        ChecklistItem("proven", "checks passed", "evidence", "checks"),
    )


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("30m", 1800), ("1h", 3600), ("2d", 172800)])
def test_a_length_of_time_is_a_number_with_its_unit(altered, text, seconds):
    files = altered("lampway.yaml", "            quorum: 1\n", f"            solo: {{cooling: {text}}}\n")
    files["people.yaml"] = b"people:\n  ada: {name: Ada, email: a@example.com, roles: [maker, approver]}\n"
    (approval,) = load_strategy(files).pipelines[0].stages[1].rules_of("approval")
    assert approval.cooling == seconds


NO_CHECKS = ("          - gate: checks\n            kinds: [functional]\n", "")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("platform-admin]}", "boss]}", "lampway.yaml:37:27: unknown role: boss"),
        ("[platform-admin]}", "[]}", "lampway.yaml:37:26: roles must not be empty"),
        ("{role: approver}", "{role: aprover}", "lampway.yaml:30:30: unknown role: aprover"),
        ("{role: approver}", "{role: approver, count: 2}", "2 of approver must approve, but only bob holds it"),
        ("count: 1", "count: 0", "lampway.yaml:30:62: count must be at least 1"),
        ("removes_at_most: 9}, approvals: 2", "removes_at_most: 9}, approvals: 1", "asks for fewer people than"),
        ("removes_at_most: 9}, approvals: 2", "removes_at_most: 9}, approvals: 3", "quorum is 3, but only ada, bob"),
        ("{criticality: [high], removes_at_most: 9}", "{}", "a risk class without facts would fit every release"),
        ("[high]", "[huge]", "unknown criticality: huge"),
        ("[reversible]", "[maybe]", "unknown reversibility: maybe"),
        ("touches_at_most: 5", "touches_at_most: -1", "touches_at_most must be at least 0"),
        ("          - gate: checklist\n", "", "lampway.yaml:37:9: the checklist is asked for by no gate"),
        ("item: proven", "item: backup", "item given twice: backup"),
        ("by: maker", "by: release-manager", "unknown role: release-manager"),
        ("by: maker", "by: owner", "unknown part to answer: owner"),
        (", gate: checks}", "}", "an item that evidence answers needs the gate that is its evidence"),
        (", gate: checks}", ", gate: soak}", "no gate of this stage that is evidence: soak"),
        (", gate: checks}", ", gate: checklist}", "no gate of this stage that is evidence: checklist"),
        ("by: maker}", "by: maker, gate: checks}", "only an item that evidence answers has a gate"),
        ("            risk:\n", "            solo: {cooling: 1h}\n            risk:\n", "but people.yaml names 2"),
        (
            "            risk:\n",
            "            solo: {cooling: soon}\n            risk:\n",
            "cooling must be a",
        ),
        (*NO_CHECKS, "the risk class low goes on evidence alone, but no gate asks for any"),
    ],
)
def test_what_could_never_work_is_told(altered, mistakes_of, old, new, told):
    files = altered("lampway.yaml", APPROVAL, DUTIES)
    text = files["lampway.yaml"].decode()
    assert old in text
    found = [str(m) for m in mistakes_of({**files, "lampway.yaml": text.replace(old, new, 1).encode()})]
    assert any(told in line for line in found), found


def test_a_gate_for_a_checklist_that_is_not_there_is_told(altered, mistakes_of):
    found = mistakes_of(altered("lampway.yaml", APPROVAL, APPROVAL + "          - gate: checklist\n"))
    assert [str(m) for m in found] == ["lampway.yaml:31:19: the gate checklist has no checklist to judge"]


COMMENTED = re.compile(
    r"^( *)# (- gate: checklist|waivers:|checklist:|  - \{item:|risk:|  low:|    when:|    approvals:)", re.MULTILINE
)


def test_what_init_offers_in_comments_works_once_the_marks_are_taken_away():
    people = (("ada", "Ada", "ada@example.com", ("maker",)), ("bob", "Bob", "bob@example.com", ("approver",)))
    written = initial_files(team="Desk", next_review="2027-05-01", people=people)
    text = COMMENTED.sub(r"\1\2", written["lampway.yaml"])
    strategy = load_strategy({path: t.encode() for path, t in {**written, "lampway.yaml": text}.items()})
    prod = strategy.pipelines[0].stages[1]
    assert [item.by for item in prod.checklist] == [
        "release-manager",
        "evidence",
        "approver",
        "maker",
        "release-manager",
    ]
    assert (prod.waiver_roles, prod.gates[-1].gate) == (("release-manager",), "checklist")
    assert [risk.name for risk in prod.gates[-2].risk] == ["low"]


def test_what_init_offers_to_a_team_of_one_works_too():
    written = initial_files(
        team="Desk", next_review="2027-05-01", people=[("ada", "Ada", "ada@example.com", ("maker", "approver"))]
    )
    text = written["lampway.yaml"].replace("# solo:", "solo:")
    files = {path: t.encode() for path, t in {**written, "lampway.yaml": text}.items()}
    assert load_strategy(files).pipelines[0].stages[1].gates[-1].cooling == 3600
    second = b"\n  bob: {name: Bob, email: bob@example.com, roles: [approver]}\n"
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy({**files, "people.yaml": files["people.yaml"] + second})
    assert "solo is for a team of one" in str(caught.value.mistakes[0])


def test_the_example_in_the_docs_is_a_good_stage(altered):
    text = (Path(__file__).parents[2] / "docs" / "people.md").read_text(encoding="utf-8")
    stage = textwrap.indent(text.split("```yaml\n")[1].split("```")[0], "      ")
    files = altered("lampway.yaml", "[maker, approver, platform-admin]", "[maker, approver, release-manager]")
    head = files["lampway.yaml"].decode().split("      - name: live\n")[0]
    files["lampway.yaml"] = (head + stage).encode()
    files["people.yaml"] = b"people:\n" + b"".join(
        f"  {name}: {{name: A, email: {name}@x, roles: [maker, approver, release-manager]}}\n".encode()
        for name in ("ada", "bob", "cleo")
    )
    assert load_strategy(files).pipelines[0].stages[1].rules_of("approval")[0].quorum == 2
