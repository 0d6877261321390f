"""Packages in an S3-compatible store keep the promises that those in a folder keep; two copies repair each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store

from lampway.domain.digest import digest_bytes
from lampway.errors import StorageError, UsageError
from lampway.storage.mirror import MirroredPackages
from lampway.storage.packages import ObjectPackages

DATA = b"PK\x03\x04 a package"
DIGEST = digest_bytes(DATA)
NAME = DIGEST.removeprefix("sha256:")


@pytest.fixture(params=["folder", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "packages") if request.param == "folder" else str(request.getfixturevalue("bucket"))


@pytest.fixture
def spoil(place: str, request: pytest.FixtureRequest) -> Callable[[bytes], Any]:
    """Return what writes other bytes over the package, past the store."""
    if place.startswith("s3"):
        url, _, endpoint = place.partition("?endpoint=")
        theirs = S3Store.from_url(url, config={"endpoint": endpoint}, client_options={"allow_http": True})
        return lambda data: obstore.put(theirs, f"sha256/{NAME[:2]}/{NAME[2:]}", data)
    return (Path(place) / "sha256" / NAME[:2] / NAME[2:]).write_bytes


@pytest.mark.parametrize("data", [DATA, b"", bytes(range(256)) * 20_000])
def test_what_is_kept_comes_back_the_same_to_whoever_asks(place: str, data: bytes) -> None:
    digest = ObjectPackages(place).put(data)
    again = ObjectPackages(place)
    assert again.put(data) == digest == digest_bytes(data)
    assert again.get(digest) == data
    assert again.has(digest)


def test_a_changed_package_is_found_on_reading_and_never_written_over(
    place: str, spoil: Callable[[bytes], Any]
) -> None:
    packages = ObjectPackages(place)
    packages.put(DATA)
    spoil(b"other bytes")
    for act in (lambda: packages.get(DIGEST), lambda: packages.put(DATA)):
        with pytest.raises(StorageError, match="damaged") as caught:
            act()
        assert "packages repair" in caught.value.hint
    aside = packages.set_aside(DIGEST)
    assert "/damaged/" in aside
    assert not packages.has(DIGEST)
    assert packages.put(DATA) == DIGEST
    assert packages.get(DIGEST) == DATA


def test_what_was_removed_is_missing_and_removing_it_again_is_no_fault(place: str) -> None:
    packages = ObjectPackages(place)
    packages.put(DATA)
    for _ in range(2):
        packages.remove(DIGEST)
        assert not packages.has(DIGEST)
    with pytest.raises(StorageError, match="missing"):
        packages.get(DIGEST)


def test_of_many_who_keep_the_same_bytes_at_once_one_creates_them(place: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: ObjectPackages(place).put(DATA), range(24))) == {DIGEST}
    assert ObjectPackages(place).get(DIGEST) == DATA


def test_a_bucket_that_is_not_there_is_told_and_nothing_is_called_missing(bucket: str) -> None:
    packages = ObjectPackages(bucket.replace("s3://b", "s3://nob"))
    for act in (lambda: packages.put(DATA), lambda: packages.get(DIGEST)):
        with pytest.raises(StorageError, match="no such bucket") as caught:
            act()
        assert "create the bucket" in caught.value.hint


def test_an_object_store_that_is_away_is_told_with_its_place(bucket: str) -> None:
    packages = ObjectPackages("s3://lamps/team?endpoint=http://127.0.0.1:1")
    with pytest.raises(StorageError) as caught:
        packages.put(DATA)
    assert caught.value.where == "s3://lamps/team"
    assert caught.value.hint
    assert "s3cr3t" not in f"{caught.value}{caught.value.hint}"


def test_a_setting_nobody_understands_is_asking_wrongly(bucket: str) -> None:
    with pytest.raises(UsageError, match="no setting secret") as caught:
        ObjectPackages("s3://lamps/team?secret=s3cr3t")
    assert "AWS_ACCESS_KEY_ID" in caught.value.hint
    assert "s3cr3t" not in str(caught.value)


def test_both_copies_are_written_and_a_second_one_that_is_away_stops_nobody(bucket: str, tmp_path: Path) -> None:
    first, second = ObjectPackages(tmp_path / "first"), ObjectPackages(bucket)
    assert MirroredPackages(first, second).put(DATA) == DIGEST
    assert first.get(DIGEST) == second.get(DIGEST) == DATA
    (tmp_path / "taken").write_text("a file")
    away = ObjectPackages(tmp_path / "taken" / "packages")
    other = b"another package"
    assert MirroredPackages(first, away).get(MirroredPackages(first, away).put(other)) == other


def test_damage_of_the_first_copy_is_seen_although_the_second_is_whole(bucket: str, tmp_path: Path) -> None:
    first, second = ObjectPackages(tmp_path / "first"), ObjectPackages(bucket)
    both = MirroredPackages(first, second)
    both.put(DATA)
    (tmp_path / "first" / "sha256" / NAME[:2] / NAME[2:]).write_bytes(b"x")
    with pytest.raises(StorageError, match="damaged"):
        both.get(DIGEST)
    both.set_aside(DIGEST)
    assert not both.has(DIGEST)
    assert second.has(DIGEST)
    both.put(DATA)
    both.remove(DIGEST)
    assert not first.has(DIGEST)
    assert not second.has(DIGEST)
