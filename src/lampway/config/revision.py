"""Changes some values in a YAML file and leaves every other byte as its writers left it: comments, order, quotes.

The text is cut where the values stand, then read again; only what reads as it should is given out. Where cutting cannot
do it (unusual layouts), the file goes through ruamel's round trip, which keeps comments but may move white space.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from lampway.config.document import Document, Path, read_document, reads_as_text
from lampway.errors import InvalidStrategyError, UsageError

if TYPE_CHECKING:
    from ruamel.yaml.events import Event

_PLAIN = re.compile(r"[A-Za-z_/][\w./:@+%=~-]*( [\w./(][\w./:@+%=~()-]*)*", re.ASCII)


def revise(file: str, text: str, wanted: Mapping[str, Any]) -> str:
    """Return `text` changed so that it says `wanted`.

    Raises InvalidStrategyError when `text` is not good YAML, or `wanted` holds what YAML cannot say; UsageError when
    the file is laid out so that it cannot be changed.
    """
    document = _readable(file, text)
    for way in (_cut, _round_trip):
        revised = way(document, text, wanted)
        if revised is not None and read_document(file, revised.encode("utf-8", "replace")).value == wanted:
            return revised
    raise UsageError("laid out so that it cannot be changed", where=file, hint="change it by hand")


def inline(value: Any) -> str:
    """Return a value on one line, fit to stand within brackets; quotes only where they are needed."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{inline(str(key))}: {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(item) for item in value) + "]"
    if isinstance(value, str):
        is_plain = _PLAIN.fullmatch(value) and ": " not in f"{value} " and reads_as_text(value)
        return value if is_plain else '"' + "".join(_escaped(c) for c in value) + '"'
    return json.dumps(value)


def _escaped(character: str) -> str:
    """Return a character as it stands in double quotes; beyond the first plane YAML and JSON differ."""
    if character.isprintable() and character not in '"\\':
        return character
    return json.dumps(character)[1:-1] if character <= "\uffff" else f"\\U{ord(character):08x}"


def block(key: str, value: Any, indent: int = 0) -> str:
    """Return a key with its value as whole lines; mappings go below their key, everything else beside it."""
    margin = " " * indent
    if isinstance(value, Mapping) and value:
        below = "".join(block(str(inner), item, indent + 2) for inner, item in value.items())
        return f"{margin}{inline(key)}:\n{below}"
    return f"{margin}{inline(key)}: {inline(value)}\n"


class _UnusualError(Exception):
    """The layout is one that is not cut."""


class _Span(NamedTuple):
    """Where a value stands in the text."""

    start: int
    end: int
    column: int
    is_flow: bool
    is_scalar: bool


class _Cut(NamedTuple):
    """A piece of text to be put in place of another."""

    start: int
    end: int
    text: str


@dataclass(slots=True)
class _Layout:
    """Where keys and values stand."""

    text: str
    values: dict[Path, _Span] = field(default_factory=dict)
    keys: dict[Path, _Span] = field(default_factory=dict)


def _readable(file: str, text: str) -> Document:
    document = read_document(file, text.encode("utf-8", "replace"))
    if document.mistakes:
        raise InvalidStrategyError(document.mistakes)
    return document


def _cut(document: Document, text: str, wanted: Mapping[str, Any]) -> str | None:
    from ruamel.yaml.main import YAML

    layout = _Layout(text)
    events = YAML(typ="safe", pure=True).parse(text)
    for _ in range(2):
        next(events)
    _measure(layout, (), next(events), events)
    try:
        cuts = list(_cuts(layout, (), document.value, wanted))
    except _UnusualError:
        return None
    newline = "\r\n" if "\r\n" in text else "\n"
    for cut in reversed(sorted(cuts, key=lambda c: (c.start, c.end))):  # noqa: C413 - inner lines stay before outer
        text = text[: cut.start] + cut.text.replace("\n", newline) + text[cut.end :]
    return text


def _measure(layout: _Layout, path: Path, event: Event, events: Iterator[Event]) -> _Span:
    """Note where everything within one value stands; blocks end where their last value ends."""
    from ruamel.yaml.events import CollectionEndEvent, CollectionStartEvent, MappingStartEvent

    start, end = event.start_mark, event.end_mark.index
    if not isinstance(event, CollectionStartEvent):
        layout.values[path] = _Span(start.index, end, start.column, is_flow=False, is_scalar=True)
        return layout.values[path]
    position = 0
    while not isinstance(inner := next(events), CollectionEndEvent):
        part: str | int = position
        if isinstance(event, MappingStartEvent):
            part = str(getattr(inner, "value", None))
            mark = inner.start_mark
            key = _Span(mark.index, inner.end_mark.index, mark.column, is_flow=bool(event.flow_style), is_scalar=True)
            layout.keys[(*path, part)] = key
            inner = next(events)
        below = _measure(layout, (*path, part), inner, events)
        if below.start == below.end and (*path, part) in layout.keys:  # nothing after the colon
            after = layout.text.find(":", layout.keys[(*path, part)].end) + 1
            below = layout.values[(*path, part)] = below._replace(start=after, end=after)
        end = below.end
        position += 1
    is_flow = bool(event.flow_style)
    layout.values[path] = _Span(
        start.index, inner.end_mark.index if is_flow else end, start.column, is_flow=is_flow, is_scalar=False
    )
    return layout.values[path]


def _is_as_long(old: Any, new: Any) -> bool:
    return isinstance(old, list) and isinstance(new, list) and len(old) == len(new)


def _cuts(layout: _Layout, path: Path, old: Any, new: Any) -> Iterator[_Cut]:  # noqa: C901, PLR0912 - a case per layout
    if old == new and type(old) is type(new):
        return
    span = layout.values.get(path)
    if span is None:  # below an alias: what it repeats stands elsewhere
        raise _UnusualError
    if isinstance(old, dict) and isinstance(new, Mapping) and old and not span.is_scalar:
        if span.is_flow and set(old) - set(new):
            yield _Cut(span.start, span.end, inline(new))
            return
        for key in old:
            if key in new:
                yield from _cuts(layout, (*path, key), old[key], new[key])
            else:
                yield _removal(layout, (*path, key))
        added = {key: value for key, value in new.items() if key not in old}
        if added:
            yield _addition(layout, path, added)
    elif _is_as_long(old, new) and not span.is_scalar:
        for index, before in enumerate(old):
            yield from _cuts(layout, (*path, index), before, new[index])
    elif isinstance(new, Mapping) and new and not old and not layout.keys[path].is_flow:
        yield from _opening(layout, path, new)
    elif span.is_scalar or span.is_flow:
        yield _Cut(span.start, span.end, inline(new) if span.end > span.start else f" {inline(new)}")
    else:
        raise _UnusualError


def _addition(layout: _Layout, path: Path, added: Mapping[str, Any]) -> _Cut:
    """Put keys behind the last one of a mapping."""
    text, span = layout.text, layout.values[path]
    if span.is_flow:
        last = max(inner.end for place, inner in layout.values.items() if place[:-1] == path and place != path)
        return _Cut(last, last, "".join(f", {inline(key)}: {inline(value)}" for key, value in added.items()))
    at = _below(text, span.end, span.column)
    lines = "".join(block(key, value, span.column) for key, value in added.items())
    return _Cut(at, at, lines if text[:at].endswith("\n") else f"\n{lines}")


def _opening(layout: _Layout, path: Path, new: Mapping[str, Any]) -> Iterator[_Cut]:
    """Put lines below a key that had nothing, `{}` or null; a comment beside the key stays there."""
    text, span, key = layout.text, layout.values[path], layout.keys[path]
    before = text[: span.start].rstrip(" ")
    if span.end > span.start:
        yield _Cut(len(before), span.end, "")
    at = _below(text, span.end, key.column + 1)
    lines = "".join(block(inner, value, key.column + 2) for inner, value in new.items())
    yield _Cut(at, at, lines if text[:at].endswith("\n") else f"\n{lines}")


def _removal(layout: _Layout, path: Path) -> _Cut:
    """Take a key and its value out, whole lines."""
    text = layout.text
    start = text.rfind("\n", 0, layout.keys[path].start) + 1
    if text[start : layout.keys[path].start].strip():
        raise _UnusualError
    return _Cut(start, _next_line(text, layout.values[path].end), "")


def _below(text: str, position: int, column: int) -> int:
    """Return where a line may be added after `position`: below the comments there that are indented as far."""
    found = at = _next_line(text, position)
    for line in text[at:].splitlines(keepends=True):
        at += len(line)
        is_comment = line.lstrip(" ").startswith("#") and len(line) - len(line.lstrip(" ")) >= column
        if is_comment:
            found = at
        elif line.strip():
            break
    return found


def _next_line(text: str, position: int) -> int:
    """Return where the line after `position` begins; `position` itself where one begins there."""
    if position and text[position - 1] == "\n":
        return position
    found = text.find("\n", position)
    return len(text) if found < 0 else found + 1


def _round_trip(_: Document, text: str, wanted: Mapping[str, Any]) -> str | None:
    import io

    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.main import YAML

    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    out = io.StringIO()
    try:
        loaded = yaml.load(text)
        _merge(loaded, wanted, set())
        yaml.dump(loaded, out)
    except (YAMLError, ValueError, TypeError):
        return None
    return out.getvalue()


def _merge(loaded: Any, wanted: Mapping[str, Any], seen: set[int]) -> None:
    """Change what differs, and nothing else, so that the rest keeps its comments; write out what aliases repeat."""
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    def written(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: written(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [written(item) for item in value]
        return DoubleQuotedScalarString(value) if isinstance(value, str) and inline(value) != value else value

    for key in [key for key in loaded if key not in wanted]:
        del loaded[key]
    for key, value in wanted.items():
        old = loaded.get(key)
        is_repeated = id(old) in seen
        if isinstance(old, dict | list):
            seen.add(id(old))
        if isinstance(old, dict) and isinstance(value, Mapping) and not is_repeated:
            _merge(old, value, seen)
        elif key not in loaded or old != value or is_repeated:
            loaded[key] = written(value)
