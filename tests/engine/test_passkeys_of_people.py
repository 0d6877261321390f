"""A passkey signs its person in at once, and decisions from when the rules name its key, as any other."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest
from authenticator import Device
from team import APPROVAL, PROD_GATES, Notary, Team, with_gates

from lampway.domain.attestation import SIGNED_IN, Attestation, read_statement
from lampway.domain.events import Actor, DecisionMade
from lampway.domain.keys import PersonKey
from lampway.domain.passkeys import Passkey
from lampway.domain.promotion import Decision, PromotionState
from lampway.engine.decide import Decide, decide
from lampway.engine.evidence import ExportEvidence
from lampway.engine.passkeys import RegisterPasskey, RemovePasskey, ShowPasskeys, owner_of, register_passkey
from lampway.engine.revoke import Revoke
from lampway.engine.signed import DraftDecision
from lampway.engine.tasks import ShowTasks, TaskKind
from lampway.engine.verify import Tools, Trusted, verify_evidence
from lampway.errors import ForbiddenError, RefusedError, UnauthenticatedError, UsageError
from lampway.integrations.passkeys import challenge_of, to_base64url, wrap_assertion
from lampway.storage.codec import recorded_from

ANA = Actor("ana", "link", authenticated=True, name="Ana")


def register(team: Team, device: Device, actor: Actor = ANA) -> Passkey:
    asked = RegisterPasskey(name="laptop", credential=to_base64url(device.credential), key=device.key)
    return register_passkey(team.engine, asked, actor)


def name_in_rules(team: Team, *keys: str, of: str = "ana") -> None:
    gates = (*PROD_GATES[:-1], replace(APPROVAL, signed=True))
    rules = with_gates(team.rules, "prod", gates)
    given = tuple(PersonKey(key, "2026-01-01") for key in keys)
    team.govern(replace(rules, people=tuple(replace(p, keys=given) if p.id == of else p for p in rules.people)))


def sign(team: Team, promotion: str, device: Device) -> Decide:
    statement = team.run(DraftDecision(promotion, approved=True), "ana").statement
    made = device.answer(challenge_of(statement.encode()))
    return Decide(promotion, approved=True, envelope=wrap_assertion(statement, device.key, made, device.sign(made)))


def test_a_decision_signed_with_a_passkey_counts_and_holds_offline(team: Team) -> None:
    device = Device()
    name_in_rules(team, device.key)
    team.release()
    promotion = team.promote()
    team.do(sign(team, promotion, device), "ana")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    (decision,) = team.promotion(promotion).decisions
    assert (decision.key, decision.authenticated) == (device.key, True)
    data = team.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    tools = Tools(recorded_from, Notary())
    assert [c for c in verify_evidence(data, Trusted(team.rules.people), tools) if not c.holds] == []
    others = tuple(replace(p, keys=()) for p in team.rules.people)
    assert any(
        "is signed with a key that is not ana's" in c.reason for c in verify_evidence(data, Trusted(others), tools)
    )


def test_a_passkey_that_the_rules_do_not_name_signs_no_decision(team: Team) -> None:
    device = Device()
    name_in_rules(team)
    register(team, device)
    team.release()
    promotion = team.promote()
    with pytest.raises(RefusedError, match="not by a key of ana"):
        team.do(sign(team, promotion, device), "ana")
    (known,) = team.run(ShowPasskeys())
    assert (known.signs_in, known.signs, known.why_not) == (True, False, "the rules in force do not name its key yet")


def test_what_was_signed_for_one_decision_is_no_other(team: Team) -> None:
    device = Device()
    name_in_rules(team, device.key)
    team.release()
    promotion = team.promote()
    signed = sign(team, promotion, device)
    with pytest.raises(RefusedError, match="not what stands now: decision, reason"):
        team.do(replace(signed, approved=False, reason="no"), "ana")
    with pytest.raises(RefusedError, match="not by a key of bob"):
        team.do(signed, "bob")
    team.clock.move(minutes=20)
    with pytest.raises(RefusedError, match="too far from now"):
        team.do(signed, "ana")


def test_only_whoever_was_proved_registers_a_passkey_and_each_once(team: Team) -> None:
    device = Device()
    with pytest.raises(ForbiddenError, match="was not proved"):
        register(team, device, replace(ANA, authenticated=False))
    made = register(team, device)
    assert (made.person, made.via) == ("ana", "link")
    with pytest.raises(RefusedError, match="registered already"):
        register(team, device, replace(ANA, person="bob"))
    with pytest.raises(UsageError, match="needs a name"):
        register_passkey(team.engine, RegisterPasskey(" ", "x", Device().key), ANA)


def test_a_removed_passkey_signs_nobody_in_and_nothing_any_more(team: Team) -> None:
    device = Device()
    name_in_rules(team, device.key)
    made = register(team, device)
    assert owner_of(team.engine, made.credential).passkey == made
    assert team.run(ShowPasskeys())[0].signs
    with pytest.raises(ForbiddenError, match="somebody else's"):
        team.run(RemovePasskey(made.id, "lost"), "bob")
    team.run(RemovePasskey(made.id, "lost"), "rita")
    with pytest.raises(UnauthenticatedError, match="was removed"):
        owner_of(team.engine, made.credential)
    team.release()
    promotion = team.promote()
    with pytest.raises(RefusedError, match="does not count"):
        team.do(sign(team, promotion, device), "ana")
    assert team.run(ShowPasskeys()) == ()
    assert len(team.run(ShowPasskeys(everything=True))) == 1


def test_revoking_its_key_ends_signing_in_with_it(team: Team) -> None:
    device = Device()
    name_in_rules(team, device.key)
    made = register(team, device)
    team.run(Revoke("lost", "left in a train", key=device.key), "ana")
    with pytest.raises(UnauthenticatedError, match="was revoked"):
        owner_of(team.engine, made.credential)


def test_who_left_does_not_come_in_with_a_passkey(team: Team) -> None:
    made = register(team, Device())
    team.run(Revoke("left", "new job", person="ana"), "rita")
    with pytest.raises(UnauthenticatedError):
        owner_of(team.engine, made.credential)


def approve_signed_in(team: Team) -> str:
    team.release()
    promotion = team.promote()
    decide(team.engine, Decide(promotion, approved=True), replace(ANA, via="passkey k1"))
    team.settle()
    return promotion


def check(team: Team) -> list[str]:
    data = team.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    checks = verify_evidence(data, Trusted(team.rules.people), Tools(recorded_from, Notary()))
    return [c.reason for c in checks if not c.holds]


def test_without_a_signature_the_engine_states_who_was_signed_in_and_no_more(team: Team) -> None:
    promotion = approve_signed_in(team)
    (decision,) = team.promotion(promotion).decisions
    assert (decision.key, decision.authenticated) == ("", True)
    kept = team.get(Attestation, decision.attestation)
    assert (kept.predicate, kept.signer) == (SIGNED_IN, "lampway")
    said = read_statement(team.notary.open(kept.envelope).payload).predicate
    assert (said["person"], said["signedInBy"], said["decision"]) == ("ana", "passkey k1", "approved")
    assert check(team) == []


def test_the_engines_statement_is_no_signature_of_the_person(team: Team) -> None:
    name_in_rules(team)
    team.release()
    promotion = team.promote()
    with pytest.raises(RefusedError, match="is not signed"):
        decide(team.engine, Decide(promotion, approved=True), ANA)
    assert team.promotion(promotion).decisions == ()


def test_a_proof_that_is_claimed_and_not_stated_is_found(team: Team) -> None:
    team.release()
    promotion = team.promote()
    asked = team.promotion(promotion)
    claimed = Decision("ana", True, "", team.engine.now(), asked.bound.digest, (), authenticated=True)
    team.engine.record([DecisionMade(promotion, claimed)], ANA)
    team.settle()
    assert any("says ana was proved, without a signature" in reason for reason in check(team))


def test_whoever_applies_rules_is_asked_to_name_a_passkey_that_decides_until_they_name_it(team: Team) -> None:
    device = Device()
    admin = next(p.id for p in team.rules.people if "platform-admin" in p.roles)
    waiting = partial(_asked_to_name, team)
    passkey = register(team, device)
    mia = Actor("mia", "link", authenticated=True, name="Mia")
    register(team, Device(credential=b"of another device"), mia)
    (told,) = waiting(admin)
    words = "Ana's passkey *laptop* signs no decision until people.yaml names it"
    assert told == f"{words}: lampway passkey show {passkey.id} --add"
    assert waiting("ana") == waiting("mia") == []
    name_in_rules(team, device.key)
    assert waiting(admin) == []
    name_in_rules(team)
    assert len(waiting(admin)) == 1
    team.run(RemovePasskey(passkey.id, "lost"), "ana")
    assert waiting(admin) == []


def _asked_to_name(team: Team, person: str) -> list[str]:
    return [task.words for task in team.run(ShowTasks(), person) if task.kind is TaskKind.NAME_PASSKEY]
