"""The journey of whoever approves, in a real browser whose virtual device keeps the passkey."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from served import Served
from team import APPROVAL, PROD_GATES, Notary, with_gates
from test_attesting import with_uat

from lampway.domain.deployment import Evidence
from lampway.domain.keys import PersonKey
from lampway.domain.passkeys import Passkey
from lampway.domain.promotion import PromotionState
from lampway.engine.evidence import ExportEvidence
from lampway.engine.verify import Tools, Trusted, verify_evidence
from lampway.storage.codec import recorded_from
from lampway.web.visits import make_code

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = shutil.which("chromium") or ""


@pytest.fixture
def page() -> Iterator[Page]:
    """Return a page of a browser with a device that verifies its person."""
    if not CHROMIUM:
        pytest.skip("chromium is not installed")
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        opened = browser.new_context().new_page()
        cdp = opened.context.new_cdp_session(opened)
        cdp.send("WebAuthn.enable")
        options: dict[str, Any] = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        cdp.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        yield opened
        browser.close()


def register_and_name(served: Served, page: Page, person: str) -> Passkey:
    """Let somebody register a passkey on the page, and let the rules name it."""
    team, url = served.team, served.url.replace("127.0.0.1", "localhost")
    page.goto(f"{url}/sign-in?code={make_code(team.engine, person, 'link, test')}&next=/passkeys")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("What you call it").fill("work laptop")
    page.get_by_role("button", name="Register a passkey").click()
    page.get_by_text("passkey work laptop registered").wait_for()
    (known,) = team.find(Passkey)
    key, rules = PersonKey(known.key, "2026-01-01"), team.rules
    people = tuple(replace(p, keys=(key,)) if p.id == person else p for p in rules.people)
    team.govern(replace(rules, people=people))
    return known


def test_a_tester_signs_what_came_of_a_test_from_the_inbox_to_the_end(served: Served, page: Page) -> None:
    team, url = served.team, served.url.replace("127.0.0.1", "localhost")
    rules = with_uat(team.rules)
    checks = tuple(replace(c, signed=c.attested) for c in rules.solutions[0].checks)
    team.govern(replace(rules, solutions=(replace(rules.solutions[0], checks=checks), *rules.solutions[1:])))
    known = register_and_name(served, page, "tess")
    team.release()
    promotion = team.promote(by="rita")

    page.goto(url)
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name="Test it").click()
    page.get_by_label("What you tried").fill("two orders, one with a discount")
    page.get_by_label("A log to keep with it").fill("order 1: fine\norder 2: fine")
    screen = page.screenshot()
    pictured = {"name": "screen.png", "mimeType": "image/png", "buffer": screen}
    page.get_by_label("Screenshots").set_input_files([pictured, {**pictured, "name": "screen.png", "buffer": b"no"}])
    page.get_by_role("button", name="It passed").click()
    page.get_by_text('"outcome": "passed"').wait_for()
    page.get_by_role("button", name="Sign with your passkey").click()
    page.get_by_text("walk-through passed, signed with your passkey").wait_for()
    shown = page.locator(".files img").first
    shown.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.files img').naturalWidth > 0")
    with page.expect_download() as taken:
        page.get_by_role("link", name="screen.png").click()
    assert taken.value.path().read_bytes() == screen
    page.get_by_role("link", name="Inbox").click()
    page.get_by_text("Nothing waits for you").wait_for()

    (tested,) = [e.attested for e in team.find(Evidence) if e.attested]
    assert (tested.by, tested.key) == ("tess", known.key)
    assert [f.name for f in tested.files] == ["screen.png", "screen (2).png", "log.txt"]
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"
    data = team.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    checks_of = verify_evidence(data, Trusted(team.rules.people), Tools(recorded_from, Notary()))
    assert [c for c in checks_of if not c.holds] == []


def test_a_maker_who_was_invited_gets_a_passkey_and_signs_in_with_it(served: Served, page: Page) -> None:
    team, url = served.team, served.url.replace("127.0.0.1", "localhost")
    page.goto(f"{url}/sign-in?code={make_code(team.engine, 'pam', 'link, test')}&next=/people")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("Who", exact=True).select_option("Mia")
    page.get_by_role("button", name="Make a link").click()
    link = page.locator("code.digest").inner_text()
    page.locator("summary", has_text="Pam").click()
    page.get_by_role("button", name="Sign out").click()

    page.goto(link)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("heading", name="You came by an invitation").wait_for()
    page.get_by_label("What you call it").fill("work laptop")
    page.get_by_role("button", name="Register a passkey").click()
    page.get_by_text("passkey work laptop registered").wait_for()
    page.locator("summary", has_text="Mia").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="What is where").wait_for()
    page.goto(link)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("the invitation was used already").wait_for()
    page.get_by_text("Ask one of your platform admins").wait_for()


def test_an_approver_registers_a_passkey_signs_in_with_it_and_approves(served: Served, page: Page) -> None:
    team, url = served.team, served.url.replace("127.0.0.1", "localhost")
    failures: list[str] = []
    page.on("console", lambda said: failures.append(said.text) if said.type == "error" else None)
    page.goto(f"{url}/sign-in?code={make_code(team.engine, 'ana', 'link, test')}&next=/passkeys")
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_label("What you call it").fill("work laptop")
    page.get_by_role("button", name="Register a passkey").click()
    page.get_by_text("passkey work laptop registered").wait_for()
    (known,) = team.find(Passkey)

    page.locator("summary", has_text="Ana").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.get_by_role("heading", name="What is where").wait_for()

    rules = with_gates(team.rules, "prod", (*PROD_GATES[:-1], replace(APPROVAL, signed=True)))
    key = PersonKey(known.key, "2026-01-01")
    team.govern(replace(rules, people=tuple(replace(p, keys=(key,)) if p.id == "ana" else p for p in rules.people)))
    team.release()
    promotion = team.promote()
    page.get_by_role("link", name="Inbox").click()
    page.get_by_role("link", name="Decide").click()
    page.get_by_role("button", name="Approve").click()
    page.get_by_text('"decision": "approved"').wait_for()
    page.get_by_role("button", name="Sign with your passkey").click()
    page.get_by_text("approved, signed with your passkey").wait_for()

    page.locator("#progress .state.succeeded").wait_for()
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    (decision,) = team.promotion(promotion).decisions
    assert decision.key == known.key
    data = team.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    checks = verify_evidence(data, Trusted(team.rules.people), Tools(recorded_from, Notary()))
    assert [c for c in checks if not c.holds] == []
    assert failures == []
