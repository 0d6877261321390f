"""Take out of a package what the source environment gave to its variables, kept as defaults in flows.

Export writes them there even after a maker took the value away. Nothing else in the package changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lampway.engine.bringing import Blanked
from lampway.platforms.powerplatform.archive import write_archive
from lampway.platforms.powerplatform.contents import Contents, Part
from lampway.platforms.powerplatform.findings import Definition, keeps_dev_value
from lampway.platforms.powerplatform.flows import Json, is_flow, parameters_of
from lampway.platforms.powerplatform.inventory import definitions_of, places_of
from lampway.platforms.powerplatform.layers import FLOW
from lampway.platforms.powerplatform.literals import parameter_place

_BOM = b"\xef\xbb\xbf"


def blank_contents(contents: Contents) -> Blanked | None:
    """Return the package without such values, and where each was; None where there are none."""
    definitions, places = definitions_of(contents), places_of(contents.parts)
    changed: dict[str, bytes] = {}
    where: list[str] = []
    for part in contents.parts:
        if part.type != FLOW:
            continue
        for member, content, names in _blanked(contents, part, definitions):
            changed[member] = content
            where += [parameter_place(places[part.type, part.id], name) for name in names]
    if not changed:
        return None
    archive = contents.archive
    members = {name: archive.read(name, limit=archive.size(name)) for name in archive.names}
    return Blanked(write_archive({**members, **changed}), tuple(where))


def _blanked(
    contents: Contents, part: Part, definitions: Mapping[str, Definition]
) -> Iterator[tuple[str, bytes, list[str]]]:
    """Yield every file of a flow that holds such values: its name, what it holds without them, and their names."""
    for member in part.members:
        if not member.lower().endswith(".json"):
            continue
        content = contents.archive.read(member)
        flow = json.loads(content.removeprefix(_BOM))
        names = _blank(flow, definitions) if is_flow(flow) else []
        if names:
            yield member, _written_like(content, flow), names


def _blank(flow: Json, definitions: Mapping[str, Definition]) -> list[str]:
    """Take the values out of a definition in place; a text becomes empty, anything else has no default any more."""
    names = [name for name, one in parameters_of(flow).items() if keeps_dev_value(one, definitions)]
    for name in names:
        parameter = flow["properties"]["definition"]["parameters"][name]
        if isinstance(parameter["defaultValue"], str):
            parameter["defaultValue"] = ""
        else:
            del parameter["defaultValue"]
    return names


def _written_like(content: bytes, value: Any) -> bytes:
    """Return JSON as the file had it: on one line, or indented with its own line ends."""
    if b"\n" not in content.strip():
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    else:
        text = json.dumps(value, ensure_ascii=False, indent=2)
    if b"\r\n" in content:
        text = text.replace("\n", "\r\n")
    mark = _BOM if content.startswith(_BOM) else b""
    return mark + text.encode("utf-8", "surrogatepass")
