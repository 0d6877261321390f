"""XML as the platform writes it: read without entities, fingerprinted whatever its white space, written for people."""

from __future__ import annotations

import hashlib
from xml.etree import ElementTree as ET

from lampway.errors import InvalidPackageError

MAX_TAGS = 4_000_000
"""How many tags one text may hold: each takes far more memory than text."""
NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"

Element = ET.Element

_HINT = "export the solution again; never edit it by hand"
_DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'


class _NoEntities(ET.TreeBuilder):
    """Builds a tree and stops where a document type begins, before any entity is declared."""

    def doctype(self, name: str, pubid: str | None, system: str | None) -> None:
        """Refuse the document type."""
        raise _DocumentTypeError(name, pubid, system)


class _DocumentTypeError(ValueError):
    """A document type, which could declare entities."""


def parse_xml(data: bytes, *, where: str) -> Element:
    """Return the root of an XML text in UTF-8.

    Raises InvalidPackageError for anything that is not well-formed, for a document type (which could declare entities),
    for another encoding and for too many tags.
    """
    if data.count(b"<") > MAX_TAGS:
        raise InvalidPackageError("too many tags", where=where, hint="no editor writes this; " + _HINT)
    target = _NoEntities() if b"<!DOCTYPE" in data else None  # it may also stand in a comment or in a text
    parser = ET.XMLParser(target=target, encoding="utf-8")  # noqa: S314 - document types are refused above
    try:
        parser.feed(data)
        root: Element = parser.close()
    except _DocumentTypeError as error:
        hint = "no export holds one; " + _HINT
        raise InvalidPackageError("the XML declares a document type", where=where, hint=hint) from error
    except ET.ParseError as error:
        line, column = error.position
        reason = str(error).split(":", 1)[0]
        place = f"{where}, line {line}, column {column + 1}"
        raise InvalidPackageError(f"not valid XML in UTF-8: {reason}", where=place, hint=_HINT) from error
    return root


def text_of(element: Element | None, path: str = "") -> str:
    """Return the text of an element or of one below it, without white space around; empty where there is none."""
    if element is None:
        return ""
    found = element.find(path) if path else element
    return (found.text or "").strip() if found is not None else ""


def describes(element: Element, path: str, language: str = "1033") -> str:
    """Return the description of the localised texts below `path`: English first, then whatever comes first."""
    found = element.findall(path)
    same = [one for one in found if one.get("languagecode") == language]
    return next((one.get("description", "") for one in (*same, *found)), "")


def is_blank(element: Element) -> bool:
    """Return whether an element says nothing: newer platforms write out what older ones leave away."""
    if len(element) or any(name != NIL for name in element.keys()):  # noqa: SIM118 - no mapping
        return False
    return (element.text or "").strip() in ("", "0")


def digest_xml(root: Element, *, skip: frozenset[str] = frozenset(), blank: frozenset[str] = frozenset()) -> str:
    """Return a digest of an element that ignores white space, the order of attributes, and elements that are blank.

    `skip` are tags of elements that are left out with all that is below them; labels that say one of the texts in
    `blank` count as labels that say nothing.
    """
    pieces: list[str] = []
    _collect(root, pieces, skip, blank)
    return hashlib.sha256("\x1f".join(pieces).encode("utf-8", "surrogatepass")).hexdigest()


def _collect(element: Element, pieces: list[str], skip: frozenset[str], blank: frozenset[str]) -> None:
    """Add an element and all below it: written out for speed, as it is met for every element of every package."""
    add = pieces.append
    add(element.tag)
    items = element.items()
    if items:
        is_label = blank and element.tag == "label"
        for name, value in sorted(items) if len(items) > 1 else items:
            add("@" + name)
            add("" if is_label and value in blank else value)
    text = element.text
    if text and (text := text.strip()):
        add("=" + text)
    for child in element:
        if len(child) or child.items():
            if child.tag not in skip and not (len(child) == 0 and is_blank(child)):
                _collect(child, pieces, skip, blank)
            continue
        text = child.text
        if text and text != "0" and child.tag not in skip and (text := text.strip()) and text != "0":
            add(child.tag)
            add("=" + text)
            add(">")
    add(">")


def write_xml(element: Element) -> bytes:
    """Return an element as an indented XML text with its declaration. Changes the white space in `element`."""
    for one in element.iter():
        if not len(one) and one.text and "\n" in one.text and not one.text.strip():
            one.text = None  # where something was taken out
    ET.indent(element)
    element.tail = None
    text = ET.tostring(element, encoding="unicode").replace("\r", "&#13;")
    return (_DECLARATION + text + "\n").encode("utf-8", "surrogatepass")
