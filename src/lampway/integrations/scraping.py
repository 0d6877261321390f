"""An address for Prometheus to scrape: measures over HTTP, from a process that is there anyway."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from lampway.errors import LampwayError, UsageError

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FRESH = 5.0
"""Seconds for which an answer is given again: many scrapers cost no more than one."""
_PATIENCE = 10.0


def parse_address(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`. Raises UsageError."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise UsageError(f"not an address to listen on: {text[:80]}", hint="as in 127.0.0.1:9464")
    return host, int(port)


@contextmanager
def scraped(address: tuple[str, int], measured: Callable[[], str]) -> Iterator[str]:
    """Answer `GET /metrics` with what `measured` returns, for as long as the context lasts; gives the URL.

    What cannot be measured is answered with 503, and never ends anything. Raises UsageError where the address is
    taken or not ours.
    """
    host, port = address
    try:
        server = _Server(address, _remembered(measured))
    except OSError as error:
        where = f"{host}:{port}"
        raise UsageError(f"cannot listen on {where}: {error.strerror or error}", hint="name another address") from error
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="metrics", daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{server.server_address[1]}/metrics"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_PATIENCE)


def _remembered(measured: Callable[[], str]) -> Callable[[], str]:
    """Return the same, asked at most once at a time and not again while its answer is fresh."""
    turn = threading.Lock()
    last: list[tuple[float, str]] = []

    def answer() -> str:
        with turn:
            if not last or time.monotonic() - last[0][0] > _FRESH:
                last[:] = [(time.monotonic(), measured())]
            return last[0][1]

    return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], answer: Callable[[], str]) -> None:
        self.answer = answer
        super().__init__(address, _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE

    def do_GET(self) -> None:
        """Answer one scrape."""
        if self.path.partition("?")[0] != "/metrics":
            self._say(404, "there is /metrics\n")
            return
        try:
            self._say(200, self.server.answer(), _TYPE)
        except LampwayError as error:
            self._say(503, f"{error.message}\n")

    def _say(self, status: int, text: str, kind: str = "text/plain; charset=utf-8") -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def version_string(self) -> str:
        """Return what the header *Server* says: no versions."""
        return "lampway"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as the base class has it
        """Say nothing: a scrape every few seconds is no news."""
