"""Packages of 10 to 5,000 nodes: what reading, inspecting, comparing and unpacking them costs.

Every pull request, release and drift scan opens packages, so their cost must grow with their size and no faster. Beside
it stands what nobody who looks into the same bytes can do without: `zipfile` reading the members, and `json.loads` of
the flows. Megabytes are those of the flows in the package.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import flows
from bench.table import Report, Table
from bench.timing import Samples, median, side_by_side
from lampway.app import open_scanner
from lampway.platforms.nodered.package import NodeRedFormat, read_package

_SIZES = {10: 60, 100: 30, 1_000: 7, 5_000: 3}
"""Number of nodes to how often everything is done."""
_BARE = ("zipfile", "json.loads")


def run(folder: Path) -> Report:
    """Measure every size."""
    del folder
    found = {count: _measure(count, rounds) for count, rounds in _SIZES.items()}
    names = list(next(iter(found.values()))[1])
    times = [(name, *(median(samples[name], 1e-3) for _, samples in found.values())) for name in names]
    speeds = [(name, *(size / 1e6 / median(samples[name]) for size, samples in found.values())) for name in names]
    ours = [name for name in names if name not in _BARE]
    ratios = [(name, *(_ratio(samples, name) for _, samples in found.values())) for name in ours]
    columns = ("what", *(f"{count:,} nodes ({size / 1e3:,.0f} kB)" for count, (size, _) in found.items()))
    tables = (
        Table("milliseconds, median", columns, times),
        Table("megabytes of flows a second, median", columns, speeds),
        Table("times as long as zipfile and json.loads together", columns, ratios),
    )
    return Report(tables, {str(count): samples for count, (_, samples) in found.items()})


def _measure(count: int, rounds: int) -> tuple[int, Samples]:
    old, new = flows.package(count), flows.package(count, edited=True)
    text = _members(old)["flows.json"]
    return len(text), side_by_side(_things(old, new, text), rounds=rounds)


def _things(old: bytes, new: bytes, text: bytes) -> dict[str, Callable[[], Any]]:
    format_, scanner = NodeRedFormat(), open_scanner()
    inspection = format_.inspect(old)
    names = [variable.name for variable in inspection.inventory.variables]
    return {
        "zipfile": lambda: _members(old),
        "json.loads": lambda: json.loads(text),
        "read": lambda: read_package(old),
        "inspect": lambda: format_.inspect(old),
        "scan its texts": lambda: scanner.scan(inspection.literals, names),
        "inspect and scan": lambda: scanner.scan(format_.inspect(old).literals, names),
        "diff of two versions": lambda: format_.diff(old, new),
        "unpack and pack": lambda: format_.pack(format_.unpack(old)),
    }


def _members(package: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _ratio(samples: Samples, name: str) -> float:
    return median(samples[name]) / sum(median(samples[bare]) for bare in _BARE)
