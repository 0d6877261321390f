"""A branch with one commit, made beside whatever anybody works on."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lampway.engine.ports import Author
from lampway.errors import RefusedError, UsageError
from lampway.storage.git import GitSource

MIA = Author("Mia Maker", "mia@acme.example")
FOLDER = "solutions/orders/src"


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitSource:
    """Return a repository with a solution's source in it."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    source = GitSource.init(tmp_path / "governance")
    (source.root / "lampway.yaml").write_text("team: orders\n")
    source.commit_paths(["lampway.yaml"], "begin", MIA)
    source.commit_tree(FOLDER, {"flow.json": b"1\n", "old.json": b"1\n"}, "orders 1.0.0", MIA, source.head())
    return source


def git(source: GitSource, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(source.root), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def branch(source: GitSource, content: bytes = b"2\n", name: str = "backport/orders-prod-1") -> str:
    files = {"flow.json": content}
    return source.commit_branch(
        name, FOLDER, files, message="live edit", author=MIA, parent=git(source, "rev-parse", "main")
    )


def test_it_holds_the_folder_and_everything_beside_it(begun: GitSource) -> None:
    commit = branch(begun)
    assert git(begun, "rev-parse", "backport/orders-prod-1") == commit
    assert git(begun, "diff", "--name-status", "main", commit).split() == [
        "M",
        f"{FOLDER}/flow.json",
        "D",
        f"{FOLDER}/old.json",
    ]
    assert git(begun, "log", "-1", "--format=%an %ae %s", commit) == "Mia Maker mia@acme.example live edit"


def test_nothing_else_moves_not_even_what_lies_uncommitted(begun: GitSource) -> None:
    (begun.root / FOLDER / "flow.json").write_text("mine\n")
    (begun.root / "note.txt").write_text("mine\n")
    git(begun, "add", "note.txt")
    before = git(begun, "rev-parse", "HEAD"), git(begun, "status", "--porcelain")
    branch(begun)
    assert (git(begun, "rev-parse", "HEAD"), git(begun, "status", "--porcelain")) == before


def test_it_merges_as_the_edit_that_it_is(begun: GitSource) -> None:
    parent = begun.head()
    begun.commit_paths(["lampway.yaml"], "nothing", MIA)
    (begun.root / "lampway.yaml").write_text("team: others\n")
    begun.commit_paths(["lampway.yaml"], "go on", MIA)
    begun.commit_branch("b", FOLDER, {"flow.json": b"2\n"}, message="live edit", author=MIA, parent=parent)
    git(begun, "-c", "user.name=Otto", "-c", "user.email=otto@acme.example", "merge", "--quiet", "b")
    assert (begun.root / FOLDER / "flow.json").read_text() == "2\n"
    assert (begun.root / "lampway.yaml").read_text() == "team: others\n"


def test_the_same_again_is_the_same_commit_and_something_else_is_refused(begun: GitSource) -> None:
    commit = branch(begun)
    assert branch(begun) == commit
    with pytest.raises(RefusedError, match="exists already, with something else"):
        branch(begun, b"3\n")
    assert git(begun, "rev-parse", "backport/orders-prod-1") == commit


@pytest.mark.parametrize("name", ["-b", "a b", "a..b", "", "a~1", "a.lock"])
def test_names_that_git_does_not_allow_are_refused(begun: GitSource, name: str) -> None:
    with pytest.raises(UsageError, match="not the name of a branch"):
        branch(begun, name=name)
