"""The emulator answers as Microsoft's own service did, for the package that its answers were recorded with."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest

from lampway.testing.dataverse import DataverseEmulator, Environment

DATA = Path(os.environ.get("LAMPWAY_SOLUTIONS", Path(__file__).parents[4] / "shared" / "data" / "power-platform"))
PACKAGE = DATA / "TerraformTestSolution_1_1_0_0_unmanaged.zip"
pytestmark = pytest.mark.skipif(not PACKAGE.is_file(), reason="the answers that were recorded are not on this machine")

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
OURS = {"@odata.context", "@odata.etag", "hostid", "executiontimespan", "sequence", "versionnumber"}
"""What every service numbers, measures or addresses for itself."""


def recorded(name: str) -> Any:
    return json.loads((DATA / "recorded-responses" / f"{name}.response.json").read_text())


def shape(value: Any, name: str = "") -> Any:
    """Put marks in place of what is new each time: ids, times, numbers of our own."""
    if isinstance(value, dict):
        return {key: shape(one, key) for key, one in value.items()}
    if isinstance(value, list):
        return [shape(one) for one in value]
    if name in OURS:
        return f"<{name}>"
    if isinstance(value, str) and not name.startswith("Values"):
        return TIME.sub("<time>", GUID.sub("<id>", value))
    return value


SHEET = "{urn:schemas-microsoft-com:office:spreadsheet}"
BAP = "/providers/Microsoft.BusinessAppPlatform"


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["europe"]) as emulator:
        yield emulator


@pytest.fixture
def admin(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    headers = {"Authorization": f"Bearer {emulator.token()}"}
    parameters = {"api-version": "2021-04-01"}
    with httpx.Client(base_url=emulator.authority, headers=headers, params=parameters) as client:
        yield client


@pytest.fixture
def place(emulator: DataverseEmulator) -> Iterator[tuple[Environment, httpx.Client]]:
    environment = emulator.environment("europe")
    headers = {"Authorization": f"Bearer {emulator.token(environment)}"}
    with httpx.Client(base_url=f"{environment.url}/api/data/v9.0/", headers=headers) as client:
        yield environment, client


def file() -> dict[str, str]:
    return {"CustomizationFile": base64.b64encode(PACKAGE.read_bytes()).decode()}


def brought_in(client: httpx.Client) -> dict[str, Any]:
    started = client.post("ImportSolutionAsync", json=file()).json()
    for _ in range(9):
        found = client.get(f"asyncoperations({started['AsyncOperationId']})").json()
        if found["statecode"] == 3:
            return {"started": started, "operation": found}
    raise AssertionError("the import never ended")


def test_staging_tells_what_it_told(place: tuple[Environment, httpx.Client]) -> None:
    assert shape(place[1].post("StageSolution", json=file()).json()) == shape(recorded("StageSolution"))


def test_an_import_starts_as_it_started(place: tuple[Environment, httpx.Client]) -> None:
    assert shape(brought_in(place[1])["started"]) == shape(recorded("ImportSolutionAsync"))


def test_a_finished_operation_has_every_column_it_had(place: tuple[Environment, httpx.Client]) -> None:
    assert shape(brought_in(place[1])["operation"]) == shape(recorded("asyncoperation"))


def test_the_result_of_an_import_reads_as_it_read(place: tuple[Environment, httpx.Client]) -> None:
    job = brought_in(place[1])["started"]["ImportJobKey"]
    found = place[1].get(f"RetrieveSolutionImportResult(ImportJobId={job})").json()["SolutionOperationResult"]
    wanted = recorded("RetrieveSolutionImportResult")["SolutionOperationResult"]
    sheet, theirs = found.pop("FormattedResults"), wanted.pop("FormattedResults")
    assert found == wanted
    ours, theirs = sheets(sheet), sheets(theirs)
    changing = {"Progress [%]", "Duration [s]", "StartTime [s]", "StopTime [s]"}
    for about in (ours["Solution"], theirs["Solution"]):
        about[:] = [[one[0], "<new>"] if one and one[0] in changing else one for one in about]
    assert ours["Solution"] == theirs["Solution"]
    assert ours["Components"][:2] == theirs["Components"][:2]
    table = next(one for one in theirs["Components"] if one[1] == "Entity")
    mine = next(one for one in ours["Components"] if one[1] == "Entity")
    assert (mine[3], mine[7]) == (table[3], table[7])


def sheets(text: str) -> dict[str, list[list[str]]]:
    """Return the texts of the rows of a workbook, by the names of its sheets."""
    found = {}
    for one in ET.fromstring(text.encode()).iter(f"{SHEET}Worksheet"):
        rows = [[cell.text or "" for cell in row.iter(f"{SHEET}Data")] for row in one.iter(f"{SHEET}Row")]
        found[one.get(f"{SHEET}Name", "")] = rows
    return found


def test_solutions_and_publishers_have_every_column_they_had(place: tuple[Environment, httpx.Client]) -> None:
    brought_in(place[1])
    query = "solutions?$expand=publisherid&$filter=isvisible eq true"
    ours = {one["uniquename"]: one for one in place[1].get(query).json()["value"]}
    theirs = {one["uniquename"]: one for one in recorded("solutions-expand-publisher")["value"]}
    assert set(ours) == set(theirs)
    assert shape(ours["TerraformTestSolution"]) == shape(theirs["TerraformTestSolution"])
    for name, one in theirs.items():
        assert set(ours[name]) == set(one)
        assert set(ours[name]["publisherid"]) == set(one["publisherid"])


def test_admins_are_told_about_environments_and_long_work_as_they_were(
    place: tuple[Environment, httpx.Client], admin: httpx.Client
) -> None:
    ours = admin.get(f"{BAP}/scopes/admin/environments").json()["value"][0]
    theirs = recorded("bap-environments")["value"][1]
    assert set(ours) == set(theirs)
    rare = {"notificationMetadata", "bingChatEnabled", "m365Enabled", "copilotPolicies", "lastModifiedTime"}
    assert set(theirs["properties"]) - rare <= set(ours["properties"])
    answer = admin.post(f"{BAP}/environments/{place[0].id}/backups", json={"label": "x"})
    for _ in range(4):
        told = admin.get(answer.headers["operation-location"]).json()
    theirs = recorded("bap-lifecycleOperation")
    for one in (told, theirs):
        one["requestedBy"].pop("tenantId")
        one["links"]["environment"] = one["type"] = one["typeDisplayName"] = ""
    assert shape(told) == shape(theirs)
