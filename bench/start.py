"""Starting: how long a person at the prompt waits for commands that do next to nothing.

Beside them stand `python -c pass`, below which no program in Python can come, and `git status` in the same repository,
which people are used to. The repository holds 1,000 releases: 50 solutions, 20 releases each, installed in two
environments; `status` must not become slow with them.

Python keeps compiled modules after their first import; here they are kept in a folder of this run, so that nothing
depends on what the machine did before. *The first time* is the same command with that folder empty.
"""

from __future__ import annotations

import functools
import itertools
import subprocess
from collections.abc import Sequence
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

from bench.program import PYTHON, Place, lampway
from bench.records import CONFIGURATION, release
from bench.table import Report, Table
from bench.timing import Samples, median, side_by_side
from lampway.app import STATE, SystemClock, load_working_strategy
from lampway.cli.main import main
from lampway.domain.digest import digest
from lampway.domain.events import ENGINE, Adopted, Event, ReleaseSealed, StrategyApplied
from lampway.storage.sql import open_sqlite

_ROUNDS = 12
_FIRST_TIMES = 3
_SOLUTIONS, _RELEASES = 50, 20
_TARGETS = {"lampway --help": 200, "lampway --version": 200, "lampway status": 900}
"""Milliseconds."""


def run(folder: Path) -> Report:
    """Make the repository and run everything in it, in turns."""
    root = folder / "governance"
    _fill(root)
    samples = _measure(root, folder / "compiled")
    note = f"every command was run {_ROUNDS} times in turns, each first time {_FIRST_TIMES} times"
    return Report((_table(samples),), {"seconds": samples}, (note,))


def _fill(root: Path) -> None:
    """Make a governance repository with everything committed and the ledger of two years."""
    person = ["--person", "ada:Ada Maker:ada@example.org:maker,approver,platform-admin"]
    with redirect_stdout(StringIO()):
        code = main(["init", str(root), *person])
    if code:
        raise AssertionError(f"lampway init ended with {code}")
    names = [f"solution-{number}" for number in range(_SOLUTIONS)]
    for name in names:
        place = root / "solutions" / name / "solution.yaml"
        place.parent.mkdir(parents=True)
        place.write_text(f"pipeline: standard\nowner: ada\ncontains: [{name}]\n", encoding="utf-8")
    _git(root, "add", "--all")
    _git(root, "-c", "user.name=Ada Maker", "-c", "user.email=ada@example.org", "commit", "--quiet", "-m", "Strategy")
    store = open_sqlite(root / STATE / "lampway.db", SystemClock())
    with store.transaction() as transaction:
        for event in _events(root, names):
            transaction.append(event, ENGINE)
    store.close()


def _git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


def _events(root: Path, names: Sequence[str]) -> list[Event]:
    strategy = load_working_strategy(root)
    events: list[Event] = [StrategyApplied("0" * 40, strategy, digest(strategy), (), ("ada",))]
    for number in range(_RELEASES):
        events += [ReleaseSealed(sealed, sealed.digest) for sealed in (release(name, number) for name in names)]
    for name in names:
        newest = release(name, _RELEASES - 1)
        place = (newest.version, newest.digest, newest.package.digest, CONFIGURATION)
        events += [Adopted(name, environment, *place) for environment in ("test", "prod")]
    return events


def _measure(root: Path, compiled: Path) -> Samples:
    ours = lampway()
    commands = {
        "python -c pass": (*PYTHON, "-c", "pass"),
        "git status": ("git", "status"),
        "lampway --help": (*ours, "--help"),
        "lampway --version": (*ours, "--version"),
        "lampway status --help": (*ours, "status", "--help"),
        "lampway status solution-7": (*ours, "status", "solution-7"),
        "lampway status": (*ours, "status"),
    }
    place = Place(root, compiled)
    warm = {name: functools.partial(place.run, command) for name, command in commands.items()}
    fresh = (Place(root, compiled.with_name(f"compiled-{number}")) for number in itertools.count())
    cold = {
        f"{name}, the first time": lambda command=commands[name]: next(fresh).run(command)
        for name in ("lampway --help", "lampway status")
    }
    return side_by_side(warm, rounds=_ROUNDS) | side_by_side(cold, rounds=_FIRST_TIMES, warm_up=0)


def _table(samples: Samples) -> Table:
    floor = median(samples["python -c pass"])
    rows = []
    for name, taken in samples.items():
        target = _TARGETS.get(name)
        met = "" if target is None else f"< {target}: {'met' if median(taken) * 1e3 < target else 'NOT MET'}"
        rows.append((name, median(taken, 1e-3), min(taken) * 1e3, max(taken) * 1e3, median(taken) / floor, met))
    columns = ("command", "median ms", "best", "worst", "times python", "target, ms")
    return Table(f"starting, in a repository with {_SOLUTIONS * _RELEASES:,} releases", columns, rows)
