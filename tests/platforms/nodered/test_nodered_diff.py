"""Differences in a maker's words, without secrets, and nothing about layout."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nodered_sample import as_json, changed, flows, node, package

from lampway.domain.package import Reversibility
from lampway.platforms.nodered.package import NodeRedFormat

FORMAT = NodeRedFormat()


def told(id_, before, after):
    """Return what is said about one node whose properties change."""
    old, new = changed(id_, **before), changed(id_, **after)
    found = FORMAT.diff(as_json(old), as_json(new))
    return [edit.summary for change in found.changed if change.component.id == id_ for edit in change.edits]


@pytest.mark.parametrize(
    ("id_", "before", "after", "words"),
    [
        ("n5", {"url": "https://a"}, {"url": "${ERP_URL}"}, "url changed from `https://a` to `${ERP_URL}`"),
        ("n5", {"method": "GET"}, {"method": "POST"}, "method changed from GET to POST"),
        ("n5", {"name": "X"}, {"name": "Y"}, "renamed from *X* to *Y*"),
        ("n5", {"z": "t1"}, {"z": "t2"}, "moved to tab *Stock*"),
        ("n5", {}, {"d": True}, "disabled"),
        ("t1", {"disabled": True}, {"disabled": False}, "enabled"),
        ("n1", {"wires": [["n2"]]}, {"wires": [["n2", "n5"]]}, "wire to *ERP* added"),
        ("n1", {"wires": [["n2"]]}, {"wires": [[]]}, "wire to *Price* removed"),
        ("n2", {"wires": [[], []]}, {"wires": [[], ["n5"]]}, "wire from output 2 to *ERP* added"),
        ("n8", {"repeat": "86400"}, {"repeat": "5"}, "repeats every 5 s instead of once a day"),
        ("n8", {"repeat": "600"}, {"repeat": "3600"}, "repeats once an hour instead of every 10 min"),
        ("n8", {"repeat": ""}, {"repeat": "60"}, "now also runs every minute"),
        ("n8", {"repeat": "60"}, {"repeat": ""}, "no longer runs every minute"),
        (
            "n8",
            {"repeat": "", "crontab": "30 6 * * *"},
            {"repeat": "", "crontab": "0 12 * * 1-5"},
            "runs at 12:00 on Monday to Friday instead of at 06:30 every day",
        ),
        ("n8", {"once": False}, {"once": True, "onceDelay": 0.1}, "now also runs 0.1 s after each start"),
        (
            "n2",
            {"func": "a\nb\nc"},
            {"func": "a\nB\nc\nd\ne"},
            "code changed: lines +3 −1; first changed line: `B`",
        ),
        ("n2", {"func": "a\nb"}, {"func": "a"}, "code changed: lines +0 −1; first removed line: `b`"),
        (
            "n2",
            {"func": "a"},
            {"func": "a", "finalize": "x"},
            "code run at stop changed: lines +1 −0; first added line: `x`",
        ),
        ("n6", {"broker": "b1"}, {"broker": "b2"}, "broker changed from *Broker* to *Other*"),
        ("n6", {"topic": "orders"}, {"topic": ""}, "topic removed, was orders"),
        ("n6", {"retain": True}, {"retain": False}, "retain turned off"),
        (
            "n8",
            {"payload": "A", "payloadType": "str"},
            {"payload": "A", "payloadType": "env"},
            "payload changed from A to variable A",
        ),
        ("n3", {"env": []}, {"env": [{"name": "WAIT", "type": "num", "value": "1"}]}, "environment entry WAIT added"),
        ("n8", {"onceDelay": 1}, {"onceDelay": 2}, "details of onceDelay changed"),
    ],
)
def test_a_change_is_told_in_a_makers_words(id_, before, after, words):
    assert told(id_, before, after) == [words]


def test_rules_are_told_as_sentences():
    rule = {"t": "set", "p": "payload", "pt": "msg", "to": "1", "tot": "num"}
    other = {"t": "delete", "p": "x", "pt": "msg"}
    before = [*flows(), node("n50", "change", name="C", rules=[rule])]
    after = [*flows(), node("n50", "change", name="C", rules=[{**rule, "to": "2"}, other])]
    assert FORMAT.diff(as_json(before), as_json(after)).summaries() == (
        "change *C*: rule 1: set msg.payload to 2 instead of set msg.payload to 1",
        "change *C*: rule added: delete msg.x",
    )


def test_links_between_tabs_are_told_by_name():
    nodes = [*flows(), node("l1", "link out", name="Out", links=[]), node("l2", "link in", z="t2", name="In", links=[])]
    linked = [{**one, "links": ["l2"]} if one["id"] == "l1" else one for one in nodes]
    assert FORMAT.diff(as_json(nodes), as_json(linked)).summaries() == ("link out *Out*: link to *In* added",)


def test_what_came_and_went_is_told_once():
    new = [one for one in flows() if one["id"] != "n8"] + [node("n60", "debug", name="Look")]
    found = FORMAT.diff(as_json(flows()), as_json(new))
    assert found.summaries() == ("debug *Look* added", "inject *Stock timer* removed")
    assert found.unchanged == len(flows()) - 2  # the global-config node is none of it
    assert "node type debug is now needed" in found.notes


def test_moved_and_described_nodes_are_notes_only():
    new = changed("n1", x=500, info="new")
    found = FORMAT.diff(as_json(flows()), as_json(new))
    assert found.is_empty
    assert found.notes == ("1 node was only moved", "1 node was only described differently")


def test_equal_packages_have_no_difference_and_no_notes():
    found = FORMAT.diff(package(), package(version="2"))
    assert found.is_empty
    assert found.notes == ()


def test_new_needs_are_notes():
    new = changed("n5", url="${NEW_URL}", authType="basic")
    found = FORMAT.diff(package(), package(new))
    assert "variable NEW_URL is now required" in found.notes
    assert "connection ERP now needs user" in found.notes
    assert found.reversibility is Reversibility.REVERSIBLE
    assert any("context is not restored" in note for note in found.notes)


SECRET = "Zk8vQ2mN5xR7tB1w"


@pytest.mark.parametrize(
    ("id_", "before", "after"),
    [
        ("n5", {"password": "a"}, {"password": SECRET}),
        ("n5", {"apiKey": SECRET}, {"apiKey": "b"}),
        ("n5", {"url": "https://a"}, {"url": f"https://u:{SECRET}@b/"}),
        ("n5", {"url": "https://a"}, {"url": f"https://a?api_key={SECRET}"}),
        ("n5", {"url": "https://a"}, {"url": f"https://a?x=1&sig={SECRET}{SECRET}"}),
        ("n5", {"x1": "a"}, {"x1": f"Bearer {SECRET}"}),
        ("n5", {"x1": "a"}, {"x1": SECRET * 2}),
        ("n5", {"json": "{}"}, {"json": f'{{"secret": "{SECRET}"}}'}),
        ("n5", {"list": []}, {"list": [{"name": "token", "value": SECRET, "other": 1}]}),
        ("n5", {"list": [1]}, {"list": [1, {"p": "token", "v": SECRET}]}),
        ("n5", {"conf": {"token": "a"}}, {"conf": {"token": SECRET}}),
        ("n5", {"conf": {"a": [{"token": "a"}]}}, {"conf": {"a": [{"token": SECRET}]}}),
        ("n5", {"token": {"a": "b"}}, {"token": {"a": SECRET}}),
        (
            "n5",
            {"headers": []},
            {"headers": [{"keyType": "other", "keyValue": "X-Key", "valueType": "other", "valueValue": SECRET}]},
        ),
        ("n2", {"func": "a"}, {"func": f"const password = '{SECRET}';"}),
        ("n2", {"func": "a"}, {"func": f'x({{ "api_key": "{SECRET}" }})'}),
        ("n2", {"func": "a"}, {"func": f"headers['Authorization'] = `{SECRET}`"}),
        ("n3", {"env": []}, {"env": [{"name": "PWD", "type": "str", "value": SECRET}]}),
        (
            "n3",
            {"env": [{"name": "MY_TOKEN", "type": "str", "value": "a"}]},
            {"env": [{"name": "MY_TOKEN", "type": "str", "value": SECRET}]},
        ),
        (
            "n8",
            {"props": [{"p": "password", "v": "a", "vt": "str"}]},
            {"props": [{"p": "password", "v": SECRET, "vt": "str"}]},
        ),
    ],
)
def test_no_secret_shows_in_either_direction(id_, before, after):
    for old, new in ((before, after), (after, before)):
        words = told(id_, old, new)
        assert words
        assert SECRET not in json.dumps(words)


@pytest.mark.parametrize("type_", ["change", "switch"])
def test_no_secret_shows_in_rules(type_):
    rule = {"t": "set", "p": "token", "pt": "msg", "to": "a", "tot": "str", "v": "a", "vt": "str"}
    one, other = (
        as_json([*flows(), node("n70", type_, property="token", rules=[{**rule, "to": value, "v": value}])])
        for value in ("a", SECRET)
    )
    assert FORMAT.diff(one, other).summaries()
    assert SECRET not in json.dumps(FORMAT.diff(one, other).summaries() + FORMAT.diff(other, one).summaries())


VALUES = st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5) | st.lists(st.text(max_size=3), max_size=2)


@given(
    key=st.sampled_from(["url", "rules", "props", "wires2", "repeat", "once", "headers", "links", "p"]),
    a=VALUES,
    b=VALUES,
)
def test_every_difference_has_words(key, a, b):
    found = FORMAT.diff(as_json(changed("n5", **{key: a})), as_json(changed("n5", **{key: b})))
    assert found.is_empty == (json.dumps(a) == json.dumps(b))
    assert all(edit.summary for change in found.changed for edit in change.edits)
