"""Opening a session: which governance repository, and who acts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lampway.app import LocalSession, Session, SystemClock, find_root
from lampway.cli.output import note
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


@contextmanager
def session(*, quiet: bool = False) -> Iterator[Session]:
    """Open a session on the governance repository around the working folder. Raises LampwayError."""
    from lampway.cli.progress import Progress

    opened = LocalSession(find_root(working_folder()), () if quiet else (Progress(),))
    try:
        yield opened
    finally:
        for left in opened.left:
            note(f"note: {left.release} → {left.environment} {left.why}; no worker is there to go on: lampway worker")
        opened.close()
