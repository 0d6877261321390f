"""Solution packages: what inspecting and comparing them costs, beside what only reading their bytes costs.

Whoever looks into a zip must unpack its members, so the measure is `zipfile` reading the same members in the same run,
and `unzip -t`, which unpacks and checks them and keeps nothing. Megabytes are those of the package as it lies on disk.
Packages of one to three megabytes are made up, in the shape that published ones of this size have: canvas apps with
pictures, flows, scripts and some tables. Published packages are measured too where they are on this machine.
"""

from __future__ import annotations

import io
import random
import shutil
import subprocess
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.table import Report, Table
from bench.timing import Samples, median, side_by_side
from lampway.app import open_scanner
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing import solutions

FORMAT = SolutionFormat()
PUBLISHED = Path(__file__).parents[2] / "shared" / "data" / "power-platform"
_SIZES = {"0.3 MB": 1, "1 MB": 4, "3 MB": 12}
_ROUNDS = 9
_LARGE_FLOW = 100_000


def run(folder: Path) -> Report:
    """Measure packages of every size, the published ones, two large flows, and memory."""
    packages = {name: made_up(parts) for name, parts in _SIZES.items()}
    packages |= _published()
    found = {name: side_by_side(_things(data, folder), rounds=_ROUNDS) for name, data in packages.items()}
    columns = ("package", "kB", "unzip -t", "zipfile", "inspect", "of zipfile", "inspect and scan", "diff with itself")
    rows = [(name, len(packages[name]) / 1e3, *_speeds(len(packages[name]), found[name])) for name in packages]
    speeds = Table("megabytes a second, median", columns, rows)
    flows = _flows()
    diffs = Table(
        "milliseconds, median", ("two flows of 100 kB", "ms"), [(n, median(s, 1e-3)) for n, s in flows.items()]
    )
    memory = Table("memory at the peak, beside the package itself", ("package", "kB", "peak kB"), list(_memory()))
    notes = ("*of zipfile* is how fast inspecting is beside reading the same members: 1.00 would be free",)
    return Report((speeds, diffs, memory), {**found, "flows": flows}, notes)


def made_up(parts: int) -> bytes:
    """Return a solution of about 250 kB for every part, shaped like published ones: `_screen`, `_written_along`."""
    noise = random.Random(parts)
    solution = solutions.Solution(name="Bench")
    for part in range(parts):
        screens = [_screen(f"Screen{part}_{number}", noise) for number in range(4)]
        pictures = {f"Assets\\Images\\{part}_{n}.png": noise.randbytes(50_000) for n in range(3)}
        solution.canvas(f"App{part}", _with(solutions.msapp(screens), pictures | _written_along(noise)))
        for number in range(2):
            solution.flow(f"Flow {part} {number}", large_flow(15_000, seed=part * 10 + number))
        script = "\n".join(f"function step{n}(x) {{ return x + {noise.random()}; }}" for n in range(100))
        solution.web_resource(f"con_/js/{part}.js", script)
        if part % 4 == 0:
            columns = [solutions.column(f"con_c{number}", shown=f"Column {number}") for number in range(20)]
            form = solutions.form(f"F{part}", [f"con_c{n}" for n in range(20)])
            solution.table(f"Table{part}", columns, forms=[form])
    return solution.build()


def large_flow(size: int, *, seed: int = 0, edited: bool = False) -> dict[str, Any]:
    """Return a flow of about so many bytes; `edited` changes every tenth action, adds one and takes one away."""
    actions: dict[str, Any] = {}
    before = ""
    for number in range(size // 450):
        body = solutions.call("shared_sharepointonline", "PatchItem", dataset="@x()", table=f"list {seed}")
        text = f"@concat('step {number}', outputs('{before}'))" if before else f"step {number}"
        if edited and number % 10 == 5:
            text += " and more"
        body = {
            **body,
            "inputs": {**body["inputs"], "parameters": {**body["inputs"]["parameters"], "item/Title": text}},
        }
        if edited and number == 7:
            continue
        name = f"Update_item_{number}"
        actions[name] = solutions.after(body, before) if before else body
        before = name
    if edited:
        actions["One_more"] = solutions.after(solutions.compose("x"), before)
    return solutions.flow(actions)


def _screen(name: str, noise: random.Random) -> Any:
    """Return a screen as Studio writes them: 11 controls with 32 formulas each, of which few hold a text."""
    return solutions.control(name, "screen", [_control(f"{name}_{number}", noise) for number in range(11)])


def _control(name: str, noise: random.Random) -> Any:
    formulas = {f"Property{n}": f"RGBA({noise.randrange(255)}, {n}, 0, 1)" for n in range(29)}
    formulas |= {"Text": f'"Order {name}"', "OnSelect": f'Navigate({name}, "{noise.random()}")', "Size": "12"}
    made = dict(solutions.control(name, "label", **formulas))
    for rule in made["Rules"]:
        rule["RuleProviderType"] = "Unknown"
    state = [
        {"InvariantPropertyName": key, "AutoRuleBindingEnabled": False, "NameMapSourceSchema": "?"} for key in formulas
    ]
    return {**made, "ControlPropertyState": state, "VariantName": "", "LayoutName": "", "IsDataControl": False}


def _written_along(noise: random.Random) -> dict[str, bytes]:
    """Return what Studio writes into every app besides: themes, templates of controls, screens once more to read."""
    names = [f"{noise.randbytes(4).hex()}" for _ in range(400)]
    entry = '{{"name": "{}", "type": "Color", "value": "%{}%", "order": {}, "description": "{} {}"}}'
    picked = (noise.choices(names, k=4) for _ in range(2_500))
    text = ",\n".join(entry.format(a, b, n, c, d) for n, (a, b, c, d) in enumerate(picked)).encode()
    return {
        "References\\Themes.json": b'{"themes": [' + text[:120_000].rpartition(b",\n")[0] + b"]}",
        "References\\Templates.json": b"[" + text[:160_000].rpartition(b",\n")[0] + b"]",
        "Src\\Screens.pa.yaml": text[:100_000],
    }


def _with(app: bytes, more: dict[str, bytes]) -> bytes:
    with zipfile.ZipFile(io.BytesIO(app)) as archive:
        members = {info.orig_filename: archive.read(info) for info in archive.infolist()}
    return solutions.zipped({**members, **more})


def _published() -> dict[str, bytes]:
    if not PUBLISHED.is_dir():
        return {}
    largest = sorted(PUBLISHED.glob("*.zip"), key=lambda path: -path.stat().st_size)[:4]
    return {path.stem[:40]: path.read_bytes() for path in largest}


def _things(data: bytes, folder: Path) -> dict[str, Callable[[], Any]]:
    scanner = open_scanner()
    file = folder / "package.zip"
    things: dict[str, Callable[[], Any]] = {}
    if shutil.which("unzip"):
        things["unzip -t"] = lambda: _tested(file, data)
    things["zipfile"] = lambda: _members(data)
    things["inspect"] = lambda: FORMAT.inspect(data)
    things["inspect and scan"] = lambda: scanner.scan(FORMAT.inspect(data).literals)
    things["diff with itself"] = lambda: FORMAT.diff(data, data)
    return things


def _tested(file: Path, data: bytes) -> None:
    if not file.exists() or file.stat().st_size != len(data):
        file.write_bytes(data)
    subprocess.run(["unzip", "-tqq", str(file)], check=False, stdout=subprocess.DEVNULL)


def _members(data: bytes) -> int:
    """Read every member, and those of canvas apps, which inspecting opens too; keep none."""
    size = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            size += len(content)
            if name.endswith(".msapp"):
                size += _members(content)
    return size


def _speeds(size: int, samples: Samples) -> tuple[Any, ...]:
    speed = {name: size / 1e6 / median(taken) for name, taken in samples.items()}
    ratio = speed["inspect"] / speed["zipfile"]
    unzip = speed.get("unzip -t", "not here")
    return (unzip, speed["zipfile"], speed["inspect"], ratio, speed["inspect and scan"], speed["diff with itself"])


def _flows() -> Samples:
    old, new = (
        solutions.Solution().flow("Large", large_flow(_LARGE_FLOW, edited=edited)).build() for edited in (False, True)
    )
    return side_by_side({"diff": lambda: FORMAT.diff(old, new), "inspect": lambda: FORMAT.inspect(old)}, rounds=15)


def _memory() -> list[tuple[str, float, float]]:
    """Return what inspecting takes at its peak, for packages that hold ever more that is only compared."""
    rows = []
    for megabytes in (1, 10, 40):
        noise = random.Random(megabytes).randbytes(megabytes * 1_000_000)
        data = solutions.Solution().file("PluginAssemblies/x/x.dll", noise).flow("F", large_flow(50_000)).build()
        tracemalloc.start()
        FORMAT.inspect(data)
        rows.append((f"a plug-in of {megabytes} MB", len(data) / 1e3, tracemalloc.get_traced_memory()[1] / 1e3))
        tracemalloc.stop()
    return rows
