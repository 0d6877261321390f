"""Kill engines: `python -m chaos [--kills N] [--production N] [--seed S]`. Tables on the screen, JSON in chaos/results.

Exits with 1 where anything was lost, done twice or damaged; each such story is named with the seed that plays it
again: `make chaos SEED=S/WAY/NUMBER`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.table import Table

from chaos.life import WAYS, Told, Way, tell, warm_up
from chaos.nodered import kill_on_nodered
from chaos.postgres import kill_on_postgres
from chaos.town import ALONE, Town, build

_SHARES = {"points": 0.35, "times": 0.2, "troubled": 0.25, "blind": 0.1, "zombies": 0.1}
"""Which part of the kills each way of dying gets."""
RESULTS = Path(__file__).parent / "results"


def main(words: Sequence[str]) -> int:
    """Kill as often as asked for and return the exit code."""
    asked = _parser().parse_args(words)
    os.environ.update(ALONE)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="lampway-chaos-", dir=_memory(), ignore_cleanup_errors=True) as folder:
        told = _play(asked, Path(folder))
    took = time.monotonic() - began
    for table in tables(told):
        print(f"\n{table.text()}")
    kills = sum(t.kills for t in told)
    print(f"\n  {kills} kills in {len(told)} stories, {took:.0f} s, {kills / took:.1f} kills/s; seed {asked.seed}")
    _write(told, asked, took)
    faults = [t for t in told if t.faults]
    for one in faults:
        print(f"\n  make chaos SEED={asked.seed.partition('/')[0]}/{one.how}/{one.number}  ({one.story})")
        for fault in one.faults[:5]:
            print(f"    {fault}")
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=10_000, help="at scaled timings")
    parser.add_argument("--production", type=int, default=200, help="at production timings, on the disk")
    parser.add_argument("--nodered", type=int, default=100, help="on real Node-REDs")
    parser.add_argument("--postgres", type=int, default=200, help="on Postgres, four engines at once")
    parser.add_argument("--seed", default="1", help="SEED for everything, SEED/WAY/NUMBER for one story")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser


def _memory() -> str | None:
    """Return a folder in memory where there is one: a killed process loses nothing there that a disk would keep."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _play(asked: argparse.Namespace, folder: Path) -> list[Told]:
    _alone(lambda: build(folder / "town"))
    template = Town(folder / "town")
    warm_up(template, folder / "warm")
    seed, *one = asked.seed.split("/")
    if one:
        return [tell(template, seed, int(one[1]), WAYS[one[0]], folder / "story")]
    told: list[Told] = []
    for name, share in _SHARES.items():
        told += _share(template, seed, WAYS[name], round(asked.kills * share), asked.jobs, folder)
    if asked.production:
        with tempfile.TemporaryDirectory(prefix="lampway-chaos-", ignore_cleanup_errors=True) as disk:
            told += _share(template, seed, WAYS["production"], asked.production, asked.jobs * 4, Path(disk))
    if asked.postgres:
        told += kill_on_postgres(seed, asked.postgres, template, folder)
        print(f"Postgres: {sum(t.kills for t in told if t.how.startswith('Postgres'))} kills", flush=True)
    if asked.nodered:
        with tempfile.TemporaryDirectory(prefix="lampway-chaos-", ignore_cleanup_errors=True) as disk:
            told.append(kill_on_nodered(seed, asked.nodered, Path(disk)))
        print(f"real Node-RED: {told[-1].kills} kills, {len(told[-1].faults)} faults", flush=True)
    return told


def _share(template: Town, seed: str, way: Way, kills: int, jobs: int, folder: Path) -> list[Told]:
    """Play stories in several processes until so many processes were killed."""
    files = [folder / f"{way.name}-{job}.jsonl" for job in range(jobs)]
    quota = -(-kills // jobs)

    def work(job: int) -> None:
        done, number = 0, job
        with files[job].open("w", encoding="utf-8") as out:
            while done < quota:
                told = tell(template, seed, number, way, folder / f"{way.name}-{number}")
                done, number = done + max(told.kills, told.zombies, 1), number + jobs
                out.write(json.dumps(asdict(told)) + "\n")
                out.flush()

    workers = [_begin(lambda job=job: work(job)) for job in range(jobs)]
    ends = [os.waitpid(worker, 0)[1] for worker in workers]
    if any(ends):
        raise AssertionError("a process that kills others died itself")
    found = [Told(**json.loads(line)) for file in files for line in file.read_text().splitlines()]
    print(f"{way.name}: {sum(t.kills for t in found)} kills, {sum(bool(t.faults) for t in found)} faults", flush=True)
    return found


def _begin(work: Callable[[], object]) -> int:
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nobody above would show it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    raise AssertionError


def _alone(work: Callable[[], object]) -> None:
    """Do something in a process of its own, so that none of its threads and files stay here."""
    if os.waitpid(_begin(work), 0)[1]:
        raise AssertionError("the town could not be built")


def tables(told: Sequence[Told]) -> Iterator[Table]:
    """Yield what became of everything: by way of dying, and by place."""
    rows: list[tuple[str | int | float, ...]] = []
    ways = dict.fromkeys(t.how for t in told)
    rows += [(way, *_row([t for t in told if t.how == way])) for way in ways]
    if len(ways) > 1:
        rows.append(("all", *_row(told)))
    columns = ("way of dying", "stories", "kills", "stopped", "fenced off", "deployments", "units applied")
    columns += ("recovered", "by a person", "lost", "twice", "interleaved", "damaged")
    yield Table("engines killed, and what became of it", columns, rows)
    points: Counter[str] = Counter()
    for one in told:
        points.update(one.points)
    named = [count for name, count in points.items() if name != "anywhere"]
    fewest = min(named, default=0)
    yield Table(
        "where they died",
        ("place", "kills"),
        [
            ("anywhere, by the clock", points["anywhere"]),
            (f"at {len(named)} different crash points", sum(named)),
            ("at the one that was met least often", fewest),
        ],
    )


def _row(told: Sequence[Told]) -> tuple[int, ...]:
    def faults(kind: str) -> int:
        return sum(f.startswith(kind) for t in told for f in t.faults)

    def count(name: str) -> int:
        return sum(t.counts.get(name, 0) for t in told)

    return (
        len(told),
        sum(t.kills for t in told),
        sum(t.zombies for t in told),
        sum(t.fenced for t in told),
        count("deployments"),
        count("units"),
        count("recovered"),
        count("reconciled"),
        *(faults(kind) for kind in ("lost", "twice", "interleaved", "damage")),
    )


def _write(told: Sequence[Told], asked: argparse.Namespace, took: float) -> None:
    RESULTS.mkdir(exist_ok=True)
    points: Counter[str] = Counter()
    for one in told:
        points.update(one.points)
    found: dict[str, Any] = {
        "seed": asked.seed,
        "seconds": round(took, 1),
        "tables": [table.plain() for table in tables(told)],
        "points": dict(sorted(points.items())),
        "faults": [asdict(one) for one in told if one.faults],
    }
    (RESULTS / "chaos.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
