"""Solution packages, read and written with the standard library alone, so that the emulator judges for itself."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree import ElementTree as ET

from lampway.testing.dataverse.kinds import FLAT_FOLDERS, SECTIONS
from lampway.testing.dataverse.refusals import RefusedError

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
ET.register_namespace("xsi", _XSI)
_VALUES = "environmentvariablevalues.json"
_DEFINITIONS = "environmentvariabledefinitions"
_MANIFESTS = frozenset({"solution.xml", "customizations.xml", "[content_types].xml"})


@dataclass(slots=True)
class Part:
    """One component in a package."""

    kind: str
    key: str
    """By which it is the same component in every package and every environment, in lower case."""
    name: str
    id: str = ""
    """Where the package gives one; all others get an id in each environment."""
    section: str = ""
    header: str = ""
    """Its element in `customizations.xml`."""
    files: dict[str, bytes] = field(default_factory=dict)

    @property
    def ref(self) -> str:
        """Kind and key as one word."""
        return f"{self.kind}:{self.key}"


@dataclass(slots=True)
class Publisher:
    """Who a solution says made it."""

    unique_name: str
    friendly_name: str = ""
    prefix: str = ""
    option_prefix: int = 10000
    id: str = ""


@dataclass(slots=True)
class Need:
    """Something that must be in the environment before the import."""

    type: str
    key: str
    name: str
    solution: str
    dependent_type: str = ""
    dependent: str = ""
    xml: str = ""


@dataclass(slots=True)
class Package:
    """A package that was read."""

    unique_name: str
    friendly_name: str
    description: str
    version: str
    managed: bool
    publisher: Publisher
    parts: dict[str, Part]
    """By kind and key."""
    needs: list[Need]
    roots: list[dict[str, str]]
    manifest: str
    skeleton: str
    """`customizations.xml` without the components."""
    package_version: str = "9.2"


def text_of(element: ET.Element | None) -> str:
    """Return the text of an element without white space around it."""
    return (element.text or "").strip() if element is not None else ""


def parse(data: bytes | str) -> ET.Element:
    """Return the root of an XML document. Raises RefusedError."""
    try:
        return ET.fromstring(data)  # noqa: S314 - a test tool on this machine; expat bounds what entities may become
    except ET.ParseError as error:
        raise invalid_file(str(error)) from error


def invalid_file(reason: str) -> RefusedError:
    """Return the refusal of a file that is no solution."""
    return RefusedError(400, "0x80048060", f"The solution file is invalid. The compressed file must contain: {reason}")


def read_package(data: bytes) -> Package:
    """Return what a package holds. Raises RefusedError."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    except (zipfile.BadZipFile, ValueError, OSError, RuntimeError) as error:
        raise invalid_file("solution.xml, customizations.xml, [Content_Types].xml") from error
    lower = {name.lower(): name for name in members}
    if not {"solution.xml", "customizations.xml"} <= lower.keys():
        raise invalid_file("solution.xml, customizations.xml, [Content_Types].xml")
    root = parse(members[lower["solution.xml"]])
    customizations = parse(members[lower["customizations.xml"]])
    parts = list(_section_parts(customizations, members, lower))
    used = {name for part in parts for name in part.files}
    parts += _folder_parts({n: c for n, c in members.items() if n not in used and n.lower() not in _MANIFESTS})
    return _package(root, customizations, parts)


def _package(root: ET.Element, customizations: ET.Element, parts: Sequence[Part]) -> Package:
    manifest = root.find("SolutionManifest")
    if manifest is None:
        raise invalid_file("a solution manifest")
    publisher = manifest.find("Publisher")
    return Package(
        unique_name=text_of(manifest.find("UniqueName")),
        friendly_name=_label(manifest.find("LocalizedNames")),
        description=_label(manifest.find("Descriptions")),
        version=text_of(manifest.find("Version")),
        managed=text_of(manifest.find("Managed")) == "1",
        publisher=Publisher(
            unique_name=text_of(publisher.find("UniqueName")) if publisher is not None else "",
            friendly_name=_label(publisher.find("LocalizedNames")) if publisher is not None else "",
            prefix=text_of(publisher.find("CustomizationPrefix")) if publisher is not None else "",
            option_prefix=int(text_of(publisher.find("CustomizationOptionValuePrefix")) or 10000)
            if publisher is not None
            else 10000,
        ),
        parts={part.ref: part for part in parts},
        needs=[_need(one) for one in manifest.iter("MissingDependency")],
        roots=[dict(one.attrib) for one in manifest.iter("RootComponent")],
        manifest=ET.tostring(root, encoding="unicode"),
        skeleton=_without_parts(customizations),
        package_version=root.get("SolutionPackageVersion", "9.2"),
    )


def _label(element: ET.Element | None) -> str:
    return element[0].get("description", "") if element is not None and len(element) else ""


def _need(element: ET.Element) -> Need:
    required, dependent = element.find("Required"), element.find("Dependent")
    found = required.attrib if required is not None else {}
    by = dependent.attrib if dependent is not None else {}
    key = found.get("schemaName") or found.get("id") or next((v for k, v in found.items() if k.startswith("id.")), "")
    return Need(
        type=found.get("type", ""),
        key=key.strip("{}").lower(),
        name=found.get("displayName", "") or key,
        solution=found.get("solution", ""),
        dependent_type=by.get("type", ""),
        dependent=by.get("displayName", "") or by.get("schemaName", "") or by.get("id", ""),
        xml=ET.tostring(element, encoding="unicode").strip(),
    )


def _section_parts(root: ET.Element, members: Mapping[str, bytes], lower: Mapping[str, str]) -> Iterable[Part]:
    for section in root:
        rule = SECTIONS.get(section.tag)
        if rule is None:
            continue
        for element in section:
            named = [lower[n] for text in element.itertext() if (n := text.strip().lstrip("/").lower()) in lower]
            files = {name: members[name] for name in named}
            key = rule.key_of(element)
            yield Part(
                kind=rule.kind,
                key=key.strip("{}").lower(),
                name=rule.name_of(element) or key,
                id=rule.id_of(element).strip("{}").lower(),
                section=section.tag,
                header=ET.tostring(element, encoding="unicode").strip(),
                files=files,
            )


def _folder_parts(members: Mapping[str, bytes]) -> Iterable[Part]:
    records: dict[tuple[str, str], dict[str, bytes]] = {}
    for name, content in members.items():
        folder, _, rest = name.partition("/")
        record = rest.partition("/")[0]
        if folder.lower() in FLAT_FOLDERS or "/" not in rest:
            yield Part("file", name.lower(), name, files={name: content})
        elif folder.lower() == _DEFINITIONS and rest.lower().endswith(_VALUES):
            yield _value_part(name, record, content)
        else:
            records.setdefault((folder.lower(), record), {})[name] = content
    for (folder, record), files in records.items():
        kind = "environmentvariabledefinition" if folder == _DEFINITIONS else folder
        yield Part(kind, record.lower(), record, files=files)


def _value_part(name: str, schema: str, content: bytes) -> Part:
    value = value_in(content)
    id_ = str(value.get("@environmentvariablevalueid", "")).strip("{}").lower()
    return Part("environmentvariablevalue", schema.lower(), schema, id=id_, files={name: content})


def value_in(content: bytes) -> dict[str, Any]:
    """Return the current value that is in a file of values."""
    found = json.loads(content.decode("utf-8-sig"))["environmentvariablevalues"]["environmentvariablevalue"]
    return dict(found[0] if isinstance(found, list) else found)


def _without_parts(customizations: ET.Element) -> str:
    copy = ET.fromstring(ET.tostring(customizations))  # noqa: S314 - written by ourselves a moment ago
    for section in copy:
        if section.tag in SECTIONS:
            section[:] = []
            section.text = None
    return ET.tostring(copy, encoding="unicode")


def write_package(*, manifest: str, skeleton: str, parts: Iterable[Part]) -> bytes:
    """Return the package of these components."""
    root = parse(skeleton)
    files: dict[str, bytes] = {}
    for part in parts:
        files.update(part.files)
        if part.section:
            section = root.find(part.section)
            if section is None:
                section = ET.Element(part.section)
                root.insert(max(len(root) - 1, 0), section)
            section.append(parse(part.header))
    everything = {
        **files,
        "solution.xml": manifest.encode(),
        "customizations.xml": ET.tostring(root, encoding="utf-8"),
        "[Content_Types].xml": _content_types(files),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in everything.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _content_types(files: Iterable[str]) -> bytes:
    endings = sorted({"xml", *(name.rpartition(".")[2] for name in files if "." in name.rpartition("/")[2])})
    defaults = "".join(f'<Default Extension="{one}" ContentType="application/octet-stream" />' for one in endings)
    return (
        '\ufeff<?xml version="1.0" encoding="utf-8"?>'
        f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{defaults}</Types>'
    ).encode()


def version_key(version: str) -> tuple[int, ...]:
    """Return a version as something that can be compared: part by part, missing parts are 0."""
    numbers = [int(one) for one in re.findall(r"\d+", version)][:4]
    return tuple(numbers + [0] * (4 - len(numbers)))
