"""Running checks: HTTP requests against what was deployed, and commands in a copy of the solution's folder."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urljoin, urlsplit

from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import Check
from lampway.engine.ports import CheckResult

_OUTPUT = 4_000
"""Characters of output kept."""
_BODY = 1_000_000
"""Bytes of an answer looked at."""
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "VIRTUAL_ENV")
"""The only variables of this process that a command sees: none of them holds a secret."""


class CheckRunner:
    """Implements the checks port."""

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        """Run one check and return what it came to."""
        started = time.monotonic()
        if check.http:
            outcome, summary = _http(check, base_url, started)
        else:
            outcome, summary = _command(check, files, facts)
        return CheckResult(outcome, summary, time.monotonic() - started)


def _http(check: Check, base_url: str, started: float) -> tuple[CheckOutcome, str]:
    """Ask until the answer is the expected one or the time is up: flows need a moment to start."""
    import httpx

    url = _url(base_url, str(check.http.get("path") or check.http.get("url") or "/"))
    method = str(check.http.get("method", "GET"))
    outcome, summary = CheckOutcome.ERRORED, "no time to ask"
    while True:
        left = check.timeout - (time.monotonic() - started)
        if left <= 0:
            return outcome, summary
        try:
            with httpx.stream(
                method,
                url,
                headers=check.http.get("headers"),
                json=check.http.get("json"),
                timeout=min(left, _ATTEMPT),
                follow_redirects=False,
                verify=url.startswith("https:"),
            ) as response:
                body = _bounded(response)
            wrong = _mismatch(check.http.get("expect") or {}, response.status_code, body)
            outcome = CheckOutcome.FAILED if wrong else CheckOutcome.PASSED
            summary = f"{method} {_path(url)}: {wrong or f'{response.status_code} as expected'}"
        except httpx.HTTPError as error:
            outcome = CheckOutcome.FAILED
            summary = f"{method} {_path(url)}: no answer ({type(error).__name__})"
        if outcome is CheckOutcome.PASSED or time.monotonic() - started + 0.1 >= min(check.timeout, _PATIENCE):
            return outcome, summary
        time.sleep(0.1)


_ATTEMPT = 2.0
"""Seconds for one request: a runtime may never answer one that comes right after a deployment, but the next."""
_PATIENCE = 5.0
"""Seconds after which a wrong answer is believed, where the check's own time limit is longer."""


def _url(base: str, path: str) -> str:
    return path if urlsplit(path).scheme else urljoin(base.rstrip("/") + "/", path.lstrip("/"))


def _path(url: str) -> str:
    return urlsplit(url).path or "/"


def _bounded(response: Any) -> bytes:
    body = bytearray()
    for chunk in response.iter_bytes():
        body += chunk
        if len(body) > _BODY:
            break
    return bytes(body[:_BODY])


def _mismatch(expect: Mapping[str, Any], status: int, body: bytes) -> str:
    """Return in words what is not as expected; empty when everything is."""
    wanted = expect.get("status", 200)
    text = body.decode("utf-8", errors="replace")
    if status != wanted:
        return f"{status} instead of {wanted}: {_short(text)}"
    if "contains" in expect and str(expect["contains"]) not in text:
        return f"the answer does not contain {expect['contains']!r}: {_short(text)}"
    if "json" in expect:
        try:
            found = json.loads(text)
        except ValueError:
            return f"the answer is no JSON: {_short(text)}"
        return _differs(expect["json"], found, "")
    return ""


def _differs(expected: Any, found: Any, place: str) -> str:
    """Return the first place in which `found` lacks something of `expected`; more than expected is fine."""
    if isinstance(expected, Mapping):
        if not isinstance(found, Mapping):
            return f"{place or 'the answer'} is no object: {_short(repr(found))}"
        for key, value in expected.items():
            if key not in found:
                return f"{place}{key} is missing in {_short(json.dumps(found))}"
            wrong = _differs(value, found[key], f"{place}{key}.")
            if wrong:
                return wrong
        return ""
    if expected != found:
        return f"{place.rstrip('.') or 'the answer'} is {_short(repr(found))} instead of {expected!r}"
    return ""


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 160 else text[:157] + "..."


def _command(check: Check, files: Mapping[str, bytes], facts: Mapping[str, str]) -> tuple[CheckOutcome, str]:
    """Run a command in a copy of the solution's folder, with hardly any of our environment."""
    with tempfile.TemporaryDirectory(prefix="lampway-check-", ignore_cleanup_errors=True) as folder:
        for path, data in files.items():
            parts = PurePosixPath(path).parts
            place = Path(folder).joinpath(*parts)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        environment = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        environment |= {f"LAMPWAY_{name}": value for name, value in facts.items()}
        return _run(check, folder, environment)


def _run(check: Check, folder: str, environment: Mapping[str, str]) -> tuple[CheckOutcome, str]:
    command = [sys.executable if part == "python" and n == 0 else part for n, part in enumerate(check.command)]
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
    except OSError as error:
        return CheckOutcome.ERRORED, f"{check.command[0]} cannot be run: {error.strerror}"
    try:
        output, _ = process.communicate(timeout=check.timeout)
    except subprocess.TimeoutExpired:
        return CheckOutcome.ERRORED, f"not done after {check.timeout:g} s; stopped"
    finally:
        _end(process)
    text = output.decode("utf-8", errors="replace")[-_OUTPUT:].strip()
    last = text.splitlines()[-1] if text else ""
    if process.returncode == 0:
        return CheckOutcome.PASSED, last or "exit code 0"
    return CheckOutcome.FAILED, f"exit code {process.returncode}: {last}"


def _end(process: subprocess.Popen[bytes]) -> None:
    """Stop the command and whatever it started."""
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    elif process.poll() is None:
        process.kill()
    process.wait()
