"""Evidence holds for what gates and checks can be by now: ages, composition, late verdicts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from team import APPROVAL, PROD_GATES, Team, with_gates
from test_evidence import PEOPLE, faults
from test_signed_decisions import give_keys, sign

from lampway.domain.deployment import CheckOutcome
from lampway.domain.strategy import GateRule
from lampway.engine.evidence import ExportEvidence
from lampway.engine.recheck import RunChecks

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
