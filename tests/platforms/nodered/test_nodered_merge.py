"""Computing the intended flows: ours in, others untouched, the same every time."""

from __future__ import annotations

from typing import Any

import flowkit as kit
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.secret import Secret
from lampway.platforms.nodered.contents import Contents, read_package
from lampway.platforms.nodered.credentials import with_credentials
from lampway.platforms.nodered.flows import revision
from lampway.platforms.nodered.merge import GLOBAL_CONFIG_ID, merge, state_digest, value_of
from lampway.platforms.nodered.merge import entry_of as entry
from lampway.platforms.nodered.needs import VariableSlot

THEIRS = kit.simple("Theirs", "/theirs")


def contents(nodes: list[kit.Node], **scope: Any) -> Contents:
    return read_package(kit.package(nodes, **scope))


def reading(*names: str) -> Contents:
    home = kit.tab("Orders")
    return contents([home, *kit.endpoint(home, "/orders", kit.tells(*names))])


def global_env(nodes: list[kit.Node]) -> dict[str, Any]:
    return {e["name"]: e["value"] for node in nodes if node["type"] == "global-config" for e in node["env"]}


def holder(*env: kit.Node, id_: str = "feed") -> kit.Node:
    return {"id": id_, "type": "global-config", "name": "", "env": list(env), "modules": {}}


def test_ours_keep_their_place_and_new_ones_come_last() -> None:
    old = kit.simple()
    new = [*kit.simple(text="v2"), kit.on(old[0], "log", "debug")]
    live = [old[0], *THEIRS, *old[1:]]
    merged = merge(live, installed=contents(old), wanted=contents(new), variables={})
    assert [node["id"] for node in merged] == [node["id"] for node in [*live, new[-1]]]
    assert merged[1:5] == THEIRS


def test_what_a_version_no_longer_has_goes_and_so_does_what_was_added_by_hand() -> None:
    old = [*kit.simple(), kit.on(kit.tab("Orders"), "log", "debug")]
    spy = kit.on(kit.tab("Orders"), "spy", "debug")
    merged = merge([*old, spy, *THEIRS], installed=contents(old), wanted=contents(kit.simple()), variables={})
    assert [node["id"] for node in merged] == [node["id"] for node in [*kit.simple(), *THEIRS]]


def test_removing_gives_back_what_was_there_before() -> None:
    wanted = reading("URL")
    live = [*THEIRS, holder(kit.variable("X", "str", "x"))]
    there = merge(live, installed=None, wanted=wanted, variables={"URL": "u"})
    assert merge(there, installed=wanted, wanted=None, variables={}) == live
    alone = merge(THEIRS, installed=None, wanted=wanted, variables={"URL": "u"})
    assert alone[-1]["id"] == GLOBAL_CONFIG_ID
    assert merge(alone, installed=wanted, wanted=None, variables={}) == THEIRS


def test_only_our_own_names_are_touched() -> None:
    live = [holder(kit.variable("X", "str", "x"), kit.variable("OLD", "str", "o"), kit.variable("URL", "str", "u0"))]
    merged = merge(
        live, installed=reading("OLD", "URL"), wanted=reading("URL", "NEW"), variables={"URL": "u1", "NEW": "n"}
    )
    assert global_env(merged) == {"X": "x", "URL": "u1", "NEW": "n"}
    assert [e["name"] for e in merged[0]["env"]] == ["X", "URL", "NEW"]


def test_names_that_others_use_too_stay() -> None:
    live = [holder(kit.variable("URL", "str", "u"))]
    merged = merge(live, installed=reading("URL"), wanted=None, variables={}, shared={"URL"})
    assert global_env(merged) == {"URL": "u"}


def test_of_two_global_nodes_the_one_that_knows_a_name_keeps_it() -> None:
    live = [holder(kit.variable("X", "str", "x")), holder(kit.variable("URL", "str", "u"), id_="second")]
    merged = merge(live, installed=None, wanted=reading("URL"), variables={"URL": "new"})
    assert merged[0] == live[0]
    assert merged[1]["env"] == [{"name": "URL", "type": "str", "value": "new"}]


def test_an_external_value_is_left_to_the_process_environment() -> None:
    home = kit.tab("Orders", kit.variable("REGION"))
    wanted = contents([home, *kit.endpoint(home, "/orders", kit.tells("URL", "REGION"))])
    external = {"URL": {"external": True}, "REGION": {"external": True}}
    merged = merge([], installed=None, wanted=wanted, variables=external)
    assert global_env(merged) == {}
    assert merged[0]["env"] == [{"name": "REGION", "value": "REGION", "type": "env"}]


def test_the_order_of_keys_an_editor_chose_is_no_change() -> None:
    live = [holder({"type": "str", "value": "u", "name": "URL"})]
    merged = merge(live, installed=None, wanted=reading("URL"), variables={"URL": "u"})
    assert revision([merged[0]]) == revision(live)


@pytest.mark.parametrize(
    ("value", "declared", "kind", "text"),
    [
        ("x", "string", "str", "x"),
        ("7", "string", "str", "7"),
        (7, "string", "str", "7"),
        ("7", "number", "num", "7"),
        ("seven", "number", "str", "seven"),
        (7.5, "number", "num", "7.5"),
        (True, "boolean", "bool", "true"),
        ("false", "boolean", "bool", "false"),
        (1, "json", "json", "1"),
        ({"a": [1]}, "string", "json", '{"a":[1]}'),
        ([], "json", "json", "[]"),
        (None, "json", "json", "null"),
    ],
)
def test_values_get_the_type_the_maker_chose_where_they_fit(value: Any, declared: str, kind: str, text: str) -> None:
    slot = VariableSlot("N", declared, "tab", "t", required=True, used_by=())
    assert entry(slot, value) == {"name": "N", "type": kind, "value": text}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(-1e6, 1e6).map(lambda f: f + 0.5) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(JSON)
def test_a_value_of_the_environment_comes_back_as_it_was(value: Any) -> None:
    slot = VariableSlot("N", "string", "global", "", required=True, used_by=())
    if isinstance(value, str) or value is not None:
        assert value_of(entry(slot, value)) == value


LABELS = st.lists(st.sampled_from("ABCDE"), unique=True, max_size=4)


@given(LABELS, LABELS.filter(bool), LABELS, st.dictionaries(st.sampled_from(["URL", "KEY", "X"]), st.integers()))
def test_merging_again_changes_nothing_and_others_never_change(
    before: list[str], after: list[str], foreign: list[str], variables: dict[str, int]
) -> None:
    def nodes(labels: list[str], text: str) -> list[kit.Node]:
        return [node for label in labels for node in kit.simple(f"ours {label}", f"/{label}", text)]

    home = kit.tab("ours, reading")
    reader = [home, *kit.endpoint(home, "/reading", kit.tells("URL", "KEY"))]
    others = [node for label in foreign for node in kit.simple(f"theirs {label}", f"/their{label}")]
    others.append(holder(kit.variable("X", "str", "x")))
    old = contents(nodes(before, "old")) if before else None
    new = contents([*nodes(after, "new"), *reader])
    live = [*nodes(before, "old"), *others]
    merged = merge(live, installed=old, wanted=new, variables=variables)
    assert merge(merged, installed=old, wanted=new, variables=variables) == merged
    assert merge(merged, installed=new, wanted=new, variables=variables) == merged
    own = {node["id"] for node in (*nodes(before, ""), *nodes(after, ""), *reader)}
    theirs = [node for node in merged if node["id"] not in own and node["type"] != "global-config"]
    assert theirs == others[:-1]
    assert global_env(merged)["X"] == "x"
    assert state_digest(merged, old, new) == state_digest(list(reversed(merged)), old, new)


def test_another_way_to_write_the_same_value_is_no_change() -> None:
    live = [
        holder({"name": "URL", "type": "num", "value": "5.0"}, {"name": "B", "type": "json", "value": '{ "a": 1 }'})
    ]
    merged = merge(live, installed=None, wanted=reading("URL", "B"), variables={"URL": 5, "B": {"a": 1}})
    assert merged[0] == live[0]


def test_the_state_that_is_ours_does_not_depend_on_layout_or_on_others() -> None:
    ours, wanted = kit.simple(), contents(kit.simple())
    moved = [{**node, "x": 9, "y": 9} if "x" in node else node for node in ours]
    assert state_digest([*THEIRS, *moved], wanted) == state_digest(ours, wanted)
    edited = [*ours[:-1], {**ours[-1], "statusCode": "500"}]
    assert state_digest(edited, wanted) != state_digest(ours, wanted)


def test_secrets_are_carried_by_ours_only() -> None:
    home = kit.tab("Orders", kit.secret("KEY"))
    wanted = contents([home, *kit.endpoint(home, "/orders", kit.tells("KEY"))])
    merged = merge(THEIRS, installed=None, wanted=wanted, variables={})
    sent = with_credentials(merged, installed=None, wanted=wanted, secrets={"Orders": {"KEY": Secret("k")}})
    assert [(n["label"], n["credentials"]) for n in sent if "credentials" in n] == [("Orders", {"KEY": "k"})]
    assert not any("credentials" in node for node in merged)


def test_secrets_of_the_whole_environment_name_those_of_others_to_keep_them() -> None:
    home = kit.tab("Orders")
    wanted = contents(
        [home, *kit.endpoint(home, "/orders", kit.tells("KEY"))], connections={"global-config": ("KEY", "UNGIVEN")}
    )
    merged = merge([holder(kit.secret("THEIRS"))], installed=None, wanted=wanted, variables={})
    sent = with_credentials(merged, installed=None, wanted=wanted, secrets={"global-config": {"KEY": Secret("k")}})
    assert sent[0]["credentials"] == {"map": {"THEIRS": "__PWRD__", "KEY": "k"}}


def test_a_subflows_secrets_that_are_not_given_are_kept_for_it_forgets_what_is_not_named() -> None:
    home = kit.tab("Orders")
    subflow = {"id": "5b", "type": "subflow", "name": "Sign", "info": "", "in": [], "out": [], "env": [kit.secret("A")]}
    instance = kit.on(home, "sign", "subflow:5b", env=[kit.secret("B"), kit.secret("C")])
    wanted = contents([home, subflow, instance])
    merged = merge([], installed=None, wanted=wanted, variables={})
    sent = with_credentials(merged, installed=None, wanted=wanted, secrets={"sign": {"B": Secret("b")}})
    carried = {node["type"]: node["credentials"] for node in sent if "credentials" in node}
    assert carried == {"subflow": {"A": "__PWRD__"}, "subflow:5b": {"B": "b", "C": "__PWRD__"}}
