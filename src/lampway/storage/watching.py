"""Watching: whether anything was recorded, told cheaply enough to be asked many times a second."""

from __future__ import annotations

import time

from sqlalchemy import Connection, Engine
from sqlalchemy.pool import PoolProxiedConnection

from lampway.engine.store import Watch

_PAUSE = 0.2
_NEWEST = "SELECT coalesce(max(seq), 0) FROM ledger"


class DataVersion:
    """Implements the watch port: SQLite tells by a number whether another connection has committed."""

    def __init__(self, connection: PoolProxiedConnection) -> None:
        self._connection = connection
        self._seen = self._version()

    def changed(self) -> bool:
        """Return whether another connection has committed since it was last asked. Takes microseconds."""
        seen, self._seen = self._seen, self._version()
        return seen != self._seen

    def close(self) -> None:
        """Give the connection back."""
        self._connection.close()

    def _version(self) -> int:
        cursor = self._connection.cursor()
        try:
            cursor.execute("PRAGMA data_version")
            (version,) = cursor.fetchone() or (0,)
            return int(version)
        finally:
            cursor.close()


class NewestRow:
    """Implements the watch port where the store is elsewhere: asks for the newest row some times a second."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._seen = self._newest()
        self._asked = time.monotonic()

    def changed(self) -> bool:
        """Return whether a row was added since it was last asked; says no without looking when asked too often."""
        if time.monotonic() - self._asked < _PAUSE:
            return False
        self._asked = time.monotonic()
        seen, self._seen = self._seen, self._newest()
        return seen != self._seen

    def close(self) -> None:
        """Hold nothing, so that there is nothing to let go of."""

    def _newest(self) -> int:
        connection: Connection
        with self._engine.connect() as connection:
            return int(connection.exec_driver_sql(_NEWEST).scalar_one())


def watch(engine: Engine) -> Watch:
    """Return what tells whether another connection has changed something. Raises what the driver raises."""
    return DataVersion(engine.raw_connection()) if engine.dialect.name == "sqlite" else NewestRow(engine)
