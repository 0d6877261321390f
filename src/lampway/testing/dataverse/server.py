"""HTTP on this machine: one server for the tenant, and one for each environment."""

from __future__ import annotations

import json
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedIOBase
from typing import Any, ClassVar

from lampway.testing.dataverse.exchange import Entry, Request, Response, read_request
from lampway.testing.dataverse.faults import Fault, Faults
from lampway.testing.dataverse.refusals import RefusedError

Answer = Callable[[Request], tuple[Response, str]]
"""From a request to an answer and to who asked. Raises RefusedError."""
_REMEMBERED = 50_000
"""Requests that the log holds at most."""
_SMALL = 20_000
"""Bytes of a body that are worth keeping in the log."""


class Site:
    """What answers at one address, what goes wrong there, and where requests are written down."""

    def __init__(self, place: str, answer: Answer, faults: Faults, log: list[Entry]) -> None:
        self.place = place
        self.answer = answer
        self.faults = faults
        self.log = log
        self.forget: Callable[[str], None] = lambda _authorization: None

    def handle(self, request: Request) -> Response | None:
        """Return the answer, or nothing where the connection is to be cut."""
        fault = None if request.path.startswith("/maker") else self.faults.take(request.method, request.path)
        response, by = self._answer(request, fault)
        body = request.json() if len(request.body) < _SMALL else None
        status = response.status if response else 0
        del self.log[:-_REMEMBERED]
        self.log.append(Entry(self.place, request.method, request.path, dict(request.query), status, by, body))
        return response

    def _answer(self, request: Request, fault: Fault | None) -> tuple[Response | None, str]:
        kind = fault.kind if fault else ""
        if fault and kind == "cut_before":
            return None, ""
        try:
            if fault:
                self._refuse(request, fault)
            response, by = self.answer(request)
        except RefusedError as error:
            response, by = Response(error.status, error.body(), headers=error.headers), ""
        except Exception as error:  # noqa: BLE001 - the platform would answer 500 as well, and say so in its own way
            text = f"An unexpected error occurred: {type(error).__name__}: {error}"
            response, by = Response(500, {"error": {"code": "0x80040216", "message": text}}), ""
        if fault and kind == "hang":
            time.sleep(fault.seconds)
        return (None if kind == "cut_after" else response), by

    def _refuse(self, request: Request, fault: Fault) -> None:
        match fault.kind:
            case "throttle":
                seconds = f"{fault.seconds:g}"
                text = "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
                raise RefusedError(429, "0x80072322", text, headers={"Retry-After": seconds})
            case "unavailable":
                raise RefusedError(503, "0x80040216", "The service is unavailable.")
            case "expire":
                self.forget(request.headers.get("authorization", ""))
            case "refuse":
                raise RefusedError(fault.status, fault.code, fault.text)


def _handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # else every answer waits 40 ms for the acknowledgement of its headers
        server_version = "DataverseEmulator"
        timeout: ClassVar[float] = 60  # of a connection that says nothing

        def handle_any(self) -> None:
            if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
                body = b"".join(_chunks(self.rfile))
            else:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = read_request(self.command, self.path, dict(self.headers.items()), body)
            response = site.handle(request)
            if response is None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            self.send(response)

        def send(self, response: Response) -> None:
            content, headers = _written(response)
            self.send_response(response.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
            """Say nothing: requests are in the log of the emulator."""

        do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any  # noqa: N815 - the base class names them so

    return Handler


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    """Return the pieces of a body whose length was not known beforehand."""
    while size := int(stream.readline().partition(b";")[0].strip() or b"0", 16):
        yield stream.read(size)
        stream.readline()
    while stream.readline().strip():
        pass


def _written(response: Response) -> tuple[bytes, dict[str, str]]:
    """Return the bytes and the headers of an answer."""
    headers = {"OData-Version": "4.0", **response.headers}
    if response.status in {204, 304}:
        return b"", headers
    if response.text is not None:
        content, kind = response.text.encode(), "text/plain"
    else:
        content = b"" if response.body is None else json.dumps(response.body, ensure_ascii=False).encode()
        kind = "application/json; odata.metadata=minimal"
    return content, {**headers, "Content-Type": kind, "Content-Length": str(len(content))}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def server_bind(self) -> None:
        """Bind without asking a name server what this machine is called, as the base class would."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "localhost", int(self.server_address[1])

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are no news."""


class Listener:
    """A site that listens on this machine."""

    def __init__(self, site: Site, *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        try:
            self._server = _Server(("127.0.0.1", port), _handler(site))
        except OSError as error:
            raise OSError(f"cannot listen on port {port} of 127.0.0.1: {error.strerror}; choose another") from error
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        self.url = f"{scheme}://{host}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def start(self) -> None:
        """Listen."""
        self._thread.start()

    def stop(self) -> None:
        """Listen no longer."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
