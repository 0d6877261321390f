"""What stands behind a release, by the commands, on three real Node-REDs."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

pytestmark = pytest.mark.real

DIGEST = "sha256:" + "a" * 64
GATES = """\
          - gate: managed
          - gate: rehearsed
          - gate: dependencies
          - gate: certified
          - gate: data
          - {gate: ticket, pattern: "CHG-[0-9]{4}"}
        waivers: {roles: [platform-admin]}
"""
FROZEN = """
freezes:
  - {from: 2020-01-01, until: 2999-12-31, reason: the year is closed, environments: [prod]}
"""


@pytest.fixture
def assured(team: Any) -> Any:
    """Return the team with every gate about what stands behind a release, on declared data."""
    file = team.root / "lampway.yaml"
    text = file.read_text()
    file.write_text(text[: text.index("            # The risk can say how many")] + GATES)
    place = team.root / "environments" / "test.yaml"
    place.write_text(f"{place.read_text()}\ndata: synthetic\ndata_set: {{name: made up, digest: '{DIGEST}'}}\n")
    solution = team.root / "solutions" / "orders" / "solution.yaml"
    solution.write_text(solution.read_text() + "\nbackup_owner: cleo\ndata_class: internal\n")
    team.settle_strategy("Ask for what stands behind")
    return team


def states(team: Any, release: str = "orders") -> dict[str, str]:
    found = team.ok("explain", release, "--to", "prod", "--json").json["gates"]
    return {gate["gate"]: gate["state"] for gate in found}


def test_a_release_enters_once_everything_behind_it_is_proved(assured: Any) -> None:
    team = assured
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod").code == 1, "never certified is a no"
    assert team.run("recertify", "orders", user="ben").code == 1
    team.ok("recertify", "orders", "--for", "30d", "--reason", "the desk needs it", user="cleo")
    assert "orders is certified as still needed until" in team.ok("status").out
    found = states(team)
    new = ("managed", "rehearsed", "dependencies", "certified", "data")
    assert {found[kind] for kind in new} == {"passed"}, found
    assert found["ticket"] == "pending"
    assert team.run("approve", "orders", user="ben").code == 4
    assert team.run("ticket", "orders", "CHG-1234").code == 0
    assert team.order("prod")["accepted"] is True
    (cell,) = [c for c in team.ok("status", "--json").json if c["environment"] == "prod"]
    assert cell["certified_until"]
    evidence = team.ok("check", "show", "orders", "--json").json[0]
    assert (evidence["data"], evidence["data_set"], evidence["data_digest"]) == ("synthetic", "made up", DIGEST)

    team.build(rush=True)
    team.ok("release", "orders")
    assert team.run("promote", "orders", "--to", "prod", "--ticket", "CHG-1235").code == 4
    assert "change ticket: CHG-1235" in team.ok("inbox", user="ben").out
    assert team.run("approve", "orders", user="ben").code == 4
    assert states(team)["rehearsed"] == "pending"
    gates = team.ok("explain", "orders", "--to", "prod", "--json").json["gates"]
    (gate,) = [g for g in gates if g["state"] == "pending"]
    for command in gate["next"].split("; "):
        team.ok(*shlex.split(command)[1:])
    assert states(team)["rehearsed"] == "passed"
    (cell,) = [c for c in team.ok("status", "--json").json if c["environment"] == "prod"]
    assert cell["version"] != "1.0.0"
    assert not cell["waiting"]
    team.ok("audit", "verify")
    file = str(team.secrets.parent / "orders.evidence")
    assert team.ok("evidence", "export", "orders", "--out", file, "--json").json["rows"]


def test_a_freeze_is_overridden_by_a_second_person_only(assured: Any) -> None:
    team = assured
    file = team.root / "lampway.yaml"
    file.write_text(file.read_text() + FROZEN)
    team.settle_strategy("Close the year")
    team.ok("release", "orders")
    team.ok("recertify", "orders")
    assert team.run("promote", "orders", "--to", "prod", "--ticket", "CHG-1234").code == 4
    assert team.run("approve", "orders", user="cleo").code == 4
    assert states(team)["freeze"] == "pending"
    words = ("waive", "orders", "freeze", "--until", "2999-12-31", "--reason", "the law changed")
    assert team.run(*words, user="ada").code == 1
    waived = team.run(*words, "--json", user="ben")
    assert waived.code == 0
    assert team.order("prod")["accepted"] is True
    assert "gate freeze waived by ben" in team.ok("show", waived.json["id"]).out
