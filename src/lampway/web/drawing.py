"""Pictures as shapes: where boxes and wires go on a drawing. Templates write them out as SVG."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lampway.domain.graph import MarkedEdge, MarkedNode, Picture, Side
from lampway.web.folding import FOLDED, fold

_HIGH = 30.0
_LONGEST = 26
_MARGIN = 24.0
_GAP = (70.0, 50.0)
Places = Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Box:
    """A node."""

    x: float
    y: float
    width: float
    height: float
    text: str
    """Its name, cut to fit."""
    full: str
    mark: str


@dataclass(frozen=True, slots=True)
class Wire:
    """A wire, as the data of a path."""

    path: str
    mark: str
    label: str = ""
    """Which way it is, in words; numbers of outputs are told by the place."""
    x: float = 0.0
    """Where the label begins: above what the wire leads to."""
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """One side of a picture."""

    view: str
    """The view box."""
    width: int
    """In points, at its natural size."""
    height: int
    boxes: tuple[Box, ...]
    wires: tuple[Wire, ...]
    words: str
    """The same for who cannot see it."""


def drawings(picture: Picture) -> tuple[Drawing | None, Drawing | None]:
    """Return both sides of a picture, in one frame so that the eye can compare them; large ones folded."""
    shown = fold(picture)
    sides = [side for side in (shown.before, shown.after) if side]
    places = _places(sides) if shown is picture else _columns(sides)
    boxes = [_box(node, places) for side in sides for node in side.nodes]
    left = min((b.x for b in boxes), default=0) - _MARGIN
    top = min((b.y for b in boxes), default=0) - _MARGIN
    right = max((b.x + b.width for b in boxes), default=0) + _MARGIN
    bottom = max((b.y + b.height for b in boxes), default=0) + _MARGIN
    frame = (left, top, right - left, bottom - top)
    return (
        _draw(shown.before, places, frame, _words(picture.before)) if shown.before and picture.before else None,
        _draw(shown.after, places, frame, _words(picture.after)) if shown.after and picture.after else None,
    )


def _places(sides: list[Side]) -> Places:
    """Return where nodes go that lie on top of each other, as in flows that a program wrote; empty where none do."""
    placed = [[(node.node.x, node.node.y) for node in side.nodes] for side in sides]
    if all(len(set(side)) == len(side) for side in placed):
        return {}
    return _columns(sides)


def _columns(sides: list[Side]) -> Places:
    """Return places in columns, each node in one after those that lead to it."""
    nodes = {node.node.id: node for side in sides for node in side.nodes}
    into: dict[str, set[str]] = {id_: set() for id_ in nodes}
    for side in sides:
        for wire in side.edges:
            into[wire.edge.target].add(wire.edge.source)
    places: dict[str, tuple[float, float]] = {}
    left, lower, rest = 0.0, 0.0, dict(into)
    while rest:
        column = [id_ for id_ in rest if not (into[id_] - {id_}) & rest.keys()] or [next(iter(rest))]
        width = max(_width(nodes[id_]) for id_ in column)
        for row, id_ in enumerate(column):
            places[id_] = (left + width / 2, row * _GAP[1] + lower)
            del rest[id_]
        left, lower = left + width + _GAP[0], _GAP[1] / 2 - lower  # so that a long wire shows beside what it passes
    return places


def _draw(side: Side, places: Places, frame: tuple[float, float, float, float], words: str) -> Drawing:
    boxes = {node.node.id: _box(node, places) for node in side.nodes}
    wires = tuple(_wire(e, boxes[e.edge.source], boxes[e.edge.target]) for e in side.edges)
    view = " ".join(f"{number:g}" for number in frame)
    return Drawing(view, round(frame[2]), round(frame[3]), tuple(boxes.values()), wires, words)


def _words(side: Side) -> str:
    marked = [f"{n.node.name} {n.mark}" for n in side.nodes if n.mark != "same"]
    same = len(side.nodes) - len(marked)
    return f"{', '.join(marked) or 'nothing marked'}; {same} unchanged; {len(side.edges)} wires"


def _cut(name: str) -> str:
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _width(marked: MarkedNode) -> float:
    return max(100.0, 8.0 * len(_cut(marked.node.name)) + 30.0)


def _box(marked: MarkedNode, places: Places) -> Box:
    node, width = marked.node, _width(marked)
    x, y = places.get(node.id, (node.x, node.y))
    full = node.name if node.name == node.type else f"{node.type} {node.name}"
    mark = str(marked.mark)
    told = node.type if node.id.startswith(FOLDED) else f"{full}: {mark}"
    return Box(x - width / 2, y - _HIGH / 2, width, _HIGH, _cut(node.name), told, mark)


def _wire(marked: MarkedEdge, source: Box, target: Box) -> Wire:
    label = "" if marked.edge.label.isdigit() else _cut(marked.edge.label)
    return Wire(
        _path(source, target),
        str(marked.mark),
        label=label,
        x=target.x + 2,
        y=target.y - 5,
    )


def _path(source: Box, target: Box) -> str:
    x1, y1 = source.x + source.width, source.y + source.height / 2
    x2, y2 = target.x, target.y + target.height / 2
    bend = max(40.0, abs(x2 - x1) / 2)
    return f"M{x1:g} {y1:g}C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2:g} {y2:g}"
