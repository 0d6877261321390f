"""The strategy as Markdown, for wikis and reviews. Nothing that comes from a file can become a heading, link or tag."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import assert_never

from lampway.domain.strategy_document import Block, Bullets, Grid, Meters, Paragraph, StrategyDocument, Topology

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&@]|:(?=//)|(?<=www)\.)")
_FIRST = re.compile(r"^(\d+)([.)])|^([-+=])")


def as_markdown(document: StrategyDocument) -> str:
    """Return the text."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: StrategyDocument) -> Iterator[str]:
    yield from (f"# {_text(document.title)}", "", f"**{_text(document.team)}**", "")
    if document.is_draft:
        yield from ("> Draft: not in force", "")
    yield from ("| | |", "|---|---|")
    yield from (f"| {_text(name)} | {_text(value)} |" for name, value in document.facts)
    for number, chapter in enumerate(document.chapters, 1):
        yield from ("", f"## {number} {_text(chapter.title)}", "")
        for part in chapter.parts:
            if part.title:
                yield from (f"### {_text(part.title)}", "")
            for block in part.blocks:
                yield from (*_block(block), "")
    yield from ("---", "")
    yield from (f"- \\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_ {_text(who)}, date" for who in document.signatures)


def _block(block: Block) -> Iterator[str]:
    match block:
        case Paragraph(text):
            yield _text(text)
        case Bullets(items):
            yield from (f"- {_text(item)}" for item in items)
        case Grid(heads=heads, rows=rows):
            yield from _table(heads, rows) if rows else (f"*{_text(block.empty)}*",)
        case Meters(meters):
            rows = tuple((m.label, f"{m.value} %", m.note) for m in meters)
            yield from _table(("Area", "Score", "Met"), rows)
        case Topology():
            yield from _paths(block)
        case _:
            assert_never(block)


def _table(heads: tuple[str, ...], rows: tuple[tuple[str, ...], ...]) -> Iterator[str]:
    yield f"| {' | '.join(_text(head) for head in heads)} |"
    yield f"|{'---|' * len(heads)}"
    yield from (f"| {' | '.join(_text(cell) for cell in row)} |" for row in rows)


def _paths(picture: Topology) -> Iterator[str]:
    """Yield each path as a line: `dev (dev) ──3 gates──▶ test (test)`."""
    for lane in picture.lanes:
        shown = [f"**{_text(place.name)}** ({_text(place.tier)}, {_text(place.note)})" for place in lane.places]
        way = "".join(f" ──{_text(step)}──▶ {place}" for step, place in zip(lane.steps, shown[1:], strict=True))
        yield f"- {_text(lane.name)}: {shown[0]}{way}"
    for place in picture.aside:
        yield f"- beside every path: **{_text(place.name)}** ({_text(place.tier)}, {_text(place.note)})"


def _text(text: str) -> str:
    """Return text in which no character means anything but itself."""
    escaped = _SPECIAL.sub(r"\\\1", text)
    return _FIRST.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", escaped)
