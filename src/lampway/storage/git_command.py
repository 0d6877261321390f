"""Running the git command line: isolated from surprises, bounded in time, failures translated."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from lampway.errors import SourceError

_LOCATIONS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_QUARANTINE_PATH",
)
"""Set inside hooks and by some tools; they would point git at another repository or read paths otherwise."""

_SETTINGS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",  # a commit is what its id says
    "GIT_OPTIONAL_LOCKS": "0",  # looking must not get in the way of a person's own git
    "GIT_PAGER": "cat",
    "GIT_MERGE_AUTOEDIT": "no",
    "GIT_EDITOR": ":",
    "LC_ALL": "C",
    "LANGUAGE": "C",
}

_CONFIGURATION = (
    "core.quotepath=off",
    "core.fsmonitor=false",
    "core.fsync=all",  # a release names its commit: it must survive a power cut (git 2.36 and newer)
    "i18n.commitEncoding=UTF-8",
    "i18n.logOutputEncoding=UTF-8",
    "submodule.recurse=false",
    "push.followTags=false",
    "advice.pushUpdateRejected=false",
)
"""Everything else stays the user's own: identity, signing, credentials, hooks, line endings."""

_HINTS = (
    (r"dubious ownership", "the folder belongs to another user: git config --global --add safe.directory FOLDER"),
    (r"must be run in a work tree", "a bare repository has no files: clone it and work there"),
    (r"not a git repository", "`lampway init` makes one; or change into the team's governance repository"),
    (r"index\.lock", "another git seems to be at work; if none is, remove .git/index.lock and run the command again"),
    (r"\.lock': File exists", "another git seems to be at work; if none is, remove the lock file that git names"),
    (r"could not read (Username|Password)|terminal prompts disabled|Authentication failed|Permission denied \(public",
     "git cannot sign in to the remote: set up a credential helper or an SSH key, then try `git push` by hand"),
    (r"Host key verification failed", "connect once by hand with ssh, so that the host's key is known"),
    (r"protected branch|GH006|GH013|not allowed to push",
     "the remote protects this branch: push to another one and merge"),
    (r"non-fast-forward|fetch first|\[rejected\]", "the remote has commits that are missing here: git pull --rebase"),
    (r"Could not resolve host|Connection (refused|timed out)|unable to access", "the remote cannot be reached"),
    (r"does not appear to be a git repository", "the remote does not exist, or not for you: git remote -v"),
    (r"No space left", "the disk is full: make room and run the same command again"),
    (r"gpg failed|signing failed|failed to write commit object",
     "git is set up to sign and could not: check user.signingkey and that the key can be used without asking"),
    (r"bad object|missing blob|corrupt|unable to read", "the repository may be damaged: git fsck"),
)  # fmt: skip

_CREDENTIALS = re.compile(r"(://)[^/\s@]+@")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a git command gave back."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text without its last line feed."""
        return decode(self.out).removesuffix("\n")

    @property
    def ok(self) -> bool:
        """Whether git exited with 0."""
        return self.code == 0


class GitCommand:
    """Runs git in one folder."""

    def __init__(self, folder: Path, *, seconds: float = 60.0) -> None:
        self.folder = folder
        self._seconds = seconds

    def run(
        self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> Answer:
        """Run git and return what it said. Raises SourceError when it exits with anything but 0, or takes too long."""
        answer = self.ask(*arguments, stdin=stdin, env=env, seconds=seconds)
        if not answer.ok:
            raise self.failure(arguments[0], answer)
        return answer

    def ask(
        self, *arguments: str, stdin: bytes = b"", env: Mapping[str, str] | None = None, seconds: float | None = None
    ) -> Answer:
        """Run git and return what it said, whatever it exits with. Raises SourceError when it cannot run at all."""
        limit = seconds or self._seconds
        settings = [part for setting in _CONFIGURATION for part in ("-c", setting)]
        command = ["git", "-C", str(self.folder), "--no-pager", *settings, *arguments]
        # Files instead of pipes: a hook or helper that outlives git cannot keep us waiting.
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin)
            given.seek(0)
            try:
                process = subprocess.Popen(command, stdin=given, stdout=out, stderr=err, env=_environment(env))
            except FileNotFoundError:
                raise SourceError("git is not installed", hint="install git 2.30 or newer") from None
            except OSError as error:
                raise SourceError(f"git cannot be run: {error.strerror}", where=str(self.folder)) from error
            if not _waited(process, limit):
                raise SourceError(
                    f"git {arguments[0]} did not finish within {limit:g} seconds",
                    where=str(self.folder),
                    hint="run it by hand to see what it waits for: a password, a hook, the network",
                )
            out.seek(0)
            err.seek(0)
            return Answer(process.returncode, out.read(), decode(err.read()))

    def failure(self, name: str, answer: Answer) -> SourceError:
        """Return the error that tells what git said last, with a cure where it is known."""
        everything = f"{answer.err}\n{answer.text}"
        hint = next((hint for pattern, hint in _HINTS if re.search(pattern, everything)), "")
        said = _CREDENTIALS.sub(r"\1", _last_line(answer)) or f"exit code {answer.code}"
        return SourceError(f"git {name} failed: {said}", where=str(self.folder), hint=hint)


def _waited(process: subprocess.Popen[bytes], limit: float) -> bool:
    """Wait until a process has ended, and return whether it did so by itself within so many seconds.

    Waiting with a limit looks again and again, and sleeps in between for longer than git mostly takes. This does not.
    """
    late = threading.Event()

    def end() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(limit, end)
    timer.daemon = True
    timer.start()
    try:
        process.wait()
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        timer.cancel()
    return not late.is_set()


def decode(data: bytes) -> str:
    """Return git's bytes as text; paths that are no UTF-8 survive the way back."""
    return data.decode("utf-8", errors="surrogateescape")


def encode(text: str) -> bytes:
    """Return text as git's bytes; the opposite of `decode`."""
    return text.encode("utf-8", errors="surrogateescape")


def _environment(more: Mapping[str, str] | None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _LOCATIONS}
    return {**kept, **_SETTINGS, **(more or {})}


def _last_line(answer: Answer) -> str:
    """Return the line that says why: git's last complaint, or the last thing it said at all."""
    refused = [line[1:].replace("\t", " ").strip() for line in answer.text.splitlines() if line.startswith("!\t")]
    lines = [line.strip() for line in answer.err.splitlines() if line.strip() and not line.startswith("hint:")]
    complaints = [line for line in lines if line.startswith(("fatal:", "error:"))]
    for found in (refused, complaints, lines):
        if found:
            return found[-1].removeprefix("fatal: ").removeprefix("error: ")
    return ""
