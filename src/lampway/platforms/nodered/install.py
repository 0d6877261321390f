"""Install Node-RED into a cache folder: pinned, locked, whole or not at all."""

from __future__ import annotations

import hashlib
import os
from importlib import resources
from pathlib import Path

from lampway.platforms.nodejs import Say, ensure_node, install_once, npm_beside, run, silent

NODE_RED_VERSION = "4.1.15"
"""As in `runtime/package.json`."""


def shipped(name: str) -> bytes:
    """Return a file of the `runtime` folder beside this module."""
    return (resources.files(__package__ or "") / "runtime" / name).read_bytes()


def ensure_nodered(cache: Path, say: Say = silent) -> Path:
    """Return the folder whose `node_modules` hold Node-RED, installing it into `cache` when it is not there yet.

    What is installed is what the lock file beside this module says, byte for byte, and no script of any package is run.
    Raises PlatformError.
    """
    lock = hashlib.sha256(shipped("package-lock.json")).hexdigest()[:8]
    folder = cache / f"node-red-{NODE_RED_VERSION}-{lock}"
    if not folder.is_dir():
        node = ensure_node(cache, say)
        install_once(folder, lambda to: _install_nodered(to, node, say))
    return folder


def _install_nodered(to: Path, node: Path, say: Say) -> None:
    say(f"installing Node-RED {NODE_RED_VERSION} into the cache (once, about 120 MB)")
    for name in ("package.json", "package-lock.json"):
        (to / name).write_bytes(shipped(name))
    flags = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    command = [str(node), str(npm_beside(node)), "ci", *flags]
    run(command, "installing Node-RED", folder=to, environment={"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path})
