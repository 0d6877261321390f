"""A package from a source tree in the classic or in the YAML layout, whoever wrote the tree."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from lampway.errors import InvalidPackageError
from lampway.platforms.archives import write_archive
from lampway.platforms.powerplatform.archive import check_path
from lampway.platforms.powerplatform.contents import read_package
from lampway.platforms.powerplatform.jsontext import as_saved
from lampway.platforms.powerplatform.layout import (
    CUSTOMIZATIONS,
    ENTITY,
    HOMES,
    MSAPP,
    OLD_CANVAS_SOURCE,
    RELATIONSHIP,
    RELATIONSHIPS,
    SECTIONS,
    SOLUTION,
    as_member,
    member_path,
    safe,
)
from lampway.platforms.powerplatform.roots import unresolved_roots
from lampway.platforms.powerplatform.xmltext import Element, parse_xml, text_of, write_xml
from lampway.platforms.powerplatform.yamllayout import Converted, convert
from lampway.platforms.powerplatform.yamllists import solutions_in

_BOTH = re.compile(rb"<Managed\s*>\s*2\s*</Managed\s*>")
_RESTORE = "restore it from git"
_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"
_STRANGERS = (".cdsproj", ".pcfproj", ".sln", ".md", ".csproj", ".yml")


def pack_source(files: Mapping[str, bytes], solution: str = "") -> bytes:
    """Return the package of a source tree. Files and folders whose names start with a dot are passed over.

    Of a tree in the YAML layout with several solutions, `solution` says which. Raises InvalidPackageError for unsafe
    paths, for a tree without a solution, and for files that belong to no component: what was reviewed and what is
    deployed would differ.
    """
    for path in files:
        check_path(path)
    there = {path: data for path, data in files.items() if not _is_hidden(path)}
    _refuse_twins(there)
    if not solutions_in(there):
        return _pack_classic(there)
    if SOLUTION in there:
        hint = "keep the one that you work with"
        raise InvalidPackageError(
            "the tree is in both layouts, the classic and the YAML one", where=SOLUTION, hint=hint
        )
    return _pack_converted(convert(there, solution))


def _pack_converted(tree: Converted) -> bytes:
    """Return the package of a tree that was in the YAML layout, once nothing that it lists is missing."""
    package, missing = b"", list(tree.missing)
    try:
        package = _pack_classic(tree.files)
        missing += unresolved_roots(read_package(package))
    except InvalidPackageError:
        if not missing:
            raise
    if missing:
        what = "1 thing that it lists is" if len(missing) == 1 else f"{len(missing)} things that it lists are"
        hint = "commit what is missing, or take it off the list: packed without it, the import would fail later"
        raise InvalidPackageError(f"{what} not in the tree", where=tree.folder, hint=hint, details=tuple(missing))
    return package


def _pack_classic(there: Mapping[str, bytes]) -> bytes:
    for path in (SOLUTION, CUSTOMIZATIONS):
        if path not in there:
            raise InvalidPackageError("the file is missing", where=path, hint=_RESTORE)
    tree = _Tree(there)
    members = dict(_members(tree))
    return write_archive({**members, "[Content_Types].xml": _content_types(members)})


def _is_hidden(path: str) -> bool:
    return any(part.startswith(".") for part in path.split("/")[:1]) or path.rpartition("/")[2].startswith(".")


def _refuse_twins(there: Mapping[str, bytes]) -> None:
    seen: set[str] = set()
    for path in there:
        if path.casefold() in seen:
            raise InvalidPackageError("two files differ only in case", where=path, hint="keep one of them")
        seen.add(path.casefold())


class _Tree:
    """A source tree whose files are used up one after the other."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files
        self.left = set(files)

    def take(self, path: str) -> bytes:
        self.left.discard(path)
        return self.files[path]

    def xml(self, path: str) -> Element:
        return parse_xml(self.take(path), where=path)

    def matching(self, pattern: re.Pattern[str]) -> list[str]:
        return sorted(path for path in self.left if pattern.fullmatch(path))


def _members(tree: _Tree) -> Iterator[tuple[str, bytes]]:
    yield "solution.xml", _BOTH.sub(b"<Managed>0</Managed>", tree.take(SOLUTION))
    customizations = tree.xml(CUSTOMIZATIONS)
    resources = _fill(customizations, tree)
    yield "customizations.xml", write_xml(customizations)
    yield from _apps(tree)
    for path in sorted(tree.left):
        if path.startswith(OLD_CANVAS_SOURCE):
            continue
        if "/" not in path or path.startswith(("Other/", "Entities/")) or path.lower().endswith(_STRANGERS):
            hint = "take it out of the tree, or put it into a folder whose name starts with a dot"
            raise InvalidPackageError("the file belongs to no component", where=path, hint=hint)
        yield member_path(path, resources), tree.files[path]


def _fill(customizations: Element, tree: _Tree) -> dict[str, str]:
    """Put every component's element into its section; return where the content of web resources goes."""
    resources: dict[str, str] = {}
    for home in HOMES:
        for path in tree.matching(home.pattern):
            element = tree.xml(path)
            if element.tag != home.tag:
                raise InvalidPackageError(f"not a {home.tag} but a {element.tag[:40]}", where=path, hint=_RESTORE)
            _section(customizations, home.section).append(element)
            if home.section == "WebResources" and (file := text_of(element, "FileName")):
                name = "/".join(safe(part) for part in text_of(element, "Name").split("/"))
                resources[f"WebResources/{name}"] = file.lstrip("/")
    for path in tree.matching(ENTITY):
        _section(customizations, "Entities").append(_table(path, tree))
    for path in tree.matching(RELATIONSHIP):
        _section(customizations, "EntityRelationships").extend(tree.xml(path).findall("EntityRelationship"))
    tree.left.discard(RELATIONSHIPS)
    return resources


def _section(customizations: Element, name: str) -> Element:
    found = customizations.find(name)
    if found is None:
        found = customizations.makeelement(name, {})
        later = SECTIONS[SECTIONS.index(name) + 1 :]
        places = (number for number, section in enumerate(customizations) if section.tag in later)
        customizations.insert(next(places, len(customizations)), found)
    return found


def _table(path: str, tree: _Tree) -> Element:
    table, folder = tree.xml(path), path.rpartition("/")[0]
    if f"{folder}/RibbonDiff.xml" in tree.left:
        ribbon, place = tree.xml(f"{folder}/RibbonDiff.xml"), table.find("RibbonDiffXml")
        if place is None:
            table.append(ribbon)
        else:
            place.attrib.update(ribbon.attrib)
            place.extend(ribbon)
    for file in sorted(path for path in tree.left if path.startswith(f"{folder}/FormXml/")):
        if file.endswith("_managed.xml"):  # the form as it looks in the managed package, beside the one for makers
            tree.left.discard(file)
            continue
        _forms(table, file.split("/")[-2]).append(_unwrapped(tree.xml(file), "systemform"))
    for file in sorted(path for path in tree.left if path.startswith(f"{folder}/SavedQueries/")):
        views = _child(_child(table, "SavedQueries"), "savedqueries")
        views.append(_unwrapped(tree.xml(file), "savedquery"))
    for file in sorted(path for path in tree.left if path.startswith(f"{folder}/Formulas/")):
        tree.left.discard(file)  # beside its table in the tree, in a folder of its own in the package
        tree.files = {**tree.files, f"Formulas/{file.rpartition('/')[2]}": tree.files[file]}
        tree.left.add(f"Formulas/{file.rpartition('/')[2]}")
    return table


def _unwrapped(element: Element, tag: str) -> Element:
    """Return the form or view in a file; the platform's own tools put another element around it."""
    if element.tag == tag:
        return element
    found = next(element.iter(tag), None)
    return element if found is None else found


def _forms(table: Element, kind: str) -> Element:
    form_xml = _child(table, "FormXml")
    for forms in form_xml.iterfind("forms"):
        if forms.get("type") == kind:
            return forms
    forms = form_xml.makeelement("forms", {"type": kind})
    form_xml.append(forms)
    return forms


def _child(element: Element, tag: str) -> Element:
    found = element.find(tag)
    if found is None:
        found = element.makeelement(tag, {})
        element.append(found)
    return found


def _apps(tree: _Tree) -> Iterator[tuple[str, bytes]]:
    """Yield the canvas apps that were laid out, put together again."""
    apps: dict[str, dict[str, bytes]] = {}
    for path in tree.matching(MSAPP):
        found = MSAPP.fullmatch(path)
        if found is not None:
            content = tree.take(path)
            is_json = found["member"].lower().endswith(".json")
            apps.setdefault(found["app"], {})[as_member(found["member"])] = as_saved(content) if is_json else content
    for app, members in apps.items():
        if app in tree.left:
            hint = "delete the one that was not reviewed"
            raise InvalidPackageError("the app is there as a file and as a folder", where=app, hint=hint)
        yield app, write_archive(members, backslashes=True)


def _content_types(members: Mapping[str, bytes]) -> bytes:
    endings = {name.rpartition("/")[2].rpartition(".")[2].lower() for name in members if "." in name.rpartition("/")[2]}
    root = parse_xml(b"<Types/>", where="")
    root.set("xmlns", _TYPES)
    for ending in sorted(endings | {"xml"}):
        kind = "text/xml" if ending == "xml" else "application/octet-stream"
        root.append(root.makeelement("Default", {"Extension": ending, "ContentType": kind}))
    for name in sorted(name for name in members if "." not in name.rpartition("/")[2]):
        told = {"PartName": f"/{name}", "ContentType": "application/octet-stream"}
        root.append(root.makeelement("Override", told))
    return write_xml(root)
