"""Waivers, answers, delegations and tests in the browser: signed with the person's passkey, or recorded as less."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from authenticator import Device
from browser import Browser, answer
from served import Served
from team import PROD_GATES, Notary
from test_attesting import with_uat
from test_people import LATER, with_stage

from lampway.domain.attestation import CHECKLIST, DELEGATION, GIVEN_SIGNED_IN, TESTED, WAIVER, Attestation
from lampway.domain.deployment import Evidence
from lampway.domain.duties import ChecklistItem
from lampway.domain.keys import PersonKey
from lampway.domain.quorum import Delegation
from lampway.domain.strategy import GateRule
from lampway.domain.tokens import ApiToken
from lampway.engine.evidence import ExportEvidence
from lampway.engine.verify import Tools, Trusted, verify_evidence
from lampway.storage.codec import recorded_from

ITEM = ChecklistItem("told", "users were told", "release-manager")
TEST = "/solutions/orders/test/test/walk-through"


@pytest.fixture
def promotion(served: Served) -> str:
    """Return a promotion that waits for a test, a waiver, an answer and an approval."""
    team = served.team
    gates = (*PROD_GATES[:-1], GateRule("checklist"), PROD_GATES[-1])
    team.govern(with_stage(with_uat(team.rules), gates=gates, checklist=(ITEM,), waiver_roles=("release-manager",)))
    team.prod.is_locked = False
    team.release("1.19", note="first")
    return team.promote(by="mia")


def with_passkey(served: Served, person: str) -> tuple[Browser, Device]:
    """Return somebody's browser with a passkey that the rules name."""
    browser = Browser(served).sign_in(person)
    device = replace(browser.device(), credential=person.encode().ljust(20, b"-"))
    assert browser.register(device).status_code == 303
    rules = served.team.rules
    key = (PersonKey(device.key, "2026-01-01"),)
    people = tuple(replace(p, keys=key) if p.id == person else p for p in rules.people)
    served.team.govern(replace(rules, people=people))
    return browser, device


def sign(one: tuple[Browser, Device], path: str, **form: str) -> Any:
    """Send a form, sign what is shown, and send exactly what the page then sends."""
    browser, device = one
    page = browser.send(path, **form)
    assert page.status_code == 200, page.text
    kept = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text)
    fields = {name: html.unescape(value) for name, value in kept if name != "form_key"}
    assert {name: fields[name] for name in form} == form
    assert f'action="{path}" data-passkey="get"' in page.text
    made = device.answer(browser.attribute(page.text, "data-challenge"))
    return browser.send(path, **fields, **answer(device, made, device.sign(made)))


def verified(served: Served) -> list[str]:
    data = served.team.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    checks = verify_evidence(data, Trusted(served.team.rules.people), Tools(recorded_from, Notary()))
    return [c.reason for c in checks if not c.holds]


def test_everything_that_is_given_is_signed_with_passkeys_and_verified_offline(served: Served, promotion: str) -> None:
    team = served.team
    tess, rita, ana = (with_passkey(served, name) for name in ("tess", "rita", "ana"))
    team.release("1.20")
    promotion = team.promote(by="mia")
    told = sign(tess, TEST, release="orders@1.0.1", cases="two orders", data_set="", log="all fine", outcome="passed")
    assert "signed%20with%20your%20passkey" in told.headers["location"]
    waiver = {"gate": "lock", "reason": "the vendor mends it", "until": LATER}
    assert sign(rita, f"/promotions/{promotion}/waive", **waiver).status_code == 303
    assert sign(rita, f"/promotions/{promotion}/checklist", **{"item:told": "yes", "note": ""}).status_code == 303
    lent = {"to": "zoe", "start": "2026-01-05", "until": LATER, "reason": "on holiday"}
    assert sign(ana, "/delegations", **lent).status_code == 303

    kept = {a.predicate: a for a in team.find(Attestation) if a.predicate in {TESTED, WAIVER, CHECKLIST, DELEGATION}}
    assert {kind: one.signer for kind, one in kept.items()} == {
        TESTED: "tess",
        WAIVER: "rita",
        CHECKLIST: "rita",
        DELEGATION: "ana",
    }
    assert all(one.key.startswith("passkey:") for one in kept.values())
    (tested,) = [e.attested for e in team.find(Evidence) if e.attested]
    assert (tested.by, tested.key, [f.name for f in tested.files]) == ("tess", tess[1].key, ["log.txt"])
    team.approve(promotion, "zoe", on_behalf_of="ana")
    assert team.running("prod") == "1.0.1"
    data = team.run(ExportEvidence("orders@1.0.1"), "zoe").content.encode()
    checks = verify_evidence(data, Trusted(team.rules.people), Tools(recorded_from, Notary()))
    assert [c.reason for c in checks if not c.holds] == []


def test_without_a_passkey_the_engine_states_who_was_signed_in(served: Served, promotion: str) -> None:
    team = served.team
    tess, rita, ana = (Browser(served).sign_in(name) for name in ("tess", "rita", "ana"))
    form = {"release": "orders@1.0.0", "cases": "two orders", "outcome": "passed"}
    assert "not%20signed%20by%20you" in tess.send(TEST, **form).headers["location"]
    waiver = {"gate": "lock", "reason": "the vendor mends it", "until": LATER}
    assert "not%20signed%20by%20you" in rita.send(f"/promotions/{promotion}/waive", **waiver).headers["location"]
    rita.send(f"/promotions/{promotion}/checklist", **{"item:told": "yes"})
    ana.send("/delegations", to="zoe", start="2026-01-05", until=LATER, reason="on holiday")
    team.approve(promotion, "zoe", on_behalf_of="ana")
    assert team.running("prod") == "1.0.0"
    made = [a for a in team.find(Attestation) if a.predicate == GIVEN_SIGNED_IN]
    assert (len(made), {a.signer for a in made}) == (4, {"lampway"})
    assert verified(served) == []


def test_what_is_about_production_takes_a_fresh_proof_where_it_is_not_signed(served: Served, promotion: str) -> None:
    rita, ana = (Browser(served).sign_in(name) for name in ("rita", "ana"))
    served.team.clock.move(minutes=16)
    before = served.team.kinds()
    for one, path, form in (
        (rita, f"/promotions/{promotion}/waive", {"gate": "lock", "reason": "because", "until": LATER}),
        (rita, f"/promotions/{promotion}/checklist", {"item:told": "yes"}),
        (ana, "/delegations", {"to": "zoe", "start": "2026-01-05", "until": LATER, "reason": "on holiday"}),
    ):
        assert "again=1" in one.send(path, **form).headers["location"], path
    assert served.team.kinds() == before


def test_a_signature_for_one_thing_is_none_for_another(served: Served, promotion: str) -> None:
    rita = with_passkey(served, "rita")
    served.team.release("1.20")
    promotion = served.team.promote(by="mia")
    browser, device = rita
    path = f"/promotions/{promotion}/waive"
    form = {"gate": "lock", "reason": "the vendor mends it", "until": LATER}
    page = browser.send(path, **form)
    statement = html.unescape(browser.attribute(page.text, 'name="statement" value'))
    made = device.answer(browser.attribute(page.text, "data-challenge"))
    whole = {**form, "statement": statement, **answer(device, made, device.sign(made))}
    for changed in ({"reason": "another"}, {"until": "2026-02-28"}, {"signature": whole["signature"][:-8]}):
        assert browser.send(path, **{**whole, **changed}).status_code in {400, 409}, changed
    checklist = f"/promotions/{promotion}/checklist"
    assert browser.send(checklist, **{**whole, "item:told": "yes"}).status_code == 409
    assert served.team.promotion(promotion).waivers == ()
    assert browser.send(path, **whole).status_code == 303
    assert browser.send(path, **whole).status_code in {400, 409}, "a form that is sent again gives nothing again"
    assert len(served.team.promotion(promotion).waivers) == 1


def test_who_may_not_is_told_why_and_nothing_is_recorded(served: Served, promotion: str) -> None:
    mia = Browser(served).sign_in("mia")
    before = served.team.kinds()
    form = {"release": "orders@1.0.0", "cases": "two orders", "outcome": "passed"}
    assert "made what is in it" in mia.send(TEST, **form).text
    waiver = {"gate": "lock", "reason": "because", "until": LATER}
    assert "not one of those who may waive here" in mia.send(f"/promotions/{promotion}/waive", **waiver).text
    assert mia.send("/delegations", to="zoe", start="2026-01-05", until=LATER, reason="x").status_code == 409
    assert mia.send(TEST, **{**form, "outcome": "perhaps"}).status_code in {400, 409}
    assert mia.get("/solutions/orders/test/dev/walk-through").status_code == 404
    assert served.team.kinds() == before


def test_a_delegation_is_seen_and_taken_back(served: Served, promotion: str) -> None:
    ana = Browser(served).sign_in("ana")
    ana.send("/delegations", to="zoe", start="2026-01-05", until=LATER, reason="<b>away</b>")
    (lent,) = served.team.find(Delegation)
    page = ana.get("/delegations").text
    assert "&lt;b&gt;away" in page
    assert f"/delegations/{lent.id}/end" in page
    assert f"/delegations/{lent.id}/end" not in Browser(served).sign_in("bob").get("/delegations").text
    assert ana.send(f"/delegations/{lent.id}/end").status_code == 303
    assert served.team.find(Delegation)[0].ended_at
    assert promotion


def test_a_form_that_is_sent_twice_is_answered_the_same_and_done_once(served: Served, promotion: str) -> None:
    zoe = Browser(served).sign_in("zoe")
    once = zoe.attribute(zoe.get(f"/promotions/{promotion}").text, 'name="once" value')
    form = {"text": "who was told?", "kind": "question", "once": once}
    told = [zoe.send(f"/promotions/{promotion}/talk", **form) for _ in range(3)]
    assert [(t.status_code, t.headers["location"]) for t in told] == [
        (303, f"/promotions/{promotion}?told=said") for _ in told
    ]
    assert len(served.team.promotion(promotion).remarks) == 1
    zoe.send(f"/promotions/{promotion}/talk", **{**form, "text": "and who else?"})
    assert len(served.team.promotion(promotion).remarks) == 2, "something else is something else"


def test_what_came_to_nothing_may_be_sent_again(served: Served, promotion: str) -> None:
    rita = Browser(served).sign_in("rita")
    form = {"gate": "lock", "reason": "the vendor mends it", "until": LATER, "once": "o" * 20}
    served.team.clock.move(minutes=16)
    assert "again=1" in rita.send(f"/promotions/{promotion}/waive", **form).headers["location"]
    rita.sign_in("rita")
    assert rita.send(f"/promotions/{promotion}/waive", **form).headers["location"].startswith("/promotions/")
    assert len(served.team.promotion(promotion).waivers) == 1


def test_a_token_is_made_and_shown_once(served: Served) -> None:
    ana = Browser(served).sign_in("ana")
    form = {"name": "laptop", "until": "2026-03-01", "scope-read": "yes", "once": "o" * 20}
    assert ana.send("/tokens", **form).status_code == 201
    again = ana.send("/tokens", **form)
    assert (again.status_code, "was sent already" in again.text) == (409, True)
    assert len(served.team.find(ApiToken)) == 1


def test_a_form_of_a_session_that_ended_is_not_taken_and_leads_back(served: Served, promotion: str) -> None:
    ana = Browser(served).sign_in("ana")
    page = f"/promotions/{promotion}"
    key = ana.form_key()
    served.team.clock.move(hours=13)
    told = ana.client.post(
        f"{page}/talk", data={"form_key": key, "text": "late"}, headers={"Origin": ana.url, "Referer": ana.url + page}
    )
    assert told.headers["location"] == f"/sign-in?next={page}&ended=1"
    assert "what you sent was not taken" in ana.get(told.headers["location"]).text
    assert served.team.promotion(promotion).remarks == ()
    elsewhere = ana.client.post(f"{page}/talk", data={"text": "x"}, headers={"Referer": "https://evil.example/x"})
    assert elsewhere.headers["location"] == "/sign-in?next=/&ended=1"


def test_a_tester_sees_what_runs_there_and_what_was_said_of_it(served: Served, promotion: str) -> None:
    tess = Browser(served).sign_in("tess")
    page = tess.get(TEST)
    assert page.status_code == 200, page.text
    assert 'name="release" value="orders@1.0.0"' in page.text
    tess.send(TEST, release="orders@1.0.0", cases="<script>x</script> went wrong", outcome="failed")
    page = tess.get(TEST).text
    assert "&lt;script&gt;x&lt;/script&gt; went wrong" in page
    assert f'href="{TEST}"' in tess.get(f"/promotions/{promotion}").text
    assert f'href="{TEST}"' in tess.get("/inbox").text
