"""A web server on 127.0.0.1 that takes what it is sent, and answers as it is told: late, badly, or well again."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Taken:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """What was sent, and how the next requests are answered."""

    url: str = ""
    taken: list[Taken] = field(default_factory=list)
    answers: list[int | str] = field(default_factory=list)
    """For the next requests, a status or `slow`; afterwards each is answered with 200."""
    headers: dict[str, str] = field(default_factory=dict)
    """Sent along with every answer that is not 200."""
    released: threading.Event = field(default_factory=threading.Event)
    """Set when those that are answered slowly may end."""


class _Handler(BaseHTTPRequestHandler):
    receiver: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        answer = self.receiver.answers.pop(0) if self.receiver.answers else 200
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.receiver.taken.append(Taken(self.path, headers, body))
        if answer == "slow":
            self.receiver.released.wait(30)
            return
        self.send_response(int(answer))
        for name, value in self.receiver.headers.items() if answer != 200 else ():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@contextmanager
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"receiver": receiver}))
    receiver.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
