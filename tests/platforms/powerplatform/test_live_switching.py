"""Flows go off and on in the order they need; locks and use are told with their limits; strays are gathered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from looked_at import Place, orders

from lampway.domain.configuration import ConfigurationSet
from lampway.engine.abilities import LockState
from lampway.engine.platform import Installed
from lampway.errors import ConflictError, NotFoundError, PlatformRefusedError, UnknownOutcomeError
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.switching import flows_in_order
from lampway.testing.dataverse import DataverseEmulator
from lampway.testing.solutions import Solution, compose, flow, id_of, msapp

SETTING = "IsLockdownOfUnmanagedCustomizationEnabled"


@pytest.fixture
def prod() -> Iterator[Place]:
    with DataverseEmulator(("dev", "prod")) as emulator:
        yield Place(emulator, emulator.environment("prod"))


def changes(place: Place) -> list[tuple[str, int]]:
    """Return which flows were turned on or off, in order."""
    names = {one.id: one.part.name for one in place.environment.organisation.state.of_kind("workflow")}
    return [
        (names[entry.path.rpartition("(")[2].rstrip(")")], entry.body["statecode"])
        for entry in place.environment.requests
        if entry.method == "PATCH" and "/workflows(" in entry.path
    ]


# Switching.


def test_a_flow_goes_off_before_those_that_it_calls_and_on_after_them(prod: Place) -> None:
    installed = prod.install(orders(draft=True))
    prod.platform.deactivate(prod.access, installed)
    prod.platform.activate(prod.access, installed)
    assert changes(prod) == [("Tell", 0), ("Price", 0), ("Price", 1), ("Tell", 1)]
    assert not prod.maker.is_on("Draft"), "the package ships it off"
    assert prod.platform.is_switched(prod.access, installed, on=True)


def test_flows_that_call_each_other_in_a_circle_are_each_listed_once() -> None:
    made = Solution()
    for name, other in (("A", "B"), ("B", "A"), ("C", "A")):
        call = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of(f"flow {other}")}}}
        made.flow(name, flow({"Call": call}))
    assert [part.name for part in flows_in_order(read_package(made.build()))] == ["B", "A", "C"]


def test_what_a_switch_could_not_finish_is_finished_by_doing_it_again(prod: Place) -> None:
    installed = prod.install(orders())
    prod.environment.faults.cut_after(r"workflows\(", method="PATCH")
    with pytest.raises(UnknownOutcomeError):
        prod.platform.deactivate(prod.access, installed)
    assert not prod.platform.is_switched(prod.access, installed, on=False)
    prod.platform.deactivate(prod.access, installed)
    assert prod.platform.is_switched(prod.access, installed, on=False)


def test_a_flow_that_cannot_go_on_is_told_in_the_platforms_words(prod: Place) -> None:
    installed = prod.install(orders())
    prod.platform.deactivate(prod.access, installed)
    prod.maker.bind("con_sharepoint", "")
    with pytest.raises(PlatformRefusedError, match="Connection Id missing"):
        prod.platform.activate(prod.access, installed)


def test_a_flow_that_is_gone_stops_a_switch_before_anything_is_turned(prod: Place) -> None:
    installed = prod.install(orders())
    prod.maker.lose("workflow", "Price")
    with pytest.raises(ConflictError, match="Price is no longer there"):
        prod.platform.deactivate(prod.access, installed)
    assert changes(prod) == []


def test_what_has_no_flows_cannot_be_switched_off_and_that_is_said(prod: Place) -> None:
    made = Solution("Pages", managed=True).canvas("Home", msapp([]))
    prod.deployer().install(made.build())
    installed = Installed(made.build(), ConfigurationSet())
    assert prod.platform.is_switched(prod.access, installed, on=True)
    assert not prod.platform.is_switched(prod.access, installed, on=False)
    with pytest.raises(PlatformRefusedError, match="no flows"):
        prod.platform.deactivate(prod.access, installed)


# Use.


def test_the_last_run_of_any_flow_and_the_last_change_are_told_with_their_limits(prod: Place) -> None:
    installed = prod.install(orders())
    for name, at in (
        ("Tell", "2026-10-01T08:00:00Z"),
        ("Price", "2026-10-03T09:30:00Z"),
        ("Tell", "2026-09-01T08:00:00Z"),
    ):
        prod.maker.run(name, at)
    told = prod.platform.tell_usage(prod.access, installed)
    assert told.last_run == "2026-10-03T09:30:00.000+00:00"
    assert told.last_change
    assert "28 days" in told.notes[0]


def test_use_that_cannot_be_read_is_unknown_and_not_made_up(prod: Place) -> None:
    installed = prod.install(orders())
    for status in (403, 404):
        prod.environment.faults.refuse("flowruns", status=status, code="0x80040220", text="no such luck", times=10)
        told = prod.platform.tell_usage(prod.access, installed)
        assert told.last_run == ""
        assert "cannot be read" in told.notes[0]
        prod.environment.faults.clear()
    assert prod.platform.tell_usage(prod.access, installed).last_run == "", "never run, and nothing else known"


# Lock.


def test_a_lock_is_open_partly_closed_or_closed_by_setting_and_roles(prod: Place) -> None:
    prod.maker.give_role("Ann Admin", "System Administrator")
    seen = prod.platform.observe_lock(prod.access, None)
    assert seen.state is LockState.OPEN
    assert "Ann Admin (System Administrator), Mia Maker (Environment Maker, System Customizer)" in seen.summary
    assert "Power Platform admin center" in seen.cure
    prod.maker.lock()
    seen = prod.platform.observe_lock(prod.access, None)
    assert seen.state is LockState.PARTIAL
    assert "flows turned on and off" in seen.summary
    prod.maker.take_role("Ann Admin", "System Administrator")
    prod.maker.take_role("Mia Maker", "Environment Maker", "System Customizer")
    seen = prod.platform.observe_lock(prod.access, None)
    assert (seen.state, seen.cure) == (LockState.LOCKED, "")
    prod.maker.unlock()
    seen = prod.platform.observe_lock(prod.access, None)
    assert seen.state is LockState.PARTIAL
    assert "until somebody is given such a role" in seen.summary


def test_the_setting_is_read_from_the_column_where_its_function_is_not_there(prod: Place) -> None:
    prod.maker.lock()
    prod.environment.faults.refuse("GetOrgDbOrgSetting", status=404, code="0x8006088a", text="no such message")
    assert prod.platform.observe_lock(prod.access, None).state is LockState.PARTIAL


def test_what_cannot_be_seen_of_a_lock_is_unknown(prod: Place) -> None:
    prod.environment.faults.refuse("GetOrgDbOrgSetting", status=403, code="0x80040220", text="missing a privilege")
    prod.environment.faults.refuse("roles", status=403, code="0x80040220", text="missing a privilege")
    seen = prod.platform.observe_lock(prod.access, None)
    assert seen.state is LockState.UNKNOWN
    assert "who may customize there cannot be seen" in seen.summary


def test_without_the_admins_word_the_lock_is_not_set_and_the_steps_are_told(prod: Place) -> None:
    why = prod.platform.lock_objection(prod.access)
    assert "Power Platform admin center" in why
    assert "set_lock: orgdborgsettings" in why
    with pytest.raises(PlatformRefusedError) as caught:
        prod.platform.set_lock(prod.access, locked=True)
    assert "set_lock: orgdborgsettings" in caught.value.hint
    assert SETTING not in prod.environment.organisation.state.settings


def test_setting_the_lock_writes_one_setting_and_leaves_the_others(prod: Place) -> None:
    settings = prod.environment.organisation.state.settings
    settings.update({"IsMCPEnabled": True, "SearchAndCopilotIndexMode": "2"})
    access = prod.access_with(set_lock="orgdborgsettings")
    assert prod.platform.lock_objection(access) == ""
    prod.platform.set_lock(access, locked=True)
    assert settings == {SETTING: True, "IsMCPEnabled": True, "SearchAndCopilotIndexMode": "2"}
    count = len(prod.environment.requests)
    prod.platform.set_lock(access, locked=True)
    assert "PATCH" not in {entry.method for entry in prod.environment.requests[count:]}
    prod.platform.set_lock(access, locked=False)
    assert settings[SETTING] is False


def test_a_lock_that_did_not_come_about_is_no_lock(prod: Place) -> None:
    """As in the default environment, where the platform ignores it."""
    prod.environment.faults.refuse("GetOrgDbOrgSetting", status=400, code="0x80040216", text="not here")
    access = prod.access_with(set_lock="orgdborgsettings")
    organisation = prod.environment.organisation
    organisation.state.settings = _Deaf()
    with pytest.raises(PlatformRefusedError, match="not as it was set"):
        prod.platform.set_lock(access, locked=True)


class _Deaf(dict):
    def __setitem__(self, key: object, value: object) -> None:
        del key, value


# What is in no solution.


def test_what_is_in_no_solution_is_listed_with_owner_and_last_change(prod: Place) -> None:
    prod.install(orders())
    prod.maker.add_flow("Loose", flow({"Do": compose("x")}))
    (loose,) = prod.platform.list_loose(prod.access)
    assert (loose.type, loose.name, loose.owner) == ("flow", "Loose", "Mia Maker")
    assert loose.changed


def test_what_a_team_owns_is_listed_with_the_team(prod: Place) -> None:
    made = prod.maker.add_flow("Loose", flow({"Do": compose("x")}))
    made.live["ownerid"] = id_of("team")
    prod.environment.organisation.state.extras["teams"] = [{"teamid": id_of("team"), "name": "Back office"}]
    assert [one.owner for one in prod.platform.list_loose(prod.access)] == ["Back office"]


def test_what_is_gathered_is_in_the_solution_and_is_exported_with_it(prod: Place) -> None:
    prod.maker.load(Solution(name="Tools", managed=False).build())
    prod.maker.add_flow("Loose", flow({"Do": compose("x")}))
    (loose,) = prod.platform.list_loose(prod.access)
    for _ in range(2):
        prod.platform.gather(prod.access, "tools", loose)
    held = prod.environment.organisation.state.solutions["tools"]
    assert [ref.partition(":")[0] for ref in held.members] == ["workflow"]
    assert prod.platform.list_loose(prod.access) == ()


@pytest.mark.parametrize(
    ("into", "error", "said"),
    [
        ("Nowhere", NotFoundError, "no solution named Nowhere"),
        ("Default", NotFoundError, "no solution named Default"),
        ("Orders", PlatformRefusedError, "Orders is managed"),
    ],
)
def test_nothing_is_put_where_it_could_not_be_released_from(
    prod: Place, into: str, error: type[Exception], said: str
) -> None:
    prod.install(orders())
    prod.maker.add_flow("Loose", flow({"Do": compose("x")}))
    (loose,) = prod.platform.list_loose(prod.access)
    with pytest.raises(error, match=said):
        prod.platform.gather(prod.access, into, loose)
    prod.maker.load(Solution(name="Tools", managed=False).build())
    with pytest.raises(ConflictError, match="no longer there"):
        prod.platform.gather(prod.access, "Tools", replace(loose, id=id_of("gone")))
    assert "POST" not in {e.method for e in prod.environment.requests if "AddSolutionComponent" in e.path}
