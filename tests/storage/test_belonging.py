"""One store serves one governance repository, whichever folder it is reached from."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

import private_postgres
from lampway.app import make_backup, open_engine
from lampway.errors import RefusedError
from lampway.storage.belonging import require_own
from lampway.storage.sql import SqlStore, open_store


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, tzinfo=UTC)


def git(folder: Path, *words: str) -> None:
    own = ["-c", "user.name=Mia", "-c", "user.email=mia@example.test"]
    subprocess.run(["git", "-C", str(folder), *own, *words], check=True, capture_output=True)


def repository(folder: Path, commits: int = 1) -> Path:
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    for number in range(commits):
        git(folder, "commit", "-q", "--allow-empty", "-m", f"{folder.name} {number}")
    return folder


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlStore]:
    is_shared = request.param == "postgres"
    url = private_postgres.new_database() if is_shared else f"sqlite:///{tmp_path / 'lampway.db'}"
    opened = open_store(url, Clock())
    yield opened
    opened.close()
    if is_shared:
        private_postgres.drop_database(url)


def test_a_store_serves_the_repository_it_was_first_used_for_and_its_clones(store: SqlStore, tmp_path: Path) -> None:
    ours, theirs = repository(tmp_path / "ours", 3), repository(tmp_path / "theirs")
    git(tmp_path, "clone", "-q", str(ours), "clone")
    require_own(store, ours)
    before = store.serves()
    require_own(store, tmp_path / "clone")
    git(ours, "commit", "-q", "--allow-empty", "-m", "more")
    require_own(store, ours)
    with pytest.raises(RefusedError) as caught:
        require_own(store, theirs)
    assert before[:12] in caught.value.message
    assert caught.value.where == str(theirs)
    assert "LAMPWAY_STATE" in caught.value.hint
    assert store.serves() == before


def test_of_two_that_come_at_once_one_is_served(store: SqlStore, tmp_path: Path) -> None:
    theirs = repository(tmp_path / "theirs")
    assert store.serve("a" * 40) == "a" * 40
    assert store.serve("b" * 40) == "a" * 40
    with pytest.raises(RefusedError):
        require_own(store, theirs)


def test_where_there_is_no_commit_yet_nothing_is_remembered(store: SqlStore, tmp_path: Path) -> None:
    for folder in (repository(tmp_path / "empty", 0), tmp_path):
        require_own(store, folder)
    assert store.serves() == ""


def test_a_history_that_is_cut_off_says_so(store: SqlStore, tmp_path: Path) -> None:
    ours = repository(tmp_path / "ours", 3)
    git(tmp_path, "clone", "-q", "--depth", "1", ours.as_uri(), "cut")
    require_own(store, tmp_path / "cut")
    assert store.serves() == "", "its first commit is not known here"
    require_own(store, ours)
    with pytest.raises(RefusedError) as caught:
        require_own(store, tmp_path / "cut")
    assert "git fetch --unshallow" in caught.value.hint


def test_every_command_on_a_shared_store_asks_whose_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = repository(tmp_path / "ours"), repository(tmp_path / "theirs")
    monkeypatch.setenv("LAMPWAY_STATE", f"sqlite:///{tmp_path / 'shared.db'}")
    open_engine(ours).store.close()
    with pytest.raises(RefusedError, match="another governance repository"):
        open_engine(theirs)
    with pytest.raises(RefusedError, match="another governance repository"):
        make_backup(theirs, tmp_path / "stolen.backup")
    assert not (tmp_path / "stolen.backup").exists()
    monkeypatch.delenv("LAMPWAY_STATE")
    open_engine(theirs).store.close()
