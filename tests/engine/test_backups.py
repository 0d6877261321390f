"""A backup holds everything, is whole or not there, and can be restored into either kind of store."""

from __future__ import annotations

import shutil
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update
from team import FixedClock, Team, unguard

import private_postgres
from lampway.app import make_backup, restore_backup
from lampway.domain.events import ENGINE, LockObserved
from lampway.engine.drift import ScanDrift
from lampway.engine.store import Due
from lampway.errors import LampwayError, RefusedError, StorageError, UsageError
from lampway.storage import restore as restoring
from lampway.storage.backup import Backup, back_up
from lampway.storage.packages import ObjectPackages
from lampway.storage.restore import Restored, open_backup, restore, verify
from lampway.storage.schema import leases, ledger
from lampway.storage.sql import SqlStore, open_store

AT = "2026-01-05T09:00:00.000+00:00"


@pytest.fixture(scope="module")
def full(team_that_shipped: Team) -> Iterator[Team]:
    """Return a team with everything in its store that a backup has to hold."""
    team = team_that_shipped.copy()
    team.prod.edit("p2", does="times 2")
    team.run(ScanDrift(("prod",)))
    with team.store.transaction() as transaction:
        doc = {"tag": "orders/0.9.0", "commit": team.source.head(), "solution": "orders", "version": "0.9.0"}
        transaction.remember(Due("tag orders/0.9.0", "tag", doc, 2))
    yield team
    team.store.close()


@pytest.fixture
def backup(full: Team, tmp_path: Path) -> Path:
    back_up(full.store, full.packages, tmp_path / "a.backup", at=AT)
    return tmp_path / "a.backup"


@pytest.fixture
def postgres() -> Iterator[SqlStore]:
    url = private_postgres.new_database()
    store = open_store(url, FixedClock())
    yield store
    store.close()
    private_postgres.drop_database(url)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path / 'restored' / 'lampway.db'}", FixedClock())
    yield store
    store.close()


def bring(file: Path, store: SqlStore, packages: Any) -> Restored:
    with open_backup(file) as opened:
        done = restore(opened, store, packages)
        assert verify(store, packages, opened) == ()
        return done


def content(store: SqlStore) -> tuple[Any, ...]:
    with store.reading() as reading:
        fences = {row.environment: row.fence for row in reading.connection.execute(select(leases))}
    return list(store.stored()), fences, store.due()


def test_what_was_backed_up_is_the_same_in_either_kind_of_store_and_back(
    full: Team, backup: Path, postgres: SqlStore, sqlite: SqlStore, tmp_path: Path
) -> None:
    there = ObjectPackages(tmp_path / "packages of postgres")
    done = bring(backup, postgres, there)
    chain = full.store.verify()
    assert (done.events, done.head) == (chain.events, chain.head)
    assert content(postgres) == content(full.store)
    back_up(postgres, there, tmp_path / "b.backup", at=AT)
    bring(tmp_path / "b.backup", sqlite, ObjectPackages(tmp_path / "packages of sqlite"))
    assert content(sqlite) == content(full.store)
    with zipfile.ZipFile(backup) as first, zipfile.ZipFile(tmp_path / "b.backup") as second:
        assert {n: first.read(n) for n in first.namelist()} == {n: second.read(n) for n in second.namelist()}


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
def test_work_goes_on_in_what_was_restored(
    full: Team, backup: Path, kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    store: SqlStore = request.getfixturevalue(kind)
    packages = ObjectPackages(tmp_path / "packages")
    bring(backup, store, packages)
    team = full.copy()
    team.store.close()
    team.store, team.packages = store, packages  # type: ignore[assignment]
    team._meet()
    before = team.installed("prod")
    assert before is not None
    assert before.version == "1.0.1"
    release = team.release("1.30")
    promotion = team.promote("test")
    assert team.running("test") == release.version, team.promotion(promotion).note
    assert store.audit() == ()


def test_nobody_holds_a_lease_that_was_restored_and_no_fence_comes_twice(
    full: Team, sqlite: SqlStore, tmp_path: Path
) -> None:
    team = full.copy()
    fence = team.store.take_lease("prod", "somebody")
    back_up(team.store, team.packages, tmp_path / "held.backup", at=AT)
    bring(tmp_path / "held.backup", sqlite, ObjectPackages(tmp_path / "packages"))
    with sqlite.reading() as reading:
        assert set(reading.connection.execute(select(leases.c.holder)).scalars()) == {""}
    assert sqlite.take_lease("prod", "me") == fence + 1
    team.store.close()


def test_a_backup_taken_while_others_write_is_of_one_moment(
    sqlite: SqlStore, postgres: SqlStore, tmp_path: Path
) -> None:
    for store in (sqlite, postgres):
        ends = threading.Event()

        def write(store: SqlStore = store, ends: threading.Event = ends) -> None:
            while not ends.is_set():
                with store.transaction() as transaction:
                    for place in ("test", "prod"):
                        transaction.append(LockObserved(place, "locked", "nobody edits", ""), ENGINE)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = [
                back_up(store, ObjectPackages(tmp_path), tmp_path / f"{id(store)}-{n}.backup", at=AT) for n in range(4)
            ]
        finally:
            ends.set()
            writer.join()
        assert [one.events % 2 for one in made] == [0] * 4, "half a transaction"
        for one in made:
            with open_backup(Path(one.file)) as opened:
                assert opened.manifest.events == one.events


def test_an_interrupted_backup_leaves_nothing(full: Team, tmp_path: Path) -> None:
    class Cut:
        def get(self, digest: str) -> bytes:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        back_up(full.store, Cut(), tmp_path / "x.backup", at=AT)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_never_written_over_and_only_its_owner_reads_it(full: Team, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(UsageError, match="never written over"):
        back_up(full.store, full.packages, backup, at=AT)
    assert backup.read_bytes() == before
    assert backup.stat().st_mode & 0o077 == 0


def test_where_it_cannot_be_written_is_told(full: Team, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be written") as caught:
        back_up(full.store, full.packages, tmp_path / "nowhere" / "x.backup", at=AT)
    assert caught.value.where


def test_a_package_that_was_lost_is_told_and_the_rest_is_saved(full: Team, sqlite: SqlStore, tmp_path: Path) -> None:
    team = full.copy()
    lost = next(iter(team.packages.kept))
    del team.packages.kept[lost]
    made: Backup = back_up(team.store, team.packages, tmp_path / "lossy.backup", at=AT)
    assert len(made.missing) == 1
    assert made.missing[0].startswith(f"{lost}: ")
    done = bring(tmp_path / "lossy.backup", sqlite, ObjectPackages(tmp_path / "packages"))
    assert done.missing == (lost,)
    team.store.close()


def test_a_damaged_ledger_is_not_passed_off_as_a_backup(full: Team, tmp_path: Path) -> None:
    team = full.copy()
    with team.store._engine.connect() as connection:
        connection.info["write"] = True
        with connection.begin():
            unguard(connection)
            connection.execute(update(ledger).where(ledger.c.seq == 7).values(at="2026-01-05T09:00:00.001+00:00"))
        connection.info.pop("write")
    with pytest.raises(RefusedError, match="row 7"):
        back_up(team.store, team.packages, tmp_path / "x.backup", at=AT)
    assert list(tmp_path.iterdir()) == []
    team.store.close()


@pytest.fixture(scope="module")
def bytes_of(full: Team, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    file = tmp_path_factory.mktemp("whole") / "a.backup"
    back_up(full.store, full.packages, file, at=AT)
    return file.read_bytes()


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_bit_that_flipped_is_refused_or_means_nothing(bytes_of: bytes, tmp_path: Path, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(bytes_of) - 1))
    broken = bytearray(bytes_of)
    broken[place] ^= 1 << data.draw(st.integers(0, 7))
    whole, file = tmp_path / "whole", tmp_path / "broken"
    whole.write_bytes(bytes_of)
    file.write_bytes(broken)
    try:
        with open_backup(file) as opened, open_backup(whole) as ours:
            assert list(opened.rows()) == list(ours.rows())
            assert dict(opened.packages()) == dict(ours.packages())
            assert opened.operational() == ours.operational()
    except LampwayError as error:
        assert error.where  # noqa: PT017 - most are refused, some bits are of no account


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_backup_that_was_cut_off_is_refused(bytes_of: bytes, tmp_path: Path, share: float) -> None:
    (tmp_path / "cut").write_bytes(bytes_of[: int(len(bytes_of) * share)])
    with pytest.raises(UsageError, match="not a whole backup"), open_backup(tmp_path / "cut"):
        pass


def test_rows_that_were_made_up_with_care_do_not_fit_their_end(backup: Path, tmp_path: Path) -> None:
    """A row left out at the end, everything else as it was."""
    with zipfile.ZipFile(backup) as old, zipfile.ZipFile(tmp_path / "x", "w") as new:
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, data[: data[:-1].rindex(b"\n") + 1] if name == "ledger.jsonl" else data)
    with pytest.raises(UsageError, match="does not hold the rows"), open_backup(tmp_path / "x"):
        pass


def test_a_ledger_is_never_replaced(full: Team, backup: Path, sqlite: SqlStore, postgres: SqlStore) -> None:
    for store in (sqlite, postgres):
        with store.transaction() as transaction:
            transaction.append(LockObserved("prod", "locked", "mine", ""), ENGINE)
        before = content(store)
        with pytest.raises(RefusedError, match="never replaced"), open_backup(backup) as opened:
            restore(opened, store, full.packages)
        assert content(store) == before


def test_restoring_that_breaks_off_leaves_the_store_empty(
    backup: Path, sqlite: SqlStore, postgres: SqlStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    for store in (sqlite, postgres):
        with monkeypatch.context() as patched, open_backup(backup) as opened:
            patched.setattr(restoring, "_restore_operational", fail)
            with pytest.raises(StorageError, match="disk is full"):
                restore(opened, store, ObjectPackages(tmp_path / "packages"))
        assert content(store) == ([], {}, ())
        assert bring(backup, store, ObjectPackages(tmp_path / "packages")).events


def test_a_second_look_finds_what_is_wrong_with_what_was_restored(
    backup: Path, sqlite: SqlStore, tmp_path: Path
) -> None:
    packages = ObjectPackages(tmp_path / "packages")
    with open_backup(backup) as opened:
        restore(opened, sqlite, packages)
        shutil.rmtree(tmp_path / "packages")
        assert {damage.place[:8] for damage in verify(sqlite, packages, opened)} == {"package "}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("LAMPWAY_STATE", raising=False)
    folder = tmp_path / "governance"
    (folder / ".lampway").mkdir(parents=True)
    (folder / ".lampway" / "engine.key").write_bytes(b"the private key")
    return folder


def test_the_engines_key_is_in_a_backup_only_if_it_was_asked_for(root: Path, tmp_path: Path) -> None:
    plain = make_backup(root, tmp_path / "plain.backup")
    keyed = make_backup(root, tmp_path / "keyed.backup", with_key=True)
    assert (plain.has_key, keyed.has_key) == (False, True)
    assert b"the private key" not in b"".join(_members(Path(plain.file)))
    assert b"the private key" in b"".join(_members(Path(keyed.file)))
    for name, key in (("one", None), ("two", b"the private key")):
        there = tmp_path / name
        there.mkdir()
        restore_backup(Path(keyed.file), there, with_key=bool(key), verify=True)
        file = there / ".lampway" / "engine.key"
        assert (file.read_bytes() if file.exists() else None) == key
    with pytest.raises(UsageError, match="not in this backup"):
        restore_backup(Path(plain.file), tmp_path / "three", with_key=True)
    with pytest.raises(RefusedError, match="never replaced"):
        restore_backup(Path(keyed.file), root, with_key=True)
    assert not (tmp_path / "three").exists()


def _members(file: Path) -> list[bytes]:
    with zipfile.ZipFile(file) as archive:
        return [archive.read(name) for name in archive.namelist()]


def test_in_a_folder_a_backup_is_named_for_the_time(root: Path, tmp_path: Path) -> None:
    made = make_backup(root, tmp_path)
    assert Path(made.file).parent == tmp_path
    assert Path(made.file).name.startswith("lampway-20")


def test_without_a_repository_one_has_to_say_where_to(root: Path, tmp_path: Path) -> None:
    made = make_backup(root, tmp_path / "x.backup")
    with pytest.raises(UsageError, match="where to"):
        restore_backup(Path(made.file), None)
    url = f"sqlite:///{tmp_path / 'elsewhere' / 'lampway.db'}"
    assert restore_backup(Path(made.file), None, into=url, verify=True).is_verified
