"""Graphs: what a maker sees on a canvas, in shapes that hold for every platform, and what two of them differ in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from lampway.domain.package import Diff


@dataclass(frozen=True, slots=True)
class GraphNode:
    """A node on a canvas."""

    id: str
    """The component's own; of a part of one, the component's with the way to it, as the paths of edits have it."""
    name: str
    type: str
    """The platform's own word."""
    x: float
    """Of its middle, in points, as the maker put it."""
    y: float


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """A wire from one node to another."""

    source: str
    target: str
    label: str = ""
    """Which way out it is, where there are several."""


@dataclass(frozen=True, slots=True)
class Graph:
    """One canvas."""

    id: str
    title: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...] = ()
    is_arranged: bool = False
    """Whether the platform keeps no places, so that these were made up."""


class Mark(StrEnum):
    """What became of something between before and after."""

    SAME = "same"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class MarkedNode:
    """A node, with what became of it."""

    node: GraphNode
    mark: Mark
    edits: tuple[str, ...] = ()
    """What is different in it, one line each, in a maker's words."""


@dataclass(frozen=True, slots=True)
class MarkedEdge:
    """A wire, with what became of it."""

    edge: GraphEdge
    mark: Mark


@dataclass(frozen=True, slots=True)
class Side:
    """A canvas as it was, or as it is to be."""

    nodes: tuple[MarkedNode, ...]
    edges: tuple[MarkedEdge, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A canvas before and after."""

    id: str
    title: str
    mark: Mark
    before: Side | None
    """None where it was not there."""
    after: Side | None
    """None where it is gone."""
    is_arranged: bool = False
    """Whether the places were made up."""


def pictures(old: Sequence[Graph], new: Sequence[Graph], diff: Diff) -> tuple[Picture, ...]:
    """Return every canvas of which something differs, in the order of the new ones, then those that are gone.

    A node differs where the diff says so: what only moved is the same.
    """
    before, after = {g.id: g for g in old}, {g.id: g for g in new}
    edits = _edits(diff, {node.id for graph in (*old, *new) for node in graph.nodes})
    found = [_picture(before.get(id_), after.get(id_), edits) for id_ in dict.fromkeys([*after, *before])]
    return tuple(picture for picture in found if picture.mark is not Mark.SAME)


def _edits(diff: Diff, known: set[str]) -> dict[str, tuple[str, ...]]:
    """Return what is told of each node, or of the component where none of its nodes is meant."""
    found: dict[str, list[str]] = {}
    for change in diff.changed:
        whole = change.component.id
        for edit in change.edits:
            place = f"{whole}/{edit.path}"
            while place not in known and len(place) > len(whole):
                place = place.rpartition("/")[0]
            found.setdefault(place if place in known else whole, []).append(edit.summary)
    return {place: tuple(summaries) for place, summaries in found.items()}


def _picture(old: Graph | None, new: Graph | None, edits: dict[str, tuple[str, ...]]) -> Picture:
    left = _side(old, new, Mark.REMOVED, edits) if old else None
    right = _side(new, old, Mark.ADDED, edits) if new else None
    named = new or old
    if named is None:
        raise ValueError("a picture of nothing")
    mark = _mark(named.id, left, right, edits)
    return Picture(named.id, named.title, mark, left, right, is_arranged=named.is_arranged)


def _mark(id_: str, left: Side | None, right: Side | None, edits: dict[str, tuple[str, ...]]) -> Mark:
    if left is None or right is None:
        return Mark.ADDED if left is None else Mark.REMOVED
    marks = {n.mark for side in (left, right) for n in side.nodes} | {
        e.mark for side in (left, right) for e in side.edges
    }
    return Mark.CHANGED if id_ in edits or marks - {Mark.SAME} else Mark.SAME


def _side(this: Graph, other: Graph | None, alone: Mark, edits: dict[str, tuple[str, ...]]) -> Side:
    nodes = {n.id for n in other.nodes} if other else set()
    edges = {(e.source, e.target, e.label) for e in other.edges} if other else set()
    return Side(
        tuple(
            MarkedNode(
                n, alone if n.id not in nodes else Mark.CHANGED if n.id in edits else Mark.SAME, edits.get(n.id, ())
            )
            for n in this.nodes
        ),
        tuple(MarkedEdge(e, Mark.SAME if (e.source, e.target, e.label) in edges else alone) for e in this.edges),
    )
