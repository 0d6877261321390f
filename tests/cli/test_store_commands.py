"""The commands about what is kept, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from typist import ADA, Run, begin, enforce, typist


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Return a runner in a repository whose strategy is in force."""
    run = typist(monkeypatch, tmp_path, inside="team")
    (tmp_path / "team").mkdir()
    begin(run, *ADA)
    enforce(run)
    return run


def test_a_backup_is_made_tried_elsewhere_and_restored_after_a_loss(run: Run, tmp_path: Path) -> None:
    history = run("history", "--all", "--json")
    code, out, err = run("backup", str(tmp_path / "x.backup"))
    assert code == 0
    assert "events and 0 packages" in out
    assert "private key is not in it" in err
    url = f"sqlite:///{tmp_path / 'tried' / 'lampway.db'}"
    code, out, err = run("restore", str(tmp_path / "x.backup"), "--verify", "--into", url)
    assert code == 0
    assert "✓ read again" in out
    code, _, err = run("restore", str(tmp_path / "x.backup"))
    assert code == 1
    assert "never replaced" in err
    assert "hint: restore into an empty one" in err
    for file in (tmp_path / "team" / ".lampway").glob("lampway.db*"):
        file.unlink()
    code, out, _ = run("restore", str(tmp_path / "x.backup"), "--verify", "--json")
    assert code == 0
    assert json.loads(out)["is_verified"] is True
    assert json.loads(out)["damage"] == []
    assert run("history", "--all", "--json") == history


def test_a_file_that_is_no_backup_is_asking_wrongly(run: Run, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("no backup")
    code, _, err = run("restore", str(tmp_path / "x"), "--into", f"sqlite:///{tmp_path / 'new.db'}", "--json")
    assert code == 2
    assert json.loads(err)["error"]["message"].startswith("not a whole backup")
    assert not (tmp_path / "new.db").exists()
    assert run("restore", str(tmp_path / "gone"))[0] == 2
    assert run("backup", str(tmp_path / "x"))[0] == 2
    assert (tmp_path / "x").read_text() == "no backup"


def test_an_address_of_no_store_is_told_by_every_command(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMPWAY_STATE", "mysql://ada:s3cr3t@host/lampway")
    code, _, err = run("status")
    assert code == 2
    assert "LAMPWAY_STATE" in err
    assert "s3cr3t" not in err


def test_packages_are_verified_and_repaired_from_a_second_copy(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("packages", "verify") == (0, "✓ 0 are whole in one copy\n", "")
    code, _, err = run("packages", "repair")
    assert code == 2
    assert "LAMPWAY_PACKAGES_COPY" in err
    monkeypatch.setenv("LAMPWAY_PACKAGES_COPY", str(tmp_path / "second"))
    assert run("packages", "verify")[1] == "✓ 0 are whole in both copies\n"
    assert run("packages", "repair")[1] == "nothing to repair\n"
    assert json.loads(run("packages", "verify", "--json")[1]) == {"checked": 0, "faults": [], "has_second": True}


def test_a_package_store_with_a_setting_nobody_knows_is_asking_wrongly(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMPWAY_PACKAGES", "s3://lamps/team?color=red")
    code, _, err = run("status")
    assert code == 2
    assert "no setting color" in err


def test_retention_says_that_nothing_goes_until_the_strategy_declares_it(run: Run, tmp_path: Path) -> None:
    code, _, err = run("retention", "--apply")
    assert code == 1
    assert "retention: 180d" in err
    file = tmp_path / "team" / "lampway.yaml"
    text = file.read_text()
    file.write_text(text + "\nretention: 12h\n")
    code, _, err = run("strategy", "check")
    assert code == 2
    assert "a day at least" in err
    file.write_text(text + "\nretention: 26w\n")
    assert "are kept: for good → 182 d" in run("strategy", "diff")[1]
