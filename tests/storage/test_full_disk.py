"""A full disk and a read-only store: one clear error, nothing half-written, and work goes on once there is room."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from lampway.domain.events import ENGINE, LockObserved
from lampway.errors import StorageError
from lampway.storage.packages import ObjectPackages
from lampway.storage.sql import SqlStore, open_sqlite


class Clock:
    def now(self) -> datetime:
        return datetime(2026, 1, 5, 9, tzinfo=UTC)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Return a disk of four megabytes."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        pytest.skip("only root may mount a small disk")
    words = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(tmp_path)]
    if subprocess.run(words, capture_output=True, check=False).returncode:
        pytest.skip("no small disk can be mounted here")
    yield tmp_path
    subprocess.run(["umount", "-l", str(tmp_path)], capture_output=True, check=True)


def fill_up(store: SqlStore) -> tuple[int, StorageError]:
    """Append until there is no room, and return how many events were acknowledged."""
    for count in range(10_000):
        try:
            with store.transaction() as transaction:
                transaction.append(LockObserved(f"prod-{count}", "locked", "x" * 2000, ""), ENGINE)
        except StorageError as error:
            return count, error
    raise AssertionError("the disk is not small")


def test_a_full_disk_keeps_what_was_acknowledged_and_goes_on(small_disk: Path) -> None:
    store = open_sqlite(small_disk / "lampway.db", Clock())
    padding = small_disk / "padding"
    padding.write_bytes(b"0" * 200_000)
    count, error = fill_up(store)
    assert count > 5
    assert "full" in str(error)
    assert "free some disk space" in error.hint
    assert len(list(store.events())) == count
    padding.unlink()
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "room again", ""), ENGINE)
    assert store.audit() == ()
    assert len(list(store.events())) == count + 1
    store.close()


def test_a_full_disk_keeps_no_half_package(small_disk: Path) -> None:
    packages = ObjectPackages(str(small_disk / "packages"))
    first = packages.put(b"small")
    with pytest.raises(StorageError):
        packages.put(b"x" * 8_000_000)
    assert packages.get(first) == b"small"
    second = packages.put(b"small as well")
    assert packages.get(second) == b"small as well"


_LIMITED = """
import resource, sys
from pathlib import Path
from test_full_disk import Clock, fill_up
from lampway.storage.sql import open_sqlite
store = open_sqlite(Path(sys.argv[1]), Clock())
resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, resource.RLIM_INFINITY))
count, error = fill_up(store)
print(count)
"""


def test_a_limit_of_the_system_is_a_full_disk_too(tmp_path: Path) -> None:
    path = tmp_path / "lampway.db"
    given = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    words = [sys.executable, "-c", _LIMITED, str(path)]
    done = subprocess.run(words, env=given, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    store = open_sqlite(path, Clock())
    assert len(list(store.events())) == int(done.stdout)
    assert store.audit() == ()
    store.close()


def test_a_read_only_store_says_so_and_changes_nothing(small_disk: Path) -> None:
    path = small_disk / "lampway.db"
    store = open_sqlite(path, Clock())
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "yes", ""), ENGINE)
    store.close()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError) as caught:
        open_sqlite(path, Clock())
    assert "make the folder .lampway writable" in caught.value.hint
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    again = open_sqlite(path, Clock())
    assert len(list(again.events())) == 1
    assert again.audit() == ()
    again.close()


def test_a_store_that_becomes_read_only_while_it_is_open_says_so(small_disk: Path) -> None:
    store = open_sqlite(small_disk / "lampway.db", Clock())
    store.close()  # it holds no file open; the next transaction opens one
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError), store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "no", ""), ENGINE)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "yes", ""), ENGINE)
    assert store.audit() == ()
    store.close()


def test_what_was_opened_while_nothing_could_be_written_is_opened_anew(small_disk: Path) -> None:
    """A log that stayed behind lets SQLite open the file for reading only, and so it would stay for good."""
    path = small_disk / "lampway.db"
    store = open_sqlite(path, Clock())
    log = path.with_name("lampway.db-wal").read_bytes()
    store.close()
    path.with_name("lampway.db-wal").write_bytes(log)
    path.with_name("lampway.db-shm").touch()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(StorageError), store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "no", ""), ENGINE)
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    with store.transaction() as transaction:
        transaction.append(LockObserved("prod", "locked", "yes", ""), ENGINE)
    assert len(list(store.events())) == 1
    assert store.audit() == ()
    store.close()
