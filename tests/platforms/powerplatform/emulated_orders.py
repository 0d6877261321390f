"""What tests of the Dataverse emulator share: a solution, clients, and waiting for what takes several looks."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.solutions import Solution, call, flow

Json = dict[str, Any]
REFERENCE = "Microsoft.Dynamics.CRM.connectionreference"
VALUE = "Microsoft.Dynamics.CRM.environmentvariablevalue"
GIVEN = (
    {"@odata.type": VALUE, "schemaname": "con_Site", "value": "https://prod.example.org"},
    {"@odata.type": REFERENCE, "connectionreferencelogicalname": "con_sp", "connectionid": "c1"},
)
"""What an environment gives to the solution."""


def notify(mark: str = "GetItems") -> Mapping[str, Any]:
    return flow(
        {"Get": call("shared_sharepointonline", mark)},
        references={"shared_sharepointonline": "con_sp"},
        variables={"con_Site": "https://dev.example.org"},
    )


def orders(version: str = "1.0.0.0", *, managed: bool = False, mark: str = "GetItems") -> Solution:
    solution = Solution(name="Orders", version=version, managed=managed).reference("con_sp").variable("con_Site")
    return solution.flow("Notify", notify(mark))


def text(solution: Solution) -> str:
    return base64.b64encode(solution.build()).decode()


@contextmanager
def opened(emulator: DataverseEmulator, name: str) -> Iterator[httpx.Client]:
    environment = emulator.environment(name)
    headers = {"Authorization": f"Bearer {emulator.token(environment)}"}
    with httpx.Client(base_url=f"{environment.url}/api/data/v9.2/", headers=headers, timeout=30) as client:
        yield client


def until_done(client: httpx.Client, operation: str) -> dict[str, Any]:
    for _ in range(50):
        found = client.get(f"asyncoperations({operation})").json()
        if found["statecode"] == 3:
            return dict(found)
    raise AssertionError("the operation never ended")


def brought_in(
    client: httpx.Client, solution: Solution, action: str = "ImportSolutionAsync", **more: Any
) -> dict[str, Any]:
    """Bring a package in, and return the operation as it ended."""
    body = {"CustomizationFile": text(solution), "PublishWorkflows": True, "ComponentParameters": list(GIVEN), **more}
    started = client.post(action, json=body)
    assert started.status_code == 200, started.text
    return until_done(client, started.json()["AsyncOperationId"])


def installed(environment: Environment, *connections: str) -> None:
    """Let an environment have the solution, with everything that it needs."""
    for name in connections or ("c1",):
        environment.maker.add_connection(name)
    environment.maker.install(orders(managed=True).build())
    environment.maker.set_value("con_Site", "https://prod.example.org")
    environment.maker.bind("con_sp", "c1")
    environment.maker.turn_on("Notify")


def rows(client: httpx.Client, address: str) -> list[dict[str, Any]]:
    found = client.get(address)
    assert found.status_code == 200, found.text
    return list(found.json()["value"])


def refused(call: Callable[[], httpx.Response]) -> tuple[int, str, str]:
    """Return status, code and message of a refusal."""
    answer = call()
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["message"]
