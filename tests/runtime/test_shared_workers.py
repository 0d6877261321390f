"""What many machines do to each other through one database does no harm: cut connections, lost jobs, two at once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import update
from sqlalchemy.engine import make_url
from test_worker import Place, Slow, soon

import private_postgres
from lampway.domain.deployment import DeploymentState
from lampway.domain.events import Recorded
from lampway.domain.promotion import PromotionState
from lampway.engine.promote import Promote
from lampway.engine.workers import ShowWorkers
from lampway.errors import StoreLostError, TakenOverError
from lampway.runtime.choice import open_runtime, shared_address
from lampway.runtime.embedded import EmbeddedRuntime
from lampway.runtime.queue import Queue, SharedRuntime
from lampway.storage.schema import leases
from lampway.storage.sql import open_store

pytestmark = pytest.mark.usefixtures("server_ends")


@pytest.fixture(params=["postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Any) -> Iterator[Place]:
    from test_worker import CLOCK, Team

    url = private_postgres.new_database()
    team = Team(lambda clock: open_store(url, clock))
    team.clock.time = CLOCK.now()
    made = Place(team, tmp_path, url, Slow(team.platform, 0.0))
    yield made
    team.store.close()
    for queue in made.queues:
        queue.close()
    private_postgres.drop_database(url)
    assert made.slow.twice == []


@pytest.fixture(scope="module")
def server_ends() -> Iterator[None]:
    yield
    private_postgres.stop()


def cut(place: Place) -> None:
    """Cut every connection to the database, as a network or a restart does."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(private_postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(query, (make_url(place.url).database,))


def jobs(place: Place) -> list[tuple[str, str]]:
    with psycopg.connect(place.url) as connection:
        rows = connection.execute("SELECT status, lock FROM procrastinate_jobs ORDER BY id").fetchall()
    return [(status, lock) for status, lock in rows]


def test_a_connection_that_is_cut_in_the_middle_of_a_step_does_no_harm_and_the_work_goes_on(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    place.slow._seconds = 0.5
    with place.working():
        for _ in range(2):
            place.slow.reached.clear()
            assert place.slow.reached.wait(30)
            cut(place)
        soon(lambda: place.ended(promotion), 60, pause=0.1)
        soon(lambda: jobs(place) == [], 30, pause=0.2)
    assert place.team.test.applied == [("import", "orders", "1.0.0"), ("configure", "orders", "1.0.0")]
    assert place.team.deployment(promotion).state is DeploymentState.SUCCEEDED
    assert place.team.store.audit() == ()


def test_who_was_taken_over_changes_nothing_more(place: Place) -> None:
    """The fence is looked at before the change itself, not only when it is written down afterwards."""
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    taken: list[Recorded] = []

    def take_over(recorded: Recorded) -> None:
        if recorded.event.kind == "step-started" and getattr(recorded.event, "step", "") == "import" and not taken:
            taken.append(recorded)
            with place.team.store.transaction() as transaction:
                transaction.connection.execute(update(leases).values(fence=leases.c.fence + 1, holder="another"))

    with place.working(observers=(take_over,)):
        soon(lambda: place.ended(promotion), 30, pause=0.1)
    assert taken
    assert place.slow.order == [("test", "orders")] * 2, "import and configure, once each"


def test_a_job_whose_worker_died_is_done_by_another_one(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    place.queue().ask("test")
    with psycopg.connect(place.url) as connection:
        connection.execute("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() - interval '1 hour')")
        connection.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT max(id) FROM procrastinate_workers)"
        )
    with place.working():
        soon(lambda: place.ended(promotion), 15, pause=0.1)
        soon(lambda: jobs(place) == [], pause=0.1)


def test_what_has_no_job_is_found_all_the_same(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    with place.working():
        soon(lambda: place.ended(promotion), 15, pause=0.1)


def test_asking_again_makes_no_second_job(place: Place) -> None:
    queue = place.queue()
    for _ in range(3):
        queue.ask("prod")
    assert jobs(place) == [("todo", "prod")]
    assert queue.pending() == {"prod"}


def test_a_command_watches_what_workers_do_and_leaves_it_where_none_is(place: Place) -> None:
    place.team.release("1.19")
    (promotion,) = place.team.run(Promote("orders", "test")).promotions
    runtime = SharedRuntime(place.queue(), place.team.engine)
    begun = time.monotonic()
    runtime.settle(["test"], drain=lambda _: None)
    assert time.monotonic() - begun < 5
    assert place.team.promotion(promotion).state is PromotionState.WAITING
    place.team.seen.clear()
    with place.working():
        runtime.settle(["test"], drain=lambda _: None)
        assert place.ended(promotion)
        assert [w.alive for w in place.team.run(ShowWorkers())] == [True]
    assert {"deployment-started", "verified"} <= {recorded.event.kind for recorded in place.team.seen}


def test_a_database_that_is_away_is_told(place: Place) -> None:
    with pytest.raises(StoreLostError) as caught:
        Queue("postgresql://nobody@127.0.0.1:1/none")
    assert "Postgres running" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("postgresql+psycopg://a@b/c", "postgresql://a@b/c"),
        ("postgres://a@b/c", "postgresql://a@b/c"),
        ("postgresql://a@b/c?host=/x", "postgresql://a@b/c?host=/x"),
        ("sqlite:///x", ""),
        ("", ""),
    ],
)
def test_the_address_of_the_state_chooses_the_runtime(address: str, expected: str) -> None:
    assert shared_address(address) == expected


def test_processes_with_one_file_meet_beside_it_wherever_their_folders_are(tmp_path: Any, place: Place) -> None:
    state = f"sqlite:///{tmp_path / 'elsewhere' / 'lampway.db'}"
    with (
        open_runtime(state, tmp_path / "one", place.team.engine) as (one, is_shared),
        open_runtime(state, tmp_path / "two", place.team.engine) as (two, _),
    ):
        assert not is_shared
        assert isinstance(one, EmbeddedRuntime)
        assert isinstance(two, EmbeddedRuntime)
        with one.lane("prod"), pytest.raises(TakenOverError), two.lane("prod"):
            pass
