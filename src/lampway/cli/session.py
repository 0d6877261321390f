"""Opening a session: which governance repository, and who acts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lampway.app import LocalSession, Login, Session, SystemClock, config_folder, find_login, find_root
from lampway.cli.output import note
from lampway.domain.events import Recorded
from lampway.domain.moments import seconds_between


def working_folder() -> Path:
    """Return where the command works: `LAMPWAY_DIR` (set by `-C`), else the current folder."""
    return Path(os.environ.get("LAMPWAY_DIR") or ".").resolve()


def today() -> str:
    """Return the day it is, UTC, as ISO text."""
    return SystemClock().now().date().isoformat()


def seconds_until(moment: str) -> float:
    """Return the seconds from now to a moment, never less than none; none where it is not given."""
    return seconds_between(SystemClock().now().isoformat(), moment)


def _remote(login: Login, observers: tuple[Callable[[Recorded], None], ...]) -> Session:
    from lampway.app.remote import RemoteSession
    from lampway.web.routes import BASE, ROUTES

    routes = {route.request.__name__: (route.method, BASE + route.path) for route in ROUTES}
    return RemoteSession(login.url, login.token, routes, observers)


@contextmanager
def session(*, quiet: bool = False) -> Iterator[Session]:
    """Open a session on the governance repository around the working folder. Raises LampwayError."""
    from lampway.cli.progress import Progress

    observers = () if quiet else (Progress(),)
    login = find_login(config_folder())
    opened: Session = _remote(login, observers) if login else LocalSession(find_root(working_folder()), observers)
    try:
        yield opened
    finally:
        for left in opened.left:
            note(f"note: {left.release} → {left.environment} {left.why}; no worker is there to go on: lampway worker")
        opened.close()
