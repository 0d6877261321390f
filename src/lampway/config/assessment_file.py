"""The file in which a team answers the readiness checklist before it has adopted anything."""

from __future__ import annotations

from collections.abc import Mapping

from lampway.config.document import Document, read_document
from lampway.config.section import closest
from lampway.domain.assessment import ANSWERS, Said
from lampway.domain.readiness import DEFAULT_ITEMS, LEVELS
from lampway.errors import InvalidStrategyError, Mistake

_HEAD = """\
# Where do we stand? Answer each item with yes, partly, no, n/a or unknown; a note helps whoever reads it later.
#
# Then: lampway readiness --assess {file}
# Nothing has to be installed or connected for it. What is said here is said, and not proved.
"""


def assessment_template(file: str) -> str:
    """Return the file to fill in: every item, explained, with no answer yet."""
    parts = [_HEAD.format(file=file)]
    area = ""
    for item in DEFAULT_ITEMS:
        if item.area != area:
            area = item.area
            parts.append(f"\n# --- {area}\n")
        level = f"(level {item.level}: {LEVELS[item.level]})"
        parts.append(f"\n# {item.text} {level}\n{item.item}: {{answer: unknown, note: ''}}\n")
    return "".join(parts)


def read_assessment(file: str, content: bytes) -> Mapping[str, Said]:
    """Return what was said, by item. Raises InvalidStrategyError with every mistake, each with its line."""
    document = read_document(file, content)
    mistakes: list[Mistake] = list(document.mistakes)
    known = tuple(item.item for item in DEFAULT_ITEMS)
    said: dict[str, Said] = {}
    for name in document.names() or ():
        if name not in known:
            mistakes.append(document.mistake((name,), f"unknown item: {name[:80]}", closest(name, known), at_key=True))
            continue
        found = _said(document, name)
        if isinstance(found, Mistake):
            mistakes.append(found)
        else:
            said[name] = found
    if mistakes:
        raise InvalidStrategyError(tuple(mistakes))
    return said


def _said(document: Document, name: str) -> Said | Mistake:
    """Return an answer, written `item: yes` or `item: {answer: yes, note: why}`."""
    value = document.at(name)
    fields = value if isinstance(value, dict) else {"answer": value}
    strange = next((key for key in fields if key not in ("answer", "note")), None)
    if strange is not None:
        return document.mistake((name, strange), f"unknown key: {strange[:80]}", "there is: answer, note", at_key=True)
    reply, note = fields.get("answer", "unknown"), fields.get("note", "")
    if isinstance(reply, bool):
        reply = "yes" if reply else "no"
    place = (name, "answer") if isinstance(value, dict) else (name,)
    if not isinstance(reply, str) or reply not in ANSWERS:
        shown = reply[:40] if isinstance(reply, str) else "something else"
        hint = closest(shown, tuple(ANSWERS)) if isinstance(reply, str) else f"one of: {', '.join(ANSWERS)}"
        return document.mistake(place, f"not an answer: {shown}", hint or f"one of: {', '.join(ANSWERS)}")
    if note is not None and not isinstance(note, str):
        return document.mistake((name, "note"), "note must be text", "put it in quotes")
    return Said(reply, (note or "").strip())
