"""The team's governance repository, read and written through the git command line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lampway.engine.ports import Author
from lampway.errors import NotFoundError, RefusedError, SourceError, UsageError
from lampway.storage import git_tree
from lampway.storage.git_command import Answer, GitCommand, decode, encode

REMOTE = "origin"
"""The remote that `push` pushes to."""

_TAGGER = Author("Lampway", "lampway@localhost")
"""Signs tags where git knows nobody."""
_UNDER_WAY = {
    "MERGE_HEAD": "a merge",
    "CHERRY_PICK_HEAD": "a cherry-pick",
    "REVERT_HEAD": "a revert",
    "rebase-merge": "a rebase",
    "rebase-apply": "a rebase",
}
_COAUTHOR = re.compile(r"^[ \t]*co-authored-by:[ \t]*([^<\n]*)<([^>\n]*)>", re.IGNORECASE | re.MULTILINE)
_IDENT = re.compile(r"^(.*?) ?<([^>]*)> \d+ [+-]\d{4}$")
_NOBODY = re.compile(r"auto-detection is disabled|tell me who you are|empty ident name")
_FULL_ID = re.compile(r"^(?:[0-9a-f]{40}|[0-9a-f]{64})$")
_CRUD = " .,:;<>\"\\'"
_PUSH_SECONDS = 180.0


class GitSource:
    """A git repository whose working tree starts at `root`.

    Plumbing commands only, so that aliases, colours, templates and hooks of `git commit` change nothing. Identity,
    signing, credentials and line endings stay the user's own.
    """

    def __init__(self, root: Path, *, seconds: float = 60.0) -> None:
        """Open the repository at `root`. Raises SourceError, RefusedError when `root` is only a part of one."""
        self._root = root.absolute()
        self._git = GitCommand(self._root, seconds=seconds)
        top = _top(self._git)
        if top is None:
            raise self._git.failure("rev-parse", self._git.ask("rev-parse", "--show-toplevel"))
        if not _same(top, self._root):
            raise RefusedError(
                f"this folder is part of a bigger repository: {top}",
                where=str(root),
                hint="keep the governance files in a repository of their own, at its top",
            )
        self._git_dir = Path(self._git.run("rev-parse", "--absolute-git-dir").text)
        self._knows_nobody = False
        self._remote_known: tuple[tuple[int, int, int], bool] | None = None
        """Whether there is a remote, and what the configuration looked like when it was asked."""

    @classmethod
    def init(cls, root: Path, *, branch: str = "main") -> GitSource:
        """Return the repository at `root`, made with a first branch `branch` if there is none.

        Raises RefusedError inside a bigger repository, SourceError.
        """
        root.mkdir(parents=True, exist_ok=True)
        git = GitCommand(root.absolute())
        if _top(git) is None:
            git.run("init", "--quiet", f"--initial-branch={branch}")
        return cls(root)

    @property
    def root(self) -> Path:
        """The folder of the working tree."""
        return self._root

    # Reading

    def head(self) -> str:
        """Return the commit that HEAD names; empty in a repository without commits. Raises SourceError."""
        answer = self._git.ask("rev-parse", "--verify", "--quiet", "HEAD")
        if answer.ok:
            return answer.text
        branch = self._git.ask("symbolic-ref", "--quiet", "HEAD")
        if branch.ok and not self._git.ask("show-ref", "--verify", "--quiet", branch.text).ok:
            return ""
        raise self._git.failure("rev-parse", self._git.ask("rev-parse", "--verify", "HEAD"))

    def branch(self) -> str:
        """Return the branch checked out; empty when detached."""
        answer = self._git.ask("symbolic-ref", "--quiet", "HEAD")
        return answer.text.removeprefix("refs/heads/") if answer.ok else ""

    def resolve(self, revision: str) -> str:
        """Return the full commit id of a branch, tag or abbreviated id. Raises NotFoundError."""
        if revision and not revision.startswith("-") and "\0" not in revision:
            answer = self._git.ask("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
            if answer.ok:
                return answer.text
        raise NotFoundError(
            f"git knows no commit *{revision}*", where=str(self._root), hint="git fetch --tags, or give more digits"
        )

    def files_at(self, commit: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """Return every file below the given paths as committed, by its path from the root; no paths: every file.

        Missing paths are left out, and so are links and submodules, which are no files. A commit that is not here yet,
        because it was put in force on another machine, is fetched from the remote. Raises SourceError.
        """
        wanted = [_clean_path(path) for path in paths]
        try:
            entries = git_tree.entries_at(self._git, self._id(commit), wanted)
        except SourceError:
            if not self._fetch_missing(commit):
                raise
            entries = git_tree.entries_at(self._git, commit, wanted)
        files = {path: entry.id for path, entry in entries.items() if entry.is_file}
        contents = git_tree.read_blobs(self._git, list(files.values()))
        return dict(zip(files, contents, strict=True))

    def authors(self, since: str, until: str, paths: Sequence[str]) -> tuple[Author, ...]:
        """Return who wrote the commits after `since` (empty: from the first) up to `until` that touch `paths`.

        Each author once by e-mail, first one first; co-authors named anywhere in a message included; side branches
        and what was later reverted included; `.mailmap` is not asked, because it could hide a maker. Raises
        SourceError, also where the history is cut off and makers could be missed.
        """
        if self._git.run("rev-parse", "--is-shallow-repository").text == "true":
            raise SourceError(
                "the history is cut off (a shallow clone), so who made the change cannot be told",
                where=str(self._root),
                hint="git fetch --unshallow; in CI check out the whole history (fetch depth 0)",
            )
        wanted = [_clean_path(path) for path in paths]
        span = [self._id(until), *([f"^{self._id(since)}"] if since else [])]
        shape = "--format=%an%x00%ae%x00%B%x00"
        listed = self._git.run("rev-list", "--reverse", "--full-history", shape, *span, "--", *wanted)
        found: dict[str, Author] = {}
        for author in _authors_in(decode(listed.out)):
            found.setdefault(author.email.lower() or author.name, author)
        return tuple(found.values())

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the paths with changes that are not committed (staged or not, untracked included); no paths: all."""
        wanted = [_clean_path(path) for path in paths]
        return tuple(sorted({path for code, path in self._status(wanted) if code != "!!"}))

    def identity(self) -> Author:
        """Return who git says works here; both parts empty where git does not know."""
        answer = self._git.ask("-c", "user.useConfigOnly=true", "var", "GIT_AUTHOR_IDENT")
        match = _IDENT.match(answer.text) if answer.ok else None
        return Author(match[1], match[2]) if match else Author("", "")

    def read(self, path: str) -> str | None:
        """Return the text of a file in the working tree, or None. Raises SourceError."""
        place = self._root / _clean_path(path)
        try:
            return place.read_text(encoding="utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"cannot read: {error}", where=path) from error

    # Writing

    def write(self, path: str, text: str) -> None:
        """Write a file in the working tree, whole or not at all. Raises SourceError."""
        place = self._root / _clean_path(path)
        beside = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                beside.write_text(text, encoding="utf-8", newline="\n")
                beside.replace(place)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise SourceError(f"cannot write: {error.strerror}", where=path) from error

    def commit_tree(self, folder: str, files: Mapping[str, bytes], message: str, author: Author, parent: str) -> str:
        """Commit `parent` plus `files` (paths relative to `folder`) as the whole content of `folder`, nothing else.

        The branch moves only if it still is at `parent` (empty: no commit yet). Then the working tree and the index
        follow for `folder`; anything staged or changed elsewhere stays as it is. Returns the new commit, or `parent`
        when nothing differs. A call that was interrupted in between is finished by the next one.
        Raises RefusedError when `folder` has uncommitted changes, the branch moved, HEAD is detached or a merge is
        under way; UsageError for paths that cannot be; SourceError.
        """
        folder = _clean_path(folder)
        wanted = git_tree.place(folder, files)
        self._check_ready(parent)
        git_tree.finish_interrupted(self._git, self._git_dir, self.head())
        here = git_tree.entries_at(self._git, parent, [folder]) if parent else {}
        changes = git_tree.compare(here, wanted, git_tree.hash_name(self._git, parent))
        self._check_clean(folder, {change.path for change in changes})
        if not changes:
            return parent
        with git_tree.own_index(self._git, parent) as index:
            git_tree.write_blobs(self._git, [wanted[change.path] for change in changes if change.is_new_content])
            git_tree.update_index(self._git, changes, index)
            tree = self._git.run("write-tree", env=index).text
        commit = self._commit(tree, message, author, parent)
        git_tree.follow(self._git, self._git_dir, (parent, commit), lambda: self._move(parent, commit, message, author))
        return commit

    def commit_paths(self, paths: Sequence[str], message: str, author: Author) -> str:
        """Commit these paths as they lie in the working tree, and nothing else. Returns the commit.

        Returns HEAD when nothing differs. What is staged elsewhere stays staged. Raises RefusedError when HEAD is
        detached, a merge is under way or the branch moved meanwhile; SourceError.
        """
        wanted = [_clean_path(path) for path in paths]
        if not wanted:
            raise UsageError("no paths to commit")
        parent = self.head()
        self._check_ready(parent)
        with git_tree.own_index(self._git, parent) as index:
            self._git.run("add", "--all", "--", *wanted, env=index)
            tree = self._git.run("write-tree", env=index).text
        changes = git_tree.changes_between(self._git, parent, tree)
        if not changes:
            return parent
        commit = self._commit(tree, message, author, parent)
        self._move(parent, commit, message, author)
        git_tree.update_index(self._git, changes, {})
        self._git.ask("update-index", "-q", "--refresh")  # only saves git work; its exit code tells about other files
        return commit

    def commit_branch(
        self, branch: str, folder: str, files: Mapping[str, bytes], *, message: str, author: Author, parent: str
    ) -> str:
        """Make a branch with one commit: `parent` with `files` as the whole content of `folder`. Nothing else moves.

        Returns the commit; the same one where the branch holds this already. Raises RefusedError where it holds
        something else, UsageError for a name that git does not allow, SourceError.
        """
        if branch.startswith("-") or not self._git.ask("check-ref-format", f"refs/heads/{branch}").ok:
            raise UsageError(f"not the name of a branch: {branch!r}", hint="git allows no spaces, .. ~ ^ : ? * [ in it")
        folder = _clean_path(folder)
        wanted = git_tree.place(folder, files)
        here = git_tree.entries_at(self._git, parent, [folder])
        changes = git_tree.compare(here, wanted, git_tree.hash_name(self._git, parent))
        with git_tree.own_index(self._git, parent) as index:
            git_tree.write_blobs(self._git, [wanted[change.path] for change in changes if change.is_new_content])
            git_tree.update_index(self._git, changes, index)
            tree = self._git.run("write-tree", env=index).text
        there = self._git.ask("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}^{{commit}}")
        if there.ok:
            told = self._git.ask("rev-parse", f"{there.text}^{{tree}}", f"{there.text}^")
            if told.text.split() == [tree, parent]:
                return there.text
            hint = f"look what it is, then: git branch -m {branch} OTHER-NAME"
            raise RefusedError(f"branch {branch} exists already, with something else", where=str(self._root), hint=hint)
        commit = self._commit(tree, message, author, parent)
        self._git.run("update-ref", f"refs/heads/{branch}", commit, "0" * len(commit), env=self._committer(author))
        return commit

    def tag(self, name: str, commit: str, message: str) -> None:
        """Create an annotated tag; does nothing if it exists at that commit.

        Raises SourceError when it exists elsewhere, UsageError for a name git does not allow.
        """
        if name.startswith("-"):
            raise _no_tag_name(name)
        arguments = ("tag", "--annotate", "--cleanup=verbatim", "--file=-", "--", name, commit)
        answer = self._signed_by(_TAGGER, *arguments, stdin=encode(message or name))
        if answer.ok or self._is_tagged(name, commit):
            return
        if not self._git.ask("check-ref-format", f"refs/tags/{name}").ok:
            raise _no_tag_name(name)
        raise self._git.failure("tag", answer)

    def tagged(self, prefix: str) -> Mapping[str, str]:
        """Return the tags whose names begin with `prefix`, with their messages; a bare tag's message is empty.

        Raises SourceError.
        """
        shape = "--format=%(refname:strip=2)%00%(objecttype)%00%(contents:subject)%00"
        listed = decode(self._git.run("for-each-ref", shape, "refs/tags/" + prefix.rpartition("/")[0]).out)
        parts = listed.split("\0")
        found = zip(parts[::3], parts[1::3], parts[2::3], strict=False)
        plain = ((name.lstrip("\n"), message if kind == "tag" else "") for name, kind, message in found)
        return {name: message for name, message in plain if name.startswith(prefix)}

    def push(self, refs: Sequence[str]) -> bool:
        """Push branches and tags to the remote `origin` if there is one. Returns whether there is.

        Never forces: a remote that moved on refuses. Raises SourceError, UsageError for what is no plain name.
        """
        for ref in refs:
            if not ref or ref[0] in "-+" or ":" in ref:
                raise UsageError(f"not the name of a branch or tag: {ref!r}")
        if not self._has_remote():
            return False
        if refs:
            self._git.run("push", "--porcelain", "--", REMOTE, *refs, seconds=_PUSH_SECONDS)
        return True

    # What they share

    def _status(self, paths: Sequence[str]) -> Iterator[tuple[str, str]]:
        """Yield two-letter code and path of everything changed, untracked or ignored."""
        options = ("--porcelain=v1", "-z", "--untracked-files=all", "--ignored=traditional", "--no-renames")
        answer = self._git.run("status", *options, "--ignore-submodules=none", "--", *paths)
        for line in decode(answer.out).split("\0"):
            if line:
                yield line[:2], line[3:]

    def _check_ready(self, parent: str) -> None:
        """Refuse to commit where it would surprise: detached, in the middle of something, or moved on."""
        if not self.branch():
            raise RefusedError(
                "no branch is checked out (detached HEAD)", where=str(self._root), hint="git switch BRANCH"
            )
        for name, what in _UNDER_WAY.items():
            if (self._git_dir / name).exists():
                raise RefusedError(f"{what} is under way", where=str(self._root), hint="finish or abort it first")
        if self.head() != parent:
            raise self._moved(parent)

    def _check_clean(self, folder: str, touched: set[str]) -> None:
        status = list(self._status([folder]))
        changed = sorted(path for code, path in status if code != "!!")
        if changed:
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            raise RefusedError(
                f"uncommitted changes in {folder}: {changed[0]}{more}",
                where=str(self._root),
                hint=f"commit them, or drop them: git restore --staged --worktree -- {folder}",
            )
        in_the_way = sorted(path for code, path in status if code == "!!" and path in touched)
        if in_the_way:
            raise RefusedError(
                f"a file that git ignores is in the way: {in_the_way[0]}",
                where=str(self._root),
                hint="move it elsewhere, or take it out of .gitignore",
            )

    def _commit(self, tree: str, message: str, author: Author, parent: str) -> str:
        signing = self._git.ask("config", "--type=bool", "--get", "commit.gpgsign").text == "true"
        arguments = [*(["-S"] if signing else []), *(["-p", parent] if parent else [])]
        people = {**self._committer(author), **_person("AUTHOR", author)}
        return self._git.run("commit-tree", *arguments, tree, stdin=encode(message), env=people).text

    def _committer(self, fallback: Author) -> dict[str, str]:
        """Return what makes git use `fallback` as committer where it knows nobody itself."""
        known = self._git.ask("-c", "user.useConfigOnly=true", "var", "GIT_COMMITTER_IDENT")
        return {} if known.ok else _person("COMMITTER", fallback)

    def _signed_by(self, fallback: Author, *arguments: str, stdin: bytes) -> Answer:
        """Run git as whoever it knows, as `fallback` where it knows nobody; that is remembered."""
        if not self._knows_nobody:
            answer = self._git.ask("-c", "user.useConfigOnly=true", *arguments, stdin=stdin)
            if answer.ok or not _NOBODY.search(answer.err):
                return answer
            self._knows_nobody = True
        return self._git.ask(*arguments, stdin=stdin, env=_person("COMMITTER", fallback))

    def _has_remote(self) -> bool:
        """Return whether there is a remote `origin`; asked again once the repository's configuration has changed."""
        try:
            status = (self._git_dir / "config").stat()
        except OSError:  # a linked working tree keeps it elsewhere
            return REMOTE in self._git.run("remote").text.splitlines()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        if self._remote_known is None or self._remote_known[0] != stamp:
            self._remote_known = (stamp, REMOTE in self._git.run("remote").text.splitlines())
        return self._remote_known[1]

    def _move(self, parent: str, commit: str, message: str, author: Author) -> None:
        """Move the branch from `parent` to `commit`, or refuse if it is elsewhere by now."""
        note = f"lampway: {message.partition(chr(10))[0]}"
        old = parent or "0" * len(commit)
        answer = self._git.ask("update-ref", "-m", note, "HEAD", commit, old, env=self._committer(author))
        if answer.ok:
            return
        if self.head() != parent:
            raise self._moved(parent)
        raise self._git.failure("update-ref", answer)

    def _moved(self, parent: str) -> RefusedError:
        stood = parent[:12] or "no commit"
        return RefusedError(
            f"the branch moved meanwhile: it is no longer at {stood}",
            where=str(self._root),
            hint="run the command again; it starts from what is there now",
        )

    def _is_tagged(self, name: str, commit: str) -> bool:
        """Return whether the tag exists at `commit`. Raises SourceError when it exists elsewhere."""
        answer = self._git.ask("rev-parse", "--verify", "--quiet", f"refs/tags/{name}^{{commit}}")
        if answer.ok and answer.text != self._id(commit):
            raise SourceError(
                f"tag {name} exists already, at another commit: {answer.text[:12]}",
                where=str(self._root),
                hint=f"it was to be at {commit[:12]}; look at both, then delete the wrong one by hand",
            )
        return answer.ok

    def _fetch_missing(self, commit: str) -> bool:
        """Fetch from the remote if this commit is not here. Returns whether it is here now and was not before."""
        look = ("cat-file", "-e", f"{commit}^{{commit}}")
        if not _FULL_ID.match(commit) or self._git.ask(*look).ok:
            return False
        self._git.ask("fetch", "--quiet", REMOTE, seconds=_PUSH_SECONDS)
        return self._git.ask(*look).ok

    def _id(self, revision: str) -> str:
        return revision if _FULL_ID.match(revision) else self.resolve(revision)


def _top(git: GitCommand) -> Path | None:
    """Return the top of the working tree around the folder, or None where there is none."""
    answer = git.ask("rev-parse", "--show-toplevel")
    if answer.ok and answer.text:
        return Path(answer.text)
    if "not a git repository" in answer.err:
        return None
    raise git.failure("rev-parse", answer)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False


def _clean_path(path: str) -> str:
    """Return the path from the root as git writes it. Raises UsageError for one that leaves the repository."""
    parts = [part for part in path.replace(os.sep, "/").split("/") if part not in {"", "."}]
    if path.startswith("/") or ".." in parts or "\0" in path:
        raise UsageError(f"not a path in the repository: {path!r}", hint="write it relative to the repository's top")
    return "/".join(parts) or "."


def _authors_in(listed: str) -> Iterator[Author]:
    """Yield authors and co-authors, in order, from triples of name, e-mail and message that end in NUL."""
    parts = listed.split("\0")
    for name, email, message in zip(parts[::3], parts[1::3], parts[2::3], strict=False):
        yield Author(name.rpartition("\n")[2], email)
        for match in _COAUTHOR.finditer(message):
            yield Author(match[1].strip(), match[2].strip())


def _no_tag_name(name: str) -> UsageError:
    return UsageError(f"not a tag name: {name!r}", hint="git allows no spaces, .. ~ ^ : ? * [ or backslash in it")


def _person(role: str, author: Author) -> dict[str, str]:
    """Return the environment that names somebody as author or committer."""
    email = _printable(author.email)
    name = _printable(author.name)
    if not name.strip(_CRUD):  # git refuses a name of nothing but these
        name = email.partition("@")[0].strip(_CRUD) or "unknown"
    return {f"GIT_{role}_NAME": name, f"GIT_{role}_EMAIL": email}


def _printable(text: str) -> str:
    """Return the text without what git cannot keep in a name or e-mail."""
    plain = "".join(" " if ord(char) < 32 or char in "<>\x7f" else char for char in text)
    return " ".join(plain.encode("utf-8", errors="replace").decode().split())
