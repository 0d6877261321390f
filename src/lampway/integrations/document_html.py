"""The strategy as one HTML file: prints well, is light or dark as its reader likes, and loads nothing from anywhere."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import assert_never

from lampway.domain.strategy_document import (
    Block,
    Bullets,
    Grid,
    Meters,
    Paragraph,
    Place,
    StrategyDocument,
    Topology,
)
from lampway.integrations.documents import PAGES

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
_WIDTH, _HEIGHT, _GAP, _TOP = 204, 84, 84, 30
_STATES = ("yes", "partly", "no")


def as_html(document: StrategyDocument) -> str:
    """Return the page."""
    style = (PAGES / "page.css").read_text(encoding="utf-8")
    title = f"{_text(document.title)} – {_text(document.team)}"
    draft = '<p class="draft">Draft: not in force</p>' if document.is_draft else ""
    facts = "".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in document.facts)
    links = "".join(
        f'<a href="#c{n}"><span class="number">{n}</span>{_text(chapter.title)}</a>'
        for n, chapter in enumerate(document.chapters, 1)
    )
    signs = "".join(f"<div>{_text(who)}, date</div>" for who in document.signatures)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{style}</style>\n</head>\n<body>\n"
        f'<header>\n<p class="by">{_text(document.team)}</p>\n<h1>{_text(document.title)}</h1>\n{draft}\n'
        f"<dl>{facts}</dl>\n</header>\n<nav>{links}</nav>\n<main>\n{_chapters(document)}</main>\n"
        f'<div class="sign">{signs}</div>\n</body>\n</html>\n'
    )


def _chapters(document: StrategyDocument) -> str:
    parts = []
    for number, chapter in enumerate(document.chapters, 1):
        title = f'<span class="number">{number}</span>{_text(chapter.title)}'
        parts.append(f'<section>\n<h2 id="c{number}">{title}</h2>\n')
        for part in chapter.parts:
            parts.append(f"<h3>{_text(part.title)}</h3>\n" if part.title else "")
            parts += [_block(block) for block in part.blocks]
        parts.append("</section>\n")
    return "".join(parts)


def _block(block: Block) -> str:
    match block:
        case Paragraph(text):
            return f"<p>{_text(text)}</p>\n"
        case Bullets(items):
            return f"<ul>{''.join(f'<li>{_text(item)}</li>' for item in items)}</ul>\n"
        case Grid():
            return _grid(block)
        case Meters(meters):
            rows = "".join(
                f'<div class="meter"><span>{_text(m.label)}</span><span class="bar">'
                f'<i style="width:{m.value}%"></i></span><b>{m.value} %</b><span>{_text(m.note)}</span></div>'
                for m in meters
            )
            return f'<div class="meters">{rows}</div>\n'
        case Topology():
            return f"<figure>{topology_svg(block)}</figure>\n"
        case _:
            assert_never(block)


def _grid(grid: Grid) -> str:
    if not grid.rows:
        return f'<p class="empty">{_text(grid.empty)}</p>\n'
    total = sum(grid.widths)
    columns = "".join(f'<col style="width:{100 * width / total:.1f}%">' for width in grid.widths)
    heads = "".join(f"<th>{_text(head)}</th>" for head in grid.heads)
    rows = "".join(
        f"<tr>{''.join(_cell(*pair) for pair in zip(grid.heads, row, strict=True))}</tr>" for row in grid.rows
    )
    many = ' class="many"' if len(grid.heads) > 5 else ""
    table = f"<table{many}><colgroup>{columns}</colgroup><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    return f'<div class="wide">{table}</div>\n'


def _cell(head: str, text: str) -> str:
    word = text.partition(" ")[0]
    if head == "Today":
        return f'<td class="tag {word if word in _STATES else ""}">{_text(text)}</td>'
    return f"<td>{_text(text)}</td>"


def topology_svg(picture: Topology) -> str:
    """Return the picture of all paths: a lane for each, boxes from left to right, the last tier in a colour."""
    most = max((len(lane.places) for lane in picture.lanes), default=1)
    most = max(most, 3 if picture.aside else 1)
    width = most * _WIDTH + (most - 1) * _GAP + 4
    parts, top = [], 4
    for lane in picture.lanes:
        parts.append(f'<text class="soft" x="2" y="{top + 14}">{_short(lane.name, 60)}</text>')
        for number, place in enumerate(lane.places):
            left = 2 + number * (_WIDTH + _GAP)
            parts.append(_box(place, left, top + _TOP, "last" if place.is_last else "box"))
            if number:
                parts.append(_arrow(left, top + _TOP, lane.steps[number - 1]))
        top += _TOP + _HEIGHT + 22
    if picture.aside:
        parts.append(f'<text class="soft" x="2" y="{top + 14}">beside every path</text>')
        for number, place in enumerate(picture.aside):
            row, column = divmod(number, most)
            parts.append(_box(place, 2 + column * (_WIDTH + _GAP), top + _TOP + row * (_HEIGHT + 14), "aside"))
        top += _TOP + (1 + (len(picture.aside) - 1) // most) * (_HEIGHT + 14)
    names = ", ".join(" to ".join(place.name for place in lane.places) for lane in picture.lanes)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top + 4}" width="{width}" role="img" '
        f'aria-label="{_text(f"paths: {names}")}">{"".join(parts)}</svg>'
    )


def _box(place: Place, left: int, top: int, kind: str) -> str:
    lines: Iterable[tuple[str, str, int]] = (
        ("tier", _short(place.tier.upper(), 24), 22),
        ("name", _short(place.name, 19), 46),
        ("soft", _short(place.note, 28), 67),
    )
    texts = "".join(
        f'<text class="{name}" x="{left + 14}" y="{top + down}">{text}</text>' for name, text, down in lines
    )
    return f'<rect class="{kind}" x="{left}" y="{top}" width="{_WIDTH}" height="{_HEIGHT}" rx="5"/>{texts}'


def _arrow(left: int, top: int, step: str) -> str:
    start, end, middle = left - _GAP + 10, left - 10, top + _HEIGHT // 2
    label = (
        f'<text class="soft" x="{(start + end) // 2}" y="{middle - 9}" text-anchor="middle">{_short(step, 14)}</text>'
    )
    head = f"M{end - 7} {middle - 5} L{end} {middle} L{end - 7} {middle + 5}"
    return f'{label}<path d="M{start} {middle} H{end} {head}"/>'


def _short(text: str, most: int) -> str:
    return _text(text if len(text) <= most else f"{text[: most - 1]}…")


def _text(text: str) -> str:
    return html.escape(text, quote=True)
