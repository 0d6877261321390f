"""The store's SQLite side: how a file is opened, and how its ledger is guarded."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from lampway.storage.layout import Look
from lampway.storage.schema import APPEND_ONLY


def connect_engine(url: str, **options: Any) -> Engine:
    """Return the engine for a SQLite URL."""
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False}, **options)

    @event.listens_for(engine, "connect")
    def _connect(dbapi_connection: Any, _record: object) -> None:
        dbapi_connection.isolation_level = None  # transactions are begun below, with the right kind of lock
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
            dbapi_connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("write") else "BEGIN")

    return engine


class SqliteSide:
    """Implements what differs between the kinds of database."""

    def look(self, connection: Connection) -> Look:
        """Return what is there."""
        names = frozenset(name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master"))
        return Look(tables=names, guards=names)

    def guards(self) -> Collection[str]:
        """Return the names of all triggers that there should be."""
        return APPEND_ONLY.keys()

    def guard(self, connection: Connection) -> None:
        """Put back the triggers that somebody took away, that went with a table, or that are new."""
        for name in APPEND_ONLY.keys() - self.look(connection).guards:
            connection.exec_driver_sql(APPEND_ONLY[name])

    def keep_copy(self, connection: Connection, version: int) -> None:
        """Keep a copy beside the file; a store in memory has none."""
        if connection.engine.url.database:
            path = Path(connection.engine.url.database)
            copy_file(path, path.with_name(f"{path.name}.layout-{version}"))


def copy_file(source: Path, target: Path) -> None:
    """Copy a store as it was last committed; the copy appears once it is whole and durable.

    Whoever reads or writes the store meanwhile is not disturbed. Raises OSError, sqlite3.Error.
    """
    beside = target.with_name(f".{target.name}.part")
    beside.unlink(missing_ok=True)
    try:
        beside.touch(mode=0o600)
        with contextlib.closing(sqlite3.connect(source)) as ours, contextlib.closing(sqlite3.connect(beside)) as theirs:
            ours.backup(theirs)
        with beside.open("rb+") as file:
            os.fsync(file.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)


def cure(cause: str) -> str:
    """Return how an error of the database can be mended, where that is known."""
    if "full" in cause:
        return "free some disk space and run the command again"
    if is_read_only(cause):
        return "make the folder .lampway writable"
    if "malformed" in cause or "not a database" in cause:
        return "the store is damaged: restore .lampway from a backup"
    if "locked" in cause:
        return "another Lampway is writing; run the command again"
    return ""


def is_read_only(cause: str) -> bool:
    """Return whether an error of the database says that nothing may be written there."""
    return "readonly" in cause or "read-only" in cause
