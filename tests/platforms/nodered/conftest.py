"""Real Node-REDs, installed once into the cache and started on loopback."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from runtimes import Place

from lampway.app import cache_folder
from lampway.domain.secret import Secret
from lampway.engine.abilities import Launched
from lampway.engine.platform import Access
from lampway.errors import PlatformError
from lampway.platforms.nodejs import ensure_node
from lampway.platforms.nodered.install import ensure_nodered
from lampway.platforms.nodered.launcher import launch, stop
from lampway.platforms.nodered.platform import NodeRed


@pytest.fixture(scope="session")
def cache() -> Path:
    """Return the cache with Node.js and Node-RED in it."""
    folder = cache_folder()
    try:
        ensure_nodered(folder)
        ensure_node(folder)
    except PlatformError as error:
        reason = f"NO REAL NODE-RED TO TEST WITH: {error} ({error.hint})"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder


@pytest.fixture(scope="session")
def start(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Place]]:
    """Return what starts a runtime for the rest of the run."""
    started: list[Launched] = []

    def start_one(name: str, *, locked: bool = False, environment: dict[str, str] | None = None) -> Place:
        folder = tmp_path_factory.mktemp(name)
        launched = launch(folder, name=name, locked=locked, cache=cache, environment=environment)
        started.append(launched)
        return Place(launched, folder)

    yield start_one
    for launched in started:
        stop(launched)


@pytest.fixture(scope="session")
def open_runtime(start: Callable[..., Place]) -> Place:
    return start("open", environment={"FROM_OUTSIDE": "given by the process"})


@pytest.fixture(scope="session")
def locked_place(start: Callable[..., Place]) -> Place:
    return start("locked", locked=True)


@pytest.fixture
def place(open_runtime: Place) -> Place:
    """Return a runtime with no flows in it, whatever ran there before."""
    open_runtime.outside("POST", "/flows/state", json={"state": "start"})
    open_runtime.put([])
    return open_runtime


@pytest.fixture(scope="session")
def platform() -> NodeRed:
    return NodeRed()


SETTINGS = """
module.exports = {
  uiHost: '127.0.0.1', userDir: %(folder)r, flowFile: 'flows.json', credentialSecret: 'x',
  telemetry: { enabled: false, updateNotification: false }, editorTheme: { projects: { enabled: false } },
  logging: { console: { level: 'warn' } },
  %(more)s
}
"""


@pytest.fixture(scope="session")
def start_with(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Access]]:
    """Return what starts a runtime that somebody else set up, with settings of their own."""
    running: list[subprocess.Popen[bytes]] = []

    def start_one(more: str) -> Access:
        folder = tmp_path_factory.mktemp("theirs")
        settings = folder / "settings.js"
        settings.write_text(SETTINGS % {"folder": str(folder), "more": more})
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        program = ensure_nodered(cache) / "node_modules" / "node-red" / "red.js"
        command = [str(ensure_node(cache)), str(program), "--settings", str(settings), "--port", str(port)]
        with (folder / "log").open("wb") as log:
            running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=folder))
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with contextlib.suppress(httpx.HTTPError):
                httpx.get(f"{url}/auth/login", timeout=1)
                return Access("theirs", url)
            time.sleep(0.05)
        pytest.fail((folder / "log").read_text())

    yield start_one
    for process in running:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="session")
def anonymous(start_with: Callable[[str], Access]) -> Access:
    """Return a runtime that asks nobody who they are."""
    return start_with("")


@pytest.fixture(scope="session")
def scoped(start_with: Callable[[str], Access]) -> Callable[..., Access]:
    """Return access to a runtime with `readOnly: true` and tokens of several scopes."""
    tokens = {
        "everything": ["*"],
        "look": ["read"],
        "blind": ["flows.read", "flows.write"],
        "modules": ["read", "nodes.write"],
        "nothing": [],
    }
    listed = ", ".join(f"{{ user: 'machine', token: '{name}', scope: {scope} }}" for name, scope in tokens.items())
    users = "[{ username: 'machine', password: '', permissions: [] }]"
    there = start_with(f"readOnly: true, adminAuth: {{ type: 'credentials', users: {users}, tokens: [{listed}] }}")
    return lambda token: Access("theirs", there.url, {"token": Secret(token)})
