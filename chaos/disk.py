"""Disks that go wrong: small ones that are full at some moment, and ones on which nothing can be written for a while.

Only the team's own folder lies on such a disk; the worlds that count do not. Mounting needs the right to do so.
"""

from __future__ import annotations

import contextlib
import functools
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import event

from lampway.engine.context import Engine

_SIZE = "12m"
_BALLAST = "ballast"
KINDS = ("full", "full", "read-only", "mounted read-only", "")


@functools.cache
def can_mount() -> bool:
    """Return whether disks can be mounted here."""
    with tempfile.TemporaryDirectory() as folder:
        return _mount(Path(folder)) and _unmount(Path(folder))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """Let a small disk be at this folder."""
    folder.mkdir(parents=True)
    if not _mount(folder):
        raise AssertionError(f"no small disk can be mounted at {folder}")
    try:
        yield
    finally:
        _unmount(folder)


def fill(folder: Path) -> None:
    """Leave no room on the disk at this folder."""
    there = os.statvfs(folder)
    with contextlib.suppress(OSError), (folder / _BALLAST).open("ab", buffering=0) as file:
        os.posix_fallocate(file.fileno(), 0, there.f_bavail * there.f_frsize)
        while file.write(b"0" * 4096):
            pass


def mend(folder: Path) -> None:
    """Make room again, and let everybody write."""
    _remount(folder, "rw")
    (folder / _BALLAST).unlink(missing_ok=True)


@dataclass(slots=True)
class Trouble:
    """What befalls the disk during one life, and when."""

    folder: Path
    kind: str
    after: int
    """Crash points until it happens."""
    has_begun: bool = False
    _engine: Any = field(default=None)

    @classmethod
    def draw(cls, folder: Path, chance: random.Random) -> Trouble:
        """Return what happens by chance; one that is mounted read-only is so from the beginning."""
        trouble = cls(folder, chance.choice(KINDS), 1 + int(chance.expovariate(1 / 15)))
        if trouble.kind == "mounted read-only":
            _remount(folder, "ro")
            trouble.has_begun = True
        return trouble

    def around(self, engine: Engine) -> Engine:
        """Remember through which connections this process writes."""
        store: Any = engine.store
        event.listen(store._engine, "begin", self._refuse)  # noqa: SLF001 - what a disk does is below every port
        return engine

    def passing(self, then: Callable[[str], None]) -> Callable[[str], None]:
        """Return what counts crash points until it happens, and passes each one on."""

        def pass_on(name: str) -> None:
            self.after -= 1
            if self.after == 0 and self.kind:
                self.has_begun = True
                if self.kind == "full":
                    fill(self.folder)
            then(name)

        return pass_on

    def _refuse(self, connection: Any) -> None:
        """Let the file be read only: a mount cannot become so while somebody has a file open for writing."""
        if self.has_begun and self.kind == "read-only":
            connection.exec_driver_sql("PRAGMA query_only=ON")


def _mount(folder: Path) -> bool:
    return _done("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder))


def _unmount(folder: Path) -> bool:
    return _done("umount", "-l", str(folder))


def _remount(folder: Path, how: str) -> None:
    if not _done("mount", "-o", f"remount,{how}", str(folder)):
        raise AssertionError(f"cannot be mounted {how}: {folder}")


def _done(*words: str) -> bool:
    try:
        return subprocess.run(words, capture_output=True, check=False).returncode == 0
    except OSError:
        return False
