"""Pages in a browser: who may see them, and what a form may do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from served import SECONDS, Served

from lampway.web.console import _words
from lampway.web.visits import make_code


@contextmanager
def browser(served: Served, person: str = "") -> Iterator[httpx.Client]:
    """Open a browser, signed in where a person is named."""
    with httpx.Client(base_url=served.url, timeout=SECONDS, follow_redirects=True) as opened:
        if person:
            code = make_code(served.team.engine, person, "test")
            assert opened.post("/sign-in", data={"code": code}).status_code == 200
        yield opened


@pytest.fixture
def ana(served: Served) -> Iterator[httpx.Client]:
    """Return Ana's browser."""
    with browser(served, "ana") as opened:
        yield opened


def _key(page: str) -> str:
    found = re.search(r'name="form_key" value="([0-9a-f]{64})"', page)
    assert found
    return found[1]


def test_without_signing_in_there_is_nothing_to_see(served: Served) -> None:
    with browser(served) as stranger:
        for path in ("/", "/inbox", "/promotions/x"):
            shown = stranger.get(path)
            assert shown.url.path == "/sign-in"
            assert "orders" not in shown.text


def test_a_code_signs_in_once_and_not_late(served: Served) -> None:
    code = make_code(served.team.engine, "ana", "test")
    with browser(served) as first, browser(served) as second:
        assert first.get("/sign-in", params={"code": code}).status_code == 200  # a look uses nothing up
        assert "What is where" in first.post("/sign-in", data={"code": code}).text
        assert second.post("/sign-in", data={"code": code}).status_code == 401
    late = make_code(served.team.engine, "ana", "test")
    served.team.clock.move(minutes=6)
    with browser(served) as third:
        assert third.post("/sign-in", data={"code": late}).status_code == 401


def test_only_a_token_for_everything_signs_in(served: Served) -> None:
    with browser(served) as opened:
        assert opened.post("/sign-in", data={"token": served.token("ana", "read")}).status_code == 401
        assert opened.post("/sign-in", data={"token": "lw_x_y"}).status_code == 401
        assert "Ana" in opened.post("/sign-in", data={"token": served.token("ana")}).text


def test_signing_in_leads_nowhere_else(served: Served) -> None:
    with httpx.Client(base_url=served.url, timeout=SECONDS) as opened:
        for place in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
            code = make_code(served.team.engine, "ana", "test")
            assert opened.post("/sign-in", data={"code": code, "next": place}).headers["location"] == "/"


def test_an_approver_decides_on_the_page(served: Served, ana: httpx.Client) -> None:
    served.team.release()
    promotion = served.team.promote()
    assert f'href="/promotions/{promotion}"' in ana.get("/inbox").text
    page = ana.get(f"/promotions/{promotion}").text
    digest = served.team.promotion(promotion).bound.digest
    form = {"form_key": _key(page), "decision": "approve", "digest": digest}
    done = ana.post(f"/promotions/{promotion}/decide", data=form)
    assert done.status_code == 200
    assert "approved" in done.text
    served.rest()
    assert served.team.running("prod") == "1.0.0"


def test_what_changed_meanwhile_is_not_decided(served: Served, ana: httpx.Client) -> None:
    served.team.release()
    promotion = served.team.promote()
    form = {"form_key": _key(ana.get("/").text), "decision": "approve", "digest": "sha256:" + "0" * 64}
    assert ana.post(f"/promotions/{promotion}/decide", data=form).status_code == 409
    assert served.team.promotion(promotion).decisions == ()


@pytest.mark.parametrize("key", ["", "0" * 64, "nonsense"])
def test_a_form_from_elsewhere_does_nothing(served: Served, ana: httpx.Client, key: str) -> None:
    served.team.release()
    promotion = served.team.promote()
    form = {"form_key": key, "decision": "approve", "digest": served.team.promotion(promotion).bound.digest}
    assert ana.post(f"/promotions/{promotion}/decide", data=form).status_code == 403
    good = {**form, "form_key": _key(ana.get("/").text)}
    elsewhere = {"Origin": "https://evil.example"}
    assert ana.post(f"/promotions/{promotion}/decide", data=good, headers=elsewhere).status_code == 403
    assert served.team.promotion(promotion).decisions == ()


def test_signing_out_ends_the_session_everywhere(served: Served, ana: httpx.Client) -> None:
    cookie = ana.cookies["lampway"]
    ana.post("/sign-out", data={"form_key": _key(ana.get("/").text)})
    with httpx.Client(base_url=served.url, cookies={"lampway": cookie}, timeout=SECONDS) as other:
        assert other.get("/").headers["location"].startswith("/sign-in")


def test_pages_load_nothing_from_elsewhere_and_run_nothing_inside(served: Served, ana: httpx.Client) -> None:
    served.team.ship("1.19")
    shown = ana.get("/")
    assert "default-src 'none'" in shown.headers["content-security-policy"]
    assert "unsafe" not in shown.headers["content-security-policy"]
    assert not re.search(r"<script(?![^>]*src=)|\son\w+=|style=|https?://", shown.text)


def test_the_cookie_is_kept_from_scripts_and_other_sites(served: Served) -> None:
    with httpx.Client(base_url=served.url, timeout=SECONDS) as opened:
        code = make_code(served.team.engine, "ana", "test")
        told = opened.post("/sign-in", data={"code": code}).headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=lax" in told


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("given changed from `a` to `b`", "given changed from <code>a</code> to <code>b</code>"),
        ("first changed line: `x = `y` + *z*`", "first changed line: <code>x = `y` + *z*</code>"),
        ("flow *<b>* added", "flow <em>&lt;b&gt;</em> added"),
        ("one ` alone", "one ` alone"),
    ],
)
def test_names_and_code_are_set_apart_in_our_words(words: str, shown: str) -> None:
    assert str(_words(words)) == shown
