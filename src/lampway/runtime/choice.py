"""Choosing the runtime by where the state is: in a file on this machine, or in a Postgres that many machines share."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lampway.engine.context import Engine
from lampway.engine.ports import Runtime
from lampway.runtime.worker import Duty, Hands, Lanes, Worker

Said = Callable[[str], None]
"""Told what ails a worker, in words."""


def shared_address(state: str) -> str:
    """Return the address of a store that several machines share, as its driver wants it; empty for any other."""
    scheme, _, rest = state.partition("://")
    return f"postgresql://{rest}" if scheme.partition("+")[0] in {"postgres", "postgresql"} else ""


def _beside(state: str, folder: Path) -> Path:
    """Return the folder in which processes meet: beside the file of the state, wherever that was put."""
    path = state.removeprefix("sqlite:///") if state.startswith("sqlite:///") else ""
    return Path(path).absolute().parent if path else folder


@contextmanager
def open_runtime(state: str, folder: Path, engine: Engine) -> Iterator[tuple[Runtime, bool]]:
    """Open the runtime for commands, and say whether the work is done elsewhere. Raises StorageError."""
    if not (address := shared_address(state)):
        from lampway.runtime.embedded import EmbeddedRuntime

        yield EmbeddedRuntime(_beside(state, folder)), False
        return
    from lampway.runtime.queue import Queue, SharedRuntime

    queue = Queue(address)
    try:
        yield SharedRuntime(queue, engine), True
    finally:
        queue.close()


@contextmanager
def open_worker(
    engine: Engine, state: str, folder: Path, *, lanes: tuple[str, ...], at_once: int, say: Said
) -> Iterator[Worker]:
    """Open a worker on this engine, which it alone uses. Raises StorageError."""
    from lampway.runtime.timetable import CronCalendar

    leaving = threading.Event()
    with _open_hands(state, folder, lanes, at_once, say) as (ways, hands):
        yield Worker(
            replace(engine, is_leaving=leaving.is_set),
            Duty(engine.holder, lanes),
            lanes=ways,
            hands=hands,
            calendar=CronCalendar(),
            leaving=leaving,
            say=say,
        )


@contextmanager
def _open_hands(
    state: str, folder: Path, lanes: tuple[str, ...], at_once: int, say: Said
) -> Iterator[tuple[Lanes, Hands]]:
    if not (address := shared_address(state)):
        from lampway.runtime.embedded import EmbeddedRuntime
        from lampway.runtime.worker import Threads

        yield EmbeddedRuntime(_beside(state, folder)), Threads(at_once)
        return
    from lampway.runtime.queue import Queue, QueueHands, SharedLanes

    queue = Queue(address)
    try:
        yield SharedLanes(), QueueHands(address, queue, lanes=lanes, at_once=at_once, say=say)
    finally:
        queue.close()
