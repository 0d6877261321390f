"""Zip files, read as if an enemy had written them and never whole in memory."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator

from lampway.errors import InvalidPackageError
from lampway.platforms import archives
from lampway.platforms.archives import BROKEN

MAX_BYTES = 1024 * 1024 * 1024
"""What all members together may say they hold."""
MAX_MEMBERS = 50_000
MAX_TEXT = 64 * 1024 * 1024
"""What one member may hold that has to be read whole; others are only hashed, piece by piece."""

_MAX_RATIO = 200
_RATIO_FREE = 8 * 1024 * 1024
_PIECE = 256 * 1024
_CENTRAL = b"PK\x01\x02"
_EXPORT_AGAIN = "export the solution again"


class Archive:
    """The members of a zip file, each read when it is asked for.

    Names use `/`, and are found whatever their case, as the platform finds them. Raises InvalidPackageError for
    anything that is damaged, encrypted, too big when unpacked, or named so that it could leave a folder or hide another
    member. With `backslashes`, names are written with them, as those of canvas apps are.
    """

    def __init__(self, data: bytes, *, where: str = "", backslashes: bool = False) -> None:
        self._where = where
        self._refuse_many(data)
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(data))
            infos = [info for info in self._zip.infolist() if not info.filename.endswith("/")]
        except BROKEN as error:
            raise self._damaged() from error
        self._check_sizes(infos, len(data))
        self._infos: dict[str, zipfile.ZipInfo] = {}
        self._found: dict[str, str] = {}
        for info in infos:
            # zipfile turns the system's own separator into `/`; what stands in the file is in `orig_filename`.
            name = info.orig_filename.replace("\\", "/") if backslashes else info.orig_filename
            self._add(name, info)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all members that are files, in the order of the archive."""
        return tuple(self._infos)

    def find(self, name: str) -> str:
        """Return the member of this name, whatever its case; empty where there is none."""
        return self._found.get(name.casefold(), "")

    def size(self, name: str) -> int:
        """Return how many bytes a member holds."""
        return self._infos[name].file_size

    def read(self, name: str, limit: int = MAX_TEXT) -> bytes:
        """Return a member whole. Raises InvalidPackageError where it is larger than `limit`."""
        info = self._infos[name]
        if info.file_size > limit:
            raise self._too_big(name, limit)
        try:
            content = self._zip.read(info)
        except BROKEN as error:
            raise self._damaged(name) from error
        if len(content) != info.file_size:
            raise self._damaged(name)
        return content

    def digest(self, name: str) -> str:
        """Return a digest of a member's bytes, read piece by piece."""
        hashed = hashlib.sha256()
        for piece in self._pieces(name):
            hashed.update(piece)
        return hashed.hexdigest()

    def _pieces(self, name: str) -> Iterator[bytes]:
        try:
            with self._zip.open(self._infos[name]) as member:
                while piece := member.read(_PIECE):
                    yield piece
        except BROKEN as error:
            raise self._damaged(name) from error

    def _refuse_many(self, data: bytes) -> None:
        count = data.count(_CENTRAL)
        if count > MAX_MEMBERS:
            message = f"{count} members, more than the {MAX_MEMBERS} allowed"
            raise InvalidPackageError(message, where=self._where, hint="split it into smaller solutions")

    def _check_sizes(self, infos: list[zipfile.ZipInfo], packed: int) -> None:
        total = sum(info.file_size for info in infos)
        if total > MAX_BYTES or total > _RATIO_FREE + _MAX_RATIO * packed:
            raise self._too_big("", min(MAX_BYTES, _RATIO_FREE + _MAX_RATIO * packed))

    def _add(self, name: str, info: zipfile.ZipInfo) -> None:
        self._check(name, info)
        key = name.casefold()
        if key in self._found:
            hint = "no export holds this; " + _EXPORT_AGAIN
            raise InvalidPackageError("two members have this name", where=self._place(name), hint=hint)
        self._found[key] = name
        self._infos[name] = info

    def _check(self, name: str, info: zipfile.ZipInfo) -> None:
        try:
            check_path(name)
        except InvalidPackageError as error:
            place = f"{self._where}, {error.where}" if self._where else error.where
            raise InvalidPackageError(error.message, where=place, hint=error.hint) from error
        if info.flag_bits & 0x1:
            hint = "make the zip without a password"
            raise InvalidPackageError("the member is encrypted", where=self._place(name), hint=hint)
        if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
            message = "the member is compressed in an unusual way"
            raise InvalidPackageError(message, where=self._place(name), hint=_EXPORT_AGAIN)
        if info.file_size > _RATIO_FREE and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
            raise self._too_big(name, _MAX_RATIO * info.compress_size)

    def _place(self, name: str) -> str:
        shown = name[:200]
        return f"{self._where}, {shown}" if self._where and shown else shown or self._where

    def _damaged(self, name: str = "") -> InvalidPackageError:
        hint = "copy or download it again, or " + _EXPORT_AGAIN
        return InvalidPackageError("the zip file is damaged", where=self._place(name), hint=hint)

    def _too_big(self, name: str, limit: int) -> InvalidPackageError:
        message = f"too big when unpacked (limit: {max(limit // (1024 * 1024), 1)} MiB)"
        return InvalidPackageError(message, where=self._place(name), hint=_EXPORT_AGAIN)


def check_path(name: str) -> None:
    """Refuse names that could reach out of a folder or mean different files on different systems.

    Raises InvalidPackageError.
    """
    archives.check_path(name, longest=500, cure=_EXPORT_AGAIN)
