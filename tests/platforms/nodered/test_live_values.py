"""Values and secrets in a real Node-RED: each flow sees its own, and nobody loses any."""

from __future__ import annotations

import flowkit as kit
import pytest
from flowkit import deploy, words
from runtimes import Place

from lampway.platforms.nodered.platform import NodeRed

pytestmark = pytest.mark.real


def test_values_arrive_with_their_types(platform: NodeRed, place: Place) -> None:
    names = ("TEXT", "NUMBER", "FLAG", "LIST", "FROM_OUTSIDE")
    home = kit.tab("Orders", kit.variable("LIMIT", "num"), kit.variable("FROM_OUTSIDE"))
    data = kit.package([home, *kit.endpoint(home, "/orders", kit.tells(*names, "LIMIT"))])
    variables = {"TEXT": "7", "NUMBER": 7.5, "FLAG": True, "LIST": ["a", 1], "LIMIT": "12"}
    deploy(platform, place, kit.want(data, variables={**variables, "FROM_OUTSIDE": {"external": True}}))
    told = place.call("/orders")
    assert told == {**variables, "LIMIT": 12, "FROM_OUTSIDE": "given by the process"}


def test_values_that_a_new_version_no_longer_reads_go(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    first = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("OLD", "BOTH"))])
    second = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("NEW", "BOTH"))])
    deploy(platform, place, kit.want(first, variables={"OLD": "o", "BOTH": "b"}))
    deploy(platform, place, kit.want(second, first, variables={"NEW": "n", "BOTH": "b"}))
    assert place.call("/orders") == {"NEW": "n", "BOTH": "b"}
    (shared,) = [node for node in place.flows() if node["type"] == "global-config"]
    assert sorted(entry["name"] for entry in shared["env"]) == ["BOTH", "NEW"]


def test_a_name_that_somebody_set_by_hand_is_not_overwritten(platform: NodeRed, place: Place) -> None:
    place.put([{"id": "feed", "type": "global-config", "name": "", "env": [kit.variable("URL", "str", "theirs")]}])
    home = kit.tab("Orders")
    data = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("URL"))])
    assert "URL is set there already" in words(platform, place, kit.want(data, variables={"URL": "ours"}))
    assert words(platform, place, kit.want(data, variables={"URL": "theirs"})) == ""


def test_a_name_of_another_solution_is_shared_only_with_the_same_value(platform: NodeRed, place: Place) -> None:
    billing, orders = kit.tab("Billing"), kit.tab("Orders")
    theirs = kit.package([billing, *kit.endpoint(billing, "/billing", kit.tells("URL"))], solution="billing")
    mine = kit.package([orders, *kit.endpoint(orders, "/orders", kit.tells("URL"))])
    others = {"billing": theirs}
    deploy(platform, place, kit.want(theirs, solution="billing", variables={"URL": "same"}))
    assert "for billing" in words(platform, place, kit.want(mine, variables={"URL": "other"}, others=others))
    deploy(platform, place, kit.want(mine, variables={"URL": "same"}, others=others))
    deploy(platform, place, kit.want(None, mine, others=others))
    assert place.call("/billing") == {"URL": "same"}


def test_secrets_come_back_with_a_rollback(platform: NodeRed, place: Place) -> None:
    kept, gone = kit.tab("Orders", kit.secret("KEY")), kit.tab("Refunds", kit.secret("KEY"))
    refunds = [gone, *kit.endpoint(gone, "/refunds", kit.tells("KEY"))]
    orders = [kept, *kit.endpoint(kept, "/orders", kit.tells("KEY"))]
    first, second = kit.package([*orders, *refunds]), kit.package(orders)
    secrets = {"Orders": {"KEY": "orders-key"}, "Refunds": {"KEY": "refunds-key"}}
    deploy(platform, place, kit.want(first, secrets=secrets))
    deploy(platform, place, kit.want(second, first, secrets=secrets))  # the runtime forgets the key of Refunds
    deploy(platform, place, kit.want(first, second, secrets=secrets))
    assert place.call("/refunds") == {"KEY": "refunds-key"}
    assert place.call("/orders") == {"KEY": "orders-key"}


def test_a_new_secret_reaches_nodes_that_read_it_only_while_starting(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders", kit.secret("KEY"))
    nodes = [home, *kit.endpoint(home, "/orders", kit.says("x"))]
    rule = {"t": "set", "p": "payload.said", "pt": "msg", "to": "${KEY}", "tot": "str"}
    change = kit.on(home, "set", "change", rules=[{**rule, "p": "payload", "to": "{}", "tot": "json"}, rule])
    nodes[2], change["wires"] = {**change, "id": nodes[2]["id"]}, nodes[2]["wires"]
    nodes[2]["wires"] = change["wires"]
    data = kit.package(nodes)
    deploy(platform, place, kit.want(data, secrets={"Orders": {"KEY": "old"}}))
    assert place.call("/orders") == {"said": "old"}
    deploy(platform, place, kit.want(data, data, secrets={"Orders": {"KEY": "new"}}))
    assert place.call("/orders") == {"said": "new"}


def test_secrets_of_the_whole_environment_keep_those_of_others(platform: NodeRed, place: Place) -> None:
    theirs = kit.tab("Theirs")
    shared = {"id": "feed", "type": "global-config", "name": "", "env": [kit.secret("THEIR_KEY")]}
    shared["credentials"] = {"map": {"THEIR_KEY": "their-key"}}
    place.put([theirs, *kit.endpoint(theirs, "/theirs", kit.tells("THEIR_KEY")), shared])
    home = kit.tab("Orders")
    flows = [home, *kit.endpoint(home, "/orders", kit.tells("OUR_KEY"))]
    data = kit.package(flows, connections={"global-config": ("OUR_KEY",)})
    wanted = kit.want(data, secrets={"global-config": {"OUR_KEY": "our-key"}})
    deploy(platform, place, wanted)
    assert place.call("/orders") == {"OUR_KEY": "our-key"}
    assert place.call("/theirs") == {"THEIR_KEY": "their-key"}
    deploy(platform, place, kit.want(None, data))
    assert place.call("/theirs") == {"THEIR_KEY": "their-key"}


def test_plain_values_beside_secrets_of_the_whole_environment_do_not_erase_them(
    platform: NodeRed, place: Place
) -> None:
    theirs = kit.tab("Theirs")
    shared = {"id": "feed", "type": "global-config", "name": "", "env": [kit.secret("THEIR_KEY")]}
    shared["credentials"] = {"map": {"THEIR_KEY": "their-key"}}
    place.put([theirs, *kit.endpoint(theirs, "/theirs", kit.tells("THEIR_KEY")), shared])
    home = kit.tab("Orders")
    data = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("URL"))])
    deploy(platform, place, kit.want(data, variables={"URL": "u"}))
    assert place.call("/orders") == {"URL": "u"}
    assert place.call("/theirs") == {"THEIR_KEY": "their-key"}


def test_secrets_of_nodes_and_subflow_instances_arrive(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    out = kit.on(home, "out", "http response")
    work = {
        **kit.on(home, "x", "function", func="msg.payload = {KEY: env.get('KEY')}\nreturn msg"),
        "id": "5b2",
        "z": "5b1",
    }
    subflow = {
        "id": "5b1", "type": "subflow", "name": "Sign", "info": "", "env": [kit.secret("KEY")],
        "in": [{"x": 1, "y": 1, "wires": [{"id": "5b2"}]}],
        "out": [{"x": 9, "y": 1, "wires": [{"id": "5b2", "port": 0}]}],
    }  # fmt: skip
    instance = kit.on(home, "sign", "subflow:5b1", env=[kit.secret("KEY")], wires=[[out["id"]]])
    into = kit.on(home, "in", "http in", url="/orders", method="get", wires=[[instance["id"]]])
    broker = {
        "id": "b0",
        "type": "mqtt-broker",
        "name": "Bus",
        "broker": "127.0.0.1",
        "port": "1",
        "autoConnect": False,
    }
    reader = kit.on(home, "listen", "mqtt in", broker="b0", topic="t")
    data = kit.package(
        [home, into, instance, out, work, subflow, broker, reader], connections={"Bus": ("user", "password")}
    )
    bus = {"user": "bus-user", "password": "bus-password"}
    deploy(platform, place, kit.want(data, secrets={"sign": {"KEY": "sign-key"}, "Bus": bus}))
    assert place.call("/orders") == {"KEY": "sign-key"}
    assert place.outside("GET", "/credentials/mqtt-broker/b0").json() == {"user": "bus-user", "has_password": True}


def test_secrets_that_a_new_version_no_longer_takes_are_forgotten(platform: NodeRed, place: Place) -> None:
    before, after = kit.tab("Orders", kit.secret("KEY"), kit.secret("OLD")), kit.tab("Orders", kit.secret("KEY"))
    rest = kit.endpoint(before, "/orders", kit.tells("KEY", "OLD"))
    first, second = kit.package([before, *rest]), kit.package([after, *rest])
    deploy(platform, place, kit.want(first, secrets={"Orders": {"KEY": "k", "OLD": "o"}}))
    deploy(platform, place, kit.want(second, first, secrets={"Orders": {"KEY": "k"}}, variables={"OLD": "plain"}))
    assert place.outside("GET", f"/credentials/tab/{before['id']}").json() == {"has_KEY": True}


def test_no_secret_is_in_what_is_recorded(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders", kit.secret("KEY"))
    data = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("KEY"))])
    wanted = kit.want(data, secrets={"Orders": {"KEY": "do-not-tell-4711"}})
    intent = deploy(platform, place, wanted)
    outcome = platform.perform(place.access, wanted, "deploy flows", intent)
    assert "4711" not in f"{platform.plan(place.access, wanted)} {intent} {outcome} {wanted}"
