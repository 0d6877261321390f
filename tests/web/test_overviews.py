"""Pages of the whole: each shows what the engine says, its forms do what they say, and nothing on it is markup."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from governing import work
from served import Browser, Served

from lampway.app import Platforms
from lampway.domain.recertification import Cadence, RecertificationRules
from lampway.engine import cases as c
from lampway.errors import NotFoundError
from lampway.web.overviews import OVERVIEWS
from lampway.web.plots import bars, lasting, steps

_READ = [name.removeprefix("GET ") for name in OVERVIEWS if name.startswith("GET ")]
_FILLED = {"{environment}": "prod", "{solution}": "orders"}


def _filled(path: str) -> str:
    for name, value in _FILLED.items():
        path = path.replace(name, value)
    return path


@pytest.mark.parametrize("path", _READ)
def test_every_page_is_whole_before_and_after_something_happened(served: Served, path: str) -> None:
    browser = Browser(served, "mia")
    assert "</html>" in browser.look(_filled(path)) or path in {"/audit/export", "/strategy/document"}
    served.team.ship("1.19")
    text = browser.look(_filled(path))
    assert "style=" not in text
    assert "<script>" not in text


def test_nobody_sees_a_page_without_signing_in(served: Served) -> None:
    import httpx

    for name, (method, _) in OVERVIEWS.items():
        told = httpx.request(method, served.url + _filled(name.partition(" ")[2]))
        assert told.status_code == 303
        assert told.headers["location"].startswith("/sign-in"), name


def test_a_form_from_elsewhere_does_nothing(served: Served) -> None:
    browser = Browser(served, "mia")
    for name in OVERVIEWS:
        if name.startswith("POST "):
            told = browser.client.post(_filled(name.partition(" ")[2]), data={"form_key": "0" * 64})
            assert told.status_code == 403, name
    key = browser.key()
    told = browser.client.post("/tokens", data={"form_key": key}, headers={"Origin": "https://elsewhere.example"})
    assert told.status_code == 403
    assert served.team.run(c.ShowTokens(), "mia") == ()


def test_environments_say_what_is_given_and_what_is_missing(served: Served) -> None:
    served.team.ship("1.19")
    assert "everything is given" in Browser(served, "mia").look("/environments?solution=orders")
    rules = served.team.rules
    places = tuple(
        replace(e, values=replace(e.values, variables={"ERP_URL": "https://erp"})) if e.name == "prod" else e
        for e in rules.environments
    )
    served.team.govern(replace(rules, environments=places))
    view = served.team.run(c.ShowConfiguration("orders"))
    assert {need.name: need.missing_in for need in view.needs if need.missing_in} == {"CURRENCY": ("prod",)}
    assert view.missing == 1
    assert "1 still to be given" in Browser(served, "mia").look("/environments?solution=orders")


def test_the_lock_is_looked_at_and_its_history_shown(served: Served) -> None:
    browser = Browser(served, "pam")
    assert "Nobody has looked" in browser.look("/environments/prod")
    assert "looked: locked" in browser.send("/environments/prod/lock")
    assert "makers can look and cannot save" in browser.look("/environments/prod")
    browser.look("/environments/nowhere", 404)
    browser.look("/environments/..%2f..", 404)


def test_readiness_is_answered_by_whoever_may(served: Served) -> None:
    said = {"reply": "yes", "note": "we have a laptop for it", "until": "2026-06-30"}
    assert "sandbox-offered: yes" in Browser(served, "pam").send("/readiness/sandbox-offered", **said)
    assert "is not for" in Browser(served, "mia").send("/readiness/sandbox-offered", 409, **said)
    assert "is answered by evidence" in Browser(served, "pam").send("/readiness/separate-environments", 409, **said)
    assert "note is missing" in Browser(served, "pam").send("/readiness/sandbox-offered", 400, reply="yes")


def test_an_owner_answers_a_campaign_here(served: Served) -> None:
    served.team.ship("1.19")
    rules = RecertificationRules("2026-01-06", (Cadence("medium", 6, 30 * 86_400.0),))
    served.team.govern(replace(served.team.rules, recertification=rules))
    served.team.clock.move(days=2)
    work(served.team)
    browser = Browser(served, "mia")
    assert "mia answers by" in browser.look("/recertification")
    answer = {"needed": "yes", "purpose": "prices", "users": "sales", "data_class": "internal"}
    assert "does not own" in Browser(served, "max").send("/recertification/orders", 409, **answer)
    assert "answered" in browser.send("/recertification/orders", **answer)
    assert "nobody asks about it now" in browser.look("/recertification/orders")
    assert served.team.run(c.ShowCampaigns()).questions == ()


def test_measures_are_drawn_with_their_numbers(served: Served) -> None:
    served.team.ship("1.19")
    served.team.clock.move(days=8)
    served.team.ship("1.50")
    text = Browser(served, "mia").look("/metrics?solution=orders")
    assert text.count("<svg") == 4
    assert "Deployments, week by week" in text
    week: Any = served.team.run(c.ShowDelivery(solution="orders", since="2026-01-01", until="2026-01-10"))
    assert [one.deployments for one in week] == [1]
    assert [one.deployments for one in served.team.run(c.ShowDelivery(solution="orders"))] == [2]


def test_the_trail_is_searched_verified_and_taken_away(served: Served) -> None:
    served.team.ship("1.19")
    browser = Browser(served, "rita")
    found = browser.look("/audit?kind=release-sealed")
    assert "1 event matches" in found
    assert "no such kind of event" in browser.look("/audit?kind=nonsense", 400)
    assert "Everything is whole" in browser.send("/audit/verify")
    browser.send("/audit/verify", record="yes")
    assert served.team.kinds()[-1] == "ledger-verified"
    assert "takes one of the roles" in Browser(served, "mia").send("/audit/verify", 403, record="yes")
    lines = browser.look("/audit/export").splitlines()
    assert len(lines) == len(served.team.kinds())
    assert browser.look("/audit/export?form=csv").startswith("seq,at,kind")
    browser.look("/audit/export?form=exe", 400)


def test_the_strategy_is_the_one_in_force(served: Served) -> None:
    text = Browser(served, "zoe").look("/strategy")
    assert "Back office" in text
    assert "does not say what data is there" in text
    view = served.team.run(c.ShowStrategy())
    assert view.applied_by == "pam"
    assert len(view.chapters) == 8


def test_what_platforms_declare_is_shown(served: Served) -> None:
    text = Browser(served, "zoe").look("/platforms")
    declared = served.team.platform.capabilities()
    assert all(str(one.name) in text for one in declared)
    real = Platforms()
    engine = replace(served.team.engine, platforms=real)
    assert [v.platform for v in c.show_platforms(engine, c.ShowPlatforms(), None)] == sorted(real)  # type: ignore[arg-type]


def test_a_token_is_shown_once_and_works_until_it_is_revoked(served: Served) -> None:
    browser = Browser(served, "mia")
    made = {"name": "nightly", "until": "2026-06-30", "scope-read": "yes"}
    text = browser.send("/tokens", 201, **made)
    token = re.search(r"lw_\w+_[\w-]+", text)
    assert token is not None
    assert token[0] not in browser.look("/tokens")
    asked = served.client(token[0])
    assert asked.get("/status").status_code == 200
    assert asked.post("/resume", json={}).status_code == 403
    key = token[0].split("_")[1]
    assert "somebody else" in Browser(served, "zoe").send(f"/tokens/{key}/revoke", 403)
    assert "counts no more" in browser.send(f"/tokens/{key}/revoke")
    assert asked.get("/status").status_code == 401
    assert "no such scope" in browser.send("/tokens", 400, name="x", until="2026-06-30")


def test_names_full_of_markup_are_only_text(served: Served) -> None:
    evil = "<img src=x onerror=alert(1)>\"'&{{ 7*7 }}"
    served.team.build(evil)
    served.team.release()
    served.team.run(c.PutOnHold(evil, environment="prod"), "mia")
    browser = Browser(served, "mia")
    made = browser.send("/tokens", 201, name=evil, until="2026-06-30", **{"scope-read": "yes"})
    for text in (made, browser.look("/audit"), browser.look("/strategy"), browser.look("/audit?person=" + evil)):
        assert "<img src=x" not in text
        assert "&lt;img src=x" in text
    picture = str(bars(evil, [(evil, 1.0, evil)]) + steps(evil, [(evil, 1.0)]))
    assert "<img" not in picture


def test_lengths_of_time_are_said_in_the_largest_unit() -> None:
    assert [lasting(s) for s in (None, 0.0, 59.0, 90.0, 5_400.0, 2 * 86_400.0)] == [
        "–",
        "0 s",
        "59 s",
        "1.5 min",
        "1.5 h",
        "2 d",
    ]


def test_an_unknown_solution_has_no_configuration(served: Served) -> None:
    with pytest.raises(NotFoundError):
        served.team.run(c.ShowConfiguration("nothing"))
    assert Browser(served, "mia").look("/environments?solution=nothing", 404)
    assert served.team.run(c.ShowConfiguration("billing")).release == ""
