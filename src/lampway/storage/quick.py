"""Statements that are run all the time: built once, compiled once for a kind of database, handed to its driver.

Going through SQLAlchemy each time costs ten times what SQLite needs to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement

_Compiled: TypeAlias = tuple[str, tuple[str, ...] | None, dict[str, Any]]
"""The text, the order of its values where they go by place, and the values that it brings itself."""


class Quick:
    """One statement. `columns` are those that an insert or an update sets."""

    def __init__(self, statement: ClauseElement, columns: tuple[str, ...] = ()) -> None:
        self._statement = statement
        self._columns = columns
        self._compiled: dict[str, _Compiled] = {}
        """By the dialect's name."""

    def run(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Run it in the connection's transaction and return the driver's cursor. Raises DBAPIError."""
        text, order, fixed = self._compiled.get(connection.dialect.name) or self._compile(connection)
        if not connection.in_transaction():
            connection.begin()
        driver: Any = connection.connection.dbapi_connection
        given = {**fixed, **values} if fixed else values
        try:
            return driver.execute(text, given if order is None else [given[name] for name in order])
        except connection.dialect.loaded_dbapi.Error as error:
            raise _told(connection, text, error) from error

    def _compile(self, connection: Connection) -> _Compiled:
        dialect = connection.dialect
        keys = list(self._columns) or None
        compiled: Any = self._statement.compile(dialect=dialect, column_keys=keys)
        order = tuple(compiled.positiontup) if compiled.positional else None
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[dialect.name] = str(compiled), order, fixed
        return self._compiled[dialect.name]


def _told(connection: Connection, text: str, error: Any) -> BaseException:
    """Return the driver's error as SQLAlchemy tells it; a connection that is lost is not used again."""
    driver: Any = connection.connection.dbapi_connection
    is_lost = connection.dialect.is_disconnect(error, driver, None)
    if is_lost:
        connection.invalidate(error)
    base = connection.dialect.loaded_dbapi.Error
    told: BaseException = DBAPIError.instance(
        text, None, error, base, hide_parameters=True, connection_invalidated=is_lost
    )
    return told
