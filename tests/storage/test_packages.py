"""What the package store promises, in a folder and in an object store."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lampway.domain.digest import digest_bytes
from lampway.errors import StorageError
from lampway.storage.packages import ObjectPackages

DATA = b"PK\x03\x04 a package"
DIGEST = digest_bytes(DATA)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "packages"


@pytest.fixture
def packages(folder):
    return ObjectPackages(folder)


def file_of(folder: Path, digest: str = DIGEST) -> Path:
    name = digest.removeprefix("sha256:")
    return folder / "sha256" / name[:2] / name[2:]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("location", ["folder", "file-url", "memory"])
@pytest.mark.parametrize("data", [DATA, b"", bytes(range(256)) * 20_000])
def test_what_is_kept_comes_back_the_same(location, data, folder):
    place = {"folder": folder, "file-url": folder.as_uri(), "memory": "memory:///"}[location]
    packages = ObjectPackages(place)
    digest = packages.put(data)
    assert digest == digest_bytes(data)
    assert packages.get(digest) == data
    assert packages.has(digest)


def test_another_store_at_the_same_place_sees_it(packages, folder):
    packages.put(DATA)
    assert ObjectPackages(str(folder)).get(DIGEST) == DATA


def test_keeping_the_same_bytes_again_changes_nothing(packages, folder):
    packages.put(DATA)
    before = file_of(folder).stat()
    assert packages.put(DATA) == DIGEST
    after = file_of(folder).stat()
    assert (before.st_mtime_ns, before.st_ino) == (after.st_mtime_ns, after.st_ino)
    assert files_in(folder) == [file_of(folder)]


def test_a_missing_package_is_named_with_a_hint(packages):
    assert not packages.has(DIGEST)
    with pytest.raises(StorageError, match=DIGEST) as caught:
        packages.get(DIGEST)
    assert "missing" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize("position", range(0, len(DATA), 3))
def test_one_flipped_bit_is_found_on_reading_and_on_keeping_again(packages, folder, position):
    packages.put(DATA)
    damaged = bytearray(DATA)
    damaged[position] ^= 1
    file_of(folder).write_bytes(damaged)
    for act in (lambda: packages.get(DIGEST), lambda: packages.put(DATA)):
        with pytest.raises(StorageError, match="damaged") as caught:
            act()
        assert DIGEST in str(caught.value)
        assert "backup" in caught.value.hint
    assert file_of(folder).read_bytes() == bytes(damaged)  # evidence stays


@pytest.mark.parametrize("cut", [0, 5])
def test_a_cut_package_is_damaged(packages, folder, cut):
    packages.put(DATA)
    file_of(folder).write_bytes(DATA[:cut])
    with pytest.raises(StorageError, match="damaged"):
        packages.get(DIGEST)


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:../../../etc/passwd", "md5:" + "0" * 64, "sha256:" + "G" * 64]
)
def test_what_is_no_digest_is_refused(packages, digest):
    for ask in (packages.get, packages.has):
        with pytest.raises(StorageError, match="not a package digest"):
            ask(digest)


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StorageError) as caught:
        ObjectPackages(tmp_path / "taken" / "packages").put(DATA)
    assert caught.value.where


def test_an_unknown_kind_of_store_is_an_error():
    with pytest.raises(StorageError):
        ObjectPackages("nope://somewhere").put(DATA)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on file sizes")
def test_no_room_keeps_nothing_by_halves_and_the_next_try_succeeds(folder):
    # A process with a limit of its own meets the same failing write as a full disk.
    program = """
        import resource, signal, sys
        from lampway.errors import StorageError
        from lampway.storage.packages import ObjectPackages

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        try:
            ObjectPackages(sys.argv[1]).put(b"x" * 100_000)
        except StorageError:
            sys.exit(7)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(program), str(folder)], check=False)
    assert done.returncode == 7
    assert files_in(folder) == []
    packages = ObjectPackages(folder)
    assert packages.get(packages.put(b"x" * 100_000)) == b"x" * 100_000


@pytest.mark.parametrize("message", ["No space left on device (os error 28)", "Disk quota exceeded (os error 122)"])
def test_a_full_disk_says_how_to_go_on(packages, message, monkeypatch):
    import obstore
    from obstore.exceptions import GenericError

    def full(*_, **__):
        raise GenericError(f"Unable to copy data to file: {message}\n\nDebug source: much")

    packages.put(b"other")
    monkeypatch.setattr(obstore, "put", full)
    with pytest.raises(StorageError) as caught:
        packages.put(DATA)
    assert "make room" in caught.value.hint
    assert "Debug" not in str(caught.value)
    assert not packages.has(DIGEST)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot flush folders")
def test_a_package_is_on_disk_before_it_has_its_name_and_the_name_before_put_returns(packages, folder, monkeypatch):
    seen = []
    real = os.fsync

    def note(handle):
        seen.append(file_of(folder).exists())
        real(handle)

    monkeypatch.setattr(os, "fsync", note)
    packages.put(DATA)
    assert seen == [False, True, True, True]  # the file; its folder, the one above, the root


def test_a_write_stopped_before_its_name_leaves_nothing_that_could_be_read(packages, folder, monkeypatch):
    def die(_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            packages.put(DATA)
    assert not packages.has(DIGEST)
    assert packages.put(DATA) == DIGEST
    assert files_in(folder) == [file_of(folder)]


def test_two_who_keep_the_same_bytes_at_once_agree(folder):
    from concurrent.futures import ThreadPoolExecutor

    def keep(_):
        return ObjectPackages(folder).put(DATA)

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(keep, range(32))) == {DIGEST}
    assert files_in(folder) == [file_of(folder)]


def test_the_library_is_loaded_only_when_it_is_needed(folder):
    program = """
        import sys
        from lampway.storage.packages import ObjectPackages

        ObjectPackages(sys.argv[1])
        print("obstore" in sys.modules)
    """
    command = [sys.executable, "-c", textwrap.dedent(program), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
    assert not folder.exists()
