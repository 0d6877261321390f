"""Everything people may do about a promotion, by the commands, on three real Node-REDs."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.real

DUTIES = """\
            risk:
              low: {when: {criticality: [low], reversibility: [reversible], needs_at_most: 0}, approvals: 0}
          - gate: checklist
        waivers: {roles: [platform-admin]}
        checklist:
          - {item: told, text: users know, by: maker}
          - {item: proven, text: the checks passed, by: evidence, gate: checks}
"""


@pytest.fixture
def governed(team: Any) -> Any:
    """Return the team with a checklist, waivers and a risk class, and dora, who has no role."""
    file = team.root / "lampway.yaml"
    text = file.read_text()
    place = text.index("            # The risk can say how many")
    file.write_text(text[:place] + DUTIES)
    people = team.root / "people.yaml"
    people.write_text(people.read_text() + "  dora:\n    name: Dora\n    email: dora@example.org\n")
    solution = team.root / "solutions" / "orders" / "solution.yaml"
    solution.write_text(solution.read_text() + "\ncriticality: low\n")
    for user in ("ada", "dora"):
        team.ok("key", "create", "--add", user=user)
    team.settle_strategy("Ask more of people")
    return team


def test_people_ask_stand_in_answer_and_waive_and_the_record_tells_it_all(governed: Any) -> None:
    team = governed
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4

    team.ok("ask", "orders", "who was told?", user="cleo")
    assert "? cleo" in team.ok("inbox").out
    team.ok("answer", "orders", "the order desk")
    assert "nothing waits" in team.ok("inbox").out

    away = ("delegate", "--from", "2020-01-01", "--until", "2999-12-31", "--reason", "away")
    assert "may approve for cleo" in team.ok(*away, "--to", "dora", user="cleo").out
    assert team.run(*away, "--to", "ben", user="dora").code == 1
    assert "dora for cleo" in team.ok("delegations").out
    assert team.run("approve", "orders", "--for", "cleo", user="dora").code == 4
    shown = team.ok("show", "orders").out
    for part in ("approved by dora for cleo", "? cleo", "the order desk", "for maker to answer", "yes, gate checks"):
        assert part in shown

    assert team.run("checklist", "orders", "--answer", "told=yes", user="ben").code == 1
    team.ok("checklist", "orders", "--answer", "told=yes")
    assert team.order("prod")["accepted"] is True


def test_an_exception_is_waived_in_the_open_and_low_risk_asks_nobody(governed: Any) -> None:
    team = governed
    team.ok("release", "orders")
    team.run("promote", "orders", "--to", "prod")
    team.ok("checklist", "orders", "--answer", "told=yes")
    team.ok("approve", "orders", user="ben")

    team.edit_live("dev", "* each", "* each * 1")
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    told = team.ok("explain", "orders", "--to", "prod").out
    assert "risk class low: no approval asked for" in told
    assert "1 of 2 items answered; open: told (maker)" in told
    exception = ("waive", "orders", "checklist", "--until", "2999-12-31", "--reason", "nobody to tell at night")
    refused = team.run(*exception, user="cleo")
    assert (refused.code, "may waive" in refused.err) == (1, True)
    waived = team.ok(*exception, "--json", user="ben").json
    (listed,) = [gate for gate in waived["gates"] if gate["gate"] == "checklist"]
    assert (waived["state"], listed["state"]) == ("succeeded", "waived")
    assert listed["original"].startswith("pending: 1 of 2 items answered")
    assert "gate checklist waived by ben" in team.ok("history").out

    team.build(rush=True)  # asks for one more value: no longer low risk
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 4
    assert "0 of 1 approvals" in team.ok("explain", "orders", "--to", "prod").out
    waits = team.ok("metrics", "waiting", "orders", "--json").json
    assert {w["name"]: w["times"] for w in waits["gates"]} == {"approval": 1, "checklist": 2}
    assert {w["gate"] for w in waits["now"]} == {"approval", "checklist"}
    assert "waits now: orders@" in team.ok("metrics", "waiting", "orders").out
    team.ok("audit", "verify")
