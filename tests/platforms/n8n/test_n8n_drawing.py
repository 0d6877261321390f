"""n8n packages drawn as they lie on the canvas."""

from __future__ import annotations

from n8n_sample import as_json, changed, instance, node, orders, package, price, rewired, wire, workflow

from lampway.domain.graph import Mark, pictures
from lampway.platforms.n8n.package import N8nFormat
from lampway.web.drawing import drawings

FORMAT = N8nFormat()


def wires(data):
    """Return for every canvas its wires by the names of nodes."""
    names = {node.id: node.name for graph in FORMAT.draw(data) for node in graph.nodes}
    return {g.title: {(names[e.source], names[e.target], e.label) for e in g.edges} for g in FORMAT.draw(data)}


def test_workflows_are_canvases_with_their_wires() -> None:
    drawn = wires(package())
    assert set(drawn) == {"Orders", "Price"}
    assert ("New order", "Configuration", "") in drawn["Orders"]
    assert {("Rush?", "Ask price", "true"), ("Rush?", "Answer", "false")} <= drawn["Orders"]
    assert drawn["Price"] == {("Called", "Agent", ""), ("Model", "Agent", "language model")}


def test_sticky_notes_are_left_out_and_nodes_are_components() -> None:
    known = {c.id for c in FORMAT.inspect(package()).inventory.components}
    for graph in FORMAT.draw(package()):
        assert graph.id in known
        assert {node.id for node in graph.nodes} <= known
        assert "About" not in {node.name for node in graph.nodes}
        assert not graph.is_arranged


def test_nodes_lie_where_the_maker_put_them() -> None:
    (graph,) = FORMAT.draw(as_json(orders()))
    erp = next(one for one in graph.nodes if one.name == "ERP")
    assert (erp.x, erp.y) == (548, 148), "the middle, half a side from the corner that n8n keeps"
    assert erp.type == "http request"


def test_ways_out_are_called_as_the_editor_calls_them() -> None:
    rules = {"values": [{"outputKey": "red"}, {}]}
    switch = node("S", "switch", parameters={"rules": rules, "options": {"fallbackOutput": "extra"}}, version=3.2)
    loop = node("L", "splitInBatches", version=3)
    careful = node("E", "httpRequest", onError="continueErrorOutput")
    odd = node("O", "x")
    several = [wire(name)["main"][0] for name in ("L", "E", "O")]
    data = as_json(
        workflow(
            "W",
            [switch, loop, careful, odd, node("I", "if", onError="continueErrorOutput")],
            {
                "S": {"main": several},
                "L": {"main": several[:2]},
                "E": {"main": several[1:]},
                "O": {"main": several},
                "I": {"main": several},
            },
        )
    )
    assert wires(data)["W"] == {
        ("S", "L", "red"), ("S", "E", "2"), ("S", "O", "otherwise"),
        ("L", "L", "done"), ("L", "E", "loop"),
        ("E", "E", "success"), ("E", "O", "error"),
        ("O", "L", "1"), ("O", "E", "2"), ("O", "O", "3"),
        ("I", "L", "true"), ("I", "E", "false"), ("I", "O", "error"),
    }  # fmt: skip


def test_two_wires_into_two_inputs_are_told_apart() -> None:
    ends = [{"node": "M", "type": "main", "index": index} for index in (0, 1)]
    data = as_json(workflow("W", [node("A", "x"), node("M", "merge")], {"A": {"main": [ends]}}))
    assert wires(data)["W"] == {("A", "M", ""), ("A", "M", "into 2")}


def test_no_value_and_no_secret_is_drawn() -> None:
    drawn = repr(FORMAT.draw(as_json(instance()))) + repr(FORMAT.draw(package()))
    for secret in ("erp.dev.test", "plain-4711", "ERP key", "credDevId", "const a", "EUR"):
        assert secret not in drawn


def test_a_changed_node_is_marked_with_what_is_different() -> None:
    old, new = package(), package(changed("Sum", parameters={"jsCode": "return null"}))
    (picture,) = pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new))
    assert picture.title == "Orders"
    assert picture.after
    (marked,) = [node for node in picture.after.nodes if node.mark is Mark.CHANGED]
    assert marked.node.name == "Sum"
    assert marked.edits[0].startswith("code changed")


def test_a_wire_that_came_is_marked() -> None:
    old, new = package(), package(rewired(ERP=wire("Sum", "Answer")))
    (picture,) = pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new))
    assert picture.after
    assert [e.edge.target for e in picture.after.edges if e.mark is Mark.ADDED] == ["OrdersId16Chars/id-answer"]


def test_what_only_moved_needs_no_picture() -> None:
    old, new = package(), package(changed("ERP", position=[0, 0]))
    assert pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new)) == ()


def test_pictures_are_drawn_on_pages() -> None:
    old, new = as_json(price()), as_json({**price(), "nodes": [*price()["nodes"], node("Tool", "x")]})
    (picture,) = pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new))
    before, after = drawings(picture)
    assert before
    assert after
    assert {box.text for box in after.boxes if box.mark == "added"} == {"Tool"}
