"""Evidence holds for what gates and checks can be by now: ages, composition, late verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import APPROVAL, PROD_GATES, Team, with_gates
from test_assured import bill, needing
from test_evidence import PEOPLE, faults, forge, without
from test_signed_decisions import give_keys, sign

from lampway.domain.deployment import CheckOutcome
from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import GateRule
from lampway.engine.evidence import ExportEvidence
from lampway.engine.recheck import RunChecks
from lampway.engine.revoke import Revoke

SIGNED = replace(APPROVAL, signed=True)
AGED = replace(APPROVAL, signed=True, max_age=86_400.0)


@pytest.mark.parametrize("gate", [AGED, GateRule("all", rules=(AGED,)), GateRule("any", rules=(AGED, PROD_GATES[0]))])
def test_approvals_are_judged_at_the_time_they_were_needed(team: Team, gate: GateRule) -> None:
    give_keys(team)
    team.govern(with_gates(team.rules, "prod", (*PROD_GATES[:-1], gate)))
    team.bench.fail("smoke", "test", CheckOutcome.FAILED)
    team.release()
    promotion = team.promote()
    team.bench.results.clear()
    team.do(RunChecks("orders", "test"), "rita")
    if gate.gate != "any":
        team.do(sign(team, promotion, "ana"), "ana")
    assert team.running("prod") == "1.0.0"
    data = team.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    assert faults(data, PEOPLE) == []


def shipped_by(team: Team, *signers: str) -> bytes:
    """Return the evidence of orders, signed into production by these people."""
    promotion = team.promote()
    for name in signers:
        team.clock.move(minutes=1)
        team.do(sign(team, promotion, name), name)
    assert team.running("prod")
    return team.run(ExportEvidence("orders"), "zoe").content.encode()


def test_a_key_lost_after_it_signed_leaves_the_evidence_whole(team: Team) -> None:
    give_keys(team)
    team.release()
    shipped_by(team, "ana")
    team.clock.move(hours=1)
    team.do(Revoke("lost", "left on the train"), "ana")
    team.do(Revoke("left", "moved on", person="bob"), "rita")
    assert faults(team.run(ExportEvidence("orders"), "zoe").content.encode(), PEOPLE) == []


def test_what_was_revoked_before_is_in_the_evidence_of_what_others_approved(team: Team) -> None:
    give_keys(team)
    team.do(Revoke("left", "moved on", person="ana"), "rita")
    team.govern(replace(team.rules, team="Another name"))
    team.do(Revoke("lost", "left on the train"), "max")
    team.release()
    data = shipped_by(team, "bob")
    assert faults(data, PEOPLE) == []
    assert data.count(b"counts no more since") == 2


def test_a_revocation_that_is_taken_out_of_the_file_is_missed(team: Team) -> None:
    give_keys(team, quorum=1)
    team.do(Revoke("left", "moved on", person="ana"), "rita")
    team.release()
    data = shipped_by(team, "bob")
    assert faults(forge(data, without("revoked")), PEOPLE) != []


def test_what_a_release_needs_is_judged_from_the_file_alone(team: Team) -> None:
    give_keys(team)
    team.govern(needing(with_gates(team.rules, "prod", (*PROD_GATES[:-1], GateRule("dependencies"), SIGNED)), "1.0.0"))
    bill(team)
    promotion = team.promote(release="billing", by="max")
    team.do(sign(team, promotion, "ana"), "ana")
    assert team.installed("prod", "billing").version == "1.0.0"
    team.release("1.19")
    assert faults(shipped_by(team, "bob"), PEOPLE) == []


def test_what_else_runs_in_the_target_has_no_say(team: Team) -> None:
    give_keys(team)
    bill(team)
    team.do(sign(team, promotion := team.promote(release="billing", by="max"), "ana"), "ana")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED
    team.release("1.19")
    assert faults(shipped_by(team, "bob"), PEOPLE) == []
