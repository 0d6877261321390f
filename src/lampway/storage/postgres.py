"""The store's Postgres side: how it is reached, prepared and locked, and how its ledger is guarded and read.

Nothing here is imported for a store in SQLite.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import Any, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from lampway.errors import StorageError
from lampway.storage.layout import Look

_DRIVER = "postgresql+psycopg"
_SETTINGS = {"connect_timeout": "10", "application_name": "lampway", "client_encoding": "utf8"}
_WRITE = (
    "SELECT set_config('lock_timeout', '30s', true), set_config('idle_in_transaction_session_timeout', '60s', true),"
    " pg_advisory_xact_lock(coalesce(CAST(to_regclass('ledger')::oid AS bigint), 7201370142))"
)
"""One writer at a time, over all processes. One that stands still for a minute loses its connection, and the lock.

Before there is a ledger, whoever makes one holds a lock with a number of its own.
"""
_LOOK = """
SELECT pg_encoding_to_char(encoding), current_schema(),
       ARRAY(SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()),
       ARRAY(SELECT tgname::text FROM pg_trigger WHERE tgrelid = to_regclass('ledger') AND tgenabled = 'A')
FROM pg_database WHERE datname = current_database()
"""
_REFUSE = """
CREATE OR REPLACE FUNCTION lampway_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$
"""
_AT_ITS_END = """
CREATE OR REPLACE FUNCTION lampway_at_its_end() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE last bigint;
BEGIN
    SELECT coalesce(max(seq), 0) INTO last FROM ledger;
    IF NEW.seq IS DISTINCT FROM last + 1 THEN RAISE EXCEPTION 'the ledger is append-only'; END IF;
    RETURN NEW;
END $$
"""
APPEND_ONLY = {
    "ledger_no_change": (
        "CREATE TRIGGER ledger_no_change BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger"
        " FOR EACH STATEMENT EXECUTE FUNCTION lampway_append_only()"
    ),
    "ledger_at_its_end": (
        "CREATE TRIGGER ledger_at_its_end BEFORE INSERT ON ledger FOR EACH ROW EXECUTE FUNCTION lampway_at_its_end()"
    ),
}
"""Refuse to rewrite the ledger from inside the database, by trigger name; whoever administers it can take them away."""
_BYTES = "convert_to({}, 'UTF8')".format
_RAW = ", ".join(
    c if c in {"seq", "schema"} else _BYTES(c) for c in ("prev", "seq", "at", "kind", "schema", "actor", "body", "hash")
)
_BATCH = 500
_numbers = itertools.count()


def connect_engine(url: URL) -> Engine:
    """Return the engine for a Postgres URL; nothing is reached yet. Raises StorageError without the driver."""
    try:
        engine = create_engine(
            url.set(drivername=_DRIVER, query={**_SETTINGS, **url.query}), pool_pre_ping=True, pool_size=5
        )
    except ImportError as error:
        raise StorageError(
            "the driver for Postgres is not installed", hint="pip install 'lampway[postgres]'"
        ) from error

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.info.get("write"):
            connection.exec_driver_sql(_WRITE)

    return engine


def looking(engine: Engine) -> Engine:
    """Return the same engine for consistent looks: nothing changes under them and they change nothing."""
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


class PostgresSide:
    """Implements what differs between the kinds of database."""

    def look(self, connection: Connection) -> Look:
        """Return what is there. Raises StorageError for a database that cannot hold a store."""
        encoding, schema, tables, guards = connection.exec_driver_sql(_LOOK).one()
        if encoding != "UTF8":
            raise StorageError(f"the database keeps its text in {encoding}", hint="create one with ENCODING 'UTF8'")
        if schema is None:
            raise StorageError("the database has no schema to work in", hint="create the one that search_path names")
        return Look(frozenset(tables), frozenset(guards))

    def guards(self) -> Collection[str]:
        """Return the names of all triggers that there should be."""
        return APPEND_ONLY.keys()

    def guard(self, connection: Connection) -> None:
        """Put back the triggers if one is missing or asleep, and take away the rights that nobody needs."""
        if APPEND_ONLY.keys() <= self.look(connection).guards:
            return
        for function in (_REFUSE, _AT_ITS_END):
            connection.exec_driver_sql(function)
        for name, statement in APPEND_ONLY.items():
            connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name} ON ledger")
            connection.exec_driver_sql(statement)
            connection.exec_driver_sql(f"ALTER TABLE ledger ENABLE ALWAYS TRIGGER {name}")
        connection.exec_driver_sql("REVOKE UPDATE, DELETE, TRUNCATE ON ledger FROM PUBLIC, CURRENT_USER")

    def keep_copy(self, connection: Connection, version: int) -> None:
        """Keep none: a server has backups of its own, and a migration happens whole or not at all."""


def batches(connection: Connection, rest: str, parameters: tuple[object, ...]) -> Iterator[list[tuple[Any, ...]]]:
    """Return rows of the ledger as they are stored, text as bytes, some hundred at a time and no more at once.

    `rest` is SQL that follows FROM, with `?` for parameters.
    """
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.connection.dbapi_connection
    query = f"SELECT {_RAW} FROM ledger {rest} ORDER BY seq".replace("?", "%s")  # noqa: S608 - our own text
    with driver.cursor(name=f"ledger_{next(_numbers)}", binary=True) as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(_BATCH):
            yield cast("list[tuple[Any, ...]]", rows)


_CURES = (
    ("08", "is Postgres running at the address in LAMPWAY_STATE?"),
    ("28", "mend user or password in LAMPWAY_STATE, or in the usual variables and files of Postgres"),
    ("3D000", "create the database first: createdb NAME"),
    ("42501", "grant the user what it needs, or open the store once as the owner of the schema"),
    ("53100", "free some disk space on the database server and run the command again"),
    ("53300", "allow more connections, or put a pooler in between"),
    ("25006", "LAMPWAY_STATE leads to a standby, or the user may only read: use one that may write"),
    ("55P03", "another Lampway is writing; run the command again"),
    ("57", "the database server is stopping or starting; run the command again"),
    ("25P03", "this process stood still for so long that the database let it go; run the command again"),
)


def cure(error: BaseException) -> str:
    """Return how an error of the database can be mended, where that is known."""
    orig = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(orig, "sqlstate", None) or ""
    for code, hint in _CURES:
        if state.startswith(code):
            return hint
    said = str(orig)
    if "does not exist" in said and "database" in said:
        return "create the database first: createdb NAME"
    if "authentication failed" in said or "no password supplied" in said:
        return "mend user or password in LAMPWAY_STATE, or in the usual variables and files of Postgres"
    if not state and type(orig).__name__ in {"OperationalError", "ConnectionTimeout"}:
        return "is Postgres running at the address in LAMPWAY_STATE?"
    return ""
