"""`lampway serve` as somebody starts it: it tells where it is, signs people in, answers commands, leaves when asked."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from typist import make_team, ran

_SECONDS = 60


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A team whose first strategy is in force, and nothing connected."""
    return make_team(monkeypatch, tmp_path)


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server on any port, and give it and its address."""
    command = [sys.executable, "-m", "lampway", "-C", str(folder), "serve", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            url = next(found[1] for line in process.stderr if (found := re.search(r"serving (\S+);", line)))
            yield process, url
        finally:
            process.kill()


@pytest.mark.parametrize("asked", [signal.SIGTERM, signal.SIGINT])
def test_the_link_leads_to_the_server_that_runs_and_signs_in_once(team: Path, asked: signal.Signals) -> None:
    with serving(team) as (process, url):
        link = ran(team, "console")
        assert link.startswith(f"{url}/sign-in?code=")
        code = link.partition("code=")[2]
        with httpx.Client(base_url=url, timeout=_SECONDS) as browser:
            assert "Sign in" in browser.get(link).text
            assert browser.post("/sign-in", data={"code": code}).status_code == 303
            assert "Ada Maker" in browser.get("/").text
        with httpx.Client(base_url=url, timeout=_SECONDS) as other:
            other.post("/sign-in", data={"code": code})
            assert "Ada Maker" not in other.get("/", follow_redirects=True).text
        process.send_signal(asked)
        assert process.wait(_SECONDS) == 0
    assert ran(team, "console").startswith("http://localhost:8420/sign-in?code=")


def test_after_login_commands_ask_the_server(team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = ran(team, "token", "create", "laptop", "--scope", "read")
    token = re.search(r"lw_\w+_[\w-]+", made)
    assert token
    here = ran(team, "status", "--json")
    with serving(team) as (_, url):
        monkeypatch.setenv("HOME", str(tmp_path / "laptop"))
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        assert ran(elsewhere, "login", url, told=f"{token[0]}\n").startswith(f"logged in to {url} as Ada Maker")
        assert ran(elsewhere, "status", "--json") == here
