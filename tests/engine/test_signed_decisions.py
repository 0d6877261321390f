"""Where a stage asks for signatures only what a person signed with their own key counts; the engine signs as well."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from team import APPROVAL, PROD_GATES, Team, key_of, with_environment, with_gates

from lampway.domain import attestation
from lampway.domain.attestation import Attestation, EngineKey, read_statement
from lampway.domain.judgement import GateState
from lampway.domain.keys import PersonKey
from lampway.domain.promotion import PromotionState
from lampway.engine.audit import Audit
from lampway.engine.decide import Decide
from lampway.engine.promote import Promote
from lampway.engine.signed import DraftDecision
from lampway.engine.views import ShowPromotion
from lampway.errors import RefusedError, UsageError, VoidedError

SIGNED = (*PROD_GATES[:-1], replace(APPROVAL, signed=True))


def give_keys(team: Team, quorum: int = 1, **keys: tuple[PersonKey, ...]) -> None:
    """Ask for signed approvals in prod, from people with these keys; ana and bob have their own unless told."""
    gates = (*PROD_GATES[:-1], replace(APPROVAL, signed=True, quorum=quorum))
    given = {name: (PersonKey(key_of(name).public, "2026-01-01"),) for name in ("ana", "bob", "max")} | keys
    rules = with_gates(team.rules, "prod", gates)
    people = tuple(replace(p, keys=given.get(p.id, ())) for p in rules.people)
    team.govern(replace(rules, people=people))


def sign(team: Team, promotion: str, by: str, *, key: str = "", approved: bool = True, **more: str) -> Decide:
    """Return a person's decision, signed with their own key or with somebody else's."""
    draft = team.run(DraftDecision(promotion, approved, **more), by)
    return Decide(promotion, approved, envelope=key_of(key or by).sign(draft.statement.encode()), **more)


@pytest.fixture
def asked(team: Team) -> tuple[Team, str]:
    give_keys(team)
    team.release()
    return team, team.promote()


def approval_of(team: Team, promotion: str) -> tuple[GateState, str]:
    gates = team.run(ShowPromotion(promotion), "ana").gates
    return next((g.state, g.reason) for g in gates if g.gate == "approval")


def test_an_unsigned_decision_is_refused_with_the_cure(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    for approved in (True, False):
        with pytest.raises(RefusedError, match="not signed") as told:
            team.do(Decide(promotion, approved=approved, reason="because"), "ana")
        assert "lampway key create" in told.value.hint
    assert team.promotion(promotion).decisions == ()


def test_a_signed_decision_counts_and_is_proved(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(sign(team, promotion, "ana", reason="looks good"), "ana")
    (decision,) = team.promotion(promotion).decisions
    assert (decision.authenticated, decision.key) == (True, key_of("ana").public)
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    kept = team.get(Attestation, decision.attestation)
    assert (kept.signer, kept.about, kept.predicate) == ("ana", promotion, attestation.APPROVAL)
    predicate = read_statement(team.notary.open(kept.envelope).payload).predicate
    assert predicate["promotion"]["digest"] == team.promotion(promotion).bound.digest
    assert (predicate["reason"], predicate["decision"]) == ("looks good", "approved")


def test_a_signed_rejection_ends_it(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(sign(team, promotion, "ana", approved=False, reason="not now"), "ana")
    assert team.promotion(promotion).state is PromotionState.REJECTED
    verdicts = [a for a in team.find(Attestation) if a.predicate == attestation.SUMMARY and a.about == promotion]
    (verdict,) = verdicts
    said = read_statement(team.notary.open(verdict.envelope).payload).predicate
    assert said["verificationResult"] == "FAILED"


@pytest.mark.parametrize("key", ["bob", "eve", "lampway"])
def test_a_signature_with_somebody_elses_key_is_refused(asked: tuple[Team, str], key: str) -> None:
    team, promotion = asked
    with pytest.raises(RefusedError, match="not by a key of ana"):
        team.do(sign(team, promotion, "ana", key=key), "ana")
    assert team.promotion(promotion).decisions == ()


@pytest.mark.parametrize(
    "key",
    [
        PersonKey(key_of("ana").public, "2026-01-06"),
        PersonKey(key_of("ana").public, "2025-01-01", until="2026-01-04"),
        PersonKey(key_of("ana").public, "2025-01-01", revoked="2026-01-05"),
    ],
    ids=["not yet", "no longer", "revoked"],
)
def test_a_key_that_does_not_count_that_day_is_refused(team: Team, key: PersonKey) -> None:
    give_keys(team, ana=(key,))
    team.release()
    promotion = team.promote()
    assert team.run(DraftDecision(promotion, approved=True), "ana").keys == ()
    with pytest.raises(RefusedError, match="does not count on 2026-01-05"):
        team.do(sign(team, promotion, "ana"), "ana")


def test_revoking_a_key_takes_its_open_approvals_back_and_they_can_be_given_again(team: Team) -> None:
    give_keys(team, quorum=2)
    team.release()
    promotion = team.promote()
    team.do(sign(team, promotion, "ana"), "ana")
    assert approval_of(team, promotion)[1].startswith("1 of 2")
    lost = PersonKey(key_of("ana").public, "2026-01-01", revoked="2026-01-05")
    give_keys(team, quorum=2, ana=(lost, PersonKey(key_of("ana again").public, "2026-01-01")))
    state, reason = approval_of(team, promotion)
    assert (state, reason.split(";")[0]) == (GateState.PENDING, "0 of 2 approvals")
    assert "not theirs to use" in reason
    team.do(sign(team, promotion, "ana", key="ana again"), "ana")
    assert approval_of(team, promotion)[1].startswith("1 of 2")
    assert team.running("prod") == ""


def test_a_quorum_counts_persons_not_keys(team: Team) -> None:
    two = tuple(PersonKey(key_of(name).public, "2026-01-01") for name in ("ana", "ana two"))
    give_keys(team, quorum=2, ana=two)
    team.release()
    promotion = team.promote()
    team.do(sign(team, promotion, "ana"), "ana")
    with pytest.raises(UsageError, match="decided already"):
        team.do(sign(team, promotion, "ana", key="ana two"), "ana")
    assert team.running("prod") == ""
    team.do(sign(team, promotion, "bob"), "bob")
    assert team.running("prod") == "1.0.0"


def test_a_makers_signature_counts_for_nothing(team: Team) -> None:
    give_keys(team)
    team.release(by="max")
    promotion = team.promote(by="mia")
    with pytest.raises(RefusedError, match="made what is in it"):
        team.do(sign(team, promotion, "max"), "max")


def test_a_signature_for_another_promotion_is_refused(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    old = sign(team, promotion, "ana")
    team.govern(with_environment(team.rules, "prod", CURRENCY="CHF"))
    with pytest.raises(VoidedError):
        team.do(old, "ana")
    again = team.do(Promote("orders", "prod")).promotions[-1]
    with pytest.raises(RefusedError, match="not what stands now"):
        team.do(replace(old, promotion=again), "ana")


def test_a_yes_cannot_be_turned_into_a_no_nor_its_reason_changed(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    yes = sign(team, promotion, "ana", reason="fine")
    for turned in (replace(yes, approved=False), replace(yes, reason="other")):
        with pytest.raises(RefusedError, match="not what stands now"):
            team.do(turned, "ana")


def test_an_old_signature_is_refused(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    old = sign(team, promotion, "ana")
    team.clock.move(minutes=16)
    with pytest.raises(RefusedError, match="too far from now"):
        team.do(old, "ana")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_changed_envelope_never_counts(asked: tuple[Team, str], data: st.DataObject) -> None:
    team, promotion = asked
    signed = sign(team, promotion, "ana")
    place = data.draw(st.integers(0, len(signed.envelope) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != signed.envelope[place]))
    broken = signed.envelope[:place] + other + signed.envelope[place + 1 :]
    with pytest.raises((RefusedError, UsageError)):
        team.run(replace(signed, envelope=broken), "ana")
    assert team.promotion(promotion).decisions == ()


def test_the_engine_signs_every_step_of_the_chain_once(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(sign(team, promotion, "ana"), "ana")
    kinds = [a.predicate for a in team.find(Attestation)]
    step = [attestation.SUMMARY, attestation.TEST_RESULT, attestation.DEPLOYMENT]
    assert kinds == [attestation.PROVENANCE, *step, attestation.APPROVAL, *step]
    assert [k.key for k in team.find(EngineKey)] == [team.notary.public_key()]
    for kept in team.find(Attestation):
        assert team.notary.is_signed_by(team.notary.open(kept.envelope), kept.key)
    assert team.run(Audit()).damage == ()


def test_the_summary_lists_every_attestation_before_it_and_the_rules_in_force(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(sign(team, promotion, "ana"), "ana")
    found = team.find(Attestation)
    last = next(a for a in reversed(found) if a.predicate == attestation.SUMMARY)
    said = read_statement(team.notary.open(last.envelope).payload).predicate
    before = [a.id.removeprefix("sha256:") for a in found[: found.index(last)]]
    assert [i["digest"]["sha256"] for i in said["inputAttestations"]] == before
    assert json.dumps(said["policy"]).count(team.find(Attestation)[0].release) == 0


def test_the_deployment_says_what_was_read_back(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(sign(team, promotion, "ana"), "ana")
    last = team.find(Attestation)[-1]
    said = read_statement(team.notary.open(last.envelope).payload).predicate
    assert said["readBack"] == team.installed("prod").package
    assert said["outcome"] == "succeeded"
