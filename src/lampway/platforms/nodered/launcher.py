"""Start and stop a real Node-RED: on loopback, with its own credentials, detached from who started it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit

from lampway.domain.secret import Secret
from lampway.engine.abilities import Launched
from lampway.errors import PlatformError
from lampway.platforms import processes
from lampway.platforms.nodejs import Say, ensure_node, silent
from lampway.platforms.nodered.install import ensure_nodered, shipped

_STATE = "lampway.json"
_LOG = "node-red.log"
_SIGN_IN = "sign-in"
_START = 30.0  # seconds until the admin API must answer
_RELEASE = 2.0  # seconds in which the port of a process that ended becomes free
_TRIES = 5  # ports

_HASH = """
const bcrypt = require('bcryptjs')
const words = JSON.parse(require('fs').readFileSync(0, 'utf8'))
console.log(JSON.stringify(words.map((word) => bcrypt.hashSync(word, 8))))
"""


@dataclass(frozen=True, slots=True)
class _State:
    """What a folder remembers between starts; its file is readable by its owner only."""

    admin_password: str
    maker_password: str
    token: str
    credential_secret: str
    port: int = 0
    pid: int = 0
    locked: bool = False
    hashes: list[str] = field(default_factory=list)
    mark: str = ""
    """Of one start; no secret."""


def launch(
    folder: Path,
    *,
    name: str,
    locked: bool,
    cache: Path,
    environment: Mapping[str, str] | None = None,
    say: Say = silent,
) -> Launched:
    """Install Node-RED into `cache` if needed, start it on `folder` and return once its admin API answers.

    A folder keeps its data, credentials and port from one start to the next. What runs there already with the same lock
    is returned as it is. `environment` is added to what the process gets, which is otherwise next to nothing of ours.
    Raises PlatformError with the end of the log.
    """
    from filelock import FileLock

    home, node = ensure_nodered(cache, say), ensure_node(cache, say)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lampway.lock"):
            return _start(folder.resolve(), _Start(home, node, name, locked, dict(environment or {})))
    except OSError as error:
        raise PlatformError(f"cannot start Node-RED: {error}", where=str(folder)) from error


def stop(launched: Launched) -> None:
    """End what `launch` started: asked first, then made to. Does nothing when its process id is somebody else's now."""
    port = urlsplit(launched.url).port or 0
    if not _is_ours(launched.pid, port):
        return
    if not processes.end(launched.pid, lambda: _is_ours(launched.pid, port)):
        raise PlatformError(f"Node-RED does not end: process {launched.pid}", where=launched.url)
    processes.wait_until(lambda: processes.is_free(port), _RELEASE)


def start_open(folder: Path, *, name: str, cache: Path, say: Say = silent) -> Launched:
    """Start Node-RED on `folder` for whoever may sign in as maker to edit, and write down there how to.

    Raises PlatformError.
    """
    launched = launch(folder, name=name, locked=False, cache=cache, say=say)
    lines = [f"{part}: {secret.reveal()}" for part, secret in launched.maker_credentials.items()]
    sign_in = folder.resolve() / _SIGN_IN
    sign_in.unlink(missing_ok=True)
    with os.fdopen(os.open(sign_in, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write("\n".join([launched.url, *lines, ""]))
    return replace(launched, sign_in=str(sign_in))


def find(folder: Path) -> Launched | None:
    """Return what was started on `folder` and still runs; None where nothing does. Raises PlatformError."""
    if not (folder / _STATE).exists():
        return None
    state = _remembered(folder)
    if not _is_ours(state.pid, state.port):
        return None
    sign_in = folder.resolve() / _SIGN_IN
    return replace(_launched(state), sign_in=str(sign_in) if sign_in.exists() else "")


def remove(folder: Path) -> None:
    """Stop what was started on `folder`, and remove the folder, where there is one. Raises PlatformError."""
    running = find(folder)
    if running is not None:
        stop(running)
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if folder.exists():
            raise PlatformError(f"cannot be removed: {error.strerror}", where=str(folder)) from error


@dataclass(frozen=True, slots=True)
class _Start:
    """What a start is told."""

    home: Path
    node: Path
    name: str
    locked: bool
    environment: dict[str, str]


def _start(folder: Path, start: _Start) -> Launched:
    state = _remembered(folder)
    if _is_ours(state.pid, state.port):
        if state.locked != start.locked:
            raise PlatformError(
                "Node-RED runs there already, with another lock", where=str(folder), hint="stop it first"
            )
        return _launched(state)
    if state.locked != start.locked:  # sessions of makers keep what they were given when they began
        (folder / ".sessions.json").unlink(missing_ok=True)
    state = replace(state, locked=start.locked, hashes=state.hashes or _hashes(start, state))
    (folder / "settings.js").write_bytes(shipped("settings.js"))
    wanted = state.port
    for _ in range(_TRIES):
        port = wanted or processes.free_port()
        if wanted and not processes.wait_until(lambda: processes.is_free(wanted), _RELEASE):
            hint = "end what listens there, or start with another folder"
            raise PlatformError(f"the port of this environment is taken: {wanted}", where=str(folder), hint=hint)
        state = replace(state, port=port, mark=secrets.token_hex(8))
        state = replace(state, pid=_spawn(folder, start, state))
        processes.remember(folder / _STATE, asdict(state))
        if pid := _answers(folder, state):
            state = replace(state, pid=pid)
            processes.remember(folder / _STATE, asdict(state))
            return _launched(state)
    raise PlatformError("no free port was found to start Node-RED on", where=str(folder))


def _spawn(folder: Path, start: _Start, state: _State) -> int:
    log = folder / _LOG
    given = {
        "NAME": start.name,
        "FOLDER": str(folder),
        "LOCKED": "true" if state.locked else "false",
        "CREDENTIAL_SECRET": state.credential_secret,
        "TOKEN": state.token,
        "MARK": state.mark,
        "ADMIN_HASH": state.hashes[0],
        "MAKER_HASH": state.hashes[1],
    }
    environment = {
        **processes.bare_environment(),
        **start.environment,
        **{f"LAMPWAY_NR_{key}": value for key, value in given.items()},
    }
    program = str(start.home / "node_modules" / "node-red" / "red.js")
    flags = ["--settings", str(folder / "settings.js"), "--port", str(state.port), "--title", _title(state.port)]
    return processes.start_detached([str(start.node), program, *flags], log=log, environment=environment)


def _answers(folder: Path, state: _State) -> int:
    """Return the process id that answers as ours; 0 when the port was taken by somebody faster. Raises PlatformError.

    It is another one than the one started where that was only a wrapper around the real program.
    """
    end = time.monotonic() + _START
    looks_without = 0  # one is not enough: while a process becomes another program it has no title for a moment
    while time.monotonic() < end:
        answering, mark = _who_answers(state.port)
        if mark == state.mark and _is_alive(answering, state.port):
            return answering
        looks_without = 0 if _is_alive(state.pid, state.port) else looks_without + 1
        if looks_without > 5:
            tail = processes.tail_of(folder / _LOG)
            if "EADDRINUSE" in tail or "port in use" in tail:
                return 0
            raise PlatformError(f"Node-RED ended while starting; the end of its log:\n{tail}", where=str(folder))
        time.sleep(0.05)
    if _is_alive(state.pid, state.port):
        processes.tell(state.pid, signal.SIGTERM)
    message = (
        f"Node-RED did not answer within {_START:.0f} seconds; the end of its log:\n{processes.tail_of(folder / _LOG)}"
    )
    raise PlatformError(message, where=str(folder))


def _who_answers(port: int) -> tuple[int, str]:
    """Return the process id and the mark that a Node-RED of ours on this port tells; 0 for none."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(processes.LOOPBACK, port, timeout=2)
    try:
        connection.request("GET", "/auth/login")
        told = connection.getresponse().getheader("Lampway-Process") or ""
        return int(told.partition(" ")[0]), told.partition(" ")[2]
    except (OSError, HTTPException, ValueError):
        return 0, ""
    finally:
        connection.close()


def _is_ours(pid: int, port: int) -> bool:
    return pid > 0 and port > 0 and _is_alive(pid, port)


def _is_alive(pid: int, port: int) -> bool:
    """Return whether this process still is the Node-RED we started on this port, by its title as well."""
    told = processes.has_title(pid, _title(port))
    return processes.exists(pid) and _who_answers(port)[0] in {0, pid} if told is None else told


def _title(port: int) -> str:
    return f"lampway-node-red-{port}"


def _hashes(start: _Start, state: _State) -> list[str]:
    """Return the bcrypt hashes of the two passwords, which are told to the program on its standard input."""
    done = subprocess.run(
        [str(start.node), "-e", _HASH],
        cwd=start.home,
        input=json.dumps([state.admin_password, state.maker_password]),
        capture_output=True,
        text=True,
        check=False,
        timeout=_START,
    )
    if done.returncode:
        raise PlatformError(f"cannot make the passwords of Node-RED: {done.stderr.strip()[-500:]}")
    return [str(line) for line in json.loads(done.stdout)]


def _remembered(folder: Path) -> _State:
    try:
        return _State(**json.loads((folder / _STATE).read_text()))
    except FileNotFoundError:
        fresh = [secrets.token_urlsafe(24) for _ in range(4)]
        return _State(fresh[0], fresh[1], fresh[2], fresh[3])
    except (ValueError, TypeError) as error:
        hint = "remove the file; the environment then gets new credentials, and its stored secrets are lost"
        raise PlatformError(f"cannot be read: {error}", where=str(folder / _STATE), hint=hint) from error


def _launched(state: _State) -> Launched:
    return Launched(
        url=f"http://{processes.LOOPBACK}:{state.port}",
        pid=state.pid,
        credentials={"token": Secret(state.token)},
        maker_credentials={"user": Secret("maker"), "password": Secret(state.maker_password)},
    )
