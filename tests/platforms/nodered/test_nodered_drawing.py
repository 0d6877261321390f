"""Node-RED packages drawn as they lie on the canvas."""

from __future__ import annotations

from nodered_sample import as_json, changed, flows, package

from lampway.cli.demo_flows import orders
from lampway.domain.graph import Mark, pictures
from lampway.domain.package import Scope
from lampway.platforms.nodered.package import NodeRedFormat, build_package
from lampway.web.drawing import drawings

FORMAT = NodeRedFormat()


def test_tabs_and_subflows_are_canvases_with_their_wires() -> None:
    drawn = {graph.title: graph for graph in FORMAT.draw(as_json(flows()))}
    assert set(drawn) == {"Orders", "Stock", "Retry"}
    wires = {(edge.source, edge.target, edge.label) for edge in drawn["Orders"].edges}
    assert {("n1", "n2", ""), ("n2", "n5", "1"), ("n5", "n6", "")} <= wires
    names = {node.name for node in drawn["Orders"].nodes}
    assert "Broker" not in names, "it has no place on a canvas"
    assert "About" not in names, "a comment does nothing"


def test_no_value_and_no_secret_is_drawn() -> None:
    drawn = repr(FORMAT.draw(as_json(flows()))) + repr(FORMAT.draw(package()))
    for secret in ("tab-secret", "node-secret", "plain-4711", "CURRENCY", "https://"):
        assert secret not in drawn


def test_a_changed_node_is_marked_with_what_is_different() -> None:
    old, new = as_json(flows()), as_json(changed("n2", func="return null"))
    (picture,) = pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new))
    assert picture.after
    (marked,) = [node for node in picture.after.nodes if node.mark is Mark.CHANGED]
    assert marked.node.name == "Price"
    assert marked.edits[0].startswith("code changed")


def test_flows_that_a_program_wrote_on_one_spot_are_drawn_apart() -> None:
    def built(*, rush: bool) -> bytes:
        nodes = orders(rush=rush)
        tab = next(node["label"] for node in nodes if node["type"] == "tab")
        return build_package(nodes, Scope("orders", contains=(tab,)), credential_fields={})

    old, new = built(rush=False), built(rush=True)
    (picture,) = pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new))
    before, after = drawings(picture)
    assert before
    assert after
    for side in (before, after):
        spots = [(box.x, box.y) for box in side.boxes]
        assert len(set(spots)) == len(spots) > 3
    assert before.view == after.view
    assert {box.text for box in after.boxes if box.mark == "added"} == {"rush?", "Ask rush line", "Rush answer"}
