"""A server, the team behind it, and how people reach both."""

from __future__ import annotations

import socket
import threading
import time
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
from lampway.domain.digest import digest_bytes
from lampway.domain.events import Recorded
from lampway.domain.tokens import SCOPES, token_text
from lampway.engine.tokens import IssueToken
from lampway.web.routes import BASE, ROUTES

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
