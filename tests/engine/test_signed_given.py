"""What people state is signed by them: delegations, waivers, answers and tests count only then where a gate says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from team import APPROVAL, PROD_GATES, Team, key_of
from test_attesting import with_uat
from test_evidence import faults, forge, they_verify
from test_people import LATER, with_stage
from test_proof_offline import body, export, remarks, signed_delegation
from test_signed_decisions import sign

from lampway.domain.attestation import BY_PEOPLE, CHECKLIST, DELEGATION, TESTED, UNLOCK, WAIVER, Attestation
from lampway.domain.deployment import Evidence
from lampway.domain.duties import ChecklistItem
from lampway.domain.judgement import GateResult
from lampway.domain.keys import PersonKey
from lampway.domain.quorum import Delegation
from lampway.domain.strategy import GateRule, Person
from lampway.engine.attest import AttestCheck, DraftTested, GivenFile
from lampway.engine.audit import Audit
from lampway.engine.checklist import Checklist, DraftAnswers
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate
from lampway.engine.views import Explain, ShowPromotion
from lampway.engine.waive import DraftWaiver, Waive
from lampway.errors import LampwayError, RefusedError

SIGNED = replace(APPROVAL, signed=True)
ITEMS = (
    ChecklistItem("backup", "a backup was taken", "release-manager"),
    ChecklistItem("told", "users were told", "release-manager"),
)
TESTED_ARGUMENTS = ("orders", "test", "walk-through", "passed", "two orders, one refund", "masked")


def keyed(people: tuple[Person, ...]) -> tuple[Person, ...]:
    return tuple(replace(p, keys=(PersonKey(key_of(p.id).public, "2026-01-01"),)) for p in people)


@pytest.fixture
def asked(team: Team) -> tuple[Team, str]:
    """Return a promotion that waits for a test, a waiver, a checklist and an approval; everybody has a key."""
    rules = with_uat(team.rules)
    checks = tuple(replace(c, signed=c.attested) for c in rules.solutions[0].checks)
    rules = replace(rules, solutions=(replace(rules.solutions[0], checks=checks), *rules.solutions[1:]))
    gates = (*PROD_GATES[:-1], GateRule("checklist"), SIGNED)
    rules = with_stage(rules, gates=gates, checklist=ITEMS, waiver_roles=("release-manager",))
    team.govern(replace(rules, people=keyed(rules.people)))
    team.prod.is_locked = False
    team.release("1.19")
    return team, team.promote(by="mia")


def signed(team: Team, request: Any, draft: Any, by: str) -> Any:
    """Return the request with what this person signs."""
    return replace(request, envelope=key_of(by).sign(team.run(draft, by).statement.encode()))


def tell(team: Team) -> Any:
    given = (*TESTED_ARGUMENTS, (GivenFile("a.png", b"png"),))
    return signed(team, AttestCheck(*given), DraftTested(*given), "tess")


def waive_it(team: Team, promotion: str) -> Any:
    given = (promotion, "lock", "the vendor mends it", LATER)
    return signed(team, Waive(*given), DraftWaiver(*given), "rita")


def answer_it(team: Team, promotion: str) -> Any:
    given = (promotion, ("backup=yes", "told=n/a"), "nobody uses it yet")
    return signed(team, Checklist(*given), DraftAnswers(*given), "rita")


@pytest.fixture
def done(asked: tuple[Team, str]) -> Team:
    """Return a team in which everything was given and signed, the approval by zoe for ana."""
    team, promotion = asked
    team.run(signed_delegation(team, "zoe", "ana"), "ana")
    team.do(tell(team), "tess")
    team.do(waive_it(team, promotion), "rita")
    team.do(answer_it(team, promotion), "rita")
    team.do(sign(team, promotion, "zoe", on_behalf_of="ana"), "zoe")
    assert team.running("prod") == "1.0.0", gates(team, promotion)
    return team


def gates(team: Team, promotion: str) -> dict[str, GateResult]:
    return {g.gate: g for g in team.run(ShowPromotion(promotion)).gates}


def trusted(team: Team) -> tuple[Person, ...]:
    return team.rules.people


def test_everything_that_was_signed_counts_is_proved_and_verified_offline(done: Team) -> None:
    people = [a for a in done.find(Attestation) if a.predicate in BY_PEOPLE]
    assert {a.predicate for a in people} == set(BY_PEOPLE) - {UNLOCK}, "that one is about no release"
    they_verify(people)
    assert all(d.authenticated and d.key == key_of("ana").public for d in done.find(Delegation))
    told = remarks(export(done), trusted(done))
    assert "approved by zoe for ana" in told
    assert "waived by rita" in told
    assert done.run(Audit()).damage == ()


def test_the_attested_check_is_authenticated_only_by_its_signature(done: Team) -> None:
    (found,) = [e for e in done.find(Evidence) if e.attested]
    assert found.attested.authenticated
    assert found.attested.key == key_of("tess").public
    (kept,) = [a for a in done.find(Attestation) if a.predicate == TESTED]
    assert (kept.id, kept.about, kept.signer) == (found.attested.attestation, found.id, "tess")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (body("delegated", "delegation", reason="other"), "is not what they signed"),
        (body("delegated", "delegation", until="2026-02-27T00:00:00.000+00:00"), "is not what they signed"),
        (body("delegated", "delegation", key="", attestation=""), "signed what is not recorded"),
        (body("gate-waived", "waiver", reason="other"), "is not what they signed"),
        (body("gate-waived", "waiver", until="2026-02-27T00:00:00.000+00:00"), "is not what they signed"),
        (body("gate-waived", "waiver", gate="rollback-target"), "is not what they signed"),
        (body("gate-waived", "waiver", attestation=""), "names a key and no signature"),
        (body("checklist-answered", "answer", reply="no"), "is not what they signed"),
        (body("checklist-answered", "answer", note="other"), "is not what they signed"),
        (body("checklist-answered", "answer", attestation="", key=""), "is not signed"),
        (body("decision-made", "decision", on_behalf_of="bob"), "is not what they signed"),
    ],
)
def test_nothing_that_was_signed_can_be_changed(done: Team, change: Callable[..., Any], said: str) -> None:
    found = faults(forge(export(done), change), trusted(done))
    assert said in "\n".join(c.reason for c in found)


def test_what_a_tester_said_cannot_be_changed(done: Team) -> None:
    def change(row: Any, old: dict[str, Any]) -> dict[str, Any]:
        if row.kind != "evidence-recorded" or not old["evidence"]["attested"]:
            return old
        said = {**old["evidence"]["attested"], "cases": "everything"}
        return {**old, "evidence": {**old["evidence"], "attested": said}}

    found = faults(forge(export(done), change), trusted(done))
    assert "what came of walk-through by tess is not what they signed" in "\n".join(c.reason for c in found)


@pytest.mark.parametrize("kind", [DELEGATION, WAIVER, CHECKLIST, TESTED])
def test_a_signature_of_somebody_whose_key_the_auditor_does_not_know_is_a_fault(done: Team, kind: str) -> None:
    (one,) = [a for a in done.find(Attestation) if a.predicate == kind]
    without = tuple(replace(p, keys=()) if p.id == one.signer else p for p in trusted(done))
    assert f"a key that is not {one.signer}'s" in "\n".join(c.reason for c in faults(export(done), without))


def test_what_is_not_signed_is_recorded_and_does_not_count(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(AttestCheck(*TESTED_ARGUMENTS), "tess")
    team.do(Waive(promotion, "lock", "the vendor mends it", LATER), "rita")
    team.do(Checklist(promotion, ("backup=yes", "told=yes")), "rita")
    team.run(Delegate("zoe", "2026-01-01", LATER, "on holiday"), "ana")
    found = gates(team, promotion)
    assert found["checks"].reason.endswith("was not attested in test with a tester's signature")
    assert "lampway key create" in found["checks"].next
    assert (found["lock"].state, found["lock"].original) == ("failed", "")
    assert "the waiver by rita is not signed" in found["lock"].reason
    assert "lampway key create" in found["lock"].next
    assert "what rita answered to backup is not signed" in found["checklist"].reason
    with pytest.raises(RefusedError, match="that ana lets zoe approve is not signed"):
        team.do(Decide(promotion, approved=True), "zoe")
    assert [w.authenticated for w in team.promotion(promotion).waivers] == [False]
    team.do(tell(team), "tess")
    team.do(waive_it(team, promotion), "rita")
    team.do(answer_it(team, promotion), "rita")
    team.do(sign(team, promotion, "bob"), "bob")
    assert team.running("prod") == "1.0.0"
    assert remarks(export(team), trusted(team))


def test_a_pass_that_nobody_signed_does_not_cover_a_signed_one_and_a_failure_always_counts(
    asked: tuple[Team, str],
) -> None:
    team, _ = asked
    team.do(tell(team), "tess")
    team.do(AttestCheck(*TESTED_ARGUMENTS), "tim")
    (checks,) = [g for g in team.run(Explain("orders", "prod")).gates if g.gate == "checks"]
    assert checks.state == "passed"
    team.do(AttestCheck("orders", "test", "walk-through", "failed", "a refund went wrong"), "tim")
    (checks,) = [g for g in team.run(Explain("orders", "prod")).gates if g.gate == "checks"]
    assert checks.state == "failed"


@pytest.mark.parametrize("key", ["bob", "eve"])
def test_somebody_elses_key_proves_nothing(asked: tuple[Team, str], key: str) -> None:
    team, promotion = asked
    given = ("zoe", "2026-01-01", LATER, "away")
    before = team.kinds()
    for request, draft, by in (
        (Delegate(*given), None, "ana"),
        (waive_it(team, promotion), DraftWaiver(promotion, "lock", "the vendor mends it", LATER), "rita"),
        (answer_it(team, promotion), DraftAnswers(promotion, ("backup=yes",)), "rita"),
        (tell(team), DraftTested(*TESTED_ARGUMENTS), "tess"),
    ):
        statement = team.run(draft, by).statement if draft else '{"_type":"x"}'
        with pytest.raises(LampwayError, match=r"not by a key|not an in-toto"):
            team.run(replace(request, envelope=key_of(key).sign(statement.encode())), by)
    assert team.kinds() == before


def test_what_was_signed_for_something_else_or_long_ago_is_refused(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    waiver = waive_it(team, promotion)
    with pytest.raises(RefusedError, match="not what stands now: reason"):
        team.run(replace(waiver, reason="another"), "rita")
    team.clock.move(minutes=16)
    with pytest.raises(RefusedError, match="too far from now"):
        team.run(waiver, "rita")


def test_a_key_that_was_revoked_takes_its_waivers_and_delegations_back(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(waive_it(team, promotion), "rita")
    assert gates(team, promotion)["lock"].state == "waived"
    lost = (PersonKey(key_of("rita").public, "2026-01-01", revoked="2026-01-05"),)
    people = tuple(replace(p, keys=lost) if p.id == "rita" else p for p in team.rules.people)
    team.govern(replace(team.rules, people=people))
    lock = gates(team, promotion)["lock"]
    assert lock.state == "failed"
    assert "not theirs to use" in lock.reason
