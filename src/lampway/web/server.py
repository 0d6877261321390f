"""The server: the API and a worker in one process, or web processes and workers apart on Postgres."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import uvicorn

from lampway.app import STATE, LocalSession, open_engine, open_worker, resolve_secret
from lampway.app.browsers import OpenId, Provider
from lampway.errors import LampwayError, UsageError
from lampway.web.api import build_api
from lampway.web.visits import make_code

_PATIENCE = 30.0
PORT = 8420
"""Where a server listens if nobody says."""
_OWN = {"127.0.0.1", "localhost", "0.0.0.0", "::", "::1"}  # noqa: S104 - compared with, not listened on


def run(
    root: Path, *, host: str, port: int, works: bool, say: Callable[[str], None], provider: Provider | None = None
) -> int:
    """Serve until a signal asks to end; what was asked for is answered first. Raises UsageError, StorageError."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror or error}", hint="name another --port"
        ) from error
    leaving = threading.Event()
    engine = replace(open_engine(root), is_leaving=leaving.is_set)
    try:
        with ExitStack() as stack:
            stack.enter_context(listening)
            if works:
                stack.enter_context(_Working(root, say))
            config = uvicorn.Config(
                build_api(root, engine, oidc=OpenId(provider) if provider else None),
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=30,
            )
            address = _address(host, listening.getsockname()[1])
            stack.enter_context(_told(root, address))
            say(f"serving {address}; Ctrl-C ends it")
            say("to sign in, in another terminal here: lampway console")
            with suppress(KeyboardInterrupt):  # uvicorn raises the signal once more, when everything is answered
                _Server(config, leaving).run(sockets=[listening])
    finally:
        engine.store.close()
    say("server has left")
    return 0


def read_provider(issuer: str, client: str, secret: str, scope: str = "") -> Provider | None:
    """Return where people sign in, its secret resolved; None where nothing is given. Raises UsageError, SecretError."""
    if not (issuer or client or secret):
        return None
    if not issuer or not client:
        missing = "--oidc-client" if issuer else "--oidc-issuer"
        raise UsageError(f"{missing} is missing", hint="give both, and --oidc-secret where the client has one")
    provider = Provider(issuer, client, resolve_secret(secret) if secret else None, scope)
    OpenId(provider)  # refuses an issuer that is not safe before anything is served
    return provider


def sign_in_link(root: Path) -> str:
    """Return a link that signs in whoever runs this, once and soon. Whoever can read the state can be anybody there.

    It leads to the server that was started last on this machine for this repository, and to the usual port where none
    runs.
    """
    session = LocalSession(root)
    try:
        actor = session.actor()
        code = make_code(session.engine, actor.person, f"link, {actor.via}")
    finally:
        session.close()
    return f"{serving_at(root)}/sign-in?code={code}"


def serving_at(root: Path) -> str:
    """Return the address of the server that was started last here for this repository, else of the usual port."""
    try:
        return _serving(root).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return _address("127.0.0.1", PORT)


def _address(host: str, port: int) -> str:
    """Return the address at which a browser on this machine finds a server; passkeys want a name, not a number."""
    here = "localhost" if host in _OWN else f"[{host}]" if ":" in host else host
    return f"http://{here}:{port}"


def _serving(root: Path) -> Path:
    return root / STATE / "serving"


@contextmanager
def _told(root: Path, address: str) -> Iterator[None]:
    """Let others on this machine know where we serve, while we do; who cannot be told goes to the usual port."""
    file = _serving(root)
    with suppress(OSError):
        file.write_text(f"{address}\n", encoding="utf-8")
    try:
        yield
    finally:
        with suppress(OSError):
            file.unlink()


class _Server(uvicorn.Server):
    """A server that begins no further step of a deployment once it was asked to end."""

    def __init__(self, config: uvicorn.Config, leaving: threading.Event) -> None:
        super().__init__(config)
        self._leaving = leaving

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End; what is under way comes to rest after its step, and goes on with the next worker."""
        self._leaving.set()
        await super().shutdown(sockets)


class _Working:
    """A worker in a thread of this process, for as long as the context lasts."""

    def __init__(self, root: Path, say: Callable[[str], None]) -> None:
        self._root = root
        self._say = say
        self._stack = ExitStack()

    def __enter__(self) -> None:
        worker = self._stack.enter_context(open_worker(self._root, say=self._say))

        def work() -> None:
            try:
                worker.run()
            except LampwayError as error:
                self._say(f"the worker ended: {error}")

        thread = threading.Thread(target=work, name="worker", daemon=True)
        thread.start()
        self._stack.callback(thread.join, _PATIENCE)
        self._stack.callback(worker.leave)

    def __exit__(self, *_: object) -> None:
        self._stack.close()
