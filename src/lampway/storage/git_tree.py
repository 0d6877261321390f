"""Trees, blobs and indexes in git: what a commit of one folder is made of."""

from __future__ import annotations

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lampway.errors import LampwayError, RefusedError, SourceError, UsageError
from lampway.storage.git_command import GitCommand, decode, encode

_PLAIN = "100644"
_FILES = (_PLAIN, "100755")
_MARK = "lampway-follow.json"


@dataclass(frozen=True, slots=True)
class Entry:
    """One path in a commit."""

    mode: str
    id: str

    @property
    def is_file(self) -> bool:
        """Whether it is a file: no link, no submodule."""
        return self.mode in _FILES


@dataclass(frozen=True, slots=True)
class TreeChange:
    """One path to be written or removed."""

    path: str
    entry: Entry | None
    """None: the path goes."""
    is_new_content: bool = False


def entries_at(git: GitCommand, commit: str, paths: Sequence[str]) -> dict[str, Entry]:
    """Return everything below `paths` in a commit, by path; no paths: everything. Raises SourceError."""
    listed = git.run("ls-tree", "-r", "-z", "--full-tree", commit, "--", *paths)
    found: dict[str, Entry] = {}
    for line in listed.out.split(b"\0"):
        if line:
            about, _, path = line.partition(b"\t")
            mode, _, id_ = decode(about).split(" ")
            found[decode(path)] = Entry(mode, id_)
    return found


def read_blobs(git: GitCommand, ids: Sequence[str]) -> list[bytes]:
    """Return the contents of blobs, in the order asked. Raises SourceError when one is missing."""
    if not ids:
        return []
    out = git.run("cat-file", "--batch", stdin="".join(f"{id_}\n" for id_ in ids).encode()).out
    contents: list[bytes] = []
    at = 0
    for id_ in ids:
        end = out.index(b"\n", at)
        words = out[at:end].split(b" ")
        if len(words) != 3:
            raise SourceError(
                f"git lacks an object: {id_}", where=str(git.folder), hint="git fsck tells what is damaged"
            )
        start = end + 1
        at = start + int(words[2]) + 1
        contents.append(out[start : at - 1])
    return contents


def place(folder: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return `files` by their path from the root. Raises UsageError for paths that cannot be."""
    if folder == ".":
        raise UsageError("the whole repository cannot be replaced", hint="name a folder in it")
    placed = {f"{folder}/{path}": content for path, content in files.items()}
    for path in files:
        parts = path.split("/")
        odd = "\0" in path or any(part in {"", ".", ".."} or part.lower() == ".git" for part in parts)
        if odd or any("/".join(parts[:n]) in files for n in range(1, len(parts))):
            raise UsageError(f"not a usable file name: {path!r}", where=folder)
    return placed


def hash_name(git: GitCommand, commit: str) -> str:
    """Return the name of the hash that the repository uses."""
    if commit:
        return "sha256" if len(commit) == 64 else "sha1"
    return git.run("rev-parse", "--show-object-format").text


def compare(here: Mapping[str, Entry], wanted: Mapping[str, bytes], hash_with: str) -> list[TreeChange]:
    """Return what must change for `wanted` to be everything, removals first."""
    changes = [TreeChange(path, None) for path in here if path not in wanted]
    for path, content in wanted.items():
        old = here.get(path)
        entry = Entry(_PLAIN, _blob_id(content, hash_with))
        if old != entry:
            changes.append(TreeChange(path, entry, is_new_content=old is None or old.id != entry.id))
    return changes


def changes_between(git: GitCommand, old: str, new: str) -> list[TreeChange]:
    """Return what turns the tree or commit `old` (empty: nothing) into `new`, removals first."""
    answer = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", old or _empty_tree(git), new)
    parts = decode(answer.out).split("\0")
    changes = []
    for about, path in zip(parts[::2], parts[1::2], strict=False):
        _, mode, _, id_, kind = about.split(" ")
        changes.append(TreeChange(path, None if kind == "D" else Entry(mode, id_)))
    return sorted(changes, key=lambda change: change.entry is not None)


def write_blobs(git: GitCommand, contents: Sequence[bytes]) -> None:
    """Put contents into the object store, byte for byte and all in one go. Raises SourceError."""
    stream = bytearray()
    for content in contents:
        stream += b"blob\ndata %d\n%b\n" % (len(content), content)
    if stream:
        git.run("fast-import", "--quiet", "--done", stdin=bytes(stream) + b"done\n")


def update_index(git: GitCommand, changes: Sequence[TreeChange], index: Mapping[str, str]) -> None:
    """Write changes to an index: the user's own where `index` is empty."""
    lines = []
    width = max((len(change.entry.id) for change in changes if change.entry), default=40)
    for change in changes:
        about = f"{change.entry.mode} {change.entry.id}" if change.entry else f"0 {'0' * width}"
        lines.append(encode(f"{about}\t{change.path}\0"))
    git.run("update-index", "-z", "--index-info", stdin=b"".join(lines), env=index)


@contextlib.contextmanager
def own_index(git: GitCommand, parent: str) -> Iterator[Mapping[str, str]]:
    """Yield the environment that makes git use an index of our own, holding what `parent` holds."""
    with tempfile.TemporaryDirectory(prefix="lampway-", ignore_cleanup_errors=True) as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        git.run("read-tree", parent or "--empty", env=env)
        yield env


def follow(git: GitCommand, git_dir: Path, span: tuple[str, str], move: Callable[[], None]) -> None:
    """Call `move`, then bring working tree and index from the first commit of `span` to the second.

    Git does it as for a branch switch: what is staged or changed elsewhere stays, nothing uncommitted is overwritten.
    Whether it can is tried before anything moves. A mark in the git folder lets `finish_interrupted` go on after a
    crash in between. Raises RefusedError (nothing was changed), SourceError (the commit is made).
    """
    git.ask("update-index", "-q", "--refresh")  # git compares by time stamps; its exit code tells about other files
    tried = _read_tree(git, span, "--dry-run")
    if tried:
        raise RefusedError(f"the working tree cannot follow: {tried.message}", where=str(git.folder), hint=tried.hint)
    mark = git_dir / _MARK
    mark.write_text(json.dumps(span), encoding="utf-8")
    try:
        move()
    except LampwayError:  # anything else may have come after the move: the mark stays
        mark.unlink(missing_ok=True)
        raise
    failed = _read_tree(git, span)
    mark.unlink(missing_ok=True)
    if failed:
        raise SourceError(
            f"committed as {span[1][:12]}, but the working tree could not follow: {failed.message}",
            where=str(git.folder),
            hint=failed.hint or "git restore --staged --worktree -- FOLDER brings it to the commit",
        )


def finish_interrupted(git: GitCommand, git_dir: Path, head: str) -> None:
    """Bring the working tree along where an earlier call was stopped before it could.

    What was edited since is not overwritten.
    """
    mark = git_dir / _MARK
    try:
        old, new = json.loads(mark.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return
    except ValueError:
        old = new = ""  # cut short while it was written: nothing had moved yet
    if new and new == head:
        git.ask("update-index", "-q", "--refresh")
        _read_tree(git, (old, new))  # if it cannot, the folder shows as changed, and that is then said
    mark.unlink(missing_ok=True)


def _read_tree(git: GitCommand, span: tuple[str, str], *options: str) -> SourceError | None:
    answer = git.ask("read-tree", *options, "-m", "-u", span[0] or _empty_tree(git), span[1])
    return None if answer.ok else git.failure("read-tree", answer)


def _empty_tree(git: GitCommand) -> str:
    return git.run("hash-object", "-t", "tree", "--stdin").text


def _blob_id(content: bytes, hash_with: str) -> str:
    # Not for security: git's own name of the content.
    return hashlib.new(hash_with, b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest()
