"""The newest events of a kind are found by an index, also in stores that were made before there was one."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

from lampway.domain.events import ENGINE, LedgerVerified, LockObserved
from lampway.storage.sql import open_sqlite


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_the_newest_come_first_and_no_more_than_asked_for(tmp_path: Path) -> None:
    store = open_sqlite(tmp_path / "lampway.db", Clock())
    with store.transaction() as transaction:
        for number in range(5):
            transaction.append(LedgerVerified(number, "", 0), ENGINE)
            transaction.append(LockObserved("prod", "locked", "", ""), ENGINE)
    with store.reading() as reading:
        assert [r.seq for r in reading.newest(LedgerVerified.kind, 3)] == [9, 7, 5]
        assert reading.newest("never-recorded") == ()
    store.close()


def test_an_older_store_gets_the_index_and_is_as_whole_as_before(tmp_path: Path) -> None:
    path = tmp_path / "lampway.db"
    store = open_sqlite(path, Clock())
    with store.transaction() as transaction:
        transaction.append(LedgerVerified(0, "", 0), ENGINE)
    store.close()
    bare = sqlite3.connect(path)
    before = bare.execute("SELECT * FROM ledger").fetchall()
    bare.execute("DROP INDEX ix_ledger_kind")
    bare.execute("UPDATE about SET value = '2' WHERE key = 'schema'")
    bare.execute("UPDATE alembic_version SET version_num = '0002'")
    bare.commit()
    bare.close()
    store = open_sqlite(path, Clock())
    bare = sqlite3.connect(path)
    plan = " ".join(
        str(row) for row in bare.execute("EXPLAIN QUERY PLAN SELECT * FROM ledger WHERE kind = 'x' ORDER BY seq DESC")
    )
    assert "ix_ledger_kind" in plan
    assert bare.execute("SELECT value FROM about").fetchone() == ("3",)
    assert bare.execute("SELECT * FROM ledger").fetchall() == before
    assert store.audit() == ()
    assert (tmp_path / "lampway.db.layout-2").is_file()
    bare.close()
    store.close()
