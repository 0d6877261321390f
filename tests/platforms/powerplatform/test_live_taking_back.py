"""A value that an environment no longer gives is taken back, where it is ours; what is not ours is told, and stays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest
from live_prod import SITE, Prod, solution, wanted

from lampway.domain.configuration import EXTERNAL
from lampway.engine.platform import Found, Installed, Progress, Wanted
from lampway.errors import ConflictError, UnknownOutcomeError
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.inventory import inspect_contents
from lampway.testing.dataverse.rows import rows_of
from lampway.testing.solutions import Solution

RATE, NOTE, STEP = "con_Rate", "con_Note", "take back values"


def package(version: str = "1.0.0") -> bytes:
    return solution(version).variable(RATE, default="7").variable(NOTE, default="n").build()


def values(prod: Prod) -> Mapping[str, str]:
    """Return the current values there, by variable."""
    rows = rows_of(prod.environment.organisation, "environmentvariabledefinitions")
    joined = "environmentvariabledefinition_environmentvariablevalue"
    return {row["schemaname"]: row[joined][0]["value"] for row in rows if row[joined]}


def observed(prod: Prod, given: Wanted) -> list[str]:
    seen = prod.platform.observe(prod.access, {"orders": Installed(given.package or b"", given.configuration)})
    return [edit.summary for edit in seen.solutions["orders"].configuration]


@pytest.mark.parametrize("version", ["1.0.0", "2.0.0"])
def test_a_value_that_is_no_longer_given_is_taken_back_and_the_default_holds(prod: Prod, version: str) -> None:
    """Whether anything else is deployed with it or not; and the plan says so before."""
    first = package()
    prod.apply(wanted(first, **{RATE: "9", NOTE: "x"}))
    given = wanted(package(version), first, **{NOTE: "x"})
    (told,) = [step.summary for step in prod.platform.plan(prod.access, given).steps if step.name == STEP]
    assert told == f"remove values that are no longer given, so that defaults hold again: {RATE}"
    assert STEP in prod.apply(given)
    assert values(prod).keys() == {SITE, NOTE}
    assert observed(prod, given) == []
    assert STEP not in [step.name for step in prod.platform.plan(prod.access, given).steps]


def test_going_back_gives_it_again(prod: Prod) -> None:
    first, second = package("1.0.0"), package("2.0.0")
    before = wanted(first, **{RATE: "9"})
    prod.apply(before)
    prod.apply(wanted(second, first))
    back = replace(before, installed=second)
    prod.apply(back)
    assert values(prod)[RATE] == "9"
    assert observed(prod, back) == []


def test_it_is_taken_before_flows_come_on(prod: Prod) -> None:
    first = package()
    prod.apply(wanted(first, **{RATE: "9"}))
    steps = [step.name for step in prod.platform.plan(prod.access, wanted(package("2.0.0"), first)).steps]
    assert steps == ["import", STEP, "turn on flows"]


def test_what_stood_there_before_the_first_release_is_somebodys_and_told(prod: Prod) -> None:
    """Of a value that nobody gives, reading back would say that it is not what was deployed: so nothing is changed."""
    prod.maker.install(Solution(name="Base", managed=True).variable(RATE, default="7").build())
    prod.maker.set_value(RATE, "by hand")
    told = prod.problems(wanted(package()))
    assert f"prod has values that nobody gives, and no release brought: {RATE}" in told
    assert "by hand" not in told
    assert prod.problems(wanted(package(), **{RATE: "9"})) == ""
    assert prod.problems(wanted(package(), **{RATE: EXTERNAL})) == ""


def test_what_another_solution_has_as_well_is_not_taken_from_it(prod: Prod) -> None:
    first = package()
    prod.apply(wanted(first, **{RATE: "9"}))
    theirs = Solution(name="Billing", managed=True).variable(RATE, default="7").build()
    others = {"billing": inspect_contents(read_package(theirs)).inventory}
    plan = prod.platform.plan(prod.access, replace(wanted(first, first), others=others))
    assert STEP not in [step.name for step in plan.steps]
    assert plan.problems == ()


def test_a_value_that_somebody_gives_at_this_moment_is_not_taken(prod: Prod) -> None:
    first = package()
    prod.apply(wanted(first, **{RATE: "nine-of-prod"}))
    given = wanted(first, first)
    intent = prod.platform.intend(prod.access, given, STEP)
    assert "nine" not in str(intent)
    assert prod.platform.look_up(prod.access, given, STEP, intent) is Found.UNTOUCHED
    prod.maker.set_value(RATE, "11")
    assert prod.platform.look_up(prod.access, given, STEP, intent) is Found.UNCLEAR
    with pytest.raises(ConflictError, match="no longer those"):
        prod.platform.perform(prod.access, given, STEP, intent)
    assert values(prod)[RATE] == "11"


@pytest.mark.parametrize(("lose", "ends"), [("cut_before", Found.UNTOUCHED), ("cut_after", Found.REACHED)])
def test_an_answer_that_is_lost_is_told_by_what_is_there(prod: Prod, lose: str, ends: Found) -> None:
    first = package()
    prod.apply(wanted(first, **{RATE: "9"}))
    given = wanted(first, first)
    intent = prod.platform.intend(prod.access, given, STEP)
    getattr(prod.environment.faults, lose)("environmentvariablevalues", method="DELETE")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, STEP, intent)
    assert prod.platform.look_up(prod.access, given, STEP, intent) is ends
    assert prod.platform.perform(prod.access, given, STEP, intent).progress is Progress.DONE
    assert RATE not in values(prod)


def test_a_no_to_the_second_value_tells_that_the_first_was_taken(prod: Prod) -> None:
    first = package()
    prod.apply(wanted(first, **{RATE: "9", NOTE: "x"}))
    given = wanted(first, first)
    intent = prod.platform.intend(prod.access, given, STEP)
    faults = prod.environment.faults
    faults.refuse(values_path(prod, RATE), status=400, code="0x80048d19", text="It is managed.", method="DELETE")
    outcome = prod.platform.perform(prod.access, given, STEP, intent)
    assert outcome.progress is Progress.FAILED
    assert outcome.detail["applied"] == [NOTE]
    assert "It is managed" in outcome.detail["message"]
    assert prod.platform.look_up(prod.access, given, STEP, intent) is Found.UNTOUCHED


def values_path(prod: Prod, variable: str) -> str:
    """Return what the address of a variable's value holds."""
    rows = rows_of(prod.environment.organisation, "environmentvariabledefinitions")
    joined = "environmentvariabledefinition_environmentvariablevalue"
    (row,) = [row for row in rows if row["schemaname"] == variable]
    return str(row[joined][0]["environmentvariablevalueid"])
