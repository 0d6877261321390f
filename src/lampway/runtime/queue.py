"""The shared runtime: workers on many machines, woken by a queue in Postgres (Procrastinate).

A job only says *drain environment E*. What is done there, and in which order, the ledger says; whether it may be done
by whoever took the job, the lease says. A job that is lost, doubled or taken twice changes nothing but the time.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from lampway.engine.context import Engine
from lampway.engine.workers import workers
from lampway.errors import StorageError, StoreLostError, TakenOverError

if TYPE_CHECKING:
    from procrastinate import App

_TASK = "lampway.drain"
_PREPARE = "SELECT pg_advisory_xact_lock(7201370143)"
_IS_THERE = "SELECT to_regclass('procrastinate_jobs') IS NOT NULL"
_PENDING = "SELECT DISTINCT lock FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND lock IS NOT NULL"
_OURS = "SELECT id, lock FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %s"
_END = (
    "SELECT procrastinate_finish_job_v1(id, 'aborted', true) FROM procrastinate_jobs"
    " WHERE lock = %s AND status = 'doing'"
)
_LOOK = 0.05
_BEAT = 3.0
_POLL = 0.3
"""Seconds; a notification that arrives while jobs are being fetched is not heard."""
_DEAD = 12.0
_HINT = "is Postgres running at the address in LAMPWAY_STATE?"


class Queue:
    """Asks for environments to be drained, by whichever worker is free. To be used from any thread."""

    def __init__(self, url: str) -> None:
        try:
            from procrastinate import App, SyncPsycopgConnector
        except ImportError as error:
            hint = "pip install 'lampway[postgres]'"
            raise StorageError("the queue for Postgres is not installed", hint=hint) from error
        self._url = url
        self._app = App(connector=SyncPsycopgConnector(conninfo=url, min_size=1, max_size=2, timeout=10.0))
        with _translated():
            _prepare(url)
            self._app.open()

    def ask(self, environment: str) -> None:
        """Put a job for an environment into the queue, unless one waits there already. Raises StorageError."""
        from procrastinate.exceptions import AlreadyEnqueued

        job = self._app.configure_task(
            _TASK, lock=environment, queueing_lock=environment, queue=environment, allow_unknown=True
        )
        with _translated(), suppress(AlreadyEnqueued):
            job.defer(environment=environment)

    def renew(self, environment: str) -> None:
        """Put a new job in place of the one under way, whose worker has gone. Raises StorageError."""
        import psycopg

        with _translated(), psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(_END, (environment,))
        self.ask(environment)

    def pending(self) -> frozenset[str]:
        """Return the environments with a job that waits or is under way. Raises StorageError."""
        import psycopg

        with _translated(), psycopg.connect(self._url, autocommit=True) as connection:
            return frozenset(lock for (lock,) in connection.execute(_PENDING))

    def close(self) -> None:
        """Let go of the connections."""
        self._app.close()


def _prepare(url: str) -> None:
    """Create the queue's tables where there are none; of all that come at once, one does."""
    import psycopg
    from procrastinate.schema import SchemaManager

    with psycopg.connect(url) as connection:
        if connection.execute(_IS_THERE).fetchone() == (True,):
            return
        connection.execute(_PREPARE)
        if connection.execute(_IS_THERE).fetchone() != (True,):
            connection.execute(SchemaManager.get_schema())


@contextmanager
def _translated() -> Iterator[None]:
    import psycopg
    from procrastinate.exceptions import ConnectorException
    from psycopg_pool import PoolTimeout

    try:
        yield
    except (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout) as error:
        raise StoreLostError(f"the queue cannot be reached: {_first(error)}", hint=_HINT) from error
    except ConnectorException as error:
        cause = error.__cause__ or error
        kind = StoreLostError if isinstance(cause, psycopg.OperationalError | PoolTimeout) else StorageError
        raise kind(f"the queue failed: {_first(cause)}", hint=_HINT) from error
    except psycopg.Error as error:
        raise StorageError(f"the queue failed: {_first(error)}") from error


def _first(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


class SharedRuntime:
    """Implements the runtime port for commands: the work is done by workers, and watched from here."""

    def __init__(self, queue: Queue, engine: Engine, *, patience: float = 3600.0) -> None:
        self._queue = queue
        self._engine = engine
        self._patience = patience

    def settle(self, environments: Sequence[str], drain: Callable[[str], object]) -> None:
        """Ask for each environment, and watch until workers are done there.

        Returns at once where no worker is alive for it: what was asked for waits in the queue. Raises StorageError.
        """
        del drain  # it is run elsewhere
        with self._engine.store.reading() as reading:
            seen = reading.head()[0]
        for environment in environments:
            self._queue.ask(environment)
        end = time.monotonic() + self._patience
        waiting = self._served(environments)
        while waiting and time.monotonic() < end:
            time.sleep(_LOOK)
            seen = self._tell(seen)
            waiting = self._served([e for e in waiting if e in self._queue.pending()])
        self._tell(seen)

    def _served(self, environments: Sequence[str]) -> tuple[str, ...]:
        with self._engine.store.reading() as reading:
            alive = workers(reading)
        return tuple(e for e in environments if any(w.serves(e) for w in alive))

    def _tell(self, seen: int) -> int:
        """Tell our observers what workers recorded meanwhile."""
        for recorded in self._engine.store.events(seen):
            self._engine.tell([recorded])
            seen = recorded.seq
        return seen


class SharedLanes:
    """Lets one thread of this process at a time work in an environment; other processes are kept out by the lease."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._guard = threading.Lock()

    @contextmanager
    def lane(self, environment: str) -> Iterator[None]:
        """Be the only thread there. Raises TakenOverError when another one is."""
        with self._guard:
            lock = self._locks[environment]
        if not lock.acquire(blocking=False):
            raise TakenOverError(f"this worker is at work in {environment} already")
        try:
            yield
        finally:
            lock.release()


class QueueHands:
    """Hands that take jobs from the queue: a job that any worker asked for is done by whichever is free."""

    def __init__(
        self, url: str, queue: Queue, *, lanes: Sequence[str], at_once: int, say: Callable[[str], None]
    ) -> None:
        self._url = url
        self._queue = queue
        self._lanes = tuple(lanes)
        self._at_once = at_once
        self._say = say
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="lane")
        self._closing = threading.Event()
        self._under_way: set[int] = set()
        self._tend: Callable[[str], None] = lambda _: None
        self._worker: Any = None
        self._thread = threading.Thread(target=self._run, name="queue")

    def open(self, tend: Callable[[str], None]) -> None:
        """Begin to take jobs."""
        self._tend = tend
        for name in ("procrastinate", "psycopg.pool", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what matters is told by us
        self._thread.start()

    def ask(self, environment: str) -> None:
        """Put a job into the queue, for whoever is free. Raises StorageError."""
        self._queue.ask(environment)

    def take_up(self, environment: str) -> None:
        """Put a new job in place of the one that the dead had taken. Raises StorageError."""
        self._queue.renew(environment)

    def is_idle(self) -> bool:
        """Return whether no job for our environments is waiting or under way anywhere. Raises StorageError."""
        return not any(not self._lanes or place in self._lanes for place in self._queue.pending())

    def close(self) -> None:
        """Take no more jobs, and wait for those under way."""
        self._closing.set()
        worker = self._worker
        if worker is not None:
            worker.stop()
        self._thread.join()
        self._pool.shutdown()

    def _run(self) -> None:
        wait = 1.0
        while not self._closing.is_set():
            begun = time.monotonic()
            try:
                asyncio.run(self._serve())
            except Exception as error:  # noqa: BLE001 - the database went away; it is tried again until it is back
                self._say(f"the queue: {_first(error.__cause__ or error)}; trying again")
            wait = min(2 * wait, 15.0) if time.monotonic() - begun < 2 * wait else 1.0
            self._closing.wait(wait)

    async def _serve(self) -> None:
        from procrastinate import App, PsycopgConnector
        from procrastinate.worker import Worker as JobWorker

        app = App(connector=PsycopgConnector(conninfo=self._url, min_size=2, max_size=6, timeout=10.0))
        self._add_task(app)
        async with app.open_async():
            self._worker = JobWorker(
                app,
                queues=list(self._lanes) or None,
                concurrency=self._at_once,
                fetch_job_polling_interval=_POLL,
                delete_jobs="always",
                install_signal_handlers=False,
                update_heartbeat_interval=_BEAT,
                stalled_worker_timeout=_DEAD,
            )
            reaping = asyncio.create_task(self._reap(app))
            try:
                if not self._closing.is_set():
                    await self._worker.run()
            finally:
                reaping.cancel()
                self._worker = None

    def _add_task(self, app: App) -> None:
        @app.task(name=_TASK, pass_context=True)
        async def run(context: Any, environment: str) -> None:
            self._under_way.add(context.job.id)
            try:
                await asyncio.get_running_loop().run_in_executor(self._pool, self._tend, environment)
            finally:
                self._under_way.discard(context.job.id)

    async def _reap(self, app: App) -> None:
        """Give back what dead workers had taken, and what we did and could not say so for want of a connection."""
        import psycopg
        from procrastinate.exceptions import ConnectorException

        before: set[int] = set()
        while True:
            await asyncio.sleep(_BEAT)
            if self._closing.is_set() and self._worker is not None:
                self._worker.stop()  # it may have been starting when it was asked to
            with suppress(ConnectorException, psycopg.Error, StorageError):  # the queue tells what ails it
                for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD):
                    if job.id is not None:
                        await self._renew(app, job.id, job.lock or "")
                ended = await self._ended()
                for number in ended.keys() & before:
                    await self._renew(app, number, ended[number])
                before = set(ended)

    async def _renew(self, app: App, number: int, environment: str) -> None:
        """Put a new job in place of one that nobody will end. One may wait already: then there is nothing to add."""
        from procrastinate.exceptions import ConnectorException
        from procrastinate.jobs import Status

        with suppress(ConnectorException):  # another worker was faster
            await app.job_manager.finish_job_by_id_async(number, Status.ABORTED, delete_job=True)
        await asyncio.to_thread(self._queue.ask, environment)

    async def _ended(self) -> dict[int, str]:
        """Return jobs that are ours by the queue, though we are done with them, with their environments."""
        import psycopg

        ours = self._worker.worker_id if self._worker is not None else None
        async with await psycopg.AsyncConnection.connect(self._url, autocommit=True) as connection:
            found = await (await connection.execute(_OURS, (ours,))).fetchall()
        return {number: lock for number, lock in found if number not in self._under_way}
