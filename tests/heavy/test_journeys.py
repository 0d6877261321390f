"""Journeys through the console in a real browser, from the first click to the end; and no page that axe objects to."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "engine"))
from team import Team

from lampway.domain.promotion import Promotion
from lampway.engine.drift import ScanDrift
from lampway.storage.sql import open_sqlite
from lampway.testing.world import Fault
from lampway.web.api import build_api
from lampway.web.visits import make_code

SignIn = Callable[[str], Page]


@pytest.fixture
def team(tmp_path: Path) -> Iterator[Team]:
    """Return a team whose console is served on `team.url`."""
    made: Any = Team(lambda clock: open_sqlite(tmp_path / "lampway.db", clock))
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(build_api(tmp_path, made.engine), log_level="critical", access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    made.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    yield made
    server.should_exit = True
    thread.join(30)
    listening.close()
    made.store.close()


@pytest.fixture
def sign_in(team: Any) -> Iterator[SignIn]:
    """Return what opens a browser for a person who follows a sign-in link."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium to test with")
        pytest.skip("no Chromium to test with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])

        def open_for(person: str) -> Page:
            page = browser.new_context().new_page()
            page.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
            page.goto(f"{team.url}/sign-in?code={make_code(team.engine, person, 'test')}")
            page.get_by_role("button", name="Sign in").click()
            return page

        yield open_for
        browser.close()


def test_a_maker_promotes_an_approver_approves_and_a_release_manager_goes_back(team: Any, sign_in: SignIn) -> None:
    team.ship("1.19")
    team.build("1.50")
    mia = sign_in("mia")
    mia.get_by_role("link", name="orders").click()
    mia.get_by_role("link", name="Release and promote").click()
    expect(mia.get_by_role("img", name="After")).to_be_visible()
    mia.get_by_label("What is new").fill("raise the price")
    mia.get_by_role("button", name="Release and promote").click()
    expect(mia.get_by_text("orders@1.0.1 is sealed and asked for")).to_be_visible()

    ana = sign_in("ana")
    ana.get_by_role("link", name="Inbox").click()
    ana.get_by_role("link", name="orders 1.0.1").click()
    expect(ana.get_by_text("Yes, as approver in your own name")).to_be_visible()
    ana.get_by_role("button", name="Approve").click()
    expect(ana.locator("#progress .state.succeeded")).to_be_visible()
    ana.get_by_role("link", name="Receipt").click()
    expect(ana.get_by_text("By bringing back 1.0.0")).to_be_visible()
    assert len(re.findall(rb"/Type\s*/Page\b", ana.pdf(format="A4"))) == 1, "one page to forward"
    assert (team.running("prod"), team.price_in(team.prod)) == ("1.0.1", "1.50")

    rita = sign_in("rita")
    rita.get_by_role("link", name="orders").click()
    rita.get_by_role("link", name="roll back to 1.0.0").last.click()
    rita.get_by_label("Reason").fill("wrong price")
    rita.get_by_role("button", name="Bring back 1.0.0").click()
    expect(rita.locator("#progress .state.succeeded")).to_be_visible()
    assert (team.running("prod"), team.price_in(team.prod)) == ("1.0.0", "1.19")


def test_a_page_that_is_looked_at_follows_what_others_do(team: Any, sign_in: SignIn) -> None:
    team.release("1.30")
    team.test.fail(Fault.HALF)
    team.promote("test")
    (promotion,) = team.find(Promotion)
    zoe, rita = sign_in("zoe"), sign_in("rita")
    for page in (zoe, rita):
        page.goto(f"{team.url}/promotions/{promotion.id}")
        expect(page.get_by_text("A person must look")).to_be_visible()
    rita.get_by_label("What you saw").fill("it is half there")
    rita.get_by_role("button", name="It did not: give up").click()
    expect(zoe.locator("#progress .state.failed")).to_be_visible(timeout=10_000)
    expect(zoe.get_by_text("It is asked for again by: mia")).to_be_visible(timeout=10_000)
    expect(rita.get_by_role("button", name="Ask for 1.0.0 again")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_serious_fault_and_nothing_is_wider_than_a_telephone(
    team: Any, sign_in: SignIn, scheme: Any
) -> None:
    team.ship("1.19")
    team.release("1.50", note="raise the price")
    promotion = team.promote()
    team.prod.edit("p1", does="something by hand")
    team.run(ScanDrift(), "rita")
    ana = sign_in("ana")
    ana.emulate_media(color_scheme=scheme)
    ana.set_viewport_size({"width": 360, "height": 800})
    paths = (
        "/calendar",
        "/solutions/orders",
        "/solutions/orders/release",
        "/solutions/orders/rollback/prod",
        "/solutions/orders/change/prod?release=orders@1.0.1",
        "/releases/orders@1.0.1",
        f"/promotions/{promotion}",
        f"/promotions/{team.find(Promotion)[0].id}/receipt",
    )
    for path in paths:
        ana.goto(team.url + path)
        assert ana.evaluate("document.documentElement.scrollWidth") <= 360, path
        found = Axe().run(ana).response["violations"]
        serious = [(f["id"], f["nodes"][0]["html"]) for f in found if f["impact"] in {"serious", "critical"}]
        assert serious == [], path


def test_the_way_to_every_page_is_one_line_and_found_with_the_keyboard(team: Any, sign_in: SignIn) -> None:
    ana = sign_in("ana")
    ana.set_viewport_size({"width": 1200, "height": 800})
    assert ana.locator("header.top").evaluate("header => header.offsetHeight") < 64
    ana.locator("summary", has_text="Rules").focus()
    ana.keyboard.press("Enter")
    ana.keyboard.press("Tab")
    expect(ana.get_by_role("link", name="Strategy")).to_be_focused()
    ana.keyboard.press("Escape")
    expect(ana.get_by_role("link", name="Strategy")).to_be_hidden()
    ana.locator("summary", has_text="Records").click()
    ana.get_by_role("link", name="Audit").click()
    expect(ana.locator("summary", has_text="Records")).to_have_attribute("aria-current", "true")
    assert team.url in ana.url
