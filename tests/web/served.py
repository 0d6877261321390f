"""A server, the team behind it, and how people reach both."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from team import Team

from lampway.app import LocalSession
from lampway.app.remote import RemoteSession
from lampway.config.files import GovernanceFiles
from lampway.domain.digest import digest_bytes
from lampway.domain.events import Recorded
from lampway.domain.tokens import SCOPES, token_text
from lampway.engine.tokens import IssueToken
from lampway.storage.sql import open_sqlite
from lampway.web.api import build_api
from lampway.web.routes import BASE, ROUTES
from lampway.web.visits import make_code

SECONDS = 20.0
PATHS = {route.request.__name__: (route.method, BASE + route.path) for route in ROUTES}


@contextmanager
def serving(api: Any) -> Iterator[str]:
    """Serve an application on loopback for as long as the context lasts; yields its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(api, log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + SECONDS
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(SECONDS)
        listening.close()


@dataclass
class Served:
    """A server, the team behind it, and how people reach both."""

    team: Team
    root: Path
    url: str
    rest: Callable[[], object] = lambda: None
    """Waits until whatever forms let begin has come to rest."""
    _opened: list[Any] = field(default_factory=list)

    def token(self, person: str, *scopes: str, **more: Any) -> str:
        """Return a token of this person, for everything unless scopes are given."""
        secret = "s" * 40
        asked = IssueToken(
            name="test", digest=digest_bytes(secret.encode()), until="2027-06-30", scopes=scopes or SCOPES, **more
        )
        return token_text(self.team.run(asked, person).id, secret)

    def remote(self, person: str, observers: tuple[Callable[[Recorded], None], ...] = ()) -> RemoteSession:
        """Return this person's session over the network."""
        opened = RemoteSession(self.url, self.token(person), PATHS, observers)
        self._opened.append(opened)
        return opened

    def local(self, person: str) -> LocalSession:
        """Return this person's session in this process, over the same state."""
        return LocalSession(self.root, user=person, _engine=self.team.engine)

    def client(self, token: str = "") -> httpx.Client:
        """Return a bare client."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        opened = httpx.Client(base_url=self.url + BASE, headers=headers, timeout=SECONDS)
        self._opened.append(opened)
        return opened

    def close(self) -> None:
        """Let go of every session."""
        for opened in self._opened:
            opened.close()


@contextmanager
def serving_team(folder: Path) -> Iterator[Served]:
    """Serve a team with rules in force and orders built in dev, for as long as the context lasts."""
    team = Team(lambda clock: open_sqlite(folder / "lampway.db", clock))
    api = build_api(folder, team.engine)
    with serving(api) as url:
        made = Served(team, folder, url, api.state.afterwards.rest)
        try:
            yield made
        finally:
            made.close()
    team.store.close()


def edit_for_real(served: Served) -> None:
    """Let the team's governance files be edited as on a real server, also those that it was never told of."""
    desk = served.team.desk
    for name in ("with_environment", "with_values", "new_solution", "hand_over"):
        setattr(desk, name, getattr(GovernanceFiles(), name))
    desk.read_folder = lambda _root: {"lampway.yaml": desk.write(served.team.rules)}  # type: ignore[method-assign]
    desk.known = defaultdict(lambda: served.team.rules, desk.known)


class Browser:
    """Somebody who is signed in with a browser that runs no scripts."""

    def __init__(self, served: Served, person: str) -> None:
        self.client = httpx.Client(base_url=served.url, timeout=SECONDS, follow_redirects=True)
        served._opened.append(self.client)
        self._rest = served.rest
        code = make_code(served.team.engine, person, "test")
        self.client.post("/sign-in", data={"code": code})

    def look(self, path: str, status: int = 200) -> str:
        """Return a page."""
        told = self.client.get(path)
        assert told.status_code == status, told.text
        return told.text

    def key(self, path: str = "/tokens") -> str:
        """Return what forms on a page carry."""
        found = re.search(r'name="form_key" value="([0-9a-f]+)"', self.look(path))
        assert found is not None
        return found[1]

    def send(self, path: str, status: int = 200, **fields: str) -> str:
        """Send a form as a page of ours has it, and return where that leads."""
        told = self.client.post(path, data={"form_key": self.key(), **fields})
        self._rest()
        assert told.status_code == status, told.text
        return told.text
