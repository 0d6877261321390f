"""A store that an older Lampway made is read and written on by a newer one."""

from __future__ import annotations

import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lampway.domain.events import ENGINE, Held, LockObserved
from lampway.domain.projection import RECORDS
from lampway.domain.stops import Hold
from lampway.storage.sql import open_sqlite

NEWER = [kind for kind in RECORDS if kind.__name__ in {"Hold", "Veto"}]


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """Return a store with something in it, from before there were holds and vetoes."""
    path = tmp_path / "lampway.db"
    store = open_sqlite(path, Clock())
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "nobody can edit", ""), ENGINE)
    store.close()
    bare = sqlite3.connect(path)
    for kind in NEWER:
        bare.execute(f"DROP TABLE record_{kind.__name__.lower()}")
    bare.commit()
    bare.close()
    return path


def test_a_kind_of_record_that_is_newer_than_the_store_finds_its_place(older: Path) -> None:
    store = open_sqlite(older, Clock())
    with store.transaction() as transaction:
        assert transaction.find(Hold) == ()
        transaction.append(Held(Hold("h", "orders", "", "wait", "rita", "2026-01-05T09:00:00+00:00")), ENGINE)
    store.close()
    again = open_sqlite(older, Clock())
    with again.reading() as reading:
        assert [h.id for h in reading.find(Hold)] == ["h"]
    assert again.audit() == ()
    again.close()
