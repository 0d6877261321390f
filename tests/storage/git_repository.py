"""What tests of the git source share: a maker, and looking and acting behind its back."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from lampway.engine.ports import Author
from lampway.storage.git import GitSource

MIA = Author("Mia Maker", "mia@acme.example")
FOLDER = "solutions/orders/src"


def git(root: Path, *arguments: str, check: bool = True) -> str:
    """Look and act behind the source's back, as a person with a name of their own."""
    person = [f"GIT_{role}_{part}" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")]
    env = {**os.environ, **dict(zip(person, ["Otto", "otto@acme.example"] * 2, strict=True))}
    done = subprocess.run(["git", "-C", str(root), *arguments], env=env, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise AssertionError(done.stderr)
    return done.stdout.removesuffix("\n")


def commit(source: GitSource, files: dict[str, bytes], message: str = "release", author: Author = MIA) -> str:
    return source.commit_tree(FOLDER, files, message, author, source.head())


def status(source: GitSource) -> str:
    return git(source.root, "status", "--porcelain")
