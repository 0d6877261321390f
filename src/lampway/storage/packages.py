"""The package store: immutable bytes in a folder or an object store, known by their digest."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from collections.abc import Iterator
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, urlsplit
from urllib.request import url2pathname

from lampway.domain.digest import digest_bytes, short
from lampway.errors import StorageError, UsageError

if TYPE_CHECKING:
    from obstore.store import ObjectStore, S3Config

_DIGEST = re.compile(r"^sha256:([0-9a-f]{64})$")
_SETTINGS = ("endpoint", "region")
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
_REFUSED = ("accessdenied", "invalidaccesskeyid", "signaturedoesnotmatch", "credential")
_BRING_BACK = (
    "lampway packages repair, if there is a second copy, or bring it back from a backup;"
    " the release that names it cannot be deployed without it"
)
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class ObjectPackages:
    """Keeps packages below `sha256/ab/cd…` in a folder or at a URL such as `s3://bucket/prefix`.

    Nothing kept is ever written again: a package is created under its final name in one step, and only once its bytes
    are durable. Every read is verified. The folder is created when it is first needed. A URL may say `?endpoint=...`
    and `region=...`; credentials come from the usual variables of the platform. Raises UsageError for another setting.
    """

    def __init__(self, location: Path | str) -> None:
        self._location, _, settings = (
            str(location).partition("?") if "://" in str(location) else (str(location), "", "")
        )
        self._settings = _settings(settings, self._location)
        self._folder = _as_folder(self._location)

    def put(self, data: bytes) -> str:
        """Keep `data` durably and return its digest; keeping the same bytes again changes nothing.

        Raises StorageError; then nothing was kept by halves. What is kept already is compared, so a damaged copy is
        found here and never silently taken for the new one.
        """
        digest = digest_bytes(data)
        with self._translated(f"package {short(digest)} cannot be kept"):
            if not self._create(_key(digest), data) and self._read(_key(digest)) != data:
                raise _damaged(digest, self._place(digest))
        return digest

    def get(self, digest: str) -> bytes:
        """Return the bytes, verified against `digest`. Raises StorageError when they are missing or damaged."""
        key = _key(digest)
        try:
            with self._translated(f"package {short(digest)} cannot be read"):
                data = self._read(key)
        except FileNotFoundError:
            raise StorageError(f"package is missing: {digest}", where=self._location, hint=_BRING_BACK) from None
        if digest_bytes(data) != digest:
            raise _damaged(digest, self._place(digest))
        return data

    def has(self, digest: str) -> bool:
        """Return whether something is kept under this digest; does not verify it. Raises StorageError."""
        import obstore

        key = _key(digest)
        try:
            with self._translated(f"cannot look for package {short(digest)}"):
                obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def remove(self, digest: str) -> None:
        """Forget what is kept under this digest, if anything is. Raises StorageError."""
        import obstore

        key = _key(digest)
        with self._translated(f"package {short(digest)} cannot be removed"), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def set_aside(self, digest: str) -> str:
        """Move what is kept under this digest below `damaged/` and return where it lies now. Raises StorageError."""
        import obstore

        key = _key(digest)
        aside = f"damaged/{key.rpartition('/')[2]}-{secrets.token_hex(4)}"
        with self._translated(f"package {short(digest)} cannot be set aside"):
            obstore.copy(self._store, key, aside)
            obstore.delete(self._store, key)
        return f"{self._location.rstrip('/')}/{aside}"

    @cached_property
    def _store(self) -> ObjectStore:
        from obstore.store import LocalStore, S3Store, from_url

        if self._folder is not None:
            return LocalStore(self._folder, mkdir=True)
        if not self._location.startswith("s3"):
            return from_url(self._location)
        given = (self._settings.get("endpoint"), *(os.environ.get(name) for name in _ENDPOINTS))
        endpoint = next((one for one in given if one), "")
        return S3Store.from_url(
            self._location,
            config=cast("S3Config", self._settings),
            client_options={"allow_http": endpoint.startswith("http://")},
            retry_config={"max_retries": 4, "retry_timeout": timedelta(seconds=30)},
        )

    def _read(self, key: str) -> bytes:
        import obstore

        return bytes(obstore.get(self._store, key).bytes())

    def _create(self, key: str, data: bytes) -> bool:
        """Create the object and return True, or return False when something has this key already."""
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            if self._folder is None:
                obstore.put(self._store, key, data, mode="create")
            else:
                self._create_file(self._folder, key, data)
        except AlreadyExistsError:
            return False
        return True

    def _create_file(self, folder: Path, key: str, data: bytes) -> None:
        """Write beside, force to disk, then give it its name: a power cut leaves the whole package or none."""
        import obstore

        incoming = f"incoming/{secrets.token_hex(16)}"
        try:
            obstore.put(self._store, incoming, data, mode="create")
            _flush(folder / incoming)
            obstore.copy(self._store, incoming, key, overwrite=False)  # a hard link: refused if the name is taken
            parent = (folder / key).parent
            for directory in (parent, parent.parent, folder):
                _flush_folder(directory)
        finally:
            with contextlib.suppress(Exception):  # a leftover is harmless and never read
                obstore.delete(self._store, incoming)

    def _place(self, digest: str) -> str:
        return f"{self._location.rstrip('/')}/{_key(digest)}"

    @contextlib.contextmanager
    def _translated(self, what: str) -> Iterator[None]:
        """Turn whatever the store raises into StorageError."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError as error:
            if "NoSuchBucket" not in str(error):
                raise
            hint = "create the bucket first; packages are looked for and kept in it"
            raise StorageError(f"{what}: there is no such bucket", where=self._location, hint=hint) from error
        except (OSError, BaseError) as error:
            reason = str(error).partition("\n")[0].strip()
            raise StorageError(f"{what}: {reason}", where=self._location, hint=_cure(error)) from error


def _settings(text: str, where: str) -> dict[str, str]:
    """Return what a URL says behind its question mark. Raises UsageError for what nobody understands."""
    found = dict(parse_qsl(text, keep_blank_values=True))
    if unknown := [name for name in found if name not in _SETTINGS]:
        hint = (
            f"there are: {', '.join(_SETTINGS)}; credentials belong into the usual variables, such as AWS_ACCESS_KEY_ID"
        )
        raise UsageError(f"a package store has no setting {unknown[0]}", where=where, hint=hint)
    return found


def _as_folder(location: Path | str) -> Path | None:
    """Return the folder that `location` names, or None for a URL of another kind."""
    text = str(location)
    if "://" not in text:
        return Path(location).absolute()
    parts = urlsplit(text)
    return Path(url2pathname(parts.path)) if parts.scheme == "file" else None


def _key(digest: str) -> str:
    match = _DIGEST.match(digest)
    if match is None:
        raise StorageError(f"not a package digest: {digest!r}", hint="it reads sha256: and 64 hexadecimal digits")
    return f"sha256/{match[1][:2]}/{match[1][2:]}"


def _damaged(digest: str, place: str) -> StorageError:
    return StorageError(
        f"package is damaged: {digest}",
        where=place,
        hint=(
            "its bytes no longer give its digest: lampway packages repair, if there is a second copy;"
            " else keep the damaged file as evidence elsewhere and bring back a backup"
        ),
    )


def _cure(error: BaseException) -> str:
    text = str(error).lower()
    if getattr(error, "errno", None) in _NO_ROOM or "no space left" in text or "quota exceeded" in text:
        return "the disk is full: make room and run the same command again; nothing was kept by halves"
    if isinstance(error, PermissionError) or "permission denied" in text:
        return "the user that runs lampway must be able to read and write there"
    if getattr(error, "errno", None) == errno.EROFS or "read-only file system" in text:
        return "packages lie on what is mounted read-only: mount it for writing, or name another place"
    if (
        "accessdenied" in text
        or "invalidaccesskeyid" in text
        or "signaturedoesnotmatch" in text
        or "missingcred" in text
    ):
        return "mend AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the rights of that user"
    if "error sending request" in text or "timed out" in text:
        return "is the object store running at its endpoint?"
    return ""


def _flush(path: Path) -> None:
    # Not read-only: Windows flushes only what may be written.
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    """Make new names in a folder durable; Windows has no such call and needs none."""
    if os.name == "nt":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
