"""A solution's page: its path, why not yet, going back, and the answers to live edits."""

from __future__ import annotations

from dataclasses import replace

import pytest
from served import Served
from visiting import HOSTILE, Visitor

from lampway.domain.deployment import DriftFinding, DriftState
from lampway.domain.promotion import DeploymentKind, Promotion
from lampway.engine.drift import ScanDrift
from lampway.testing.world import App, Part


def edit(served: Served, **how: str) -> None:
    served.team.prod.edit("p1", **(how or {"does": "something by hand"}))
    served.team.run(ScanDrift(), "rita")


def test_one_look_tells_what_is_in_each_stage_and_why_it_may_not_go_on(served: Served) -> None:
    served.team.ship("1.19")
    served.team.release("1.30")
    promotion = served.team.promote()
    text = Visitor(served, "mia").look("/solutions/orders")
    for told in ("1.0.1 to prod: why not yet", "0 of 1 approvals", "1.0.1 under way", "take it out", "Owner Mia"):
        assert told in text
    assert f"/promotions/{promotion}" in Visitor(served, "zoe").client.get("/solutions/orders").text


def test_who_may_release_is_led_to_it_from_the_start_and_from_dev(served: Served) -> None:
    served.team.ship("1.19")
    mia, zoe = Visitor(served, "mia"), Visitor(served, "zoe")
    assert "open its solution and choose Release and promote" in mia.look("/")
    assert "release what is there now" in mia.look("/solutions/orders")
    assert "open its solution" not in zoe.look("/")
    assert "release what is there now" not in zoe.look("/solutions/orders")


def test_a_solution_without_a_release_has_its_page_too(served: Served) -> None:
    assert "nothing yet" in Visitor(served, "mia").look("/solutions/billing")
    assert "no solution" in Visitor(served, "mia").look("/solutions/nothing", status=404)


def test_a_release_manager_sees_the_plan_and_goes_back(served: Served) -> None:
    served.team.ship("1.19")
    served.team.ship("1.30")
    rita = Visitor(served, "rita")
    text = rita.look("/solutions/orders/rollback/prod")
    assert "Bring back 1.0.0" in text
    assert "part Price: does something else" in text
    sent = {"running": rita.hidden("running"), "target": rita.hidden("target")}
    assert "reason is missing" in rita.send("/solutions/orders/rollback/prod", 400, **sent, reason=" ")
    rita.look("/solutions/orders/rollback/prod")
    rita.send("/solutions/orders/rollback/prod", **sent, reason="wrong price")
    served.team.settle()
    assert served.team.running("prod") == "1.0.0"
    assert served.team.price_in(served.team.prod) == "1.19"


def test_of_two_who_go_back_at_once_the_second_is_told(served: Served) -> None:
    for price in ("1.19", "1.30", "1.40"):
        served.team.ship(price)
    rita, pam = Visitor(served, "rita"), Visitor(served, "pam")
    for one in (rita, pam):
        one.look("/solutions/orders/rollback/prod")
    sent = {"running": "1.0.2", "target": "1.0.1", "reason": "wrong price"}
    rita.send("/solutions/orders/rollback/prod", **sent)
    served.team.settle()
    assert "1.0.1 runs in prod by now, not 1.0.2" in pam.send("/solutions/orders/rollback/prod", 409, **sent)
    asked = [p for p in served.team.find(Promotion) if p.kind is DeploymentKind.ROLLBACK]
    assert len(asked) == 1
    assert served.team.running("prod") == "1.0.1"


def test_whoever_may_not_go_back_is_told_so(served: Served) -> None:
    served.team.ship("1.19")
    zoe = Visitor(served, "zoe")
    zoe.look("/solutions/orders/rollback/prod")
    zoe.send("/solutions/orders/rollback/prod", 403, running="1.0.0", target="", reason="because")
    assert served.team.running("prod") == "1.0.0"


@pytest.mark.parametrize(
    ("answer", "state"),
    [("accept", DriftState.ACCEPTED), ("revert", DriftState.REVERTED), ("backport", DriftState.BACKPORTED)],
)
def test_a_live_edit_is_answered_here(served: Served, answer: str, state: DriftState) -> None:
    served.team.ship("1.19")
    edit(served)
    rita = Visitor(served, "rita")
    assert "Edited live in prod" in rita.look("/solutions/orders")
    rita.send("/solutions/orders/drift", environment="prod", answer=answer, reason="it was urgent")
    served.team.settle()
    assert [f.state for f in served.team.find(DriftFinding)] == [state]


def test_a_live_edit_does_not_stand_without_a_reason_nor_an_answer(served: Served) -> None:
    served.team.ship("1.19")
    edit(served)
    rita = Visitor(served, "rita")
    rita.look("/solutions/orders")
    rita.send("/solutions/orders/drift", 400, environment="prod", answer="accept", reason="")
    rita.look("/solutions/orders")
    rita.send("/solutions/orders/drift", 400, environment="prod", answer="burn")
    assert [f.state for f in served.team.find(DriftFinding)] == [DriftState.OPEN]


def test_hostile_names_stay_names(served: Served) -> None:
    served.team.dev.draw(App("a1", "Orders", (Part("p1", HOSTILE, "x"),)), by="mia@example.test")
    served.team.release(note=HOSTILE)
    served.team.promote()
    rules = served.team.rules
    rules = replace(rules, solutions=tuple(replace(s, rollback_plan=HOSTILE) for s in rules.solutions))
    served.team.govern(rules)
    text = Visitor(served, "ana").look("/solutions/orders")
    assert text.count("<script>alert(1)</script>") >= 2
