"""The emulator: work that takes its time, one thing at a time, and everything that can go wrong on the way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import httpx
import pytest
from emulated_orders import GIVEN, brought_in, installed, opened, orders, refused, rows, text, until_done

from lampway.testing.dataverse import DataverseEmulator, Environment


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["prod"], seconds_per_step=3600) as emulator:
        emulator.environment("prod").maker.add_connection("c1")
        yield emulator


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Environment:
    return emulator.environment("prod")


@pytest.fixture
def client(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "prod") as client:
        yield client


def start(client: httpx.Client, version: str = "1.0.0.0") -> dict[str, str]:
    body = {"CustomizationFile": text(orders(version, managed=True)), "ComponentParameters": list(GIVEN)}
    return dict(client.post("ImportSolutionAsync", json=body).json())


def state(client: httpx.Client, operation: str) -> tuple[int, int]:
    found = client.get(f"asyncoperations({operation})").json()
    return found["statecode"], found["statuscode"]


def test_an_operation_is_done_after_several_looks(client: httpx.Client) -> None:
    id_ = start(client)["AsyncOperationId"]
    assert rows(client, "workflows") == []
    assert [state(client, id_) for _ in range(3)] == [(2, 20), (2, 20), (3, 30)]
    assert len(rows(client, "workflows")) == 1


def test_operations_of_an_environment_run_one_after_the_other(client: httpx.Client) -> None:
    first, second = (start(client, version)["AsyncOperationId"] for version in ("1.0.0.0", "2.0.0.0"))
    assert state(client, second) == (0, 0)
    assert until_done(client, second)["statuscode"] == 30
    ended = {one["asyncoperationid"]: one for one in rows(client, "asyncoperations")}
    assert ended[first]["completedon"] <= ended[second]["startedon"]
    assert ended[first]["dependencytoken"] == ended[second]["dependencytoken"]
    assert rows(client, "solutions?$filter=uniquename eq 'Orders'")[0]["version"] == "2.0.0.0"


def test_what_cannot_run_beside_an_import_is_refused(client: httpx.Client) -> None:
    id_ = start(client)["AsyncOperationId"]
    for call in (
        lambda: client.post("PublishAllXml"),
        lambda: client.post("ImportSolution", json={"CustomizationFile": text(orders(managed=True))}),
        lambda: client.post("ExportSolution", json={"SolutionName": "Default"}),
    ):
        status, code, message = refused(call)
        assert (status, code) == (503, "0x80071151")
        assert "because there is a previous [Import] running at this moment" in message
    until_done(client, id_)
    assert client.post("PublishAllXml").status_code == 204


def test_time_passes_when_nobody_looks() -> None:
    with DataverseEmulator(["prod"], seconds_per_step=0.02) as emulator, opened(emulator, "prod") as client:
        emulator.environment("prod").maker.add_connection("c1")
        start(client)
        time.sleep(0.3)
        assert len(rows(client, "workflows")) == 1


def test_a_job_shows_how_far_it_is_and_what_it_did(client: httpx.Client) -> None:
    key = start(client)["ImportJobKey"]
    seen = [client.get(f"importjobs({key})").json() for _ in range(3)]
    assert seen[0]["progress"] < seen[1]["progress"] < seen[2]["progress"] == 100
    assert [one["completedon"] is None for one in seen] == [True, True, False]
    data = ET.fromstring(seen[2]["data"])
    assert {one.tag for one in data.find("components")} == {
        "Workflow",
        "connectionreference",
        "EnvironmentVariableDefinition",
    }
    assert {one.get("result") for one in data.iter("result")} == {"success"}


def test_there_is_no_result_before_the_end(client: httpx.Client) -> None:
    started = start(client)
    address = f"RetrieveSolutionImportResult(ImportJobId={started['ImportJobKey']})"
    assert refused(lambda: client.get(address))[0] == 404
    until_done(client, started["AsyncOperationId"])
    assert client.get(address).json()["SolutionOperationResult"]["Type"] == "Import"


def test_a_job_id_is_taken_once(client: httpx.Client) -> None:
    body = {"CustomizationFile": text(orders()), "ImportJobId": "0a000000-0000-4000-8000-00000000000c"}
    assert client.post("ImportSolutionAsync", json=body).status_code == 200
    assert refused(lambda: client.post("ImportSolutionAsync", json=body))[0] == 412


def test_an_operation_that_waits_can_be_cancelled(client: httpx.Client) -> None:
    start(client)
    second = start(client, "2.0.0.0")["AsyncOperationId"]
    body = {"statecode": 3, "statuscode": 32}
    assert client.patch(f"asyncoperations({second})", json=body).status_code == 204
    assert state(client, second) == (3, 32)


def test_an_operation_can_fail_with_words_of_ones_own(prod: Environment, client: httpx.Client) -> None:
    prod.faults.fail_operation("SQL timeout expired.", message="ImportSolutionAsync", code=-2147204783)
    done = brought_in(client, orders(managed=True))
    assert (done["statuscode"], done["message"], done["errorcode"]) == (31, "SQL timeout expired.", -2147204783)
    assert rows(client, "workflows") == []
    assert brought_in(client, orders(managed=True))["statuscode"] == 30, "only the next one was to fail"


def test_an_operation_can_fail_after_everything_was_done(prod: Environment, client: httpx.Client) -> None:
    prod.faults.fail_operation("An unexpected error occurred.", after=True)
    assert brought_in(client, orders(managed=True))["statuscode"] == 31
    assert len(rows(client, "workflows")) == 1


def test_an_operation_can_be_slow(prod: Environment, client: httpx.Client) -> None:
    prod.faults.slow_operation(4)
    id_ = start(client)["AsyncOperationId"]
    assert [state(client, id_)[0] for _ in range(7)] == [2] * 6 + [3]


@pytest.mark.parametrize(
    ("fault", "status", "header"),
    [("throttle", 429, "7"), ("unavailable", 503, None)],
)
def test_requests_can_be_turned_away(
    prod: Environment, client: httpx.Client, fault: str, status: int, header: str | None
) -> None:
    if fault == "throttle":
        prod.faults.throttle("workflows", times=2, retry_after=7)
    else:
        prod.faults.unavailable("workflows", times=2)
    assert client.get("solutions").status_code == 200
    for _ in range(2):
        answer = client.get("workflows")
        assert (answer.status_code, answer.headers.get("Retry-After")) == (status, header)
        assert answer.json()["error"]["code"]
    assert client.get("workflows").status_code == 200


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
def test_a_connection_can_be_cut_before_or_after_the_change(
    prod: Environment, client: httpx.Client, done: bool
) -> None:
    installed(prod)
    id_ = rows(client, "workflows")[0]["workflowid"]
    cut = prod.faults.cut_after if done else prod.faults.cut_before
    cut("workflows", method="PATCH")
    with pytest.raises(httpx.TransportError):
        client.patch(f"workflows({id_})", json={"statecode": 0})
    assert prod.maker.is_on("Notify") is not done


def test_an_answer_can_come_too_late(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    id_ = rows(client, "workflows")[0]["workflowid"]
    prod.faults.hang("workflows", seconds=0.5, method="PATCH")
    with pytest.raises(httpx.ReadTimeout):
        client.patch(f"workflows({id_})", json={"statecode": 0}, timeout=0.1)
    deadline = time.monotonic() + 5
    while prod.maker.is_on("Notify") and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not prod.maker.is_on("Notify"), "what was asked for is done all the same"


def test_a_token_can_expire_at_any_moment(emulator: DataverseEmulator, client: httpx.Client) -> None:
    emulator.environment("prod").faults.expire_token("solutions")
    assert client.get("workflows").status_code == 200
    assert client.get("solutions").status_code == 401
    assert client.get("workflows").status_code == 401
    again = {"Authorization": f"Bearer {emulator.token(emulator.environment('prod'))}"}
    assert client.get("workflows", headers=again).status_code == 200


def test_any_refusal_can_be_asked_for_and_all_faults_called_off(prod: Environment, client: httpx.Client) -> None:
    prod.faults.refuse("solutions", status=500, code="0x80044150", text="SQL deadlock", times=9)
    assert refused(lambda: client.get("solutions")) == (500, "0x80044150", "SQL deadlock")
    prod.faults.clear()
    assert client.get("solutions").status_code == 200


def test_every_request_is_written_down(emulator: DataverseEmulator, prod: Environment, client: httpx.Client) -> None:
    client.get("solutions?$filter=ismanaged eq true")
    client.post("GetOrgDbOrgSetting", json={"SettingName": "x"})
    prod.faults.cut_before("workflows")
    with pytest.raises(httpx.TransportError):
        client.get("workflows")
    seen = [(one.method, one.path.rpartition("/")[2], one.status) for one in prod.requests]
    assert seen == [("GET", "solutions", 200), ("POST", "GetOrgDbOrgSetting", 200), ("GET", "workflows", 0)]
    assert prod.requests[0].query == {"$filter": "ismanaged eq true"}
    assert prod.requests[1].body == {"SettingName": "x"}
    assert emulator.client_secret not in str(emulator.requests)
