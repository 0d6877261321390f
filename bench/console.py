"""The console under load: 1,000 solutions in 6 environments with three years behind them, 50 pages a second.

The pages are asked for by a clock that waits for nobody: each is timed from the moment at which it was due, so that a
slow server is seen as one. Three of four are matrix pages, nearly all others searches in it; one of a hundred searches
the whole ledger. Server and asker share the machine. `LAMPWAY_BENCH_SOAK=600` asks for ten minutes; else it
is forty seconds. First on SQLite, then on a private Postgres.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path

import httpx
import uvicorn
from sqlalchemy import insert

from bench.readiness import _engine
from bench.records import AT, CONFIGURATION, promotion_events, release
from bench.stores import postgres
from bench.table import Report, Table
from lampway.app import SystemClock
from lampway.domain.events import ENGINE, Adopted, Event, Recorded, ReleaseSealed, StrategyApplied
from lampway.domain.strategy import Environment, GateRule, Person, Pipeline, Solution, Stage, Strategy, Tier
from lampway.engine.context import Engine
from lampway.storage.codec import to_text
from lampway.storage.ledger import link
from lampway.storage.schema import ledger
from lampway.storage.sql import SqlStore, open_store
from lampway.web.api import build_api
from lampway.web.visits import make_code

ROOT = Path(__file__).parents[1]
_SOLUTIONS = 1_000
_RELEASES = 6
"""Of each solution, all of which went to the end of the path: two a year."""
_STAGES = ("test", "uat", "stage", "trial", "canary", "prod")
_RATE = 50
_SECONDS = int(os.environ.get("LAMPWAY_BENCH_SOAK", "40"))
_WARM_UP = 5
_JUDGED = 300
"""Seconds of load from which on growth of the server is judged: before, it is still warming up."""
_GROWTH = 0.05
"""What the server may grow from the second quarter of the time to the last."""
_TARGETS = {"matrix": 300, "search": 500, "ledger": 500}
"""Milliseconds, of the slowest of twenty."""


def run(folder: Path) -> Report:
    """Fill a store of each kind, serve it from a process of its own, and ask."""
    with postgres() as url:
        stores = {"SQLite": f"sqlite:///{folder / 'lampway.db'}", "Postgres": url}
        reports = [_measure(folder, name, url) for name, url in stores.items()]
    tables, samples, notes = zip(*((r.tables, r.samples, r.notes) for r in reports), strict=True)
    joined = {
        f"{name} {what}": taken for name, told in zip(stores, samples, strict=True) for what, taken in told.items()
    }
    return Report(tuple(chain(*tables)), joined, tuple(chain(*notes)))


def _measure(folder: Path, kind: str, url: str) -> Report:
    store = open_store(url, SystemClock())
    rows = _fill(store)
    code = make_code(_serving(folder, store), "ada", "bench")
    store.close()
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "bench.console", str(folder), str(port), url], cwd=ROOT)
    try:
        samples, memory = asyncio.run(_load(f"http://127.0.0.1:{port}", code, server.pid))
    finally:
        server.terminate()
        server.wait()
    table = Table(
        f"{kind}: {_RATE} pages a second for {_SECONDS} s, {_SOLUTIONS} solutions in {len(_STAGES)} environments",
        ("page", "asked", "median ms", "p95 ms", "p99 ms", "slowest ms", "target, ms"),
        [(name, len(taken), *_shares(taken), _met(name, taken)) for name, taken in samples.items()],
    )
    parts = [statistics.mean(part) for part in _quarters(memory)]
    held = f"the server holds, by quarters of the time, {', '.join(f'{m:.0f}' for m in parts)} MB"
    note = f"{kind}: {rows:,} events; {held}; {_flat(parts)}"
    return Report((table,), {**samples, "memory": memory}, (note,))


def _flat(parts: list[float]) -> str:
    """Judge the growth once the server is warm, and long enough for growth to show."""
    if _SECONDS < _JUDGED:
        return f"whether it grows shows in {_JUDGED} s or more"
    grown = parts[-1] / parts[1] - 1
    verdict = "met" if grown < _GROWTH else "NOT MET"
    return f"from the second quarter to the last {grown:+.1%}, to be below {_GROWTH:.0%}: {verdict}"


def _quarters(memory: list[float]) -> Iterator[list[float]]:
    size = max(1, len(memory) // 4)
    return (memory[start : start + size] for start in range(0, 4 * size, size) if memory[start : start + size])


def _shares(taken: list[float]) -> tuple[float, float, float, float]:
    cuts = statistics.quantiles(taken, n=100)
    return statistics.median(taken) * 1e3, cuts[94] * 1e3, cuts[98] * 1e3, max(taken) * 1e3


def _met(name: str, taken: list[float]) -> str:
    slow = _shares(taken)[1]
    return f"p95 < {_TARGETS[name]}: {'met' if slow < _TARGETS[name] else 'NOT MET'}"


async def _load(url: str, code: str, server: int) -> tuple[dict[str, list[float]], list[float]]:
    samples: dict[str, list[float]] = {name: [] for name in _TARGETS}
    memory: list[float] = []
    async with httpx.AsyncClient(base_url=url, timeout=60, limits=httpx.Limits(max_connections=200)) as client:
        await _until_up(client)
        await client.post("/sign-in", data={"code": code})

        async def ask(name: str, path: str, due: float, *, counts: bool) -> None:
            told = await client.get(path)
            took = time.perf_counter() - due
            if told.status_code != 200 or "</html>" not in told.text:
                raise AssertionError(f"{path}: {told.status_code}")
            if counts:
                samples[name].append(took)

        asked, began = [], time.perf_counter()
        for number, (name, path) in enumerate(itertools.islice(_pages(), _RATE * (_SECONDS + _WARM_UP))):
            due = began + number / _RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            asked.append(asyncio.create_task(ask(name, path, due, counts=number >= _RATE * _WARM_UP)))
            if number % _RATE == 0 and number >= _RATE * _WARM_UP:
                memory.append(_resident(server))
        await asyncio.gather(*asked)
    return samples, memory


async def _until_up(client: httpx.AsyncClient) -> None:
    for _ in range(600):
        try:
            await client.get("/healthz")
        except httpx.TransportError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the server does not answer")


def _pages() -> Iterator[tuple[str, str]]:
    """Yield what people ask for: mostly the matrix, sometimes for something."""
    for number in itertools.count():
        if number % 100 == 99:
            yield "ledger", f"/audit?solution=solution-{number % _SOLUTIONS}"
        elif number % 10 in {3, 6}:
            yield "search", f"/?q=solution-{number % _SOLUTIONS}"
        else:
            yield "matrix", f"/?from={number * 100 % _SOLUTIONS}"


def _resident(process: int) -> float:
    """Return the memory that a process holds, in MB; 0 where that cannot be told."""
    status = Path(f"/proc/{process}/status")
    found = re.search(r"VmRSS:\s+(\d+)", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0


def _fill(store: SqlStore) -> int:
    seq = 0
    with store.transaction() as transaction:
        for seq, event in enumerate(_events(), 1):
            transaction.fold(Recorded(seq, AT, ENGINE, event, ""))
        rows = _rows()
        while some := list(itertools.islice(rows, 1_000)):
            transaction.connection.execute(insert(ledger), some)
    for _ in range(0, seq, 10_000):
        store.bring_index_nearer()  # as searching does while a ledger grows
    return seq


def _events() -> Iterator[Event]:
    yield StrategyApplied("", _strategy(), "digest", (), ())
    for number in range(_SOLUTIONS * _RELEASES):
        yield from promotion_events(number, solutions=_SOLUTIONS)
    for number in range(_SOLUTIONS):
        made = release(f"solution-{number}", _RELEASES)
        yield ReleaseSealed(made, made.digest)
        for stage in _STAGES[:-1]:
            yield Adopted(made.solution, stage, made.version, made.digest, made.package.digest, CONFIGURATION)


def _rows() -> Iterator[dict[str, object]]:
    actor, prev = to_text(ENGINE), "sha256:" + "0" * 64
    for seq, event in enumerate(_events(), 1):
        body = to_text(event)
        new = link(prev, seq, AT, (event.kind, event.schema), (actor, body))
        yield dict(zip(ledger.c.keys(), (seq, AT, event.kind, event.schema, actor, body, prev, new), strict=True))
        prev = new


def _strategy() -> Strategy:
    places = ("dev", *_STAGES)
    return Strategy(
        team="Back office",
        next_review="2027-01-01",
        tiers=tuple(Tier(name, locked=name == "prod") for name in places),
        environments=tuple(Environment(n, n, "node-red", f"https://{n}.example.org", data="masked") for n in places),
        pipelines=(Pipeline("standard", "dev", tuple(Stage(n, n, (GateRule("findings"),)) for n in _STAGES)),),
        people=(Person("ada", "Ada", ("ada@example.org",), ("maker",)),),
        roles=("maker",),
        solutions=tuple(Solution(f"solution-{n}", "standard", "ada", ("Orders",)) for n in range(_SOLUTIONS)),
    )


def _serving(folder: Path, store: SqlStore) -> Engine:
    return replace(_engine(store, folder), clock=SystemClock())


def _serve(folder: Path, port: int, url: str) -> None:
    store = open_store(url, SystemClock())
    uvicorn.run(
        build_api(folder, _serving(folder, store)),
        port=port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=120,
    )


if __name__ == "__main__":
    _serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
