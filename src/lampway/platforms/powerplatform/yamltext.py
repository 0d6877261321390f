"""YAML in which Git integration writes what packages say in XML: plain text and nothing clever.

Attributes are keys that begin with `@`, elements that occur more than once are lists, what stands between the tags of
an element with attributes is under `#text`. Every scalar is text, as it is written: `1.0` stays `1.0`. Anchors, tags
and keys that are there twice are refused; the platform writes none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias
from xml.etree import ElementTree as ET

from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.xmltext import Element

if TYPE_CHECKING:  # loading ruamel takes longer than most commands need in all
    from ruamel.yaml.events import Event, NodeEvent

Node: TypeAlias = "dict[str, Node] | list[Node] | str | None"
"""What a file says: keys with values, lists, texts, and nothing."""

LARGEST = 2 * 1024 * 1024
"""Bytes that one file may have."""
DEEPEST = 100
"""Levels that values may be nested; forms and ribbons have some thirty."""

_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_EMPTY = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT = ("#text", "#cdata-section")
_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_HINT = "let the platform write it again; never edit it by hand"


def parse_yaml(data: bytes, *, where: str) -> Node:
    """Return what a YAML text says. Raises InvalidPackageError with the line of whatever is wrong."""
    if len(data) > LARGEST:
        raise InvalidPackageError(f"larger than {LARGEST // 1024**2} MiB", where=where, hint=_HINT)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidPackageError(
            f"not UTF-8 text at byte {error.start}", where=where, hint="save it as UTF-8"
        ) from error
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.main import YAML

    try:
        return _Reader(where, YAML(typ="safe", pure=True).parse(text)).document()
    except MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{where}, line {mark.line + 1}, column {mark.column + 1}" if mark else where
        raise InvalidPackageError(f"not valid YAML: {error.problem}", where=place, hint=_HINT) from error
    except (YAMLError, ArithmeticError, LookupError, ValueError, AttributeError, TypeError, AssertionError) as error:
        # the parser trips over some malformed directives and escapes instead of saying what is wrong with them
        raise InvalidPackageError("not valid YAML", where=where, hint=_HINT) from error


@dataclass(slots=True)
class _Reader:
    """Turns parse events into nodes."""

    where: str
    events: Iterator[Event]

    def document(self) -> Node:
        from ruamel.yaml.events import DocumentStartEvent, StreamEndEvent

        next(self.events)
        if not isinstance(next(self.events), DocumentStartEvent):
            return None
        node = self.node(next(self.events), 0)
        next(self.events)
        extra = next(self.events)
        if not isinstance(extra, StreamEndEvent):
            self.stop(extra, "a second document begins here")
        return node

    def node(self, event: Any, depth: int) -> Node:
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, ScalarEvent

        if isinstance(event, AliasEvent) or event.anchor:
            self.stop(event, "anchors and aliases are not read")
        if getattr(event, "tag", None) is not None:
            self.stop(event, "tags are not read")
        if depth > DEEPEST:
            self.stop(event, f"nested more than {DEEPEST} levels deep")
        if isinstance(event, ScalarEvent):
            return None if not event.style and event.value in _EMPTY else str(event.value)
        return self.mapping(depth) if isinstance(event, MappingStartEvent) else self.sequence(depth)

    def sequence(self, depth: int) -> list[Node]:
        from ruamel.yaml.events import SequenceEndEvent

        found = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            found.append(self.node(event, depth + 1))
        return found

    def mapping(self, depth: int) -> dict[str, Node]:
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        found: dict[str, Node] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self.stop(event, "a key must be a text")
            if str(event.value) in found:
                self.stop(event, f"the key {str(event.value)[:40]} is there twice")
            found[str(event.value)] = self.node(next(self.events), depth + 1)
        return found

    def stop(self, event: Event | NodeEvent, message: str) -> NoReturn:
        mark = event.start_mark
        place = f"{self.where}, line {mark.line + 1}, column {mark.column + 1}" if mark else self.where
        raise InvalidPackageError(message, where=place, hint=_HINT)


def read_element(data: bytes, *, where: str) -> Element:
    """Return the one element that a YAML text stands for. Raises InvalidPackageError."""
    node = parse_yaml(data, where=where)
    roots = [(key, held) for key, held in node.items() if key != "?xml"] if isinstance(node, dict) else []
    if len(roots) != 1 or isinstance(roots[0][1], list):
        raise InvalidPackageError("there is not exactly one element at its top", where=where, hint=_HINT)
    return element_of(*roots[0], where=where)


def element_of(tag: str, node: Node, *, where: str) -> Element:
    """Return the element that a node stands for. Raises InvalidPackageError for what XML cannot say."""
    element = ET.Element(_checked(tag, where))
    if isinstance(node, str):
        element.text = _text(node, where)
    elif isinstance(node, list):
        raise InvalidPackageError(f"a list has no place in a list ({tag[:40]})", where=where, hint=_HINT)
    elif node is not None:
        for key, held in node.items():
            _fill(element, key, held, where)
    return element


def _fill(element: Element, key: str, held: Node, where: str) -> None:
    """Put one key of a node into its element: an attribute, its text, or elements."""
    if key in _TEXT or key.startswith("@"):
        if isinstance(held, dict | list):
            raise InvalidPackageError(f"{key[:40]} must be a text", where=where, hint=_HINT)
        if key in _TEXT:
            element.text = (element.text or "") + _text(held or "", where)
        elif key != "@xmlns:xsi":
            name = key[1:]
            local = _checked(name.removeprefix("xsi:"), where)
            element.set(f"{{{_XSI}}}{local}" if name.startswith("xsi:") else local, _text(held or "", where))
        return
    for one in held if isinstance(held, list) else [held]:
        element.append(element_of(key, one, where=where))


def _checked(name: str, where: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidPackageError(f"no name of an element or attribute: {name[:40]!a}", where=where, hint=_HINT)
    return name


def _text(text: str, where: str) -> str:
    if _NO_XML.search(text):
        raise InvalidPackageError(
            "a character that XML cannot hold", where=where, hint="take it out where it is edited"
        )
    return text
