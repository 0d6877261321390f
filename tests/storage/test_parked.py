"""What people have yet to sign is kept byte for byte, for a while, and never more than so much."""

from __future__ import annotations

from typing import Any

from lampway.engine.store import Parked
from lampway.storage.sql import open_store

NOW, LATER = "2026-01-05T09:00:00.000+00:00", "2026-01-05T10:00:00.000+00:00"


def test_it_is_kept_bounded_and_forgotten_on_every_store(store_url: str, clock: Any) -> None:
    store = open_store(store_url, clock)
    data = bytes(range(256)) * 40_000

    def park(key: str, person: str, until: str, most: tuple[int, int] = (1, 2)) -> None:
        with store.transaction() as transaction:
            transaction.park(Parked(key=key, person=person, until=until, data=data), forget=NOW, most=most)

    def kept() -> list[str]:
        with store.reading() as reading:
            return [key for key in "abcdef" if reading.parked(key) is not None]

    try:
        park("a", "mia", LATER)
        park("b", "mia", LATER.replace("T10", "T11"))
        with store.reading() as reading:
            assert reading.parked("a") == Parked(key="a", person="mia", until=LATER, data=data)
        park("c", "mia", LATER.replace("T10", "T12"))
        assert kept() == ["b", "c"], "one beside the newest of one person"
        park("d", "ana", LATER.replace("T10", "T13"))
        park("e", "bob", LATER.replace("T10", "T14"))
        assert kept() == ["c", "d", "e"], "two beside the newest of all"
        with store.reading() as reading:
            assert not reading.has_parked(NOW)
            assert reading.has_parked("2026-01-05T13:00:00.001+00:00")
        with store.transaction() as transaction:
            transaction.unpark(before="2026-01-05T13:00:00.001+00:00")
        assert kept() == ["e"]
        with store.transaction() as transaction:
            transaction.unpark("e")
        assert kept() == []
    finally:
        store.close()
