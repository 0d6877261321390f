"""What tests of the stores share: an empty store of each kind, by its URL."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from git_repository import MIA

import private_postgres
import private_s3
from lampway.storage.git import GitSource


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session", autouse=True)
def postgres_ends() -> Iterator[None]:
    yield
    private_postgres.stop()


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """Return the URL of an empty database in Postgres."""
    url = private_postgres.new_database()
    yield url
    private_postgres.drop_database(url)


@pytest.fixture(params=["sqlite", "postgres"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of a store that is not there yet, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state' / 'lampway.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture(scope="session")
def s3_server() -> Iterator[str]:
    """Return the address of an object store of the tests' own, on loopback."""
    with private_s3.serving() as address:
        yield address


@pytest.fixture
def bucket(s3_server: str, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> str:
    """Return the URL of an empty bucket."""
    for name, value in private_s3.CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    name = f"b{abs(hash(request.node.nodeid)):x}"
    return private_s3.new_bucket(s3_server, name)


@pytest.fixture
def nobodys_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let git run with nobody's configuration and nobody's identity."""
    home = tmp_path / "home"
    home.mkdir()
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "governance"


@pytest.fixture
def source(root: Path) -> GitSource:
    return GitSource.init(root)


@pytest.fixture
def begun(source: GitSource) -> GitSource:
    """Return a repository with one commit."""
    (source.root / "lampway.yaml").write_text("team: orders\n")
    source.commit_paths(["lampway.yaml"], "begin", MIA)
    return source
