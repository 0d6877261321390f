"""Taking out of flows what environment variables had in dev: those values, and no other byte of any file.

A flow keeps the last value of each environment variable it reads as the default of a parameter, even after the maker
removed the value, and the platform falls back to it wherever none is given. In its place comes `null`, which is what
the platform itself writes where it keeps none (seen in a published export of SalesOrderProcessingAutomation 1.0.0.1).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from lampway.domain.transformation import Blank
from lampway.engine.abilities import Blanked
from lampway.errors import InvalidPackageError
from lampway.platforms.archives import write_archive
from lampway.platforms.powerplatform.contents import Contents, Part, read_package
from lampway.platforms.powerplatform.findings import Definition, is_kept
from lampway.platforms.powerplatform.flows import is_flow, parameters_of, variable_of
from lampway.platforms.powerplatform.inventory import definitions_of, places_of
from lampway.platforms.powerplatform.jsontext import parse_json
from lampway.platforms.powerplatform.literals import parameter_place
from lampway.platforms.powerplatform.names import printable

_SPACE = " \t\n\r"
_NOTHING = "null"
_DECODER = json.JSONDecoder()
_WAY = ("properties", "definition", "parameters")


def blank_contents(package: bytes) -> Blanked:
    """Return the package without the values that flows keep from dev; the same bytes where there are none.

    Every file but those flows is the same, byte for byte; so is everything in them but those values. Raises
    InvalidPackageError.
    """
    contents = read_package(package)
    places, definitions = places_of(contents.parts), definitions_of(contents)
    changed: dict[str, bytes] = {}
    found: dict[Blank, None] = {}
    for part in contents.parts:
        place = places[part.type, part.id]
        for member, kept in _kept(contents, part, definitions):
            changed[member] = without_defaults(contents.archive.read(member), list(kept), where=member)
            for name, variable in kept.items():
                found[Blank(printable(parameter_place(place, name)), printable(variable))] = None
    if not changed:
        return Blanked(package, ())
    archive = contents.archive
    members = {name: archive.read(name, limit=archive.size(name)) for name in archive.names if name not in changed}
    return Blanked(write_archive({**members, **changed}), tuple(found))


def _kept(
    contents: Contents, part: Part, definitions: Mapping[str, Definition]
) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the files of a component that keep values: parameter to the variable that it is bound to."""
    for member in part.members:
        if not member.lower().endswith(".json"):
            continue
        flow = parse_json(contents.archive.read(member), where=member)
        if isinstance(flow, dict) and is_flow(flow):
            bound = parameters_of(flow).items()
            kept = {name: variable_of(one) for name, one in bound if is_kept(one, definitions)}
            if kept:
                yield member, kept


def without_defaults(content: bytes, parameters: Sequence[str], *, where: str) -> bytes:
    """Return the text of a flow in which these parameters have no default value, and nothing else is changed.

    Raises InvalidPackageError where that cannot be done.
    """
    text = content.decode()
    start = len(text) - len(text.removeprefix("\ufeff").lstrip(_SPACE))
    try:
        spans = sorted(_defaults(text, start, set(parameters)))
    except ValueError as error:
        hint = "export the solution again; never edit it by hand"
        raise InvalidPackageError("the flow cannot be edited", where=where, hint=hint) from error
    pieces, end = [], 0
    for begin, stop in spans:
        pieces += [text[end:begin], _NOTHING]
        end = stop
    return "".join([*pieces, text[end:]]).encode()


def _defaults(text: str, start: int, parameters: set[str]) -> Iterator[tuple[int, int]]:
    """Yield where the default values of these parameters stand; a key that is there twice counts twice."""
    holders = [start]
    for key in _WAY:
        holders = [begin for holder in holders for name, begin, _ in _members(text, holder) if name == key]
    for holder in holders:
        for name, begin, _ in _members(text, holder):
            if name in parameters:
                yield from ((one, stop) for key, one, stop in _members(text, begin) if key == "defaultValue")


def _members(text: str, start: int) -> Iterator[tuple[str, int, int]]:
    """Yield the keys of the object that begins at `start`, each with where its value begins and ends."""
    if text[start : start + 1] != "{":
        return
    at = _after_space(text, start + 1)
    while text[at : at + 1] == '"':
        key, at = _DECODER.raw_decode(text, at)
        begin = _after_space(text, _after_space(text, at) + 1)
        _, end = _DECODER.raw_decode(text, begin)
        yield str(key), begin, end
        at = _after_space(text, end)
        if text[at : at + 1] == ",":
            at = _after_space(text, at + 1)


def _after_space(text: str, at: int) -> int:
    while text[at : at + 1] in _SPACE and at < len(text):
        at += 1
    return at
