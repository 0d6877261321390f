"""The program: Lampway and others as people start them, each time in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PYTHON = (sys.executable,)


def lampway() -> tuple[str, ...]:
    """Return how Lampway is started here: the program beside this Python."""
    program = shutil.which("lampway", path=str(Path(sys.executable).parent))
    return (program,) if program else (*PYTHON, "-m", "lampway")


@dataclass(frozen=True, slots=True)
class Place:
    """Where programs are run."""

    root: Path
    compiled: Path
    """Where Python keeps compiled modules, so that nothing depends on what this machine did before."""

    def run(self, command: Sequence[str], *, user: str = "ada", expect: int = 0) -> None:
        """Run a command to its end. Raises AssertionError when it ends otherwise than expected."""
        own = {"LAMPWAY_USER": user, "LAMPWAY_DIR": str(self.root), "PYTHONPYCACHEPREFIX": str(self.compiled)}
        environment = {**os.environ, **own}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        done = subprocess.run(command, cwd=self.root, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != expect:
            raise AssertionError(f"{command[1:]} ended with {done.returncode}: {done.stdout}{done.stderr}")
