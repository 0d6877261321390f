"""Measures are scraped from a worker that is there anyway."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from lampway.errors import StoreLostError
from lampway.integrations.scraping import scraped
from typist import called, make_team

_SECONDS = 30.0


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository whose strategy is in force."""
    return make_team(monkeypatch, tmp_path)


@contextlib.contextmanager
def _working(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a worker that may be scraped, and give it and its URL."""
    command = [sys.executable, "-m", "lampway", "-C", str(folder), "worker", "--metrics", "127.0.0.1:0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = next(found[1] for line in process.stderr if (found := re.search(r"measures at (\S+)", line)))
            yield process, url
        finally:
            process.kill()


def _get(url: str) -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(url, timeout=_SECONDS) as answer:
            return answer.status, answer.read().decode(), answer.headers["Content-Type"]
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode(), error.headers["Content-Type"]


def test_a_worker_is_scraped_and_leaves_when_asked(team: Path) -> None:
    with _working(team) as (process, url):
        status, text, kind = _get(url)
        assert (status, kind) == (200, "text/plain; version=0.0.4; charset=utf-8")
        assert "# TYPE lampway_ledger_events_total counter\nlampway_ledger_events_total 1\n" in text
        assert 'lampway_notices{state="failed"} 0' in text
        assert _get(url.replace("/metrics", "/"))[0] == 404
        process.send_signal(signal.SIGTERM)
        assert process.wait(_SECONDS) == 0


def test_a_store_that_does_not_answer_is_no_measure_of_nothing() -> None:
    def lost() -> str:
        raise StoreLostError("the store failed: it is gone")

    with scraped(("127.0.0.1", 0), lost) as url:
        assert _get(url)[:2] == (503, "the store failed: it is gone\n")


def test_many_scrapers_cost_no_more_than_one() -> None:
    asked: list[int] = []

    def measured() -> str:
        asked.append(1)
        return "lampway_up 1\n"

    with scraped(("127.0.0.1", 0), measured) as url:
        assert [_get(url)[1] for _ in range(5)] == ["lampway_up 1\n"] * 5
    assert len(asked) == 1


@pytest.mark.parametrize("given", ["9464", "localhost:", ":9464", "127.0.0.1:x", "127.0.0.1:70000", "127.0.0.1:٣"])
def test_what_is_no_address_is_said(team: Path, given: str) -> None:
    asked = called(team, "worker", "--once", "--metrics", given)
    assert asked.returncode == 2
    assert "error: not an address to listen on" in asked.stderr
    assert "hint: as in 127.0.0.1:9464" in asked.stderr


def test_an_address_that_is_taken_is_said(team: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = called(team, "worker", "--once", "--metrics", f"127.0.0.1:{taken.getsockname()[1]}")
    assert asked.returncode == 2
    assert "cannot listen on 127.0.0.1" in asked.stderr
