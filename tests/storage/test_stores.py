"""A store keeps the same promises in SQLite and in Postgres."""

from __future__ import annotations

import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lampway.domain.deployment import LockRecord
from lampway.domain.events import ENGINE, Actor, EnvironmentObserved, Held, LockObserved, Recorded
from lampway.domain.stops import Hold
from lampway.engine.store import Due, Wanted
from lampway.errors import StorageError, UsageError
from lampway.storage.sql import SqlStore, open_store

WRITERS, EACH = 4, 60
WRITER = """
    import sys
    from datetime import UTC, datetime
    from lampway.domain.events import Actor, LockObserved
    from lampway.storage.sql import open_store

    class Clock:
        def now(self):
            return datetime.now(UTC)

    store = open_store(sys.argv[1], Clock())
    print("open", flush=True)
    sys.stdin.readline()
    for number in range(int(sys.argv[3])):
        with store.transaction() as transaction:
            transaction.append(LockObserved(f"e{number % 3}", "locked", sys.argv[2], ""), Actor(sys.argv[2], "test"))
    store.close()
"""


@pytest.fixture
def store(store_url: str, clock: Any) -> Iterator[SqlStore]:
    opened = open_store(store_url, clock)
    yield opened
    opened.close()


def seen(place: str, what: str = "nobody can edit") -> LockObserved:
    return LockObserved(place, "locked", what, "")


def add(store: SqlStore, *events: Any) -> list[Recorded]:
    with store.transaction() as transaction:
        return [transaction.append(event, ENGINE) for event in events]


def test_what_was_added_is_read_back_by_whoever_opens_it_later(store: SqlStore, store_url: str, clock: Any) -> None:
    recorded = add(store, seen("prod"), seen("test", "ü, 灯, 🏮 and \\ \" ' % ? \x1f stay"))
    again = open_store(store_url, clock)
    assert list(again.events()) == recorded
    assert list(again.events(after=1)) == recorded[1:]
    assert list(again.events(kinds=("held",))) == []
    assert [row.hash for row in again.stored(1, "2026-01-05")] == [recorded[1].hash]
    assert list(again.stored(0, "2026-01-06")) == []
    with again.reading() as reading:
        assert reading.head() == (2, recorded[1].hash)
        assert [r.environment for r in reading.find(LockRecord)] == ["prod", "test"]
    assert again.verify({1, 9}).hashes == {1: recorded[0].hash}
    assert again.audit() == ()
    again.close()


def test_the_same_events_give_the_same_rows_in_every_kind_of_store(
    clock: Any, tmp_path: Any, postgres_url: str
) -> None:
    stores = [open_store(f"sqlite:///{tmp_path / 'a.db'}", clock), open_store(postgres_url, clock)]
    for one in stores:
        add(one, seen("prod"), Held(Hold("h", "orders", "", "wait", "rita", "2026-01-05T09:00:00+00:00")))
        add(one, EnvironmentObserved("prod", "r1", ("orders",), ()))
    first, second = (list(one.stored()) for one in stores)
    assert first == second
    for one in stores:
        one.close()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(words=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=30), min_size=1, max_size=4))
def test_any_text_comes_back_as_it_was(store: SqlStore, words: list[str]) -> None:
    before = len(list(store.events()))
    recorded = add(store, *(seen("prod", word) for word in words))
    assert list(store.events(after=before)) == recorded
    assert not store.verify().damage


def test_many_processes_that_add_at_once_make_one_chain_without_gap_or_fork(
    store: SqlStore, store_url: str, clock: Any
) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(WRITER), store_url, f"w{n}", str(EACH)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for n in range(WRITERS)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"
    for writer in writers:  # all of them are ready: now they race
        assert writer.stdin is not None
        writer.stdin.write(b"go\n")
        writer.stdin.flush()
    for writer in writers:
        writer.communicate(timeout=120)
    assert [writer.returncode for writer in writers] == [0] * WRITERS
    recorded = list(store.events())
    assert [r.seq for r in recorded] == list(range(1, WRITERS * EACH + 1))
    assert store.audit() == ()
    people = [r.actor.person for r in recorded]
    assert {person: people.count(person) for person in set(people)} == {f"w{n}": EACH for n in range(WRITERS)}


def test_many_who_open_an_empty_store_at_once_find_it_whole(store_url: str, clock: Any) -> None:
    script = textwrap.dedent(WRITER)
    opening = [
        subprocess.Popen(
            [sys.executable, "-c", script, store_url, f"w{n}", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for n in range(WRITERS)
    ]
    for one in opening:
        one.communicate(b"go\n", timeout=120)
    assert [one.returncode for one in opening] == [0] * WRITERS
    store = open_store(store_url, clock)
    assert store.verify().events == WRITERS
    store.close()


def test_either_all_of_a_transaction_is_kept_or_nothing(store: SqlStore) -> None:
    def die() -> None:
        with store.transaction() as transaction:
            transaction.append(seen("prod"), ENGINE)
            transaction.remember(Due("tag", "tag", {}, 0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        die()
    assert list(store.events()) == []
    assert store.due() == ()
    add(store, seen("test"))
    assert [r.seq for r in store.events()] == [1]


def test_a_look_sees_what_was_there_when_it_began(store: SqlStore, store_url: str, clock: Any) -> None:
    add(store, seen("prod"))
    other = open_store(store_url, clock)
    with store.reading() as reading:
        assert reading.head()[0] == 1
        add(other, seen("test"))
        assert reading.head()[0] == 1
        assert len(reading.find(LockRecord)) == 1
    with store.reading() as reading:
        assert reading.head()[0] == 2
    other.close()


def test_reading_a_long_ledger_goes_on_while_somebody_adds(store: SqlStore, store_url: str, clock: Any) -> None:
    add(store, *(seen(f"e{n}") for n in range(1200)))
    other = open_store(store_url, clock)
    reading = store.events()
    taken = [next(reading).seq]
    add(other, seen("late"))
    taken += [recorded.seq for recorded in reading]
    assert taken == list(range(1, 1201))
    assert store.search(Wanted(environment="late")).total == 1
    other.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger SET kind = 'x' WHERE seq = 2",
        "DELETE FROM ledger WHERE seq = 2",
        "DELETE FROM ledger",
        "INSERT INTO ledger SELECT 9, at, kind, schema, actor, body, prev, 'x' FROM ledger WHERE seq = 2",
        "INSERT INTO ledger SELECT 0, at, kind, schema, actor, body, prev, 'x' FROM ledger WHERE seq = 2",
        (
            "INSERT INTO ledger SELECT 2, at, kind, schema, actor, body, prev, 'x' FROM ledger WHERE seq = 2"
            " ON CONFLICT (seq) DO UPDATE SET kind = 'x'"
        ),
    ],
)
def test_the_database_lets_nobody_rewrite_the_ledger(store: SqlStore, statement: str) -> None:
    add(store, seen("a"), seen("b"), seen("c"))
    before = store.verify()
    with pytest.raises(StorageError, match="append-only"), store.transaction() as transaction:
        transaction.connection.exec_driver_sql(statement)
    assert store.verify() == before


def test_the_fence_grows_and_whoever_was_overtaken_stops(store: SqlStore, store_url: str, clock: Any) -> None:
    other = open_store(store_url, clock)
    assert store.take_lease("prod", "one") == 1
    assert other.take_lease("prod", "two") == 2
    with pytest.raises(StorageError, match="took over"), store.transaction() as transaction:
        transaction.require_fence("prod", 1)
    store.release_lease("prod", 1)
    with other.transaction() as transaction:
        transaction.require_fence("prod", 2)
    other.close()


def test_writers_in_threads_take_turns_too(store: SqlStore) -> None:
    def write(name: str) -> None:
        for _ in range(20):
            add(store, seen(name))

    threads = [threading.Thread(target=write, args=(f"t{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.verify().events == 80
    assert store.audit() == ()


@pytest.mark.parametrize(
    "url",
    ["", "lampway", "sqlite://", "mysql://ada:s3cr3t@host/x", "postgresql://ada:s3cr3t@host:port/x", "s3cr3t://"],
)
def test_an_address_of_no_store_is_asking_wrongly_and_is_not_repeated(url: str, clock: Any) -> None:
    with pytest.raises(UsageError, match="not the address of a store") as caught:
        open_store(url, clock)
    assert "LAMPWAY_STATE" in caught.value.hint
    assert "s3cr3t" not in str(caught.value).removeprefix("not the address of a store: it begins with s3cr3t")


def test_every_actor_is_kept_with_how_we_know(store: SqlStore) -> None:
    actor = Actor("ada", "git", name="Ada", email="ada@example.org")
    with store.transaction() as transaction:
        transaction.append(seen("prod"), actor)
    assert [r.actor for r in store.events()] == [actor]


def test_a_store_that_may_only_be_read_is_read_and_says_why_nothing_is_added(store: SqlStore) -> None:
    add(store, seen("prod"))
    is_file = store._engine.dialect.name == "sqlite"
    only = "PRAGMA query_only = ON" if is_file else "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"
    with store._engine.connect() as connection:
        connection.exec_driver_sql(only)
        connection.commit()
    with pytest.raises(StorageError, match=r"read-?only") as caught:
        add(store, seen("test"))
    assert "writable" in caught.value.hint or "may write" in caught.value.hint
    assert store.audit() == ()
    assert store.verify().events == 1


def test_a_full_disk_says_how_to_go_on_and_keeps_nothing_by_halves(tmp_path: Path, clock: Any) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'lampway.db'}", clock)
    add(store, seen("prod"))
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # as full as it is now
    with pytest.raises(StorageError, match="full") as caught:
        add(store, *(seen(f"e{n}", "x" * 5000) for n in range(20)))
    assert "free some disk space" in caught.value.hint
    with store._engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert store.verify().events == 1
    add(store, seen("test"))
    assert store.audit() == ()
    store.close()
