"""Files given as evidence: what is none, is huge, or leads elsewhere ends in one error before anything is recorded."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lampway.cli.main import main
from lampway.engine.attest import FILE_LIMIT


def missing(folder: Path) -> Path:
    return folder / "missing.png"


def a_folder(folder: Path) -> Path:
    return folder


def huge(folder: Path) -> Path:
    with (folder / "huge.bin").open("wb") as file:
        file.truncate(FILE_LIMIT + 1)
    return folder / "huge.bin"


def link_outside(folder: Path) -> Path:
    (folder / "link.txt").symlink_to("/etc/passwd")
    return folder / "link.txt"


def link_to_itself(folder: Path) -> Path:
    (folder / "round.txt").symlink_to("round.txt")
    return folder / "round.txt"


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def device(folder: Path) -> Path:
    assert folder
    return Path("/dev/zero")


def nul(folder: Path) -> Path:
    return folder / "a\0b"


@pytest.mark.skipif(os.name == "nt", reason="links, pipes and devices as POSIX has them")
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (missing, "No such file"),
        (a_folder, "cannot be read: Is a directory"),
        (huge, "larger than 20 MiB"),
        (link_outside, "leads out of its folder"),
        (link_to_itself, "cannot be read"),
        (pipe, "this is no file"),
        (device, "this is no file"),
        (nul, "cannot be read"),
    ],
)
def test_what_is_no_file_to_be_kept_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Path], said: str
) -> None:
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path))
    words = ["check", "attest", "orders", "--in", "test", "--check", "uat", "--outcome", "passed", "--cases", "two"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(["-C", str(tmp_path), *words, "--file", str(make(tmp_path))])
    assert code == 2, err.getvalue()
    assert said in err.getvalue()
    assert out.getvalue() == ""
    assert not (tmp_path / ".lampway").exists()
