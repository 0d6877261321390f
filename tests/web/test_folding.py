"""Pictures of large flows: what changed is seen at once, and what did not is one box with its number."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.graph import Graph, GraphEdge, GraphNode, Mark, Picture, pictures
from lampway.domain.package import Change, Component, Diff, Edit
from lampway.web.drawing import drawings
from lampway.web.folding import FOLDED, fold

FLOW = Component(type="flow", name="Take", id="f", fingerprint="x")


def picture(count: int, wires: list[tuple[int, int]], edited: set[int], *, is_arranged: bool = True) -> Picture:
    """Return a flow of so many steps, before and after some of them were edited."""
    nodes = tuple(GraphNode(f"f/{n}", f"Step {n}", "Compose", 200.0 * n, 0.0) for n in range(count))
    edges = tuple(dict.fromkeys(GraphEdge(f"f/{a}", f"f/{b}") for a, b in wires))
    graph = Graph("f", "Take", nodes, edges, is_arranged=is_arranged)
    edits = tuple(Edit(path=str(n), summary=f"step {n} does something else") for n in sorted(edited))
    diff = Diff(changed=(Change(component=FLOW, edits=edits),)) if edits else Diff()
    (made,) = pictures((graph,), (graph,), diff)
    return made


def line(count: int) -> list[tuple[int, int]]:
    return [(n, n + 1) for n in range(count - 1)]


def test_a_long_flow_shows_its_change_with_what_comes_before_it_and_the_rest_by_number() -> None:
    _, after = drawings(picture(30, line(30), {20}))
    assert after
    assert [box.text for box in after.boxes] == ["⋯ 19 unchanged", "Step 19", "Step 20", "⋯ 9 unchanged"]
    assert after.width < 800
    assert after.boxes[0].full.startswith("Step 0, Step 1"), "what it stands for is told"
    assert "29 unchanged" in after.words, "who cannot see it is told of every step"


def test_what_a_maker_laid_out_and_what_is_small_stay_as_they_are() -> None:
    for whole in (picture(30, line(30), {20}, is_arranged=False), picture(8, line(8), {3})):
        assert fold(whole) is whole


@given(
    st.integers(11, 40).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60),
            st.sets(st.integers(0, n - 1), min_size=1, max_size=5),
        )
    )
)
def test_nothing_that_changed_is_folded_and_nothing_is_lost(
    given_: tuple[int, list[tuple[int, int]], set[int]],
) -> None:
    count, wires, edited = given_
    whole = picture(count, wires, edited)
    folded = fold(whole)
    assert folded.after
    assert {n.node.id for n in folded.after.nodes if n.mark is not Mark.SAME} == {f"f/{n}" for n in edited}
    shown = Counter({n.node.id: 1 for n in folded.after.nodes if not n.node.id.startswith(FOLDED)})
    told = sum(int(n.node.name.split()[1]) for n in folded.after.nodes if n.node.id.startswith(FOLDED))
    assert shown.total() + told == count
    ids = {n.node.id for n in folded.after.nodes}
    assert all({wire.edge.source, wire.edge.target} <= ids for wire in folded.after.edges)
    assert all(drawings(whole))


@given(st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40), st.integers(0, 14))
def test_what_ran_before_something_is_still_before_it(wires: list[tuple[int, int]], edited: int) -> None:
    """A flow that goes one way only is not drawn as if it went round."""
    folded = fold(picture(15, [(min(w), max(w)) for w in wires if w[0] != w[1]], {edited}))
    assert folded.after
    into: dict[str, set[str]] = {n.node.id: set() for n in folded.after.nodes}
    for wire in folded.after.edges:
        into[wire.edge.target].add(wire.edge.source)
    while into:
        first = [id_ for id_, before in into.items() if not before & into.keys()]
        assert first, "it goes round"
        for id_ in first:
            del into[id_]
