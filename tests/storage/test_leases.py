"""An environment is taken over only from who is dead, by the database's own word, and never twice under one fence."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import select, update
from sqlalchemy.engine import make_url

import private_postgres
from lampway.errors import StoreLostError, TakenOverError
from lampway.storage.operations import workers
from lampway.storage.schema import leases
from lampway.storage.sql import SqlStore, open_store

LOCKED = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    " AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted)"
)


@pytest.fixture
def stores(postgres_url: str, clock: Any) -> Iterator[tuple[SqlStore, SqlStore]]:
    """Return the stores of two processes over one database."""
    one, two = open_store(postgres_url, clock), open_store(postgres_url, clock)
    yield one, two
    one.close()
    two.close()


def cut(store: SqlStore) -> None:
    """Cut every session that holds a lock, as a network does."""
    with psycopg.connect(private_postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(LOCKED, (make_url(str(store._engine.url)).database,))


def fence(store: SqlStore) -> int:
    with store.reading() as reading:
        return int(reading.connection.execute(select(leases.c.fence)).scalar_one())


def test_who_lives_is_not_taken_over_and_who_is_gone_is(stores: tuple[SqlStore, SqlStore]) -> None:
    one, two = stores
    with one.presence("one") as here:
        here.assure()
        assert one.take_lease("prod", "one") == 1
        with pytest.raises(TakenOverError, match="one works in prod right now"):
            two.take_lease("prod", "two")
        with two.reading() as reading:
            assert reading.abandoned("two") == ()
    with two.reading() as reading:
        assert reading.abandoned("two") == ("prod",)
    assert two.take_lease("prod", "two") == 2


def test_who_gave_it_free_needs_not_be_dead(stores: tuple[SqlStore, SqlStore]) -> None:
    one, two = stores
    with one.presence("one") as here:
        here.assure()
        one.release_lease("prod", one.take_lease("prod", "one"))
        assert two.take_lease("prod", "two") == 2
        one.release_lease("prod", 1)
        assert fence(one) == 2


def test_who_is_stopped_keeps_the_session_and_loses_the_environment_when_not_seen(
    stores: tuple[SqlStore, SqlStore],
) -> None:
    one, two = stores
    with one.presence("one") as here:
        here.assure()
        with one.transaction() as transaction:
            transaction.see_worker("one", ())
        mine = one.take_lease("prod", "one")
        with pytest.raises(TakenOverError):
            two.take_lease("prod", "two")
        with two.transaction() as transaction:
            transaction.connection.execute(update(workers).values(seen_at="2026-01-01T00:00:00.000+00:00"))
        two.take_lease("prod", "two")
        with pytest.raises(TakenOverError), one.transaction() as transaction:
            transaction.require_fence("prod", mine)


def test_a_session_that_was_cut_is_told_and_opened_anew(stores: tuple[SqlStore, SqlStore]) -> None:
    one, two = stores
    with one.presence("one") as here:
        here.assure()
        one.take_lease("prod", "one")
        cut(one)
        with pytest.raises(StoreLostError):
            here.assure()
        here.assure()
        with pytest.raises(TakenOverError):
            two.take_lease("prod", "two")


def test_the_clock_of_the_database_counts_not_that_of_a_machine(stores: tuple[SqlStore, SqlStore]) -> None:
    one, two = stores
    with one.presence("one") as here, one.transaction() as transaction:
        here.assure()
        transaction.see_worker("one", ())
        (seen,) = transaction.workers()
        assert seen.seen_at[:4] != "2026" or seen.seen_at > "2026-01-06", "the clock of this process stands still"
        assert abs(len(seen.seen_at) - len(transaction.time())) == 0
    assert two.take_lease("prod", "two") == 1


def test_on_sqlite_the_lock_beside_it_decides(tmp_path: Any, clock: Any) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'lampway.db'}", clock)
    assert [store.take_lease("prod", name) for name in ("one", "two", "one")] == [1, 2, 3]
    with store.reading() as reading:
        assert reading.abandoned("two") == ("prod",)
        assert reading.abandoned("one") == ()
    store.close()
