"""An approver decides in one minute: little is to be read, what is odd stands in the open, a keyboard is enough."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect, sync_playwright
from served import Served
from team import PROD_GATES, with_gates

from lampway.domain.strategy import GateRule
from lampway.engine.drift import ScanDrift
from lampway.testing.world import App, Part
from lampway.web.visits import make_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

SignIn = Callable[..., "Page"]
A_MINUTE = 240
"""Words that somebody reads with care in a minute."""
USUAL = 200
"""Words that a change of the usual size may take: the rest of the minute is for thinking."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture
def sign_in(served: Served) -> Iterator[SignIn]:
    """Return what opens a browser for a person who follows a sign-in link."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium to test with")
        pytest.skip("no Chromium to test with")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])

        def open_for(person: str, **more: Any) -> Page:
            page = browser.new_context(**more).new_page()
            page.goto(f"{served.url}/sign-in?code={make_code(served.team.engine, person, 'test')}")
            page.get_by_role("button", name="Sign in").click()
            return page

        yield open_for
        browser.close()


def words(page: Page) -> list[str]:
    """Return every word that somebody sees from the top to the bottom, with nothing unfolded."""
    assert page.locator("main details[open]:visible").count() == 0
    return page.locator("main").inner_text().split()


def waiting(served: Served) -> str:
    """Return the address of the promotion that the journeys decide about."""
    served.team.ship("1.19")
    served.team.release("1.50", note="raise the price")
    return f"{served.url}/promotions/{served.team.promote()}"


def test_what_is_read_to_decide_takes_a_minute_and_the_order_is_that_of_the_questions(
    served: Served, sign_in: SignIn
) -> None:
    ana = sign_in("ana")
    ana.goto(waiting(served))
    seen = words(ana)
    assert len(seen) < USUAL, " ".join(seen)
    headings = ana.locator("main h2").all_inner_texts()
    assert headings == [
        "What is this",
        "May I decide",
        "What changes",
        "Is it proven",
        "How risky",
        "What if it goes wrong",
        "Decide",
        "What happens next",
    ]
    expect(ana.get_by_text("part Price: does something else")).to_be_visible()
    expect(ana.get_by_text("7 of 8 gates are open")).to_be_visible()
    expect(ana.get_by_text("previous-stage")).to_be_hidden()


def test_a_change_of_many_parts_over_two_releases_still_takes_a_minute(served: Served, sign_in: SignIn) -> None:
    team = served.team
    team.ship("1.19")
    rules = team.rules
    orders = replace(rules.solutions[0], rollback_plan="tell the warehouse what was ordered", data_class="personal")
    team.govern(replace(rules, solutions=(orders, rules.solutions[1])))
    team.release("1.30", note="raise the price")
    parts = tuple(Part(f"n{n}", f"Step number {n}", f"does {n}") for n in range(20))
    team.dev.draw(App("a1", "Orders", parts, {"ERP_URL": "https://erp.dev"}), by="mia@example.test")
    team.release(note="rush orders take their own line")
    ana = sign_in("ana")
    ana.goto(f"{served.url}/promotions/{team.promote()}")
    seen = words(ana)
    assert len(seen) <= A_MINUTE, " ".join(seen)
    expect(ana.get_by_text("Data personal")).to_be_visible()
    more = ana.locator("summary", has_text="more")
    hidden = ana.get_by_text("Step number 19")
    expect(hidden.first).to_be_hidden()
    more.click()
    expect(hidden.first).to_be_visible()


def test_the_decision_is_reached_and_taken_with_the_keyboard_alone(served: Served, sign_in: SignIn) -> None:
    ana = sign_in("ana")
    ana.goto(waiting(served))
    way = ana.get_by_role("link", name="To the decision")
    presses = 0
    while not way.evaluate("one => one === document.activeElement"):
        ana.keyboard.press("Tab")
        presses += 1
        assert presses < 30
    ana.keyboard.press("Enter")
    ana.keyboard.press("Tab")
    expect(ana.get_by_label("Reason (needed to reject)")).to_be_focused()
    ana.keyboard.type("fine")
    approve = ana.get_by_role("button", name="Approve")
    for _ in range(2):
        ana.keyboard.press("Tab")
    expect(approve).to_be_focused()
    ana.keyboard.press("Enter")
    expect(ana.locator("#progress .state.succeeded")).to_be_visible()
    assert served.team.running("prod") == "1.0.1"


def test_without_a_script_what_is_folded_opens_and_the_decision_is_taken(served: Served, sign_in: SignIn) -> None:
    ana = sign_in("ana", java_script_enabled=False)
    ana.goto(waiting(served))
    ana.get_by_text("7 of 8 gates are open").click()
    expect(ana.get_by_text("this very release was verified in test")).to_be_visible()
    ana.get_by_text("Exactly what is recorded").click()
    expect(ana.locator("main pre")).to_be_visible()
    ana.get_by_role("button", name="Approve").click()
    expect(ana.get_by_text("not signed by you: the record says that you were signed in")).to_be_visible()


def test_paper_holds_what_the_screen_folds(served: Served, sign_in: SignIn) -> None:
    ana = sign_in("ana", java_script_enabled=False)
    ana.goto(waiting(served))
    folded = ana.get_by_text("this very release was verified in test")
    expect(folded).to_be_hidden()
    ana.emulate_media(media="print")
    expect(folded).to_be_visible()


def test_what_is_odd_is_never_folded(served: Served, sign_in: SignIn) -> None:
    team = served.team
    gates = tuple(GateRule("checks", kinds=("uat",)) if g.gate == "checks" else g for g in PROD_GATES)
    team.govern(with_gates(team.rules, "prod", gates))
    team.release("1.50")
    promotion = team.promote()
    ana = sign_in("ana")
    ana.goto(f"{served.url}/promotions/{promotion}")
    for said in ("The first deployment there", "Nothing to go back to", "no uat check is declared"):
        expect(ana.get_by_text(said).first).to_be_visible()
    team.govern(with_gates(team.rules, "prod", PROD_GATES))
    team.ship("1.60")
    team.prod.edit("p1", does="something by hand")
    team.run(ScanDrift(), "rita")
    team.release("1.70")
    ana.goto(f"{served.url}/promotions/{team.promote()}")
    for said in ("Edited live in prod, and overwritten by this", "drift failed", "Never rehearsed"):
        expect(ana.get_by_text(said).first).to_be_visible()
