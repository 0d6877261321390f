"""The in-memory platform with its worlds in a file of their own: it outlives whoever deploys, and counts what was done.

Each call is one transaction on that file, so that `kill -9` of an engine at any moment leaves a world as a real product
would be left: the change was made, or it was not. `World.applied` holds every unit that was ever applied, in order;
`World.takes` makes changes slow, `World.fail` makes it lie, and `World.interleaved` counts changes that were begun
while another living process had one under way in the same world.
"""

from __future__ import annotations

import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lampway.domain.package import Scope
from lampway.engine.abilities import Executions, Lock, SmokeRun, Usage
from lampway.engine.platform import (
    Access,
    AdapterPlan,
    Export,
    Found,
    Installed,
    Observation,
    Outcome,
    Rights,
    UnderWay,
    Wanted,
)
from lampway.testing.memory import MemoryPlatform
from lampway.testing.world import World

_TABLE = "CREATE TABLE IF NOT EXISTS world (url TEXT PRIMARY KEY, doc BLOB NOT NULL)"


class CountingPlatform(MemoryPlatform):
    """Implements the port like the platform it is made from; several processes and threads may share one file."""

    def __init__(self, file: Path, *, tells_editors: bool = True, has_precondition: bool = True) -> None:
        super().__init__(tells_editors=tells_editors, has_precondition=has_precondition)
        self._file = file
        self._opened: dict[tuple[int, int], sqlite3.Connection] = {}

    @contextmanager
    def at(self, url: str) -> Iterator[World]:
        """Open the back door to a world, made if there is none. What is changed is kept, whatever is raised."""
        connection = self._connection()
        connection.execute("BEGIN IMMEDIATE")
        try:
            row = connection.execute("SELECT doc FROM world WHERE url = ?", (url,)).fetchone()
            world = pickle.loads(row[0]) if row else World(url)  # noqa: S301 - of our own making, in a file of our own
            try:
                yield world
            finally:
                connection.execute("REPLACE INTO world VALUES (?, ?)", (url, pickle.dumps(world)))
        except BaseException:
            if connection.in_transaction:
                connection.execute("COMMIT")
            raise
        connection.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file."""
        for connection in self._opened.values():
            connection.close()
        self._opened.clear()

    def probe(self, access: Access) -> Rights:
        """Return what our token may do there."""
        with self._call(access):
            return super().probe(access)

    def export(self, access: Access, scope: Scope, known: Mapping[str, Scope]) -> Export:
        """Return the solution that `scope` describes. Raises NotFoundError, RefusedError."""
        with self._call(access):
            return super().export(access, scope, known)

    def observe(self, access: Access, installed: Mapping[str, Installed]) -> Observation:
        """Return how each solution there differs from what was installed."""
        with self._call(access):
            return super().observe(access, installed)

    def plan(self, access: Access, wanted: Wanted) -> AdapterPlan:
        """Return the steps to reach `wanted` and every problem that stands in the way."""
        with self._call(access):
            return super().plan(access, wanted)

    def intend(self, access: Access, wanted: Wanted, step: str) -> Mapping[str, Any]:
        """Return digests of the state the step leaves from and of the one it will reach."""
        with self._call(access):
            return super().intend(access, wanted, step)

    def perform(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Outcome:
        """Take the step; before and after the change it may take its time, which is when processes die."""
        before, after = self._begin(access)
        time.sleep(before)
        try:
            with self._call(access):
                outcome = super().perform(access, wanted, step, intent)
            time.sleep(after)
        finally:
            self._end(access)
        return outcome

    def poll(self, access: Access, handle: Mapping[str, Any]) -> Outcome:
        """Return how far a change that is under way has come."""
        with self._call(access):
            return super().poll(access, handle)

    def look_up(self, access: Access, wanted: Wanted, step: str, intent: Mapping[str, Any]) -> Found | UnderWay:
        """Return which of the intent's two states is there, or that a change is under way."""
        with self._call(access):
            return super().look_up(access, wanted, step, intent)

    def observe_lock(self, access: Access, maker: Access | None) -> Lock:
        """Return whether a maker could edit there."""
        with self._call(access):
            return super().observe_lock(access, maker)

    def lock_objection(self, access: Access) -> str:
        """Return why the lock cannot be set there."""
        with self._call(access):
            return super().lock_objection(access)

    def set_lock(self, access: Access, *, locked: bool, until: str = "") -> None:
        """Set the lock. Raises PlatformRefusedError."""
        with self._call(access):
            super().set_lock(access, locked=locked, until=until)

    def read_label(self, access: Access) -> str:
        """Return what everybody sees who works there."""
        with self._call(access):
            return super().read_label(access)

    def set_label(self, access: Access, label: str) -> None:
        """Let everybody see this who works there. Raises PlatformRefusedError."""
        with self._call(access):
            super().set_label(access, label)

    def count_executions(self, access: Access, installed: Installed, since: str) -> Executions:
        """Return how often what is installed ran there."""
        with self._call(access):
            return super().count_executions(access, installed, since)

    def smoke_run(self, access: Access, installed: Installed, timeout: float) -> SmokeRun:
        """Try every part of what is installed."""
        with self._call(access):
            return super().smoke_run(access, installed, timeout)

    def is_switched(self, access: Access, installed: Installed, *, on: bool) -> bool:
        """Return whether all of it is on, or off."""
        with self._call(access):
            return super().is_switched(access, installed, on=on)

    def activate(self, access: Access, installed: Installed) -> None:
        """Switch it on again."""
        with self._call(access):
            super().activate(access, installed)

    def deactivate(self, access: Access, installed: Installed) -> None:
        """Switch it off."""
        with self._call(access):
            super().deactivate(access, installed)

    def tell_usage(self, access: Access, installed: Installed) -> Usage:
        """Return when it ran last and when it was saved last."""
        with self._call(access):
            return super().tell_usage(access, installed)

    @contextmanager
    def _call(self, access: Access) -> Iterator[None]:
        """Let one call of the platform happen on the world as it is in the file."""
        if not self._exists(access.url):
            yield  # nothing answers there
            return
        with self.at(access.url) as world:
            self.worlds[access.url] = world
            try:
                yield
            finally:
                del self.worlds[access.url]

    def _begin(self, access: Access) -> tuple[float, float]:
        """Mark that this process has a change under way, and return how long it takes before and after it is made."""
        if not self._exists(access.url):
            return 0.0, 0.0
        with self.at(access.url) as world:
            world.under_way = {pid: count for pid, count in world.under_way.items() if _is_alive(pid)}
            world.interleaved += bool(world.under_way)
            world.under_way[os.getpid()] = world.under_way.get(os.getpid(), 0) + 1
            return world.takes

    def _end(self, access: Access) -> None:
        if self._exists(access.url):
            with self.at(access.url) as world:
                world.under_way.pop(os.getpid(), None)

    def _exists(self, url: str) -> bool:
        found = self._connection().execute("SELECT 1 FROM world WHERE url = ?", (url,)).fetchone()
        return found is not None

    def _connection(self) -> sqlite3.Connection:
        """Return this thread's own connection: one that was opened before a fork must not be used after it."""
        here = (os.getpid(), threading.get_ident())
        if here not in self._opened:
            connection = sqlite3.connect(self._file, timeout=60, isolation_level=None, check_same_thread=False)
            connection.execute("PRAGMA synchronous=OFF")  # it has to survive killed processes, not power cuts
            connection.execute(_TABLE)
            self._opened[here] = connection
        return self._opened[here]


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True
