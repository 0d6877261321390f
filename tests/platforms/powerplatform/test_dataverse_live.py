"""The emulator: what makers do live, how it shows, and what keeps them from it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest
from emulated_orders import brought_in, installed, notify, opened, orders, refused, rows

from lampway.testing.dataverse import DataverseEmulator, Environment, RefusedError
from lampway.testing.solutions import Solution, compose, flow

SWITCH = "IsLockdownOfUnmanagedCustomizationEnabled"


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["prod"], polls=1) as emulator:
        yield emulator


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Environment:
    return emulator.environment("prod")


@pytest.fixture
def client(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "prod") as client:
        yield client


def layers(client: httpx.Client, id_: str, more: str = "", kind: str = "Workflow") -> list[str]:
    query = f"msdyn_componentid eq '{id_}' and msdyn_solutioncomponentname eq '{kind}'{more}"
    found = client.get("msdyn_componentlayers", params={"$filter": query, "$select": "msdyn_order"}).json()["value"]
    return [one["msdyn_solutionname"] for one in sorted(found, key=lambda one: one["msdyn_order"])]


def summaries(client: httpx.Client, name: str = "Orders") -> dict[str, bool]:
    solution = rows(client, f"solutions?$filter=uniquename eq '{name}'")[0]["solutionid"]
    found = rows(client, f"msdyn_solutioncomponentsummaries?$filter=msdyn_solutionid eq {solution}")
    return {one["msdyn_name"]: one["msdyn_hasactivecustomization"] for one in found}


def test_a_live_edit_lies_as_an_active_layer_over_the_solution(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    one = rows(client, "workflows")[0]
    assert layers(client, one["workflowid"]) == ["Orders"]
    assert summaries(client)["Notify"] is False
    prod.maker.edit_flow("Notify", lambda whole: whole["properties"].update(templateName="by hand"))
    assert layers(client, one["workflowid"]) == ["Orders", "Active"]
    assert layers(client, one["workflowid"], " and msdyn_solutionname eq 'Active'") == ["Active"]
    assert summaries(client) == {"Notify": True, "con_sp": False, "con_Site": False}
    edited = rows(client, "workflows")[0]
    assert "by hand" in edited["clientdata"]
    assert edited["_modifiedby_value"] == prod.maker.user.id
    query = f"$filter=msdyn_componentid eq '{one['workflowid']}' and msdyn_solutioncomponentname eq 'Workflow'"
    active = rows(client, f"msdyn_componentlayers?{query}")[-1]
    assert [each["Key"] for each in json.loads(active["msdyn_changes"])["Attributes"]] == ["clientdata"]


def test_layers_are_asked_for_one_component_at_a_time_with_a_quoted_id(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    id_ = rows(client, "workflows")[0]["workflowid"]
    bare = f"msdyn_componentlayers?$filter=msdyn_componentid eq {id_} and msdyn_solutioncomponentname eq 'Workflow'"
    assert refused(lambda: client.get(bare))[0] == 400
    assert refused(lambda: client.get("msdyn_componentlayers"))[0] == 400


def test_summaries_cannot_be_filtered_by_truth(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    solution = rows(client, "solutions?$filter=uniquename eq 'Orders'")[0]["solutionid"]
    query = f"msdyn_solutionid eq {solution} and msdyn_hasactivecustomization eq true"
    assert refused(lambda: client.get(f"msdyn_solutioncomponentsummaries?$filter={query}"))[0] == 400


def test_a_get_with_a_side_effect_takes_the_edit_away(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    prod.maker.edit_flow("Notify", lambda whole: whole["properties"].update(templateName="by hand"))
    id_ = rows(client, "workflows")[0]["workflowid"]
    call = f"RemoveActiveCustomizations(SolutionComponentName='Workflow',ComponentId={id_})"
    assert client.get(call).status_code == 204
    assert layers(client, id_) == ["Orders"]
    assert "by hand" not in rows(client, "workflows")[0]["clientdata"]


def test_values_bindings_and_states_are_no_layers_of_flows(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    prod.maker.set_value("con_Site", "other")
    prod.maker.add_connection("c2")
    prod.maker.bind("con_sp", "c2")
    prod.maker.turn_off("Notify")
    assert summaries(client) == {"Notify": False, "con_sp": False, "con_Site": False}
    assert rows(client, "environmentvariablevalues")[0]["value"] == "other"
    assert rows(client, "connectionreferences")[0]["connectionid"] == "c2"
    assert rows(client, "workflows")[0]["statecode"] == 0


def test_what_belongs_to_no_solution_is_seen(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    prod.maker.add_flow("Stray", notify())
    prod.maker.add_app("Stray app")
    listed = {one["objectid"] for one in rows(client, "solutioncomponents")}
    ordered = rows(client, "solutions?$filter=uniquename eq 'Orders'")[0]["solutionid"]
    held = {one["objectid"] for one in rows(client, f"solutioncomponents?$filter=_solutionid_value eq {ordered}")}
    stray = rows(client, "workflows?$filter=name eq 'Stray'")[0]
    assert (stray["ismanaged"], stray["workflowid"] in held, stray["workflowid"] in listed) == (False, False, True)
    assert rows(client, "canvasapps")[0]["displayname"] == "Stray app"
    body = {"ComponentId": stray["workflowid"], "ComponentType": 29, "SolutionUniqueName": "Default"}
    assert client.post("AddSolutionComponent", json=body).status_code == 200


@pytest.mark.parametrize("how", ["switch", "settings"])
def test_a_locked_environment_lets_no_maker_edit(prod: Environment, client: httpx.Client, how: str) -> None:
    installed(prod)
    assert client.post("GetOrgDbOrgSetting", json={"SettingName": SWITCH}).json()["SettingValue"] in {"", "false"}
    if how == "switch":
        prod.maker.lock()
    else:
        row = rows(client, "organizations")[0]
        body = {"orgdborgsettings": f"<OrgSettings><{SWITCH}>true</{SWITCH}></OrgSettings>"}
        assert client.patch(f"organizations({row['organizationid']})", json=body).status_code == 204
    assert client.post("GetOrgDbOrgSetting", json={"SettingName": SWITCH}).json()["SettingValue"] == "true"
    for attempt in (
        lambda: prod.maker.edit_flow("Notify", {}),
        lambda: prod.maker.add_flow("New", {}),
        lambda: prod.maker.load(Solution(name="Other").build()),
    ):
        with pytest.raises(RefusedError, match="This environment doesn't allow unmanaged customizations"):
            attempt()
    prod.maker.set_value("con_Site", "still possible")
    prod.maker.turn_off("Notify")
    prod.maker.turn_on("Notify")
    assert brought_in(client, orders("2.0.0.0", managed=True))["statuscode"] == 30
    done = brought_in(client, Solution(name="Other"), ComponentParameters=[])
    assert (done["statuscode"], "unmanaged customizations" in done["message"]) == (31, True)


def test_a_lock_leaves_the_removal_of_an_edit_possible(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    prod.maker.edit_flow("Notify", lambda whole: whole["properties"].update(templateName="by hand"))
    prod.maker.lock()
    id_ = rows(client, "workflows")[0]["workflowid"]
    client.get(f"RemoveActiveCustomizations(SolutionComponentName='Workflow',ComponentId={id_})")
    assert layers(client, id_) == ["Orders"]


def test_who_may_edit_is_seen_and_can_be_taken_away(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    may = "systemusers?$filter=systemuserroles_association/any(r:r/name eq 'System Customizer')"
    assert [one["fullname"] for one in rows(client, may)] == ["Mia Maker"]
    people = rows(client, "roles?$expand=systemuserroles_association($select=fullname)")
    held = {one["name"]: [each["fullname"] for each in one["systemuserroles_association"]] for one in people}
    assert held["Environment Maker"] == ["Mia Maker"]
    assert held["System Administrator"] == ["Release application"]
    prod.maker.take_role("Mia Maker", "System Customizer", "Environment Maker")
    assert rows(client, may) == []
    with pytest.raises(RefusedError, match="is missing"):
        prod.maker.edit_flow("Notify", {})


def test_a_flow_is_on_only_when_everything_it_needs_is_there(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    id_ = rows(client, "workflows")[0]["workflowid"]
    turn_on = {"statecode": 1, "statuscode": 2}
    prod.maker.turn_off("Notify")
    prod.maker.bind("con_sp", "")
    assert (
        "XrmConnectionReferenceMissingConnection" in refused(lambda: client.patch(f"workflows({id_})", json=turn_on))[2]
    )
    prod.maker.bind("con_sp", "c1")
    value = rows(client, "environmentvariablevalues")[0]["environmentvariablevalueid"]
    assert client.delete(f"environmentvariablevalues({value})").status_code == 204
    found = refused(lambda: client.patch(f"workflows({id_})", json=turn_on))[2]
    assert "XrmEnvironmentVariableAttributeNotFound" in found
    prod.maker.set_value("con_Site", "x")
    assert client.patch(f"workflows({id_})", json=turn_on).status_code == 204
    assert prod.maker.is_on("Notify")


def test_flows_are_turned_on_after_those_they_call(prod: Environment, client: httpx.Client) -> None:
    made = Solution(name="Calls", managed=True)
    ids = {}
    for name, called in (("Third", ""), ("Second", "Third"), ("First", "Second")):
        action = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": ids.get(called, "")}}}
        made.flow(name, flow({"Call": action if called else compose(1)}))
        ids[name] = made.roots[-1].split("{")[1].split("}")[0]
    made.sections["Workflows"].reverse()
    assert brought_in(client, made, ComponentParameters=[])["statuscode"] == 30
    assert {one["name"]: one["statecode"] for one in rows(client, "workflows")} == {"First": 1, "Second": 1, "Third": 1}
    for name in ("First", "Second"):
        prod.maker.turn_off(name)
    with pytest.raises(RefusedError, match="ChildFlowNeverPublished"):
        prod.maker.turn_on("First")


def test_what_others_need_cannot_be_deleted(prod: Environment, client: httpx.Client) -> None:
    prod.maker.load(orders().build())
    reference = rows(client, "connectionreferences")[0]["connectionreferenceid"]
    kinds = {one["objectid"]: one["componenttype"] for one in rows(client, "solutioncomponents")}
    assert kinds[reference] >= 10000, "numbered by each environment for itself"
    query = f"RetrieveDependenciesForDelete(ObjectId={reference},ComponentType={kinds[reference]})"
    found = client.get(query).json()["value"]
    assert [one["dependentcomponenttype"] for one in found] == [29]
    assert "referenced by 1 other components" in refused(lambda: client.delete(f"connectionreferences({reference})"))[2]
    flow_id = rows(client, "workflows")[0]["workflowid"]
    assert client.delete(f"workflows({flow_id})").status_code == 204
    assert client.delete(f"connectionreferences({reference})").status_code == 204


def test_what_is_managed_cannot_be_deleted(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    id_ = rows(client, "workflows")[0]["workflowid"]
    assert refused(lambda: client.delete(f"workflows({id_})"))[0] == 403
    prod.maker.lose("workflow", "Notify")
    assert rows(client, "workflows") == []
