"""The composition root: the only module that names concrete classes.

A surface opens a `Session` and runs requests through it. Today the use cases run in this process; a session over the
API will take the same requests and give the same answers.
"""

from __future__ import annotations

import functools
import os
import secrets as randomness
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from lampway.domain.events import Actor, Recorded
from lampway.domain.strategy import Person, RulesInForce, Strategy
from lampway.engine.context import Engine, Request
from lampway.engine.platform import Platform
from lampway.engine.ports import Author
from lampway.errors import BrokenError, InvalidPackageError, NotFoundError, RefusedError, StorageError, UsageError

if TYPE_CHECKING:
    from lampway.domain.secret import Secret
    from lampway.engine.ports import PackageStore, Scanner, Source
    from lampway.engine.verify import Checked
    from lampway.engine.workers import LeftBehind
    from lampway.integrations.signing import KeyPair
    from lampway.runtime.worker import Worker
    from lampway.storage.backup import Backup
    from lampway.storage.restore import Restored
    from lampway.storage.sql import SqlStore

Answer = TypeVar("Answer")
STATE = ".lampway"
"""Folder of the embedded state, beside the governance files and ignored by git."""
STATE_URL = "LAMPWAY_STATE"
"""The variable that names another store: `sqlite:///PATH` or `postgresql://...`."""


class Session(Protocol):
    """What a surface talks to."""

    def run(self, request: Request[Answer]) -> Answer:
        """Carry out one request and return its answer. Raises LampwayError."""
        ...

    def close(self) -> None:
        """Let go of everything that is open."""
        ...


class SystemClock:
    """Tells the machine's time, UTC."""

    def now(self) -> datetime:
        """Return the time."""
        return datetime.now(UTC)


class Platforms(Mapping[str, Platform]):
    """Every installed platform, by name; an adapter is imported when it is first asked for."""

    def __init__(self) -> None:
        self._found: dict[str, EntryPoint] = {e.name: e for e in entry_points(group="lampway.platforms")}
        self._made: dict[str, Platform] = {}

    def __getitem__(self, name: str) -> Platform:
        """Return the adapter. Raises KeyError for an unknown one, BrokenError for one that cannot be loaded."""
        if name not in self._made:
            try:
                self._made[name] = self._found[name].load()()
            except ImportError as error:
                hint = "mend or remove the package that brings it"
                raise BrokenError(f"the platform {name} cannot be loaded: {error}", hint=hint) from error
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        """Return the names in order."""
        return iter(sorted(self._found))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._found)


@dataclass(slots=True)
class LocalSession:
    """Runs use cases in this process, on the embedded state of one governance repository."""

    root: Path
    observers: tuple[Callable[[Recorded], None], ...] = ()
    user: str | None = None
    """Who acts; None: `LAMPWAY_USER`, else git's e-mail."""
    _engine: Engine | None = None
    left: tuple[LeftBehind, ...] = ()
    """What the last request left behind, for a worker that does not run."""

    def run(self, request: Request[Answer]) -> Answer:
        """Carry out one request; then whatever may start because of it."""
        from lampway.engine.cases import CASES, MOVING

        engine = self._open()
        actor = self.actor()
        with engine.store.reading() as reading:
            before = reading.head()[0]
        answer: Answer = CASES[type(request)](engine, request, actor)
        if type(request) in MOVING:
            self._settle(engine, request, before)
            self._look_back(engine, before)
        return answer

    def actor(self) -> Actor:
        """Return who acts, as the rules in force know them. A variable or git's configuration proves nothing."""
        engine = self._open()
        user = os.environ.get("LAMPWAY_USER", "") if self.user is None else self.user
        with engine.store.reading() as reading:
            rules = reading.get(RulesInForce, "current")
        known = Author("", "") if user and rules and rules.strategy.person(user) else engine.source.identity()
        name = user or known.email
        if not name:
            raise UsageError(
                "nobody knows who you are", hint="set LAMPWAY_USER to your id in people.yaml, or git config user.email"
            )
        person = rules.strategy.person(name) if rules else None
        via = "LAMPWAY_USER" if user else "git"
        if person is not None:
            return Actor(person.id, via, name=person.name, email=person.emails[0] if person.emails else "")
        return Actor(name, via, name=user or known.name, email=known.email)

    def close(self) -> None:
        """Let go of the store."""
        if self._engine is not None:
            self._engine.store.close()
            self._engine = None

    def _look_back(self, engine: Engine, before: int) -> None:
        from lampway.engine.workers import left_behind

        self.left = left_behind(engine, (recorded.event for recorded in engine.store.events(before)))

    def _settle(self, engine: Engine, request: Request[Answer], since: int) -> None:
        from lampway.engine.cases import Resume
        from lampway.engine.drain import drain, environments_with_work
        from lampway.engine.reach import reach
        from lampway.runtime.choice import open_runtime

        with open_runtime(os.environ.get(STATE_URL, ""), self.root / STATE, engine) as (runtime, is_shared):
            for _ in range(50):  # a deployment that succeeds may open the gates of the next stage
                before = _progress(engine)
                if is_shared and not isinstance(request, Resume):
                    with engine.store.reading() as reading:
                        places = reach(reading, engine.store.events(since))
                else:
                    places = environments_with_work(engine)
                runtime.settle(places, functools.partial(drain, engine))
                if _progress(engine) == before:
                    return

    def _open(self) -> Engine:
        if self._engine is None:
            self._engine = open_engine(self.root, self.observers)
        return self._engine


def _progress(engine: Engine) -> object:
    """Return something that differs whenever a deployment has come to an end in between."""
    from lampway.domain.deployment import Deployment, DeploymentState

    with engine.store.reading() as reading:
        return len(reading.find(Deployment, states=(DeploymentState.SUCCEEDED,)))


@contextmanager
def open_worker(
    root: Path,
    *,
    lanes: tuple[str, ...] = (),
    at_once: int = 64,
    observers: tuple[Callable[[Recorded], None], ...] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Worker]:
    """Open a worker on the state of the repository at `root`. Raises StorageError, NotFoundError."""
    from lampway.runtime import choice

    engine = open_engine(root, observers)
    engine = replace(engine, holder=f"{engine.holder}-{randomness.token_hex(2)}")
    state = os.environ.get(STATE_URL, "")
    try:
        _require_lanes(engine, lanes)
        with choice.open_worker(engine, state, root / STATE, lanes=lanes, at_once=at_once, say=say) as worker:
            yield worker
    finally:
        engine.store.close()


def _require_lanes(engine: Engine, lanes: Sequence[str]) -> None:
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    if rules is not None:
        for name in lanes:
            rules.strategy.environment(name)


def open_engine(root: Path, observers: tuple[Callable[[Recorded], None], ...] = ()) -> Engine:
    """Return the engine over the state of the repository at `root`. Raises UsageError, StorageError."""
    from lampway.config.files import GovernanceFiles
    from lampway.integrations.checks import CheckRunner
    from lampway.integrations.secrets import SecretResolver
    from lampway.integrations.signing import EngineSigning
    from lampway.storage.git import GitSource

    clock = SystemClock()
    state = root / STATE
    return Engine(
        store=open_state(root, clock),
        packages=open_packages(root),
        source=GitSource(root),
        secrets=SecretResolver(folder=root),
        scanner=open_scanner(),
        checks=CheckRunner(),
        signing=EngineSigning(state / "engine.key"),
        files=GovernanceFiles(),
        platforms=Platforms(),
        clock=clock,
        new_id=lambda: randomness.token_hex(4),
        pause=time.sleep,
        second_copy=open_second_copy(),
        holder=f"{socket.gethostname()}:{os.getpid()}",
        observers=observers,
    )


def open_state(root: Path, clock: SystemClock) -> SqlStore:
    """Return the store that `LAMPWAY_STATE` names, else that in a file below `root`.

    Raises UsageError, StorageError.
    """
    from lampway.storage.sql import open_sqlite, open_store

    if url := os.environ.get(STATE_URL, ""):
        return open_store(url, clock)
    return open_sqlite(root / STATE / "lampway.db", clock)


def open_packages(root: Path, place: str = "") -> PackageStore:
    """Return the packages at `place`, else where `LAMPWAY_PACKAGES` says, else in a folder below `root`.

    Where there is to be a second copy, everything is kept in both. Raises UsageError.
    """
    from lampway.storage.packages import ObjectPackages

    if place:
        return ObjectPackages(place)
    first = ObjectPackages(os.environ.get("LAMPWAY_PACKAGES") or str(root / STATE / "packages"))
    second = open_second_copy()
    if second is None:
        return first
    from lampway.storage.mirror import MirroredPackages

    return MirroredPackages(first, second)


def open_second_copy() -> PackageStore | None:
    """Return the second copy of all packages, where `LAMPWAY_PACKAGES_COPY` names one. Raises UsageError."""
    place = os.environ.get("LAMPWAY_PACKAGES_COPY", "")
    if not place:
        return None
    from lampway.storage.packages import ObjectPackages

    return ObjectPackages(place)


def make_backup(root: Path, target: Path, *, with_key: bool = False) -> Backup:
    """Write everything that is kept for the repository at `root` into one file; a folder gets one named for the time.

    The engine's private key is left out unless it is asked for. Raises LampwayError; then there is no file.
    """
    from lampway.storage.backup import back_up

    now = SystemClock().now()
    if target.is_dir():
        target /= f"lampway-{now:%Y%m%dT%H%M%SZ}.backup"
    key = read_file(root / STATE / "engine.key") if with_key else b""
    store = open_state(root, SystemClock())
    try:
        return back_up(store, open_packages(root), target, at=now.isoformat(timespec="milliseconds"), key=key)
    finally:
        store.close()


def restore_backup(
    file: Path, root: Path | None, *, into: str = "", packages: str = "", verify: bool = False, with_key: bool = False
) -> Restored:
    """Put a backup into an empty store: the one at `into`, else that of the repository at `root`.

    Packages go to `packages`; else beside a SQLite file that `into` names, else where those of `root` are. The engine's
    key goes to `root` if it is asked for. Nothing is written unless all of the backup is whole. Raises LampwayError.
    """
    import dataclasses

    from lampway.storage import restore
    from lampway.storage.sql import open_store

    place = packages or (str(Path(into.removeprefix("sqlite:///")).parent / "packages") if "sqlite:" in into else "")
    if root is None and not (into and place):
        raise UsageError("where to?", hint="work in a governance repository, or say --into URL and --packages PLACE")
    root = root or Path(os.devnull)
    with restore.open_backup(file) as backup:
        key_file = root / STATE / "engine.key"
        if with_key:
            _require_no_key(key_file, backup.key())
        store = open_store(into, SystemClock()) if into else open_state(root, SystemClock())
        try:
            kept = open_packages(root, place)
            done = restore.restore(backup, store, kept)
            if with_key:
                _write_engine_key(key_file, backup.key())
            if not verify:
                return done
            return dataclasses.replace(done, damage=restore.verify(store, kept, backup), is_verified=True)
        finally:
            store.close()


def _require_no_key(path: Path, key: bytes) -> None:
    if not key:
        raise UsageError("the engine's key is not in this backup", hint="leave out --with-key; a new one will be made")
    if path.exists():
        raise RefusedError("the engine has a key here already, and a key is never replaced", where=str(path))


def _write_engine_key(path: Path, key: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key)
    except OSError as error:
        raise StorageError(f"the engine's key cannot be written: {error.strerror}", where=str(path)) from error


def open_scanner() -> Scanner:
    """Return the scanner for hardcoded secrets and endpoints."""
    from lampway.scan.scanner import RuleScanner

    return RuleScanner()


def init_source(root: Path) -> Source:
    """Return the git repository at `root`, made if there is none."""
    from lampway.storage.git import GitSource

    return GitSource.init(root)


def initial_files(*, team: str, next_review: str, people: Sequence[Person], platform: str) -> Mapping[str, str]:
    """Return the governance files to begin with, by path. Raises UsageError, InvalidStrategyError."""
    from lampway.config import templates

    plain = [(p.id, p.name, p.emails[0], p.roles) for p in people]
    return templates.initial_files(team=team, next_review=next_review, people=plain, platform=platform)


def find_root(start: Path) -> Path:
    """Return the nearest folder from `start` upwards that holds a strategy. Raises NotFoundError."""
    for folder in (start, *start.parents):
        if (folder / "lampway.yaml").is_file():
            return folder
    raise NotFoundError(f"no lampway.yaml in {start} or above", hint="make one with: lampway init")


def recognise(data: bytes, platforms: Mapping[str, Platform]) -> Platform:
    """Return the platform a package is of. Raises UsageError with what each platform misses when none recognises it."""
    missed = []
    for name, platform in platforms.items():
        if platform.format.recognises(data):
            return platform
        try:
            platform.format.inspect(data)
        except InvalidPackageError as error:
            missed.append(f"for {name}: {error}")
    known = ", ".join(platforms) or "none"
    raise UsageError(
        "this is no package of any platform that is installed", hint=f"installed are: {known}", details=tuple(missed)
    )


def cache_folder() -> Path:
    """Return where downloaded runtimes are kept: `LAMPWAY_CACHE`, else the user's cache folder."""
    if given := os.environ.get("LAMPWAY_CACHE"):
        return Path(given)
    import platformdirs

    return platformdirs.user_cache_path("lampway", appauthor=False)


def key_path() -> Path:
    """Return where the private key of whoever works here lies: `LAMPWAY_KEY`, else the user's configuration folder."""
    if given := os.environ.get("LAMPWAY_KEY"):
        return Path(given)
    import platformdirs

    return platformdirs.user_config_path("lampway", appauthor=False) / "key.pem"


def write_key(path: Path, passphrase: Secret | None) -> str:
    """Make a private key and return its public half. Raises RefusedError when one is there already, StorageError."""
    from lampway.integrations.signing import create_key

    return create_key(path, passphrase)


def public_key(path: Path) -> str:
    """Return the public half of the private key in this file. Raises NotFoundError, UsageError."""
    from lampway.integrations.signing import show_key

    return show_key(path)


def is_key_locked(path: Path) -> bool:
    """Return whether the private key in this file asks for a passphrase. Raises NotFoundError."""
    from lampway.integrations.signing import is_locked

    return is_locked(path)


def open_key(path: Path, passphrase: Secret | None) -> KeyPair:
    """Return the private key in this file, to sign with. Raises LampwayError."""
    from lampway.integrations.signing import load_key

    return load_key(path, passphrase)


def resolve_secret(reference: str) -> Secret:
    """Return the secret that a reference of the user's own leads to. Raises SecretError."""
    from lampway.integrations.secrets import SecretResolver

    return SecretResolver().resolve(reference)


def read_file(path: Path) -> bytes:
    """Return what is in a file the user named. Raises NotFoundError, StorageError."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise NotFoundError("no such file", where=str(path)) from None
    except OSError as error:
        raise StorageError(f"cannot be read: {error.strerror}", where=str(path)) from None


def verify_evidence_file(
    data: bytes, keys: tuple[str, bytes], *, engine_key: str = "", package: bytes | None = None
) -> tuple[Checked, ...]:
    """Return what verifying an evidence file came to; `keys` is the name and content of a people.yaml.

    Opens no store. Raises InvalidStrategyError, UsageError for keys that are none.
    """
    from lampway.config.trusted_people import read_trusted_people
    from lampway.domain.keys import read_key
    from lampway.engine.verify import Tools, Trusted, verify_evidence
    from lampway.integrations.signing import EngineSigning
    from lampway.storage.codec import recorded_from

    if engine_key:
        read_key(engine_key)
    trusted = Trusted(read_trusted_people(*keys), engine_key, package)
    return verify_evidence(data, trusted, Tools(recorded_from, EngineSigning(Path(os.devnull))))


def load_working_strategy(root: Path) -> Strategy:
    """Return the strategy in the files as they lie below `root`. Raises InvalidStrategyError."""
    from lampway.config.files import GovernanceFiles

    files = GovernanceFiles()
    return files.load(files.read_folder(root))


def strategy_changes(root: Path) -> tuple[str, ...]:
    """Return what the files as they lie below `root` would change in the rules in force."""
    from lampway.config.files import GovernanceFiles

    after = load_working_strategy(root)
    engine = open_engine(root)
    try:
        with engine.store.reading() as reading:
            rules = reading.get(RulesInForce, "current")
    finally:
        engine.store.close()
    if rules is None:
        return ("nothing is in force yet: everything is new",)
    return GovernanceFiles().compare(rules.strategy, after)
