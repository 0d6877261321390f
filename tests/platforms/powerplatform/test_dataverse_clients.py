"""Clients that others wrote work with the emulator as they do with the platform."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from lampway.app import cache_folder
from lampway.errors import PlatformError
from lampway.platforms import nodejs
from lampway.testing.dataverse import DataverseEmulator
from lampway.testing.solutions import Solution, call, flow

FOLDER = Path(__file__).parent / "clients"
LIBRARY = "PowerPlatform-Dataverse-Client==1.1.0"
pytestmark = pytest.mark.timeout(900)


def give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def ensured(make: Callable[[], Path]) -> Path:
    try:
        return make()
    except (PlatformError, OSError) as error:
        give_up(f"A CLIENT OF OTHERS COULD NOT BE INSTALLED: {error}")
        raise


@pytest.fixture(scope="module")
def node_client() -> tuple[Path, Path]:
    """Node.js, and the folder that holds `dynamics-web-api` as its lock file says."""
    cache = cache_folder()
    lock = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()[:8]
    folder = cache / f"dynamics-web-api-{lock}"

    def make() -> Path:
        node = nodejs.ensure_node(cache)

        def fill(to: Path) -> None:
            for name in ("package.json", "package-lock.json"):
                shutil.copy(FOLDER / name, to / name)
            flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
            path = os.pathsep.join([str(node.parent), os.environ["PATH"]])
            surroundings = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path}
            command = [str(node), str(nodejs.npm_beside(node)), "ci", *flags]
            nodejs.run(command, "installing dynamics-web-api", folder=to, environment=surroundings)

        nodejs.install_once(folder, fill)
        return node

    return ensured(make), folder


@pytest.fixture(scope="module")
def python_client() -> Path:
    """The folder that holds Microsoft's client and what it needs, beside the project and not in it."""
    folder = cache_folder() / f"dataverse-client-1.1.0-{sys.version_info.major}{sys.version_info.minor}"

    def make() -> Path:
        def fill(to: Path) -> None:
            command = [*nodejs.python_installer(to), "--target", str(to), "--only-binary", ":all:", LIBRARY]
            nodejs.run(command, f"installing {LIBRARY}")

        nodejs.install_once(folder, fill)
        return folder

    return ensured(make)


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator() as emulator:
        yield emulator


@pytest.fixture
def secure() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["dev"], tls=True) as emulator:
        yield emulator


def orders() -> Solution:
    notify = flow(
        {"Get": call("shared_sharepointonline", "GetItems")},
        references={"shared_sharepointonline": "con_sp"},
        variables={"con_Site": "dev"},
    )
    return Solution(name="Orders").reference("con_sp").variable("con_Site", default="d").flow("Notify", notify)


def run(command: Sequence[str], surroundings: dict[str, str]) -> Any:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, **surroundings}
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_a_release_goes_to_production_with_somebody_elses_client(
    emulator: DataverseEmulator, node_client: tuple[Path, Path]
) -> None:
    dev, prod = emulator.environment("dev"), emulator.environment("prod")
    dev.maker.load(orders().build())
    prod.maker.add_connection("c1")
    node, folder = node_client
    given = {
        "tokens": emulator.token_url,
        "client": emulator.client_id,
        "secret": emulator.client_secret,
        "dev": dev.url,
        "prod": prod.url,
    }
    told = run([str(node), str(FOLDER / "alm.js"), json.dumps(given)], {"CLIENT_FOLDER": str(folder)})
    assert told.pop("bytes") > 1000
    assert told.pop("who") in dev.organisation.state.users
    assert told == {
        "solutions": [["Orders", "1.0.0.0", False, "Contoso"]],
        "staged": "Passed",
        "imported": 30,
        "needed": 0,
        "flows": [["Notify", 1]],
        "off": 0,
        "refused": [404, "0x80040217"],
    }
    assert any("SolutionUniqueName=@p1" in one.path for one in prod.requests), "the client sends aliases"


def test_records_are_read_made_and_changed_with_microsofts_own_client(
    secure: DataverseEmulator, python_client: Path
) -> None:
    dev = secure.environment("dev")
    dev.maker.load(orders().build())
    dev.maker.add_connection("c1")
    dev.maker.bind("con_sp", "c1")
    dev.maker.turn_on("Notify")
    given = {
        "tokens": secure.token_url,
        "client": secure.client_id,
        "secret": secure.client_secret,
        "url": dev.url,
        "ca": str(secure.ca_file),
    }
    surroundings = {
        "PYTHONPATH": str(python_client),
        "REQUESTS_CA_BUNDLE": str(secure.ca_file),
        "NO_PROXY": "localhost",
    }
    told = run([sys.executable, str(FOLDER / "records.py"), json.dumps(given)], surroundings)
    pages = told.pop("pages")
    assert pages > 3
    assert told == {
        "solutions": [["Orders", "1.0.0.0"]],
        "flows": ["Notify"],
        "state": 0,
        "variables": ["con_Site"],
        "value": "second",
        "bound": "c1",
        "made": "1.0.0.1",
        "missing": None,
    }
