"""When owners are asked, as lampway.yaml says it: read as it is meant, and one mistake per slip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lampway.config import initial_files, load_strategy
from lampway.domain.cautions import cautions
from lampway.domain.recertification import (
    Cadence,
    Consequence,
    RecertificationRules,
    RetirementRules,
    Rung,
)
from lampway.domain.strategy_diff import compare
from lampway.errors import InvalidStrategyError

DAY = 86_400.0
GOOD = """\
recertification:
  starts: 2026-01-15
  at: "09:30"
  zone: Europe/Vienna
  high: {every: 3, answer: 14d}
  medium: {every: 12, answer: 30d}
  ladder:
    - {then: remind, after: 7d}
    - {then: escalate, after: 7d, to: [approver]}
    - {then: switch-off, after: 14d}
    - {then: retire, after: 90d}
  review: {role: approver, remind: 5d}
retirement: {wait: 45d}
"""
FILE, BEFORE = "lampway.yaml", "pipelines:\n"


def test_what_is_declared_comes_out_as_it_is_meant(altered) -> None:
    found = load_strategy(altered(FILE, BEFORE, GOOD + BEFORE))
    assert found.recertification == RecertificationRules(
        starts="2026-01-15",
        cadences=(Cadence("high", 3, 14 * DAY), Cadence("medium", 12, 30 * DAY)),
        ladder=(
            Rung(Consequence.REMIND, 7 * DAY),
            Rung(Consequence.ESCALATE, 7 * DAY, ("approver",)),
            Rung(Consequence.SWITCH_OFF, 14 * DAY),
            Rung(Consequence.RETIRE, 90 * DAY),
        ),
        at="09:30",
        zone="Europe/Vienna",
        reviewer="approver",
        review=5 * DAY,
    )
    assert found.retirement == RetirementRules(45 * DAY)


def test_without_it_nobody_is_asked_and_what_is_retired_waits_a_month(files) -> None:
    found = load_strategy(files)
    assert (found.recertification, found.retirement.wait) == (None, 30 * DAY)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("every: 3,", "every: 0,", "every must be at least 1"),
        ("answer: 14d", "answer: 12h", "an owner needs a day at least"),
        ("answer: 14d", "answer: 200d", "the next campaign would begin before the answer is due"),
        (
            "    - {then: remind, after: 7d}\n    - {then: escalate, after: 7d, to: [approver]}\n",
            "",
            "must be announced",
        ),
        ("to: [approver]", "to: [aprover]", "unknown role: aprover"),
        ("role: approver", "role: reviewer", "unknown role: reviewer"),
        ("{then: remind, after: 7d}", "{then: remind, after: 7d, to: [approver]}", "only an escalation names"),
        ("then: switch-off", "then: retire", "retire is there twice"),
        (
            "    - {then: switch-off, after: 14d}\n    - {then: retire, after: 90d}",
            "    - {then: retire, after: 9d}\n    - {then: remind, after: 9d}",
            "nothing follows after retire",
        ),
        ("then: switch-off", "then: shout", "then"),
        ('"09:30"', '"9:30"', "must be a time of the day"),
        ("Europe/Vienna", "Europe/Wien", "zone"),
        ("2026-01-15", "2026-02-30", "not a date: 2026-02-30"),
        ("  high: {every: 3, answer: 14d}\n  medium: {every: 12, answer: 30d}\n", "", "nobody is ever asked"),
        ("wait: 45d", "wait: soon", "must be a length of time"),
    ],
)
def test_each_slip_is_one_mistake_with_its_place(altered, old: str, new: str, said: str) -> None:
    assert old in GOOD
    with pytest.raises(InvalidStrategyError) as caught:
        load_strategy(altered(FILE, BEFORE, GOOD.replace(old, new, 1) + BEFORE))
    (mistake,) = caught.value.mistakes
    assert said in mistake.message
    assert (mistake.file, mistake.line > 0) == (FILE, True)


def test_a_change_of_it_is_told_in_words(files, altered) -> None:
    before, after = load_strategy(files), load_strategy(altered(FILE, BEFORE, GOOD + BEFORE))
    told = [change.summary for change in compare(before, after)]
    assert len(told) == 10, told
    assert any("high every 3 months, answered within 14 d" in line for line in told)
    assert any("without an answer, 3. switch-off after 14 d" in line for line in told)
    assert any(line.endswith("30 d → 45 d") for line in told)
    assert compare(after, after) == ()


def test_what_the_template_offers_is_valid_when_it_is_taken() -> None:
    people = (("ada", "Ada", "ada@example.com", ("maker", "platform-admin")),)
    written = dict(initial_files(team="Order desk", next_review="2027-05-01", people=people))
    before, begin, after = written[FILE].partition("# recertification:\n")
    offered, end, rest = after.partition("\n\n")
    taken = "\n".join(line.removeprefix("# ") for line in offered.splitlines())
    written[FILE] = f"{before}recertification:\n{taken}{end}{rest}"
    found = load_strategy({path: text.encode() for path, text in written.items()}).recertification
    assert begin
    assert found is not None
    assert [rung.then for rung in found.ladder] == list(Consequence)


def test_answers_that_nobody_could_review_are_pointed_out(altered) -> None:
    text = GOOD.replace("review: {role: approver, remind: 5d}", "review: {role: maker}")
    rules = load_strategy(altered(FILE, BEFORE, text + BEFORE))
    owners = {s.owner for s in rules.solutions}
    only_owners = replace(rules, people=tuple(p for p in rules.people if p.id in owners or "maker" not in p.roles))
    nobody = replace(rules, people=tuple(p for p in rules.people if "maker" not in p.roles))
    assert any("nobody but its owner may review" in line for line in cautions(only_owners))
    assert any("nobody holds maker: answers of owners wait" in line for line in cautions(nobody))
    assert not any("answers" in line for line in cautions(load_strategy(altered(FILE, BEFORE, GOOD + BEFORE))))
