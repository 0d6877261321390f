"""What belongs to a solution, what a node does, and JSON as JavaScript writes it."""

from __future__ import annotations

import hashlib
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nodered_sample import ORDERS, changed, flows, node

from lampway.domain.package import Scope
from lampway.errors import NotFoundError, UsageError
from lampway.platforms.nodered.flows import (
    Kind,
    dumps_js,
    fingerprint,
    group_members,
    kind_of,
    normalise,
    owners,
    revision,
    select,
    strip,
)


def prints(nodes, constants=("CURRENCY",)):
    members = group_members(nodes)
    return {one["id"]: fingerprint(one, constants, members.get(one["id"], ())) for one in nodes}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("1.0", "1"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("1e-7", "1e-7"),
        ("0.000001", "0.000001"),
        ("1e21", "1e+21"),
        ("1e20", "100000000000000000000"),
        ("123456789012345678901", "123456789012345680000"),
        ("9007199254740993", "9007199254740992"),
        ("5e-324", "5e-324"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        ("1e999", "null"),
        ("4.35", "4.35"),
        ("-1.5e-9", "-1.5e-9"),
        (
            '{"b":1,"10":2,"9":3,"01":4,"4294967295":5,"4294967294":6}',
            '{"9":3,"10":2,"4294967294":6,"b":1,"01":4,"4294967295":5}',
        ),
        ('"\\ud83d"', '"\\ud83d"'),
        ('"\\ud83d\\ude00"', '"\U0001f600"'),
        ('"\\u001f\\u007f\\u2028\\/"', '"\\u001f\x7f\u2028/"'),
        ("[]", "[]"),
        ("{}", "{}"),
    ],
)
def test_json_is_written_as_javascript_writes_it(text, written):
    assert dumps_js(json.loads(text)) == written


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_reads_back_the_same(number):
    assert math.isclose(float(dumps_js(number)), number, rel_tol=0, abs_tol=0)


def test_the_revision_is_the_hash_of_what_javascript_writes():
    nodes = [{"id": "a", "type": "tab", "n": 1.0}]
    assert revision(nodes) == hashlib.sha256(b'[{"id":"a","type":"tab","n":1}]').hexdigest()


@pytest.mark.parametrize(
    ("id_", "kind"),
    [
        ("t1", Kind.TAB),
        ("s1", Kind.SUBFLOW),
        ("n3", Kind.INSTANCE),
        ("g1", Kind.GROUP),
        ("b1", Kind.CONFIG),
        ("gc", Kind.GLOBAL_CONFIG),
        ("n7", Kind.COMMENT),
        ("n1", Kind.ORDINARY),
    ],
)
def test_kinds_of_nodes_are_told_apart(id_, kind):
    assert kind_of(next(one for one in flows() if one["id"] == id_)) is kind


def test_a_solution_holds_its_tabs_and_whatever_they_use_in_the_order_there():
    held = [one["id"] for one in select(flows(), ORDERS)]
    assert held == ["t1", "g1", "s1", "n9", "n1", "n2", "n3", "n4", "n5", "n6", "n7", "b1", "c1"]


def test_tabs_may_be_named_by_id():
    assert select(flows(), Scope("orders", contains=("t1",))) == select(flows(), ORDERS)


def test_configuration_is_found_inside_nested_properties():
    nodes = [*flows(), node("n20", "x", rules=[{"deep": [{"server": "b2"}]}])]
    assert "b2" in {one["id"] for one in select(nodes, ORDERS)}


def test_nodes_that_use_each_other_are_no_endless_loop():
    nodes = [*changed("c1", back="b1"), node("n21", "subflow:s1", z="s1")]
    assert "c1" in {one["id"] for one in select(nodes, ORDERS)}


@pytest.mark.parametrize("contains", [("Nowhere",), ()])
def test_a_tab_that_is_not_there_is_told_with_those_that_are(contains):
    with pytest.raises(NotFoundError) as caught:
        select(flows(), Scope("orders", contains=contains))
    assert "Orders, Stock" in caught.value.hint


def test_a_name_that_two_tabs_have_is_refused_with_their_ids():
    with pytest.raises(UsageError) as caught:
        select(changed("t2", label="Orders"), ORDERS)
    assert "t1, t2" in caught.value.hint


def test_what_two_solutions_use_has_two_owners():
    scopes = {"orders": ORDERS, "stock": Scope("stock", contains=("Stock",)), "gone": Scope("gone", contains=("Gone",))}
    nodes = [*flows(), node("n30", "mqtt in", z="t2", broker="b1")]
    owned = owners(nodes, scopes)
    assert owned["b1"] == owned["c1"] == ("orders", "stock")
    assert owned["n1"] == ("orders",)
    assert owned["n30"] == ("stock",)
    assert "gc" not in owned
    assert "b2" not in owned


def test_nothing_an_environment_gives_is_left_after_stripping():
    bare = [strip(one, ("CURRENCY", "ERP_TOKEN")) for one in flows()]
    values = {entry["name"]: entry["value"] for entry in bare[0]["env"]}
    assert values == {"ERP_URL": "", "CURRENCY": "EUR", "RETRIES": "", "ERP_TOKEN": ""}
    assert bare[3]["env"][0]["value"] == "5"
    assert "node-secret" not in json.dumps(bare)


def test_an_entry_that_only_names_another_variable_stays():
    entry = {"name": "A", "type": "env", "value": "${B}"}
    assert strip({"id": "t", "type": "tab", "env": [entry]})["env"] == [entry]
    text = {"name": "A", "type": "env", "value": "https://${B}"}
    assert strip({"id": "t", "type": "tab", "env": [text]})["env"][0]["value"] == ""


@given(st.randoms(use_true_random=False))
def test_moving_describing_and_reordering_change_no_fingerprint(random):
    nodes = flows()
    for one in nodes:
        one |= {"info": f"text {random.random()}", "_users": []}
        if "x" in one:
            one |= {"x": random.randrange(999), "y": random.random() * 999, "l": random.random() < 0.5}
        if "wires" in one:
            one["wires"] = [random.sample(output, len(output)) for output in one["wires"]]
        if one["type"] == "group":
            one |= {"style": {}, "w": 1, "h": 1, "nodes": []}
    random.shuffle(nodes)
    assert prints(nodes) == prints(flows())


def test_a_group_without_environment_changes_no_fingerprint():
    before = prints(flows())
    nodes = [*changed("n1", g="g9"), {"id": "g9", "type": "group", "z": "t1", "name": "Box", "nodes": ["n1"]}]
    assert {id_: value for id_, value in prints(nodes).items() if id_ != "g9"} == before


def test_moving_into_a_group_with_an_environment_changes_that_group():
    before, after = prints(flows()), prints(changed("n1", g="g1"))
    assert {id_ for id_ in before if before[id_] != after[id_]} == {"g1"}


def test_a_box_inside_a_group_with_an_environment_changes_nothing():
    box = {"id": "g9", "type": "group", "z": "t1", "g": "g1", "nodes": ["n4"]}
    after = prints([*changed("n4", g="g9"), box])
    assert after["g1"] == prints(flows())["g1"]


def test_a_group_that_a_catch_node_watches_counts():
    nodes = [*flows(), {"id": "g9", "type": "group", "z": "t1"}, node("n40", "catch", scope="group", g="g9")]
    assert group_members(nodes)["g9"] == ["n40"]


PROPERTY = st.text(min_size=1, max_size=8).filter(
    lambda key: key not in {"x", "y", "w", "h", "l", "g", "d", "info", "locked", "credentials", "_users", "rev", "env"}
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(key=PROPERTY, old=JSON, new=JSON)
def test_any_other_property_changes_the_fingerprint(key, old, new):
    one, other = ({"id": "a", "type": "x", "x": 1, "y": 1, key: value} for value in (old, new))
    if key in {"id", "type", "z"}:
        one, other = ({"id": "a", "type": "x", "p": [key, value]} for value in (old, new))
    same = dumps_js(normalise(one) if key == "wires" else one) == dumps_js(
        normalise(other) if key == "wires" else other
    )
    if same or json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True):
        assert fingerprint(one) == fingerprint(other)
    else:
        assert fingerprint(one) != fingerprint(other)


@pytest.mark.parametrize(
    ("id_", "properties"),
    [
        ("n1", {"d": True}),
        ("t1", {"disabled": True}),
        ("n1", {"wires": [["n2"]]}),
        ("n1", {"wires": [["n2"], ["n3"]]}),
        ("n1", {"z": "t2"}),
        ("n2", {"func": "return msg"}),
        ("s1", {"in": []}),
        ("b1", {"x": 1}),
    ],
)
def test_what_a_node_does_changes_its_fingerprint(id_, properties):
    assert prints(changed(id_, **properties))[id_] != prints(flows())[id_]


@pytest.mark.parametrize(
    ("id_", "properties"), [("n1", {"d": False}), ("t2", {"disabled": False}), ("t2", {"env": []})]
)
def test_what_an_editor_adds_by_itself_changes_nothing(id_, properties):
    assert prints(changed(id_, **properties)) == prints(flows())
