"""The emulator by itself: a command that says what to use, a back door for curl, and a folder to go on from."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from emulated_orders import installed, orders, refused

from lampway.testing.dataverse import DataverseEmulator, Environment, Faults
from lampway.testing.dataverse.__main__ import main
from lampway.testing.dataverse.backdoor import CALLS
from lampway.testing.dataverse.calls import ACTIONS, FUNCTIONS

ZIP = {"Content-Type": "application/zip"}


@contextmanager
def alone(*arguments: str) -> Iterator[dict[str, str]]:
    """Run the command, and return what it tells; it is ended with Ctrl-C."""
    command = [sys.executable, "-m", "lampway.testing.dataverse", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        told = {}
        for line in running.stdout:
            found = re.match(r"(client secret|client id|authority|dev|test|prod)\s+(\S+)", line)
            if found:
                told[found[1]] = found[2]
            if line.startswith("Ctrl-C"):
                break
        try:
            yield told
        finally:
            running.send_signal(signal.SIGINT)
            rest = running.stdout.read()
            assert running.wait(10) == 0
        assert rest == "stopped\n"


def overview(url: str) -> dict[str, object]:
    return dict(httpx.get(f"{url}/maker").json())


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is not sent like this on Windows")
def test_it_runs_tells_what_to_use_and_goes_on_where_it_stopped(tmp_path: Path) -> None:
    package = tmp_path / "Orders.zip"
    package.write_bytes(orders().build())
    folder = tmp_path / "kept"
    arguments = ["--folder", str(folder), "--load", f"dev={package}"]
    with alone(*arguments) as told:
        assert set(told) == {"client secret", "client id", "authority", "dev", "test", "prod"}
        assert overview(told["dev"])["flows"] == {"Notify": "on"}
        body = {"variable": "con_Site", "value": "kept"}
        assert httpx.post(f"{told['dev']}/maker/set-value", json=body).json() == {"done": "set-value"}
        secret = told["client secret"]
    with alone(*arguments) as told:
        assert told["client secret"] == secret
        assert overview(told["dev"])["variables"] == {"con_Site": "kept"}
        assert overview(told["prod"])["flows"] == {}
    assert {one.stat().st_mode & 0o77 for one in folder.iterdir()} == {0}, "nobody else reads them"


def test_an_import_that_is_under_way_goes_on_after_a_restart(tmp_path: Path) -> None:
    with DataverseEmulator(["prod"], folder=tmp_path, seconds_per_step=3600) as emulator:
        prod = emulator.environment("prod")
        address, headers = _api(emulator, prod)
        body = {"CustomizationFile": _file(), "PublishWorkflows": False}
        id_ = httpx.post(f"{address}/ImportSolutionAsync", json=body, headers=headers).json()["AsyncOperationId"]
    with DataverseEmulator(["prod"], folder=tmp_path, seconds_per_step=3600) as emulator:
        address, headers = _api(emulator, emulator.environment("prod"))
        states = [httpx.get(f"{address}/asyncoperations({id_})", headers=headers).json()["statecode"] for _ in range(3)]
        assert states == [2, 2, 3]
        assert len(httpx.get(f"{address}/workflows", headers=headers).json()["value"]) == 1


def _file() -> str:
    import base64

    return base64.b64encode(orders(managed=True).build()).decode()


def _api(emulator: DataverseEmulator, environment: Environment) -> tuple[str, dict[str, str]]:
    return f"{environment.url}/api/data/v9.2", {"Authorization": f"Bearer {emulator.token(environment)}"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--load", "dev"], "NAME=FILE is needed"),
        (["--load", "nowhere=x.zip"], "NAME=FILE is needed"),
        (["--load", "dev=missing.zip"], "missing.zip"),
    ],
)
def test_what_is_asked_wrongly_is_told(
    arguments: Sequence[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--port", "0", *arguments]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert words in told.err


def test_a_package_that_is_none_and_a_port_that_is_taken_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"nothing")
    assert main(["--port", "0", "--load", f"dev={bad}"]) == 2
    assert "The solution file is invalid" in capsys.readouterr().err
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    assert "error: " in capsys.readouterr().err


def test_a_folder_that_holds_something_else_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "dev.state").write_bytes(b"\xc1 nothing of ours")
    assert main(["--port", "0", "--folder", str(tmp_path)]) == 2
    assert "is no state of this emulator" in capsys.readouterr().err


@pytest.fixture
def prod() -> Iterator[Environment]:
    with DataverseEmulator(["prod"]) as emulator:
        yield emulator.environment("prod")


STEPS = (
    ("edit-flow", {"flow": "Notify", "path": "properties.templateName", "value": "by hand"}),
    ("turn-off", {"flow": "Notify"}),
    ("set-value", {"variable": "con_Site", "value": "v"}),
    ("add-connection", {"name": "c2"}),
    ("bind", {"reference": "con_sp", "connection": "c2"}),
    ("turn-on", {"flow": "Notify"}),
    ("add-flow", {"name": "Stray"}),
    ("add-variable", {"name": "con_New", "default": "d"}),
    ("remove", {"kind": "workflow", "name": "Stray"}),
    ("set-version", {"solution": "Orders", "version": "9.9"}),
    ("give-role", {"user": "Ben", "role": "System Customizer"}),
    ("take-role", {"user": "Ben", "role": "System Customizer"}),
    ("lock", {}),
    ("begin-import", {}),
    ("cancel-imports", {}),
)


def test_everything_a_maker_does_can_be_done_with_curl(prod: Environment) -> None:
    installed(prod)
    for name, body in STEPS:
        answer = httpx.post(f"{prod.url}/maker/{name}", json=body)
        assert (answer.status_code, answer.json()) == (200, {"done": name})
    told = overview(prod.url)
    assert told["edited live"] == ["Notify"]
    assert told["locked"] is True
    assert told["variables"] == {"con_Site": "v", "con_New": "d"}
    assert told["references"] == {"con_sp": "c2"}
    assert told["flows"] == {"Notify": "on"}
    refusal = refused(lambda: httpx.post(f"{prod.url}/maker/add-flow", json={"name": "New"}))
    assert "doesn't allow unmanaged customizations" in refusal[2]
    assert httpx.post(f"{prod.url}/maker/unlock", json={}).status_code == 200
    other = orders()
    other.name = "Other"
    loaded = httpx.post(f"{prod.url}/maker/load", content=other.build(), headers=ZIP)
    assert loaded.json() == {"solution": "Other", "version": "1.0.0.0"}
    assert {name for name, _ in STEPS} | {"set-rows", "fault", "unlock"} == set(CALLS)


def test_the_docs_name_only_what_there_is() -> None:
    text = (Path(__file__).parents[3] / "docs" / "platforms" / "dataverse-emulator.md").read_text(encoding="utf-8")
    calls = set(re.findall(r"/maker/([a-z-]+)", text)) - {"load", "requests"}
    assert calls
    assert calls <= set(CALLS)
    does = text.partition("## What it does\n")[2].partition("## The maker")[0]
    named = {name.replace("(Async)", "") for name in re.findall(r"`([A-Z][A-Za-z]+(?:\(Async\))?)`", does)}
    known = {
        *ACTIONS,
        *FUNCTIONS,
        "OData",
        "CreateMultiple",
        "UpdateMultiple",
        "Prefer",
        "IsLockdownOfUnmanagedCustomizationEnabled",
    }
    assert {"StageSolution", "RemoveActiveCustomizations"} < named
    assert named - known <= {"GET", "PATCH"}
    faults = text.partition("## Faults\n")[2].partition("##")[0]
    for name in set(re.findall(r"`([a-z_]+)`", faults)):
        assert callable(getattr(Faults, name)), name


def test_faults_can_be_asked_for_with_curl_and_requests_be_read(prod: Environment) -> None:
    body = {"kind": "throttle", "path": "solutions", "seconds": 2}
    httpx.post(f"{prod.url}/maker/fault", json=body)
    httpx.post(f"{prod.url}/maker/fault", json={"operation": True, "text": "no"})
    answer = httpx.get(f"{prod.url}/api/data/v9.2/solutions")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
    assert [one.text for one in prod.faults.operations] == ["no"]
    seen = httpx.get(f"{prod.url}/maker/requests").json()["requests"]
    assert {"method": "GET", "path": "/api/data/v9.2/solutions", "status": 429} in seen


def test_the_back_door_says_what_is_wrong_and_is_shut_to_browsers(prod: Environment) -> None:
    assert "what there is: load, " in refused(lambda: httpx.post(f"{prod.url}/maker/fly", json={}))[2]
    assert refused(lambda: httpx.post(f"{prod.url}/maker/turn-off", json={}))[0] == 400
    assert refused(lambda: httpx.post(f"{prod.url}/maker/turn-off", json={"flow": "None"}))[0] == 404
    assert refused(lambda: httpx.post(f"{prod.url}/maker/lock", data={"a": "b"}))[0] == 415
    strange = {"Host": "evil.example.org:80"}
    assert refused(lambda: httpx.get(f"{prod.url}/maker", headers=strange))[0] == 403
