"""Run benchmarks: `python -m bench [NAME...]`. Tables go to the screen, JSON to bench/results."""

from __future__ import annotations

import importlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.table import Report

BENCHMARKS = (
    "promotion",
    "overhead",
    "throughput",
    "resume",
    "pickup",
    "start",
    "packages",
    "inspect",
    "ledger",
    "million",
    "history",
    "evidence",
    "eligibility",
    "stores",
    "readiness",
    "drift",
    "console",
)
RESULTS = Path(__file__).parent / "results"
_ALONE = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "LAMPWAY_USER": "ada"}
"""Nobody's own settings take part."""


def main(names: Sequence[str]) -> int:
    """Run the benchmarks of these names, or all of them, and return the exit code."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no such benchmark: {', '.join(unknown)}; there are: {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    os.environ.update(_ALONE)
    machine = _machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()))
    for name in names or BENCHMARKS:
        _run(name, machine)
    return 0


def _run(name: str, machine: dict[str, Any]) -> None:
    print(f"\n=== {name}", flush=True)
    module = importlib.import_module(f"bench.{name}")
    load, started = _load(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix=f"lampway-bench-{name}-") as folder:
        report: Report = module.run(Path(folder))
    took = round(time.monotonic() - started, 1)
    for table in report.tables:
        print(f"\n{table.text()}")
    print()
    for note in report.notes:
        print(f"  {note}")
    print(f"  took {took} s; load before it: {load}")
    _write(name, report, {**machine, "load_before": load, "seconds": took})


def _write(name: str, report: Report, facts: dict[str, Any]) -> None:
    RESULTS.mkdir(exist_ok=True)
    tables = [table.plain() for table in report.tables]
    found = {"benchmark": name, "run": facts, "tables": tables, "notes": report.notes, "samples": report.samples}
    (RESULTS / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


def _machine() -> dict[str, Any]:
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "system": f"{platform.system()} {platform.machine()}",
        "cores": os.cpu_count() or 0,
        "python": platform.python_version(),
        "lampway": version("lampway"),
    }


def _load() -> str:
    """Return how many processes wanted the processor during the last minute, where that can be told."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
