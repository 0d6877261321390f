"""What stops half way, arrives late or is said twice: it is neither called untouched nor done a second time."""

from __future__ import annotations

from typing import Any

import pytest
from live_prod import SITE, Prod, solution, wanted

from lampway.domain.configuration import ConfigurationSet
from lampway.domain.digest import digest_bytes
from lampway.engine.platform import Found, Installed, Progress, Wanted
from lampway.errors import ConflictError, PlatformRefusedError, UnknownOutcomeError, UnreachableError
from lampway.platforms.powerplatform.client import Client
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.platform import PowerPlatform
from lampway.testing.solutions import Solution, column, compose, flow, id_of, zipped

OTHER = "con_Other"


def two_values(package: bytes, installed: bytes | None = None, of: str = "first") -> Wanted:
    return wanted(package, installed, **{SITE: f"https://{of}.test", OTHER: of})


# Several changes, one after the other.


def test_a_no_to_the_second_value_tells_that_the_first_was_given(prod: Prod) -> None:
    package = solution().variable(OTHER).build()
    prod.apply(two_values(package))
    given = two_values(package, package, "second")
    intent = prod.platform.intend(prod.access, given, "configure")
    id_ = prod.maker.component("environmentvariablevalue", SITE).id
    prod.environment.faults.refuse(id_, status=403, code="0x80040220", text="No privilege.", method="PATCH")
    outcome = prod.platform.perform(prod.access, given, "configure", intent)
    assert outcome.progress is Progress.FAILED
    assert outcome.detail["applied"] == [OTHER]
    assert "No privilege" in outcome.detail["message"]


def test_a_no_to_the_first_value_changed_nothing(prod: Prod) -> None:
    package = solution().variable(OTHER).build()
    prod.apply(two_values(package))
    given = two_values(package, package, "second")
    prod.environment.faults.refuse("variablevalues", status=400, code="0x8", text="No.", method="PATCH")
    with pytest.raises(PlatformRefusedError):
        prod.take("configure", given)


def test_values_that_were_given_half_way_when_nobody_answered_any_more_are_gone_on_with(prod: Prod) -> None:
    package = solution().variable(OTHER).build()
    prod.apply(two_values(package))
    given = two_values(package, package, "second")
    intent = prod.platform.intend(prod.access, given, "configure")
    id_ = prod.maker.component("environmentvariablevalue", SITE).id
    prod.environment.faults.throttle(id_, retry_after=600, method="PATCH")
    with pytest.raises(UnknownOutcomeError, match="stopped after 1 of 2"):
        prod.platform.perform(prod.access, given, "configure", intent)
    assert prod.platform.look_up(prod.access, given, "configure", intent) is Found.UNTOUCHED
    assert prod.platform.perform(prod.access, given, "configure", intent).detail == {"changed": [SITE]}


def test_live_edits_that_were_removed_half_way_are_not_called_untouched(prod: Prod) -> None:
    package = solution().build()
    prod.apply(wanted(package))
    for name in ("Alpha", "Zulu"):
        prod.maker.edit_flow(name, lambda whole: whole["properties"]["definition"].update(outputs={"x": 1}))
    given = wanted(package, package)
    intent = prod.platform.intend(prod.access, given, "remove live edits")
    prod.environment.faults.hang("RemoveActiveCustomizations", seconds=0)  # the first goes well
    prod.environment.faults.throttle("RemoveActiveCustomizations", retry_after=600)
    with pytest.raises(UnknownOutcomeError, match="stopped after 1 of 2"):
        prod.platform.perform(prod.access, given, "remove live edits", intent)
    assert prod.take("remove live edits", given).detail == {"removed": ["Workflow Zulu"]}


@pytest.mark.parametrize("status", [400, 403, 412])
def test_a_flow_that_may_not_be_turned_on_does_not_keep_the_others_off(prod: Prod, status: int) -> None:
    given = wanted(solution().build())
    prod.take("import", given)
    prod.environment.faults.refuse(id_of("flow Zulu"), status=status, code="0x8", text="Not shared.", method="PATCH")
    outcome = prod.take("turn on flows", given)
    assert outcome.progress is Progress.FAILED
    assert "Not shared" in outcome.detail["components"][0]
    assert outcome.detail["off"] == [id_of("flow Zulu"), id_of("flow Alpha")]


def test_flows_that_were_turned_half_way_when_nobody_answered_any_more_are_gone_on_with(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.take("import", given)
    intent = prod.platform.intend(prod.access, given, "turn on flows")
    prod.environment.faults.throttle(id_of("flow Alpha"), retry_after=600, method="PATCH")
    with pytest.raises(UnknownOutcomeError, match="turned 1 flows"):
        prod.platform.perform(prod.access, given, "turn on flows", intent)
    assert prod.platform.look_up(prod.access, given, "turn on flows", intent) is Found.UNTOUCHED
    outcome = prod.platform.perform(prod.access, given, "turn on flows", intent)
    assert outcome.detail == {"turned_on": [id_of("flow Alpha")]}


def test_flows_of_which_none_was_turned_are_untouched(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.take("import", given)
    prod.environment.faults.throttle("workflows", retry_after=600, method="PATCH")
    with pytest.raises(UnreachableError):
        prod.take("turn on flows", given)


# Flows as the package has them.


def observed(prod: Prod, package: bytes) -> list[str]:
    installed = Installed(
        package, ConfigurationSet({SITE: "https://orders.prod.test"}, wanted(None).configuration.connections)
    )
    return [
        edit.summary
        for edit in prod.platform.observe(prod.access, {"orders": installed}).solutions["orders"].configuration
    ]


def test_a_release_that_has_a_flow_turned_off_turns_it_off(prod: Prod) -> None:
    first = solution("1.0.0").flow("Extra", flow({"Do": compose("x")})).build()
    second = solution("1.1.0").flow("Extra", flow({"Do": compose("x")}), on=False).build()
    prod.apply(wanted(first))
    assert prod.maker.is_on("Extra")
    plan = prod.platform.plan(prod.access, wanted(second, first))
    assert "turn off Extra" in plan.steps[-1].summary
    prod.apply(wanted(second, first))
    assert not prod.maker.is_on("Extra")
    assert observed(prod, second) == []


def test_a_flow_that_somebody_turned_on_is_turned_off_by_putting_the_release_right(prod: Prod) -> None:
    package = solution().flow("Extra", flow({"Do": compose("x")}), on=False).build()
    prod.apply(wanted(package))
    prod.maker.turn_on("Extra")
    assert observed(prod, package) != []
    given = wanted(package, package)
    intent = prod.platform.intend(prod.access, given, "turn on flows")
    assert prod.platform.look_up(prod.access, given, "turn on flows", intent) is Found.UNTOUCHED
    prod.apply(given)
    assert prod.platform.look_up(prod.access, given, "turn on flows", intent) is Found.REACHED
    assert observed(prod, package) == []


# What arrives late, or twice.


class Late(Client):
    """A connection on which a request of before arrives right before the one that asks for the same once more."""

    def action(self, name: str, body: Any = None, *, is_change: bool = True) -> dict[str, Any]:
        if name in {"ImportSolutionAsync", "DeleteAndPromoteAsync"}:
            super().action(name, body, is_change=is_change)
            if name.startswith("Delete"):
                while any(list(self.rows("asyncoperations", filter="statecode ne 3"))):
                    pass
        return super().action(name, body, is_change=is_change)


def test_an_import_whose_twin_arrived_late_is_not_begun_a_second_time(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    late = PowerPlatform(connect=Late, pause=lambda _: None)
    with pytest.raises(UnknownOutcomeError, match="under way already"):
        late.perform(prod.access, given, "import", intent)
    assert prod.look(given, "import", intent) == (True, Found.REACHED)
    assert len(prod.environment.organisation.state.jobs) == 1


def test_a_promotion_whose_twin_arrived_late_is_found_to_be_done(prod: Prod) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    prod.apply(wanted(first))
    access, given = prod.access_with(upgrade="holding"), wanted(second, first)
    prod.take("import", given, access=access)
    intent = prod.platform.intend(access, given, "promote")
    late = PowerPlatform(connect=Late, pause=lambda _: None)
    with pytest.raises(UnknownOutcomeError, match="and is there"):
        prod.end(late.perform(access, given, "promote", intent))
    assert prod.platform.look_up(access, given, "promote", intent) is Found.REACHED


def test_an_upgrade_that_is_no_longer_there_to_be_promoted_is_looked_for(prod: Prod) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    prod.apply(wanted(first))
    access, given = prod.access_with(upgrade="holding"), wanted(second, first)
    prod.take("import", given, access=access)
    prod.environment.faults.refuse("DeleteAndPromoteAsync", status=404, code="0x80040217", text="No Orders_Upgrade.")
    with pytest.raises(UnknownOutcomeError, match="nothing to promote"):
        prod.take("promote", given, access=access)


def test_an_import_that_is_said_to_have_failed_and_is_there_is_not_called_failed(prod: Prod) -> None:
    given = wanted(solution().build())
    intent = prod.platform.intend(prod.access, given, "import")
    prod.environment.faults.fail_operation("An unexpected error occurred.", message="ImportSolutionAsync", after=True)
    with pytest.raises(UnknownOutcomeError, match="and is there"):
        prod.end(prod.platform.perform(prod.access, given, "import", intent))
    assert prod.platform.look_up(prod.access, given, "import", intent) is Found.REACHED


def test_an_upgrade_in_one_step_that_could_not_be_ended_tells_what_it_left_there(prod: Prod) -> None:
    first = solution("1.0.0").flow("Extra", flow({"Do": compose("x")})).build()
    prod.apply(wanted(first))
    uses = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of("flow Extra")}}}
    prod.maker.install(Solution(name="Billing", managed=True).flow("Bill", flow({"Ask": uses})).build())
    outcome = prod.take("import", wanted(solution("2.0.0").build(), first))
    assert outcome.progress is Progress.FAILED
    assert outcome.detail["applied"][0].startswith("Orders_Upgrade 2.0.0 stays there")


def test_a_version_that_somebody_installed_meanwhile_is_not_uninstalled(prod: Prod) -> None:
    first = solution("1.0.0").build()
    prod.apply(wanted(first))
    given = wanted(None, first)
    intent = prod.platform.intend(prod.access, given, "uninstall")
    prod.maker.install(solution("2.0.0").build(), upgrade=True)
    with pytest.raises(ConflictError, match=r"Orders 2\.0\.0 is there"):
        prod.platform.perform(prod.access, given, "uninstall", intent)
    with pytest.raises(PlatformRefusedError, match=r"Orders 2\.0\.0 is there, and 1\.0\.0 is to be removed"):
        prod.platform.intend(prod.access, given, "uninstall")
    assert "2.0.0 is there, and 1.0.0 is to be removed" in prod.problems(given)


def test_what_went_back_under_a_raised_version_is_removed_by_the_decision_about_its_release(prod: Prod) -> None:
    first, second = solution("1.0.0").build(), solution("2.0.0").build()
    for given in (wanted(first), wanted(second, first), wanted(first, second)):
        prod.apply(given)
    assert prod.held.version == "2.0.0.1"
    assert prod.apply(wanted(None, first)) == ["uninstall"]
    assert prod.held is None


# What looks like this release, and is not.


def described(package: bytes, text: str) -> bytes:
    archive = read_package(package).archive
    members = {name: archive.read(name) for name in archive.names}
    told = f'<Descriptions><Description description="{text}" languagecode="1033" /></Descriptions>'
    members["solution.xml"] = members["solution.xml"].replace(b"<Descriptions />", told.encode())
    return zipped(members)


def test_a_release_whose_description_claims_to_be_another_one_is_not_deployed(prod: Prod) -> None:
    old = solution("1.0.0", does="old").build()
    claim = f"Lampway: Orders 1.0.0 as 2.0.0, {digest_bytes(old)}"
    forged = described(solution("2.0.0", does="new").build(), claim)
    prod.apply(wanted(old))
    assert "says that it is another release: 1.0.0" in prod.problems(wanted(forged, old))


def test_going_back_from_a_release_that_claims_to_be_the_old_one_brings_the_old_one(prod: Prod) -> None:
    old = solution("1.0.0", does="old").build()
    claim = f"Lampway: Orders 1.0.0 as 2.0.0, {digest_bytes(old)}"
    forged = described(solution("2.0.0", does="new").build(), claim)
    prod.apply(wanted(old))
    prod.maker.install(forged, upgrade=True)
    assert prod.apply(wanted(old, forged)) == ["import", "turn on flows"]
    assert prod.held.version == "2.0.0.1"
    assert prod.platform.plan(prod.access, wanted(old, forged)).steps[0].name == "configure", "taken up after a crash"
    assert prod.apply(wanted(forged, old)) == ["import", "turn on flows"], "raised, it claims nothing"


def test_what_was_installed_by_hand_is_no_release_for_its_version_alone(prod: Prod) -> None:
    prod.maker.install(solution("1.0.0", does="by hand").build())
    told = prod.problems(wanted(solution("1.0.0").build()))
    assert "Orders 1.0.0 is there already with other content" in told
    assert "flow" in told.lower()


def test_a_first_release_whose_flows_stayed_off_is_taken_up_again(prod: Prod) -> None:
    given = wanted(solution().build())
    prod.take("import", given)
    assert prod.apply(given) == ["configure", "turn on flows"]


def test_a_value_that_is_nested_without_end_is_no_json_and_no_crash(prod: Prod) -> None:
    nested = "[" * 999 + "]" * 999
    assert "no json" in prod.problems(wanted(solution().variable("con_Json", "json").build(), con_Json=nested))


# Backups.


def test_the_environment_is_backed_up_before_a_solution_goes_with_its_tables(prod: Prod) -> None:
    package = solution().table("Order", [column("con_number")]).build()
    prod.apply(wanted(package))
    access = prod.access_with(environment_id=prod.environment.id, admin_url=prod.emulator.authority)
    assert [step.name for step in prod.platform.plan(access, wanted(None, package)).steps] == ["back up", "uninstall"]
    assert [step.name for step in prod.platform.plan(prod.access, wanted(None, package)).steps] == ["uninstall"]
    given = wanted(None, package)
    outcome = prod.platform.perform(access, given, "back up", prod.platform.intend(access, given, "back up"))
    while outcome.progress is Progress.RUNNING:
        outcome = prod.platform.poll(access, outcome.detail)
    assert prod.emulator.administration.backups[prod.environment.id]


def test_a_backup_that_cannot_be_followed_is_not_taken_for_made(prod: Prod) -> None:
    access = prod.access_with(environment_id=prod.environment.id, admin_url=prod.emulator.authority)
    given = wanted(solution().build())
    late = PowerPlatform(connect=Unfollowed, pause=lambda _: None)
    with pytest.raises(UnknownOutcomeError, match="no way to follow it"):
        late.perform(access, given, "back up", late.intend(access, given, "back up"))


class Unfollowed(Client):
    """An admin API that does not say where a backup can be followed."""

    def admin(self, method: str, path: str, body: Any = None, *, is_change: bool = False) -> tuple[Any, dict[str, str]]:
        return super().admin(method, path, body, is_change=is_change)[0], {}
