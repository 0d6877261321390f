"""What became of nodes and wires between two canvases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.graph import Graph, GraphEdge, GraphNode, Mark, pictures
from lampway.domain.package import Change, Component, Diff, Edit

NAMES = st.sets(st.sampled_from("abcdef"), min_size=1)


def graph(names: set[str], edges: tuple[tuple[str, str], ...] = ()) -> Graph:
    wires = tuple(GraphEdge(a, b) for a, b in edges if {a, b} <= names)
    return Graph("t1", "Orders", tuple(GraphNode(n, n.title(), "function", 1.0, 2.0) for n in sorted(names)), wires)


@given(NAMES, NAMES, st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), max_size=8, unique=True))
def test_a_mark_says_on_which_side_something_is(old: set[str], new: set[str], wires: list[tuple[str, str]]) -> None:
    drawn = pictures([graph(old, tuple(wires[::2]))], [graph(new, tuple(wires[1:]))], Diff())
    if not drawn:
        assert old == new
        return
    (picture,) = drawn
    assert picture.before
    assert picture.after
    assert {n.node.id for n in picture.before.nodes if n.mark is Mark.REMOVED} == old - new
    assert {n.node.id for n in picture.after.nodes if n.mark is Mark.ADDED} == new - old
    kept = {(e.edge.source, e.edge.target) for e in picture.before.edges if e.mark is Mark.SAME}
    assert kept == {(e.edge.source, e.edge.target) for e in picture.after.edges if e.mark is Mark.SAME}


def test_what_only_moved_is_no_difference_and_what_the_diff_tells_is_marked_on_both_sides() -> None:
    before = graph({"a", "b"})
    moved = Graph("t1", "Orders", tuple(GraphNode(n.id, n.name, n.type, 9.0, 9.0) for n in before.nodes))
    assert pictures([before], [moved], Diff()) == ()
    told = Diff(changed=(Change(Component("function", "A", "a", "x"), (Edit("func", "code changed"),)),))
    (picture,) = pictures([before], [moved], told)
    for side in (picture.before, picture.after):
        assert side
        assert [(n.node.id, n.mark, n.edits) for n in side.nodes] == [
            ("a", Mark.CHANGED, ("code changed",)),
            ("b", Mark.SAME, ()),
        ]


def test_a_canvas_that_comes_or_goes_is_drawn_alone() -> None:
    (came,) = pictures([], [graph({"a"})], Diff())
    (went,) = pictures([graph({"a"})], [], Diff())
    assert (came.before, came.mark) == (None, Mark.ADDED)
    assert (went.after, went.mark) == (None, Mark.REMOVED)
