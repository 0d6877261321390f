"""Beginning with signatures: what init, key and doctor say, before any platform is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lampway.cli.main import main

PEOPLE = (
    *("--person", "ada:Ada Maker:ada@example.org:maker,platform-admin"),
    *("--person", "ben:Ben Approver:ben@example.org:approver,platform-admin"),
)


@pytest.fixture(autouse=True)
def _fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("LAMPWAY_DIR", str(tmp_path / "governance"))
    monkeypatch.setenv("LAMPWAY_USER", "ben")
    monkeypatch.setenv("LAMPWAY_KEY", str(tmp_path / "ben.pem"))
    (tmp_path / "passphrase").write_text("many words")
    monkeypatch.setenv("LAMPWAY_PASSPHRASE", f"file:{tmp_path / 'passphrase'}")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(words)
    said = capsys.readouterr()
    return code, said.out + said.err


def test_a_team_begins_with_signatures_and_is_told_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = told(capsys, "init", *PEOPLE)
    assert (code, "lampway key create --add" in text, "unsigned" in text) == (0, True, False)
    code, text = told(capsys, "doctor")
    assert (code, "no key here, and what ben approves counts only when it is signed" in text) == (1, True)
    assert told(capsys, "key", "create", "--add")[0] == 0
    code, text = told(capsys, "doctor")
    assert (code, "signs as ben" in text) == (0, True), text
    assert "nobody signed" not in told(capsys, "strategy", "check")[1]


def test_a_maker_needs_no_key(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    told(capsys, "init", *PEOPLE)
    monkeypatch.setenv("LAMPWAY_USER", "ada")
    code, text = told(capsys, "doctor")
    assert (code, "nothing asks ada for a signature" in text) == (0, True)


def test_to_go_without_signatures_is_a_choice_that_is_said_aloud_and_written_down(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, text = told(capsys, "init", "--unsigned", *PEOPLE)
    assert (code, "whoever can set LAMPWAY_USER can be the approver" in text) == (0, True)
    assert "signed: false" in (tmp_path / "governance" / "lampway.yaml").read_text()
    assert "counts approvals that nobody signed" in told(capsys, "strategy", "check")[1]
    assert told(capsys, "doctor")[0] == 0


def test_a_key_is_made_only_where_it_can_be_added(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert told(capsys, "key", "create", "--add")[0] == 2
    assert not (tmp_path / "ben.pem").exists()
