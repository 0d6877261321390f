"""Large canvases on a page: unchanged nodes that lie together, away from any change, are drawn as one.

Only canvases whose places were made up are folded: what a maker laid out stays as they know it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from lampway.domain.graph import GraphEdge, GraphNode, Mark, MarkedEdge, MarkedNode, Picture, Side

FOLDED = "folded:"
"""What the id of a node begins with that stands for several."""
_SMALL = 10
_Neighbours = Mapping[str, set[str]]


def fold(picture: Picture) -> Picture:
    """Return a picture with what is unchanged folded; the same one where it is small, or laid out by a maker."""
    sides = [side for side in (picture.before, picture.after) if side]
    if not picture.is_arranged or max(len(side.nodes) for side in sides) <= _SMALL or not _marked(sides):
        return picture
    follow = _following(sides)
    away = {node.node.id for side in sides for node in side.nodes} - _close(sides)
    stands_for: dict[str, str] = {}
    for group in list(_together(away, follow)):
        if len(group) > 1 and not _is_passed(group, follow):
            stands_for.update(dict.fromkeys(group, f"{FOLDED}{min(group)}"))
            follow = _moved(follow, stands_for)
    return replace(
        picture,
        before=_folded(picture.before, stands_for) if picture.before else None,
        after=_folded(picture.after, stands_for) if picture.after else None,
    )


def _marked(sides: Iterable[Side]) -> set[str]:
    """Return the nodes that differ, and both ends of every wire that does."""
    nodes = {node.node.id for side in sides for node in side.nodes if node.mark is not Mark.SAME}
    wires = [wire.edge for side in sides for wire in side.edges if wire.mark is not Mark.SAME]
    return nodes | {end for wire in wires for end in (wire.source, wire.target)}


def _close(sides: list[Side]) -> set[str]:
    """Return what differs, and what comes right before it."""
    marked = _marked(sides)
    return marked | {wire.edge.source for side in sides for wire in side.edges if wire.edge.target in marked}


def _following(sides: Iterable[Side]) -> dict[str, set[str]]:
    follow: dict[str, set[str]] = {node.node.id: set() for side in sides for node in side.nodes}
    for side in sides:
        for wire in side.edges:
            follow[wire.edge.source].add(wire.edge.target)
    return follow


def _moved(follow: _Neighbours, stands_for: Mapping[str, str]) -> dict[str, set[str]]:
    """Return what follows what, with nodes replaced by what stands for them."""
    moved: dict[str, set[str]] = {}
    for id_, after in follow.items():
        one = stands_for.get(id_, id_)
        moved.setdefault(one, set()).update({stands_for.get(target, target) for target in after} - {one})
    return moved


def _together(away: set[str], follow: _Neighbours) -> Iterator[set[str]]:
    """Yield nodes that hang together without passing any that is close to a change."""
    beside: dict[str, set[str]] = {id_: set() for id_ in away}
    for source in away:
        for target in follow[source] & away:
            beside[source].add(target)
            beside[target].add(source)
    left = set(away)
    while left:
        group = _reached({min(left)}, beside)
        left -= group
        yield group


def _reached(start: set[str], way: _Neighbours) -> set[str]:
    """Return what can be reached, with where it starts."""
    seen, next_ = set(start), list(start)
    while next_:
        new = way.get(next_.pop(), set()) - seen
        seen |= new
        next_ += new
    return seen


def _is_passed(group: set[str], follow: _Neighbours) -> bool:
    """Return whether a way leads out of a group and into it again: one box for it would tell a wrong order."""
    outside = {id_: after for id_, after in follow.items() if id_ not in group}
    leaves = {target for id_ in group for target in follow[id_] if target not in group}
    return bool(_reached(leaves, outside) & group)


def _folded(side: Side, stands_for: Mapping[str, str]) -> Side:
    names: dict[str, list[str]] = {}
    for node in side.nodes:
        if node.node.id in stands_for:
            names.setdefault(stands_for[node.node.id], []).append(node.node.name)
    nodes = {}
    for marked in side.nodes:
        id_ = stands_for.get(marked.node.id, "")
        nodes[id_ or marked.node.id] = _one(id_, names[id_], marked.node) if id_ else marked
    edges: dict[GraphEdge, MarkedEdge] = {}
    for wire in side.edges:
        source, target = (stands_for.get(end, end) for end in (wire.edge.source, wire.edge.target))
        if source != target or source == wire.edge.source:
            moved = GraphEdge(source, target, wire.edge.label)
            edges.setdefault(moved, replace(wire, edge=moved))
    return Side(tuple(nodes.values()), tuple(edges.values()))


def _one(id_: str, names: list[str], like: GraphNode) -> MarkedNode:
    """Return the node that stands for several; its type is who they are."""
    return MarkedNode(GraphNode(id_, f"⋯ {len(names)} unchanged", ", ".join(names), like.x, like.y), Mark.SAME)
