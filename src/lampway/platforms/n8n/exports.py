"""Packages as n8n itself exports them (`.n8np`): a compressed tar, read as if an enemy had written it."""

from __future__ import annotations

import io
import tarfile
import zlib
from typing import Any

from lampway.errors import InvalidPackageError
from lampway.platforms.archives import MAX_BYTES, MAX_MEMBERS, check_path
from lampway.platforms.jsontext import parse

GZIP = b"\x1f\x8b"
"""What the bytes of a compressed tar begin with."""
_AGAIN = "export the package again from n8n"
_MANIFEST = "manifest.json"


def read_own_package(data: bytes) -> list[Any]:
    """Return the workflows of a package that n8n exported, in the order of its manifest.

    Raises InvalidPackageError for anything that is damaged, too big when unpacked, of a newer format, or named so that
    it could leave a folder.
    """
    members = _members(_unzipped(data))
    if _MANIFEST not in members:
        raise InvalidPackageError(f"there is no {_MANIFEST} in it", where="package", hint=_AGAIN)
    manifest = parse(members[_MANIFEST], where=_MANIFEST)
    stated = manifest.get("packageFormatVersion") if isinstance(manifest, dict) else None
    if stated != "1":
        message = f"the format of the package is {str(stated)[:60]!r}, not '1'"
        raise InvalidPackageError(message, where=_MANIFEST, hint="use a newer Lampway, or export single workflows")
    places = [str(one.get("target", "")) for one in manifest.get("workflows") or [] if isinstance(one, dict)]
    files = [f"{place.strip('/')}/workflow.json" for place in places]
    for name in files:
        if name not in members:
            message = "the workflow that the manifest lists is not in it"
            raise InvalidPackageError(message, where=name[:200], hint=_AGAIN)
    listed = files or sorted(name for name in members if name.endswith("/workflow.json"))
    return [parse(members[name], where=name) for name in dict.fromkeys(listed)]


def _unzipped(data: bytes) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        whole = reader.decompress(data, MAX_BYTES + 1)
    except zlib.error as error:
        raise _damaged() from error
    if len(whole) > MAX_BYTES:
        message = f"too big when unpacked (limit: {MAX_BYTES // 1024**2} MiB)"
        raise InvalidPackageError(message, where="package", hint="export fewer workflows at once")
    if not reader.eof:
        raise _damaged()
    return whole


def _members(data: bytes) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as archive:
            for count, member in enumerate(archive):
                if count >= MAX_MEMBERS:
                    message = f"more than the {MAX_MEMBERS} members allowed"
                    raise InvalidPackageError(message, where="package", hint="export fewer workflows at once")
                if member.isdir():
                    continue
                name = member.name.removeprefix("./")
                check_path(name, cure=_AGAIN)
                file = archive.extractfile(member) if member.isreg() else None
                if file is None or name in found:
                    fault = "two members have this name" if name in found else "the member is no plain file"
                    raise InvalidPackageError(fault, where=name[:200], hint=_AGAIN)
                found[name] = file.read()
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError, RecursionError) as error:
        raise _damaged() from error
    return found


def _damaged() -> InvalidPackageError:
    hint = "copy or download it again, or " + _AGAIN
    return InvalidPackageError("the package is damaged", where="package", hint=hint)
