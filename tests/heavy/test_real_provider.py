"""Signing in at an OpenID provider that others wrote, started here on loopback."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from served import SECONDS, Served, serving

from lampway.domain.accounts import Account, ClaimRule
from lampway.domain.events import RolesClaimed
from lampway.domain.secret import Secret
from lampway.integrations.oidc import OpenId, Provider
from lampway.web.api import build_api

_ANA = '{"sub": "ana-at-work", "email": "ana@example.test", "email_verified": true}'
_ZOE = '{"sub": "00u1", "groups": ["everybody", "prod approvers"]}'
_EVE = '{"sub": "eve", "email": "ana@example.test", "email_verified": false}'


@pytest.fixture
def issuer() -> Iterator[str]:
    """Return the address of oidc-provider-mock, run by uv from an environment of its own."""
    uv = Path(sys.executable).with_name("uv")
    name = str(uv) if uv.exists() else shutil.which("uv")
    if not name:
        pytest.skip("uv is not installed")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    command = [name, "tool", "run", "--python", sys.executable, "oidc-provider-mock", "--port", str(port)]
    command += ["--require-nonce", "true", "--user-claims", _ANA, "--user-claims", _EVE, "--user-claims", _ZOE]
    started = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(600):
            try:
                yield str(httpx.get(f"{address}/.well-known/openid-configuration").json()["issuer"])
                break
            except httpx.ConnectError:
                if started.poll() is not None:
                    pytest.skip("oidc-provider-mock cannot be installed here")
                time.sleep(0.1)
        else:
            pytest.fail("the provider does not start")
    finally:
        started.terminate()
        started.wait(SECONDS)


def sign_in(browser: httpx.Client, subject: str) -> httpx.Response:
    """Go out to the provider, sign in there as somebody, and come back."""
    there = browser.get("/sign-in/oidc/begin?next=/inbox").headers["location"]
    assert re.search("<form", httpx.get(there).text)
    return browser.get(httpx.post(there, data={"sub": subject}).headers["location"])


def test_zoe_is_known_by_her_account_and_may_approve_because_of_her_group(served: Served, issuer: str) -> None:
    team = served.team
    zoe, rule = (Account(issuer.rstrip("/"), "00u1"),), ClaimRule("groups", "prod approvers", "approver")
    people = tuple(replace(p, accounts=zoe) if p.id == "zoe" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=people, claims=(rule,)))
    team.release()
    promotion = team.promote()
    team.clock.time = datetime.now(UTC)
    api = build_api(served.root, team.engine, oidc=OpenId(Provider(issuer, "lampway", Secret("a secret"))))
    with serving(api) as url, httpx.Client(base_url=url.replace("127.0.0.1", "localhost")) as browser:
        told = sign_in(browser, "00u1")
        assert told.status_code == 303, told.text
        page = browser.get(f"/promotions/{promotion}").text
    assert "Yes, as approver in your own name" in page
    (given,) = [e.event for e in team.store.events() if isinstance(e.event, RolesClaimed)]
    assert (given.person, given.roles, given.subject) == ("zoe", ("approver",), "00u1")


def test_ana_signs_in_with_her_teams_account_and_an_unverified_e_mail_does_not(served: Served, issuer: str) -> None:
    team = served.team
    team.clock.time = datetime.now(UTC)
    api = build_api(served.root, team.engine, oidc=OpenId(Provider(issuer, "lampway", Secret("a secret"))))
    with serving(api) as url, httpx.Client(base_url=url.replace("127.0.0.1", "localhost")) as browser:
        for subject, status in (("eve", 401), ("ana-at-work", 303)):
            told = sign_in(browser, subject)
            assert told.status_code == status, told.text
        assert told.headers["location"] == "/inbox"
        assert "Ana" in browser.get("/inbox").text
