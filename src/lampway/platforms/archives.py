"""Zip files: written so that equal content gives equal bytes, read as if an enemy had written them."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Mapping

from lampway.errors import InvalidPackageError

MAX_BYTES = 64 * 1024 * 1024
"""What all members together may hold."""
MAX_MEMBERS = 10_000

_MAX_RATIO = 200
_RATIO_FREE = 1024 * 1024
_EPOCH = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REBUILD = "build the package again with `lampway release`"
BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
    IndexError,
    NotImplementedError,
    UnicodeDecodeError,
)
"""What reading a damaged zip may raise."""


def write_archive(members: Mapping[str, bytes], *, first: str = "", backslashes: bool = False) -> bytes:
    """Return a zip of `members`, `first` in front and the others sorted; the same members always give the same bytes.

    With `backslashes`, names are written with them instead of `/`. Members are stored, not compressed: compressors
    differ between machines, and a package has to be rebuilt from its source byte for byte anywhere.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members, key=lambda name: (name != first, name)):
            info = zipfile.ZipInfo(name, _EPOCH)
            if backslashes:
                info.filename = name.replace("/", "\\")
            info.create_system = _UNIX
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def read_archive(data: bytes) -> dict[str, bytes]:
    """Return the members of a zip, in its order.

    Raises InvalidPackageError for anything that is damaged, encrypted, too big when unpacked, or named so that it could
    leave a folder or hide another member.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            infos = archive.infolist()
            _check(infos)
            return {info.filename: _read(archive, info) for info in infos}
    except BROKEN as error:
        raise InvalidPackageError(
            "the zip file is damaged", hint="copy or download it again, or " + _REBUILD
        ) from error


def _check(infos: list[zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_MEMBERS:
        raise InvalidPackageError(f"{len(infos)} members, more than the {MAX_MEMBERS} allowed", hint=_REBUILD)
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise _too_big("the package")
    seen: set[str] = set()
    for info in infos:
        check_path(info.orig_filename)
        if info.filename.casefold() in seen:
            raise InvalidPackageError("two members have this name", where=info.filename[:200], hint=_REBUILD)
        seen.add(info.filename.casefold())
        _check_form(info)


def _check_form(info: zipfile.ZipInfo) -> None:
    where = info.filename[:200]
    if info.flag_bits & 0x1:
        raise InvalidPackageError("the member is encrypted", where=where, hint="make the zip without a password")
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise InvalidPackageError("the member is compressed in an unusual way", where=where, hint=_REBUILD)
    if info.file_size > _RATIO_FREE and info.file_size > _MAX_RATIO * max(info.compress_size, 1):
        raise _too_big(where)


def check_path(name: str, *, longest: int = 300, cure: str = _REBUILD) -> None:
    """Refuse names that could reach out of a folder or mean different files on different systems.

    Raises InvalidPackageError.
    """
    unsafe = "\\" in name or ":" in name or not name.isprintable() or not {"", ".", ".."}.isdisjoint(name.split("/"))
    if unsafe or len(name) > longest:
        hint = "nobody but an attacker writes this; " + cure
        raise InvalidPackageError("unsafe member name", where=ascii(name[:200]), hint=hint)


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise _too_big(info.filename[:200])
    return content


def _too_big(where: str) -> InvalidPackageError:
    size = MAX_BYTES // (1024 * 1024)
    return InvalidPackageError(f"too big when unpacked (limit: {size} MiB)", where=where, hint=_REBUILD)
