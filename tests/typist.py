"""Commands as somebody types them, in a folder of their own where nothing of this machine is seen."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lampway.cli.main import main

Run = Callable[..., tuple[int, str, str]]
"""Runs a command, `by` somebody where that is said, and gives its exit code, its output and its errors."""

ADA = ("--person", "ada:Ada Maker:ada@example.org:maker,platform-admin")
BEN = ("--person", "ben:Ben Approver:ben@example.org:approver,platform-admin")
PEOPLE = (*ADA, *BEN)
_SECONDS = 60


def alone(patch: pytest.MonkeyPatch, folder: Path, by: str = "ada") -> None:
    """Let commands, and the programs they start, see this folder only."""
    for name, value in {
        "HOME": str(folder / "home"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "LAMPWAY_DIR": str(folder),
        "LAMPWAY_USER": by,
    }.items():
        patch.setenv(name, value)
    patch.delenv("XDG_CONFIG_HOME", raising=False)


def typist(patch: pytest.MonkeyPatch, folder: Path, *, by: str = "ada", inside: str = ".") -> Run:
    """Return what runs commands in a folder, or `inside` it, as somebody."""
    alone(patch, folder, by)

    def run(*words: str, by: str = "", folder: Path = folder / inside) -> tuple[int, str, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.MonkeyPatch.context() as once:
            once.setenv("LAMPWAY_USER", by or os.environ["LAMPWAY_USER"])
            code = main(["-C", str(folder), *words])
        return code, out.getvalue(), err.getvalue()

    return run


def write_solution(folder: Path, name: str, text: str) -> None:
    """Write a solution's file into the strategy of a folder."""
    path = folder / "solutions" / name / "solution.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(text)


def begin(run: Run, *people: str) -> None:
    """Begin a strategy of these people."""
    code, _, told = run("init", *(people or PEOPLE))
    assert code == 0, told


def enforce(run: Run) -> None:
    """Bring the strategy as it is written into force."""
    code, _, told = run("strategy", "apply", "-m", "First")
    assert code == 0, told


def called(folder: Path, *words: str, told: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command as a program of its own."""
    command = [sys.executable, "-m", "lampway", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False, input=told)


def ran(folder: Path, *words: str, told: str = "") -> str:
    """Run a command as a program of its own, which must succeed, and return its output."""
    done = called(folder, *words, told=told)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def make_team(patch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Return a folder in which ada's strategy is in force, for programs of their own."""
    alone(patch, folder)
    team = folder / "team"
    team.mkdir()
    ran(team, "init", *ADA)
    ran(team, "strategy", "apply", "-m", "First")
    return team
