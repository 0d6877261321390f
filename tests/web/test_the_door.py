"""Who may come in, how often, and with what in their hands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from served import Served

from lampway.engine import cases as c
from lampway.web.openapi import EVENTS_PATH
from lampway.web.routes import BASE, ROUTES

_PROBLEM = "application/problem+json"


def _filled(path: str) -> str:
    return re.sub(r"\{[a-z]+\}", "nothing", path)


@pytest.mark.parametrize("route", ROUTES, ids=lambda r: f"{r.method} {r.path}")
def test_nobody_gets_anything_without_a_token(served: Served, route: Any) -> None:
    told = served.client().request(route.method, _filled(route.path))
    assert told.status_code == 401
    assert told.headers["content-type"] == _PROBLEM
    assert told.headers["www-authenticate"].startswith("Bearer")
    assert set(told.json()) >= {"type", "title", "status", "detail", "code"}


def test_a_token_is_for_what_it_was_issued_for(served: Served) -> None:
    reading = served.client(served.token("mia", "read"))
    for route in ROUTES:
        if route.scope == "read":
            continue
        told = reading.request(route.method, _filled(route.path), json={})
        assert told.status_code == 403, route
        assert told.json()["code"] == "forbidden"
    assert reading.get("/status").status_code == 200


@pytest.mark.parametrize("token", ["", "lw", "lw_a_b", "x" * 5000, "lw__", "lw_%00_x"])
def test_what_is_no_token_says_no_more_than_that(served: Served, token: str) -> None:
    told = served.client(token or "-").get("/status")
    assert told.status_code == 401
    assert told.json()["detail"] == "the token is not known"


def test_a_token_with_another_secret_is_not_known(served: Served) -> None:
    token = served.token("mia")
    told = served.client(token[:-1] + "x").get("/status")
    assert (told.status_code, told.json()["detail"]) == (401, "the token is not known")


def test_a_token_ends_by_its_day_by_word_and_with_its_person(served: Served) -> None:
    first, second = served.token("mia"), served.token("max")
    served.team.run(c.RevokeToken(token=first.split("_")[1], reason="lost"), "mia")
    assert served.client(first).get("/status").json()["detail"] == "the token was revoked"
    assert served.client(second).get("/status").status_code == 200
    served.team.clock.move(days=800)
    assert served.client(second).get("/status").json()["detail"] == "the token has run out"


def test_nobody_makes_a_token_for_somebody_else_but_who_manages_the_platform(served: Served) -> None:
    mine = served.client(served.token("mia"))
    asked = {"name": "x", "digest": "sha256:" + "0" * 64, "until": "2027-01-01", "scopes": ["read"], "person": "max"}
    assert mine.post("/tokens", json=asked).json()["code"] == "forbidden"
    theirs = served.client(served.token("pam"))
    assert theirs.post("/tokens", json=asked).json()["data"]["person"] == "max"


def test_asking_twice_with_one_key_does_it_once(served: Served) -> None:
    client = served.client(served.token("mia"))
    key = {"Idempotency-Key": "0123456789"}
    first = client.post("/solutions/orders/releases", json={}, headers=key)
    again = client.post("/solutions/orders/releases", json={}, headers=key)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert again.headers["idempotency-replayed"] == "true"
    assert len(_releases(served)) == 1
    other = client.post("/solutions/orders/releases", json={"note": "another"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (400, "usage")


def _releases(served: Served) -> tuple[Any, ...]:
    from lampway.domain.release import Release

    return served.team.find(Release, solution="orders")


def test_a_no_is_kept_under_its_key_too(served: Served) -> None:
    client = served.client(served.token("mia"))
    key = {"Idempotency-Key": "abcdefgh"}
    first = client.post("/promotions", json={"release": "orders", "to": "prod"}, headers=key)
    served.team.release()
    again = client.post("/promotions", json={"release": "orders", "to": "prod"}, headers=key)
    assert first.status_code == again.status_code == 404
    assert first.content == again.content


def test_what_was_seen_already_is_not_sent_again(served: Served) -> None:
    client = served.client(served.token("mia"))
    first = client.get("/status")
    again = client.get("/status", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    served.team.ship("1.19")
    assert client.get("/status", headers={"If-None-Match": first.headers["etag"]}).status_code == 200


def test_long_answers_come_in_pages(served: Served) -> None:
    served.team.ship("1.19")
    client = served.client(served.token("mia"))
    everything = client.get("/history?limit=5&everything=true").json()
    assert len(everything["data"]) == 5
    whole = client.get("/tokens?limit=1&offset=0").json()
    assert whole["meta"]["page"]["total"] == 1
    for wrong in ("limit=0", "limit=x", "offset=-1", "limit=99999999"):
        assert client.get(f"/tokens?{wrong}").status_code == 400


def test_whoever_asks_too_often_is_told_when_to_come_back(served: Served) -> None:
    stranger = served.client()
    seen = {stranger.get("/status").status_code for _ in range(40)}
    assert seen == {401, 429}
    told = stranger.get("/status")
    assert told.headers["retry-after"] == "1"
    assert served.client(served.token("mia")).get("/status").status_code == 200


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b'"x"', "application/json"),
        (b"\xff\xfe", "application/json"),
        (b'{"release": 1, "to": "prod"}', "application/json"),
        (b'{"release": "orders", "to": "prod", "force": true}', "application/json"),
        (b'{"release": "orders"}', "application/json"),
        (b'{"release": "orders", "to": "prod"}', "text/plain"),
        (b"[" * 100_000, "application/json"),
    ],
)
def test_a_body_that_is_not_understood_is_asking_wrongly(served: Served, body: bytes, kind: str) -> None:
    client = served.client(served.token("mia"))
    told = client.post("/promotions", content=body, headers={"Content-Type": kind})
    assert told.status_code == 400
    assert told.json()["code"] == "usage"


def test_a_body_too_large_is_refused(served: Served) -> None:
    client = served.client(served.token("mia"))
    parts = (b" " * 1_048_576 for _ in range(40))
    told = client.post("/promotions", content=parts, headers={"Content-Type": "application/json"})
    assert told.status_code == 400
    assert "bytes" in told.json()["detail"]


def test_what_is_not_there_has_the_shape_of_every_error(served: Served) -> None:
    client = served.client(served.token("mia"))
    for told in (client.get("/nowhere"), client.get("/promotions"), client.delete("/status")):
        assert told.headers["content-type"] == _PROBLEM
        assert told.status_code in {404, 405}
        assert set(told.json()) >= {"type", "title", "status", "detail", "code"}


def test_the_description_is_open_and_names_every_route(served: Served) -> None:
    described = served.client().get("/openapi.json").json()
    assert described["openapi"] == "3.1.0"
    named = {(path, method.upper()) for path, methods in described["paths"].items() for method in methods}
    assert named == {(BASE + route.path, route.method) for route in ROUTES} | {(BASE + EVENTS_PATH, "GET")}


@pytest.mark.parametrize(
    "body",
    [
        b'{"release": "orders\\u0000", "to": "prod"}',
        b'{"release": "orders\\ud800", "to": "prod"}',
        b'{"release": "orders\xff", "to": "prod"}',
    ],
)
def test_what_is_no_text_is_asking_wrongly(served: Served, body: bytes) -> None:
    told = served.client(served.token("mia")).post(
        "/promotions", content=body, headers={"Content-Type": "application/json"}
    )
    assert (told.status_code, told.json()["code"]) == (400, "usage")


@pytest.mark.parametrize("number", ["1" + "0" * 40, "-9223372036854775809", "9007199254740992"])
def test_a_number_that_no_store_holds_is_asking_wrongly(served: Served, number: str) -> None:
    client = served.client(served.token("mia"))
    for path in (f"/ledger?after={number}", f"/ledger/search?limit={number}", f"/history?limit={number}"):
        told = client.get(path)
        assert (told.status_code, told.json()["code"]) == (400, "usage"), path
    body = f'{{"reason": "x", "length": {number}}}'.encode()
    told = client.post("/environments/prod/unlock", content=body, headers={"Content-Type": "application/json"})
    assert told.status_code in {400, 403}


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "%00", "a%00b", "%ff%fe", "C:%5cx", "-", " "]
)
def test_a_name_is_never_a_path(served: Served, name: str) -> None:
    client = served.client(served.token("mia"))
    paths = (
        f"/promotions/{name}",
        f"/releases/{name}/evidence-file",
        f"/evidence/{name}/kept",
        f"/environments/{name}/lock/history",
    )
    for path in paths:
        told = client.get(path)
        assert told.status_code in {400, 404}, path
        assert told.headers["content-type"] == _PROBLEM


def test_static_files_are_those_of_the_console_only(served: Served) -> None:
    import httpx

    with httpx.Client(base_url=served.url) as client:
        assert client.get("/static/lampway.css").status_code == 200
        for path in (
            "/static/../api.py",
            "/static/%2e%2e/api.py",
            "/static/..%2fapi.py",
            "/static//etc/passwd",
            "/static/",
        ):
            assert client.get(path).status_code in {404, 405}, path
