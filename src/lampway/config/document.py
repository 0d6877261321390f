"""Reads YAML 1.2 as JSON values, with the line and column of every key and value.

Governance files come from people and from pull requests of strangers, so nothing in them may crash, hang or surprise:
every fault becomes a mistake with its place. Text stays text (`2027-05-01` is no date, `yes` no boolean), and what
JSON cannot say (tags, infinite numbers, keys that are lists) is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from lampway.errors import Mistake

if TYPE_CHECKING:  # loading ruamel takes longer than most commands need in all
    from ruamel.yaml.error import StringMark
    from ruamel.yaml.events import Event, NodeEvent, ScalarEvent

Path: TypeAlias = tuple[str | int, ...]
"""Where a value is: keys and positions from the top of the file."""
Place: TypeAlias = tuple[int, int]
"""Line and column, both counted from 1."""

LARGEST = 1024 * 1024
"""Bytes a governance file may have."""
DEEPEST = 40
"""Levels that values may be nested."""
MOST_ALIASES = 100
MOST_EXPANDED = 10_000
"""Values that aliases may repeat, all together."""
LONGEST_NUMBER = 100
"""Digits; far beyond what any platform keeps."""

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", re.ASCII)
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
_NOT_JSON = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_UNPRINTABLE = re.compile("[\x00\ud800-\udfff]")
_HINTS = (
    ("found character '\\t'", "indent with spaces, not with tabs"),
    ("mapping values are not allowed here", "put text that contains a colon and a space in quotes"),
    ("found character '@'", "put text that begins with this character in quotes"),
    ("found character '`'", "put text that begins with this character in quotes"),
    ("found unexpected end of stream", "a quote that was opened is never closed"),
    ("found unknown escape character", "use single quotes, in which a backslash is just a backslash"),
    ("expected ',' or ']'", "a bracket that was opened is never closed, or a comma is missing"),
    ("expected ',' or '}'", "a brace that was opened is never closed, or a comma is missing"),
    ("could not find expected ':'", "write `key: value`, with a space after the colon"),
    ("expected <block end>", "this line is indented by a different number of spaces than those it belongs to"),
)


@dataclass(frozen=True, slots=True)
class Document:
    """A file as it was read: plain values, and where each one stands."""

    file: str
    value: Any = None
    """What JSON knows; None when the file could not be read at all."""
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: tuple[Mistake, ...] = ()
    """What is wrong with the file as YAML."""

    def at(self, *path: str | int) -> Any:
        """Return the value at `path`, or None where there is none."""
        found = self.value
        for part in path:
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and isinstance(part, int) and part < len(found):
                found = found[part]
            else:
                return None
        return found

    def names(self, *path: str | int) -> tuple[str, ...] | None:
        """Return the keys of the mapping at `path`; None where there is no readable mapping, so that nobody judges."""
        found = self.at(*path)
        return tuple(found) if isinstance(found, dict) else None

    def words(self, *path: str | int) -> tuple[str, ...] | None:
        """Return the texts in the list at `path`; None where there is no readable list."""
        found = self.at(*path)
        return tuple(item for item in found if isinstance(item, str)) if isinstance(found, list) else None

    def items(self, *path: str | int) -> tuple[tuple[Path, Any], ...]:
        """Return the items of the list at `path`, each with its own path; nothing where there is no list."""
        found = self.at(*path)
        return tuple(((*path, index), item) for index, item in enumerate(found)) if isinstance(found, list) else ()

    def mistake(self, path: Path, message: str, hint: str = "", *, at_key: bool = False) -> Mistake:
        """Return a mistake about the value (or the key) at `path`, or else about the nearest thing that holds it."""
        while path:
            place = self.keys.get(path) if at_key else self.values.get(path)
            place = place or self.keys.get(path) or self.values.get(path)
            if place:
                return Mistake(self.file, *place, message, hint)
            path, at_key = path[:-1], True
        return Mistake(self.file, 0, 0, message, hint)


def read_document(file: str, content: bytes) -> Document:
    """Read one file. Never raises for what is in it: mistakes are in the document."""
    text, mistake = _decode(file, content)
    if mistake is not None:
        return Document(file, mistakes=(mistake,))
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.main import YAML
    from ruamel.yaml.reader import ReaderError

    builder = _Builder(file, iter(()))
    try:
        builder.events = YAML(typ="safe", pure=True).parse(text)
        value = builder.document()
    except _Unreadable as fault:
        return Document(file, mistakes=(*builder.mistakes, fault.mistake))
    except MarkedYAMLError as error:
        return Document(file, mistakes=(*builder.mistakes, _syntax_mistake(file, error)))
    except ReaderError as error:
        return Document(file, mistakes=(_character_mistake(file, text, int(error.position)),))
    except (YAMLError, ArithmeticError, LookupError, ValueError, AttributeError, TypeError, AssertionError) as error:
        # the parser trips over some malformed directives and escapes instead of saying what is wrong with them
        return Document(file, mistakes=(Mistake(file, 0, 0, f"not YAML: {type(error).__name__} while reading"),))
    return Document(file, value, builder.values, builder.keys, tuple(builder.mistakes))


class _Unreadable(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, mistake: Mistake) -> None:
        super().__init__(mistake.message)
        self.mistake = mistake


@dataclass(slots=True)
class _Builder:
    """Turns parse events into values, noting places on the way."""

    file: str
    events: Iterator[Event]
    values: dict[Path, Place] = field(default_factory=dict)
    keys: dict[Path, Place] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    anchors: dict[str, tuple[Path, Any]] = field(default_factory=dict)
    opened: set[str] = field(default_factory=set)
    aliases: int = 0
    expanded: int = 0

    def document(self) -> Any:
        """Return the mapping that the one document of the file is."""
        from ruamel.yaml.events import DocumentStartEvent, MappingStartEvent, StreamEndEvent

        next(self.events)
        start = next(self.events)
        if isinstance(start, StreamEndEvent):
            raise _Unreadable(Mistake(self.file, 0, 0, "the file is empty", "`lampway init` shows what belongs in it"))
        if isinstance(start, DocumentStartEvent) and start.version not in (None, (1, 2)):
            self.stop(start, "only YAML 1.2 is read", "remove the %YAML line")
        first = next(self.events)
        if not isinstance(first, MappingStartEvent):
            self.stop(first, "the file must hold keys with values", "write lines such as `key: value`")
        value = self.node(first, ())
        next(self.events)
        extra = next(self.events)
        if not isinstance(extra, StreamEndEvent):
            self.stop(extra, "a second document begins here", "keep one document per file: remove the `---` line")
        return value

    def node(self, event: Event, path: Path) -> Any:
        """Return the value that begins with `event`."""
        from ruamel.yaml.events import AliasEvent, MappingStartEvent, NodeEvent, ScalarEvent

        assert isinstance(event, NodeEvent)  # noqa: S101 - the parser's grammar
        if not isinstance(event, ScalarEvent) or event.value or event.style:
            self.values[path] = _place(event.start_mark)  # nothing at all is said to stand where the next thing does
        if len(path) > DEEPEST:
            self.stop(event, f"nested more than {DEEPEST} levels deep")
        if isinstance(event, AliasEvent):
            return self.alias(event, path)
        if getattr(event, "tag", None) is not None:
            hint = "remove the tag, or put text that begins with ! in quotes"
            self.mistakes.append(self.fault(event, "tags are not read", hint))
        if event.anchor:
            self.opened.add(event.anchor)
            self.anchors.pop(event.anchor, None)
        if isinstance(event, ScalarEvent):
            value = self.scalar(event)
        elif isinstance(event, MappingStartEvent):
            value = self.mapping(path)
        else:
            value = self.sequence(path)
        if event.anchor:
            self.opened.discard(event.anchor)
            self.anchors[event.anchor] = (path, value)
        return value

    def sequence(self, path: Path) -> list[Any]:
        """Return the items up to the end of the list."""
        from ruamel.yaml.events import SequenceEndEvent

        found: list[Any] = []
        while not isinstance(event := next(self.events), SequenceEndEvent):
            found.append(self.node(event, (*path, len(found))))
        return found

    def mapping(self, path: Path) -> dict[str, Any]:
        """Return the keys and values up to the end of the mapping; of two equal keys the first one stays."""
        from ruamel.yaml.events import MappingEndEvent, ScalarEvent

        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), MappingEndEvent):
            if not isinstance(event, ScalarEvent):
                self.stop(event, "a key must be plain text")
            key = self.key(event)
            if key in found:
                line = self.keys[(*path, key)][0]
                self.mistakes.append(
                    self.fault(event, f"key given twice: {key}", f"it is already in line {line}; keep one of them")
                )
                self.node(next(self.events), (*path, f"{key} again"))
                continue
            self.keys[(*path, key)] = _place(event.start_mark)
            found[key] = self.node(next(self.events), (*path, key))
        return found

    def key(self, event: ScalarEvent) -> str:
        """Return a key as it is written, so that `404` or `on` are keys like any other."""
        if event.implicit[0] and event.value == "<<":
            self.stop(event, "merge keys are not read", "write the keys out instead of `<<`")
        if event.implicit[0] and event.value in _NULL:
            self.stop(event, "a key is empty", "write its name before the colon")
        return self.text(event)

    def text(self, event: ScalarEvent) -> str:
        """Return text that every platform and store can keep."""
        if _UNPRINTABLE.search(event.value):
            self.mistakes.append(self.fault(event, "text with a character that cannot be stored"))
            return _UNPRINTABLE.sub("\ufffd", event.value)
        return str(event.value)

    def scalar(self, event: ScalarEvent) -> Any:
        """Return what a scalar means by the core schema of YAML 1.2."""
        text = event.value
        if not event.implicit[0]:
            return self.text(event)
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        return self.text(event) if reads_as_text(text) else self.number(event)

    def number(self, event: ScalarEvent) -> int | float:
        """Return a number that JSON can say."""
        text = event.value
        if len(text) > LONGEST_NUMBER:
            self.mistakes.append(self.fault(event, "a number with too many digits", "put it in quotes if it is text"))
            return 0
        if _INTEGER.fullmatch(text):
            base = {"0o": 8, "0x": 16}.get(text[:2], 10)
            return int(text, base)
        value = float(text) if _FLOAT.fullmatch(text) else math.inf
        if not math.isfinite(value):
            self.mistakes.append(self.fault(event, "a number that is not finite", "put it in quotes if it is text"))
            return 0
        return value

    def alias(self, event: NodeEvent, path: Path) -> Any:
        """Return what an alias stands for; its values keep the places where they are written."""
        name = event.anchor or ""
        if name in self.opened:
            self.stop(event, "alias stands inside of what it repeats")
        if name not in self.anchors:
            self.stop(event, "alias without an anchor", "put text that begins with * in quotes")
        self.aliases += 1
        source, value = self.anchors[name]
        size = len(source)
        inner = [p for p in self.values if len(p) > size and p[:size] == source]
        self.expanded += len(inner) + 1
        if self.aliases > MOST_ALIASES or self.expanded > MOST_EXPANDED:
            self.stop(event, "too many aliases", "write the values out")
        for old in inner:
            new = (*path, *old[size:])
            if len(new) > DEEPEST:
                self.stop(event, f"nested more than {DEEPEST} levels deep")
            self.values[new] = self.values[old]
            if old in self.keys:
                self.keys[new] = self.keys[old]
        return value

    def fault(self, event: Event, message: str, hint: str = "") -> Mistake:
        """Return a mistake at an event."""
        return Mistake(self.file, *_place(event.start_mark), message, hint)

    def stop(self, event: Event, message: str, hint: str = "") -> NoReturn:
        """Give up on the file."""
        raise _Unreadable(self.fault(event, message, hint))


def reads_as_text(plain: str) -> bool:
    """Return whether this, written without quotes, would be read as text and not as a number or the like."""
    patterns = (_INTEGER, _FLOAT, _NOT_JSON)
    return plain not in _NULL | _TRUE | _FALSE and not any(pattern.fullmatch(plain) for pattern in patterns)


def _place(mark: StringMark) -> Place:
    return mark.line + 1, mark.column + 1


def _decode(file: str, content: bytes) -> tuple[str, Mistake | None]:
    if len(content) > LARGEST:
        return "", Mistake(file, 0, 0, f"larger than {LARGEST // 1024} KiB", "a governance file is a few pages at most")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start].decode("utf-8", errors="replace")
        return "", Mistake(file, *_position(before), "not UTF-8", "save the file in the encoding UTF-8")
    return text, None


def _position(before: str) -> Place:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _character_mistake(file: str, text: str, position: int) -> Mistake:
    message = f"character not allowed: U+{ord(text[position]):04X}"
    return Mistake(file, *_position(text[:position]), message, "remove it")


def _syntax_mistake(file: str, error: Any) -> Mistake:
    mark = error.problem_mark or error.context_mark
    problem = str(error.problem or error.context or "cannot be read")
    place: Sequence[int] = _place(mark) if mark else (0, 0)
    hint = next((hint for part, hint in _HINTS if part in problem), "")
    return Mistake(file, place[0], place[1], f"not YAML: {problem}", hint)
