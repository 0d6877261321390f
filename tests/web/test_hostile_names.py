"""A package full of markup, and people who write markup: on every page it is text and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
from served import Served, serving_team
from test_attesting import with_uat
from test_people import LATER, with_stage
from visiting import HOSTILE, Visitor

from lampway.domain.deployment import Deployment, Evidence
from lampway.domain.duties import ChecklistItem
from lampway.domain.promotion import Promotion
from lampway.engine import cases as c
from lampway.testing.world import App, Part
from lampway.web.pages import PAGES

MARKS = ("<script>", "onload='x")
READ = sorted(name.removeprefix("GET ") for name in PAGES if name.startswith("GET "))
TAKEN_AWAY = ("/events", "/export", "/evidence", "/document", "/picture", "/evidence/{evidence}/{name}")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Return a server over a team in which every name, reason, note and summary is markup."""
    with serving_team(tmp_path_factory.mktemp("hostile")) as made:
        fill(made)
        yield made


def fill(served: Served) -> None:
    """Let everything happen that leaves words behind."""
    team = served.team
    rules = with_stage(
        with_uat(team.rules),
        checklist=(ChecklistItem("told", HOSTILE, "release-manager"),),
        waiver_roles=("release-manager",),
    )
    orders = replace(rules.solutions[0], rollback_plan=HOSTILE, owner="mia")
    people = tuple(replace(p, name=f"{p.name} {HOSTILE}") for p in rules.people)
    team.govern(replace(rules, team=HOSTILE, solutions=(orders, *rules.solutions[1:]), people=people))
    team.bench.fail("smoke", "elsewhere", summary=HOSTILE)
    build(served, "one")
    team.run(c.MakeRelease("orders", note=HOSTILE), "mia")
    first = team.promote(by="rita")
    team.run(c.AttestCheck("orders", "test", "walk-through", "passed", HOSTILE), "tess")
    team.approve(first, reason=HOSTILE)
    assert team.running("prod") == "1.0.0", team.promotion(first).note
    build(served, "two")
    team.run(c.MakeRelease("orders", note=HOSTILE), "mia")
    waiting = team.do(c.Promote("orders", "prod", HOSTILE), "rita").promotions[-1]
    team.run(c.Talk(promotion=waiting, text=HOSTILE, is_question=True), "ana")
    team.run(c.Checklist(waiting, ("told=no",), HOSTILE), "rita")
    team.run(c.Delegate("zoe", "2026-01-05", LATER, HOSTILE), "ana")
    team.run(c.PutOnHold(environment="prod", reason=HOSTILE), "rita")
    team.prod.edit("p1", does=f"something {HOSTILE}")
    team.run(c.ScanDrift(), "rita")
    build(served, "three")
    served.token("ana")


def build(served: Served, what: str) -> None:
    """Draw apps whose every name is markup; the third cannot be released, for what is found in it."""
    found = "hardcoded endpoint" if what == "three" else "nothing"
    parts = (
        Part("p1", f"{HOSTILE} {what}", f"get ${{ERP_URL}} {HOSTILE} {what}", account="ERP"),
        Part("p2", HOSTILE, f"{found} {HOSTILE} {what}"),
        Part(f"p-{what}", f"new {HOSTILE}", f"`{HOSTILE}` *{HOSTILE}*"),
    )
    app = App("a1", "Orders", parts, {"ERP_URL": "https://erp.dev"}, {"ERP": "erp-password-of-dev"})
    served.team.dev.draw(app, by="mia@example.test")


def paths(served: Served) -> list[str]:
    """Return the address of every page, with names that there are."""
    team = served.team
    known = {"solution": "orders", "environment": "test", "to": "prod", "check": "walk-through"}
    found = []
    for path in (p for p in READ if not p.endswith(TAKEN_AWAY)):
        if "{promotion}" in path:
            found += [path.replace("{promotion}", p.id) for p in team.find(Promotion)]
        elif "{release}" in path:
            found += [path.replace("{release}", name) for name in ("orders@1.0.0", "orders@1.1.0")]
        else:
            found.append(re.sub(r"\{(\w+)\}", lambda m: known[m[1]], path))
    return found


@pytest.mark.parametrize("person", ["ana", "rita", "tess", "mia"])
def test_markup_in_a_package_or_in_what_people_write_is_text_on_every_page(served: Served, person: str) -> None:
    one = Visitor(served, person)
    seen = 0
    for path in paths(served):
        text = one.look(path)  # insists that nothing on the page is a foreign script or a handler
        assert not [mark for mark in MARKS if mark in one.last], path
        seen += HOSTILE in text
    assert seen >= 10, "it was there to be seen"


def test_each_page_that_shows_a_package_shows_its_names(served: Served) -> None:
    mia = Visitor(served, "mia")
    for path in (
        "/releases/orders@1.1.0",
        "/solutions/orders/change/prod?release=orders@1.1.0",
        "/solutions/orders/release",
        "/solutions/orders",
        f"/promotions/{served.team.find(Promotion)[-1].id}",
        "/inbox",
        "/calendar",
        "/audit",
        "/strategy",
    ):
        assert HOSTILE in mia.look(path) if path != "/inbox" else Visitor(served, "rita").look(path), path
    assert "<svg" in (mia.look("/solutions/orders/change/prod?release=orders@1.1.0") and mia.last)
    assert served.team.find(Evidence)
    assert served.team.find(Deployment)
