"""Signing in at the team's provider: only for the browser that asked, and only for what the provider really said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import ECKey
from provider import CLIENT, Provider, provided
from served import Served, serving

from lampway.domain.accounts import Account, ClaimRule
from lampway.engine.revoke import Revoke
from lampway.errors import UsageError
from lampway.integrations.oidc import OpenId
from lampway.integrations.oidc import Provider as Settings
from lampway.web.api import build_api
from lampway.web.server import read_provider


@dataclass
class Desk:
    """A server that knows a provider, and a browser in front of both."""

    served: Served
    provider: Provider
    browser: httpx.Client

    def begin(self, query: str = "") -> dict[str, str]:
        """Go out to the provider, sign in there, and return what the browser brings back."""
        told = self.browser.get(f"/sign-in/oidc/begin{query}")
        assert told.status_code == 303, told.text
        self.provider.now = self.served.team.clock.now().timestamp()
        return self.provider.authorize(told.headers["location"])

    def finish(self, answer: dict[str, str]) -> httpx.Response:
        """Come back."""
        return self.browser.get("/sign-in/oidc", params=answer)

    def is_in(self) -> bool:
        """Return whether somebody is signed in."""
        return self.browser.get("/inbox").status_code == 200


@pytest.fixture
def desk(served: Served) -> Iterator[Desk]:
    with provided() as provider:
        api = build_api(served.root, served.team.engine, oidc=OpenId(Settings(provider.issuer, CLIENT)))
        with serving(api) as url, httpx.Client(base_url=url.replace("127.0.0.1", "localhost")) as browser:
            yield Desk(served, provider, browser)


def test_a_verified_e_mail_in_people_yaml_signs_in(desk: Desk) -> None:
    assert "Sign in with your team" in desk.browser.get("/sign-in").text
    told = desk.finish(desk.begin("?next=/passkeys"))
    assert (told.status_code, told.headers["location"]) == (303, "/passkeys")
    assert "Ana" in desk.browser.get("/inbox").text
    asked = desk.provider.asked
    assert (asked["response_type"], asked["code_challenge_method"]) == ("code", "S256")
    assert (asked["redirect_uri"], asked["client_id"]) == (f"{desk.browser.base_url}/sign-in/oidc", CLIENT)
    assert len(asked["state"]) == len(asked["nonce"]) == 43
    assert "max_age" not in asked


@pytest.mark.parametrize(
    "claims",
    [
        {"email": "stranger@example.test"},
        {"email": "ana"},
        {"email": None},
        {"email_verified": False},
        {"email_verified": None},
        {"email_verified": "true"},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"aud": [CLIENT, "another"]},
        {"azp": "another"},
        {"nonce": "another"},
        {"nonce": None},
        {"exp": 1},
        {"exp": None},
        {"iat": 2**33},
        {"iat": None},
    ],
    ids=str,
)
def test_a_token_that_says_anything_else_signs_nobody_in(desk: Desk, claims: dict[str, Any]) -> None:
    desk.provider.claims = claims
    assert desk.finish(desk.begin()).status_code == 401
    assert not desk.is_in()


def test_a_token_signed_by_anybody_else_signs_nobody_in(desk: Desk) -> None:
    desk.provider.signed_by = ECKey.generate_key("P-256", {"kid": "k1"})
    assert "not signed by the provider" in desk.finish(desk.begin()).text
    assert not desk.is_in()


def test_an_answer_is_taken_once_soon_and_from_the_browser_that_asked(desk: Desk) -> None:
    answer = desk.begin()
    with httpx.Client(base_url=desk.browser.base_url) as another:
        assert another.get("/sign-in/oidc", params=answer).status_code == 401
    assert desk.finish({**answer, "state": "x" * 43}).status_code == 401
    assert desk.finish(answer).status_code == 401, "it was used up by the wrong one"
    late = desk.begin()
    desk.served.team.clock.move(minutes=6)
    assert desk.finish(late).status_code == 401
    good = desk.begin()
    assert desk.finish(good).status_code == 303
    assert desk.finish(good).status_code == 401
    assert len(desk.provider.used) == 1


@pytest.mark.parametrize(
    "wrong", [{"iss": "https://evil.example"}, {"error": "access_denied"}, {"code": ""}, {"code": "x"}]
)
def test_an_answer_of_another_kind_signs_nobody_in(desk: Desk, wrong: dict[str, str]) -> None:
    assert desk.finish({**desk.begin(), **wrong}).status_code == 401
    assert not desk.is_in()


def test_a_provider_that_calls_itself_otherwise_is_not_asked(desk: Desk) -> None:
    desk.provider.published = {"issuer": "https://evil.example"}
    assert desk.browser.get("/sign-in/oidc/begin").status_code == 502


def test_being_signed_in_there_for_long_is_no_fresh_proof_here(desk: Desk) -> None:
    desk.begin("?again=1")
    assert desk.provider.asked["max_age"] == "0"
    now = int(desk.served.team.clock.now().timestamp())
    for proved, is_fresh in ((now - 3600, False), (None, False), (now, True), (now + 10**6, True)):
        desk.provider.claims = {"auth_time": proved}
        assert desk.finish(desk.begin("?again=1")).status_code == 303
        assert ("data-challenge" in desk.browser.get("/passkeys").text) is is_fresh, proved


def test_who_left_does_not_come_in_by_the_team_either(desk: Desk) -> None:
    desk.served.team.run(Revoke("left", "new job", person="ana"), "rita")
    assert desk.finish(desk.begin()).status_code == 401


def test_it_leads_on_to_a_page_of_ours_only(desk: Desk) -> None:
    assert desk.finish(desk.begin("?next=//evil.example")).headers["location"] == "/"


def test_the_cookie_of_the_way_out_is_for_the_way_back_only(desk: Desk) -> None:
    told = desk.browser.get("/sign-in/oidc/begin").headers["set-cookie"].lower()
    assert {"httponly", "samesite=lax", "path=/sign-in/oidc"} <= {part.strip() for part in told.split(";")}


def test_without_a_provider_there_is_no_such_way(served: Served) -> None:
    with httpx.Client(base_url=served.url) as browser:
        assert browser.get("/sign-in/oidc/begin").status_code == 404
        assert "team" not in browser.get("/sign-in").text


@pytest.mark.parametrize("issuer", ["http://evil.example", "ftp://x", "x"])
def test_a_provider_is_reached_over_https(issuer: str) -> None:
    with pytest.raises(UsageError, match="over https"):
        read_provider(issuer, CLIENT, "")


def test_half_a_provider_is_refused() -> None:
    assert read_provider("", "", "") is None
    with pytest.raises(UsageError, match="--oidc-client is missing"):
        read_provider("https://x.example", "", "")
    with pytest.raises(UsageError, match="--oidc-issuer is missing"):
        read_provider("", CLIENT, "")


def test_a_group_gives_its_role_where_a_rule_names_it_and_what_else_is_said_gives_nothing(desk: Desk) -> None:
    team = desk.served.team
    desk.provider.claims = {"groups": ["approvers"], "roles": ["platform-admin"], "email": "zoe@example.test"}
    team.release()
    promotion = team.promote()
    assert desk.finish(desk.begin()).status_code == 303
    assert "is not one of those who may approve here" in desk.browser.get(f"/promotions/{promotion}").text
    team.govern(replace(team.rules, claims=(ClaimRule("groups", "approvers", "approver"),)))
    promotion = team.promote()
    assert desk.finish(desk.begin()).status_code == 303
    assert "Yes, as approver in your own name" in desk.browser.get(f"/promotions/{promotion}").text
    assert desk.browser.get("/environments").status_code == 200
    team.clock.move(days=1)
    assert desk.finish(desk.begin()).status_code == 303
    desk.provider.claims = {"email": "zoe@example.test"}
    assert desk.finish(desk.begin()).status_code == 303
    assert "is not one of those who may approve here" in desk.browser.get(f"/promotions/{promotion}").text


def test_an_account_that_people_yaml_names_needs_no_e_mail(desk: Desk) -> None:
    team = desk.served.team
    account = (Account(desk.provider.issuer, "00u1"),)
    people = tuple(replace(p, accounts=account) if p.id == "zoe" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=people))
    desk.provider.claims = {"sub": "00u1", "email": None, "email_verified": None}
    assert desk.finish(desk.begin()).status_code == 303
    assert "Zoe" in desk.browser.get("/inbox").text
    desk.provider.claims = {"sub": None}
    assert desk.finish(desk.begin()).status_code == 401


def test_more_is_asked_for_where_the_provider_tells_groups_for_that_alone(served: Served) -> None:
    with provided() as provider:
        known = OpenId(Settings(provider.issuer, CLIENT, scope="groups email"))
        there = known.begin("s", "http://localhost/", fresh=False)
    assert parse_qs(urlsplit(there).query)["scope"] == ["openid email groups"]
    assert served.url
