"""Looking at a real Node-RED: what was edited there is named, what only moved is not, and no secret is ever told."""

from __future__ import annotations

import flowkit as kit
import pytest
from flowkit import deploy
from runtimes import Place

from lampway.domain.package import Scope
from lampway.engine.platform import Observed, Wanted
from lampway.errors import NotFoundError, RefusedError
from lampway.platforms.nodered.platform import NodeRed

pytestmark = pytest.mark.real


@pytest.fixture
def wanted(platform: NodeRed, place: Place) -> Wanted:
    """Return what was deployed: a tab with a value, an external value and a secret, and a value of the environment."""
    home = kit.tab("Orders", kit.secret("KEY"), kit.variable("LIMIT", "num"), kit.variable("FROM_OUTSIDE"))
    data = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("KEY", "LIMIT", "URL", "FROM_OUTSIDE"))])
    values = {"LIMIT": 5, "URL": "https://erp.example", "FROM_OUTSIDE": {"external": True}}
    told = kit.want(data, variables=values, secrets={"Orders": {"KEY": "key-4711"}})
    deploy(platform, place, told)
    return told


def seen(platform: NodeRed, place: Place, wanted: Wanted) -> Observed:
    return platform.observe(place.access, {"orders": kit.record(wanted)}).solutions["orders"]


def test_what_was_just_deployed_is_clean(platform: NodeRed, place: Place, wanted: Wanted) -> None:
    observation = platform.observe(place.access, {"orders": kit.record(wanted)})
    assert observation.solutions["orders"].is_clean, observation
    assert observation.revision == place.revision()
    assert observation.unowned == ()


def test_moving_a_node_is_no_drift(platform: NodeRed, place: Place, wanted: Wanted) -> None:
    before = place.revision()
    place.edit(kit.node_id("Orders/answer"), x=777, y=5)
    assert place.revision() != before
    assert seen(platform, place, wanted).is_clean


def test_an_edit_in_production_is_named(platform: NodeRed, place: Place, wanted: Wanted) -> None:
    place.edit(kit.node_id("Orders/answer"), func=kit.says("quick fix"))
    drift = seen(platform, place, wanted)
    assert [change.component.name for change in drift.definition.changed] == ["answer"]
    assert drift.configuration == ()


def test_a_node_added_to_our_tab_is_drift_and_goes_with_the_next_deployment(
    platform: NodeRed, place: Place, wanted: Wanted
) -> None:
    home = next(node for node in place.flows() if node["type"] == "tab")
    place.put([*place.flows(), kit.on(home, "spy", "debug")])
    assert [component.name for component in seen(platform, place, wanted).definition.added] == ["spy"]
    again = kit.want(
        wanted.package,
        wanted.package,
        variables=wanted.configuration.variables,
        secrets={"Orders": {"KEY": "key-4711"}},
    )
    assert any("added there by hand" in note for note in platform.plan(place.access, again).notes)
    deploy(platform, place, again)
    assert seen(platform, place, wanted).is_clean


def test_a_deleted_tab_is_drift(platform: NodeRed, place: Place, wanted: Wanted) -> None:
    place.put([])
    assert "Orders" in {component.name for component in seen(platform, place, wanted).definition.removed}


def test_values_changed_or_removed_in_production_are_named_and_never_told(
    platform: NodeRed, place: Place, wanted: Wanted
) -> None:
    flows = place.flows()
    for node in flows:
        for entry in node.get("env", ()):
            if entry["name"] in {"LIMIT", "URL"}:
                entry["value"] = "9911"
    place.put(flows)
    drift = seen(platform, place, wanted)
    assert drift.definition.is_empty
    assert {edit.path for edit in drift.configuration} == {"variable LIMIT", "variable URL"}
    assert "9911" not in str(drift)
    place.put([node for node in flows if node["type"] != "global-config"])
    assert any("no longer set" in edit.summary for edit in seen(platform, place, wanted).configuration)


def test_a_secret_that_is_gone_and_one_that_nobody_gave_are_named(
    platform: NodeRed, place: Place, wanted: Wanted
) -> None:
    home = kit.node_id("Orders")
    place.edit(home, credentials={"KEY": ""})
    assert [edit.summary for edit in seen(platform, place, wanted).configuration] == [
        "the secret that was given is no longer stored"
    ]
    bare = kit.want(wanted.package, variables=wanted.configuration.variables)
    place.edit(home, credentials={"KEY": "typed-by-hand"})
    assert [edit.summary for edit in seen(platform, place, bare).configuration] == [
        "a secret is stored that was not given"
    ]


def test_tabs_that_no_release_put_there_are_listed(platform: NodeRed, place: Place, wanted: Wanted) -> None:
    place.put([*place.flows(), *kit.simple("Shadow", "/shadow")])
    observation = platform.observe(place.access, {"orders": kit.record(wanted)})
    assert [component.name for component in observation.unowned] == ["Shadow"]
    assert observation.solutions["orders"].is_clean


def test_what_another_solution_installed_is_no_addition_to_ours(platform: NodeRed, place: Place) -> None:
    broker = {
        "id": "b0",
        "type": "mqtt-broker",
        "name": "Bus",
        "broker": "127.0.0.1",
        "port": "1",
        "autoConnect": False,
    }
    home, other = kit.tab("Orders"), kit.tab("Billing")
    mine = kit.want(kit.package([home, kit.on(home, "listen", "mqtt in", broker="", topic="t")]))
    theirs = kit.want(
        kit.package([other, kit.on(other, "listen", "mqtt in", broker="b0", topic="t"), broker], solution="billing"),
        solution="billing",
    )
    deploy(platform, place, mine)
    deploy(platform, place, theirs)
    place.edit(kit.node_id("Orders/listen"), broker="b0")
    told = platform.observe(place.access, {"orders": kit.record(mine), "billing": kit.record(theirs)}).solutions
    assert told["orders"].definition.added == ()
    assert [change.component.name for change in told["orders"].definition.changed] == ["listen"]
    assert told["billing"].is_clean


def test_an_export_has_the_values_beside_it_and_no_secret_anywhere(
    platform: NodeRed, place: Place, wanted: Wanted
) -> None:
    place.put([*place.flows(), *kit.simple("Shadow", "/shadow")])
    export = platform.export(place.access, Scope("orders", contains=("Orders",)), {})
    assert export.values == {"LIMIT": 5, "URL": "https://erp.example"}
    assert export.bound == {"Orders": ("KEY",)}
    assert export.editors is None
    assert [component.name for component in export.unowned] == ["Shadow"]
    assert b"key-4711" not in export.package
    assert "key-4711" not in str(export)
    assert b"erp.example" not in export.package


def test_an_export_of_what_was_deployed_does_the_same(platform: NodeRed, place: Place) -> None:
    data = kit.package(kit.simple())
    deploy(platform, place, kit.want(data))
    export = platform.export(place.access, Scope("orders", version="1.0.0", contains=("Orders",)), {})
    assert export.package == data


def test_stored_credentials_of_nodes_become_fields_of_connections(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    broker = {
        "id": "b0",
        "type": "mqtt-broker",
        "name": "Bus",
        "broker": "127.0.0.1",
        "port": "1",
        "autoConnect": False,
    }
    place.put(
        [home, kit.on(home, "listen", "mqtt in", broker="b0", topic="t"), {**broker, "credentials": {"user": "u"}}]
    )
    export = platform.export(place.access, Scope("orders", contains=("Orders",)), {})
    assert export.bound == {"Bus": ("user",)}
    (connection,) = kit.inventory(export.package).connections
    assert (connection.name, connection.fields) == ("Bus", ("user",))


def test_what_two_solutions_hold_is_refused_by_name(platform: NodeRed, place: Place) -> None:
    first, second = kit.tab("Orders"), kit.tab("Billing")
    broker = {
        "id": "b0",
        "type": "mqtt-broker",
        "name": "Bus",
        "broker": "127.0.0.1",
        "port": "1",
        "autoConnect": False,
    }
    place.put(
        [first, second, broker, *(kit.on(t, "listen", "mqtt in", broker="b0", topic="t") for t in (first, second))]
    )
    orders = Scope("orders", contains=("Orders",))
    with pytest.raises(RefusedError, match=r"mqtt-broker \*Bus\* is in billing and orders"):
        platform.export(place.access, orders, {"orders": orders, "billing": Scope("billing", contains=("Billing",))})


def test_a_tab_that_is_not_there_is_told_with_those_that_are(platform: NodeRed, place: Place) -> None:
    place.put(kit.simple())
    with pytest.raises(NotFoundError) as caught:
        platform.export(place.access, Scope("x", contains=("Nowhere",)), {})
    assert "Orders" in caught.value.hint
