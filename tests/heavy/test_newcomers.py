"""A maker who never saw these pages finds the way, and the page of a promotion follows what its gates come to."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect, sync_playwright
from served import SECONDS, Served

from lampway.domain.strategy import Check
from lampway.engine.ports import CheckResult
from lampway.web.visits import make_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_CLICKS = 4


@pytest.fixture
def page() -> Iterator[Page]:
    """Return a page of a browser that nobody signed in with."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium to test with")
        pytest.skip("no Chromium to test with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


class Held:
    """Checks that end once they may."""

    def __init__(self, served: Served) -> None:
        self.inner = served.team.bench
        self.may_end = threading.Event()
        object.__setattr__(served.team.engine, "checks", self)

    def run(self, check: Check, base_url: str, files: Mapping[str, bytes], facts: Mapping[str, str]) -> CheckResult:
        """Run a check, once it may end."""
        assert self.may_end.wait(SECONDS)
        return self.inner.run(check, base_url, files, facts)


def test_a_maker_gets_a_change_on_its_way_in_four_clicks_and_sees_the_page_follow(served: Served, page: Page) -> None:
    served.team.release("1.19")
    served.team.build("1.50")
    held, clicks = Held(served), 0
    page.goto(f"{served.url}/sign-in?code={make_code(served.team.engine, 'mia', 'test')}")
    for role, name in (
        ("button", "Sign in"),
        ("link", "orders"),
        ("link", "release what is there now…"),
        ("button", "Release and promote"),
    ):
        page.get_by_role(role, name=name, exact=True).click()  # type: ignore[arg-type]
        clicks += 1
    assert clicks == _CLICKS
    expect(page.get_by_text("it is on its way there").first).to_be_visible()
    expect(page.get_by_text("to go to test")).to_have_count(0)
    expect(page.get_by_text("There is nothing left for you to do")).to_have_count(0)
    held.may_end.set()
    expect(page.get_by_text("it is on its way there")).to_have_count(0, timeout=SECONDS * 1000)
    expect(page.get_by_text("There is nothing left for you to do")).to_be_visible()
    served.rest()
    assert served.team.running("test") == "1.0.1"
