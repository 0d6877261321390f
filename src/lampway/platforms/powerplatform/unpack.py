"""Packages as readable source in the classic layout: one file per component, flows as JSON, canvas apps laid out.

`pack` makes a package of it in which every component has the same fingerprint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.archive import MAX_TEXT, Archive
from lampway.platforms.powerplatform.contents import Contents
from lampway.platforms.powerplatform.flows import is_flow
from lampway.platforms.powerplatform.jsontext import indented, pretty
from lampway.platforms.powerplatform.layout import (
    CUSTOMIZATIONS,
    HOMES,
    RELATIONSHIPS,
    SOLUTION,
    relationship_table,
    safe,
    visible,
)
from lampway.platforms.powerplatform.manifest import bare_id
from lampway.platforms.powerplatform.xmltext import Element, text_of, write_xml

_GENERATED = "[content_types].xml"
_MANIFESTS = frozenset({"solution.xml", "customizations.xml"})


def unpack_contents(contents: Contents) -> dict[str, bytes]:
    """Return the source of a package: path with `/` to content, sorted. Takes `contents` apart.

    Raises InvalidPackageError where two files would have one place.
    """
    files = _Files()
    archive = contents.archive
    files.add(SOLUTION, archive.read(archive.find("solution.xml")))
    moved = dict(_web_resources(contents.customizations, archive))
    for section in contents.customizations:
        for path, data in _section(section):
            files.add(path, data)
    files.add(CUSTOMIZATIONS, write_xml(contents.customizations))
    for name in archive.names:
        if name.casefold() in _MANIFESTS or name.casefold() == _GENERATED:
            continue
        for path, data in _member(archive, name, moved):
            files.add(path, data)
    return files.sorted()


class _Files:
    """The files of a tree; two never share a place, on no file system."""

    def __init__(self) -> None:
        self._files: dict[str, bytes] = {}
        self._taken: set[str] = set()

    def add(self, path: str, data: bytes) -> None:
        if path.casefold() in self._taken:
            hint = "rename one of the two components, and export again"
            raise InvalidPackageError("two things would lie in this file", where=path, hint=hint)
        self._taken.add(path.casefold())
        self._files[path] = data

    def sorted(self) -> dict[str, bytes]:
        return dict(sorted(self._files.items()))


def _web_resources(customizations: Element, archive: Archive) -> Iterator[tuple[str, str]]:
    """Yield for the content of every web resource the name that makers know."""
    for resource in customizations.iterfind("WebResources/WebResource"):
        member = archive.find(text_of(resource, "FileName").lstrip("/"))
        if member:
            yield member, "WebResources/" + "/".join(safe(part) for part in text_of(resource, "Name").split("/"))


def _section(section: Element) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a section, and empty it."""
    home = next((home for home in HOMES if home.section == section.tag), None)
    if home is not None:
        seen: dict[str, int] = {}
        for element in section.findall(home.tag):
            path = home.path(element)
            count = seen[path.casefold()] = seen.get(path.casefold(), 0) + 1
            stem, dot, ending = path.rpartition("/")[2].partition(".")
            folder = path[: len(path) - len(stem) - len(dot) - len(ending)]
            yield (path if count == 1 else f"{folder}{stem}_{count}{dot}{ending}"), write_xml(element)
            section.remove(element)
    elif section.tag == "Entities":
        for table in section.findall("Entity"):
            yield from _table(table)
            section.remove(table)
    elif section.tag == "EntityRelationships":
        yield from _relationships(section)
    if not len(section):
        section.text = None


def _table(table: Element) -> Iterator[tuple[str, bytes]]:
    folder = f"Entities/{safe(text_of(table, 'Name'))}"
    ribbon = table.find("RibbonDiffXml")
    if ribbon is not None:
        yield f"{folder}/RibbonDiff.xml", write_xml(ribbon)
        ribbon.clear()  # what is left keeps its place
    for number, forms in enumerate(table.findall("FormXml/forms")):
        for form in forms.findall("systemform"):
            id_ = bare_id(text_of(form, "formid")) or str(number)
            yield f"{folder}/FormXml/{safe(forms.get('type', 'main'))}/{{{id_}}}.xml", write_xml(form)
            forms.remove(form)
    for views in table.findall("SavedQueries/savedqueries"):
        for number, view in enumerate(views.findall("savedquery")):
            id_ = bare_id(text_of(view, "savedqueryid")) or str(number)
            yield f"{folder}/SavedQueries/{{{id_}}}.xml", write_xml(view)
            views.remove(view)
    yield f"{folder}/Entity.xml", write_xml(table)


def _relationships(section: Element) -> Iterator[tuple[str, bytes]]:
    groups: dict[str, Element] = {}
    index = section.makeelement("EntityRelationships", {})
    for relationship in section.findall("EntityRelationship"):
        group = groups.setdefault(relationship_table(relationship), section.makeelement("EntityRelationships", {}))
        index.append(section.makeelement("EntityRelationship", {"Name": relationship.get("Name", "")}))
        section.remove(relationship)
        group.append(relationship)
    for table, group in groups.items():
        yield f"Other/Relationships/{table}.xml", write_xml(group)
    index[:] = sorted(index, key=lambda one: one.get("Name", ""))
    if groups:
        yield RELATIONSHIPS, write_xml(index)


def _member(archive: Archive, name: str, moved: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    lowered = name.lower()
    if lowered.startswith("connector/"):
        yield "Connectors/" + name[len("connector/") :], archive.read(name)
    elif lowered.startswith("canvasapps/") and lowered.endswith(".msapp"):
        yield from _canvas(archive.read(name, limit=4 * MAX_TEXT), name)
    elif lowered.startswith("workflows/") and lowered.endswith(".json"):
        yield name, _readable_flow(archive.read(name))
    else:
        yield moved.get(name, name), archive.read(name, limit=4 * MAX_TEXT)


def _canvas(data: bytes, name: str) -> Iterator[tuple[str, bytes]]:
    app = Archive(data, where=name, backslashes=True)
    for member in app.names:
        content = app.read(member)
        yield f"{name}/{visible(member)}", (indented(content) if member.lower().endswith(".json") else content)


class _Number(str):
    """A number with a fraction, as it is written."""

    __slots__ = ()


def _readable_flow(content: bytes) -> bytes:
    """Return a flow as indented JSON with its keys in order, where that loses nothing."""
    try:
        value = json.loads(content.removeprefix(b"\xef\xbb\xbf"), object_pairs_hook=_no_duplicates, parse_float=_Number)
        plain = json.loads(content.removeprefix(b"\xef\xbb\xbf"))
        if not is_flow(plain) or _has_odd_numbers(value, plain):
            return content
        return pretty(_in_order(plain))
    except (ValueError, RecursionError):
        return content


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key twice")
    return found


def _has_odd_numbers(value: Any, plain: Any) -> bool:
    """Return whether a number would be written differently than it was."""
    if isinstance(value, dict):
        return any(_has_odd_numbers(one, plain[key]) for key, one in value.items())
    if isinstance(value, list):
        return any(_has_odd_numbers(one, other) for one, other in zip(value, plain, strict=True))
    return isinstance(value, _Number) and repr(plain) != value


def _in_order(flow: Any) -> Any:
    """Return a flow with its keys in one order; what actions are given keeps its own, which may matter."""
    if isinstance(flow, dict):
        return {key: (flow[key] if key == "inputs" else _in_order(flow[key])) for key in sorted(flow)}
    return [_in_order(item) for item in flow] if isinstance(flow, list) else flow
