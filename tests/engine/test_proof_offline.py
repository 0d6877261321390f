"""Whatever let a release in is judged again from the evidence file alone, and said as what it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from team import Team, key_of
from test_evidence import PEOPLE, TOOLS, faults, forge, without
from test_ledger import ACTIONS
from test_people import LATER, LOW, with_approval, with_stage
from test_recomputing import demanding
from test_signed_decisions import give_keys, sign

from lampway.domain.deployment import Deployment, DeploymentState
from lampway.domain.evidence import Row, read_content
from lampway.domain.judged import parts_of
from lampway.domain.judgement import Eligibility, Facts, GateResult, GateState
from lampway.domain.keys import PersonKey
from lampway.domain.release import Release
from lampway.domain.strategy import Person
from lampway.engine.cases import LookAtLock, Resume
from lampway.engine.chosen import Choice
from lampway.engine.delegate import Delegate, DraftDelegation, EndDelegation
from lampway.engine.dossier import Trusted
from lampway.engine.drift import AcceptDrift, ScanDrift
from lampway.engine.evidence import ExportEvidence
from lampway.engine.stops import LiftHold, PutOnHold, VetoRelease
from lampway.engine.verify import verify_evidence
from lampway.engine.waive import Waive
from lampway.errors import LampwayError
from lampway.testing.world import CrashError

ZOE = (PersonKey(key_of("zoe").public, "2026-01-01"),)
EVERYBODY = tuple(replace(p, keys=ZOE) if p.id == "zoe" else p for p in PEOPLE)


def export(team: Team, release: str = "orders") -> bytes:
    return team.run(ExportEvidence(release), "zoe").content.encode()


def remarks(data: bytes, people: tuple[Person, ...] = EVERYBODY) -> str:
    found = verify_evidence(data, Trusted(people), TOOLS)
    assert [c for c in found if not c.holds] == []
    return "\n".join(c.reason for c in found if c.check == "remark")


def reasons(data: bytes) -> str:
    found = faults(data, EVERYBODY)
    assert found
    return "\n".join(c.reason for c in found)


def body(kind: str, part: str, **more: Any) -> Callable[[Row, dict[str, Any]], dict[str, Any]]:
    """Return a change of one part of every row of a kind."""
    return lambda row, old: {**old, part: {**old[part], **more}} if row.kind == kind else old


def signed_delegation(team: Team, to: str, by: str) -> Delegate:
    asked = (to, "2026-01-01", LATER, "on holiday")
    draft = team.run(DraftDelegation(*asked), by)
    return Delegate(*asked, envelope=key_of(by).sign(draft.statement.encode()))


@pytest.fixture
def lent(team: Team) -> Team:
    """Return a team in which zoe approved for ana, who took that back afterwards."""
    give_keys(team, zoe=ZOE)
    given = team.run(signed_delegation(team, "zoe", "ana"), "ana")
    team.release()
    promotion = team.promote()
    team.do(sign(team, promotion, "zoe", on_behalf_of="ana"), "zoe")
    assert team.running("prod") == "1.0.0"
    team.run(EndDelegation(given.id), "ana")
    return team


def test_an_approval_for_somebody_else_is_verified_and_said_as_that(lent: Team) -> None:
    assert "approved by zoe for ana" in remarks(export(lent))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("delegated"), "may approve"),
        (body("delegated", "delegation", until="2026-01-04T00:00:00.000+00:00"), "0 of 1 approvals"),
        (body("delegated", "delegation", start="2026-01-06T00:00:00.000+00:00"), "0 of 1 approvals"),
        (body("delegated", "delegation", until="2027-01-06T00:00:00.000+00:00"), "other facts than the file tells"),
        (body("delegated", "delegation", by="bob"), "0 of 1 approvals"),
        (body("decision-made", "decision", on_behalf_of=""), "0 of 1 approvals"),
        (body("decision-made", "decision", on_behalf_of="bob"), "0 of 1 approvals"),
    ],
)
def test_what_somebody_lent_cannot_be_changed(lent: Team, change: Callable[..., Any], said: str) -> None:
    assert said in reasons(forge(export(lent), change))


def test_a_delegation_that_was_taken_back_cannot_be_given_again(team: Team) -> None:
    given = team.run(Delegate("zoe", "2026-01-01", LATER, "on holiday"), "ana")
    team.run(EndDelegation(given.id), "ana")
    team.ship("1.19")
    data = export(team)
    assert remarks(data)
    assert "delegations" in reasons(forge(data, without("delegation-ended")))


@pytest.fixture
def low(team: Team) -> Team:
    """Return a team whose second release went to production on evidence alone."""
    team.govern(with_approval(team.rules, risk=(LOW,)))
    team.ship("1.19")
    team.release("1.16")
    team.promote()
    assert team.running("prod") == "1.0.1"
    return team


def test_low_risk_without_an_approval_is_verified_and_said(low: Team) -> None:
    assert "risk class low: no approval asked for" in remarks(export(low))
    assert remarks(export(low, "orders@1.0.0"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (body("release-sealed", "release", change=None), "the file is about"),
        (without("installed", 1), ""),
        (without("evidence-recorded", 0), ""),
    ],
)
def test_low_risk_rests_on_facts_that_cannot_be_changed(low: Team, change: Callable[..., Any], said: str) -> None:
    found = faults(forge(export(low), change))
    assert found
    assert said == "" or any(said in c.reason or "not in it" in c.reason for c in found)


def test_a_team_of_one_is_said_to_have_no_independent_approval(team: Team) -> None:
    only = tuple(replace(p, roles=("maker", "approver", "platform-admin")) for p in team.rules.people if p.id == "mia")
    alone = replace(team.rules, people=only, second_person_applies=False)
    team.govern(replace(with_approval(alone, cooling=3600.0), solutions=team.rules.solutions[:1]))
    team.release("1.19")
    team.promote()
    team.clock.move(hours=1)
    team.do(Resume())
    assert team.running("prod") == "1.0.0"
    data = export(team)
    assert "no independent approval" in remarks(data)
    early = forge(data, body("release-sealed", "release", sealed_at="2026-01-05T09:30:00.000+00:00"))
    assert "cooling" in reasons(early)


@pytest.fixture
def waived(team: Team) -> Team:
    """Return a team in which rita waived the open lock of production."""
    team.govern(with_stage(team.rules, waiver_roles=("release-manager",)))
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    team.do(Waive(promotion, "lock", "the vendor mends it on Monday", LATER), "rita")
    assert team.running("prod") == "1.0.0"
    return team


def test_a_waiver_is_shown_with_everything_and_never_as_a_pass(waived: Team) -> None:
    told = remarks(export(waived))
    for word in ("lock did not pass", "waived by rita until 2026-01-31", "the vendor mends it", "is failed: "):
        assert word in told


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (without("gate-waived"), "lock failed"),
        (body("gate-waived", "waiver", by=""), "lock failed"),
        (body("gate-waived", "waiver", by="mia"), "lock failed"),
        (body("gate-waived", "waiver", by="ana"), "lock failed"),
        (body("gate-waived", "waiver", until="2026-01-04"), "lock failed"),
        (
            body("gate-waived", "waiver", until="2026-03-01T00:00:00.000+00:00"),
            "other facts than the file tells: waivers",
        ),
        (body("gate-waived", "waiver", reason="none"), "other facts than the file tells: waivers"),
        (lambda row, old: {**old, "state": "locked"} if row.kind == "lock-observed" else old, "lock"),
        (without("lock-observed"), "lock"),
    ],
)
def test_a_waiver_cannot_be_changed(waived: Team, change: Callable[..., Any], said: str) -> None:
    assert said in reasons(forge(export(waived), change))


def test_a_hold_that_was_lifted_leaves_nothing_to_hide_and_one_that_stands_cannot_be_taken_out(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    team.do(PutOnHold("the year is closed", "orders"), "bob")
    team.approve(promotion)
    assert team.running("prod") == ""
    team.do(LiftHold("orders", reason="open again"), "rita")
    assert team.running("prod") == "1.0.0"
    data = export(team)
    assert remarks(data)
    assert "never recorded" in reasons(forge(data, without("held")))
    assert "hold on orders" in reasons(forge(data, without("hold-lifted")))


def blind(facts: Facts) -> Eligibility:
    """Judge as an engine does that lets everything through."""
    return Eligibility((GateResult("approval", GateState.PASSED, f"{facts.release.name} is fine"),))


@pytest.mark.parametrize(
    ("stop", "said"),
    [
        (VetoRelease("orders@1.0.0", "prod", "it lost an order"), "may never enter prod"),
        (PutOnHold("the year is closed", environment="prod"), "hold on prod"),
        (PutOnHold("fire", emergency=True), "emergency stop"),
    ],
)
def test_an_engine_that_lets_in_what_was_stopped_gives_itself_away(
    team: Team, monkeypatch: pytest.MonkeyPatch, stop: Any, said: str
) -> None:
    team.release("1.19")
    team.run(stop, "bob")
    monkeypatch.setattr("lampway.engine.drain.judge", blind)
    monkeypatch.setattr("lampway.engine.drain.eligibility", lambda _reading, _case, _now: blind(_fact))
    team.promote()
    assert team.running("prod") == "1.0.0"
    assert said in reasons(export(team))


_fact: Any = SimpleNamespace(release=SimpleNamespace(name="orders"))


def test_an_accepted_live_edit_is_verified_and_said(team: Team) -> None:
    team.ship("1.19")
    team.prod.edit("p2", does="times 2")
    team.run(ScanDrift(("prod",)))
    team.do(AcceptDrift("orders", "prod", "it was urgent"), "rita")
    team.ship("1.16")
    data = export(team)
    assert "gate drift did not pass, it was accepted by rita: it was urgent" in remarks(data)
    assert "drift" in reasons(forge(data, without("drift-found")))


def test_fields_that_are_added_later_change_no_digest_made_before(team: Team) -> None:
    from lampway.engine.facts import case_of, gather

    team.release("1.19")
    promotion = team.promote()
    with team.store.reading() as reading:
        case = case_of(reading, team.promotion(promotion))
        assert case is not None
        facts = gather(reading, case, team.engine.now())
    parts = parts_of(facts)
    assert {"evidence", "verified_in", "requested_by", "makers", "lock"} <= parts.keys()
    assert not {"veto", "holds", "waivers", "strategy", "now"} & parts.keys()
    assert parts_of(replace(facts, now="")).keys() == parts.keys()


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(st.lists(st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 20)), min_size=20, max_size=35))
def test_whatever_happened_every_release_of_it_can_be_verified(new_team: Team, life: list[tuple[str, int]]) -> None:
    team = new_team.copy()
    team.govern(demanding(team.rules))
    for name, number in (("release", 0), ("prod", 0), ("approve", 0), *life):
        team.clock.move(minutes=1)
        try:
            ACTIONS[name](team, number)
        except (LampwayError, CrashError):
            continue
    for release in team.find(Release, solution="orders"):
        assert faults(export(team, release.name)) == []
    assert team.find(Deployment, states=(DeploymentState.SUCCEEDED,))
    team.store.close()


def test_a_file_holds_what_judging_depends_on_and_not_what_other_releases_did_alone(team: Team) -> None:
    team.run(Delegate("bob", "2026-01-01", LATER, "away"), "ana")
    team.ship("1.19")
    team.ship("1.16")
    kinds = [(row.kind, row.body) for row in read_content(export(team)).rows]
    assert "delegated" in [kind for kind, _ in kinds]
    assert sum(kind == "release-sealed" for kind, _ in kinds) == 2
    assert sum(kind == "decision-made" for kind, _ in kinds) == 1
    assert not [b for kind, b in kinds if kind == "evidence-recorded" and '"version":"1.0.0"' in b]


def test_a_place_that_was_looked_at_before_the_rules_named_it_is_told_all_the_same(new_team: Team) -> None:
    team = new_team.copy()
    rules = team.rules
    nowhere = replace(rules, solutions=rules.solutions[1:])
    team.govern(nowhere)
    team.run(LookAtLock("test"), "pam")
    team.govern(rules)
    team.ship("1.19")
    assert faults(export(team)) == []
    team.store.close()


def test_a_kind_of_event_that_is_added_later_is_told_unless_it_is_about_another_solution(new_team: Team) -> None:
    team = new_team.copy()
    release = team.release("1.19")
    rows = list(team.store.stored())
    rules, sealed = rows[0], next(r for r in rows if r.kind == "release-sealed")
    ours = replace(rules, kind="left", body='{"person": {"id": "ana"}}')
    theirs = replace(ours, body='{"certificate": {"solution": "billing"}}')
    found = list(Choice(release).choose(iter([rules, ours, theirs, rules, sealed])))
    assert found == [rules, ours, rules, sealed]
    team.store.close()
