"""Running a command as a check: in a folder of its own, with hardly any of our environment, and never for ever.

Whatever it started is stopped with it, even what has left its process group.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import Check
from lampway.integrations.reports import LIMIT, Tally, UnreadableReportError, read_report

_KEPT = 1_048_576 + 65_536
"""Bytes of output handed on; the engine masks secrets and then cuts, so that none is cut in two."""
_FLOOD = 64 * 1_048_576
"""Bytes of output after which a command is stopped."""
_TAIL = 4_000
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "VIRTUAL_ENV")
"""The only variables of this process that a command sees: none of them holds a secret."""
_MARK = "LAMPWAY_CHECK_RUN"
"""Variable by which whatever a command started is known as its own."""


@dataclass(slots=True)
class Ran:
    """What running a command came to."""

    outcome: CheckOutcome
    summary: str
    output: bytes = b""
    report: bytes = b""


@dataclass(slots=True)
class _Output:
    """What a command prints: the beginning, the end, and how much it was."""

    head: bytearray = field(default_factory=bytearray)
    tail: bytes = b""
    size: int = 0
    is_flood: bool = False

    def read(self, process: subprocess.Popen[bytes]) -> None:
        """Read until everybody who could print has gone; stop the command when it does not stop printing."""
        pipe = process.stdout
        while pipe is not None and (chunk := os.read(pipe.fileno(), 65_536)):
            self.size += len(chunk)
            self.head += chunk[: max(0, _KEPT - len(self.head))]
            self.tail = (self.tail + chunk)[-_TAIL:]
            if self.size > _FLOOD:
                self.is_flood = True
                _end_group(process)
                return


def run_command(check: Check, files: Mapping[str, bytes], facts: Mapping[str, str]) -> Ran:
    """Run a check's command in a copy of `files` and return what came of it."""
    try:
        return _in_folder(check, files, facts)
    except OSError as error:
        return Ran(CheckOutcome.ERRORED, f"its folder cannot be made: {error.strerror or error}")


def _in_folder(check: Check, files: Mapping[str, bytes], facts: Mapping[str, str]) -> Ran:
    with tempfile.TemporaryDirectory(prefix="lampway-check-", ignore_cleanup_errors=True) as folder:
        for path, data in files.items():
            place = Path(folder).joinpath(*PurePosixPath(path).parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {f"LAMPWAY_{name}": value for name, value in facts.items()}
        return _run(check, folder, {**environment, _MARK: secrets.token_hex(16)})


def _run(check: Check, folder: str, environment: Mapping[str, str]) -> Ran:
    command = [sys.executable if part == "python" and n == 0 else part for n, part in enumerate(check.command)]
    if check.report:
        with contextlib.suppress(OSError):  # what lies there and is no file is refused when it is read
            (Path(folder) / check.report).unlink()
    try:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return Ran(CheckOutcome.ERRORED, f"{check.command[0]} cannot be run: {reason}")
    output = _Output()
    reader = threading.Thread(target=output.read, args=(process,), daemon=True)
    reader.start()
    in_time = _wait(process, check.timeout, environment[_MARK])
    reader.join(5.0)
    if not reader.is_alive() and process.stdout is not None:
        process.stdout.close()
    ran = _judge(check, process.returncode, output, Path(folder)) if in_time and not output.is_flood else None
    if ran is None:
        why = "printed too much" if output.is_flood else f"not done after {check.timeout:g} s"
        ran = Ran(CheckOutcome.ERRORED, f"{why}; stopped")
    ran.output = bytes(output.head)
    return ran


def _wait(process: subprocess.Popen[bytes], timeout: float, mark: str) -> bool:
    """Wait for the command, then stop whatever it left behind. Returns whether it ended in time."""
    try:
        process.wait(timeout)
    except subprocess.TimeoutExpired:
        return False
    finally:
        _end_group(process)
        process.wait()
        _end_strays(mark)
    return True


def _end_group(process: subprocess.Popen[bytes]) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()


def _end_strays(mark: str) -> None:
    """Stop what left the command's process group, where the system tells of it: Linux does."""
    wanted = f"{_MARK}={mark}".encode()
    for _ in range(3):  # one that is about to start another may be missed once
        found = False
        for place in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if wanted in place.read_bytes().split(b"\0"):
                    os.kill(int(place.parent.name), signal.SIGKILL)
                    found = True
        if not found:
            return


def _judge(check: Check, code: int, output: _Output, folder: Path) -> Ran:
    if check.report:
        return _by_report(check, code, folder)
    text = output.tail.decode("utf-8", errors="replace").strip()
    last = text.splitlines()[-1] if text else ""
    if code == 0:
        return Ran(CheckOutcome.PASSED, last or "exit code 0")
    return Ran(CheckOutcome.FAILED, f"exit code {code}: {last}")


def _by_report(check: Check, code: int, folder: Path) -> Ran:
    try:
        report = _read(folder, check.report)
        tally = read_report(check.report, report, check.fail_on or "error")
    except UnreadableReportError as error:
        return Ran(CheckOutcome.ERRORED, f"exit code {code}, and {error}")
    outcome, summary = _weigh(tally, code)
    return Ran(outcome, summary, report=report[:_KEPT])


def _weigh(tally: Tally, code: int) -> tuple[CheckOutcome, str]:
    """Return what a report and an exit code come to. A scanner may exit with 1 for what is not bad enough to fail."""
    if tally.failed:
        return CheckOutcome.FAILED, f"{tally.counts}; {tally.first}"
    if not tally.is_complete:
        return CheckOutcome.ERRORED, f"exit code {code}; nothing was tried to its end: {tally.counts}"
    if code and not (code == 1 and tally.forgives):
        return CheckOutcome.FAILED, f"exit code {code}, although its report tells of no failure: {tally.counts}"
    return CheckOutcome.PASSED, tally.counts


def _read(folder: Path, name: str) -> bytes:
    """Return the report, if it is a file that the command wrote into its own folder. Raises UnreadableReportError."""
    place = folder.joinpath(*PurePosixPath(name).parts)
    try:
        if not place.resolve().is_relative_to(folder.resolve()):
            raise UnreadableReportError(f"{name} leads out of the folder of the check")
        if not stat.S_ISREG(place.stat().st_mode):
            raise UnreadableReportError(f"{name} is no file")
        with place.open("rb") as file:
            return file.read(LIMIT + 1)
    except FileNotFoundError:
        raise UnreadableReportError(f"no report {name} was written") from None
    except (OSError, RuntimeError) as error:
        raise UnreadableReportError(f"{name} cannot be read: {error}") from None
