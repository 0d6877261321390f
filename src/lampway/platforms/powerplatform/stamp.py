"""Giving a package another version: one line of the manifest, and nothing else."""

from __future__ import annotations

import re

from lampway.errors import InvalidPackageError
from lampway.platforms.archives import write_archive
from lampway.platforms.powerplatform.contents import Contents

_VERSION = re.compile(rb"(<SolutionManifest\b.*?<Version\s*>)[^<]*(</Version\s*>)", re.DOTALL)
_NUMBERS = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,3}")


def stamp_contents(contents: Contents, version: str) -> bytes:
    """Return the package with another version in its manifest, every other file as it was.

    Raises InvalidPackageError for a version that the platform would not take.
    """
    if not _NUMBERS.fullmatch(version):
        raise InvalidPackageError(f"not a version: {version[:40]!r}", hint="write two to four numbers, such as 1.4.0.0")
    archive = contents.archive
    members = {name: archive.read(name, limit=archive.size(name)) for name in archive.names}
    name = archive.find("solution.xml")
    stamped, count = _VERSION.subn(rb"\g<1>" + version.encode() + rb"\g<2>", members[name], count=1)
    if not count:
        raise InvalidPackageError("the version is not where it should be", where=name, hint="export the solution again")
    return write_archive({**members, name: stamped})
