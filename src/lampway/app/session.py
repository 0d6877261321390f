"""Sessions: requests run through an engine over the repository's state, in this process."""

from __future__ import annotations

import functools
import os
import secrets as randomness
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar

from lampway.domain.events import ENGINE, Actor, Recorded
from lampway.domain.strategy import RulesInForce
from lampway.engine.context import Engine, Request
from lampway.engine.grounds import Grounds
from lampway.engine.platform import Platform
from lampway.engine.ports import Author
from lampway.errors import BrokenError, LampwayError, StoreLostError, UsageError

if TYPE_CHECKING:
    from lampway.engine.ports import Scanner
    from lampway.engine.workers import LeftBehind
    from lampway.runtime.worker import Worker
from lampway.app.state import STATE, STATE_URL, SystemClock, open_packages, open_second_copy, open_state

Answer = TypeVar("Answer")


class Session(Protocol):
    """What a surface talks to."""

    @property
    def left(self) -> tuple[LeftBehind, ...]:
        """What the last request left behind, for a worker that does not run."""
        ...

    def run(self, request: Request[Answer]) -> Answer:
        """Carry out one request and return its answer. Raises LampwayError."""
        ...

    def ask(self, request: Request[Answer]) -> Answer:
        """Carry out one request and return its answer; whatever may start because of it is left to others."""
        ...

    def close(self) -> None:
        """Let go of everything that is open."""
        ...


class Platforms(Mapping[str, Platform]):
    """Every installed platform, by name; an adapter is imported when it is first asked for."""

    def __init__(self) -> None:
        self._made: dict[str, Platform] = {}

    @functools.cached_property
    def _found(self) -> dict[str, EntryPoint]:
        """What is installed: looked for once, and only where somebody asks."""
        return {e.name: e for e in entry_points(group="lampway.platforms")}

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
    who: Actor | None = None
    """Who acts, where that was proved already."""
    _engine: Engine | None = None
    left: tuple[LeftBehind, ...] = ()
    """What the last request left behind, for a worker that does not run."""

    def run(self, request: Request[Answer]) -> Answer:
        """Carry out one request; then whatever may start because of it."""
        answer, rest = self.begin(request)
        rest()
        return answer

    def ask(self, request: Request[Answer]) -> Answer:
        """Carry out one request alone; whatever may start because of it is left to a worker, or to whoever resumes."""
        engine = self._open()
        with engine.store.reading() as reading:
            before = reading.head()[0]
        answer, _ = self.begin(request)
        self._look_back(engine, before)
        return answer

    def begin(self, request: Request[Answer]) -> tuple[Answer, Callable[[], None]]:
        """Carry out one request alone; return its answer, and what brings about whatever may start because of it."""
        from lampway.engine.cases import CASES, MOVING, TELLING
        from lampway.engine.permissions import require_permission

        engine = self._open()
        actor = self.actor()
        require_permission(engine, request, actor)
        with engine.store.reading() as reading:
            before = reading.head()[0]
        answer: Answer = CASES[type(request)](engine, request, actor)

        def rest() -> None:
            if type(request) in MOVING:
                self._settle(engine, request, before)
                self._look_back(engine, before)
            if type(request) in TELLING:
                self._tell(engine, actor)

        return answer, rest

    def _tell(self, engine: Engine, actor: Actor) -> None:
        """Bring out what is due to be told. That something did not arrive is no matter of whoever runs a command."""
        from lampway.engine.deliver import SendNotices, send_notices

        if any(due.kind == "notice" for due in engine.store.due()):
            send_notices(engine, SendNotices(), actor)

    def actor(self) -> Actor:
        """Return who acts, as the rules in force know them. A variable or git's configuration proves nothing."""
        if self.who is not None:
            return self.who
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

        trouble: LampwayError | None = None
        with open_runtime(os.environ.get(STATE_URL, ""), self.root / STATE, engine) as (runtime, is_shared):
            for _ in range(50):  # a deployment that succeeds may open the gates of the next stage
                before = _progress(engine)
                if is_shared and not isinstance(request, Resume):
                    with engine.store.reading() as reading:
                        places = reach(reading, engine.store.events(since))
                else:
                    places = environments_with_work(engine)
                try:
                    runtime.settle(places, functools.partial(drain, engine))
                except StoreLostError:
                    raise
                except LampwayError as error:
                    trouble = trouble or error  # it is one environment's: what became free elsewhere goes on
                if _progress(engine) == before:
                    break
        if trouble is not None:
            raise trouble

    @property
    def engine(self) -> Engine:
        """The engine behind it."""
        return self._open()

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
    metrics: str = "",
) -> Iterator[Worker]:
    """Open a worker on the state of the repository at `root`.

    `metrics` is HOST:PORT where measures may be scraped; empty for nowhere. Raises StorageError, NotFoundError,
    UsageError.
    """
    from lampway.integrations import scraping
    from lampway.runtime import choice

    address = scraping.parse_address(metrics) if metrics else None

    engine = open_engine(root, observers)
    engine = replace(engine, holder=f"{engine.holder}-{randomness.token_hex(2)}")
    state = os.environ.get(STATE_URL, "")
    try:
        _require_lanes(engine, lanes)
        with ExitStack() as stack:
            if address is not None:
                url = stack.enter_context(scraping.scraped(address, functools.partial(_measured, engine)))
                say(f"measures at {url}")
            yield stack.enter_context(
                choice.open_worker(engine, state, root / STATE, lanes=lanes, at_once=at_once, say=say)
            )
    finally:
        engine.store.close()


def _measured(engine: Engine) -> str:
    from lampway.domain.exposition import to_text
    from lampway.engine.measures import ShowMeasures, show_measures

    return to_text(show_measures(engine, ShowMeasures(), ENGINE))


def _require_lanes(engine: Engine, lanes: Sequence[str]) -> None:
    with engine.store.reading() as reading:
        rules = reading.get(RulesInForce, "current")
    if rules is not None:
        for name in lanes:
            rules.strategy.environment(name)


def open_engine(root: Path, observers: tuple[Callable[[Recorded], None], ...] = ()) -> Engine:
    """Return the engine over the state of the repository at `root`. Raises UsageError, StorageError."""
    from lampway.app.files import cache_folder
    from lampway.config.files import GovernanceFiles
    from lampway.integrations.checks import CheckRunner
    from lampway.integrations.courier import ChannelCourier
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
        courier=ChannelCourier(),
        files=GovernanceFiles(),
        platforms=Platforms(),
        clock=clock,
        new_id=lambda: randomness.token_hex(4),
        pause=time.sleep,
        second_copy=open_second_copy(),
        grounds=Grounds((state / "sandboxes").resolve(), cache_folder(), socket.gethostname()),
        holder=f"{socket.gethostname()}:{os.getpid()}",
        observers=observers,
    )


def open_scanner() -> Scanner:
    """Return the scanner for hardcoded secrets and endpoints."""
    from lampway.scan.scanner import RuleScanner

    return RuleScanner()
