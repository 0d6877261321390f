"""Connecting a platform that must be told more than a token: by name, and with nothing secret on the command line."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lampway.cli.main import main

Run = Callable[..., tuple[int, str]]
TENANT = ("--setting", "tenant=t", "--setting", "client_id=c")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs a command in a new governance repository."""
    for name, value in {"HOME": str(tmp_path), "GIT_CONFIG_GLOBAL": os.devnull, "LAMPWAY_USER": "ada"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PLACE_SECRET", "secret-of-the-application-4711")

    def run_one(*words: str) -> tuple[int, str]:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(["-C", str(tmp_path), *words])
        return code, out.getvalue() + err.getvalue()

    assert run_one("init", "--platform", "power-platform", "--person", "ada:Ada:ada@example.org:maker")[0] == 0
    return run_one


def connect(run: Run, *words: str, url: str = "https://127.0.0.1:9") -> tuple[int, str]:
    return run("connect", "dev", url, "--platform", "power-platform", *words)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--setting", "tenant"), 2, "not NAME=VALUE"),
        (("--access", "=env:X"), 2, "not NAME=VALUE"),
        (("--access", "client_secret=typed-in-secret", *TENANT), 2, "by reference"),
        (("--setting", "tenant=env:TENANT"), 2, "stands in clear"),
        (("--access", "client_secret=env:PLACE_SECRET"), 3, "no tenant to sign in with"),
        (
            ("--access", "client_secret=env:PLACE_SECRET", *TENANT, "--setting", "authority=https://127.0.0.1:9"),
            3,
            "cannot be reached",
        ),
        (
            ("--access", "client_secret=env:PLACE_SECRET", *TENANT, "--setting", "authority=http://login.example.org"),
            3,
            "unencrypted",
        ),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_written(
    run: Run, tmp_path: Path, words: tuple[str, ...], code: int, told: str
) -> None:
    path = tmp_path / "environments" / "dev.yaml"
    before = path.read_text() if path.exists() else None
    got, text = connect(run, *words)
    assert told in text
    assert got == code
    assert "typed-in-secret" not in text
    assert "secret-of-the-application" not in text
    assert (path.read_text() if path.exists() else None) == before
