"""A worker carries out what may start, soon, everywhere at once and in order, and leaves when it is asked to."""

from __future__ import annotations

import itertools
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

import private_postgres
from lampway.app import SystemClock
from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.events import DeploymentStarted, Recorded
from lampway.domain.health import HealthWatch, Probe, WatchRule, WatchState
from lampway.domain.promotion import Promotion, PromotionState
from lampway.domain.strategy import GateRule, Pipeline, Stage, Strategy, Tier
from lampway.engine.context import Engine
from lampway.engine.drain import drain
from lampway.engine.promote import Promote, Rollback
from lampway.engine.workers import ShowWorkers, left_behind
from lampway.errors import StorageError, StoreLostError
from lampway.runtime.embedded import EmbeddedRuntime
from lampway.runtime.queue import Queue, QueueHands, SharedLanes
from lampway.runtime.timetable import CronCalendar
from lampway.runtime.worker import Duty, Hands, Lanes, Threads, Worker
from lampway.storage.sql import SqlStore, open_store
from lampway.testing.world import Fault

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from team import PROD_GATES, Team, environment

CLOCK = SystemClock()


def soon(holds: Callable[[], Any], seconds: float = 20.0, pause: float = 0.002) -> Any:
    """Return what this gives as soon as it is something."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(pause)
    return found


class Slow:
    """A platform that takes its time, and counts how many changes it makes at once, and where."""

    def __init__(self, platform: Any, seconds: float) -> None:
        self._platform = platform
        self._seconds = seconds
        self._guard = threading.Lock()
        self.here: Counter[str] = Counter()
        self.most = 0
        self.twice: list[str] = []
        self.order: list[tuple[str, str]] = []
        self.reached = threading.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._platform, name)

    def perform(self, access: Any, wanted: Any, step: str, intent: Any) -> Any:
        with self._guard:
            self.here[access.environment] += 1
            self.most = max(self.most, self.here.total())
            self.order.append((access.environment, wanted.solution))
            if self.here[access.environment] > 1:
                self.twice.append(access.environment)
        self.reached.set()
        time.sleep(self._seconds)
        try:
            return self._platform.perform(access, wanted, step, intent)
        finally:
            with self._guard:
                self.here[access.environment] -= 1


@dataclass
class Place:
    """A team on a file, with as many workers as wanted, each over a connection of its own."""

    team: Team
    folder: Path
    url: str
    slow: Slow
    numbers: Iterator[int] = field(default_factory=itertools.count)
    said: list[str] = field(default_factory=list)
    queues: list[Any] = field(default_factory=list)

    def engine(self, store: SqlStore, leaving: threading.Event, **more: Any) -> Engine:
        numbers = itertools.count()
        made = self.team.another(store, holder=f"worker-{next(self.numbers)}")
        return replace(
            made,
            clock=CLOCK,
            platforms={"memory": self.slow},
            new_id=lambda: f"{made.holder}-{next(numbers)}",
            pause=time.sleep,
            is_leaving=leaving.is_set,
            **more,
        )

    @property
    def is_shared(self) -> bool:
        return not self.url.startswith("sqlite")

    def worker(self, lanes: tuple[str, ...] = (), at_once: int = 16, **more: Any) -> tuple[Worker, SqlStore]:
        store = open_store(self.url, CLOCK)
        leaving = threading.Event()
        engine = self.engine(store, leaving, **more)
        if self.is_shared:
            hands: Hands = QueueHands(self.url, self.queue(), lanes=lanes, at_once=at_once, say=self.said.append)
            ways: Lanes = SharedLanes()
        else:
            hands, ways = Threads(at_once), EmbeddedRuntime(self.folder)
        made = Worker(
            engine,
            Duty(engine.holder, lanes),
            lanes=ways,
            hands=hands,
            calendar=CronCalendar(),
            leaving=leaving,
            say=self.said.append,
        )
        return made, store

    def queue(self) -> Queue:
        self.queues.append(Queue(self.url))
        return self.queues[-1]

    @contextmanager
    def working(self, *lanes: str, **more: Any) -> Iterator[Worker]:
        made, store = self.worker(lanes, **more)
        thread = threading.Thread(target=made.run)
        thread.start()
        try:
            soon(lambda: any(w.name == made._duty.name for w in self.team.run(ShowWorkers())))
            yield made
        finally:
            made.leave()
            thread.join(30)
            store.close()
        assert not thread.is_alive()

    def once(self, *lanes: str) -> None:
        made, store = self.worker(lanes)
        made.once()
        store.close()

    def started(self) -> list[Recorded]:
        return [r for r in self.team.store.events() if isinstance(r.event, DeploymentStarted)]

    def ended(self, promotion: str) -> bool:
        return self.team.promotion(promotion).state is PromotionState.SUCCEEDED


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Return a place for each of the two runtimes: what a worker promises does not depend on it."""
    is_shared = request.param == "postgres"
    url = private_postgres.new_database() if is_shared else f"sqlite:///{tmp_path / 'lampway.db'}"
    team = Team(lambda clock: open_store(url, clock))
    team.clock.time = CLOCK.now()
    made = Place(team, tmp_path, url, Slow(team.platform, 0.0))
    yield made
    team.store.close()
    for queue in made.queues:
        queue.close()
    if is_shared:
        private_postgres.drop_database(url)
    assert made.slow.twice == [], "no environment is ever changed by two at once"
    assert not [line for line in made.said if "fault in Lampway" in line], made.said


@pytest.fixture(scope="module", autouse=True)
def server_ends() -> Iterator[None]:
    yield
    private_postgres.stop()


def test_once_carries_out_what_may_start_all_the_way_and_ends(place: Place) -> None:
    place.team.release("1.19")
    promotion = place.team.run(Promote("orders", "prod")).promotions[-1]
    place.once()
    assert place.team.running("test") == "1.0.0"
    assert place.team.promotion(promotion).state is PromotionState.WAITING
    from lampway.engine.decide import Decide

    place.team.run(Decide(promotion, approved=True), "ana")
    place.once()
    assert place.ended(promotion)
    assert place.team.run(ShowWorkers()) == ()


def test_what_another_process_records_is_picked_up(place: Place) -> None:
    """How soon, `python -m bench pickup` measures."""
    place.team.release("1.19")
    with place.working():
        for where in (Promote("orders", "test"), Rollback("orders", "test", "again", remove=True)) * 2:
            (promotion,) = place.team.run(where).promotions
            soon(lambda p=promotion: place.ended(p))
            assert place.team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_what_was_interrupted_is_resumed_without_anybody_asking(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    world = place.team.test
    world.meanwhile(lambda: world.fail(Fault.UNREACHABLE, on="observe", times=3), before="perform")
    place.team.settle()
    assert place.team.promotion(promotion).state is PromotionState.RUNNING
    with place.working():
        soon(lambda: place.ended(promotion))
    assert place.team.test.applied.count(("import", "orders", "1.0.0")) == 1


def widen(team: Team, count: int) -> None:
    """Put rules in force with many places beside each other, none of which waits for another."""
    team.govern(many(count))
    for number in range(count):
        team.platform.world(f"memory://place-{number}")


def many(count: int) -> Strategy:
    from team import strategy

    rules = strategy()
    names = [f"place-{n}" for n in range(count)]
    places = tuple(replace(environment("test"), name=n, tier="test", url=f"memory://{n}") for n in names)
    (path,) = rules.pipelines
    stages = tuple(Stage(n, n, (GateRule("configuration"),)) for n in names)
    return replace(
        rules,
        environments=(*rules.environments, *places),
        pipelines=(path, Pipeline("wide", "dev", stages)),
        solutions=tuple(replace(s, pipeline="wide") if s.name == "orders" else s for s in rules.solutions),
    )


def test_many_environments_are_deployed_to_at_once_by_one_worker(place: Place) -> None:
    widen(place.team, 40)
    place.team.release("1.19")
    promotions = place.team.run(Promote("orders", "place-39")).promotions
    assert len(promotions) == 40
    place.slow._seconds = 2.0
    with place.working(at_once=100):
        soon(lambda: all(place.ended(p) for p in promotions), 120, pause=0.5)
    assert place.slow.most > 15
    assert not [t.name for t in threading.enumerate() if t.name.startswith(("lane", "scan", "queue"))]
    assert place.team.store.audit() == ()


def test_a_worker_holds_no_more_threads_than_it_was_given(place: Place) -> None:
    widen(place.team, 12)
    place.team.release("1.19")
    promotions = place.team.run(Promote("orders", "place-11")).promotions
    place.slow._seconds = 0.05
    with place.working(at_once=3):
        soon(lambda: all(place.ended(p) for p in promotions), 60, pause=0.1)
    assert place.slow.most <= 3


def test_waiting_for_people_holds_no_lease_and_no_thread(place: Place) -> None:
    place.team.release("1.19")
    promotion = place.team.run(Promote("orders", "prod")).promotions[-1]
    with place.working():
        soon(lambda: place.team.running("test") == "1.0.0")
        soon(lambda: not place.team.holders())
        names = {t.name for t in threading.enumerate() if t.name.startswith("lane")}
        idle = [t for t in names if t]
        assert len(idle) <= 4, "threads that wait for work, none for people"
    assert place.team.promotion(promotion).state is PromotionState.WAITING


def test_a_worker_leaves_lanes_alone_that_are_not_its_own(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    with place.working("prod"):
        time.sleep(0.5)
        assert place.team.promotion(promotion).state is PromotionState.WAITING
        assert not place.team.run(ShowWorkers())[0].serves("test")
        with place.working("test"):
            soon(lambda: place.ended(promotion))


def test_requests_for_one_environment_are_served_in_their_order_and_a_rollback_goes_first(place: Place) -> None:
    team = place.team
    team.govern(replace(team.rules, tiers=(Tier("dev"), Tier("test"), Tier("prod"))))
    from lampway.testing.world import App, Part

    team.dev.draw(App("b1", "Billing", (Part("b2", "Bill"),)))
    from lampway.engine.release import MakeRelease

    team.release("1.19")
    team.do(Promote("orders", "test"))
    team.release("1.20")
    team.do(Promote("orders", "test"))
    team.run(MakeRelease("billing"), "max")
    (first,) = team.run(Promote("billing", "test"), "max").promotions
    (second,) = team.run(Rollback("orders", "test", "it is wrong"), "rita").promotions
    before = len(place.started())
    place.once()
    begun = [r.event.deployment.promotion for r in place.started()[before:]]  # type: ignore[union-attr]
    assert begun == [second, first], "going back goes first"


def test_a_rollback_waits_for_what_is_half_deployed(place: Place) -> None:
    team = place.team
    team.release("1.19")
    team.do(Promote("orders", "test"))
    team.release("1.20")
    team.do(Promote("orders", "test"))
    team.release("1.21")
    (half,) = team.run(Promote("orders", "test")).promotions
    team.test.meanwhile(lambda: team.test.fail(Fault.UNREACHABLE, on="observe", times=2))
    team.settle()
    assert team.promotion(half).state is PromotionState.RUNNING
    (back,) = team.run(Rollback("orders", "test", "it is wrong", to="1.0.0"), "rita").promotions
    place.once()
    assert [p for p in (half, back) if place.ended(p)] == [half, back]
    ended = [d.promotion for d in sorted(team.find(Deployment, environment="test"), key=lambda d: d.finished_at)]
    assert ended[-2:] == [half, back]


def test_two_workers_on_one_state_never_work_in_one_environment_at_once(place: Place) -> None:
    widen(place.team, 8)
    place.slow._seconds = 0.02
    place.team.release("1.19")
    with place.working(), place.working():
        promotions = list(place.team.run(Promote("orders", "place-7")).promotions)
        soon(lambda: all(place.ended(p) for p in promotions), 60, pause=0.1)
    done = place.team.find(Deployment, states=(DeploymentState.SUCCEEDED,))
    assert Counter(d.environment for d in done if d.environment.startswith("place")) == Counter(
        f"place-{n}" for n in range(8)
    )
    assert place.team.store.audit() == ()


def test_a_worker_that_is_asked_to_leave_ends_the_step_under_way_and_the_next_one_goes_on(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    place.slow._seconds = 0.4
    with place.working() as worker:
        assert place.slow.reached.wait(20)
        worker.leave()
    left = place.team.deployment(promotion)
    assert left.state is DeploymentState.RUNNING
    assert [s.name for s in left.steps if s.state == "done"][-1] == "import"
    assert all(s.state == "done" for s in left.steps), "no step is left half done"
    assert place.team.holders() == {}
    assert place.team.run(ShowWorkers()) == ()
    place.once()
    assert place.ended(promotion)
    assert place.team.test.applied == [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]


def test_trouble_in_one_environment_stops_no_other_and_is_tried_again(place: Place) -> None:
    widen(place.team, 3)
    place.team.release("1.19")
    broken = place.team.platform.world("memory://place-1")
    broken.fail(Fault.UNREACHABLE, on="plan", times=2)
    promotions = place.team.run(Promote("orders", "place-2")).promotions
    with place.working():
        soon(lambda: all(place.ended(p) for p in promotions), 60, pause=0.1)
    assert broken.calls["plan"] > 2


def test_a_worker_that_fell_silent_counts_as_dead(place: Place) -> None:
    with place.team.store.transaction() as transaction:
        transaction.see_worker("elsewhere:1", ("test",))
    (seen,) = place.team.run(ShowWorkers())
    assert (seen.alive, seen.lanes, seen.serves("test"), seen.serves("prod")) == (True, ("test",), True, False)
    from sqlalchemy import update

    from lampway.storage.operations import workers

    with place.team.store.transaction() as transaction:
        transaction.connection.execute(update(workers).values(seen_at="2026-01-01T00:00:00.000+00:00"))
    (seen,) = place.team.run(ShowWorkers())
    assert not seen.alive


def test_what_only_a_worker_would_go_on_with_is_told_and_only_where_none_is(place: Place) -> None:
    place.team.govern(replace(place.team.rules, freezes=()))
    stages = (*PROD_GATES, GateRule("soak", wait=3600.0))
    from team import with_gates

    place.team.govern(with_gates(place.team.rules, "prod", stages))
    place.team.release("1.19")
    before = place.team.store.verify().last
    promotion = place.team.promote()
    waits_for_people = left_behind(place.team.engine, [r.event for r in place.team.store.events(before)])
    assert waits_for_people == (), "that waits for people"
    place.team.approve(promotion)
    events = [r.event for r in place.team.store.events(before)]
    (left,) = left_behind(place.team.engine, events)
    assert (left.promotion, left.environment) == (promotion, "prod")
    assert "opens" in left.why
    with place.working():
        assert left_behind(place.team.engine, events) == ()
    assert place.team.find(Promotion)


def half_deployed_without_its_package(place: Place) -> tuple[str, str, bytes]:
    """Return a promotion whose package was damaged half way, one of something else elsewhere, and the lost bytes."""
    from lampway.engine.release import MakeRelease
    from lampway.testing.world import App, Part

    team = place.team
    widen(team, 1)
    team.dev.draw(App("b1", "Billing", (Part("b2", "Bill"),)))
    team.release("1.19")
    team.run(MakeRelease("billing"), "max")
    (half,) = team.run(Promote("orders", "place-0")).promotions
    world = team.platform.world("memory://place-0")
    world.meanwhile(lambda: world.fail(Fault.UNREACHABLE, on="observe", times=2))
    team.settle()
    assert team.promotion(half).state is PromotionState.RUNNING
    digest = team.deployment(half).package
    whole = team.packages.kept[digest]
    team.packages.kept[digest] = whole[:-1] + b"!"
    (other,) = team.run(Promote("billing", "test"), "max").promotions
    return half, other, whole


def test_a_package_that_is_damaged_half_way_is_one_environments_trouble(place: Place) -> None:
    half, other, whole = half_deployed_without_its_package(place)
    place.once()
    assert place.ended(other)
    assert place.team.promotion(half).state is PromotionState.RUNNING, "what it did is still to be looked at"
    assert any(line.startswith("place-0: package is damaged") for line in place.said)
    place.team.packages.kept[place.team.deployment(half).package] = whole
    place.once()
    assert place.ended(half)
    assert place.team.platform.world("memory://place-0").applied.count(("import", "orders", "1.0.0")) == 1


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_command_sees_to_every_environment_before_it_tells_of_trouble_in_one(place: Place) -> None:
    half, other, whole = half_deployed_without_its_package(place)
    runtime = EmbeddedRuntime(place.folder)
    with pytest.raises(StorageError, match="package is damaged") as caught:
        runtime.settle(["place-0", "test"], lambda name: drain(place.team.engine, name))
    assert "met in place-0" in caught.value.details[-1]
    assert "lampway resume" in caught.value.details[-1]
    assert place.ended(other)
    place.team.packages.kept[place.team.deployment(half).package] = whole
    runtime.settle(["place-0"], lambda name: drain(place.team.engine, name))
    assert place.ended(half)


def test_without_a_store_nothing_goes_on_anywhere(tmp_path: Path) -> None:
    met: list[str] = []

    def lose(environment: str) -> None:
        met.append(environment)
        raise StoreLostError("gone")

    with pytest.raises(StoreLostError):
        EmbeddedRuntime(tmp_path).settle(["test", "prod"], lose)
    assert met == ["test"]


def test_a_worker_looks_at_what_is_watched_without_being_asked(place: Place) -> None:
    team = place.team
    probe = Probe("probe GET /health", {"method": "GET", "path": "/health", "expect": {"status": 200}})
    (path,) = team.rules.pipelines
    rule = WatchRule(1.0, 0.2, probes=(probe,), failures=2, then="rollback")
    stages = tuple(replace(s, watch=rule) if s.name == "test" else s for s in path.stages)
    team.govern(replace(team.rules, pipelines=(replace(path, stages=stages),)))
    team.release("1.19")
    (promotion,) = team.run(Promote("orders", "test")).promotions
    with place.working():
        soon(lambda: place.ended(promotion))
        (watch,) = soon(lambda: team.find(HealthWatch))
        soon(lambda: team.find(HealthWatch)[0].state is WatchState.PASSED, 30, pause=0.1)
    assert team.find(HealthWatch)[0].id == watch.id
    assert (probe.name, "1.0.0") in team.bench.ran
    assert team.goods("test") == ["1.0.0"]
    assert not [line for line in place.said if "watched" in line], place.said


def test_a_worker_outlives_a_look_for_news_that_fails(place: Place) -> None:
    """A database that comes back is worked with again, whatever the worker was asking it when it went away."""
    place.team.release("1.19")
    made, store = place.worker()
    lost = itertools.chain([True, True], itertools.repeat(False))

    class Watching:
        def __init__(self, watch: Any) -> None:
            self._watch = watch

        def changed(self) -> bool:
            if next(lost):
                raise StoreLostError("the server closed the connection unexpectedly")
            return bool(self._watch.changed())

        def close(self) -> None:
            self._watch.close()

    watch = store.watch
    store.watch = lambda: Watching(watch())  # type: ignore[method-assign]
    thread = threading.Thread(target=made.run)
    thread.start()
    try:
        (promotion,) = place.team.run(Promote("orders", "test")).promotions
        soon(lambda: place.ended(promotion), 30)
    finally:
        made.leave()
        thread.join(30)
        store.close()
    assert sum("trying again" in line for line in place.said) == 2
