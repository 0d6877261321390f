"""Commands for workers: run one, see which there are."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Annotated

from cyclopts import Parameter

from lampway.app import find_root, open_worker
from lampway.cli.output import emit, note, paint, say, table, when
from lampway.cli.path import Json
from lampway.cli.session import session, working_folder
from lampway.domain import events
from lampway.engine.describe import describe, name_subjects
from lampway.engine.workers import ShowWorkers, WorkerView
from lampway.errors import UsageError

_MOST = 512
_QUIET = (
    events.StepStarted,
    events.AttestationRecorded,
    events.EvidenceRecorded,
    events.EnvironmentObserved,
    events.Installed,
)


def worker(
    *,
    lanes: str = "",
    once: Annotated[bool, Parameter(negative="")] = False,
    at_once: int = 64,
    metrics: str = "",
) -> int:
    """Carry out whatever may start, and do what is due by the clock, until asked to end.

    Ctrl-C or SIGTERM ends it once the steps under way have ended; a second one ends it at once.

    Parameters
    ----------
    lanes
        The environments to work on, with commas between them; every one if left out.
    once
        Do what can be done now, and end.
    at_once
        In how many environments at the same time, at most.
    metrics
        HOST:PORT where Prometheus may scrape /metrics, such as 127.0.0.1:9464.
    """
    names = tuple(name.strip() for name in lanes.split(",") if name.strip())
    if not 1 <= at_once <= _MOST:
        raise UsageError(f"--at-once must be from 1 to {_MOST}: {at_once}", hint="lampway worker --at-once 64")
    root = find_root(working_folder())
    log = Log()
    with open_worker(root, lanes=names, at_once=at_once, observers=(log,), say=_line, metrics=metrics) as opened:
        log.name_of = opened.name_of
        with _signals(opened.leave):
            if once:
                opened.once()
                return 0
            _line(f"worker for {', '.join(names) or 'every environment'}; Ctrl-C ends it")
            opened.run()
        _line("worker has left; what it did not end goes on with the next one")
    return 0


class Log:
    """An observer of the ledger that writes a line for what a worker does, with the environment's name in it."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self.name_of: Callable[[str], str] = str
        """Returns what the id of a promotion or a deployment stands for."""

    def __call__(self, recorded: events.Recorded) -> None:
        """Print the line for one event, if it is worth one."""
        event = recorded.event
        name_subjects(event, self._names)
        for key in (getattr(event, "promotion", ""), getattr(event, "deployment", "")):
            if isinstance(key, str) and key and key not in self._names:
                self._names[key] = self.name_of(key)
        if not isinstance(event, _QUIET):
            note(f"{recorded.at[11:19]} {describe(event, self._names)}")


def _line(text: str) -> None:
    note(f"lampway: {text}")


@contextmanager
def _signals(leave: Callable[[], None]) -> Iterator[None]:
    """Leave at the first signal to end; die at the second, as by kill -9."""
    asked: list[int] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        del frame
        if asked:
            os._exit(128 + number)
        asked.append(number)
        leave()

    before = {number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def workers(*, json: Json = False) -> int:
    """Show which workers there are, and whether they live. Exits with 1 when none does.

    Parameters
    ----------
    json
        Print the facts as JSON.
    """
    with session() as opened:
        found = opened.run(ShowWorkers())
    if json:
        emit(found)
    elif found:
        rows = [[w.name, ", ".join(w.lanes) or "all", when(w.started_at), _state(w)] for w in found]
        table(rows, ["worker", "environments", "since", "state"])
    else:
        say("no worker is there: lampway worker")
    return 0 if any(w.alive for w in found) else 1


def _state(seen: WorkerView) -> str:
    if seen.alive:
        return paint(f"alive, seen {seen.seconds:.0f} s ago", "32")
    return paint(f"dead, last seen {when(seen.seen_at)}", "31")


def worker_line(found: Sequence[WorkerView]) -> str:
    """Return in a line which workers live."""
    alive = [f"{w.name} ({', '.join(w.lanes) or 'all'})" for w in found if w.alive]
    if alive:
        return f"working: {', '.join(alive)}"
    dead = max(found, key=lambda w: w.seen_at, default=None)
    last = f"; the last one, {dead.name}, was seen {when(dead.seen_at)}" if dead else ""
    return f"no worker is alive{last}"
