"""One store serves one governance repository: it remembers the first one that it was used for, and serves no other."""

from __future__ import annotations

from pathlib import Path

from lampway.errors import RefusedError
from lampway.storage.git_command import GitCommand
from lampway.storage.sql import SqlStore

_CUT_OFF = "its history is cut off here: git fetch --unshallow"
_ANOTHER = "give each governance repository a store of its own in LAMPWAY_STATE, or work in a clone of that one"


def require_own(store: SqlStore, root: Path) -> None:
    """Insist that a store which can be reached from many folders serves the repository in this one.

    A repository is known by its first commit, which every clone has. Where it has no commit yet, or `root` is no
    repository, nothing is asked and nothing remembered. Raises RefusedError, StorageError.
    """
    git = GitCommand(root.absolute())
    served = store.serves()
    if served and git.ask("cat-file", "-e", f"{served}^{{commit}}").ok:
        return
    answer = git.ask("rev-list", "--max-parents=0", "HEAD")
    if not answer.ok or not answer.text:
        return
    is_cut_off = git.ask("rev-parse", "--is-shallow-repository").text == "true"
    if not served and not is_cut_off:
        served = store.serve(answer.text.splitlines()[-1])
        if git.ask("cat-file", "-e", f"{served}^{{commit}}").ok:
            return  # else another repository was faster
    if served:
        raise RefusedError(
            f"this store serves another governance repository: the one that begins with commit {served[:12]}",
            where=str(root),
            hint=_CUT_OFF if is_cut_off else _ANOTHER,
        )
