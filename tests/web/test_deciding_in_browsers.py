"""A decision in the browser is signed with the person's passkey, or the record says that it is not."""

from __future__ import annotations

import html
from dataclasses import replace
from typing import Any

import pytest
from authenticator import Device
from browser import Browser, answer
from served import Served
from team import APPROVAL, PROD_GATES, with_gates

from lampway.domain.keys import PersonKey
from lampway.domain.promotion import PromotionState


def rules(served: Served, *keys: str, signed: bool = True) -> None:
    team = served.team
    changed = with_gates(team.rules, "prod", (*PROD_GATES[:-1], replace(APPROVAL, signed=signed)))
    given = tuple(PersonKey(key, "2026-01-01") for key in keys)
    team.govern(replace(changed, people=tuple(replace(p, keys=given) if p.id == "ana" else p for p in changed.people)))


def waiting(served: Served) -> tuple[str, str]:
    served.team.release()
    promotion = served.team.promote()
    return promotion, served.team.promotion(promotion).bound.digest


@pytest.fixture
def ana(served: Served) -> Browser:
    return Browser(served).sign_in("ana")


@pytest.fixture
def device(served: Served, ana: Browser) -> Device:
    """Return ana's passkey, which the rules name."""
    made = ana.device()
    assert ana.register(made).status_code == 303
    rules(served, made.key)
    return made


def signed(ana: Browser, device: Device, promotion: str, digest: str, **said: Any) -> dict[str, str]:
    """Return the form that the page for signing sends."""
    form = {"decision": "approve", "reason": "", "digest": digest, **said}
    page = ana.send(f"/promotions/{promotion}/decide", **form)
    assert page.status_code == 200, page.text
    statement = html.unescape(ana.attribute(page.text, 'name="statement" value'))
    made = device.answer(ana.attribute(page.text, "data-challenge"))
    return {**form, "statement": statement, **answer(device, made, device.sign(made))}


def test_an_approval_signed_with_a_passkey_counts(served: Served, ana: Browser, device: Device) -> None:
    promotion, digest = waiting(served)
    told = ana.send(f"/promotions/{promotion}/decide", **signed(ana, device, promotion, digest))
    assert "signed%20with%20your%20passkey" in told.headers["location"]
    (decision,) = served.team.promotion(promotion).decisions
    assert (decision.by, decision.key, decision.authenticated) == ("ana", device.key, True)
    assert served.team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_what_was_signed_is_what_was_shown_and_nothing_else(served: Served, ana: Browser, device: Device) -> None:
    promotion, digest = waiting(served)
    form = signed(ana, device, promotion, digest)
    path = f"/promotions/{promotion}/decide"
    for changed in (
        {"decision": "reject", "reason": "no"},
        {"reason": "another"},
        {"statement": form["statement"].replace("approved", "rejected")},
        {"statement": ""},
        {"credential": "AAAA"},
        {"signature": form["signature"][:-8]},
        {"digest": "sha256:" + "0" * 64},
    ):
        assert ana.send(path, **{**form, **changed}).status_code in {400, 401, 409}, changed
    assert served.team.promotion(promotion).decisions == ()
    bob = Browser(served).sign_in("bob")
    assert bob.send(path, **form).status_code == 401
    assert ana.send(path, **form).status_code == 303
    assert ana.send(path, **form).status_code == 409, "a form that is sent again decides nothing again"


def test_looking_at_what_is_to_be_signed_decides_nothing(served: Served, ana: Browser, device: Device) -> None:
    promotion, digest = waiting(served)
    signed(ana, device, promotion, digest, decision="reject", reason="<b>no</b>")
    assert served.team.promotion(promotion).decisions == ()


def test_without_a_passkey_a_stage_that_asks_for_signatures_counts_nothing(served: Served, ana: Browser) -> None:
    rules(served)
    promotion, digest = waiting(served)
    told = ana.send(f"/promotions/{promotion}/decide", decision="approve", digest=digest)
    assert told.status_code == 409
    assert "is not signed" in told.text
    assert served.team.promotion(promotion).decisions == ()


def test_deciding_about_production_unsigned_takes_a_fresh_proof(served: Served, ana: Browser) -> None:
    promotion, digest = waiting(served)
    served.team.clock.move(minutes=16)
    path = f"/promotions/{promotion}/decide"
    told = ana.send(path, decision="approve", digest=digest)
    assert told.headers["location"] == f"/sign-in?next=/promotions/{promotion}&again=1"
    assert "fresh proof" in ana.get(told.headers["location"]).text
    assert served.team.promotion(promotion).decisions == ()
    ana.sign_in("ana")
    assert ana.send(path, decision="approve", digest=digest).status_code == 303
    assert served.team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_a_passkey_is_a_fresh_proof_itself(served: Served, ana: Browser, device: Device) -> None:
    promotion, digest = waiting(served)
    served.team.clock.move(minutes=16)
    ana.send(f"/promotions/{promotion}/decide", **signed(ana, device, promotion, digest))
    assert served.team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_signing_in_with_a_passkey_is_a_fresh_proof(served: Served, ana: Browser) -> None:
    made = ana.device()
    ana.register(made)
    promotion, digest = waiting(served)
    served.team.clock.move(minutes=16)
    assert ana.sign_in_with(made).status_code == 303
    assert ana.send(f"/promotions/{promotion}/decide", decision="approve", digest=digest).status_code == 303
    assert served.team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_whoever_applies_rules_finds_the_passkey_that_waits_to_be_named(served: Served, ana: Browser) -> None:
    ana.register(ana.device())
    inbox = Browser(served).sign_in("pam").get("/inbox").text
    assert "Name a passkey" in inbox
    assert 'href="/people"' in inbox
    assert "passkey show" in inbox
    assert "Name a passkey" not in ana.get("/inbox").text
