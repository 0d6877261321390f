"""The store over SQLAlchemy: SQLite for one machine; the same statements run on Postgres."""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, create_engine, delete, event, insert, select, update
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from lampway.domain.deployment import DriftFinding, DriftState
from lampway.domain.events import Actor, Event, Recorded
from lampway.domain.projection import project
from lampway.domain.strategy import RulesInForce
from lampway.engine.notices import TOLD, owed
from lampway.engine.ports import Clock
from lampway.engine.store import Chain, Damage, Due, Matches, Stored, Wanted
from lampway.errors import StorageError
from lampway.storage import ledger, rebuild, search
from lampway.storage.codec import from_text, to_text
from lampway.storage.schema import APPEND_ONLY, VERSION, about, leases, metadata, outbox, records

T = TypeVar("T")

_GET = {kind: select(table.c.doc).where(table.c.key == bindparam("wanted")) for kind, table in records.items()}
_CHANGE = {kind: update(table).where(table.c.key == bindparam("wanted")) for kind, table in records.items()}
_ADD = {kind: insert(table) for kind, table in records.items()}
"""Built once: making a statement costs more than running it."""


class SqlStore:
    """Implements the store port. Open one per process; it may be used from several threads."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        with self._translated():
            _prepare(engine)

    @contextmanager
    def reading(self) -> Iterator[SqlReading]:
        """Open a consistent look. Raises StorageError."""
        with self._translated(), self._engine.connect() as connection:
            yield SqlReading(connection)

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        """Open a look that may add. Raises StorageError; then nothing was added."""
        with self._translated(), self._engine.connect() as connection:
            connection.info["write"] = True
            try:
                with connection.begin():
                    yield SqlTransaction(connection, self._clock)
            finally:
                connection.info.pop("write", None)

    def events(self, after: int = 0, kinds: Collection[str] = ()) -> Iterator[Recorded]:
        """Return the ledger's events in order."""
        with self._translated(), self._engine.connect() as connection:
            yield from ledger.read(connection, after, kinds)

    def stored(self, after: int = 0, since: str = "") -> Generator[Stored, None, None]:
        """Return the ledger's rows as they are stored."""
        with self._translated(), self._engine.connect() as connection:
            yield from ledger.stored(connection, after, since)

    def search(self, wanted: Wanted) -> Matches:
        """Look through the whole ledger, once."""
        with self._translated(), self._engine.connect() as connection:
            return search.search(connection, wanted)

    def verify(self, rows: Collection[int] = ()) -> Chain:
        """Recompute the chain over the stored bytes, and return the hashes of these rows beside."""
        with self._translated(), self._engine.connect() as connection:
            return ledger.verify(connection, rows)

    def audit(self) -> tuple[Damage, ...]:
        """Recompute chain and records from the ledger and return what does not fit."""
        with self._translated(), self._engine.connect() as connection:
            return ledger.verify(connection).damage or tuple(rebuild.compare(connection))

    def compare(self) -> tuple[Damage, ...]:
        """Fold the ledger into records once more and return those that differ from the live ones."""
        with self._translated(), self._engine.connect() as connection:
            return tuple(rebuild.compare(connection))

    def take_lease(self, environment: str, holder: str) -> int:
        """Take the environment over and return the new fence."""
        with self.transaction() as transaction:
            return transaction.take_lease(environment, holder)

    def release_lease(self, environment: str, fence: int) -> None:
        """Give the environment free, unless somebody took over meanwhile."""
        mine = (leases.c.environment == environment) & (leases.c.fence == fence)
        with self.transaction() as transaction:
            transaction.connection.execute(update(leases).where(mine).values(holder=""))

    def due(self) -> tuple[Due, ...]:
        """Return the outbox."""
        with self.reading() as reading:
            rows = reading.connection.execute(select(outbox).order_by(outbox.c.key))
            return tuple(Due(r.key, r.kind, from_text(dict[str, Any], r.doc), r.attempts) for r in rows)

    def close(self) -> None:
        """Let go of files and connections."""
        self._engine.dispose()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            cause = str(error.orig)
            raise StorageError(f"the store failed: {cause}", hint=_cure(cause)) from error
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise StorageError(f"the store failed: {error}", hint=_cure(str(error))) from error


class SqlReading:
    """Implements the reading port over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def head(self) -> tuple[int, str]:
        """Return number and hash of the ledger's newest row."""
        return ledger.head(self.connection)

    def get(self, kind: type[T], key: str) -> T | None:
        """Return the record under this key, or None."""
        doc = self.connection.execute(_GET[kind], {"wanted": key}).scalar()
        return None if doc is None else from_text(kind, doc, where=f"{kind.__name__.lower()} {key}")

    def find(
        self,
        kind: type[T],
        *,
        solution: str = "",
        environment: str = "",
        states: Sequence[str] = (),
        newest_first: bool = False,
        limit: int = 0,
    ) -> tuple[T, ...]:
        """Return records in the order in which the ledger first spoke of them."""
        table = records[kind]
        query = select(table.c.doc).order_by(table.c.first.desc() if newest_first else table.c.first)
        if solution:
            query = query.where(table.c.solution == solution)
        if environment:
            query = query.where(table.c.environment == environment)
        if states:
            query = query.where(table.c.state.in_([str(s) for s in states]))
        if limit:
            query = query.limit(limit)
        where = f"{kind.__name__.lower()} records"
        return tuple(from_text(kind, doc, where=where) for doc in self.connection.execute(query).scalars())


class SqlTransaction(SqlReading):
    """Implements the transaction port, and the records that a projection folds into."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        super().__init__(connection)
        self._clock = clock
        self._seq = 0
        self._rules: RulesInForce | None = None

    def append(self, event: Event, actor: Actor) -> Recorded:
        """Add an event and fold it into the records."""
        recorded = ledger.append(self.connection, event, actor, self._clock.now())
        for due in self._owed(recorded) if event.kind in TOLD else ():
            self.remember(due)
        self.fold(recorded)
        return recorded

    def _owed(self, recorded: Recorded) -> Iterator[Due]:
        """Yield what is to be told of an event, by the rules in force; they are read once in a transaction."""
        if self._rules is None:
            self._rules = self.get(RulesInForce, "current")
        if self._rules is not None:
            yield from owed(self, self._rules, recorded)

    def fold(self, recorded: Recorded) -> None:
        """Fold an event that is in the ledger into the records."""
        self._seq = recorded.seq
        project(recorded, self)

    def open_drift(self, environment: str, solution: str) -> tuple[DriftFinding, ...]:
        """Return the findings there that are open or accepted."""
        states = (DriftState.OPEN, DriftState.ACCEPTED)
        return self.find(DriftFinding, environment=environment, solution=solution, states=states)

    def put(self, key: str, record: object) -> None:
        """Keep the record in place of the one under this key."""
        kind = type(record)
        columns = {name: str(getattr(record, name, "")) for name in ("solution", "environment", "state")}
        values = {**columns, "doc": to_text(record)}
        changed = self.connection.execute(_CHANGE[kind], {"wanted": key, **values}).rowcount
        if not changed:
            self.connection.execute(_ADD[kind], {"key": key, "first": self._seq, **values})

    def delete(self, kind: type, key: str) -> None:
        """Forget the record, if there is one."""
        table = records[kind]
        self.connection.execute(delete(table).where(table.c.key == key))

    def take_lease(self, environment: str, holder: str) -> int:
        """Take the environment over and return the new fence."""
        row = self.connection.execute(select(leases.c.fence).where(leases.c.environment == environment)).first()
        if row is None:
            self.connection.execute(insert(leases).values(environment=environment, fence=1, holder=holder))
            return 1
        fence = int(row.fence) + 1
        here = leases.c.environment == environment
        self.connection.execute(update(leases).where(here).values(fence=fence, holder=holder))
        return fence

    def require_fence(self, environment: str, fence: int) -> None:
        """Go on only if this fence still holds the environment. Raises StorageError."""
        row = self.connection.execute(select(leases.c.fence).where(leases.c.environment == environment)).first()
        if row is None or row.fence != fence:
            raise StorageError(f"another process took over the deployments in {environment}", hint="lampway status")

    def remember(self, due: Due) -> None:
        """Put something into the outbox; the same key replaces what was there."""
        self.forget(due.key)
        values = {"key": due.key, "kind": due.kind, "doc": to_text(due.doc), "attempts": due.attempts}
        self.connection.execute(insert(outbox).values(**values))

    def advance(self, before: Due, after: Due) -> bool:
        """Replace an entry of the outbox if it still is what was read before."""
        same = (outbox.c.key == before.key) & (outbox.c.doc == to_text(before.doc))
        change = update(outbox).where(same).values(doc=to_text(after.doc), attempts=after.attempts)
        return bool(self.connection.execute(change).rowcount)

    def forget(self, key: str) -> None:
        """Take something out of the outbox."""
        self.connection.execute(delete(outbox).where(outbox.c.key == key))


def open_sqlite(path: Path, clock: Clock) -> SqlStore:
    """Open the store in this file, creating it readable by its owner only. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        raise StorageError(f"cannot create the store: {error.strerror}", where=str(path)) from error
    return SqlStore(_sqlite_engine(f"sqlite:///{path}"), clock)


def open_memory(clock: Clock) -> SqlStore:
    """Open a store that lives and dies with this process."""
    return SqlStore(_sqlite_engine("sqlite://", poolclass=StaticPool), clock)


def _sqlite_engine(url: str, **options: Any) -> Engine:
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


def _prepare(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.info["write"] = True
        with connection.begin():
            known = {name for (name,) in connection.exec_driver_sql("SELECT name FROM sqlite_master")}
            if "about" not in known:
                _create(connection)
            elif new := [table for table in metadata.sorted_tables if table.name not in known]:
                metadata.create_all(connection, tables=new, checkfirst=False)  # kinds of record newer than this store
            for name in APPEND_ONLY.keys() - known:  # also those that somebody took away, or that are new
                connection.exec_driver_sql(APPEND_ONLY[name])
            version = int(connection.execute(select(about.c.value).where(about.c.key == "schema")).scalar_one())
    if version != VERSION:
        hint = "use a newer Lampway" if version > VERSION else "use the Lampway that made it"
        raise StorageError(f"the store has layout {version}, this version works with {VERSION}", hint=hint)


def _create(connection: Connection) -> None:
    metadata.create_all(connection, checkfirst=False)
    connection.execute(insert(about).values(key="schema", value=str(VERSION)))


def _cure(cause: str) -> str:
    if "full" in cause:
        return "free some disk space and run the command again"
    if "readonly" in cause or "read-only" in cause:
        return "make the folder .lampway writable"
    if "malformed" in cause or "not a database" in cause:
        return "the store is damaged: restore .lampway from a backup"
    if "locked" in cause:
        return "another Lampway is writing; run the command again"
    return ""
