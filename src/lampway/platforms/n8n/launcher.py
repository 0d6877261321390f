"""Start and stop a real n8n: on loopback, with an owner, a key and a maker of its own, detached from who started it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from lampway.domain.secret import Secret
from lampway.engine.abilities import Launched
from lampway.errors import PlatformError
from lampway.platforms import processes
from lampway.platforms.n8n.install import ensure_n8n
from lampway.platforms.n8n.rights import SCOPES
from lampway.platforms.nodejs import Say, ensure_node, silent

if TYPE_CHECKING:
    import httpx

_STATE, _LOG = "lampway.json", "n8n.log"
_START = 180.0  # seconds until it must be ready; the first start migrates an empty database
_RELEASE = 5.0  # seconds in which the port of a process that ended becomes free
_OWNER, _MAKER = "pipeline@lampway.invalid", "maker@lampway.invalid"

_HASH = "console.log(require('bcryptjs').hashSync(require('fs').readFileSync(0, 'utf8'), 10))"

_SETTINGS = {
    "NODE_ENV": "production",  # as it is run in earnest: n8n limits sign-ins only then
    "N8N_WORKFLOW_PUBLICATION_OUTBOX_LEASE_SECONDS": "20",  # after which it takes up again what it died over
    "N8N_HOST": processes.LOOPBACK,
    "N8N_LISTEN_ADDRESS": processes.LOOPBACK,
    "N8N_PROTOCOL": "http",
    "N8N_RUNNERS_BROKER_LISTEN_ADDRESS": processes.LOOPBACK,
    "N8N_SECURE_COOKIE": "false",
    "N8N_INSTANCE_OWNER_MANAGED_BY_ENV": "true",
    "N8N_INSTANCE_OWNER_EMAIL": _OWNER,
    "N8N_INSTANCE_OWNER_FIRST_NAME": "Lampway",
    "N8N_BLOCK_ENV_ACCESS_IN_NODE": "true",
    "N8N_LOG_LEVEL": "warn",
    "GENERIC_TIMEZONE": "UTC",
} | dict.fromkeys(
    (
        "N8N_DIAGNOSTICS_ENABLED",
        "N8N_VERSION_NOTIFICATIONS_ENABLED",
        "N8N_TEMPLATES_ENABLED",
        "N8N_PERSONALIZATION_ENABLED",
        "N8N_HIRING_BANNER_ENABLED",
        "N8N_COMMUNITY_PACKAGES_ENABLED",
        "N8N_LICENSE_AUTO_RENEW_ENABLED",
        "N8N_DYNAMIC_BANNERS_ENABLED",
        "N8N_AI_ENABLED",
    ),
    "false",
)
"""It listens on loopback only, and calls nobody by itself."""


@dataclass(frozen=True, slots=True)
class _State:
    """What a folder remembers between starts; its file is readable by its owner only."""

    owner_password: str
    maker_password: str
    encryption_key: str
    owner_hash: str = ""
    key: str = ""
    port: int = 0
    pid: int = 0
    locked: bool = False


def launch(folder: Path, *, name: str, locked: bool, cache: Path, say: Say = silent) -> Launched:
    """Install n8n into `cache` if needed, start it on `folder` and return once it is ready and we have a key.

    A folder keeps its data, accounts and port from one start to the next. What runs there already with the same lock is
    returned as it is. Locked, its maker has an account of their own and sees nothing of what we own; open, the maker
    signs in as the owner. Raises PlatformError with the end of the log.
    """
    from filelock import FileLock

    home, node = ensure_n8n(cache, say), ensure_node(cache, say)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lampway.lock"):
            return _start(folder.resolve(), home, node, _Start(name, locked))
    except OSError as error:
        raise PlatformError(f"cannot start n8n: {error}", where=str(folder)) from error


def stop(launched: Launched) -> None:
    """End what `launch` started: asked first, then made to. Does nothing when its process id is somebody else's now."""
    port = urlsplit(launched.url).port or 0
    if not _is_ours(launched.pid, port):
        return
    if not processes.end(launched.pid, lambda: _is_ours(launched.pid, port)):
        raise PlatformError(f"n8n does not end: process {launched.pid}", where=launched.url)
    processes.wait_until(lambda: processes.is_free(port) and processes.is_free(port + 1), _RELEASE)


@dataclass(frozen=True, slots=True)
class _Start:
    """What a start is told."""

    name: str
    locked: bool


def _start(folder: Path, home: Path, node: Path, start: _Start) -> Launched:
    state = _remembered(folder)
    if _is_ours(state.pid, state.port):
        if state.locked != start.locked:
            raise PlatformError("n8n runs there already, with another lock", where=str(folder), hint="stop it first")
        return _launched(state)
    port = state.port or processes.free_port(beside=1)
    if not processes.wait_until(lambda: processes.is_free(port) and processes.is_free(port + 1), _RELEASE):
        hint = "end what listens there, or start with another folder"
        raise PlatformError(
            f"the ports of this environment are taken: {port}, {port + 1}", where=str(folder), hint=hint
        )
    owner_hash = state.owner_hash or _hash(state.owner_password, home, node)
    state = replace(state, port=port, locked=start.locked, owner_hash=owner_hash)
    state = replace(state, pid=_spawn(folder, home, node, start, state))
    processes.remember(folder / _STATE, asdict(state))
    _wait_until_ready(folder, state)
    if not state.key:
        state = replace(state, key=_people(state))
        processes.remember(folder / _STATE, asdict(state))
    return _launched(state)


def _spawn(folder: Path, home: Path, node: Path, start: _Start, state: _State) -> int:
    bare = processes.bare_environment()
    environment = {
        **bare,
        **_SETTINGS,
        "PATH": os.pathsep.join([str(node.parent), bare.get("PATH", "")]),  # its task runner starts `node` from there
        "N8N_USER_FOLDER": str(folder),
        "N8N_PORT": str(state.port),
        "N8N_RUNNERS_BROKER_PORT": str(state.port + 1),
        "N8N_WEBHOOK_URL": f"http://{processes.LOOPBACK}:{state.port}/",
        "N8N_ENCRYPTION_KEY": state.encryption_key,
        "N8N_INSTANCE_OWNER_LAST_NAME": start.name,
        "N8N_INSTANCE_OWNER_PASSWORD_HASH": state.owner_hash,
    }
    program = str(home / "node_modules" / "n8n" / "bin" / "n8n")
    command = [str(node), f"--title={_title(state.port)}", program, "start"]
    return processes.start_detached(command, log=folder / _LOG, environment=environment)


def _wait_until_ready(folder: Path, state: _State) -> None:
    end = time.monotonic() + _START
    while time.monotonic() < end:
        if _answers(state.port, "/healthz/readiness") == 200:
            return
        if not _is_ours(state.pid, state.port):
            tail = processes.tail_of(folder / _LOG)
            raise PlatformError(f"n8n ended while starting; the end of its log:\n{tail}", where=str(folder))
        time.sleep(0.2)
    processes.end(state.pid, lambda: _is_ours(state.pid, state.port))
    tail = processes.tail_of(folder / _LOG)
    message = f"n8n was not ready within {_START:.0f} seconds; the end of its log:\n{tail}"
    raise PlatformError(message, where=str(folder))


def _answers(port: int, path: str) -> int:
    """Return the status that is answered there; 0 for nobody."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(processes.LOOPBACK, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


def _people(state: _State) -> str:
    """Give a fresh n8n a maker with an account of their own, and return a key that may do what we need and no more."""
    import httpx

    headers = {"browser-id": "lampway"}
    url = f"http://{processes.LOOPBACK}:{state.port}/rest"
    try:
        with httpx.Client(headers=headers, timeout=30, verify=False) as client:  # noqa: S501 - plain, on loopback
            _ask(client, f"{url}/login", {"emailOrLdapLoginId": _OWNER, "password": state.owner_password})
            invited = _ask(client, f"{url}/invitations", [{"email": _MAKER, "role": "global:member"}])
            made = _ask(client, f"{url}/api-keys", {"label": "lampway", "scopes": list(SCOPES), "expiresAt": None})
        token = parse_qs(urlsplit(str(invited[0]["user"]["inviteAcceptUrl"])).query)["token"][0]
        accepted = {"token": token, "firstName": "Maker", "lastName": "Maker", "password": state.maker_password}
        with httpx.Client(headers=headers, timeout=30, verify=False) as client:  # noqa: S501
            _ask(client, f"{url}/invitations/accept", accepted)
        return str(made["rawApiKey"])
    except (httpx.HTTPError, KeyError, IndexError, TypeError, ValueError) as error:
        raise PlatformError(f"n8n gives us no key: {type(error).__name__}", where=url) from error


def _ask(client: httpx.Client, url: str, body: Any) -> Any:
    return client.post(url, json=body).raise_for_status().json()["data"]


def _hash(password: str, home: Path, node: Path) -> str:
    """Return the bcrypt hash of a password, which is told to the program on its standard input."""
    done = subprocess.run(
        [str(node), "-e", _HASH], cwd=home, input=password, capture_output=True, text=True, check=False, timeout=60
    )
    if done.returncode:
        raise PlatformError(f"cannot make the password of n8n: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()


def _is_ours(pid: int, port: int) -> bool:
    """Return whether this process still is the n8n we started on this port, by its title as well."""
    if pid <= 0 or port <= 0:
        return False
    told = processes.has_title(pid, _title(port))
    return processes.exists(pid) if told is None else told


def _title(port: int) -> str:
    return f"lampway-n8n-{port}"


def _remembered(folder: Path) -> _State:
    try:
        return _State(**json.loads((folder / _STATE).read_text()))
    except FileNotFoundError:
        owner, maker = (f"{secrets.token_urlsafe(24)}aA1" for _ in range(2))  # n8n asks for a capital and a digit
        return _State(owner, maker, secrets.token_urlsafe(32))
    except (ValueError, TypeError) as error:
        hint = "remove the folder; the environment then starts empty"
        raise PlatformError(f"cannot be read: {error}", where=str(folder / _STATE), hint=hint) from error


def _launched(state: _State) -> Launched:
    owner = {"user": Secret(_OWNER), "password": Secret(state.owner_password)}
    member = {"user": Secret(_MAKER), "password": Secret(state.maker_password)}
    return Launched(
        url=f"http://{processes.LOOPBACK}:{state.port}",
        pid=state.pid,
        credentials={"token": Secret(state.key), **owner},
        maker_credentials=member if state.locked else owner,
    )
