"""Logins: which server commands talk to, and the token they show there; kept readable by their owner only."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from lampway.errors import StorageError, UsageError

URL, TOKEN = "LAMPWAY_URL", "LAMPWAY_TOKEN"
"""Variables that say the same, for machines; the URL alone uses the token that was kept for it."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class Login:
    """A server, and the token for it."""

    url: str
    token: str


def clean_url(text: str) -> str:
    """Return the URL of a server. Raises UsageError for another one, and for one that would send a token in clear."""
    parts = urlsplit(text.strip())
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise UsageError(f"not the address of a server: {text[:80]}", hint="as in https://lampway.example.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK:
        raise UsageError("a token is not sent over http", hint="use https; http is for this machine only")
    return text.strip().rstrip("/")


def keep_login(folder: Path, login: Login) -> None:
    """Keep the login in this folder, in place of the one for the same server; from now on commands use it."""
    kept = {**_read(folder), login.url: login.token}
    _write(folder, {"url": login.url, "tokens": kept})


def forget_login(folder: Path) -> str:
    """Forget the server that commands talk to, and its token. Returns its URL; empty where there was none."""
    found = _load(folder)
    url = str(found.get("url", ""))
    kept = {u: t for u, t in _read(folder).items() if u != url}
    if url:
        _write(folder, {"url": "", "tokens": kept})
    return url


def find_login(folder: Path) -> Login | None:
    """Return the login that commands use, by variables or as it was kept; None for this machine's own state.

    Raises UsageError where a URL has no token.
    """
    url = os.environ.get(URL, "")
    if not url:
        kept = _load(folder)
        url = str(kept.get("url", ""))
        return Login(url, _read(folder)[url]) if url in _read(folder) else None
    url = clean_url(url)
    token = os.environ.get(TOKEN, "") or _read(folder).get(url, "")
    if not token:
        raise UsageError(f"no token for {url}", hint=f"set {TOKEN}, or: lampway login {url}")
    return Login(url, token)


def _read(folder: Path) -> dict[str, str]:
    tokens = _load(folder).get("tokens")
    return {str(u): str(t) for u, t in tokens.items()} if isinstance(tokens, dict) else {}


def _load(folder: Path) -> dict[str, object]:
    path = folder / "login.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StorageError(f"the login cannot be read: {error}", where=str(path), hint="lampway login URL") from error
    return found if isinstance(found, dict) else {}


def _write(folder: Path, content: object) -> None:
    path = folder / "login.json"
    aside = path.with_name(f".login.{os.getpid()}")
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside.touch(mode=0o600)
        aside.write_text(json.dumps(content, indent=1), encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        raise StorageError(f"the login cannot be kept: {error.strerror}", where=str(path)) from error
    finally:
        aside.unlink(missing_ok=True)
