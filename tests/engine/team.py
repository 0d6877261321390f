"""A team with three environments of the in-memory platform and an engine over fakes, to test use cases with."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select
from sqlalchemy.pool import StaticPool

import private_postgres
from lampway.domain.deployment import CheckOutcome, Deployment, DeploymentState, Installation, KnownGood
from lampway.domain.digest import digest, digest_bytes
from lampway.domain.events import Actor, Recorded
from lampway.domain.package import Finding, Literal, Severity
from lampway.domain.promotion import Promotion
from lampway.domain.release import Release
from lampway.domain.secret import Secret
from lampway.domain.strategy import (
    Check,
    Environment,
    GateRule,
    Person,
    Pipeline,
    Solution,
    Stage,
    Strategy,
    Tier,
    Values,
)
from lampway.engine.cases import CASES
from lampway.engine.context import Engine, Request
from lampway.engine.decide import Decide
from lampway.engine.drain import drain, environments_with_work
from lampway.engine.grounds import Grounds
from lampway.engine.ports import Author, CheckResult
from lampway.engine.promote import Promote
from lampway.engine.release import MakeRelease
from lampway.engine.strategy import ApplyStrategy
from lampway.errors import NotFoundError, RefusedError, SecretError, SourceError, StorageError
from lampway.integrations.signing import EngineSigning, KeyPair
from lampway.storage.schema import APPEND_ONLY, leases
from lampway.storage.sql import SqlStore, _sqlite_engine, open_memory, open_store
from lampway.testing.memory import MemoryPlatform
from lampway.testing.world import App, CrashError, Part, World

OPENED: list[SqlStore] = []
"""Every store a team ever had: closed when all tests are over."""
APPROVAL = GateRule("approval", roles=("approver",))
TEST_GATES = (GateRule("findings"), GateRule("configuration"), GateRule("drift"))
PROD_GATES = (
    GateRule("previous-stage"),
    GateRule("checks"),
    *TEST_GATES,
    GateRule("lock"),
    GateRule("rollback-target"),
    APPROVAL,
)
SECRETS = {
    "env:TOKEN": "engine-token",
    "env:MAKER": "maker-token",
    "env:ERP_TEST": "erp-password-of-test",
    "env:ERP_PROD": "erp-password-of-prod",
}


def environment(name: str, **values: Any) -> Environment:
    references = {"ERP": {"password": f"env:ERP_{name.upper()}"}}
    return Environment(
        name=name,
        tier=name,
        platform="memory",
        url=f"memory://{name}",
        access={"token": "env:TOKEN"},
        maker_access={"token": "env:MAKER"},
        values=Values({"ERP_URL": f"https://erp.{name}", "CURRENCY": "EUR", **values}, references),
    )


def strategy() -> Strategy:
    """Return the team's rules: dev, test, prod; one approval; a second person applies changes."""
    people = (
        ("mia", "maker"),
        ("max", "maker", "approver"),
        ("ana", "approver"),
        ("bob", "approver"),
        ("rita", "release-manager"),
        ("pam", "platform-admin"),
        ("zoe",),
    )
    return Strategy(
        team="Back office",
        next_review="2027-01-01",
        tiers=(Tier("dev"), Tier("test"), Tier("prod", locked=True)),
        environments=(environment("dev"), environment("test"), environment("prod")),
        pipelines=(
            Pipeline("standard", "dev", (Stage("test", "test", TEST_GATES), Stage("prod", "prod", PROD_GATES))),
        ),
        people=tuple(Person(id_, id_.title(), (f"{id_}@example.test",), roles) for id_, *roles in map(list, people)),
        roles=("maker", "approver", "release-manager", "platform-admin"),
        solutions=(
            Solution("orders", "standard", "mia", ("Orders", "Refunds"), checks=(Check("smoke", "functional"),)),
            Solution("billing", "standard", "max", ("Billing",), checks=(Check("bills", "functional"),)),
        ),
    )


def with_environment(rules: Strategy, name: str, **variables: Any) -> Strategy:
    """Return the rules with values of one environment changed."""
    changed = tuple(environment(name, **variables) if e.name == name else e for e in rules.environments)
    return replace(rules, environments=changed)


def with_gates(rules: Strategy, stage: str, gates: tuple[GateRule, ...]) -> Strategy:
    """Return the rules with the gates of one stage changed."""
    (path,) = rules.pipelines
    stages = tuple(replace(s, gates=gates) if s.name == stage else s for s in path.stages)
    return replace(rules, pipelines=(replace(path, stages=stages),))


class FixedClock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def move(self, **by: float) -> None:
        self.time += timedelta(**by)


class MemoryPackages:
    """A package store in a dictionary."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        return self.kept.setdefault(digest_bytes(data), data) and digest_bytes(data)

    def get(self, digest: str) -> bytes:
        if digest not in self.kept:
            raise StorageError(f"package is missing: {digest}")
        if digest_bytes(self.kept[digest]) != digest:
            raise StorageError(f"package is damaged: {digest}")
        return self.kept[digest]

    def has(self, digest: str) -> bool:
        return digest in self.kept

    def remove(self, digest: str) -> None:
        self.kept.pop(digest, None)

    def set_aside(self, digest: str) -> str:
        self.kept[f"damaged/{digest}"] = self.kept.pop(digest)
        return f"damaged/{digest}"


@dataclass
class Commit:
    id: str
    files: dict[str, bytes]
    author: Author
    touched: tuple[str, ...]


@dataclass
class Repository:
    """A governance repository without git: a line of commits."""

    commits: list[Commit] = field(default_factory=list)
    working: dict[str, bytes] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    messages: dict[str, str] = field(default_factory=dict)
    pushed: list[str] = field(default_factory=list)
    branches: dict[str, Commit] = field(default_factory=dict)
    broken: int = 0
    """How many of the next pushes fail."""
    user: Author = field(default_factory=lambda: Author("Pam", "pam@example.test"))
    root: Path = Path()

    def commit(self, files: Mapping[str, bytes], author: Author) -> str:
        before = self.commits[-1].files if self.commits else {}
        after = {**before, **files}
        touched = tuple(path for path in files if before.get(path) != files[path])
        self.commits.append(Commit(f"{len(self.commits) + 1:040x}", after, author, touched))
        self.working = dict(after)
        return self.commits[-1].id

    def head(self) -> str:
        return self.commits[-1].id if self.commits else ""

    def branch(self) -> str:
        return "main"

    def resolve(self, revision: str) -> str:
        found = [c.id for c in self.commits if c.id == revision or revision == "HEAD"]
        if not found:
            raise NotFoundError(f"no commit {revision}")
        return found[-1]

    def files_at(self, commit: str, paths: Sequence[str]) -> Mapping[str, bytes]:
        (found,) = [c for c in self.commits if c.id == commit]
        return {p: data for p, data in found.files.items() if _below(p, paths)}

    def authors(self, since: str, until: str, paths: Sequence[str]) -> tuple[Author, ...]:
        ids = [c.id for c in self.commits]
        span = self.commits[ids.index(since) + 1 if since else 0 : ids.index(until) + 1]
        return tuple(dict.fromkeys(c.author for c in span if any(_below(p, paths) for p in c.touched)))

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        committed = self.commits[-1].files if self.commits else {}
        return tuple(p for p, data in self.working.items() if committed.get(p) != data and _below(p, paths))

    def commit_tree(self, folder: str, files: Mapping[str, bytes], message: str, author: Author, parent: str) -> str:
        assert message
        assert parent == self.head()
        return self.commit({f"{folder}/{path}": data for path, data in files.items()}, author)

    def commit_branch(
        self, branch: str, folder: str, files: Mapping[str, bytes], *, message: str, author: Author, parent: str
    ) -> str:
        assert message
        assert self.resolve(parent)
        made = Commit(f"b{len(self.branches):039x}", {f"{folder}/{p}": d for p, d in files.items()}, author, (message,))
        there = self.branches.setdefault(branch, made)
        if there.files != made.files:
            raise RefusedError(f"branch {branch} exists already")
        return there.id

    def commit_paths(self, paths: Sequence[str], message: str, author: Author) -> str:
        assert message
        return self.commit({p: self.working[p] for p in paths}, author)

    def tag(self, name: str, commit: str, message: str) -> None:
        assert message
        if self.tags.setdefault(name, commit) != commit:
            raise SourceError(f"tag {name} exists elsewhere")
        self.messages.setdefault(name, message)

    def tagged(self, prefix: str) -> Mapping[str, str]:
        return {name: message for name, message in self.messages.items() if name.startswith(prefix)}

    def push(self, refs: Sequence[str]) -> bool:
        if self.broken:
            self.broken -= 1
            raise SourceError("the remote does not answer")
        self.pushed += refs
        return True

    def read(self, path: str) -> str | None:
        return self.working[path].decode() if path in self.working else None

    def write(self, path: str, text: str) -> None:
        self.working[path] = text.encode()

    def identity(self) -> Author:
        return self.user


def _below(path: str, paths: Sequence[str]) -> bool:
    return any(path == p or path.startswith(f"{p}/") for p in paths)


class Desk:
    """Strategy files that are their own names: what is in them was put here before."""

    def __init__(self) -> None:
        self.known: dict[bytes, Strategy] = {}

    def write(self, rules: Strategy) -> bytes:
        name = digest(rules).encode()
        self.known[name] = rules
        return name

    def load(self, files: Mapping[str, bytes]) -> Strategy:
        return self.known[files["lampway.yaml"]]

    def read_folder(self, root: Path) -> Mapping[str, bytes]:
        raise NotImplementedError

    def line_of(self, file: str, content: bytes, path: tuple[str | int, ...]) -> int:
        return len(path) if content else 0

    def compare(self, old: Strategy, new: Strategy) -> tuple[str, ...]:
        return () if old == new else ("something changed",)

    def with_environment(self, text: str | None, environment: Environment) -> str:
        raise NotImplementedError

    def with_values(self, text: str, solution: str, values: Values) -> str:
        raise NotImplementedError

    def new_solution(self, solution: Solution) -> str:
        raise NotImplementedError

    def hand_over(self, files: Mapping[str, bytes], person: str, to: str, roles: tuple[str, ...]) -> Mapping[str, str]:
        raise NotImplementedError


class Vault:
    """Secrets by reference."""

    def __init__(self) -> None:
        self.known = dict(SECRETS)

    def resolve(self, reference: str) -> Secret:
        if reference not in self.known:
            raise SecretError(f"nothing is kept under {reference}")
        return Secret(self.known[reference])


class WordScanner:
    """Finds the words *hardcoded secret* and *hardcoded endpoint*."""

    def scan(self, literals: Sequence[Literal], names: Sequence[str] = ()) -> tuple[Finding, ...]:
        del names
        return tuple(
            Finding("word", severity, literal.place, f"a hardcoded {severity}", "take it out")
            for literal in literals
            for severity in (Severity.SECRET, Severity.ENDPOINT)
            if f"hardcoded {severity}" in literal.value
        )


class Bench:
    """Runs checks: each passes unless told otherwise."""

    def __init__(self) -> None:
        self.results: dict[tuple[str, str], CheckResult] = {}
        self.ran: list[tuple[str, str]] = []

    def fail(self, check: str, place: str, outcome: CheckOutcome = CheckOutcome.FAILED, summary: str = "no") -> None:
        self.results[check, f"memory://{place}"] = CheckResult(outcome, summary, 0.1)

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        del files
        self.ran.append((check.name, facts["VERSION"]))
        return self.results.get((check.name, base_url), CheckResult(CheckOutcome.PASSED, "yes", 0.1))


class Notary(EngineSigning):
    """Signs for the engine with a key that is always the same."""

    def __init__(self) -> None:
        super().__init__(Path())
        self._pair = key_of("lampway")


def key_of(person: str) -> KeyPair:
    """Return the key that a person signs with; always the same one."""
    return KeyPair(Ed25519PrivateKey.from_private_bytes(person.encode().ljust(32, b"-")))


class MortalStore:
    """A store whose process dies at the n-th point: before each append, and after each commit."""

    def __init__(self, store: SqlStore, at: int = 0) -> None:
        self._store = store
        self._at = at
        self.points: list[str] = []
        """What was passed, in order."""
        self.dead = False

    def _point(self, name: str) -> None:
        self._alive()
        self.points.append(name)
        if len(self.points) == self._at:
            self.dead = True
            raise CrashError(name)

    def _alive(self) -> None:
        if self.dead:
            raise CrashError("dead already")

    @contextmanager
    def transaction(self) -> Iterator[Any]:
        self._alive()
        with self._store.transaction() as transaction:
            appended: list[str] = []
            yield _MortalTransaction(transaction, self._point, appended)
        for kind in appended[-1:]:
            self._point(f"after {kind}")

    def __getattr__(self, name: str) -> Any:
        self._alive()
        return getattr(self._store, name)


class _MortalTransaction:
    def __init__(self, transaction: Any, point: Callable[[str], None], appended: list[str]) -> None:
        self._transaction = transaction
        self._point = point
        self._appended = appended

    def append(self, event: Any, actor: Actor) -> Recorded:
        self._point(f"before {event.kind}")
        self._appended.append(event.kind)
        return self._transaction.append(event, actor)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def open_fresh(clock: FixedClock) -> SqlStore:
    """Open an empty store of the kind the tests are to run on."""
    return _in_postgres(private_postgres.new_database(), clock) if private_postgres.WANTED else open_memory(clock)


def _in_postgres(url: str, clock: FixedClock) -> SqlStore:
    """Open the store in a database that is gone when the store is closed."""
    store = open_store(url, clock)
    close = store.close
    store.close = lambda: (close(), private_postgres.drop_database(url))  # type: ignore[method-assign]
    return store


def _copy_of(store: SqlStore, clock: FixedClock) -> SqlStore:
    if store._engine.dialect.name == "postgresql":
        store._engine.dispose()
        return _in_postgres(private_postgres.new_database(str(store._engine.url)), clock)
    engine = _sqlite_engine("sqlite://", poolclass=StaticPool)
    with store._engine.connect() as ours, engine.connect() as theirs:
        ours.connection.dbapi_connection.backup(theirs.connection.dbapi_connection)
    return SqlStore(engine, clock)


def unguard(connection: Any) -> None:
    """Take away what guards the ledger, as whoever administers the database can."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("ALTER TABLE ledger DISABLE TRIGGER ALL")
        return
    for trigger in APPEND_ONLY:
        connection.exec_driver_sql(f"DROP TRIGGER {trigger}")


class Team:
    """Three environments, an engine, and short words for what people do."""

    second_copy: MemoryPackages | None = None

    def __init__(self, opened: Callable[[FixedClock], SqlStore] | None = None, *, tells_editors: bool = True) -> None:
        self.clock = FixedClock()
        self.store = (opened or open_fresh)(self.clock)
        OPENED.append(self.store)
        self.packages = MemoryPackages()
        self.source = Repository()
        self.desk = Desk()
        self.vault = Vault()
        self.bench = Bench()
        self.platform = MemoryPlatform(tells_editors=tells_editors)
        self.seen: list[Recorded] = []
        self.paused = 0.0
        self.last_id = 0
        self.notary = Notary()
        self._meet()
        self.prod.is_locked = True
        self.rules = strategy()
        self.govern(self.rules)
        self.build()

    def copy(self) -> Team:
        """Return a second team in exactly the same state, in a store of its own in memory."""
        copied = object.__new__(Team)
        kept = ("clock", "packages", "source", "desk", "vault", "bench", "platform", "paused", "last_id", "rules")
        for name in kept:
            setattr(copied, name, copy.deepcopy(getattr(self, name)))
        copied.notary = self.notary
        copied.store = _copy_of(self.store, copied.clock)
        OPENED.append(copied.store)
        copied.seen = []
        copied._meet()
        return copied

    def _meet(self) -> None:
        self.engine = self.another()
        self.dev, self.test, self.prod = (self.platform.world(f"memory://{n}") for n in ("dev", "test", "prod"))

    def _new_id(self) -> str:
        self.last_id += 1
        return f"id{self.last_id}"

    def another(self, store: Any = None, holder: str = "one") -> Engine:
        """Return another engine over the same team, as another process would have one."""
        return Engine(
            store=store or self.store,
            packages=self.packages,
            second_copy=self.second_copy,
            grounds=Grounds(Path("grounds"), Path("cache"), "here"),
            source=self.source,
            secrets=self.vault,
            scanner=WordScanner(),
            checks=self.bench,
            signing=self.notary,
            files=self.desk,
            platforms={"memory": self.platform},
            clock=self.clock,
            new_id=self._new_id,
            pause=self._pause,
            holder=holder,
            observers=(self.seen.append,),
        )

    def _pause(self, seconds: float) -> None:
        self.paused += seconds

    # What people do.

    def run(self, request: Request[Any], by: str = "mia") -> Any:
        """Carry out a request, and nothing that may start because of it."""
        return CASES[type(request)](self.engine, request, Actor(by, "test", name=by.title()))

    def do(self, request: Request[Any], by: str = "mia") -> Any:
        """Carry out a request, and then whatever may start because of it."""
        answer = self.run(request, by)
        self.settle()
        return answer

    def settle(self, engine: Engine | None = None) -> None:
        """Drain every environment until nothing more succeeds."""
        before = -1
        while before != len(self.find(Deployment, states=(DeploymentState.SUCCEEDED,))):
            before = len(self.find(Deployment, states=(DeploymentState.SUCCEEDED,)))
            for name in environments_with_work(engine or self.engine):
                drain(engine or self.engine, name)

    def govern(self, rules: Strategy, *, author: str = "mia", by: str = "pam") -> None:
        """Put rules in force that somebody wrote."""
        self.rules = rules
        files = {"lampway.yaml": self.desk.write(rules)}
        self.source.commit(files, Author(author.title(), f"{author}@example.test"))
        self.run(ApplyStrategy(), by)

    def build(self, price: str = "1.19", *, by: str = "mia") -> None:
        """Let a maker build orders in dev."""
        parts = (Part("p1", "Fetch", "get ${ERP_URL}", account="ERP"), Part("p2", "Price", f"times {price}"))
        values = {"ERP_URL": "https://erp.dev"}
        self.dev.draw(App("a1", "Orders", parts, values, {"ERP": "erp-password-of-dev"}), by=f"{by}@example.test")
        self.dev.draw(App("a2", "Refunds", (Part("p3", "Pay back", "in ${CURRENCY}"),), {"CURRENCY": "DEM"}))

    def release(self, price: str = "", *, by: str = "mia", **more: Any) -> Release:
        """Build and release orders."""
        if price:
            self.build(price, by=by)
        made = self.run(MakeRelease("orders", **more), by).release
        assert made is not None
        return made

    def promote(self, to: str = "prod", release: str = "orders", by: str = "mia") -> str:
        """Ask, settle, and return the id of the promotion to the stage asked for."""
        return self.do(Promote(release, to), by).promotions[-1]

    def approve(self, promotion: str, by: str = "ana", **more: Any) -> None:
        self.do(Decide(promotion, approved=True, **more), by)

    def ship(self, price: str, by: str = "mia") -> Release:
        """Bring a new release all the way to production."""
        release = self.release(price, by=by)
        promotion = self.promote(by=by)
        self.approve(promotion)
        assert self.running("prod") == release.version, self.promotion(promotion).note
        return release

    # What there is to see.

    def get(self, kind: type[Any], key: str) -> Any:
        with self.store.reading() as reading:
            return reading.get(kind, key)

    def find(self, kind: type[Any], **filters: Any) -> tuple[Any, ...]:
        with self.store.reading() as reading:
            return reading.find(kind, **filters)

    def promotion(self, key: str) -> Promotion:
        found = self.get(Promotion, key)
        assert found is not None
        return found

    def deployment(self, promotion: str) -> Deployment:
        found = self.get(Deployment, self.promotion(promotion).deployment)
        assert found is not None
        return found

    def installed(self, place: str, solution: str = "orders") -> Installation | None:
        return self.get(Installation, f"{place}/{solution}")

    def running(self, place: str) -> str:
        """Return the version the records say is installed."""
        here = self.installed(place)
        return here.version if here else ""

    def price_in(self, world: World) -> str:
        """Return what really runs there."""
        return next((p.does.removeprefix("times ") for a in world.apps.values() for p in a.parts if p.id == "p2"), "")

    def goods(self, place: str) -> list[str]:
        return [good.version for good in self.find(KnownGood, environment=place)]

    def holders(self) -> dict[str, str]:
        """Return who holds which environment right now."""
        with self.store.reading() as reading:
            rows = reading.connection.execute(select(leases))
            return {row.environment: row.holder for row in rows if row.holder}

    def kinds(self) -> list[str]:
        return [recorded.event.kind for recorded in self.store.events()]
