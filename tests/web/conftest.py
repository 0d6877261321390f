"""A team whose engine is asked over the network: a real server on loopback, and a session per person."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from served import SECONDS, Served
from team import Team

from lampway.storage.sql import open_sqlite
from lampway.web.api import build_api


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Return a server over a team with rules in force and orders built in dev; it is gone afterwards."""
    team = Team(lambda clock: open_sqlite(tmp_path / "lampway.db", clock))
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build_api(tmp_path, team.engine), log_level="critical", access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    made = Served(team, tmp_path, f"http://127.0.0.1:{listening.getsockname()[1]}")
    try:
        yield made
    finally:
        made.close()
        server.should_exit = True
        thread.join(SECONDS)
        listening.close()
        team.store.close()
