"""Kill engines: `python -m chaos [--kills N] [--seed S] [--report FILE]`. Tables on the screen, JSON in chaos/results.

N processes are killed, no fewer. Exits with 1 where anything was lost, done twice or damaged; each such story is named
with the seed that plays it again: `make chaos SEED=S/WAY/NUMBER`.
"""

from __future__ import annotations

import argparse
import itertools
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

from chaos.disk import can_mount
from chaos.life import OUTSIDE, WAYS, Told, Way, tell, warm_up
from chaos.nodered import NODERED, kill_on_nodered
from chaos.postgres import open_database, tell_on_postgres
from chaos.town import ALONE, Town, build

_ON_POSTGRES = ("engines", "workers")
RESULTS = Path(__file__).parent / "results"


def main(words: Sequence[str]) -> int:
    """Kill as often as asked for and return the exit code."""
    parser = _parser()
    asked = parser.parse_args(words)
    _, *one = asked.seed.split("/")
    known = (*WAYS, *_ON_POSTGRES)
    if one and (len(one) != 2 or one[0] not in known or not one[1].isdigit()):
        parser.error(f"--seed is SEED or SEED/WAY/NUMBER, and WAY one of {', '.join(known)}: {asked.seed}")
    if not one and _rest(asked) < 0:
        parser.error("--production, --nodered and --postgres are part of --kills: they come to more")
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
        print(f"\n  make chaos SEED={_again(asked.seed, one)}  ({one.how}: {one.story})")
        for fault in one.faults[:5]:
            print(f"    {fault}")
    return 1 if faults else 0


def _again(seed: str, told: Told) -> str:
    """Return what plays a story again."""
    seed = seed.partition("/")[0]
    if told.how == NODERED:
        return f"{seed} CHAOS_ARGS='--kills {told.kills} --nodered {told.kills} --production 0 --postgres 0'"
    return f"{seed}/{told.how}/{told.number}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m chaos", description=__doc__)
    parser.add_argument("--kills", type=int, default=10_000, help="altogether")
    parser.add_argument("--production", type=int, default=200, help="of these at production timings, on the disk")
    parser.add_argument("--nodered", type=int, default=100, help="of these on real Node-REDs")
    parser.add_argument(
        "--postgres", type=int, default=1000, help="of these on Postgres: half of them engines, half of them workers"
    )
    parser.add_argument("--seed", default="1", help="SEED for everything, SEED/WAY/NUMBER for one story")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--report", type=Path, help="write what was found into this file as well, as JSON")
    return parser


def _rest(asked: argparse.Namespace) -> int:
    """Return how many kills are not bespoken."""
    return int(asked.kills - asked.production - asked.nodered - asked.postgres)


def _memory() -> str | None:
    """Return a folder in memory where there is one: a killed process loses nothing there that a disk would keep."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def _play(asked: argparse.Namespace, folder: Path) -> list[Told]:
    _alone(lambda: build(folder / "town"))
    template = Town(folder / "town")
    warm_up(template, folder / "warm")
    seed, *one = asked.seed.split("/")
    if one and one[0] in WAYS:
        return [tell(template, seed, int(one[1]), WAYS[one[0]], folder / "story")]
    if one:
        with open_database(seed, template, folder) as database:
            return [tell_on_postgres(database, template, seed, one[0], int(one[1]), folder / "story")]
    collect = _beside(lambda: _elsewhere(asked, template, folder), folder / "elsewhere.jsonl")
    told: list[Told] = []
    for way in WAYS.values():
        kills = asked.production if way.name == "production" else -(-_rest(asked) * way.share // 1)
        told += _killed(template, seed, way, int(kills), asked.jobs, folder)
    return [*told, *collect()]


def _elsewhere(asked: argparse.Namespace, template: Town, folder: Path) -> list[Told]:
    """Kill on Postgres and on real Node-REDs."""
    told: list[Told] = []
    for number, name in enumerate(_ON_POSTGRES if asked.postgres else ()):
        kills = (asked.postgres + number) // len(_ON_POSTGRES)
        told += _killed_on_postgres(template, asked.seed, name, kills, folder)
    if asked.nodered:
        with tempfile.TemporaryDirectory(prefix="lampway-chaos-", ignore_cleanup_errors=True) as disk:
            told.append(kill_on_nodered(asked.seed, asked.nodered, Path(disk)))
        _tell_of(NODERED, told[-1:])
    return told


def _beside(work: Callable[[], list[Told]], file: Path) -> Callable[[], list[Told]]:
    """Begin something that mostly waits in a process of its own; return what waits for it and tells what it found."""

    def keep() -> None:
        file.write_text("".join(json.dumps(asdict(one)) + "\n" for one in work()), encoding="utf-8")

    pid = _begin(keep)

    def collect() -> list[Told]:
        if os.waitpid(pid, 0)[1]:
            raise AssertionError("a process that kills others died itself")
        return [Told(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]

    return collect


def _killed(template: Town, seed: str, way: Way, kills: int, jobs: int, folder: Path) -> list[Told]:
    if way.on_small_disk and not can_mount():
        print(f"no disk can be mounted here: the {kills} kills on small ones go to crash points", flush=True)
        way = WAYS["points"]
        seed = f"{seed}+"
    if way.name != "production":
        return _share(template, seed, way, kills, jobs, folder)
    with tempfile.TemporaryDirectory(prefix="lampway-chaos-", ignore_cleanup_errors=True) as disk:
        return _share(template, seed, way, kills, jobs * 4, Path(disk))


def _share(template: Town, seed: str, way: Way, kills: int, jobs: int, folder: Path) -> list[Told]:
    """Play stories in several processes until so many processes were killed."""
    files = [folder / f"{way.name}-{job}.jsonl" for job in range(jobs)]
    quota = -(-kills // jobs)

    def work(job: int) -> None:
        done = 0
        with files[job].open("w", encoding="utf-8") as out:
            for number in itertools.count(job, jobs):
                if done >= quota:
                    return
                told = tell(template, seed, number, way, folder / f"{way.name}-{number}")
                done += told.kills
                out.write(json.dumps(asdict(told)) + "\n")
                out.flush()

    workers = [_begin(lambda job=job: work(job)) for job in range(jobs)]
    ends = [os.waitpid(worker, 0)[1] for worker in workers]
    if any(ends):
        raise AssertionError("a process that kills others died itself")
    found = [Told(**json.loads(line)) for file in files for line in file.read_text().splitlines()]
    _tell_of(way.name, found)
    return found


def _killed_on_postgres(template: Town, seed: str, way: str, kills: int, folder: Path) -> list[Told]:
    """Play stories until so many processes were killed, or one went wrong."""
    told: list[Told] = []
    with open_database(seed, template, folder / way) as database:
        for number in itertools.count():
            if sum(t.kills for t in told) >= kills or any(t.faults for t in told):
                break
            told.append(tell_on_postgres(database, template, seed, way, number, folder / f"{way}-{number}"))
    _tell_of(f"{way} on Postgres", told)
    return told


def _tell_of(way: str, told: Sequence[Told]) -> None:
    print(f"{way}: {sum(t.kills for t in told)} kills, {sum(bool(t.faults) for t in told)} faults", flush=True)


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
    columns = ("way of dying", "stories", "kills", "stopped", "fenced off", "lost its store", "deployments")
    columns += ("units applied", "recovered", "by a person", "seen as drift", "lost", "twice", "interleaved", "damaged")
    yield Table("processes killed, and what became of it", columns, rows)
    points: Counter[str] = Counter()
    for one in told:
        points.update(one.points)
    yield Table("where they died", ("place", "different ones", "kills"), list(_places(points)))
    done: Counter[str] = Counter()
    for one in told:
        done.update(one.disturbed)
    if done:
        yield Table("what was done to the database meanwhile", ("what", "times"), sorted(done.items()))


def _places(points: Counter[str]) -> Iterator[tuple[str | int, ...]]:
    """Yield where processes died, by what was about to happen or had just happened there."""
    groups: dict[str, Counter[str]] = {}
    for place, count in points.items():
        words = place.split(" ")
        name = " ".join(words[:2]) if words[-1] != "anywhere" else "anywhere, by the clock"
        is_outside = name == "anywhere, by the clock" or words[1] in {*OUTSIDE, "commit"}
        groups.setdefault(name if is_outside else "before an entry", Counter())[place] += count
    for name, found in sorted(groups.items(), key=lambda group: -group[1].total()):
        yield (name, len(found), found.total())
    named = Counter({place: count for place, count in points.items() if place != "anywhere"})
    yield ("all crash points", len(named), named.total())
    yield ("the one that was met least often", min(len(named), 1), min(named.values(), default=0))


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
        sum(t.lost_store for t in told),
        count("deployments"),
        count("units"),
        count("recovered"),
        count("reconciled"),
        count("seen as drift"),
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
        "kills": sum(one.kills for one in told),
        "tables": [table.plain() for table in tables(told)],
        "points": dict(sorted(points.items())),
        "faults": [asdict(one) for one in told if one.faults],
        "stories": [{"again": _again(asked.seed, one), **asdict(one)} for one in told],
    }
    text = json.dumps(found, indent=2) + "\n"
    for file in (RESULTS / "chaos.json", *((asked.report,) if asked.report else ())):
        file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
