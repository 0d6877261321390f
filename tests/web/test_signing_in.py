"""Signing in: once per link and challenge, from our own pages only, with a passkey where there is one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from browser import Browser, answer
from served import Served

from lampway.domain.passkeys import Passkey
from lampway.engine.passkeys import RemovePasskey
from lampway.engine.revoke import Revoke
from lampway.web.visits import make_code


@pytest.fixture
def ana(served: Served) -> Browser:
    return Browser(served).sign_in("ana")


def test_a_passkey_is_registered_and_signs_its_person_in(served: Served, ana: Browser) -> None:
    device = ana.device()
    told = ana.register(device)
    assert told.status_code == 303, told.text
    (known,) = served.team.find(Passkey)
    assert (known.person, known.name, known.key) == ("ana", "laptop", device.key)
    page = ana.get("/passkeys").text
    assert "laptop" in page
    assert device.key in page, "the line that people.yaml needs is shown"
    other = Browser(served)
    assert other.get("/inbox").status_code == 303
    assert other.sign_in_with(device).headers["location"] == "/"
    assert "Ana" in other.get("/inbox").text


def test_a_challenge_is_good_for_one_answer_soon_and_for_one_purpose(served: Served, ana: Browser) -> None:
    device = ana.device()
    ana.register(device)
    other = Browser(served)
    challenge = other.challenge()
    assert other.sign_in_with(device, challenge).status_code == 303
    assert other.sign_in_with(device, challenge).status_code == 401
    challenge = other.challenge()
    served.team.clock.move(minutes=6)
    assert other.sign_in_with(device, challenge).status_code == 401
    assert other.sign_in_with(device, "A" * 43).status_code == 401
    ana.sign_in("ana")
    registering = ana.attribute(ana.get("/passkeys").text, "data-challenge")
    assert other.sign_in_with(device, registering).status_code == 401


def test_a_registration_is_answered_once_and_by_whom_it_was_shown(served: Served, ana: Browser) -> None:
    device = ana.device()
    challenge = ana.attribute(ana.get("/passkeys").text, "data-challenge")
    made = device.answer(challenge, "webauthn.create")
    bob = Browser(served).sign_in("bob")
    assert bob.send("/passkeys", name="x", **answer(device, made, b"")).status_code == 401
    assert ana.send("/passkeys", name="x", **answer(device, made, b"")).status_code == 303
    assert ana.send("/passkeys", name="x", **answer(device, made, b"")).status_code == 401
    assert ana.register(device).status_code == 409
    assert len(served.team.find(Passkey)) == 1


def test_another_device_or_another_address_signs_nobody_in(served: Served, ana: Browser) -> None:
    device = ana.device()
    ana.register(device)
    other = Browser(served)
    assert other.sign_in_with(replace(device, private=ana.device().private)).status_code == 401
    assert other.sign_in_with(replace(device, origin="https://evil.example")).status_code == 401
    assert other.sign_in_with(replace(device, flags=1)).status_code == 401
    assert other.sign_in_with(replace(device, credential=b"unknown")).status_code == 401


def test_a_passkey_that_was_removed_or_whose_person_left_signs_nobody_in(served: Served, ana: Browser) -> None:
    device, second = ana.device(), replace(ana.device(), credential=b"second")
    ana.register(device)
    ana.register(second, name="phone")
    first = served.team.find(Passkey)[0]
    assert ana.send(f"/passkeys/{first.id}/remove", reason="sold").status_code == 303
    other = Browser(served)
    assert "was removed" in other.sign_in_with(device).text
    assert other.sign_in_with(second).status_code == 303
    served.team.run(Revoke("left", "new job", person="ana"), "rita")
    assert other.sign_in_with(second).status_code == 401
    assert other.get("/inbox").status_code == 303, "a session ends with its person"


def test_nobody_removes_somebody_elses_passkey(served: Served, ana: Browser) -> None:
    ana.register(ana.device())
    (known,) = served.team.find(Passkey)
    bob = Browser(served).sign_in("bob")
    assert bob.send(f"/passkeys/{known.id}/remove", reason="x").status_code == 403
    assert served.team.run(RemovePasskey(known.id, "lost"), "rita").removed_at


def test_registering_takes_a_fresh_proof(served: Served, ana: Browser) -> None:
    page = ana.get("/passkeys").text
    challenge = ana.attribute(page, "data-challenge")
    served.team.clock.move(minutes=16)
    assert "data-challenge" not in ana.get("/passkeys").text
    device = ana.device()
    told = ana.send("/passkeys", name="x", **answer(device, device.answer(challenge, "webauthn.create"), b""))
    assert told.headers["location"] == "/sign-in?next=/passkeys&again=1"
    assert served.team.find(Passkey) == ()


def test_passkeys_are_not_offered_where_browsers_make_none(served: Served) -> None:
    ana = Browser(served)
    ana.client.base_url = served.url
    ana.client.post("/sign-in", data={"code": make_code(served.team.engine, "ana", "link, test")})
    assert "Browsers make no passkeys at http://127.0.0.1" in ana.get("/passkeys").text


def test_signing_in_anew_makes_a_new_session_and_ends_the_old_one(served: Served, ana: Browser) -> None:
    old = ana.client.cookies["lampway"]
    ana.sign_in("ana")
    assert ana.client.cookies["lampway"] != old
    fixed = Browser(served)
    fixed.client.cookies.set("lampway", old)
    assert fixed.get("/inbox").status_code == 303


def test_the_cookie_is_for_this_site_and_no_script(served: Served) -> None:
    browser = Browser(served)
    code = make_code(served.team.engine, "ana", "link, test")
    cookie = browser.post("/sign-in", code=code).headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "secure" not in cookie
    code = make_code(served.team.engine, "ana", "link, test")
    told = browser.client.post("/sign-in", data={"code": code}, headers={"X-Forwarded-Proto": "https"})
    assert "secure" in told.headers["set-cookie"].lower()


def test_a_link_signs_in_once(served: Served) -> None:
    browser = Browser(served)
    code = make_code(served.team.engine, "ana", "link, test")
    assert browser.get(f"/sign-in?code={code}").status_code == 200
    assert browser.post("/sign-in", code=code).status_code == 303
    assert browser.post("/sign-in", code=code).status_code == 401
    late = make_code(served.team.engine, "ana", "link, test")
    served.team.clock.move(minutes=6)
    assert browser.post("/sign-in", code=late).status_code == 401


@pytest.mark.parametrize("path", ["/sign-in", "/sign-in/challenge", "/passkeys"])
def test_forms_of_other_sites_are_refused(ana: Browser, path: str) -> None:
    code = make_code(ana.served.team.engine, "ana", "link, test")
    form = {"code": code, "form_key": ana.form_key(), "name": "x"}
    assert ana.client.post(path, data=form, headers={"Origin": "https://evil.example"}).status_code == 403


def test_a_form_without_its_key_or_with_somebody_elses_is_refused(served: Served, ana: Browser) -> None:
    theirs = Browser(served).sign_in("bob").form_key()
    for key in ("", theirs, "x", "ü"):
        assert ana.post("/passkeys", form_key=key, name="x").status_code == 403


def test_a_session_that_ran_out_leads_to_signing_in(served: Served, ana: Browser) -> None:
    served.team.clock.move(hours=13)
    told = ana.get("/passkeys")
    assert told.headers["location"] == "/sign-in?next=/passkeys"


def test_whoever_tries_too_often_waits(served: Served) -> None:
    browser = Browser(served)
    seen = {browser.post("/sign-in", code="x").status_code for _ in range(50)}
    assert seen == {401, 429}


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"])
def test_signing_in_leads_to_a_page_of_ours(served: Served, path: str) -> None:
    browser = Browser(served)
    code = make_code(served.team.engine, "ana", "link, test")
    assert browser.post("/sign-in", code=code, next=path).headers["location"] == "/"


@pytest.mark.parametrize("path", ["/sign-in", "/passkeys", "/inbox"])
def test_pages_let_no_foreign_script_run(ana: Browser, path: str) -> None:
    policy = ana.get(path).headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("field", ["authenticator_data", "client_data", "signature", "credential"])
@pytest.mark.parametrize("value", ["", "!", "AAAA", "e30", "W10", "x" * 10_000])
def test_whatever_is_sent_instead_of_an_answer_signs_nobody_in(ana: Browser, field: str, value: str) -> None:
    device = ana.device()
    ana.register(device)
    made = device.answer(ana.challenge())
    told = Browser(ana.served).post("/sign-in", **{**answer(device, made, device.sign(made)), field: value})
    assert told.status_code in {400, 401}
    assert "set-cookie" not in told.headers
