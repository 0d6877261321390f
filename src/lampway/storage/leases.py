"""Leases: who works in an environment, and from whom it may be taken.

On SQLite a kernel lock beside the file says that a former holder is dead. On Postgres the database says it: a holder
that works keeps a session open, which ends with its process, and is seen regularly by the database's own clock.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Engine, insert, select, text, update

from lampway.errors import TakenOverError
from lampway.storage.schema import leases

SILENCE = 15
"""Seconds after which a holder that was not seen counts as dead, though its session may still be open."""
_KEY = "hashtextextended('lampway holder ' || :holder, 0)"
_IS_DEAD = text(
    f"SELECT pg_try_advisory_xact_lock({_KEY}) OR coalesce((SELECT CAST(seen_at AS timestamptz)"  # noqa: S608
    f" < clock_timestamp() - interval '{SILENCE} seconds' FROM worker WHERE name = :holder), false)"
)
_KEEP = text(f"SELECT pg_advisory_lock({_KEY})")


def take(connection: Connection, environment: str, holder: str) -> int:
    """Take the environment over and return the new fence. Raises TakenOverError where its holder lives."""
    here = leases.c.environment == environment
    row = connection.execute(select(leases.c.fence, leases.c.holder).where(here).with_for_update()).first()
    if row is None:
        connection.execute(insert(leases).values(environment=environment, fence=1, holder=holder))
        return 1
    if row.holder not in {"", holder} and not is_dead(connection, row.holder):
        raise TakenOverError(f"{row.holder} works in {environment} right now", hint="lampway workers")
    fence = int(row.fence) + 1
    connection.execute(update(leases).where(here).values(fence=fence, holder=holder))
    return fence


def is_dead(connection: Connection, holder: str) -> bool:
    """Return whether a holder has gone. On SQLite whoever asks has made sure of it by the environment's lock."""
    if connection.dialect.name == "sqlite":
        return True
    return bool(connection.execute(_IS_DEAD, {"holder": holder}).scalar_one())


def abandoned(connection: Connection, asking: str) -> tuple[str, ...]:
    """Return the environments held by somebody who has gone; on SQLite by anybody else than who asks."""
    rows = connection.execute(select(leases).where(leases.c.holder.not_in(["", asking])))
    return tuple(row.environment for row in rows.all() if is_dead(connection, row.holder))


class Session:
    """Implements the presence port on Postgres: a connection of its own, in which a lock says that we live."""

    def __init__(self, engine: Engine, holder: str) -> None:
        self._engine = engine
        self._holder = holder
        self._connection: Connection | None = None

    def assure(self) -> None:
        """See to it that the session is open; a lost one is opened anew. Raises what the driver raises."""
        try:
            if self._connection is None:
                made = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._connection = made
                made.execute(_KEEP, {"holder": self._holder})
            self._connection.exec_driver_sql("SELECT 1")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the session, and with it the lock."""
        lost: Any = self._connection
        self._connection = None
        if lost is not None:
            lost.invalidate()
            lost.close()


class Nobody:
    """Implements the presence port where a kernel lock says who lives."""

    def assure(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""
