"""The emulator: a solution leaves the environment it was built in, and comes into one that it runs in."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.solutions import Solution, call, flow

Client = Callable[[Environment], httpx.Client]
REFERENCE = "Microsoft.Dynamics.CRM.connectionreference"
VALUE = "Microsoft.Dynamics.CRM.environmentvariablevalue"


def orders(version: str = "1.0.0.0", *, managed: bool = False) -> Solution:
    action = call("shared_sharepointonline", "GetItems")
    notify = flow(
        {"Get": action},
        references={"shared_sharepointonline": "con_sp"},
        variables={"con_Site": "https://dev.example.org"},
    )
    return (
        Solution(name="Orders", version=version, managed=managed)
        .reference("con_sp")
        .variable("con_Site")
        .flow("Notify", notify)
    )


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator() as emulator:
        yield emulator


@pytest.fixture
def client(emulator: DataverseEmulator) -> Iterator[Client]:
    made: list[httpx.Client] = []

    def make(environment: Environment) -> httpx.Client:
        form = {
            "grant_type": "client_credentials",
            "client_id": emulator.client_id,
            "client_secret": emulator.client_secret,
            "scope": f"{environment.url}/.default",
        }
        token = httpx.post(emulator.token_url, data=form).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        made.append(httpx.Client(base_url=f"{environment.url}/api/data/v9.2/", headers=headers))
        return made[-1]

    yield make
    for one in made:
        one.close()


def wait(client: httpx.Client, operation: str) -> dict[str, Any]:
    for _ in range(20):
        found = client.get(f"asyncoperations({operation})").json()
        if found["statecode"] == 3:
            return dict(found)
    raise AssertionError("the operation never ended")


def exported(client: httpx.Client, *, managed: bool) -> str:
    started = client.post("ExportSolutionAsync", json={"SolutionName": "Orders", "Managed": managed}).json()
    assert wait(client, started["AsyncOperationId"])["statuscode"] == 30
    body = {"ExportJobId": started["ExportJobId"]}
    return str(client.post("DownloadSolutionExportData", json=body).json()["ExportSolutionFile"])


def test_a_solution_is_exported_staged_and_imported_with_the_values_of_its_target(
    emulator: DataverseEmulator, client: Client
) -> None:
    dev, prod = emulator.environment("dev"), emulator.environment("prod")
    dev.maker.load(orders().build())
    prod.maker.add_connection("c1")
    package = exported(client(dev), managed=True)
    there = client(prod)
    staged = there.post("StageSolution", json={"CustomizationFile": package}).json()["StageSolutionResults"]
    assert staged["StageSolutionStatus"] == "Passed"
    assert there.get("workflows").json()["value"] == []
    body = {
        "PublishWorkflows": True,
        "SolutionParameters": {"StageSolutionUploadId": staged["StageSolutionUploadId"]},
        "ComponentParameters": [
            {"@odata.type": VALUE, "schemaname": "con_Site", "value": "https://prod.example.org"},
            {"@odata.type": REFERENCE, "connectionreferencelogicalname": "con_sp", "connectionid": "c1"},
        ],
    }
    started = there.post("ImportSolutionAsync", json=body).json()
    assert wait(there, started["AsyncOperationId"])["statuscode"] == 30
    result = there.get(f"RetrieveSolutionImportResult(ImportJobId={started['ImportJobKey']})").json()
    assert result["SolutionOperationResult"]["Status"] == "Passed"
    assert [(one["name"], one["statecode"]) for one in there.get("workflows").json()["value"]] == [("Notify", 1)]
    assert [one["value"] for one in there.get("environmentvariablevalues").json()["value"]] == [
        "https://prod.example.org"
    ]
    assert [one["connectionid"] for one in there.get("connectionreferences").json()["value"]] == ["c1"]


def test_an_export_holds_what_a_maker_has_just_changed(emulator: DataverseEmulator, client: Client) -> None:
    dev = emulator.environment("dev")
    dev.maker.load(orders().build())
    dev.maker.edit_flow("Notify", lambda whole: whole["properties"].update(templateName="changed live"))
    from lampway.testing.dataverse.package import read_package

    package = read_package(base64.b64decode(exported(client(dev), managed=False)))
    flows = [content for part in package.parts.values() if part.kind == "workflow" for content in part.files.values()]
    assert b"changed live" in flows[0]
    assert not package.managed


def test_a_solution_without_its_connection_comes_in_with_its_flow_off(
    emulator: DataverseEmulator, client: Client
) -> None:
    there = client(emulator.environment("prod"))
    file = base64.b64encode(orders(managed=True).build()).decode()
    started = there.post("ImportSolutionAsync", json={"CustomizationFile": file, "PublishWorkflows": True}).json()
    assert wait(there, started["AsyncOperationId"])["statuscode"] == 30
    flow = there.get("workflows").json()["value"][0]
    assert flow["statecode"] == 0
    refused = there.patch(f"workflows({flow['workflowid']})", json={"statecode": 1, "statuscode": 2})
    assert refused.status_code == 400
    assert "Connection Id missing for connection reference" in refused.json()["error"]["message"]
