"""Start a program detached on a port of loopback, tell whether it still is the one, and end it."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from lampway.errors import PlatformError

LOOPBACK = "127.0.0.1"
PORTS = range(18800, 28800)
"""Below those that systems take for outgoing connections."""

_START = 30.0  # seconds in which a program must at least have been started
_STOP = 5.0  # seconds between asking to end and ending
_TAIL = 25  # lines of the log that are worth showing
_KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "TEMP", "TMP", "NODE_EXTRA_CA_CERTS")
_KEPT_WINDOWS = ("SYSTEMROOT", "WINDIR", "COMSPEC", "PATHEXT", "APPDATA", "LOCALAPPDATA", "USERPROFILE")

_DETACH = """
import subprocess, sys
flags = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(subprocess, "DETACHED_PROCESS", 0)
log = open(sys.argv[1], "ab")
child = subprocess.Popen(
    sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, creationflags=flags
)
child.returncode = 0
print(child.pid)
"""
"""A go-between that ends at once, so that nobody is left who would have to wait for the program."""


def bare_environment() -> dict[str, str]:
    """Return all that a program may read of our own process environment, which may hold secrets of the engine."""
    return {key: os.environ[key] for key in (*_KEPT, *_KEPT_WINDOWS) if key in os.environ}


def start_detached(command: Sequence[str], *, log: Path, environment: Mapping[str, str]) -> int:
    """Start a program in the folder of its log, and return its process id. Raises PlatformError."""
    log.touch(mode=0o600)
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _DETACH, str(log), *command],
        env=dict(environment),
        cwd=log.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=_START,
    )
    if done.returncode:
        raise PlatformError(f"cannot start {Path(command[0]).name}: {done.stderr.strip()}", where=str(log.parent))
    return int(done.stdout)


def has_title(pid: int, title: str) -> bool | None:
    """Return whether this process still is the one that carries a title; None where nothing here tells titles."""
    if Path("/proc/self").exists():
        with contextlib.suppress(OSError):
            words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").replace("\0", " ").split()
            return title in words or f"--title={title}" in words
        return False
    if shutil.which("ps"):
        command = ["ps", "-o", "command=", "-p", str(pid)]
        words = subprocess.run(command, capture_output=True, text=True, check=False).stdout.split()
        return title in words or f"--title={title}" in words
    return None


def exists(pid: int) -> bool:
    """Return whether a process has this id, where nothing tells which one it is (Windows)."""
    command = ["tasklist", "/nh", "/fi", f"PID eq {pid}"]
    with contextlib.suppress(OSError):
        return "node" in subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return False


def end(pid: int, is_alive: Callable[[], bool]) -> bool:
    """Ask a process to end, then make it; return whether it has ended."""
    tell(pid, signal.SIGTERM)
    if wait_until(lambda: not is_alive(), _STOP):
        return True
    tell(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    return wait_until(lambda: not is_alive(), _STOP)


def tell(pid: int, number: int) -> None:
    """Send a signal to a process; nothing happens where there is none."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def wait_until(is_so: Callable[[], bool], seconds: float) -> bool:
    """Return whether something came to be so within this time."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


def free_port(beside: int = 0) -> int:
    """Return a port nobody listens on, and none of the `beside` ports after it. Raises PlatformError."""
    tries = (PORTS[secrets.randbelow(len(PORTS))] for _ in range(100))
    for port in tries:
        if all(is_free(port + one) for one in range(beside + 1)):
            return port
    raise PlatformError(f"no free port between {PORTS.start} and {PORTS.stop}")


def is_free(port: int) -> bool:
    """Return whether nobody listens on a port of loopback."""
    with socket.socket() as probe:
        if os.name != "nt":  # there it would let two listen on one port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def tail_of(log: Path) -> str:
    """Return the end of a log."""
    with contextlib.suppress(OSError):
        return "\n".join(log.read_text(errors="replace").splitlines()[-_TAIL:])
    return "(there is no log)"


def remember(path: Path, facts: Mapping[str, object]) -> None:
    """Write what is known of a program as JSON, readable by us only; what was there stays until it is whole."""
    temporary = path.with_name(f".{path.name}")
    temporary.unlink(missing_ok=True)
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(facts, file, indent=2)
    temporary.replace(path)
