"""Plans and imports in a live environment, against the emulator."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from live_prod import REFERENCE, SITE, VARIABLES, VAULT, Prod, solution, wanted

from lampway.domain.configuration import EXTERNAL
from lampway.domain.secret import Secret
from lampway.engine.platform import Found, Progress
from lampway.errors import (
    NotFoundError,
    PlatformError,
    UnknownOutcomeError,
)
from lampway.testing.solutions import compose, flow, id_of

# What stands in the way.


def test_an_unmanaged_package_never_gets_in(prod: Prod) -> None:
    told = prod.problems(wanted(solution(managed=False).build()))
    assert "is unmanaged" in told
    assert "lampway release" in told
    assert not prod.sent("StageSolution")


def test_what_somebody_built_there_is_not_overwritten(prod: Prod) -> None:
    prod.maker.load(solution(managed=False).build())
    assert "unmanaged, and no release put it there" in prod.problems(wanted(solution("2.0.0").build()))


def test_what_somebody_else_installed_there_is_adopted_first(prod: Prod) -> None:
    prod.maker.install(solution("1.0.0").build())
    assert "no release put it there" in prod.problems(wanted(solution("2.0.0").build()))


def test_an_upgrade_that_was_not_ended_is_explained(prod: Prod) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    prod.apply(wanted(first))
    prod.take("import", wanted(second, first), access=prod.access_with(upgrade="holding"))
    told = prod.problems(wanted(solution("3.0.0").build(), first))
    assert "an upgrade of Orders was begun there and not ended" in told
    assert "Orders_Upgrade" in told


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({SITE: ""}, "is required and gets no value"),
        ({SITE: "x" * 2001}, "longer than 2000"),
        ({"con_Key": "the secret itself"}, "something else than a reference to a vault"),
        ({"con_Key": VAULT, "con_Flag": "maybe"}, "neither yes nor no"),
        ({"con_Key": VAULT, "con_Flag": True, "con_Many": "twelve"}, "no number"),
        ({"con_Key": VAULT, "con_Flag": True, "con_Many": 12, "con_Json": "{"}, "no json"),
    ],
)
def test_a_value_that_the_platform_would_take_wrongly_is_named_and_not_told(
    prod: Prod, variables: dict[str, Any], said: str
) -> None:
    made = solution().variable("con_Key", "secret").variable("con_Flag", "yes/no")
    made = made.variable("con_Many", "number").variable("con_Json", "json")
    everything = {"con_Key": VAULT, "con_Flag": False, "con_Many": 1, "con_Json": {"a": 1}}
    told = prod.problems(wanted(made.build(), **(everything | variables)))
    assert said in told
    assert "the secret itself" not in told
    assert "xxxx" not in told
    assert prod.problems(wanted(made.build(), **everything)) == ""


def test_values_arrive_as_the_platform_writes_them_and_what_the_surroundings_give_stays(prod: Prod) -> None:
    made = solution().variable("con_Flag", "yes/no").variable("con_Json", "json").variable("con_Theirs")
    prod.apply(wanted(made.build(), con_Flag=True, con_Json={"b": [1], "a": "ü"}, con_Theirs=EXTERNAL))
    given = {
        row["schemaname"]: row.get("value")
        for row in prod.sent("ImportSolutionAsync")[0]["ComponentParameters"]
        if "value" in row
    }
    assert given == {SITE: VARIABLES[SITE], "con_Flag": "yes", "con_Json": '{"a":"ü","b":[1]}'}


def test_a_connection_reference_without_a_connection_is_named(prod: Prod) -> None:
    lacking = replace(wanted(solution().build()), secrets={})
    assert f"connection reference {REFERENCE} gets no connection" in prod.problems(lacking)


def test_what_the_platform_itself_would_refuse_is_told_in_its_words(prod: Prod) -> None:
    prod.environment.faults.refuse("StageSolution", status=400, code="0x80048060", text="The file is too old.")
    assert "The file is too old. (0x80048060)" in prod.problems(wanted(solution().build()))


def test_a_way_of_upgrading_that_there_is_not_is_named(prod: Prod) -> None:
    told = prod.problems(wanted(solution().build()), access=prod.access_with(upgrade="fast"))
    assert "one-step, update, holding" in told


# The import.


def test_the_sealed_bytes_are_what_is_staged(prod: Prod) -> None:
    import base64

    package = solution().build()
    prod.apply(wanted(package))
    staged = {base64.b64decode(body["CustomizationFile"]) for body in prod.sent("StageSolution") if body}
    assert staged == {package}
    assert all("StageSolutionUploadId" in body["SolutionParameters"] for body in prod.sent("ImportSolutionAsync"))


def test_where_staged_ids_are_refused_the_package_itself_is_sent(prod: Prod) -> None:
    text = "SolutionParameters is not supported."
    prod.environment.faults.refuse("ImportSolutionAsync", status=400, code="0x80040203", text=text)
    prod.apply(wanted(solution().build()))
    assert prod.held.version == "1.0.0"


def test_flows_come_on_after_those_that_they_call(prod: Prod) -> None:
    prod.apply(wanted(solution().build()))
    patched = [entry.path for entry in prod.environment.requests if entry.method == "PATCH"]
    assert [id_ for path in patched for id_ in (id_of("flow Zulu"), id_of("flow Alpha")) if id_ in path] == [
        id_of("flow Zulu"),
        id_of("flow Alpha"),
    ]


def test_a_flow_that_stays_off_fails_the_step_with_the_platforms_words(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.take("import", given)
    prod.maker.bind(REFERENCE, "")
    outcome = prod.take("turn on flows", given)
    assert outcome.progress is Progress.FAILED
    assert outcome.detail["off"] == [id_of("flow Alpha")]
    assert outcome.detail["on"] == [id_of("flow Zulu")]
    assert "Connection Id missing" in outcome.detail["components"][0]


@pytest.mark.parametrize(("mode", "stays"), [("one-step", False), ("update", True), ("holding", False)])
def test_what_a_new_version_lacks_goes_as_the_environment_says(prod: Prod, mode: str, stays: bool) -> None:
    first = solution("1.0.0").flow("Extra", flow({"Do": compose("more")})).build()
    second, access = solution("2.0.0").build(), prod.access_with(upgrade=mode)
    prod.apply(wanted(first))
    steps = prod.apply(wanted(second, first), access=access)
    assert ("promote" in steps) == (mode == "holding")
    names = {one.part.name for one in prod.environment.organisation.state.of_kind("workflow")}
    assert ("Extra" in names) == stays
    assert prod.held.version == "2.0.0"
    assert "orders_upgrade" not in prod.environment.organisation.state.solutions


def test_an_import_that_fails_tells_which_component_did_and_why(prod: Prod) -> None:
    given = replace(wanted(solution().build()), secrets={REFERENCE: {"connection": Secret("no-such-connection")}})
    outcome = prod.take("import", given)
    assert outcome.progress is Progress.FAILED
    assert "ConnectionAuthorizationFailed" in outcome.detail["message"]
    assert [one.partition(":")[0] for one in outcome.detail["components"]] == ["solutionManifest Orders"]
    assert prod.held is None


def test_an_import_that_failed_is_tried_again_under_another_job(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.fail_operation("Generic SQL error.", message="ImportSolutionAsync")
    assert prod.end(prod.platform.perform(prod.access, given, "import", intent)).progress is Progress.FAILED
    assert prod.platform.look_up(prod.access, given, "import", intent) is Found.UNTOUCHED
    again = prod.end(prod.platform.perform(prod.access, given, "import", intent))
    assert again.progress is Progress.DONE
    assert again.detail["job"] != intent["job"]


def test_an_import_whose_answer_was_lost_is_found_by_its_job(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.cut_after("ImportSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "import", intent)
    assert prod.look(given, "import", intent) == (True, Found.REACHED)
    assert intent["job"] in prod.environment.organisation.state.jobs


@pytest.mark.parametrize(
    ("mode", "step", "message"),
    [
        ("one-step", "import", "StageAndUpgradeAsync"),
        ("update", "import", "ImportSolutionAsync"),
        ("holding", "import", "ImportSolutionAsync"),
        ("holding", "promote", "DeleteAndPromoteAsync"),
    ],
)
def test_an_upgrade_whose_answer_was_lost_is_told_from_one_that_never_began(
    prod: Prod, mode: str, step: str, message: str
) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    prod.apply(wanted(first))
    given, access = wanted(second, first), prod.access_with(upgrade=mode)
    if step == "promote":
        prod.take("import", given, access=access)
    intent = prod.platform.intend(access, given, step)
    faults = prod.environment.faults
    for lose, ends in ((faults.cut_before, Found.UNTOUCHED), (faults.cut_after, Found.REACHED)):
        lose(message)
        with pytest.raises(UnknownOutcomeError):
            prod.platform.perform(access, given, step, intent)
        assert prod.look(given, step, intent, access=access) == (ends is Found.REACHED, ends)
    assert prod.end(prod.platform.perform(access, given, step, intent)).detail["already"]


def test_an_import_that_was_never_received_left_everything_untouched(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.cut_before("ImportSolutionAsync")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.perform(prod.access, given, "import", intent)
    assert prod.platform.look_up(prod.access, given, "import", intent) is Found.UNTOUCHED


def test_a_handle_that_nobody_knows_any_more_is_not_found(prod: Prod) -> None:
    with pytest.raises(NotFoundError):
        prod.platform.poll(prod.access, {"step": "import", "operation": id_of("nothing"), "job": id_of("nothing")})
    with pytest.raises(PlatformError):
        prod.platform.poll(prod.access, {"step": "import"})
