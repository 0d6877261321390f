"""In a real browser nobody writes anything twice; and the two promises, counted in clicks."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from served import Served

from lampway.web.visits import make_code

playwright = pytest.importorskip("playwright.sync_api", reason="comes with the dev dependencies")
expect = playwright.expect
Open = Callable[[str], Any]

CLICKS = """addEventListener("click", (event) => {
  if (event.isTrusted) sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
}, true)"""


@pytest.fixture
def sign_in(served: Served) -> Iterator[Open]:
    """Return what opens a telephone on which somebody is signed in, and counts their clicks from then on."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("NO CHROMIUM TO CLICK WITH")
        pytest.skip("NO CHROMIUM TO CLICK WITH")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])

        def open_for(person: str) -> Any:
            tab = browser.new_context(viewport={"width": 360, "height": 800}).new_page()
            tab.on("pageerror", lambda error: pytest.fail(f"a script failed: {error}"))
            enter(served, tab, person)
            tab.add_init_script(CLICKS)
            tab.goto(served.url)
            return tab

        yield open_for
        browser.close()


def enter(served: Served, tab: Any, person: str) -> None:
    tab.goto(f"{served.url}/sign-in?code={make_code(served.team.engine, person, 'test')}")
    tab.get_by_role("button", name="Sign in", exact=True).click()
    tab.wait_for_load_state()


def waiting(served: Served) -> str:
    served.team.release()
    promotion: str = served.team.promote()
    return promotion


def test_what_was_typed_is_there_again_after_a_refusal(served: Served, sign_in: Open) -> None:
    promotion = waiting(served)
    ana = sign_in("ana")
    ana.goto(f"{served.url}/promotions/{promotion}")
    ana.get_by_label("Reason (needed to reject)").fill("the tax is wrong")
    ana.evaluate("document.querySelector('[name=digest]').value = 'sha256:' + '0'.repeat(64)")
    ana.get_by_role("button", name="Reject").click()
    expect(ana.get_by_text("What you had written")).to_be_visible()
    ana.get_by_role("link", name="Back to the form").click()
    expect(ana.get_by_label("Reason (needed to reject)")).to_have_value("the tax is wrong")
    ana.get_by_role("button", name="Reject").click()
    expect(ana.locator(".told")).to_be_visible()
    ana.goto(f"{served.url}/promotions/{promotion}")
    assert ana.evaluate("sessionStorage.getItem('typed')") is None, "what was taken is kept no longer"


def test_what_was_typed_is_there_again_for_the_same_person_after_the_session_ended(
    served: Served, sign_in: Open
) -> None:
    promotion = waiting(served)
    for second, kept in (("ana", "is it urgent?"), ("rita", "")):
        ana = sign_in("ana")
        ana.goto(f"{served.url}/promotions/{promotion}")
        ana.get_by_text("Ask first").click()
        ana.get_by_label("Ask before you decide").fill("is it urgent?")
        ana.context.clear_cookies()
        ana.get_by_role("button", name="Ask", exact=True).click()
        expect(ana.get_by_text("You were signed out meanwhile")).to_be_visible()
        enter(served, ana, second)
        ana.goto(f"{served.url}/promotions/{promotion}")
        asking = ana.get_by_label("Ask about it" if second == "rita" else "Ask before you decide")
        expect(asking).to_have_value(kept)
        expect(asking).to_be_visible(visible=bool(kept))


def test_a_maker_promotes_in_three_clicks_and_an_approver_decides_in_three(served: Served, sign_in: Open) -> None:
    served.team.ship("1.19")
    served.team.build("1.50")
    began = time.monotonic()
    mia = sign_in("mia")
    mia.get_by_role("link", name="orders", exact=True).click()
    mia.get_by_role("link", name="Release and promote").click()
    mia.get_by_role("button", name="Release and promote").click()
    mia.get_by_text("orders@1.0.1 is sealed and asked for").wait_for()
    assert mia.evaluate("sessionStorage.clicks") == "3"
    served.rest()
    ana = sign_in("ana")
    ana.get_by_role("link", name="Inbox").click()
    ana.get_by_role("link", name="orders 1.0.1").click()
    ana.get_by_role("button", name="Approve").click()
    ana.locator("#progress .state.succeeded").wait_for()
    assert ana.evaluate("sessionStorage.clicks") == "3"
    assert served.team.running("prod") == "1.0.1"
    assert time.monotonic() - began < 60, "machines take no part of their minutes"
