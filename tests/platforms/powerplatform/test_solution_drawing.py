"""Solutions drawn as their makers see them: flows as they run, apps by their screens, names and no values."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lampway.domain.graph import Graph, Mark, pictures
from lampway.errors import InvalidPackageError
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.solutions import (
    Solution,
    after,
    call,
    compose,
    control,
    flow,
    http_trigger,
    msapp,
    recurrence,
    request,
)
from lampway.web.drawing import drawings

FORMAT = SolutionFormat()
FOLDER = Path(__file__).parents[4] / "shared" / "data" / "power-platform"
SEND = call("shared_office365", "SendEmailV2", **{"emailMessage/To": "boss@contoso.com"})


def notify(actions, **more) -> bytes:
    return Solution().flow("Notify", flow(actions, **more)).build()


def drawn(actions, **more) -> Graph:
    (graph,) = FORMAT.draw(notify(actions, **more))
    return graph


def wires(graph: Graph) -> set[tuple[str, str, str]]:
    names = {node.id: node.name for node in graph.nodes}
    return {(names[one.source], names[one.target], one.label) for one in graph.edges}


def places(graph: Graph) -> dict[str, tuple[float, float]]:
    return {node.name: (node.x, node.y) for node in graph.nodes}


def branching(kind: str, **branches):
    return {"type": kind, **branches}


DECIDE = branching(
    "If", actions={"Send": SEND, "Log": after(compose("x"), "Send")}, **{"else": {"actions": {"Give_up": compose("x")}}}
)


def test_a_flow_runs_from_its_trigger_over_what_waits_for_what():
    graph = drawn({"Get_items": compose("x"), "Send_mail": after(SEND, "Get_items"), "Beside": compose("x")})
    assert graph.title == "Notify"
    assert wires(graph) == {
        ("start", "Get items", ""),
        ("start", "Beside", ""),
        ("Get items", "Send mail", ""),
    }
    types = {node.name: node.type for node in graph.nodes}
    assert types["Send mail"] == "SendEmailV2 of office365"
    assert types["start"] == "trigger Recurrence"


def test_branches_are_drawn_with_what_they_are_called():
    choose = branching(
        "Switch",
        cases={"Case_late": {"case": "4711", "actions": {"Remind": SEND}}},
        default={"actions": {"Wait": compose("x")}},
    )
    loop = branching("Foreach", foreach="@outputs('x')", actions={"Store": compose("x")})
    graph = drawn({"Decide": DECIDE, "Choose": after(choose, "Decide"), "Loop": after(loop, "Choose")})
    assert {
        ("Decide", "Send", "yes"),
        ("Send", "Log", ""),
        ("Decide", "Give up", "no"),
        ("Choose", "Remind", "Case late"),
        ("Choose", "Wait", "default"),
        ("Loop", "Store", "each"),
        ("Decide", "Choose", ""),
    } <= wires(graph)


def test_what_runs_after_a_failure_says_so():
    graph = drawn(
        {
            "Try": compose("x"),
            "Catch": after(SEND, "Try", results=("Failed", "TIMEDOUT")),
            "Go_on": after(SEND, "Try", results=("SUCCEEDED",)),
        }
    )
    assert {("Try", "Catch", "after failure or time-out"), ("Try", "Go on", "")} <= wires(graph)


def test_what_follows_a_condition_is_in_its_row_right_of_all_that_it_holds():
    place = places(drawn({"Decide": DECIDE, "End": after(compose("x"), "Decide")}))
    assert place["End"][1] == place["Decide"][1] == place["start"][1]
    assert place["start"][0] < place["Decide"][0] < place["Send"][0] < place["Log"][0] < place["End"][0]
    assert place["Decide"][1] < place["Send"][1] == place["Log"][1] < place["Give up"][1]


ACTIONS = st.recursive(
    st.just({"type": "Compose", "inputs": "x"}),
    lambda inner: st.one_of(
        st.builds(lambda a: {"type": "Scope", "actions": a}, st.dictionaries(st.text("abcdefgh", min_size=1), inner)),
        st.builds(
            lambda a, b: {"type": "If", "actions": a, "else": {"actions": b}},
            st.dictionaries(st.text("abcdefgh", min_size=1), inner, max_size=3),
            st.dictionaries(st.text("abcdefgh", min_size=1), inner, max_size=3),
        ),
    ),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text("mnopqr", min_size=1, max_size=3), ACTIONS, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=10),
)
def test_no_two_boxes_lie_on_each_other_whatever_waits_for_what(actions, waits):
    """Also where names are used twice or actions wait in a circle, as only flows do that were written by hand."""
    names = list(actions)
    chained = {name: dict(body) for name, body in actions.items()}
    for later, earlier in waits:
        if later < len(names) and earlier < len(names):
            chained[names[later]] = after(chained[names[later]], names[earlier])
    graph = drawn(chained)
    assert len({(node.x, node.y) for node in graph.nodes}) == len(graph.nodes) == len({n.id for n in graph.nodes})
    known = {node.id for node in graph.nodes}
    assert all(one.source in known and one.target in known for one in graph.edges)


def test_no_value_and_no_secret_is_drawn():
    graph = drawn(
        {
            "Call": request("https://erp.contoso.com?code=q8Zf3vT1xLr7", headers={"Authorization": "Bearer q8Zf3vT1"}),
            "Send": SEND,
            "Choose": branching("Switch", expression="@x", cases={"One": {"case": "value-4711", "actions": {}}}),
        },
        trigger=http_trigger(),
        variables={"con_Site": "https://contoso.sharepoint.com"},
    )
    for value in ("contoso", "q8Zf3vT1", "4711", "https", "boss"):
        assert value not in repr(graph)


def change(old: bytes, new: bytes):
    return pictures(FORMAT.draw(old), FORMAT.draw(new), FORMAT.diff(old, new))


def test_a_changed_action_is_marked_with_what_is_different():
    old = notify({"Get": compose("x"), "Send": after(SEND, "Get")})
    new = notify({"Get": compose("y"), "Ask": after(compose("x"), "Get"), "Send": after(SEND, "Ask")})
    (picture,) = change(old, new)
    assert picture.mark is Mark.CHANGED
    assert picture.after
    assert {(n.node.name, n.mark) for n in picture.after.nodes} == {
        ("start", Mark.SAME),
        ("Get", Mark.CHANGED),
        ("Ask", Mark.ADDED),
        ("Send", Mark.SAME),
    }
    (told,) = (n.edits for n in picture.after.nodes if n.node.name == "Get")
    assert told == ("action *Get*: what it is given changed from `x` to `y`",)


def test_another_trigger_is_a_changed_one():
    (picture,) = change(
        notify({"Send": SEND}, trigger=recurrence("Day")), notify({"Send": SEND}, trigger=recurrence("Hour"))
    )
    assert picture.after
    assert [(n.node.name, n.edits) for n in picture.after.nodes if n.mark is Mark.CHANGED] == [
        ("start", ("trigger changed from daily to hourly",))
    ]


def test_running_also_after_failure_is_another_wire():
    old = notify({"Get": compose("x"), "Send": after(SEND, "Get")})
    new = notify({"Get": compose("x"), "Send": after(SEND, "Get", results=("Succeeded", "Failed"))})
    (picture,) = change(old, new)
    assert picture.before
    assert picture.after
    assert [one.edge.label for one in picture.before.edges if one.mark is Mark.REMOVED] == [""]
    assert [one.edge.label for one in picture.after.edges if one.mark is Mark.ADDED] == ["after failure or success"]
    _, after_ = drawings(picture)
    assert after_
    assert "after failure or success" in {wire.label for wire in after_.wires}


def test_what_differs_elsewhere_in_a_flow_still_shows_the_flow():
    (picture,) = change(notify({"Send": SEND}), notify({"Send": SEND}, variables={"con_Site": ""}))
    assert picture.mark is Mark.CHANGED
    assert picture.after
    assert {node.mark for node in picture.after.nodes} == {Mark.SAME}


def app(*screens) -> bytes:
    return Solution().canvas("Orders", msapp(screens)).build()


def test_an_app_is_drawn_by_its_screens_and_where_they_lead():
    home = control("Home", "screen", [control("Go", "button", OnSelect="Navigate('Order list', Fade)")])
    listed = control("Order list", "screen", OnVisible='If(x, Navigate(Home)); Set(y, "secret-4711")')
    (graph,) = FORMAT.draw(app(home, listed))
    assert wires(graph) == {("Home", "Order list", ""), ("Order list", "Home", "")}
    assert "4711" not in repr(graph)
    moved = control("Home", "screen", [control("Go", "button", OnSelect="Back()")])
    (picture,) = change(app(home, listed), app(moved, listed))
    assert picture.before
    assert picture.after
    assert [one.mark for one in picture.before.edges] == [Mark.REMOVED, Mark.SAME]
    assert {n.node.name: n.mark for n in picture.after.nodes} == {"Home": Mark.CHANGED, "Order list": Mark.SAME}


def test_what_is_no_package_is_refused_like_everywhere():
    with pytest.raises(InvalidPackageError, match="not a zip"):
        FORMAT.draw(b"nothing")


@pytest.mark.skipif(not FOLDER.is_dir(), reason="the collection of published solutions is not on this machine")
def test_every_published_solution_is_drawn_with_every_flow_and_every_action():
    flows = actions = 0
    for file in sorted(FOLDER.glob("*.zip")):
        package = file.read_bytes()
        inventory = FORMAT.inspect(package).inventory
        graphs = FORMAT.draw(package)
        wanted = {c.id for c in inventory.components if c.type in {"flow", "canvas app"}}
        assert {graph.id for graph in graphs} == wanted, file.name
        for graph in graphs:
            ids = {node.id for node in graph.nodes}
            assert len(ids) == len(graph.nodes)
            if any(node.type != "screen" for node in graph.nodes):
                flows += 1
                actions += len(ids)
                assert len({(node.x, node.y) for node in graph.nodes}) == len(ids), (file.name, graph.title)
                reached = {one.target for one in graph.edges} | {one for one in ids if "/triggers" in one}
                assert reached == ids, (file.name, graph.title)
    assert flows > 60
    assert actions > 600
