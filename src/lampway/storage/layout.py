"""The layout of a store: made when there is none, brought up to date when it is older, refused when it is newer.

Whether anything is to be done is seen in one look that changes nothing; alembic is imported only when a layout changes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Column, Connection, Engine, MetaData, String, Table, insert, select, update
from sqlalchemy.exc import SQLAlchemyError

from lampway.errors import StorageError
from lampway.storage import schema
from lampway.storage.schema import about, metadata

MIGRATIONS = Path(__file__).parent / "migrations"
_stamp = Table("alembic_version", MetaData(), Column("version_num", String(32), primary_key=True))
"""As alembic makes it: a new store has the newest layout without running any migration."""


@dataclass(frozen=True, slots=True)
class Look:
    """What is there before anything is done."""

    tables: frozenset[str]
    guards: frozenset[str]
    """Names of the triggers that keep the ledger from being rewritten."""


class Side(Protocol):
    """What differs between the kinds of database."""

    def look(self, connection: Connection) -> Look:
        """Return what is there. Raises StorageError for a database that cannot hold a store."""
        ...

    def guards(self) -> Collection[str]:
        """Return the names of all triggers that there should be."""
        ...

    def guard(self, connection: Connection) -> None:
        """Put back the triggers that are missing."""
        ...

    def keep_copy(self, connection: Connection, version: int) -> None:
        """Keep a copy of the store as it is, where that is one file."""
        ...


def prepare(engine: Engine, side: Side) -> None:
    """Make the store ready to work with. Raises StorageError; then it is as it was."""
    with engine.connect() as connection, connection.begin():
        if _is_ready(connection, side.look(connection), side):
            return
    with _writing(engine) as connection:
        found = side.look(connection)  # somebody else may have been quicker
        if about.name not in found.tables:
            _create(connection)
        elif not _is_ready(connection, found, side):
            _bring_up_to_date(connection, found, side)
        side.guard(connection)


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    with engine.connect() as connection:
        connection.info["write"] = True
        try:
            with connection.begin():
                yield connection
        finally:
            connection.info.pop("write", None)


def _is_ready(connection: Connection, found: Look, side: Side) -> bool:
    """Return whether nothing is missing. Raises StorageError for a layout that a newer Lampway made."""
    if about.name not in found.tables:
        return False
    version = _version(connection)
    if version > schema.VERSION:
        raise StorageError(
            f"the store has layout {version}, this version works with {schema.VERSION}", hint="use a newer Lampway"
        )
    tables = {_stamp.name, *metadata.tables}
    return version == schema.VERSION and tables <= found.tables and set(side.guards()) <= found.guards


def _version(connection: Connection) -> int:
    said = connection.execute(select(about.c.value).where(about.c.key == "schema")).scalar()
    if said is None or not said.isdecimal():
        raise StorageError(f"the store does not say which layout it has: {said!r}", hint="restore it from a backup")
    return int(said)


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(about).values(key="schema", value=str(schema.VERSION)))
    _stamp.create(connection)
    connection.execute(insert(_stamp).values(version_num=_revision(schema.VERSION)))


def _bring_up_to_date(connection: Connection, found: Look, side: Side) -> None:
    version = _version(connection)
    if version < schema.VERSION:
        side.keep_copy(connection, version)
    if version < schema.VERSION or _stamp.name not in found.tables:
        try:
            upgrade(connection, since=version)
        except SQLAlchemyError as error:
            reason = str(getattr(error, "orig", error)).partition("\n")[0]
            hint = "nothing was changed; the Lampway that worked with it until now still does"
            raise StorageError(
                f"the store cannot be brought to layout {schema.VERSION}: {reason}", hint=hint
            ) from error
        connection.execute(update(about).where(about.c.key == "schema").values(value=str(schema.VERSION)))
    present = side.look(connection).tables
    new = [table for table in metadata.sorted_tables if table.name not in present]  # kinds of record newer than it
    metadata.create_all(connection, tables=new, checkfirst=False)


def upgrade(connection: Connection, *, since: int = 0) -> None:
    """Carry out every migration after layout `since`, in the transaction that is open. 0: there is nothing yet."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    steps: Callable[[Any, Any], Any] = lambda revision, _: script._upgrade_revs("head", revision)  # noqa: E731, SLF001
    context = MigrationContext.configure(connection, opts={"fn": steps, "transactional_ddl": True, "script": script})
    if since and context.get_current_revision() is None:
        context.stamp(script, _revision(since))
    with Operations.context(context):
        context.run_migrations()


def _revision(version: int) -> str:
    return f"{version:04d}"
