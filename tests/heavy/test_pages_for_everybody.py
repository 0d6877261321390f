"""Every page for everybody: axe finds no serious fault, nothing is cut off at 360 px, in light and in dark."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from served import Served, serving_team

from lampway.domain.digest import digest_bytes
from lampway.engine import cases as c
from lampway.web.pages import PAGES
from lampway.web.visits import make_code

playwright = pytest.importorskip("playwright.sync_api", reason="comes with the dev dependencies")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="comes with the dev dependencies")

_SERIOUS = {"serious", "critical"}
_FILES = ("/export", "/evidence", "/progress", "/document")
"""What is taken away as a file is no page, nor is what a script puts into one."""
_NARROW = 640
_SIDEWAYS = """[...document.querySelectorAll(".wide, table")]
  .filter((one) => one.scrollWidth > one.clientWidth)
  .map((one) => one.ariaLabel || one.className || "a table")"""
"""Tables that have to be pushed about to be read; pictures of flows and what is copied byte for byte may."""
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server over a team with a past: something shipped, something waiting, something edited live."""
    with serving_team(tmp_path_factory.mktemp("served")) as made:
        team = made.team
        for price in ("1.19", "1.30"):
            team.ship(price)
            team.clock.move(days=3)
        team.run(c.LookAtLocks(), "pam")
        team.build("7")
        team.prod.draw(team.dev.apps["a1"], by="mia@example.test")
        team.run(c.ScanDrift(), "rita")
        team.release("1.50")
        team.run(c.Promote(release="orders", to="test"), "mia")
        made.token("ana")
        team.run(c.Invite(person="ana", digest=digest_bytes(b"secret")), "pam")
        yield made


@pytest.fixture(scope="module")
def tab(served: Served) -> Iterator[Any]:
    """Return a tab in which Ana is signed in."""
    found = next((path for name in _BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("NO CHROMIUM TO LOOK AT PAGES WITH")
        pytest.skip("NO CHROMIUM TO LOOK AT PAGES WITH")
    with playwright.sync_playwright() as running:
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        opened = browser.new_page()
        opened.goto(f"{served.url}/sign-in?code={make_code(served.team.engine, 'ana', 'test')}")
        opened.click("button")
        yield opened
        browser.close()


def _paths(served: Served) -> list[str]:
    """Return the address of every page, with names that there are."""
    from lampway.domain.deployment import Deployment
    from lampway.domain.promotion import Promotion

    promotion = served.team.find(Promotion, newest_first=True)[0]
    names = {
        "promotion": promotion.id,
        "solution": "orders",
        "environment": "prod",
        "release": f"orders@{promotion.version}",
        "old": "orders@1.0.0",
        "new": "orders@1.0.1",
        "deployment": served.team.find(Deployment)[0].id,
    }
    paths = [name.removeprefix("GET ") for name in PAGES if name.startswith("GET ")]
    shown = [path for path in paths if not path.endswith(_FILES) and "/events" not in path and "/live" not in path]
    return [re.sub(r"\{(\w+)\}", lambda m: names.get(m[1], "nothing"), path) for path in [*shown, "/sign-in"]]


@pytest.mark.timeout(900)
@pytest.mark.parametrize("width", [1280, 360])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_serious_fault(served: Served, tab: Any, width: int, scheme: str) -> None:
    tab.set_viewport_size({"width": width, "height": 900})
    tab.emulate_media(color_scheme=scheme)
    faults, seen = [], 0
    for path in _paths(served):
        told = tab.goto(served.url + path)
        if told.status == 404 and "nothing" in path:
            continue
        assert told.status == 200, path
        seen += 1
        found = axe.Axe().run(tab).response["violations"]
        faults += [
            f"{path}: {one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
            for one in found
            if one["impact"] in _SERIOUS
            for node in one["nodes"]
        ]
        if tab.evaluate("document.documentElement.scrollWidth > innerWidth"):
            faults.append(f"{path}: wider than {width} px")
        if width < _NARROW:
            faults += [f"{path}: {name} scrolls sideways" for name in tab.evaluate(_SIDEWAYS)]
    assert not faults, "\n".join(faults)
    assert seen > 10


def test_a_row_that_is_a_card_is_a_row_of_a_table_to_whoever_listens(served: Served, tab: Any) -> None:
    tab.set_viewport_size({"width": 360, "height": 900})
    tab.goto(f"{served.url}/environments")
    table = tab.get_by_role("region", name="Environments").get_by_role("table")
    names = table.get_by_role("columnheader").all_text_contents()
    assert names[:2] == ["Environment", "Tier"]
    row = table.get_by_role("row", name="prod")
    assert row.get_by_role("rowheader").all_text_contents() == ["prod"]
    cells = row.get_by_role("cell")
    assert cells.count() == len(names) - 1
    labels = cells.evaluate_all("cells => cells.map((one) => getComputedStyle(one, '::before').content)")
    assert [name in label for name, label in zip(names[1:], labels, strict=True)] == [True] * cells.count()
    assert cells.first.evaluate("cell => getComputedStyle(cell).display") != "table-cell"


def test_on_paper_a_table_stays_a_table(served: Served, tab: Any) -> None:
    tab.set_viewport_size({"width": 360, "height": 900})
    tab.goto(f"{served.url}/environments")
    tab.emulate_media(media="print")
    shown = tab.get_by_role("table").first.evaluate("table => getComputedStyle(table).display")
    tab.emulate_media(media="screen")
    assert shown == "table"


def test_what_is_found_can_be_told_from_what_is_not(tab: Any) -> None:
    tab.set_content("<html lang=en><title>x</title><main><h1>x</h1><img src='data:,'><input></main>")
    found = axe.Axe().run(tab).response["violations"]
    assert {"image-alt", "label"} <= {one["id"] for one in found if one["impact"] in _SERIOUS}
