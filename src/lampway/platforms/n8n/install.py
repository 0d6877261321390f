"""Install n8n into a cache folder: its version pinned, locked, whole or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lampway.errors import PlatformError
from lampway.platforms.nodejs import Say, ensure_node, install_once, npm_beside, run, silent

N8N_VERSION = "2.41.1"
"""The one that everything here was proved on."""


def ensure_n8n(cache: Path, say: Say = silent) -> Path:
    """Return the folder whose `node_modules` hold n8n, installing it into `cache` when it is not there yet.

    No script of any package is run but the one that builds the database driver, against the headers of the very Node.js
    that runs it: another one's would give a driver that cannot be loaded. Raises PlatformError.
    """
    folder = cache / f"n8n-{N8N_VERSION}"
    if not folder.is_dir():
        node = ensure_node(cache, say)
        install_once(folder, lambda to: _install_n8n(to, node, say))
    return folder


def _install_n8n(to: Path, node: Path, say: Say) -> None:
    say(f"installing n8n {N8N_VERSION} into the cache (once, about 3 GB and five minutes)")
    package = {"name": "lampway-n8n", "private": True, "dependencies": {"n8n": N8N_VERSION}}
    (to / "package.json").write_text(json.dumps(package))
    path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
    environment = {"NODE_USE_SYSTEM_CA": "1", **os.environ, "PATH": path, "npm_config_nodedir": str(_headers_of(node))}
    npm = [str(node), str(npm_beside(node))]
    flags = ["--no-audit", "--no-fund", "--no-update-notifier"]
    run([*npm, "install", "--ignore-scripts", *flags], "installing n8n", folder=to, environment=environment)
    run([*npm, "rebuild", "sqlite3", *flags], "building n8n's database driver", folder=to, environment=environment)


def _headers_of(node: Path) -> Path:
    """Return the folder that holds `include/node` of a Node.js."""
    folder = node.resolve().parent.parent
    if not (folder / "include" / "node").is_dir():
        hint = "unset LAMPWAY_NODE, or set it to a Node.js 24 that came with its headers"
        raise PlatformError(f"there are no headers beside {node}, and n8n's database driver is built", hint=hint)
    return folder
