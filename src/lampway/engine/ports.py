"""The ports of the engine besides the platform: store, packages, source, secrets, scanner, clock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from lampway.domain.deployment import CheckOutcome
from lampway.domain.package import Finding, Literal
from lampway.domain.secret import Secret
from lampway.domain.strategy import Check, Environment, Solution, Strategy, Values


class Clock(Protocol):
    """Tells the time; passed in so that tests can set it."""

    def now(self) -> datetime:
        """Return the time, with its zone."""
        ...


class PackageStore(Protocol):
    """Immutable bytes, known by their digest."""

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its digest; keeping the same bytes again changes nothing.

        Raises StorageError; then nothing was kept by halves.
        """
        ...

    def get(self, digest: str) -> bytes:
        """Return the bytes, verified against `digest` on every read.

        Raises StorageError when they are missing or damaged, naming which.
        """
        ...

    def has(self, digest: str) -> bool:
        """Return whether something is kept under this digest; does not verify it."""
        ...

    def remove(self, digest: str) -> None:
        """Forget what is kept under this digest, if anything is. Raises StorageError."""
        ...

    def set_aside(self, digest: str) -> str:
        """Move what is kept under this digest out of the way, as evidence of damage, and return where it lies now.

        Raises StorageError.
        """
        ...


class Secrets(Protocol):
    """Resolves secret references, at the moment of use."""

    def resolve(self, reference: str) -> Secret:
        """Return the secret. Raises SecretError naming the reference, never the value."""
        ...


class Scanner(Protocol):
    """Finds hardcoded secrets and endpoints in what a package reader yields."""

    def scan(self, literals: Sequence[Literal], names: Sequence[str] = ()) -> tuple[Finding, ...]:
        """Return the findings, in the order of the literals. `names` are declared variables, which are no findings."""
        ...


@dataclass(frozen=True, slots=True)
class Author:
    """Who wrote a commit."""

    name: str
    email: str


class Source(Protocol):
    """The team's governance repository, in git."""

    @property
    def root(self) -> Path:
        """The folder of the working tree."""
        ...

    def head(self) -> str:
        """Return the commit that HEAD names; empty in a repository without commits. Raises SourceError."""
        ...

    def branch(self) -> str:
        """Return the branch checked out; empty when detached."""
        ...

    def resolve(self, revision: str) -> str:
        """Return the full commit id of a branch, tag or abbreviated id. Raises NotFoundError."""
        ...

    def files_at(self, commit: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        """Return every file below the given paths as committed, by path. Missing paths are left out."""
        ...

    def authors(self, since: str, until: str, paths: Sequence[str]) -> tuple[Author, ...]:
        """Return who wrote the commits after `since` (empty: from the first) up to `until` that touch `paths`.

        Each author once, co-authors from trailers included.
        """
        ...

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Return the paths with changes that are not committed (staged or not, untracked included)."""
        ...

    def commit_tree(self, folder: str, files: Mapping[str, bytes], message: str, author: Author, parent: str) -> str:
        """Commit HEAD plus `files` as the whole content of `folder`, and nothing else that lies around.

        Uses an index of its own. The branch moves only if it still is at `parent`. The working tree's copy of
        `folder` is brought along. Returns the new commit, or `parent` when nothing differs.
        Raises RefusedError when `folder` has uncommitted changes or the branch moved, SourceError.
        """
        ...

    def commit_paths(self, paths: Sequence[str], message: str, author: Author) -> str:
        """Commit these paths as they lie in the working tree, and nothing else. Returns the commit.

        Raises SourceError.
        """
        ...

    def commit_branch(
        self, branch: str, folder: str, files: Mapping[str, bytes], *, message: str, author: Author, parent: str
    ) -> str:
        """Make a branch with one commit: `parent` with `files` as the whole content of `folder`. Nothing else moves.

        Returns the commit; the same one where the branch holds this already. Raises RefusedError where it holds
        something else, SourceError.
        """
        ...

    def tag(self, name: str, commit: str, message: str) -> None:
        """Create an annotated tag; does nothing if it exists at that commit.

        Raises SourceError when it exists elsewhere.
        """
        ...

    def tagged(self, prefix: str) -> Mapping[str, str]:
        """Return the annotated tags whose names begin with `prefix`, with their messages. Raises SourceError."""
        ...

    def push(self, refs: Sequence[str]) -> bool:
        """Push to the remote if there is one. Returns whether there is. Raises SourceError."""
        ...

    def read(self, path: str) -> str | None:
        """Return the text of a file in the working tree, or None. Raises SourceError."""
        ...

    def write(self, path: str, text: str) -> None:
        """Write a file in the working tree, whole or not at all. Raises SourceError."""
        ...

    def identity(self) -> Author:
        """Return who git says works here; both parts empty where git does not know."""
        ...


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What running a check came to."""

    outcome: CheckOutcome
    summary: str
    """In words. May quote output; the engine masks secrets in it before it is kept."""
    seconds: float
    output: bytes = b""
    """What a command printed, from its beginning, as far as it is kept. The engine masks it as well."""
    report: bytes = b""
    """The report that a command wrote."""


class Checks(Protocol):
    """Runs checks."""

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        """Run one check and return what it came to; a check that cannot be run is an errored one, not an exception.

        `base_url` is where the environment's flows answer, `files` what lies beside the solution's declaration in the
        commit in force (a command runs in a copy of it), `facts` are told to a command as `LAMPWAY_...` variables.
        """
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """What a channel is given to say."""

    id: str
    """The same however often it is sent."""
    kind: str
    title: str
    text: str
    """Ends with the link, or with the command to run."""
    link: str
    """One screen; empty where there is none."""
    at: str
    facts: Mapping[str, Any]
    """The same for programs."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a channel is reached, its secrets resolved now."""

    apprise: Secret | None = None
    """An Apprise URL; None for a webhook."""
    webhook: str = ""
    secret: Secret | None = None
    """What the webhook is signed with."""
    allow: tuple[str, ...] = ()
    """Networks that are not public and may be reached all the same."""


class Courier(Protocol):
    """Brings messages out."""

    def send(self, way: Way, message: Message, at: datetime) -> None:
        """Hand one message over. Raises DeliveryError, which says nothing that is secret."""
        ...


class StrategyFiles(Protocol):
    """Reads and edits governance files."""

    def load(self, files: Mapping[str, bytes]) -> Strategy:
        """Return the strategy in these files, by path. Raises InvalidStrategyError with every mistake."""
        ...

    def read_folder(self, root: Path) -> Mapping[str, bytes]:
        """Return the governance files below `root`, by path."""
        ...

    def line_of(self, file: str, content: bytes, path: tuple[str | int, ...]) -> int:
        """Return the line of what these keys lead to in a file, or of the nearest thing that holds it; 0 for none."""
        ...

    def compare(self, old: Strategy, new: Strategy) -> tuple[str, ...]:
        """Return what a change of the strategy changes, one line each."""
        ...

    def with_environment(self, text: str | None, environment: Environment, *, anonymous: bool = False) -> str:
        """Return the environment file, new or with these settings put in; comments and other keys stay.

        `anonymous` takes out every credential: the platform asks nobody who they are.
        """
        ...

    def with_values(self, text: str, solution: str, values: Values) -> str:
        """Return the environment file with values for one solution added; what is there already stays."""
        ...

    def new_solution(self, solution: Solution) -> str:
        """Return a commented solution file."""
        ...

    def hand_over(self, files: Mapping[str, bytes], person: str, to: str, roles: tuple[str, ...]) -> Mapping[str, str]:
        """Return the files in which one person's duties are another's, who also gets these roles; comments stay."""
        ...


@dataclass(frozen=True, slots=True)
class Assertion:
    """What a passkey's device and the browser said about a signature, byte for byte."""

    authenticator_data: bytes
    client_data: bytes
    """JSON, with the challenge and the origin."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What an envelope holds."""

    payload: bytes
    """As it was signed."""
    key_id: str
    """Which key it names; a hint only, the signature decides."""
    signature: bytes
    assertion: Assertion | None = None
    """What a passkey signed together with the payload's digest; None where a key signed the payload itself."""


class Signing(Protocol):
    """Signs what the engine states, and looks at what others signed."""

    def public_key(self) -> str:
        """Return the engine's public key; it is made on first need."""
        ...

    def sign(self, payload: bytes) -> str:
        """Return the DSSE envelope around a statement, signed by the engine."""
        ...

    def open(self, envelope: str) -> Signed:
        """Return what an envelope holds, unverified. Raises UsageError for anything but one whole envelope."""
        ...

    def is_signed_by(self, envelope: Signed, key: str) -> bool:
        """Return whether this public key made the signature."""
        ...


class Runtime(Protocol):
    """Decides who carries out the work that the ledger says is waiting."""

    def settle(self, environments: Sequence[str], drain: Callable[[str], object]) -> None:
        """See to it that `drain` runs for every environment in which work may be waiting.

        The embedded runtime does it now, in this process, one runner at a time; a queue does it elsewhere, later.
        """
        ...
