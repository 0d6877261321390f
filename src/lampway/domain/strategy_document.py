"""The strategy as a document that people sign: what it says, in blocks that each format shows in its own way.

Every text in it is plain. Nothing in it is markup, whatever it looks like: escaping is each format's own duty.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, Generic, TypeAlias, TypeVar, assert_never

FORMATS = ("html", "pdf", "docx", "md")
T = TypeVar("T")
B_co = TypeVar("B_co", covariant=True)
C = TypeVar("C")


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Running text."""

    text: str


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Grid:
    """A table."""

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    """Shares of the width, one per column."""
    empty: str = ""
    """What is said where there are no rows."""


@dataclass(frozen=True, slots=True)
class Meter:
    """A share of 100, with what it is of."""

    label: str
    value: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Meters:
    """Several shares below each other."""

    meters: tuple[Meter, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """An environment in the picture."""

    name: str
    tier: str
    note: str
    """Such as `locked` or `masked data`."""
    is_last: bool


@dataclass(frozen=True, slots=True)
class Lane:
    """A pipeline in the picture: places from left to right, with what stands before each."""

    name: str
    places: tuple[Place, ...]
    steps: tuple[str, ...]
    """Between two places, such as `8 gates`; one fewer than places."""


@dataclass(frozen=True, slots=True)
class Topology:
    """The picture of all paths."""

    lanes: tuple[Lane, ...]
    aside: tuple[Place, ...] = ()
    """Places that no path goes through."""


Block: TypeAlias = Paragraph | Bullets | Grid | Meters | Topology


@dataclass(frozen=True, slots=True)
class PackedBlock:
    """A block as it travels: exactly one of these is there."""

    paragraph: Paragraph | None = None
    bullets: Bullets | None = None
    grid: Grid | None = None
    meters: Meters | None = None
    topology: Topology | None = None


@dataclass(frozen=True, slots=True)
class Part(Generic[B_co]):
    """A titled part of a section, in blocks of some form."""

    title: str
    blocks: tuple[B_co, ...]


@dataclass(frozen=True, slots=True)
class Chapter(Generic[B_co]):
    """A numbered section."""

    title: str
    parts: tuple[Part[B_co], ...]
    """A part without a title comes first, where there is one."""


@dataclass(frozen=True, slots=True)
class Document(Generic[B_co]):
    """The whole document."""

    title: str
    team: str
    facts: tuple[tuple[str, str], ...]
    """What stands on the cover: owning team, next review, commit in force."""
    chapters: tuple[Chapter[B_co], ...]
    signatures: tuple[str, ...]
    """Who signs, one line each."""
    is_draft: bool = False


@dataclass(frozen=True, slots=True)
class StrategyDocument(Document[Block]):
    """The whole document, in blocks."""


@dataclass(frozen=True, slots=True)
class PackedDocument(Document[PackedBlock]):
    """The whole document as it travels: JSON alone does not tell a list from a table."""


def in_form(chapters: Iterable[Chapter[B_co]], form: Callable[[B_co], Iterable[C]]) -> tuple[Chapter[C], ...]:
    """Return the same chapters with their blocks in another form; of one block there can be several."""
    return tuple(
        Chapter(c.title, tuple(Part(p.title, tuple(made for b in p.blocks for made in form(b))) for p in c.parts))
        for c in chapters
    )


def pack(document: StrategyDocument) -> PackedDocument:
    """Return the document as it travels; `unpack` makes the same of it again."""
    chapters = in_form(document.chapters, lambda block: (_packed(block),))
    return PackedDocument(
        document.title, document.team, document.facts, chapters, document.signatures, document.is_draft
    )


def _packed(block: Block) -> PackedBlock:
    match block:
        case Paragraph():
            return PackedBlock(paragraph=block)
        case Bullets():
            return PackedBlock(bullets=block)
        case Grid():
            return PackedBlock(grid=block)
        case Meters():
            return PackedBlock(meters=block)
        case Topology():
            return PackedBlock(topology=block)
        case _:
            assert_never(block)


def unpack(packed: PackedDocument) -> StrategyDocument:
    """Return the document that was packed."""
    chapters = in_form(packed.chapters, lambda block: (_unpacked(block),))
    return StrategyDocument(packed.title, packed.team, packed.facts, chapters, packed.signatures, packed.is_draft)


def _unpacked(packed: PackedBlock) -> Block:
    kinds = (packed.paragraph, packed.bullets, packed.grid, packed.meters, packed.topology)
    (block,) = [kind for kind in kinds if kind is not None]
    return block


def cleaned(value: T) -> T:
    """Return the same with every character taken out that no document may hold: controls, halves, and bidi tricks."""
    return _cleaned(value)  # type: ignore[no-any-return]


def _cleaned(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, tuple):
        return tuple(_cleaned(item) for item in value)
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{f.name: _cleaned(getattr(value, f.name)) for f in fields(value)})
    return value


def _text(text: str) -> str:
    joined = " ".join(text.split())
    return "".join("\N{REPLACEMENT CHARACTER}" if _is_forbidden(c) else c for c in joined)


def _is_forbidden(character: str) -> bool:
    if unicodedata.category(character) in ("Cc", "Cs", "Cn", "Co"):
        return True
    return unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")


def joined(words: Iterable[str], last: str = "and") -> str:
    """Return words as people list them: *a, b and c*."""
    found = [word for word in words if word]
    return f"{', '.join(found[:-1])} {last} {found[-1]}" if len(found) > 1 else "".join(found)
