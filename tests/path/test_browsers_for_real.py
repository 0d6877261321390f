"""The whole journey in a browser, over three real Node-REDs: a maker releases, an approver signs, and it goes back."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).parents[1] / "web"))
from served import serving

from lampway.app import open_engine
from lampway.cli import demo_flows
from lampway.domain.passkeys import Passkey
from lampway.web.api import build_api
from lampway.web.visits import make_code

pytestmark = pytest.mark.real

_DEVICE = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture
def engine(team: Any) -> Iterator[Any]:
    """Return the engine that the server has, over the team's own state."""
    opened = open_engine(team.root)
    yield opened
    opened.store.close()


@pytest.fixture
def url(team: Any, engine: Any) -> Iterator[str]:
    """Return where the console is."""
    with serving(build_api(team.root, engine)) as address:
        yield address.replace("127.0.0.1", "localhost")


@pytest.fixture
def sign_in(engine: Any, url: str) -> Iterator[Callable[[str], Any]]:
    """Return what opens a browser of somebody who follows a sign-in link, with a device that verifies its person."""
    chromium = next((p for n in ("chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n))), None)
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("NO CHROMIUM TO TEST WITH")
        pytest.skip("NO CHROMIUM TO TEST WITH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

        def open_for(person: str) -> Any:
            page = browser.new_context().new_page()
            page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
            cdp = page.context.new_cdp_session(page)
            cdp.send("WebAuthn.enable")
            cdp.send("WebAuthn.addVirtualAuthenticator", {"options": _DEVICE})
            page.goto(f"{url}/sign-in?code={make_code(engine, person, 'link, test')}")
            page.get_by_role("button", name="Sign in", exact=True).click()
            return page

        yield open_for
        browser.close()


def name_passkey(team: Any, engine: Any, page: Any, url: str) -> None:
    """Register a passkey on the page, and let the rules name it, as two people do."""
    page.goto(f"{url}/passkeys")
    page.get_by_label("What you call it").fill("work laptop")
    page.get_by_role("button", name="Register a passkey").click()
    page.get_by_text("passkey work laptop registered").wait_for()
    with engine.store.reading() as reading:
        (known,) = reading.find(Passkey)
    team.ok("passkey", "show", known.id, "--add")
    team.settle_strategy("Name the passkey", user="cleo" if known.person == "ben" else "ben")


@pytest.fixture
def chiefs(team: Any) -> Any:
    """Return the team in which cleo may apply rules too."""
    people = team.root / "people.yaml"
    text = people.read_text()
    place = text.index("cleo:")
    people.write_text(text[:place] + text[place:].replace("[approver]", "[approver, platform-admin]", 1))
    team.settle_strategy("Let cleo apply", user="ben")
    return team


def release(page: Any, note: str) -> None:
    """Do what a maker does, from the first page on."""
    page.get_by_role("link", name="What is where").click()
    page.get_by_role("link", name="orders", exact=True).first.click()
    page.get_by_role("link", name="Release and promote").click()
    page.get_by_label("What is new").fill(note)
    page.get_by_role("button", name="Release and promote").click()
    page.get_by_text("is sealed and asked for").wait_for()


def approve(page: Any) -> None:
    """Do what an approver does, from the inbox to the end."""
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name="Decide").first.click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_role("button", name="Sign with your passkey").click()
    page.locator("#progress .state.succeeded").wait_for(timeout=90_000)


def runs_in_prod(team: Any) -> tuple[str, str]:
    """Return which version the records say runs there, and what Node-RED says is done with the price."""
    (cell,) = [c for c in team.ok("status", "orders", "--json").json if c["environment"] == "prod"]
    (code,) = [n["func"] for n in team.flows("prod") if n["id"] == demo_flows.node_id("sum")]
    return cell["version"], "* each * 1" if "* each * 1 * 100" in code else "* each"


@pytest.mark.timeout(300)
def test_a_maker_an_approver_and_whoever_rolls_back_need_nothing_but_a_browser(
    chiefs: Any, engine: Any, url: str, sign_in: Callable[[str], Any]
) -> None:
    team = chiefs
    ben = sign_in("ben")
    name_passkey(team, engine, ben, url)
    ada = sign_in("ada")
    release(ada, "the first order intake")
    ada.get_by_text("First it goes to test").wait_for()
    ada.get_by_text("for approval").wait_for(timeout=90_000)
    ada.get_by_text("First it goes to test").wait_for(state="detached", timeout=90_000)
    approve(ben)
    assert team.order("prod")["accepted"] is True

    team.edit_live("dev", "* each", "* each * 1")
    release(ada, "another way to the same price")
    ada.get_by_text("First it goes to test").wait_for(state="detached", timeout=90_000)
    approve(ben)
    assert runs_in_prod(team) == ("1.0.1", "* each * 1")

    cleo = sign_in("cleo")
    cleo.get_by_role("link", name="orders", exact=True).first.click()
    cleo.get_by_role("link", name="roll back to 1.0.0").last.click()
    cleo.get_by_label("Reason").fill("wrong price")
    cleo.get_by_role("button", name="Bring back 1.0.0").click()
    cleo.locator("#progress .state.succeeded").wait_for(timeout=90_000)
    assert runs_in_prod(team) == ("1.0.0", "* each")
    assert team.order("prod")["accepted"] is True
    told = team.ok("history").out
    assert "rolled back" in told or "rollback" in told
    team.ok("audit", "verify")
