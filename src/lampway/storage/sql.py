"""The store over SQLAlchemy: SQLite for one machine, Postgres for many; the same statements on both."""

from __future__ import annotations

import functools
import threading
from collections.abc import Collection, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, bindparam, delete, insert, or_, select, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import StaticPool

from lampway.domain.deployment import STILL_THERE, DriftFinding
from lampway.domain.events import Actor, Event, Recorded
from lampway.domain.projection import project
from lampway.domain.strategy import RulesInForce
from lampway.engine.notices import TOLD, owed
from lampway.engine.ports import Clock
from lampway.engine.store import Chain, Damage, Due, Matches, Presence, Stored, Wanted, Watch
from lampway.errors import StorageError, StoreLostError, TakenOverError, UsageError
from lampway.storage import layout, ledger, mentions, rebuild, search
from lampway.storage import leases as lease
from lampway.storage.codec import from_text, to_text
from lampway.storage.operations import OperationChanges, OperationRows
from lampway.storage.quick import Quick
from lampway.storage.schema import about, leases, outbox, records
from lampway.storage.sqlite import SqliteSide, cure, is_read_only
from lampway.storage.sqlite import connect_engine as _sqlite_engine
from lampway.storage.watching import watch

T = TypeVar("T")

_ADDRESSES = "write sqlite:///PATH or postgresql://USER@HOST/DATABASE into LAMPWAY_STATE"
_COLUMNS = ("solution", "environment", "state")
_CHANGED = (*_COLUMNS, "doc")
_GET = {kind: Quick(select(t.c.doc).where(t.c.key == bindparam("wanted"))) for kind, t in records.items()}
_CHANGE = {kind: Quick(update(t).where(t.c.key == bindparam("wanted")), _CHANGED) for kind, t in records.items()}
_ADD = {kind: Quick(insert(t), ("key", "first", *_CHANGED)) for kind, t in records.items()}
_FENCE = Quick(select(leases.c.fence).where(leases.c.environment == bindparam("here")))
_REPOSITORY = "repository"
_SERVED = select(about.c.value).where(about.c.key == _REPOSITORY)


class SqlStore:
    """Implements the store port. Open one per process; it may be used from several threads."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._writing = threading.RLock()
        shares = isinstance(engine.pool, StaticPool)
        self._alone: AbstractContextManager[object] = self._writing if shares else nullcontext()
        """Held while looking: a store in memory has one connection for all threads."""
        self._looks = engine
        """For looks that must be consistent: on Postgres something else than for writing."""
        try:
            with self.translated():
                self._open()
        except BaseException:
            engine.dispose()
            raise

    def _open(self) -> None:
        if self._engine.dialect.name == "postgresql":
            from lampway.storage import postgres

            self._looks = postgres.looking(self._engine)
            layout.prepare(self._engine, postgres.PostgresSide())
        else:
            layout.prepare(self._engine, SqliteSide())

    @contextmanager
    def reading(self) -> Iterator[SqlReading]:
        """Open a consistent look. Raises StorageError."""
        with self.translated(), self._alone, self._looks.connect() as connection:
            yield SqlReading(connection)

    @contextmanager
    def transaction(self) -> Iterator[SqlTransaction]:
        """Open a look that may add. Raises StorageError; then nothing was added.

        Threads of this process take turns: they would wait for the file's lock by sleeping, and without any order.
        """
        with self.translated(), self._writing, self._engine.connect() as connection:
            connection.info["write"] = True
            try:
                with connection.begin():
                    yield SqlTransaction(connection, self._clock)
            finally:
                connection.info.pop("write", None)

    def events(self, after: int = 0, kinds: Collection[str] = ()) -> Iterator[Recorded]:
        """Return the ledger's events in order."""
        with self.translated(), self._looks.connect() as connection:
            yield from ledger.read(connection, after, kinds)

    def stored(self, after: int = 0, since: str = "") -> Generator[Stored, None, None]:
        """Return the ledger's rows as they are stored."""
        with self.translated(), self._looks.connect() as connection:
            yield from ledger.stored(connection, after, since)

    def hashes(self, last: int) -> Iterator[str]:
        """Return the hashes of the ledger's rows as they are stored, up to this number."""
        with self.translated(), self._looks.connect() as connection:
            yield from ledger.hashes(connection, last)

    def search(self, wanted: Wanted) -> Matches:
        """Look through the whole ledger: by the index, which is brought nearer by a step where it is far behind."""
        with suppress(StorageError):  # who may only read still finds everything, only later
            if self._is_far_behind():
                self.bring_index_nearer()
        with self.translated(), self._looks.connect() as connection:
            return search.search(connection, wanted)

    def bring_index_nearer(self) -> None:
        """Add the next ten thousand rows of the ledger to what searching goes by. Raises StorageError."""
        with self.transaction() as transaction:
            mentions.bring_nearer(transaction.connection)

    def _is_far_behind(self) -> bool:
        with self.reading() as reading:
            return reading.head()[0] - mentions.reached(reading.connection) > mentions.FAR

    def verify(self, rows: Collection[int] = ()) -> Chain:
        """Recompute the chain over the stored bytes, and return the hashes of these rows beside."""
        with self.translated(), self._looks.connect() as connection:
            return ledger.verify(connection, rows)

    def audit(self) -> tuple[Damage, ...]:
        """Recompute chain and records from the ledger and return what does not fit."""
        with self.translated(), self._looks.connect() as connection:
            return ledger.verify(connection).damage or tuple(rebuild.compare(connection))

    def compare(self) -> tuple[Damage, ...]:
        """Fold the ledger into records once more and return those that differ from the live ones."""
        with self.translated(), self._looks.connect() as connection:
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

    @contextmanager
    def presence(self, holder: str) -> Iterator[Presence]:
        """Be there under this name, for as long as the context lasts and the session is assured."""
        is_shared = self._engine.dialect.name == "postgresql"
        session = lease.Session(self._engine, holder) if is_shared else lease.Nobody()
        try:
            yield _Assured(session, self)
        finally:
            session.close()

    def watch(self) -> Watch:
        """Return what tells whether another connection has changed something."""
        with self.translated():
            return _Watched(watch(self._engine), self)

    def serves(self) -> str:
        """Return the first commit of the governance repository that this store serves; empty for none yet."""
        with self.reading() as reading:
            return str(reading.connection.execute(_SERVED).scalar() or "")

    def serve(self, commit: str) -> str:
        """Serve the repository that begins with this commit, unless it is another one's; return the one it serves."""
        with self.transaction() as transaction:
            known = transaction.connection.execute(_SERVED).scalar()
            if known is None:
                transaction.connection.execute(insert(about).values(key=_REPOSITORY, value=commit))
            return str(known or commit)

    def due(self) -> tuple[Due, ...]:
        """Return the outbox."""
        with self.reading() as reading:
            rows = reading.connection.execute(select(outbox).order_by(outbox.c.key))
            return tuple(Due(r.key, r.kind, from_text(dict[str, Any], r.doc), r.attempts) for r in rows)

    def close(self) -> None:
        """Let go of files and connections."""
        self._engine.dispose()

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Tell what the database says in our own errors."""
        try:
            yield
        except DBAPIError as error:
            raise self._failed(error, str(error.orig)) from error
        except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
            raise self._failed(error, str(error)) from error

    def _failed(self, error: Exception, cause: str) -> StorageError:
        first = cause.strip().partition("\n")[0]
        is_lost = isinstance(error, OperationalError | InterfaceError)
        kind = StoreLostError if is_lost else StorageError
        if self._engine.dialect.name != "postgresql":
            if is_read_only(cause):
                self._engine.dispose()  # what SQLite opened for reading never writes again
            return kind(f"the store failed: {first}", hint=cure(cause))
        from lampway.storage import postgres

        return kind(f"the store failed: {first}", hint=postgres.cure(error))


class _Assured:
    """A presence that speaks our errors."""

    def __init__(self, session: lease.Session | lease.Nobody, store: SqlStore) -> None:
        self._session = session
        self._store = store

    def assure(self) -> None:
        """See to it that we are seen. Raises StorageError."""
        with self._store.translated():
            self._session.assure()


class _Watched:
    """A watch that speaks our errors."""

    def __init__(self, watching: Watch, store: SqlStore) -> None:
        self._watching = watching
        self._store = store

    def changed(self) -> bool:
        """Return whether anything may have changed since it was last asked. Raises StorageError."""
        with self._store.translated():
            return self._watching.changed()

    def close(self) -> None:
        """Let go of it."""
        self._watching.close()


class SqlReading(OperationRows):
    """Implements the reading port over one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._known: dict[Any, Any] = {}
        """What was read already: nothing changes under a look but by itself, and many judgements ask the same."""

    def head(self) -> tuple[int, str]:
        """Return number and hash of the ledger's newest row."""
        return ledger.head(self.connection)

    def newest(self, kind: str, limit: int = 1) -> tuple[Recorded, ...]:
        """Return the newest events of a kind, newest first."""
        return ledger.newest(self.connection, kind, limit)

    def get(self, kind: type[T], key: str) -> T | None:
        """Return the record under this key, or None."""
        asked = (kind, key)
        if asked not in self._known:
            row = _GET[kind].run(self.connection, {"wanted": key}).fetchone()
            where = f"{kind.__name__.lower()} {key}"
            self._known[asked] = None if row is None else from_text(kind, row[0], where=where)
        found: T | None = self._known[asked]
        return found

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
        shape = (bool(solution), bool(environment), len(states), newest_first, bool(limit))
        asked = (kind, shape, solution, environment, tuple(states), limit)
        if asked not in self._known:
            given = {"of": solution, "there": environment, "most": limit}
            given.update({f"state{number}": str(state) for number, state in enumerate(states)})
            where = f"{kind.__name__.lower()} records"
            rows = _search(kind, shape).run(self.connection, given)  # type: ignore[arg-type] # a class is hashable
            self._known[asked] = tuple(from_text(kind, row[0], where=where) for row in rows)
        found: tuple[T, ...] = self._known[asked]
        return found

    def require_fence(self, environment: str, fence: int) -> None:
        """Go on only if this fence still holds the environment. Raises StorageError."""
        row = _FENCE.run(self.connection, {"here": environment}).fetchone()
        if row is None or row[0] != fence:
            raise TakenOverError(f"another process took over the deployments in {environment}", hint="lampway status")


@functools.cache
def _search(kind: Any, shape: tuple[bool, bool, int, bool, bool]) -> Quick:
    """Return the statement that looks for records by these filters: so many states among them."""
    solution, environment, states, newest_first, limit = shape
    table = records[kind]
    query = select(table.c.doc).order_by(table.c.first.desc() if newest_first else table.c.first)
    if solution:
        query = query.where(table.c.solution == bindparam("of"))
    if environment:
        query = query.where(table.c.environment == bindparam("there"))
    if states:
        query = query.where(or_(*(table.c.state == bindparam(f"state{number}") for number in range(states))))
    return Quick(query.limit(bindparam("most")) if limit else query)


class SqlTransaction(OperationChanges, SqlReading):
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
        """Return the findings of what still is to be seen there."""
        return self.find(DriftFinding, environment=environment, solution=solution, states=STILL_THERE)

    def put(self, key: str, record: object) -> None:
        """Keep the record in place of the one under this key."""
        self._known.clear()
        kind = type(record)
        values = {name: str(getattr(record, name, "")) for name in _COLUMNS}
        values["doc"] = to_text(record)
        changed = _CHANGE[kind].run(self.connection, {"wanted": key, **values}).rowcount
        if not changed:
            _ADD[kind].run(self.connection, {"key": key, "first": self._seq, **values})

    def delete(self, kind: type, key: str) -> None:
        """Forget the record, if there is one."""
        self._known.clear()
        table = records[kind]
        self.connection.execute(delete(table).where(table.c.key == key))

    def take_lease(self, environment: str, holder: str) -> int:
        """Take the environment over and return the new fence. Raises TakenOverError where its holder lives."""
        return lease.take(self.connection, environment, holder)

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

    def forget(self, key: str) -> bool:
        """Take something out of the outbox. Returns whether it was still there."""
        return bool(self.connection.execute(delete(outbox).where(outbox.c.key == key)).rowcount)


def open_store(url: str, clock: Clock) -> SqlStore:
    """Open the store at `sqlite:///PATH` or `postgresql://...`. Raises UsageError for another URL, StorageError.

    Nothing of the URL is told: it may hold a password.
    """
    try:
        place = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError("not the address of a store", hint=_ADDRESSES) from None
    match place.get_backend_name():
        case "sqlite" if place.database:
            return open_sqlite(Path(place.database), clock)
        case "postgresql" | "postgres":
            from lampway.storage import postgres

            return SqlStore(postgres.connect_engine(place), clock)
        case other:
            raise UsageError(f"not the address of a store: it begins with {other}", hint=_ADDRESSES)


def open_sqlite(path: Path, clock: Clock) -> SqlStore:
    """Open the store in this file, creating it readable by its owner only. Raises StorageError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600, exist_ok=True)
    except OSError as error:
        hint = "make the folder .lampway writable, and see that there is room"
        raise StorageError(f"cannot open the store: {error.strerror}", where=str(path), hint=hint) from error
    return SqlStore(_sqlite_engine(f"sqlite:///{path}", max_overflow=-1), clock)


def open_memory(clock: Clock) -> SqlStore:
    """Open a store that lives and dies with this process."""
    return SqlStore(_sqlite_engine("sqlite://", poolclass=StaticPool), clock)
