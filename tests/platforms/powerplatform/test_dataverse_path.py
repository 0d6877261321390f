"""The emulator: a solution leaves the environment it was built in, and comes into one that it runs in."""

from __future__ import annotations

import base64
import io
import zipfile
from collections.abc import Iterator

import httpx
import pytest
from emulated_orders import GIVEN, brought_in, installed, notify, opened, orders, refused, rows, until_done

from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.dataverse import DataverseEmulator
from lampway.testing.solutions import Solution, column, control, form, msapp

FORMAT = SolutionFormat()


@pytest.fixture(scope="module")
def running() -> Iterator[DataverseEmulator]:
    with DataverseEmulator() as emulator:
        yield emulator


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator() as emulator:
        yield emulator


@pytest.fixture
def dev(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "dev") as client:
        yield client


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "prod") as client:
        yield client


def exported(client: httpx.Client, name: str = "Orders", *, managed: bool) -> bytes:
    started = client.post("ExportSolutionAsync", json={"SolutionName": name, "Managed": managed}).json()
    assert until_done(client, started["AsyncOperationId"])["statuscode"] == 30
    body = {"ExportJobId": started["ExportJobId"]}
    return base64.b64decode(client.post("DownloadSolutionExportData", json=body).json()["ExportSolutionFile"])


def exported_now(client: httpx.Client, name: str = "Orders", *, managed: bool) -> bytes:
    answer = client.post("ExportSolution", json={"SolutionName": name, "Managed": managed}).json()
    return base64.b64decode(answer["ExportSolutionFile"])


def test_a_solution_is_exported_staged_and_imported_with_the_values_of_its_target(
    emulator: DataverseEmulator, dev: httpx.Client, prod: httpx.Client
) -> None:
    emulator.environment("dev").maker.load(orders().build())
    emulator.environment("prod").maker.add_connection("c1")
    file = base64.b64encode(exported(dev, managed=True)).decode()
    staged = prod.post("StageSolution", json={"CustomizationFile": file}).json()["StageSolutionResults"]
    assert staged["StageSolutionStatus"] == "Passed"
    assert rows(prod, "workflows") == [], "staging changes nothing"
    body = {
        "PublishWorkflows": True,
        "SolutionParameters": {"StageSolutionUploadId": staged["StageSolutionUploadId"]},
        "ComponentParameters": list(GIVEN),
        "ImportJobId": "0a000000-0000-4000-8000-00000000000b",
    }
    started = prod.post("ImportSolutionAsync", json=body).json()
    assert started["ImportJobKey"] == "0a000000-0000-4000-8000-00000000000b", "the client chose it"
    assert until_done(prod, started["AsyncOperationId"])["statuscode"] == 30
    result = prod.get(f"RetrieveSolutionImportResult(ImportJobId={started['ImportJobKey']})").json()
    assert result["SolutionOperationResult"]["Status"] == "Passed"
    job = prod.get(f"importjobs({started['ImportJobKey']})?$select=progress,completedon,solutionname,data").json()
    assert job["progress"] == 100
    assert '<result result="success"' in job["data"]
    assert [(one["name"], one["statecode"]) for one in rows(prod, "workflows")] == [("Notify", 1)]
    assert [one["value"] for one in rows(prod, "environmentvariablevalues")] == ["https://prod.example.org"]
    assert [one["connectionid"] for one in rows(prod, "connectionreferences")] == ["c1"]


def test_both_forms_of_an_export_are_the_same_build(emulator: DataverseEmulator, dev: httpx.Client) -> None:
    emulator.environment("dev").maker.load(orders("2.1.0.0").build())
    managed, unmanaged = exported_now(dev, managed=True), exported(dev, managed=False)
    told = FORMAT.inspect(managed).inventory, FORMAT.inspect(unmanaged).inventory
    assert [one.managed for one in told] == [True, False]
    assert {one.version for one in told} == {"2.1.0.0"}
    assert len({one.fingerprint for one in told}) == 1


def test_an_export_of_an_unchanged_app_differs_only_in_what_is_new_with_every_export(
    emulator: DataverseEmulator, dev: httpx.Client
) -> None:
    app = msapp([control("Home", "screen", Fill="Color.White")])
    emulator.environment("dev").maker.load(Solution(name="Apps").canvas("Desk", app).build())
    first, second = (exported_now(dev, "Apps", managed=False) for _ in range(2))
    assert first != second
    assert FORMAT.inspect(first).inventory.fingerprint == FORMAT.inspect(second).inventory.fingerprint


def test_a_managed_table_has_no_labels_that_only_repeat_a_column(
    emulator: DataverseEmulator, dev: httpx.Client
) -> None:
    main = form("Main", ["con_amount"], labels={"con_amount": "Amount"})
    solution = Solution(name="Tables").table("Order", [column("con_amount", "money", shown="Amount")], forms=[main])
    emulator.environment("dev").maker.load(solution.build())
    texts = [
        zipfile.ZipFile(io.BytesIO(exported_now(dev, "Tables", managed=managed))).read("customizations.xml").decode()
        for managed in (False, True)
    ]
    assert ['label description="Amount"' in one for one in texts] == [True, False]


def test_an_export_holds_what_a_maker_has_just_changed(emulator: DataverseEmulator, dev: httpx.Client) -> None:
    maker = emulator.environment("dev").maker
    maker.load(orders().build())
    before = exported_now(dev, managed=False)
    maker.edit_flow("Notify", lambda whole: whole["properties"]["definition"]["actions"].update(Mail={"type": "Wait"}))
    maker.turn_off("Notify")
    maker.add_flow("Second", {"properties": {"definition": {}}}, solution="Orders")
    maker.add_flow("Alone", {"properties": {"definition": {}}})
    difference = FORMAT.diff(before, exported_now(dev, managed=False))
    assert [one.name for one in difference.added] == ["Second"]
    assert {one.component.name for one in difference.changed} == {"Notify"}
    words = str(difference.changed)
    assert "Mail" in words
    assert "off" in words


def test_a_solution_that_was_built_by_hand_leaves_whole(emulator: DataverseEmulator, dev: httpx.Client) -> None:
    maker = emulator.environment("dev").maker
    publisher = rows(dev, "publishers?$filter=customizationprefix eq 'cr000'")[0]["publisherid"]
    body = {"uniquename": "Hand", "version": "1.2", "publisherid@odata.bind": f"/publishers({publisher})"}
    assert dev.post("solutions", json=body).status_code == 204
    maker.add_reference("cr000_sp", solution="Hand")
    maker.add_variable("cr000_Site", default="here", solution="Hand")
    maker.add_flow("Tell", notify(), solution="Hand")
    maker.add_app("Desk", solution="Hand")
    inspection = FORMAT.inspect(exported_now(dev, "Hand", managed=True))
    assert sorted(one.type for one in inspection.inventory.components) == [
        "canvas app",
        "connection reference",
        "environment variable",
        "flow",
    ]
    assert [one.name for one in inspection.inventory.connections] == ["cr000_sp"]
    assert not [one for one in inspection.inventory.notes if "listed in the manifest" in one]


def test_an_export_leaves_the_value_in_force_in_the_flows_that_use_it(
    emulator: DataverseEmulator, dev: httpx.Client
) -> None:
    maker = emulator.environment("dev").maker
    maker.load(orders().build())
    maker.set_value("con_Site", "https://elsewhere.example.org")
    with zipfile.ZipFile(io.BytesIO(exported_now(dev, managed=True))) as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.startswith("Workflows/")]
        names = archive.namelist()
    assert b"https://elsewhere.example.org" in texts[0]
    assert not [name for name in names if name.endswith("environmentvariablevalues.json")], "the value is no member"


def test_a_managed_solution_cannot_be_exported(emulator: DataverseEmulator, prod: httpx.Client) -> None:
    installed(emulator.environment("prod"))
    status, _, message = refused(lambda: prod.post("ExportSolution", json={"SolutionName": "Orders"}))
    assert (status, message) == (400, "Managed solutions cannot be exported.")


def test_a_solution_without_its_connection_comes_in_with_its_flow_off(
    emulator: DataverseEmulator, prod: httpx.Client
) -> None:
    done = brought_in(prod, orders(managed=True), ComponentParameters=[GIVEN[0]])
    assert done["statuscode"] == 30
    one = rows(prod, "workflows")[0]
    assert one["statecode"] == 0
    result = rows(prod, "importjobs")[0]
    assert 'result="warning"' in result["data"]
    turning_on = {"statecode": 1, "statuscode": 2}
    _, code, message = refused(lambda: prod.patch(f"workflows({one['workflowid']})", json=turning_on))
    assert code == "0x80060467"
    assert "Connection Id missing for connection reference logical name 'con_sp'" in message


def test_a_connection_that_is_not_there_keeps_the_package_out(emulator: DataverseEmulator, prod: httpx.Client) -> None:
    done = brought_in(prod, orders(managed=True))
    assert done["statuscode"] == 31
    assert "ConnectionAuthorizationFailed" in done["message"]
    assert rows(prod, "workflows") == []


def test_a_connection_that_is_not_shared_leaves_the_flow_off(emulator: DataverseEmulator, prod: httpx.Client) -> None:
    emulator.environment("prod").maker.add_connection("c1", shared=["Somebody else"])
    assert brought_in(prod, orders(managed=True))["statuscode"] == 30
    assert rows(prod, "workflows")[0]["statecode"] == 0


def test_an_unmanaged_package_makes_a_place_to_build_in(emulator: DataverseEmulator, dev: httpx.Client) -> None:
    assert brought_in(dev, orders(), ComponentParameters=[])["statuscode"] == 30
    assert rows(dev, "solutions?$filter=uniquename eq 'Orders'")[0]["ismanaged"] is False
    assert brought_in(dev, orders(mark="Other"), ComponentParameters=[])["statuscode"] == 30, "the same version again"
    assert "Other" in rows(dev, "workflows")[0]["clientdata"]


@pytest.mark.parametrize("bad", ["bm8gemlw", "%%%", ""])
def test_what_is_no_package_is_refused(running: DataverseEmulator, bad: str) -> None:
    with opened(running, "test") as client:
        assert refused(lambda: client.post("StageSolution", json={"CustomizationFile": bad}))[0] == 400


def test_tens_of_megabytes_go_in_and_out(emulator: DataverseEmulator, dev: httpx.Client) -> None:
    import os

    big = Solution(name="Big").web_resource("con_big.js", "").file("Assets/noise.bin", os.urandom(20_000_000))
    emulator.environment("dev").maker.load(big.build())
    package = exported_now(dev, "Big", managed=True)
    assert len(package) > 20_000_000
    staged = dev.post("StageSolution", json={"CustomizationFile": base64.b64encode(package).decode()})
    assert staged.json()["StageSolutionResults"]["SolutionDetails"]["SolutionUniqueName"] == "Big"


def test_a_staged_package_that_is_not_there_is_refused(running: DataverseEmulator) -> None:
    body = {"SolutionParameters": {"StageSolutionUploadId": "0a000000-0000-4000-8000-00000000000b"}}
    with opened(running, "test") as client:
        assert refused(lambda: client.post("ImportSolutionAsync", json=body))[0] == 404
