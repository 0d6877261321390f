"""What is given by somebody who is signed in and signs nothing: the engine states who it was, and no more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from team import PROD_GATES, Team, key_of
from test_attesting import with_uat
from test_evidence import faults, forge, they_verify
from test_people import LATER, with_stage
from test_proof_offline import body, export, remarks

from lampway.domain.attestation import (
    CHECKLIST,
    DELEGATION,
    GIVEN_SIGNED_IN,
    TESTED,
    WAIVER,
    Attestation,
    read_statement,
)
from lampway.domain.deployment import Evidence
from lampway.domain.duties import ChecklistItem
from lampway.domain.events import Actor
from lampway.domain.quorum import Delegation
from lampway.domain.strategy import GateRule
from lampway.engine.attest import AttestCheck
from lampway.engine.audit import Audit
from lampway.engine.cases import CASES
from lampway.engine.checklist import Checklist
from lampway.engine.context import Request
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate
from lampway.engine.views import ShowPromotion
from lampway.engine.waive import Waive

ITEM = ChecklistItem("told", "users were told", "release-manager")


def signed_in(team: Team, request: Request[Any], person: str) -> Any:
    """Ask as somebody whom the console knows, and who signs nothing."""
    actor = Actor(person, "passkey k1", authenticated=True, name=person.title())
    answer = CASES[type(request)](team.engine, request, actor)
    team.settle()
    return answer


@pytest.fixture
def done(team: Team) -> Team:
    """Return a team in which everything was given by people who were signed in, the approval by zoe for ana."""
    rules = with_uat(team.rules)
    gates = (*PROD_GATES[:-1], GateRule("checklist"), PROD_GATES[-1])
    team.govern(with_stage(rules, gates=gates, checklist=(ITEM,), waiver_roles=("release-manager",)))
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote(by="mia")
    signed_in(team, Delegate("zoe", "2026-01-01", LATER, "on holiday"), "ana")
    signed_in(team, AttestCheck("orders", "test", "walk-through", "passed", "two orders"), "tess")
    signed_in(team, Waive(promotion, "lock", "the vendor mends it", LATER), "rita")
    signed_in(team, Checklist(promotion, ("told=yes",)), "rita")
    signed_in(team, Decide(promotion, approved=True, on_behalf_of="ana"), "zoe")
    assert team.running("prod") == "1.0.0", team.run(ShowPromotion(promotion)).gates
    return team


def test_the_engine_states_who_was_signed_in_how_and_what_they_gave(done: Team) -> None:
    made = [a for a in done.find(Attestation) if a.predicate == GIVEN_SIGNED_IN]
    they_verify(made)
    said = [read_statement(done.notary.open(a.envelope).payload).predicate for a in made]
    assert {s["kind"] for s in said} == {DELEGATION, WAIVER, CHECKLIST, TESTED}
    assert {(s["given"]["person"], s["signedInBy"]) for s in said} == {
        (name, "passkey k1") for name in ("ana", "tess", "rita")
    }
    assert {a.signer for a in made} == {"lampway"}
    assert done.run(Audit()).damage == ()


def test_it_is_no_signature_of_theirs_and_the_verifier_says_so(done: Team) -> None:
    (lent,) = done.find(Delegation)
    (tested,) = [e.attested for e in done.find(Evidence) if e.attested]
    assert [(one.key, one.authenticated) for one in (lent, tested)] == [("", True)] * 2
    told = remarks(export(done), done.rules.people)
    for words in (
        "the waiver of lock by rita",
        "the checklist by rita",
        "the delegation by ana",
        "walk-through by tess",
    ):
        assert f"{words} (who was signed in, says the engine) is not signed" in told


def test_a_stage_that_asks_for_signatures_counts_none_of_it(done: Team) -> None:
    rules = done.rules
    checks = tuple(replace(c, signed=c.attested) for c in rules.solutions[0].checks)
    rules = replace(rules, solutions=(replace(rules.solutions[0], checks=checks), *rules.solutions[1:]))
    approval = replace(PROD_GATES[-1], signed=True)
    done.govern(with_stage(rules, gates=(*PROD_GATES[:-1], GateRule("checklist"), approval)))
    done.release("1.50")
    promotion = done.promote(by="mia")
    signed_in(done, AttestCheck("orders", "test", "walk-through", "passed", "two orders"), "tess")
    signed_in(done, Waive(promotion, "lock", "the vendor mends it", LATER), "rita")
    signed_in(done, Checklist(promotion, ("told=yes",)), "rita")
    found = {g.gate: g for g in done.run(ShowPromotion(promotion)).gates}
    assert "with a tester's signature" in found["checks"].reason
    assert "the waiver by rita is not signed" in found["lock"].reason
    assert "what rita answered to told is not signed" in found["checklist"].reason


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (body("gate-waived", "waiver", reason="other"), "the waiver of lock by rita is not what the engine states"),
        (body("checklist-answered", "answer", note="other"), "the checklist by rita is not what the engine states"),
        (body("delegated", "delegation", reason="other"), "the delegation by ana is not what the engine states"),
        (body("gate-waived", "waiver", attestation=""), "lampway signed what is not recorded"),
        (body("gate-waived", "waiver", key=key_of("rita").public), "is not what they signed"),
        (body("gate-waived", "waiver", by="ana"), "is not what the engine states"),
    ],
)
def test_what_the_engine_states_cannot_be_changed(done: Team, change: Callable[..., Any], said: str) -> None:
    found = faults(forge(export(done), change), done.rules.people)
    assert said in "\n".join(c.reason for c in found)


def test_who_was_proved_by_nothing_has_no_statement(team: Team) -> None:
    team.run(Delegate("zoe", "2026-01-01", LATER, "on holiday"), "ana")
    (lent,) = team.find(Delegation)
    assert (lent.authenticated, lent.attestation) == (False, "")
