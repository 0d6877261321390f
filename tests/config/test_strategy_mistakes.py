"""Every mistake people make in governance files is told with its exact place and, where known, its cure."""

import json
from pathlib import Path

import pytest

CASES = json.loads((Path(__file__).parents[1] / "cases/config/mistakes.json").read_text(encoding="utf-8"))
"""A good repository (see conftest), one replacement in one file, and every message with its hint."""
NAMES = "lower-case letters, digits and hyphens, beginning with a letter"


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_mistake_is_told_with_its_place_and_its_cure(altered, mistakes_of, case):
    found = mistakes_of(altered(case["file"], case["old"], case["new"]))
    assert [[str(m), m.hint] for m in found] == case["told"]


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_messages_are_written_in_the_house_style(altered, mistakes_of, case):
    for mistake in mistakes_of(altered(case["file"], case["old"], case["new"])):
        for text in (mistake.message, mistake.hint):
            assert not text.endswith((".", " ", ":"))
            assert "\n" not in text
            assert "hunter2" not in text
            assert text == "" or text[:3].isupper() or not text[0].isupper()


def test_all_mistakes_in_all_files_are_told_at_once_by_file_and_line(files, mistakes_of):
    spoiled = {
        "environments/prod.yaml": files["environments/prod.yaml"].replace(b"tier: prod", b"tier: prd\nteir: prod"),
        "environments/test.yaml": b"tier: [\n",
        "environments/eu/west.yaml": b"",
        "lampway.yaml": files["lampway.yaml"].replace(b"from: dev", b"from: div").replace(b"quorum: 1", b"quorum: 0"),
        "people.yml": files["people.yaml"],
        "solutions/orders/solution.yaml": files["solutions/orders/solution.yaml"].replace(b"standard", b"standardx"),
        "solutions/Bills/solution.yaml": files["solutions/orders/solution.yaml"],
        "solutions/stock.yaml": b"",
    }
    assert [str(m) for m in mistakes_of(spoiled)] == [
        "environments/eu/west.yaml: not read here",
        "environments/prod.yaml:1:7: unknown tier: prd",
        "environments/prod.yaml:2:1: unknown key: teir",
        "environments/test.yaml:2:1: not YAML: expected the node content, but found '<stream end>'",
        "lampway.yaml:12:11: unknown environment: div",
        "lampway.yaml:28:21: quorum must be at least 1",
        "people.yaml: file missing",
        "people.yml: not read here",
        f"solutions/Bills/solution.yaml: solution name must be {NAMES}: Bills",
        "solutions/orders/solution.yaml:1:11: unknown pipeline: standardx",
        "solutions/stock.yaml: not read here",
    ]


def test_nothing_is_said_about_those_who_refer_to_what_cannot_be_read(files, mistakes_of):
    found = mistakes_of({**files, "people.yaml": b"people: [\n"})
    assert {m.file for m in found} == {"people.yaml"}
    found = mistakes_of({**files, "lampway.yaml": b"tiers: [\n"})
    assert {m.file for m in found} == {"lampway.yaml"}


def test_a_repository_without_any_file_says_what_is_missing(mistakes_of):
    assert [(str(m), m.hint) for m in mistakes_of({})] == [
        ("lampway.yaml: file missing", "write it with: lampway init"),
        ("people.yaml: file missing", "write it with: lampway init"),
    ]


def test_files_in_the_wrong_place_are_told_where_they_belong(files, mistakes_of):
    wrong = {
        "environments/qa.yml": "environments/qa.yaml",
        "environments/eu/qa.yaml": "environments/qa.yaml",
        "solutions/bills.yaml": "solutions/bills/solution.yaml",
        "solutions/bills/solution.yml": "solutions/bills/solution.yaml",
        "people.yml": "people.yaml",
    }
    found = mistakes_of({**files, **dict.fromkeys(wrong, b"")})
    assert {m.file: m.hint for m in found} == {file: f"move it to: {place}" for file, place in wrong.items()}


@pytest.mark.parametrize(
    "spoiled",
    ["hunter2", "'hunter2'", "[hunter2]", "{hunter2: 1}", "{hunter2}", "{a: hunter2}", "*hunter2", "&a hunter2",
     "!hunter2 x", "'hunter2", "{hunter2", "| hunter2", "hunter2: x", "@hunter2", "`hunter2`", "%hunter2"],
)  # fmt: skip
@pytest.mark.parametrize(
    "place",
    ["{user: lampway, password: env:PROD_PASSWORD}", "env:PROD_PASSWORD", '{token: "file:/run/secrets/maker"}',
     '"file:/run/secrets/maker"', "env:ERP_PASSWORD", "{user: env:ERP_USER, password: env:ERP_PASSWORD}",
     "https://prod.example.com/"],
)  # fmt: skip
def test_what_stands_in_the_place_of_a_secret_is_never_repeated(altered, mistakes_of, place, spoiled):
    found = mistakes_of(altered("environments/prod.yaml", place, spoiled))
    assert found
    assert "hunter2" not in "".join(m.message + m.hint for m in found)
