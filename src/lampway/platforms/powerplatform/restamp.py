"""Roll old content forward: the sealed bytes under a version that is free, with a line that says what they are.

The platform takes no version that is not higher than the one it holds. Only the manifest changes: its version, and its
description gets a line by which anybody can tell which release an environment holds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from lampway.domain.digest import digest_bytes
from lampway.errors import InvalidPackageError
from lampway.platforms.archives import write_archive
from lampway.platforms.powerplatform.contents import Contents, read_package
from lampway.platforms.powerplatform.manifest import version_key
from lampway.platforms.powerplatform.stamp import stamp_contents

LONGEST = 2000
"""Characters that a description can have on the platform."""

_LINE = re.compile(r"Lampway: (\S+) (\S+) as (\S+), (sha256:[0-9a-f]{64})")
_DESCRIPTIONS = re.compile(rb"<Descriptions\s*/>|<Descriptions\s*>.*?</Descriptions\s*>", re.DOTALL)
_TEXT = re.compile(r'(<Description\b[^>]*?\bdescription=)("[^"]*"|\'[^\']*\')')
_LANGUAGE = re.compile(rb'<ImportExportXml\b[^>]*?\blanguagecode="(\d{1,6})"')
_CODES = re.compile(r"""<Description\b[^>]*?\blanguagecode=["'](\d{1,6})["']""")
_EMPTY = re.compile(r"<Descriptions\s*/>")
_LAST = 4


@dataclass(frozen=True, slots=True)
class Mark:
    """What the description of a solution says about what it holds."""

    solution: str
    version: str
    """Of the release."""
    stands_as: str
    """The version it was given on the platform."""
    digest: str
    """`sha256:<hex>` of the sealed package."""

    def __str__(self) -> str:
        """Return the line as it stands in the description."""
        return f"Lampway: {self.solution} {self.version} as {self.stands_as}, {self.digest}"


def read_mark(description: str | None, version: str) -> Mark | None:
    """Return what a description says about a solution that carries `version`; None where it says nothing about it."""
    found = [Mark(*match.groups()) for match in _LINE.finditer(description or "")]
    return next((mark for mark in reversed(found) if version_key_of(mark.stands_as) == version_key_of(version)), None)


def own_mark(contents: Contents) -> Mark | None:
    """Return what a package's own description claims about its own version; None for nothing, as it should be.

    Lampway writes such a line only on the way into an environment. One that a maker copied into dev would make the
    release of this version look as if it were another one.
    """
    told = contents.manifest.facts.get("description")
    texts = told.values() if isinstance(told, dict) else ()
    return next(filter(None, (read_mark(str(text), contents.manifest.version) for text in texts)), None)


def version_key_of(version: str) -> tuple[int, ...]:
    """Return the numbers by which versions are ordered; the lowest for what is no version."""
    return version_key(version) if re.fullmatch(r"\d{1,9}(?:\.\d{1,9}){0,3}", version) else ()


def free_version(held: str) -> str:
    """Return the next version above the one an environment holds: its fourth part is raised."""
    key = version_key_of(held) or (0,) * _LAST
    return ".".join(map(str, (*key[: _LAST - 1], key[_LAST - 1] + 1)))


def restamp(package: bytes, version: str) -> bytes:
    """Return sealed bytes under another version, with the line that says what they are. Raises InvalidPackageError."""
    contents = read_package(package)
    mark = Mark(contents.manifest.unique_name, contents.manifest.version, version, digest_bytes(package))
    stamped = read_package(stamp_contents(contents, version)).archive
    members = {name: stamped.read(name, limit=stamped.size(name)) for name in stamped.names}
    name = stamped.find("solution.xml")
    return write_archive({**members, name: _described(members[name], mark, name)})


def _described(manifest: bytes, mark: Mark, where: str) -> bytes:
    found = _DESCRIPTIONS.search(manifest)
    if found is None:
        hint = "export the solution again"
        raise InvalidPackageError("the description is not where it should be", where=where, hint=hint)
    language = _LANGUAGE.search(manifest)
    code = language.group(1).decode() if language else "1033"
    told = found.group().decode("utf-8")
    told = _TEXT.sub(lambda match: match.group(1) + _extended(match.group(2), mark), told)
    if code not in _CODES.findall(told) or not _TEXT.search(told):  # the platform tells it in this language
        own = f"<Description description={quoteattr(str(mark))} languagecode={quoteattr(code)} />"
        told = _EMPTY.sub("<Descriptions></Descriptions>", told, count=1)
        told = told[: told.rindex("</")] + own + told[told.rindex("</") :]
    return manifest[: found.start()] + told.encode() + manifest[found.end() :]


def _extended(quoted: str, mark: Mark) -> str:
    """Return a description, as it stands in quotes in XML, with the mark at its end in place of any older one."""
    mask, text = quoted[0], _LINE.sub("", quoted[1:-1]).rstrip(" ;\n")
    text = text[: LONGEST - len(str(mark)) - 3]
    if "&" in text[-8:]:
        text = text[: text.rindex("&")] if ";" not in text[text.rindex("&") :] else text
    return mask + (f"{text}; " if text else "") + escape(str(mark)) + mask
