"""Gates: each a few lines, judged alike by everybody who asks, and closed when in doubt."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.configuration import ConfigurationSet, Missing
from lampway.domain.deployment import (
    CheckOutcome,
    DriftFinding,
    DriftState,
    Evidence,
    KnownGood,
    LockRecord,
)
from lampway.domain.gates import GATE_KINDS, judge
from lampway.domain.judgement import OPENING, Eligibility, Facts, GateResult, GateState
from lampway.domain.package import Finding, Inventory, PackageReference, Reversibility, Severity
from lampway.domain.promotion import Decision, DeploymentKind
from lampway.domain.release import Release
from lampway.domain.risk import ChangeFacts
from lampway.domain.strategy import (
    Check,
    Environment,
    GateRule,
    Person,
    Pipeline,
    Solution,
    Stage,
    Strategy,
    Tier,
)

G = GateState
AT = "2026-01-05T09:00:00.000+00:00"
DIGEST = "sha256:" + "d" * 64
APPROVAL = GateRule("approval", roles=("approver",))
TEST, PROD = Stage("test", "test", ()), Stage("prod", "prod", ())
PEOPLE = (
    Person("ana", "Ana", ("ana@example.test",), ("approver",)),
    Person("bob", "Bob", ("bob@example.test",), ("approver",)),
    Person("max", "Max", ("max@example.test",), ("maker", "approver")),
    Person("mia", "Mia", ("mia@example.test",), ("maker",)),
)
RULES = Strategy(
    "Team",
    "2027-01-01",
    tuple(Tier(n) for n in ("dev", "test", "prod")),
    tuple(Environment(n, n, "memory", f"memory://{n}") for n in ("dev", "test", "prod")),
    (Pipeline("standard", "dev", (TEST, PROD)),),
    PEOPLE,
    ("approver", "maker"),
    (Solution("orders", "standard", "mia", ("Orders",), checks=(Check("smoke", "functional"),)),),
)
RELEASE = Release(
    "orders",
    "1.0.0",
    (PackageReference("sha256:1", 1, "memory", "f"),),
    Inventory("memory", "orders", "1.0.0", None, "f", ()),
    "c" * 40,
    ("mia",),
    False,
    "mia",
    AT,
)
FACTS = Facts(RULES, "orders", PROD, RELEASE, DeploymentKind.FORWARD, "mia", "p1", DIGEST, makers=("mia",))
GOOD = KnownGood("g", "prod", "orders", "0.9.0", "r", "p", ConfigurationSet(), AT)


def evidence(outcome: CheckOutcome, place: str = "test", check: str = "smoke") -> Evidence:
    return Evidence("e", "orders", "1.0.0", "r", place, check, "functional", outcome, "it said so", AT, 0.1)


def drift(state: DriftState) -> DriftFinding:
    return DriftFinding("d", "prod", "orders", "0.9.0", "definition", ("part *Price* edited",), "f", AT, state)


def change(reversibility: str) -> ChangeFacts:
    return ChangeFacts(0, 0, 1, reversibility=Reversibility(reversibility))


def yes(by: str, digest: str = DIGEST) -> Decision:
    return Decision(by, True, "", AT, digest)


def no(by: str, digest: str = DIGEST) -> Decision:
    return Decision(by, False, "not now", AT, digest)


def gate(rule: GateRule, **facts: object) -> GateState:
    (result,) = judge(replace(FACTS, stage=replace(PROD, gates=(rule,)), strategy=_with(rule), **facts)).gates
    assert result.gate == rule.gate
    assert result.reason
    assert result.state in OPENING or result.next or result.state in {G.FAILED, G.INCONCLUSIVE}
    return result.state


def _with(rule: GateRule) -> Strategy:
    return replace(RULES, pipelines=(Pipeline("standard", "dev", (TEST, replace(PROD, gates=(rule,)))),))


PASSED, FAILED, ERRORED = CheckOutcome
SECRET = Finding("r", Severity.SECRET, "p", "a secret", "move it")
STYLE = replace(SECRET, severity=Severity.GOVERNANCE)


@pytest.mark.parametrize(
    ("rule", "facts", "state"),
    [
        (GateRule("previous-stage"), {}, G.PENDING),
        (GateRule("previous-stage"), {"verified_in": ("prod", "dev")}, G.PENDING),
        (GateRule("previous-stage"), {"verified_in": ("test",)}, G.PASSED),
        (GateRule("checks"), {}, G.PENDING),
        (GateRule("checks"), {"evidence": (evidence(PASSED),)}, G.PASSED),
        (GateRule("checks"), {"evidence": (evidence(PASSED, "dev"), evidence(PASSED, "prod"))}, G.PENDING),
        (GateRule("checks"), {"evidence": (evidence(PASSED, check="other"),)}, G.PENDING),
        (GateRule("checks"), {"evidence": (evidence(FAILED),)}, G.FAILED),
        (GateRule("checks"), {"evidence": (evidence(ERRORED),)}, G.ERRORED),
        (GateRule("checks"), {"evidence": (evidence(FAILED), evidence(PASSED))}, G.PASSED),
        (GateRule("checks"), {"evidence": (evidence(PASSED), evidence(FAILED))}, G.FAILED),
        (GateRule("checks", kinds=("functional",)), {"evidence": (evidence(PASSED),)}, G.PASSED),
        (GateRule("checks", kinds=("functional", "uat")), {"evidence": (evidence(PASSED),)}, G.FAILED),
        (GateRule("findings"), {}, G.PASSED),
        (GateRule("findings"), {"release": replace(RELEASE, findings=(SECRET,))}, G.FAILED),
        (GateRule("findings"), {"release": replace(RELEASE, findings=(STYLE,))}, G.PASSED),
        (GateRule("findings", severities=("governance",)), {"release": replace(RELEASE, findings=(STYLE,))}, G.FAILED),
        (GateRule("configuration"), {}, G.PASSED),
        (GateRule("configuration"), {"missing": (Missing("variable", "URL"),)}, G.FAILED),
        (GateRule("drift"), {}, G.PASSED),
        (GateRule("drift"), {"drift": (drift(DriftState.OPEN),)}, G.FAILED),
        (GateRule("drift"), {"drift": (drift(DriftState.ACCEPTED),)}, G.WAIVED),
        (GateRule("drift"), {"drift": (drift(DriftState.ACCEPTED), drift(DriftState.OPEN))}, G.FAILED),
        (GateRule("lock"), {}, G.INCONCLUSIVE),
        (GateRule("lock"), {"lock": LockRecord("prod", "locked", "s", "", AT)}, G.PASSED),
        (GateRule("lock"), {"lock": LockRecord("prod", "partial", "s", "", AT)}, G.WARNED),
        (GateRule("lock"), {"lock": LockRecord("prod", "open", "s", "c", AT)}, G.FAILED),
        (GateRule("lock"), {"lock": LockRecord("prod", "unknown", "s", "c", AT)}, G.INCONCLUSIVE),
        (GateRule("lock"), {"lock": LockRecord("prod", "anything", "s", "c", AT)}, G.INCONCLUSIVE),
        (GateRule("rollback-target"), {"is_first": True}, G.PASSED),
        (GateRule("rollback-target"), {"is_first": False}, G.FAILED),
        (GateRule("rollback-target"), {"is_first": False, "rollback": GOOD}, G.PASSED),
        (GateRule("rollback-target"), {"is_first": False, "rollback": GOOD, "change": change("reversible")}, G.PASSED),
        (GateRule("rollback-target"), {"is_first": False, "rollback": GOOD, "change": change("data-step")}, G.WARNED),
        (
            GateRule("rollback-target"),
            {"is_first": False, "rollback": GOOD, "change": change("forward-only")},
            G.FAILED,
        ),
        (GateRule("rollback-target"), {"is_first": True, "change": change("forward-only")}, G.PASSED),
        (APPROVAL, {}, G.PENDING),
        (APPROVAL, {"decisions": (yes("ana"),)}, G.PASSED),
        (APPROVAL, {"decisions": (yes("ana", "sha256:other"),)}, G.PENDING),
        (APPROVAL, {"decisions": (yes("ana"), no("bob"))}, G.FAILED),
        (APPROVAL, {"decisions": (no("bob", "sha256:other"), yes("ana"))}, G.PASSED),
        (APPROVAL, {"decisions": (yes("mia"), yes("stranger"), yes(""))}, G.PENDING),
        (APPROVAL, {"decisions": (yes("ana"),), "requested_by": "ana"}, G.PENDING),
        (APPROVAL, {"decisions": (yes("ana"),), "requested_by": "ANA@example.test"}, G.PENDING),
        (APPROVAL, {"decisions": (yes("max"),), "makers": ("max",)}, G.PENDING),
        (APPROVAL, {"decisions": (yes("max"),), "makers": ("max@example.test",)}, G.PENDING),
        (APPROVAL, {"decisions": (yes("max"),), "editors_unknown": True}, G.PENDING),
        (APPROVAL, {"decisions": (yes("max"),)}, G.PASSED),
        (APPROVAL, {"decisions": (yes("ana"),), "makers": ("ghost@example.test",)}, G.FAILED),
        (replace(APPROVAL, quorum=2), {"decisions": (yes("ana"), yes("ana"))}, G.PENDING),
        (replace(APPROVAL, quorum=2), {"decisions": (yes("ana"), yes("bob"))}, G.PASSED),
        (replace(APPROVAL, quorum=4), {"decisions": (yes("ana"), yes("bob"))}, G.FAILED),
        (GateRule("approval", people=("mia",)), {"requested_by": "mia"}, G.FAILED),
        (GateRule("approval", people=("bob",)), {"decisions": (yes("ana"),)}, G.PENDING),
        (GateRule("approval", people=("bob",)), {"decisions": (yes("bob"),)}, G.PASSED),
    ],
)
def test_gates(rule: GateRule, facts: dict[str, object], state: GateState) -> None:
    assert gate(rule, **facts) is state


def test_the_first_stage_has_none_before_it_and_fails_closed() -> None:
    rule = GateRule("previous-stage")
    first = replace(TEST, gates=(rule,))
    rules = replace(RULES, pipelines=(Pipeline("standard", "dev", (first, PROD)),))
    (result,) = judge(replace(FACTS, strategy=rules, stage=first, verified_in=("dev", "test"))).gates
    assert result.state is G.FAILED


def test_no_check_declared_fails_closed() -> None:
    rules = replace(RULES, solutions=(replace(RULES.solutions[0], checks=()),))
    facts = replace(FACTS, strategy=rules, stage=replace(PROD, gates=(GateRule("checks"),)))
    rules = replace(rules, pipelines=(Pipeline("standard", "dev", (TEST, facts.stage)),))
    assert judge(replace(facts, strategy=rules)).gates[0].state is G.FAILED


def test_no_gate_at_all_is_a_no() -> None:
    assert not Eligibility(()).allowed
    assert not judge(FACTS).allowed


@pytest.mark.parametrize("kind", GATE_KINDS)
def test_every_kind_of_gate_is_judged(kind: str) -> None:
    gate(replace(APPROVAL, gate=kind))


@pytest.mark.parametrize("kind", [DeploymentKind.ROLLBACK, DeploymentKind.REDEPLOY])
def test_going_back_asks_only_for_a_named_person(kind: DeploymentKind) -> None:
    facts = replace(FACTS, kind=kind, stage=replace(PROD, gates=(APPROVAL, GateRule("lock"))))
    assert judge(facts).allowed
    assert not judge(replace(facts, requested_by="stranger")).allowed


@given(st.lists(st.sampled_from(list(GateState)), max_size=6))
def test_one_closed_gate_closes_the_stage(states: list[GateState]) -> None:
    told = Eligibility(tuple(GateResult(f"g{n}", state, "r") for n, state in enumerate(states)))
    assert told.allowed is (bool(states) and set(states) <= OPENING)
    assert told.awaits_people is (bool(told.closed) and {g.state for g in told.closed} == {G.PENDING})
    assert not (told.allowed and told.awaits_people)


@given(
    st.lists(st.sampled_from(["ana", "bob", "max", "mia", "ghost", "ana@example.test"]), max_size=8),
    st.sampled_from(["ana", "bob", "max", "mia"]),
    st.lists(st.sampled_from(["ana", "max", "mia"]), max_size=2),
    st.integers(1, 3),
)
def test_no_approval_passes_without_enough_people_who_neither_asked_nor_made(
    said: list[str], asked: str, makers: list[str], quorum: int
) -> None:
    state = gate(
        replace(APPROVAL, quorum=quorum),
        decisions=tuple(yes(name) for name in said),
        requested_by=asked,
        makers=tuple(makers),
    )
    independent = {name for name in said if name in {"ana", "bob", "max"}} - {asked, *makers}
    if state is G.PASSED:
        named = {n.partition("@")[0] for n in said} & {"ana", "bob", "max"}
        assert len(named - {asked, *makers}) >= quorum
    if len(independent) >= quorum:
        assert state is G.PASSED
