"""Deploying into a real Node-RED: all of ours, nothing of anybody else's, and never by guessing."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence

import flowkit as kit
import httpx
import pytest
from flowkit import deploy, words
from runtimes import Place

from lampway.engine.platform import Found, Progress
from lampway.errors import ConflictError, PlatformRefusedError, UnknownOutcomeError
from lampway.platforms.nodered.api import Api
from lampway.platforms.nodered.plan import STEP
from lampway.platforms.nodered.platform import NodeRed

pytestmark = pytest.mark.real


def test_the_planned_revision_is_the_one_that_runs_and_it_answers(platform: NodeRed, place: Place) -> None:
    deploy(platform, place, kit.want(kit.package(kit.simple())))
    assert place.call("/orders") == {"said": "v1"}


def test_odd_texts_and_numbers_keep_the_planned_revision(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders", info="\ud83d half, \U0001f600 whole, \u2028 line, \x7f, \x00")
    odd = kit.on(home, "odd", "debug", big=1e21, small=1e-7, negative=-0.0, **{"10": 1, "2": 2, "": None})
    deploy(platform, place, kit.want(kit.package([home, odd])))


def test_a_new_version_takes_the_place_of_the_old_one_and_back_gives_the_old_revision(
    platform: NodeRed, place: Place
) -> None:
    first, second = kit.package(kit.simple()), kit.package(kit.simple(text="v2"))
    deploy(platform, place, kit.want(first))
    before = place.revision()
    deploy(platform, place, kit.want(second, first))
    assert place.call("/orders") == {"said": "v2"}
    deploy(platform, place, kit.want(first, second))
    assert place.revision() == before


def test_observing_planning_and_intending_change_nothing(platform: NodeRed, place: Place) -> None:
    wanted = kit.want(kit.package(kit.simple()))
    deploy(platform, place, wanted)
    place.call("/orders")
    log = settled_log(place)
    revision = place.revision()
    platform.probe(place.access)
    platform.observe(place.access, {"orders": kit.record(wanted)})
    platform.plan(place.access, wanted)
    platform.intend(place.access, wanted, STEP)
    platform.observe_lock(place.access, place.maker)
    assert place.revision() == revision
    assert settled_log(place) == log  # it logs every stop and start of flows


def settled_log(place: Place) -> str:
    """Return the log once nothing is written to it any more."""
    log = ""
    while (now := (place.folder / "node-red.log").read_text()) != log:
        log = now
        time.sleep(0.15)
    return log


def test_a_missing_node_type_is_named_before_anything_changes(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    wanted = kit.want(kit.package([home, kit.on(home, "plc", "s7 in")]))
    assert "*s7 in*" in words(platform, place, wanted)
    assert place.flows() == []


def test_a_node_type_of_a_disabled_module_is_named(platform: NodeRed, place: Place) -> None:
    admin = admin_of(place)
    home = kit.tab("Orders")
    wanted = kit.want(kit.package([home, kit.on(home, "only changes", "rbe")]))
    assert words(platform, place, wanted) == ""
    place.outside("PUT", "/nodes/node-red/rbe", json={"enabled": False}, headers=admin)
    try:
        assert "disabled there" in words(platform, place, wanted)
    finally:
        place.outside("PUT", "/nodes/node-red/rbe", json={"enabled": True}, headers=admin)


def admin_of(place: Place) -> dict[str, str]:
    import json

    password = json.loads((place.folder / "lampway.json").read_text())["admin_password"]
    return place.admin_headers("admin", password)


def test_flows_of_others_that_wait_for_a_missing_type_are_named(platform: NodeRed, place: Place) -> None:
    theirs = kit.tab("Theirs")
    place.put([theirs, kit.on(theirs, "plc", "s7 in")])
    assert "tab *Theirs*" in words(platform, place, kit.want(kit.package(kit.simple())))


def test_a_missing_type_that_slips_through_is_no_success(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    wanted = kit.want(kit.package([home, kit.on(home, "plc", "s7 in")]))
    outcome = platform.perform(place.access, wanted, STEP, platform.intend(place.access, wanted, STEP))
    assert outcome.progress is Progress.FAILED
    assert outcome.detail["applied"] is True
    assert "s7 in" in outcome.detail["message"]


def test_two_nodes_for_one_address_are_named_before_one_of_them_wins(platform: NodeRed, place: Place) -> None:
    place.put(kit.simple("Theirs", "/orders", "theirs"))
    assert "GET /orders would be answered by" in words(platform, place, kit.want(kit.package(kit.simple())))


def test_stopped_flows_are_named(platform: NodeRed, place: Place) -> None:
    place.outside("POST", "/flows/state", json={"state": "stop"})
    try:
        assert "stopped" in words(platform, place, kit.want(kit.package(kit.simple())))
    finally:
        place.outside("POST", "/flows/state", json={"state": "start"})


def test_flows_that_are_too_big_are_named_and_refused(platform: NodeRed, place: Place) -> None:
    wanted = kit.want(kit.package(kit.simple(text="x" * 5_300_000)))
    assert "too big" in words(platform, place, wanted)
    with pytest.raises(PlatformRefusedError, match="too big"):
        platform.perform(place.access, wanted, STEP, platform.intend(place.access, wanted, STEP))
    assert place.flows() == []


def test_a_script_that_cannot_be_parsed_is_deployed_and_the_declared_limit_says_so(
    platform: NodeRed, place: Place
) -> None:
    home = kit.tab("Orders")
    deploy(platform, place, kit.want(kit.package([home, *kit.endpoint(home, "/orders", "this is no script")])))
    with pytest.raises(httpx.TimeoutException):
        httpx.get(place.launched.url + "/orders", timeout=0.5)
    assert any("cannot be parsed" in capability.note for capability in platform.capabilities())


def test_nodes_that_no_release_put_there_are_not_overwritten(platform: NodeRed, place: Place) -> None:
    place.put(kit.simple(text="built in production"))
    assert "no release put them there" in words(platform, place, kit.want(kit.package(kit.simple())))


def test_a_node_of_another_solution_is_not_taken_over(platform: NodeRed, place: Place) -> None:
    theirs = kit.package(kit.simple(), solution="billing")
    deploy(platform, place, kit.want(theirs, solution="billing"))
    assert "belongs to billing" in words(platform, place, kit.want(theirs, others={"billing": theirs}))


def test_another_solution_keeps_its_flows_its_secrets_and_its_requests_under_way(
    platform: NodeRed, place: Place
) -> None:
    home = kit.tab("Billing", kit.secret("KEY"))
    slow = "setTimeout(() => { msg.payload = {}; node.send(msg) }, 700)"
    theirs = [home, *kit.endpoint(home, "/billing", kit.tells("KEY")), *kit.endpoint(home, "/slow", slow, "slow")]
    billing = kit.package(theirs, solution="billing")
    deploy(platform, place, kit.want(billing, solution="billing", secrets={"Billing": {"KEY": "bill-me-4711"}}))
    place.call("/billing")
    answers: list[int] = []
    waiting = threading.Thread(
        target=lambda: answers.append(httpx.get(place.launched.url + "/slow", timeout=3).status_code)
    )
    waiting.start()
    others = {"billing": billing}
    first, second = kit.package(kit.simple()), kit.package(kit.simple(text="v2"))
    deploy(platform, place, kit.want(first, others=others))
    deploy(platform, place, kit.want(second, first, others=others))
    waiting.join()
    assert answers == [200]
    assert place.call("/billing") == {"KEY": "bill-me-4711"}
    deploy(platform, place, kit.want(None, second, others=others))
    assert {node.get("label") for node in place.flows() if node["type"] == "tab"} == {"Billing"}
    assert place.call("/billing") == {"KEY": "bill-me-4711"}


def test_removing_takes_all_of_ours_and_of_the_shared_values_only_ours(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    mine = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("ERP_URL"))])
    place.put([{"id": "feed", "type": "global-config", "name": "", "env": [kit.variable("THEIRS", "str", "x")]}])
    before = place.revision()
    deploy(platform, place, kit.want(mine, variables={"ERP_URL": "https://erp.example"}))
    deploy(platform, place, kit.want(None, mine))
    assert place.revision() == before


def test_a_subflow_that_others_use_by_now_is_not_taken_away(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders")
    subflow = {"id": "5b", "type": "subflow", "name": "Price", "info": "", "in": [], "out": []}
    mine = kit.package([home, subflow, kit.on(home, "price", "subflow:5b")])
    deploy(platform, place, kit.want(mine))
    theirs = kit.tab("Theirs")
    place.put([*place.flows(), theirs, kit.on(theirs, "their price", "subflow:5b")])
    assert "subflow that is not there" in words(platform, place, kit.want(None, mine))


def test_what_others_use_by_now_is_not_taken_away(platform: NodeRed, place: Place) -> None:
    home, theirs = kit.tab("Orders"), kit.tab("Theirs")
    bus = {"id": "b0", "type": "mqtt-broker", "name": "Bus", "broker": "127.0.0.1", "port": "1", "autoConnect": False}
    mine = kit.package([home, bus, kit.on(home, "listen", "mqtt in", broker="b0", topic="t")])
    deploy(platform, place, kit.want(mine))
    place.put([*place.flows(), theirs, kit.on(theirs, "listen", "mqtt in", broker="b0", topic="t")])
    assert "mqtt-broker *Bus* goes" in words(platform, place, kit.want(None, mine))


def test_an_edit_since_the_intent_stops_the_deployment_and_stays(platform: NodeRed, place: Place) -> None:
    wanted = kit.want(kit.package(kit.simple()))
    intent = platform.intend(place.access, wanted, STEP)
    place.put(kit.simple("Theirs", "/theirs"))
    with pytest.raises(ConflictError):
        platform.perform(place.access, wanted, STEP, intent)
    assert [node["label"] for node in place.flows() if node["type"] == "tab"] == ["Theirs"]


def test_a_quick_fix_to_what_is_ours_since_the_intent_is_not_overwritten(platform: NodeRed, place: Place) -> None:
    first = kit.package(kit.simple())
    deploy(platform, place, kit.want(first))
    wanted = kit.want(kit.package(kit.simple(text="v2")), first)
    intent = platform.intend(place.access, wanted, STEP)
    place.edit(kit.node_id("Orders/answer"), func=kit.says("quick fix"))
    with pytest.raises(ConflictError):
        platform.perform(place.access, wanted, STEP, intent)
    assert place.call("/orders") == {"said": "quick fix"}


def test_an_edit_between_our_look_and_our_change_is_refused_by_the_runtime(place: Place) -> None:
    class Racing(Api):
        def deploy(self, nodes: Sequence[kit.Node], revision: str, kind: str) -> str:
            place.put(kit.simple("Theirs", "/theirs"))
            return super().deploy(nodes, revision, kind)

    platform = NodeRed(connect=Racing)
    wanted = kit.want(kit.package(kit.simple()))
    with pytest.raises(ConflictError):
        platform.perform(place.access, wanted, STEP, platform.intend(place.access, wanted, STEP))
    assert [node["label"] for node in place.flows() if node["type"] == "tab"] == ["Theirs"]


class Dying(Api):
    """Never learns what its deployment led to."""

    def deploy(self, nodes: Sequence[kit.Node], revision: str, kind: str) -> str:
        super().deploy(nodes, revision, kind)
        raise UnknownOutcomeError("killed")


def test_a_deployment_whose_answer_was_lost_is_found_and_can_be_performed_again(
    platform: NodeRed, place: Place
) -> None:
    home = kit.tab("Orders", kit.secret("KEY"))
    wanted = kit.want(
        kit.package([home, *kit.endpoint(home, "/orders", kit.tells("KEY"))]), secrets={"Orders": {"KEY": "k-1"}}
    )
    intent = platform.intend(place.access, wanted, STEP)
    assert platform.look_up(place.access, wanted, STEP, intent) is Found.UNTOUCHED
    with pytest.raises(UnknownOutcomeError):
        NodeRed(connect=Dying).perform(place.access, wanted, STEP, intent)
    assert platform.look_up(place.access, wanted, STEP, intent) is Found.REACHED
    revision = place.revision()
    assert platform.perform(place.access, wanted, STEP, intent).progress is Progress.DONE
    assert place.revision() == revision
    assert place.call("/orders") == {"KEY": "k-1"}


def test_after_a_foreign_deployment_what_is_ours_decides(platform: NodeRed, place: Place) -> None:
    wanted = kit.want(kit.package(kit.simple()))
    intent = platform.intend(place.access, wanted, STEP)
    place.put(kit.simple("Theirs", "/theirs"))
    assert platform.look_up(place.access, wanted, STEP, intent) is Found.UNTOUCHED
    place.put([*place.flows(), *kit.simple()])
    assert platform.look_up(place.access, wanted, STEP, intent) is Found.REACHED
    place.edit(kit.node_id("Orders/answer"), func=kit.says("edited live"))
    assert platform.look_up(place.access, wanted, STEP, intent) is Found.UNCLEAR


def test_the_same_flows_with_new_secrets_count_as_untouched_until_recorded(platform: NodeRed, place: Place) -> None:
    home = kit.tab("Orders", kit.secret("KEY"))
    data = kit.package([home, *kit.endpoint(home, "/orders", kit.tells("KEY"))])
    deploy(platform, place, kit.want(data, secrets={"Orders": {"KEY": "old"}}))
    wanted = kit.want(data, data, secrets={"Orders": {"KEY": "new"}})
    intent = platform.intend(place.access, wanted, STEP)
    assert platform.look_up(place.access, wanted, STEP, intent) is Found.UNTOUCHED
    platform.perform(place.access, wanted, STEP, intent)
    assert place.call("/orders") == {"KEY": "new"}


def test_a_disabled_tab_stays_disabled(platform: NodeRed, place: Place) -> None:
    first = kit.package(kit.simple())
    deploy(platform, place, kit.want(first))
    nodes = kit.simple()
    nodes[0]["disabled"] = True
    deploy(platform, place, kit.want(kit.package(nodes), first))
    place.call("/orders", 404)
