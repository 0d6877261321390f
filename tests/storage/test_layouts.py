"""Stores that every released Lampway made are brought to the newest layout, and no byte of a ledger changes."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from lampway.domain.events import ENGINE, LockObserved
from lampway.errors import StorageError
from lampway.storage import layout, schema
from lampway.storage.sql import SqlStore, open_sqlite, open_store
from lampway.storage.sqlite import connect_engine

RELEASED = sorted((Path(__file__).parents[1] / "cases" / "stores").glob("*.sql"))
ROWS = "SELECT seq, at, kind, schema, actor, body, prev, hash FROM ledger ORDER BY seq"
NEXT = """
    \"\"\"A layout to come.\"\"\"

    import sqlalchemy as sa
    from alembic import op

    revision = "0003"
    down_revision = "0002"


    def upgrade():
        with op.batch_alter_table("ledger") as table:
            table.add_column(sa.Column("note", sa.Text(), nullable=True))
        op.create_index("ix_ledger_kind", "ledger", ["kind"])
        {then}
"""


def rows(path: Path) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(path)) as bare:
        return bare.execute(ROWS).fetchall()


def engine_of(url: str) -> Engine:
    if url.startswith("sqlite"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        return connect_engine(url)
    from sqlalchemy.engine import make_url

    from lampway.storage.postgres import connect_engine as connect_postgres

    return connect_postgres(make_url(url))


@pytest.fixture
def next_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return what makes this Lampway one whose layout is the third."""

    def come(then: str = "pass") -> None:
        folder = tmp_path / "migrations"
        shutil.copytree(layout.MIGRATIONS, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        (folder / "layout_0003.py").write_text(textwrap.dedent(NEXT).format(then=then))
        monkeypatch.setattr(layout, "MIGRATIONS", folder)
        monkeypatch.setattr(schema, "VERSION", 3)

    yield come
    monkeypatch.undo()


@pytest.mark.parametrize("dump", RELEASED, ids=lambda path: path.stem)
def test_a_store_of_every_release_is_taken_over_with_its_ledger_byte_for_byte(
    dump: Path, tmp_path: Path, clock: Any
) -> None:
    path = tmp_path / "lampway.db"
    with contextlib.closing(sqlite3.connect(path)) as bare:
        bare.executescript(dump.read_text(encoding="utf-8"))
    before = rows(path)
    assert len(before) > 50
    store = open_sqlite(path, clock)
    assert rows(path) == before
    assert rows(tmp_path / "lampway.db.layout-1") == before
    assert store.audit() == ()
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "goes on", ""), ENGINE)
    assert store.audit() == ()
    assert rows(path)[:-1] == before
    assert drift(store._engine) == []
    store.close()


def drift(engine: Engine) -> list[Any]:
    with engine.connect() as connection:
        found: list[Any] = compare_metadata(MigrationContext.configure(connection), schema.metadata)
        return found


def test_migrating_from_nothing_gives_the_tables_that_the_program_works_with(store_url: str, clock: Any) -> None:
    engine = engine_of(store_url)
    with engine.connect() as connection, connection.begin():
        layout.upgrade(connection)
        connection.execute(text("INSERT INTO about VALUES ('schema', '2')"))
    store = open_store(store_url, clock)
    assert drift(engine) == []
    store.close()
    engine.dispose()


def test_a_new_store_has_the_newest_layout_and_says_so_to_alembic(store_url: str, clock: Any) -> None:
    store = open_store(store_url, clock)
    assert drift(store._engine) == []
    head = ScriptDirectory(str(layout.MIGRATIONS), version_locations=[str(layout.MIGRATIONS)]).get_current_head()
    with store._engine.connect() as connection:
        assert MigrationContext.configure(connection).get_current_revision() == head == f"{schema.VERSION:04d}"
    store.close()


@pytest.fixture
def old(store_url: str, clock: Any) -> str:
    """Return the URL of a store in the layout before the next one, with something in it."""
    store = open_store(store_url, clock)
    with store.transaction() as transaction:
        for number in range(5):
            transaction.append(LockObserved(f"e{number}", "locked", "nobody edits", ""), ENGINE)
    store.close()
    return store_url


def test_an_older_store_is_migrated_when_it_is_opened_and_guarded_again(old: str, clock: Any, next_layout: Any) -> None:
    before = open_store(old, clock)
    chain = before.verify()
    before.close()
    next_layout()
    store = open_store(old, clock)
    assert store.verify() == chain
    assert store.audit() == ()
    with store.reading() as reading:
        assert reading.connection.execute(text("SELECT note FROM ledger LIMIT 1")).all() == [(None,)]
        assert reading.connection.execute(text("SELECT value FROM about")).scalar_one() == "3"
    with pytest.raises(StorageError, match="append-only"), store.transaction() as transaction:
        transaction.connection.exec_driver_sql("DELETE FROM ledger")
    store.close()


def test_of_a_file_a_copy_is_kept_as_it_was(tmp_path: Path, clock: Any, next_layout: Any) -> None:
    path = tmp_path / "lampway.db"
    store = open_sqlite(path, clock)
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "nobody edits", ""), ENGINE)
    store.close()
    before = rows(path)
    next_layout()
    open_sqlite(path, clock).close()
    copy = tmp_path / "lampway.db.layout-2"
    assert rows(copy) == before
    assert copy.stat().st_mode & 0o077 == 0
    with contextlib.closing(sqlite3.connect(copy)) as bare:
        assert bare.execute("SELECT value FROM about").fetchone() == ("2",)
    assert sorted(file.name for file in tmp_path.glob("*lampway.db*")) == ["lampway.db", "lampway.db.layout-2"]


def test_a_migration_that_fails_changes_nothing(old: str, clock: Any, next_layout: Any) -> None:
    next_layout(then="op.execute('INSERT INTO nowhere VALUES (1)')")
    with pytest.raises(StorageError, match="cannot be brought to layout 3") as caught:
        open_store(old, clock)
    assert "nothing was changed" in caught.value.hint
    engine = engine_of(old)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM about")).scalar_one() == "2"
        assert connection.execute(text("SELECT count(*) FROM ledger")).scalar_one() == 5
    assert drift(engine) == []
    engine.dispose()


def test_a_store_of_a_newer_lampway_is_refused_and_left_alone(
    old: str, clock: Any, next_layout: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    next_layout()
    open_store(old, clock).close()
    monkeypatch.undo()
    with pytest.raises(StorageError, match="layout 3, this version works with 2") as caught:
        open_store(old, clock)
    assert caught.value.hint == "use a newer Lampway"


def test_a_store_that_does_not_say_its_layout_is_not_guessed_at(old: str, clock: Any) -> None:
    engine = engine_of(old)
    with engine.connect() as connection, connection.begin():
        connection.execute(text("UPDATE about SET value = 'x'"))
    engine.dispose()
    with pytest.raises(StorageError, match="does not say which layout"):
        open_store(old, clock)


def test_of_many_who_open_an_older_store_at_once_one_migrates_it(old: str, clock: Any, next_layout: Any) -> None:
    next_layout()
    opened: list[SqlStore] = []
    threads = [threading.Thread(target=lambda: opened.append(open_store(old, clock))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 4
    assert {store.verify().events for store in opened} == {5}
    for store in opened:
        store.close()


def test_opening_a_store_that_is_up_to_date_imports_no_alembic_and_writes_nothing(tmp_path: Path, clock: Any) -> None:
    import subprocess
    import sys

    path = tmp_path / "lampway.db"
    open_sqlite(path, clock).close()
    script = """
        import sys
        from pathlib import Path
        from lampway.storage.sql import open_sqlite
        store = open_sqlite(Path(sys.argv[1]), None)
        store.close()
        sys.exit("alembic" in sys.modules or "psycopg" in sys.modules)
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # whoever writes meanwhile is not waited for
        done = subprocess.run([sys.executable, "-c", textwrap.dedent(script), str(path)], timeout=20, check=False)
    assert done.returncode == 0
