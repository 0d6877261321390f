"""What a component says, read from its header and its files, and the fingerprint of what it does."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from lampway.domain.digest import digest
from lampway.domain.package import Component
from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.archive import MAX_TEXT
from lampway.platforms.powerplatform.canvas import CanvasApp, normalise_canvas, normalise_header, read_canvas
from lampway.platforms.powerplatform.contents import VALUE, Contents, Part
from lampway.platforms.powerplatform.flows import Json, is_flow, normalise_flow
from lampway.platforms.powerplatform.jsontext import digest_json, parse_json
from lampway.platforms.powerplatform.tables import digest_table
from lampway.platforms.powerplatform.xmltext import Element, digest_xml, parse_xml, text_of

_TEXTS = (
    ".xaml",
    ".yaml",
    ".yml",
    ".txt",
    ".js",
    ".ts",
    ".html",
    ".htm",
    ".css",
    ".csv",
    ".md",
    ".csx",
    "/data",
    ".svg",
)
MAX_BUNDLE = 512 * 1024
"""A larger file of a code component is compared and not looked into: most of it is other people's libraries."""
_TEXT_RESOURCES = frozenset({"1", "2", "3", "4", "9", "11", "12"})
"""Web resources that are text: HTML, style sheets, scripts, XML, XSL, vector graphics, string tables."""
_PROCESS_NOISE = frozenset({"JsonFileName", "XamlFileName", "IsCustomProcessingStepAllowedForOtherPublishers"})
"""Names of files, and what newer exports say of every process."""
RECORD_NOISE = frozenset({"synchronizationstatus"})
"""When an agent was last published in its environment."""


@dataclass(frozen=True, slots=True)
class Opaque:
    """A file that is compared and never looked into."""

    digest: str
    size: int


@dataclass(frozen=True, slots=True)
class JsonFile:
    """A file that holds JSON."""

    value: object


Value = Element | JsonFile | CanvasApp | str | Opaque


@dataclass(frozen=True, slots=True)
class Content:
    """One component, read."""

    part: Part
    files: Mapping[str, Value] = field(default_factory=dict)
    """Name of the file, as long as it is inside of the component, to what it holds."""

    @property
    def flow(self) -> Json | None:
        """The definition of a cloud flow, if it is one."""
        for value in self.files.values():
            if isinstance(value, JsonFile) and isinstance(value.value, dict) and is_flow(value.value):
                return value.value
        return None

    @property
    def canvas(self) -> CanvasApp | None:
        """The canvas app, if it is one."""
        return next((value for value in self.files.values() if isinstance(value, CanvasApp)), None)

    @property
    def record(self) -> Element | None:
        """The first XML file of a component that has a folder of its own."""
        return next((value for value in self.files.values() if isinstance(value, Element)), None)


def read_content(contents: Contents, part: Part) -> Content:
    """Return what a component says. Raises InvalidPackageError."""
    files: dict[str, Value] = {}
    for member in part.members:
        files[_short(part, member)] = _value(contents, part, member)
    return Content(part, files)


def _short(part: Part, member: str) -> str:
    """Return a name that two builds of a component share."""
    if part.header is not None:
        base = member.rpartition("/")[2]
        return base.rpartition(".")[2].lower() if part.header.tag == "Workflow" else base
    folders = member.split("/")
    return "/".join(folders[2:]) or member


def _value(contents: Contents, part: Part, member: str) -> Value:
    lowered = member.lower()
    archive = contents.archive
    if lowered.endswith(".xml"):
        return parse_xml(archive.read(member), where=member)
    if lowered.endswith(".json"):
        value = parse_json(archive.read(member), where=member)
        if isinstance(value, dict) and is_flow(value):
            normalise_flow(value)
        return JsonFile(value)
    if lowered.endswith(".msapp"):
        return read_canvas(archive.read(member, limit=4 * MAX_TEXT), where=member)
    longest = MAX_BUNDLE if part.type == "code component" else MAX_TEXT
    if (lowered.endswith(_TEXTS) or _is_text(part)) and archive.size(member) <= longest:
        data = archive.read(member)
        try:
            return data.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError as error:
            if not _is_text(part):
                raise _not_utf8(member, error) from error
    return Opaque(archive.digest(member), archive.size(member))


def _is_text(part: Part) -> bool:
    header = part.header
    return header is not None and header.tag == "WebResource" and text_of(header, "WebResourceType") in _TEXT_RESOURCES


def _not_utf8(member: str, error: UnicodeDecodeError) -> InvalidPackageError:
    hint = "save it as UTF-8 and export the solution again"
    return InvalidPackageError(f"not UTF-8 text at byte {error.start}", where=member, hint=hint)


def component_of(content: Content) -> Component:
    """Return a component with the fingerprint of what it does."""
    part = content.part
    return Component(part.type, part.name, part.id, fingerprint_of_content(content))


def fingerprint_of_content(content: Content) -> str:
    """Return the digest of what a component does.

    It does not change with the order of members or of keys, with white space, with what designers and exports leave
    behind, or with what the managed form of a package leaves out.
    """
    header = content.part.header
    told = [content.part.type, "" if header is None else _header_digest(header)]
    told += [f"{name}={_digest(content.part, value)}" for name, value in sorted(content.files.items())]
    return digest(told)


def _header_digest(header: Element) -> str:
    match header.tag:
        case "Entity":
            return digest_table(header)
        case "CanvasApp":
            return digest_json(normalise_header(header))
        case "Workflow":
            return digest_xml(header, skip=_PROCESS_NOISE)
    return digest_xml(header)


def _digest(part: Part, value: Value) -> str:
    match value:
        case Opaque():
            return value.digest
        case str():
            return hashlib.sha256(value.encode()).hexdigest()
        case CanvasApp():
            return digest_json(normalise_canvas(value))
        case JsonFile():
            return digest_json(_plain(part, value.value))
        case _:
            return digest_xml(value, skip=RECORD_NOISE)


def _plain(part: Part, value: object) -> object:
    return value_in(value) if part.type == VALUE else value


def value_in(value: object) -> str:
    """Return the current value in an `environmentvariablevalues.json`; its id belongs to the source environment."""
    for key in ("environmentvariablevalues", "environmentvariablevalue"):
        value = value.get(key) if isinstance(value, dict) else None
    found = value[0] if isinstance(value, list) and value else value
    said = found.get("value") if isinstance(found, dict) else None
    return "" if said is None else str(said)
