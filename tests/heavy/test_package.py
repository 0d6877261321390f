"""The package as a user gets it: built, installed into an empty environment, and run from an empty folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: object, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: os.environ[name] for name in os.environ if not name.startswith(("GIT_", "VIRTUAL_ENV", "PYTHON"))}
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    uv = Path(sys.executable).with_name("uv")
    run(uv, "build", "--wheel", "--no-build-isolation", "--python", sys.executable, "--out-dir", out, cwd=ROOT)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of programs of an environment with nothing but the wheel and its locked dependencies."""
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    uv = Path(sys.executable).with_name("uv")
    python = home / "bin" / "python"
    lock = ROOT / "requirements" / "runtime.lock"
    run(uv, "pip", "install", "--python", python, "--require-hashes", "-r", lock, cwd=home)
    run(uv, "pip", "install", "--python", python, "--no-deps", wheel, cwd=home)
    return home / "bin"


def test_the_wheel_holds_what_it_needs_and_nothing_of_this_machine(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        everything = b"\n".join(archive.read(name) for name in names)
    assert any(name.endswith("nodered/runtime/package-lock.json") for name in names)
    assert any(name.endswith("config/schema/lampway.schema.json") for name in names)
    assert str(ROOT).encode() not in everything


def test_an_installed_lampway_answers(installed: Path, tmp_path: Path) -> None:
    assert "promote" in run(installed / "lampway", "--help", cwd=tmp_path).stdout
    assert "node-red" in run(installed / "lampway", "platforms", cwd=tmp_path).stdout


def test_time_zones_are_known_on_a_machine_that_has_none(installed: Path, tmp_path: Path) -> None:
    script = "from lampway.domain.moments import is_zone; assert is_zone('Europe/Berlin')"
    run(installed / "python", "-c", script, cwd=tmp_path, PYTHONTZPATH="")


def test_the_demo_runs_from_an_installed_package_on_a_machine_without_git_identity(
    installed: Path, tmp_path: Path
) -> None:
    done = run(
        installed / "lampway",
        "demo",
        "--json",
        cwd=tmp_path,
        HOME=str(tmp_path),
        TMPDIR=str(tmp_path),
        LAMPWAY_CACHE=os.environ.get("LAMPWAY_CACHE") or str(tmp_path / "cache"),
    )
    facts = json.loads(done.stdout)
    assert facts["ok"]
    assert len(facts["steps"]) > 20
    assert all(step["ok"] for step in facts["steps"])
    assert not list(tmp_path.glob("lampway-demo-*")), "the demo removes what it made"
