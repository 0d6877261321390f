"""What only a server can do to us: be away, come back, cut connections; and what only its administrator can."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.engine import make_url

import private_postgres
from lampway.domain.events import ENGINE, LockObserved
from lampway.errors import StorageError, StoreLostError
from lampway.storage import postgres
from lampway.storage.ledger import verify
from lampway.storage.sql import SqlStore, open_store


@pytest.fixture
def store(postgres_url: str, clock: Any) -> Iterator[SqlStore]:
    opened = open_store(postgres_url, clock)
    with opened.transaction() as transaction:
        for place in ("dev", "test", "prod"):
            transaction.append(LockObserved(place, "locked", f"nobody edits {place}", ""), ENGINE)
    yield opened
    opened.close()


ALL = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"


def cut(url: str, whom: str = ALL) -> None:
    """Cut connections to a database, as a server that is stopped does."""
    with psycopg.connect(private_postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute(whom, (make_url(url).database,))


@pytest.mark.parametrize("column", ["seq", "at", "kind", "schema", "actor", "body", "prev", "hash"])
def test_any_change_of_any_column_by_an_administrator_is_found(store: SqlStore, column: str) -> None:
    change = f"{column} + 7" if column in {"seq", "schema"} else f"overlay({column} placing '!' from 3)"
    for seq in (1, 2, 3):
        with store._engine.connect() as connection:
            connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER ALL"))
            connection.execute(text(f"UPDATE ledger SET {column} = {change} WHERE seq = {seq}"))
            assert verify(connection).damage
            connection.rollback()
    assert not store.verify().damage


@pytest.mark.parametrize("column", ["at", "kind", "schema", "actor", "body", "prev", "hash"])
def test_a_value_that_is_no_more_there_is_damage_and_does_not_stop_the_audit(store: SqlStore, column: str) -> None:
    with store._engine.connect() as connection:
        connection.execute(text("ALTER TABLE ledger DISABLE TRIGGER ALL"))
        connection.execute(text(f"ALTER TABLE ledger ALTER COLUMN {column} DROP NOT NULL"))
        connection.execute(text(f"UPDATE ledger SET {column} = NULL WHERE seq = 2"))
        assert "ledger row 2" in [damage.place for damage in verify(connection).damage]


@pytest.mark.parametrize("role", ["origin", "replica"])
def test_emptying_the_ledger_at_a_stroke_is_refused_even_with_triggers_switched_off_for_the_session(
    store: SqlStore, role: str
) -> None:
    with pytest.raises(StorageError, match="append-only"), store.transaction() as transaction:
        transaction.connection.exec_driver_sql(f"SET LOCAL session_replication_role = {role}; TRUNCATE ledger")
    assert store.verify().events == 3


def test_a_user_without_the_right_to_may_not_even_try(store: SqlStore, postgres_url: str, clock: Any) -> None:
    """The owner of the schema made the tables; the program works with less."""
    role = f"worker_{make_url(postgres_url).database}"
    with store.transaction() as transaction:
        transaction.connection.exec_driver_sql(f"CREATE ROLE {role} LOGIN")
        transaction.connection.exec_driver_sql(
            f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"
        )
        transaction.connection.exec_driver_sql(f"REVOKE UPDATE, DELETE ON ledger FROM {role}")
    url = make_url(postgres_url).set(username=role).render_as_string(hide_password=False)
    worker = open_store(url, clock)
    with worker.transaction() as transaction:
        transaction.append(LockObserved("prod", "open", "somebody edits", ""), ENGINE)
    assert worker.audit() == ()
    with pytest.raises(StorageError, match="permission denied") as caught, worker.transaction() as transaction:
        transaction.connection.exec_driver_sql("DELETE FROM ledger")
    assert caught.value.hint
    worker.close()
    with store.transaction() as transaction:
        transaction.connection.exec_driver_sql(f"DROP OWNED BY {role}")
        transaction.connection.exec_driver_sql(f"DROP ROLE {role}")


def test_guards_that_somebody_took_away_or_put_to_sleep_come_back(
    store: SqlStore, postgres_url: str, clock: Any
) -> None:
    for change in ("DROP TRIGGER ledger_no_change ON ledger", "ALTER TABLE ledger DISABLE TRIGGER ledger_no_change"):
        with store.transaction() as transaction:
            transaction.connection.exec_driver_sql(change)
        again = open_store(postgres_url, clock)
        with pytest.raises(StorageError, match="append-only"), again.transaction() as transaction:
            transaction.connection.exec_driver_sql("DELETE FROM ledger")
        again.close()


def test_connections_that_were_cut_are_made_again(store: SqlStore, postgres_url: str) -> None:
    cut(postgres_url)
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "again", ""), ENGINE)
    assert store.verify().events == 4


def test_asking_for_news_of_a_database_that_is_gone_is_told_like_any_loss(store: SqlStore, postgres_url: str) -> None:
    watch = store.watch()
    private_postgres.drop_database(postgres_url)
    time.sleep(0.25)  # it is not asked more often
    with pytest.raises(StoreLostError, match="the store failed"):
        watch.changed()
    watch.close()


def test_a_transaction_whose_connection_is_cut_adds_nothing(store: SqlStore, postgres_url: str) -> None:
    with pytest.raises(StorageError) as caught, store.transaction() as transaction:  # noqa: PT012
        transaction.append(LockObserved("prod", "locked", "lost", ""), ENGINE)
        cut(postgres_url)
        transaction.append(LockObserved("prod", "locked", "never", ""), ENGINE)
    assert caught.value.hint
    assert store.verify().events == 3


def test_a_writer_that_stands_still_is_let_go_and_so_is_its_lock(store: SqlStore) -> None:
    with store.transaction() as transaction:
        found = transaction.connection.exec_driver_sql(
            "SELECT current_setting('idle_in_transaction_session_timeout'), current_setting('lock_timeout')"
        ).one()
    assert tuple(found) == ("1min", "30s")


def test_somebody_who_waits_too_long_for_the_lock_is_told(
    store: SqlStore, postgres_url: str, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "_WRITE", postgres._WRITE.replace("30s", "200ms"))
    other = open_store(postgres_url, clock)
    with store.transaction(), pytest.raises(StorageError) as caught, other.transaction():
        pass
    assert "another Lampway is writing" in caught.value.hint
    other.close()


@pytest.mark.parametrize(
    ("address", "hint"),
    [
        ("postgresql://ada:s3cr3t@127.0.0.1:1/lampway", "is Postgres running"),
        ("postgresql://ada:s3cr3t@nowhere.invalid/lampway", "is Postgres running"),
        ("{server}", "create the database first"),
    ],
)
def test_a_server_that_cannot_be_used_is_told_with_its_cure_and_without_the_password(
    address: str, hint: str, clock: Any
) -> None:
    url = address.format(server=private_postgres.server().get_uri(database="never_made"))
    with pytest.raises(StorageError) as caught:
        open_store(url, clock)
    assert hint in caught.value.hint
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"
    assert "\n" not in str(caught.value)


def test_a_database_in_another_encoding_is_refused(clock: Any) -> None:
    with psycopg.connect(private_postgres.server().get_uri(), autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS latin")
        connection.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LOCALE 'C'")
    with pytest.raises(StorageError, match="LATIN1"):
        open_store(private_postgres.server().get_uri(database="latin"), clock)


def test_reading_changes_nothing(store: SqlStore) -> None:
    with pytest.raises(StorageError, match="read-only"), store.reading() as reading:
        reading.connection.exec_driver_sql("UPDATE outbox SET attempts = 1")
