"""Ways back, the same release once more, and removals in a live environment, against the emulator."""

from __future__ import annotations

from dataclasses import replace

import pytest
from live_prod import REFERENCE, SITE, Prod, solution, wanted

from lampway.domain.digest import digest_bytes
from lampway.domain.secret import Secret
from lampway.engine.platform import Found, Progress
from lampway.errors import (
    ConflictError,
    PlatformRefusedError,
    UnknownOutcomeError,
)
from lampway.platforms.powerplatform.restamp import read_mark
from lampway.testing.solutions import Solution, column, flow, id_of

# The way back.


def test_going_back_goes_forward_under_a_free_version_and_says_so(prod: Prod) -> None:
    first = solution("1.0.0", does="old").build()
    second = solution("1.3.0", does="new").table("Order", [column("con_number")]).build()
    prod.apply(wanted(first))
    prod.apply(wanted(second, first))
    prod.maker.set_rows("con_order", 7)
    plan = prod.platform.plan(prod.access, wanted(first, second))
    told = "\n".join(plan.notes)
    assert "1.0.0 goes there as 1.3.0.1" in told
    assert "destroys what is held by" in told
    assert "no backup is made" in told
    prod.apply(wanted(first, second))
    assert prod.held.version == "1.3.0.1"
    mark = read_mark(prod.held.description, "1.3.0.1")
    assert mark is not None
    assert (mark.version, mark.digest) == ("1.0.0", digest_bytes(first))
    assert prod.maker.lost_rows()


def test_after_going_back_the_newer_release_goes_forward_again(prod: Prod) -> None:
    first, second = solution("1.0.0", does="old").build(), solution("1.3.0", does="new").build()
    for package, before in ((first, None), (second, first), (first, second), (second, first), (first, second)):
        prod.apply(wanted(package, before))
    assert prod.held.version == "1.3.0.3"
    assert "Lampway: Orders 1.0.0 as 1.3.0.3" in prod.held.description


def test_the_environment_is_backed_up_before_what_destroys_data(prod: Prod) -> None:
    first = solution("1.0.0").build()
    second = solution("1.3.0").table("Order", [column("con_number")]).build()
    access = prod.access_with(environment_id=prod.environment.id, admin_url=prod.emulator.authority)
    prod.apply(wanted(first))
    prod.apply(wanted(second, first), access=access)
    assert not prod.emulator.administration.backups.get(prod.environment.id)
    given = wanted(first, second)
    intent = prod.platform.intend(access, given, "back up")
    assert prod.platform.look_up(access, given, "back up", intent) is Found.UNTOUCHED
    outcome = prod.platform.perform(access, given, "back up", intent)
    while outcome.progress is Progress.RUNNING:
        outcome = prod.platform.poll(access, outcome.detail)
    assert outcome.detail == {"label": intent["label"]}
    assert prod.platform.look_up(access, given, "back up", intent) is Found.REACHED
    assert prod.platform.perform(access, given, "back up", intent).progress is Progress.DONE
    labels = [one["label"] for one in prod.emulator.administration.backups[prod.environment.id]]
    assert labels == [intent["label"]]
    assert next(step.name for step in prod.platform.plan(access, given).steps) == "back up"


# The same release once more.


def test_the_same_release_with_other_values_is_no_import(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    prod.maker.add_connection("another")
    before = len(prod.sent("ImportSolutionAsync"))
    given = wanted(package, package, **{SITE: "https://moved.prod.test"})
    given = replace(given, secrets={REFERENCE: {"connection": Secret("another")}})
    assert prod.apply(given) == ["configure", "turn on flows"]
    assert len(prod.sent("ImportSolutionAsync")) == before
    assert prod.maker.component("connectionreference", REFERENCE).live["connectionid"] == "another"


def test_a_value_that_somebody_changes_at_this_moment_is_a_conflict(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    given = wanted(package, package, **{SITE: "https://moved.prod.test"})
    intent = prod.platform.intend(prod.access, given, "configure")
    prod.maker.set_value(SITE, "https://somebody.else.test")
    with pytest.raises(ConflictError):
        prod.platform.perform(prod.access, given, "configure", intent)
    assert prod.platform.look_up(prod.access, given, "configure", intent) is Found.UNCLEAR


def test_an_edit_that_somebody_makes_at_this_moment_is_not_removed(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    prod.edit_flow("Zulu", lambda actions: actions["Do"].update(inputs="edited"))
    given = wanted(package, package)
    intent = prod.platform.intend(prod.access, given, "remove live edits")
    prod.edit_flow("Zulu", lambda actions: actions["Do"].update(inputs="edited again"))
    with pytest.raises(ConflictError):
        prod.platform.perform(prod.access, given, "remove live edits", intent)
    assert prod.apply(given)[0] == "remove live edits"


# Away with it.


def test_what_others_need_is_not_uninstalled(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    child = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of("flow Zulu")}}}
    prod.maker.install(Solution(name="Billing", managed=True).flow("Bill", flow({"Ask": child})).build())
    told = prod.problems(wanted(None, package))
    assert "component there needs Orders: process Bill of Billing" in told


def test_a_removal_whose_answer_was_lost_is_found_again(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    given = wanted(None, package)
    intent = prod.platform.intend(prod.access, given, "uninstall")
    prod.environment.faults.cut_before("UninstallSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "uninstall", intent)
    assert prod.platform.look_up(prod.access, given, "uninstall", intent) is Found.UNTOUCHED
    prod.environment.faults.cut_after("UninstallSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "uninstall", intent)
    assert prod.look(given, "uninstall", intent) == (True, Found.REACHED)
    assert prod.held is None


def test_where_there_is_no_asynchronous_removal_the_solution_is_deleted(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    text = "Resource not found for the segment 'UninstallSolutionAsync'."
    prod.environment.faults.refuse("UninstallSolutionAsync", status=404, code="0x80060888", text=text)
    assert prod.apply(wanted(None, package)) == ["uninstall"]
    assert prod.held is None
    assert any(entry.method == "DELETE" for entry in prod.environment.requests)


def test_an_unmanaged_solution_is_not_taken_for_one_that_can_be_uninstalled(prod: Prod) -> None:
    prod.maker.load(solution(managed=False).build())
    given = wanted(None, solution().build())
    assert "would leave everything in it behind" in prod.problems(given)
    with pytest.raises(PlatformRefusedError):
        prod.take("uninstall", given)
