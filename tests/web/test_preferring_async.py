"""Whoever does not wait for a deployment is answered at once, and it goes on; what was seen is not sent again."""

from __future__ import annotations

from typing import Any

import pytest
from served import Served
from test_answered_at_once import SlowBench

from lampway.app.wire import is_streamed
from lampway.domain.promotion import Promotion, PromotionState
from lampway.engine import cases as c
from lampway.engine.cases import MOVING
from lampway.web.afterwards import prefers_async
from lampway.web.openapi import openapi
from lampway.web.routes import BASE, ROUTES

ASYNC = {"Prefer": "respond-async"}


@pytest.fixture
def slow(served: Served) -> Any:
    """Return checks that do not end before they may."""
    bench = SlowBench(served)
    object.__setattr__(served.team.engine, "checks", bench)
    yield bench
    bench.may_end.set()
    served.rest()


def test_a_promotion_is_answered_with_its_place_while_it_goes(served: Served, slow: SlowBench) -> None:
    served.team.release()
    client = served.client(served.token("mia"))
    told = client.post("/promotions", json={"release": "orders", "to": "test"}, headers=ASYNC)
    assert (told.status_code, told.headers["preference-applied"]) == (202, "respond-async")
    (key,) = told.json()["data"]["promotions"]
    assert told.headers["location"] == f"{BASE}/promotions/{key}"
    assert slow.begun.wait(20), "the deployment goes on behind the answer"
    where = told.headers["location"].removeprefix(BASE)
    assert client.get(where).json()["data"]["promotion"]["state"] == "running"
    slow.may_end.set()
    served.rest()
    assert served.team.running("test") == "1.0.0"


def test_the_same_key_gives_the_same_answer_with_its_headers_and_asks_once(served: Served) -> None:
    served.team.release()
    client, headers = served.client(served.token("mia")), {**ASYNC, "Idempotency-Key": "0123456789"}
    told = [client.post("/promotions", json={"release": "orders", "to": "test"}, headers=headers) for _ in range(2)]
    assert told[0].content == told[1].content
    names = ("location", "preference-applied")
    assert [told[0].headers[n] for n in names] == [told[1].headers[n] for n in names]
    assert told[1].headers["idempotency-replayed"] == "true"
    served.rest()
    assert len(served.team.find(Promotion)) == 1


def test_a_decision_answers_at_once_and_a_no_is_a_no(served: Served, slow: SlowBench) -> None:
    slow.may_end.set()
    served.team.release()
    promotion = served.team.promote()
    path = f"/promotions/{promotion}/decision"
    refused = served.client(served.token("mia")).post(path, json={"approved": True}, headers=ASYNC)
    assert (refused.status_code, "preference-applied" in refused.headers) == (409, False)
    slow.may_end.clear()
    slow.begun.clear()
    told = served.client(served.token("ana")).post(path, json={"approved": True}, headers=ASYNC)
    assert (told.status_code, told.headers["location"]) == (202, f"{BASE}/promotions/{promotion}")
    assert slow.begun.wait(20)
    slow.may_end.set()
    served.rest()
    assert served.team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_without_the_preference_it_is_answered_when_it_rests(served: Served) -> None:
    served.team.release()
    client = served.client(served.token("mia"))
    told = client.post("/promotions", json={"release": "orders", "to": "test"}, headers={"Prefer": "wait=10"})
    assert (told.status_code, "location" in told.headers) == (200, False)
    assert served.team.running("test") == "1.0.0"


@pytest.mark.parametrize(
    ("header", "wished"),
    [
        ("respond-async", True),
        ("Respond-Async; foo=bar", True),
        ("wait=10, respond-async", True),
        ("", False),
        ("respond-asynchronously", False),
        ("wait=respond-async", False),
    ],
)
def test_the_preference_is_read_as_the_standard_has_it(header: str, wished: bool) -> None:
    assert prefers_async(c.Promote("orders", "test"), header) is wished
    assert not prefers_async(c.Status(), header), "what lets nothing begin is answered when it is answered"


def test_the_description_tells_which_requests_may_be_answered_at_once() -> None:
    told = openapi()["paths"]
    offered = {
        operation["operationId"]
        for path in told.values()
        for operation in path.values()
        if "202" in operation["responses"] and any(p["name"] == "Prefer" for p in operation["parameters"])
    }
    assert offered == {kind.__name__ for kind in MOVING if kind in {route.request for route in ROUTES}}


def test_over_the_network_a_command_that_does_not_wait_has_asked_all_the_same(served: Served, slow: SlowBench) -> None:
    served.team.release()
    mia = served.remote("mia")
    asked = mia.ask(c.Promote("orders", "test"))
    assert slow.begun.wait(20)
    assert mia.run(c.ShowPromotion(asked.promotions[-1])).promotion.state is PromotionState.RUNNING


@pytest.mark.parametrize("given", ["{}", "W/{}", '"other", {}', "*"])
def test_every_look_has_a_tag_and_is_not_sent_again_while_nothing_changed(served: Served, given: str) -> None:
    served.team.ship("1.19")
    names = {"promotion": served.team.find(Promotion)[0].id, "solution": "orders", "release": "orders@1.0.0"}
    client = served.client(served.token("pam"))
    looks = [r for r in ROUTES if r.method == "GET" and not is_streamed(r.request)]
    paths = [r.path.format(**names) for r in looks if set(r.in_path) <= names.keys()]
    seen = 0
    for path in (*paths, "/me", "/openapi.json"):
        first = client.get(path)
        if first.status_code != 200:
            continue  # it needs more than a place
        again = client.get(path, headers={"If-None-Match": given.format(first.headers["etag"])})
        assert (again.status_code, again.content) == (304, b""), path
        assert again.headers["etag"] == first.headers["etag"]
        seen += 1
    assert seen > 25


def test_what_becomes_of_a_promotion_is_told_over_the_api_until_it_is_over(served: Served, slow: SlowBench) -> None:
    served.team.release()
    client = served.client(served.token("mia"))
    place = client.post("/promotions", json={"release": "orders", "to": "test"}, headers=ASYNC).headers["location"]
    assert slow.begun.wait(20)
    told: list[str] = []
    with client.stream("GET", f"{place.removeprefix(BASE)}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        for line in events.iter_lines():
            told += [line] if line.startswith(("event", "data")) else []
            slow.may_end.set()
    assert told[:2] == ["event: state", "data: running"]
    assert told[-2:] == ["event: over", "data: succeeded"]
    nobody = served.client().get(f"{place.removeprefix(BASE)}/events")
    assert (nobody.status_code, nobody.json()["code"]) == (401, "unauthenticated")
    assert client.get("/promotions/nothing/events").status_code == 404
    unfit = served.client(served.token("mia", "act"))
    assert unfit.get(f"{place.removeprefix(BASE)}/events").status_code == 403
