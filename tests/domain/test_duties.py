"""What people may do about a gate besides approving, and who: never a maker, never who asked, nobody twice."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_gates import APPROVAL, DIGEST, FACTS, PASSED, PEOPLE, PROD, RULES, TEST, evidence, no, yes

from lampway.domain.checklist import Answer
from lampway.domain.deployment import CheckOutcome, DriftFinding, DriftState
from lampway.domain.duties import ChecklistItem, Required, RiskClass
from lampway.domain.gates import checklist, judge, risk_class
from lampway.domain.judgement import OPENING, Facts, GateResult, GateState
from lampway.domain.moments import is_before
from lampway.domain.package import Component, Connection, Diff, Inventory, Reversibility, Variable
from lampway.domain.promotion import Decision
from lampway.domain.quorum import Delegation, unmet_roles
from lampway.domain.rights import answer_objection, objection, waiver_objection
from lampway.domain.risk import ChangeFacts, change_facts, classify, together
from lampway.domain.strategy import GateRule, Person, Pipeline
from lampway.domain.waiver import WAIVABLE, Waiver

G = GateState
NOW, SOON, PAST = ("2026-01-05T09:00:00.000+00:00", "2026-01-06T00:00:00.000+00:00", "2026-01-04T00:00:00.000+00:00")
EARLY, LATE = "2026-01-01T00:00:00.000+00:00", "2026-02-01T00:00:00.000+00:00"
RITA = Person("rita", "Rita", ("rita@example.test",), ("release-manager",))
CLEO = Person("cleo", "Cleo", ("cleo@example.test",), ("approver", "release-manager"))
TEAM = (*PEOPLE, RITA, CLEO, Person("zoe", "Zoe", ("zoe@example.test",)))
SMALL = ChangeFacts(0, 0, 2)
GREEN = (evidence(PASSED),)


def facts(
    *rules: GateRule, people: tuple[Person, ...] = TEAM, criticality: str = "medium", now: str = NOW, **more: object
) -> Facts:
    stage_terms = {k: more.pop(k) for k in ("waiver_roles", "checklist") if k in more}
    stage = replace(PROD, gates=rules, **stage_terms)
    rules_in_force = replace(
        RULES,
        people=people,
        roles=("approver", "maker", "release-manager"),
        pipelines=(Pipeline("standard", "dev", (TEST, stage)),),
        solutions=(replace(RULES.solutions[0], criticality=criticality),),
    )
    return replace(FACTS, strategy=rules_in_force, stage=stage, now=now, **more)


def judged(*rules: GateRule, **more: object) -> GateResult:
    return judge(facts(*rules, **more)).gates[-1]


def waiver(gate: str = "lock", by: str = "rita", until: str = SOON) -> Waiver:
    return Waiver(gate, by, "the vendor is mending it", until, PAST)


def stands_in(by: str, to: str, start: str = PAST, until: str = SOON, at: str = PAST, ended: str = "") -> Delegation:
    return Delegation(f"{by}-{to}", by, to, start, until, "away", at, ended_at=ended)


def said(by: str, on_behalf_of: str = "", at: str = NOW) -> Decision:
    return Decision(by, True, "", at, DIGEST, on_behalf_of=on_behalf_of)


# Moments


# Waivers


def test_a_waived_gate_shows_what_it_would_be_and_who_waived_it_until_when() -> None:
    result = judged(GateRule("lock"), waiver_roles=("release-manager",), waivers=(waiver(),))
    assert result.state is G.WAIVED
    assert result.reason == "waived by rita until 2026-01-06 00:00 UTC: the vendor is mending it"
    assert result.original == "inconclusive: the lock was never looked at"


@pytest.mark.parametrize(
    ("given_waiver", "more", "state"),
    [
        (waiver(until=PAST), {}, G.INCONCLUSIVE),
        (waiver(until=NOW), {}, G.INCONCLUSIVE),
        (waiver("drift"), {}, G.INCONCLUSIVE),
        (waiver(), {"waiver_roles": ()}, G.INCONCLUSIVE),
        (waiver(by="ana"), {}, G.INCONCLUSIVE),
        (waiver(by="ghost"), {}, G.INCONCLUSIVE),
        (waiver(), {"requested_by": "rita"}, G.INCONCLUSIVE),
        (waiver(), {"requested_by": "RITA@example.test"}, G.INCONCLUSIVE),
        (waiver(), {"makers": ("rita",)}, G.INCONCLUSIVE),
        (waiver(), {"now": ""}, G.INCONCLUSIVE),
        (waiver(), {}, G.WAIVED),
    ],
)
def test_a_waiver_counts_only_from_a_second_person_in_time(
    given_waiver: Waiver, more: dict[str, object], state: GateState
) -> None:
    found = facts(GateRule("lock"), **{"waiver_roles": ("release-manager",), "waivers": (given_waiver,), **more})
    assert judge(found).gates[0].state is state


@pytest.mark.parametrize("gate", ["approval", "configuration", "previous-stage"])
def test_some_gates_of_the_last_tier_are_never_waived(gate: str) -> None:
    rule = replace(APPROVAL, gate=gate)
    missing = {"missing": (object(),)} if gate == "configuration" else {}
    found = facts(rule, waiver_roles=("release-manager",), waivers=(waiver(gate),))
    assert "cannot be waived" in waiver_objection(found, gate, "rita")
    assert missing or judge(found).gates[0].state is G.PENDING


def test_an_open_gate_stays_what_it_is() -> None:
    result = judged(GateRule("findings"), waiver_roles=("release-manager",), waivers=(waiver("findings"),))
    assert (result.state, result.original) == (G.PASSED, "")


@given(
    st.lists(
        st.builds(waiver, st.sampled_from([*WAIVABLE, "approval"]), st.sampled_from([p.id for p in TEAM])), max_size=6
    ),
    st.sampled_from([p.id for p in TEAM]),
    st.lists(st.sampled_from([p.id for p in TEAM]), max_size=2),
)
def test_a_waiver_never_makes_a_pass_and_never_opens_an_approval(
    waivers: list[Waiver], asked: str, makers: list[str]
) -> None:
    rules = (*(GateRule(kind) for kind in ("checks", "lock", "rollback-target", "drift")), APPROVAL)
    found = facts(*rules, waiver_roles=("release-manager",), requested_by=asked, makers=tuple(makers), is_first=False)
    for bare, after in zip(judge(found).gates, judge(replace(found, waivers=tuple(waivers))).gates, strict=True):
        if after != bare:
            assert (after.state, after.original) == (G.WAIVED, f"{bare.state}: {bare.reason}")
            assert bare.state not in OPENING
            assert after.gate != "approval"
            assert {w.by for w in waivers if w.gate == after.gate} - {asked, *makers}


# Delegation


@pytest.mark.parametrize(
    ("delegations", "decisions", "more", "state"),
    [
        ((stands_in("ana", "zoe"),), (said("zoe", "ana"),), {}, G.PASSED),
        ((stands_in("ana", "zoe"),), (said("zoe"),), {}, G.PENDING),
        ((), (said("zoe", "ana"),), {}, G.PENDING),
        (
            (stands_in("ana", "zoe", start=SOON, until=LATE),),
            (said("zoe", "ana"),),
            {},
            G.PENDING,
        ),
        (
            (stands_in("ana", "zoe", until=PAST, start=EARLY),),
            (said("zoe", "ana"),),
            {},
            G.PENDING,
        ),
        ((stands_in("ana", "zoe", at=SOON),), (said("zoe", "ana"),), {}, G.PENDING),
        ((stands_in("ana", "zoe", ended=PAST),), (said("zoe", "ana"),), {}, G.PENDING),
        ((stands_in("ana", "zoe", ended=SOON),), (said("zoe", "ana"),), {}, G.PASSED),
        ((stands_in("ana", "zoe"), stands_in("zoe", "mia")), (said("mia", "ana"),), {"makers": ()}, G.PENDING),
        ((stands_in("ana", "zoe"), stands_in("zoe", "rita")), (said("rita", "zoe"),), {}, G.PENDING),
        ((stands_in("ana", "mia"),), (said("mia", "ana"),), {}, G.PENDING),
        ((stands_in("ana", "zoe"),), (said("zoe", "ana"),), {"requested_by": "zoe"}, G.PENDING),
        ((stands_in("ana", "zoe"),), (said("zoe", "ana"),), {"requested_by": "ana"}, G.PENDING),
        ((stands_in("ana", "zoe"),), (said("zoe", "ana"),), {"makers": ("ana",)}, G.PENDING),
    ],
)
def test_a_delegate_speaks_for_who_could_have_spoken_then(
    delegations: tuple[Delegation, ...], decisions: tuple[Decision, ...], more: dict[str, object], state: GateState
) -> None:
    assert judged(APPROVAL, delegations=delegations, decisions=decisions, **more).state is state


@pytest.mark.parametrize(
    "decisions",
    [
        (said("ana"), said("zoe", "ana")),
        (said("zoe", "ana"), said("ana")),
        (said("zoe", "ana"), said("rita", "ana")),
        (said("bob"), said("bob", "ana")),
        (said("zoe", "ana"), said("zoe", "bob")),
        (said("ana", "bob"), said("zoe", "ana")),
    ],
)
def test_neither_delegate_nor_delegator_counts_twice(decisions: tuple[Decision, ...]) -> None:
    given_to = tuple(stands_in(by, to) for by in ("ana", "bob") for to in ("zoe", "rita", "bob", "ana") if by != to)
    rule = replace(APPROVAL, quorum=2)
    assert judged(rule, delegations=given_to, decisions=decisions).state is G.PENDING
    assert judged(rule, delegations=given_to, decisions=(said("zoe", "ana"), said("bob"))).state is G.PASSED


def test_who_stood_in_is_named_with_whom_they_stood_in_for() -> None:
    result = judged(APPROVAL, delegations=(stands_in("ana", "zoe"),), decisions=(said("zoe", "ana"),))
    assert result.reason == "approved by zoe for ana"
    waiting = judged(APPROVAL, delegations=(stands_in("ana", "zoe"),))
    assert "zoe" in waiting.next


NAMES = st.sampled_from([p.id for p in TEAM])
DECISIONS = st.lists(st.builds(said, NAMES, st.one_of(st.just(""), NAMES)), max_size=5)
DELEGATIONS = st.lists(st.builds(stands_in, NAMES, NAMES, until=st.sampled_from([SOON, NOW])), max_size=6)
REQUIRED = st.lists(st.builds(Required, st.sampled_from(["approver", "release-manager"])), max_size=2)


def _most_voices(rule: GateRule, found: Facts) -> list[tuple[Person, ...]]:
    """Return every set of people in whose name one could count, found by trying all: an oracle, slow and plain."""
    holders = {p.id for p in found.strategy.people if set(p.roles) & set(rule.roles)}
    out = {found.requested_by, *found.makers}
    pairs = []
    for d in found.decisions:
        principal = d.on_behalf_of or d.by
        lent = any(g.by == principal and g.to == d.by and is_before(NOW, g.until) for g in found.delegations)
        if principal in holders and not {principal, d.by} & out and (principal == d.by or lent):
            pairs.append((d.by, principal))
    sets = []
    for size in range(len(pairs) + 1):
        for chosen in combinations(pairs, size):
            names = [name for pair in chosen for name in set(pair)]
            if len(names) == len(set(names)):
                sets.append(tuple(p for _, who in chosen for p in found.strategy.people if p.id == who))
    return sets


@given(DECISIONS, DELEGATIONS, NAMES, st.lists(NAMES, max_size=2), st.integers(1, 2), REQUIRED)
def test_no_approval_passes_unless_enough_independent_people_spoke(
    decisions: list[Decision],
    delegations: list[Delegation],
    asked: str,
    makers: list[str],
    quorum: int,
    required: list[Required],
) -> None:
    quorum = max(quorum, len(required))
    rule = GateRule("approval", roles=("approver", "release-manager"), quorum=quorum, require=tuple(required))
    found = facts(
        rule,
        decisions=tuple(decisions),
        delegations=tuple(delegations),
        requested_by=asked,
        makers=tuple(makers),
    )
    if judge(found).allowed:
        enough = [people for people in _most_voices(rule, found) if len(people) >= quorum]
        seats = [want.role for want in required]
        assert any(
            all(role in p.roles for role, p in zip(seats, order, strict=False))
            for people in enough
            for order in permutations(people)
        )


# Required roles


@pytest.mark.parametrize(
    ("decisions", "state", "word"),
    [
        ((), G.PENDING, "approver and release-manager"),
        ((yes("ana"),), G.PENDING, "release-manager"),
        ((yes("ana"), yes("bob")), G.PENDING, "release-manager"),
        ((yes("cleo"),), G.PENDING, "1 of 2"),
        ((yes("cleo"), yes("ana")), G.PASSED, ""),
        ((yes("ana"), yes("cleo")), G.PASSED, ""),
        ((yes("rita"), yes("cleo")), G.PASSED, ""),
        ((yes("rita"), yes("ana"), no("bob")), G.FAILED, "rejected"),
    ],
)
def test_each_required_role_needs_somebody_of_its_own(
    decisions: tuple[Decision, ...], state: GateState, word: str
) -> None:
    required = (Required("approver"), Required("release-manager"))
    rule = GateRule("approval", roles=("approver", "release-manager"), quorum=2, require=required)
    result = judged(rule, decisions=decisions)
    assert result.state is state
    assert word in result.reason


def test_a_required_role_that_nobody_independent_holds_is_told() -> None:
    rule = GateRule("approval", roles=("release-manager",), require=(Required("release-manager"),))
    result = judged(rule, requested_by="rita", makers=("cleo",))
    assert (result.state, "nobody is left for release-manager" in result.reason) == (G.FAILED, True)


@given(st.lists(st.sets(st.sampled_from("abc"), max_size=2), max_size=4), st.lists(st.sampled_from("abc"), max_size=3))
def test_roles_are_met_exactly_when_people_can_be_seated(roles: list[set[str]], seats: list[str]) -> None:
    team = [Person(str(n), str(n), (), tuple(held)) for n, held in enumerate(roles)]
    can = any(
        all(seat in p.roles for seat, p in zip(seats, order, strict=True)) for order in permutations(team, len(seats))
    )
    assert (not unmet_roles([Required(s) for s in seats], team)) is can


# Checklist

ITEMS = (
    ChecklistItem("backup", "a backup was taken", "release-manager"),
    ChecklistItem("plan", "the rollback plan was read", "approver"),
    ChecklistItem("told", "users were told", "maker"),
    ChecklistItem("proven", "the checks passed", "evidence", "checks"),
)
LISTED = (GateRule("checks"), APPROVAL, GateRule("checklist"))


def reply(item: str, by: str, word: str = "yes", note: str = "") -> Answer:
    return Answer(item, word, by, NOW, note)


FULL = (reply("backup", "rita"), reply("plan", "ana"), reply("told", "mia", "n/a", "nobody uses it"))


@pytest.mark.parametrize(
    ("answers", "checks", "state", "word"),
    [
        (FULL, GREEN, G.PASSED, "4 of 4"),
        ((), GREEN, G.PENDING, "backup (release-manager), plan (approver), told (maker)"),
        (FULL, (), G.PENDING, "proven (evidence)"),
        (FULL, (evidence(CheckOutcome.FAILED),), G.FAILED, "proven was answered with no by gate checks"),
        ((*FULL, reply("backup", "rita", "no", "disk full")), GREEN, G.FAILED, "disk full"),
        ((reply("backup", "rita", "no"), *FULL), GREEN, G.PASSED, "4 of 4"),
        ((*FULL[1:], reply("backup", "mia")), GREEN, G.PENDING, "backup (release-manager)"),
        ((*FULL, reply("backup", "ana", "no", "not mine to say")), GREEN, G.PASSED, "4 of 4"),
        ((*FULL, reply("proven", "ana", "no", "I doubt it")), GREEN, G.PASSED, "4 of 4"),
    ],
)
def test_a_checklist_opens_when_each_item_was_answered_by_whom_it_is_for(
    answers: tuple[Answer, ...], checks: tuple[object, ...], state: GateState, word: str
) -> None:
    result = judged(*LISTED, checklist=ITEMS, answers=answers, evidence=checks)
    assert (result.state, result.gate) == (state, "checklist")
    assert word in result.reason


def test_an_approvers_item_is_not_for_makers_nor_for_who_asked() -> None:
    found = facts(*LISTED, checklist=ITEMS, requested_by="ana", makers=("max",))
    for person, may in (("ana", False), ("max", False), ("bob", True), ("rita", False), ("ghost", False)):
        assert (not answer_objection(found, ITEMS[1], person)) is may


def test_a_checklist_shows_every_item_with_the_answer_that_holds() -> None:
    lines = checklist(facts(*LISTED, checklist=ITEMS, answers=FULL))
    assert [(line.item, line.reply, line.answered_by) for line in lines] == [
        ("backup", "yes", "rita"),
        ("plan", "yes", "ana"),
        ("told", "n/a", "mia"),
        ("proven", "", "gate checks"),
    ]


def test_a_checklist_without_items_stays_closed() -> None:
    assert judged(GateRule("checklist")).state is G.FAILED


# Risk classes

LOW = RiskClass("low", 0, ("low",), ("reversible",), touches_at_most=5, removes_at_most=0, needs_at_most=0)
HIGH = RiskClass("high", 2, ("high",))
RISKY = replace(APPROVAL, risk=(LOW, HIGH))


@pytest.mark.parametrize(
    ("criticality", "change", "name"),
    [
        ("low", SMALL, "low"),
        ("low", ChangeFacts(0, 0, 5), "low"),
        ("low", ChangeFacts(1, 0, 5), None),
        ("low", ChangeFacts(0, 1, 0), None),
        ("low", replace(SMALL, new_variables=("URL",)), None),
        ("low", replace(SMALL, new_connections=("ERP",)), None),
        ("low", replace(SMALL, reversibility=Reversibility.DATA_STEP), None),
        ("low", None, None),
        ("medium", SMALL, None),
        ("high", SMALL, "high"),
        ("high", None, "high"),
    ],
)
def test_the_first_class_that_the_facts_fit_counts(
    criticality: str, change: ChangeFacts | None, name: str | None
) -> None:
    found = classify(RISKY.risk, criticality, change, 1)
    assert (found.name if found else None) == name


def test_low_risk_passes_on_evidence_alone_and_says_so() -> None:
    result = judged(GateRule("checks"), RISKY, criticality="low", change=SMALL, evidence=GREEN)
    assert (result.state, result.reason) == (G.PASSED, "risk class low: no approval asked for")


@pytest.mark.parametrize(
    "more",
    [
        {"evidence": ()},
        {"evidence": (evidence(CheckOutcome.FAILED),)},
        {"evidence": (evidence(CheckOutcome.FAILED),), "waivers": (waiver("checks"),)},
        {"change": None},
        {"drift": (DriftFinding("d", "prod", "orders", "0.9.0", "definition", ("x",), "f", NOW, DriftState.ACCEPTED),)},
    ],
    ids=["no evidence", "bad evidence", "waived evidence", "unknown change", "edited live"],
)
def test_without_evidence_or_facts_low_risk_asks_for_an_approval(more: dict[str, object]) -> None:
    known = {"criticality": "low", "change": SMALL, "evidence": GREEN, "waiver_roles": ("release-manager",), **more}
    assert judged(GateRule("checks"), RISKY, **known).state is G.PENDING


def test_high_risk_asks_for_more_people() -> None:
    result = judged(GateRule("checks"), RISKY, criticality="high", decisions=(yes("ana"),))
    assert (result.state, result.reason) == (G.PENDING, "risk class high: 1 of 2 approvals")
    both = judged(GateRule("checks"), RISKY, criticality="high", decisions=(yes("ana"), yes("bob")))
    assert (both.state, both.reason) == (G.PASSED, "risk class high: approved by ana, bob")


def test_no_risk_class_lets_an_unknown_maker_or_requester_in() -> None:
    known = {"criticality": "low", "change": SMALL, "evidence": GREEN}
    for more in ({"makers": ("ghost",)}, {"requested_by": "ghost"}):
        assert judged(GateRule("checks"), RISKY, **known, **more).state is G.FAILED


@given(st.lists(st.one_of(st.none(), st.builds(ChangeFacts, *[st.integers(0, 9)] * 3)), max_size=4))
def test_changes_in_a_row_weigh_at_least_as_much_as_each_and_unknown_stays_unknown(
    changes: list[ChangeFacts | None],
) -> None:
    whole = together(changes)
    if whole is None:
        assert not changes or None in changes
    else:
        assert all(whole.touched >= c.touched and whole.removed >= c.removed for c in changes if c)


def test_the_worst_reversibility_of_several_changes_counts() -> None:
    one, other = (replace(SMALL, reversibility=r) for r in (Reversibility.FORWARD_ONLY, Reversibility.DATA_STEP))
    found = together([SMALL, one, other])
    assert found is not None
    assert found.reversibility is Reversibility.FORWARD_ONLY


def test_what_a_release_newly_asks_for_is_sealed_by_name() -> None:
    old = Inventory("memory", "orders", "1.0.0", None, "f", (), (Variable("A", "string", True, False),))
    new = replace(
        old,
        variables=(*old.variables, Variable("B", "string", False, True)),
        connections=(Connection("ERP", "account", ("password",)),),
    )
    part = Component("part", "Price", "p", "f")
    found = change_facts(Diff(added=(part,), removed=(part, part)), old, new)
    assert (found.added, found.removed, found.changed, found.touched, found.needs) == (1, 2, 0, 3, 2)
    assert (found.new_variables, found.new_connections) == (("B",), ("ERP",))


# A team of one

SOLO = replace(APPROVAL, cooling=3600.0)
ONLY = (Person("mia", "Mia", ("mia@example.test",), ("maker", "approver")),)


@pytest.mark.parametrize(
    ("now", "more", "state"),
    [
        ("2026-01-05T09:59:59.999+00:00", {}, G.PENDING),
        ("2026-01-05T10:00:00.000+00:00", {}, G.WARNED),
        ("2026-01-05T10:00:00.000+00:00", {"evidence": ()}, G.PENDING),
        ("2026-01-05T10:00:00.000+00:00", {"people": (*ONLY, TEAM[0])}, G.PENDING),
        ("2026-01-05T10:00:00.000+00:00", {"makers": ("ghost",)}, G.FAILED),
        ("", {}, G.PENDING),
    ],
)
def test_a_team_of_one_goes_on_after_cooling_and_it_is_never_called_an_approval(
    now: str, more: dict[str, object], state: GateState
) -> None:
    found = facts(GateRule("checks"), SOLO, **{"people": ONLY, "evidence": GREEN, **more})
    result = judge(replace(found, now=now)).gates[-1]
    assert result.state is state
    if state is G.WARNED:
        assert "no independent approval" in result.reason
        assert "approved" not in result.reason


def test_a_risk_class_is_told_for_what_it_is() -> None:
    assert risk_class(RISKY, facts(GateRule("checks"), RISKY, criticality="high")) == HIGH
    assert risk_class(APPROVAL, facts(APPROVAL)) is None


def test_whoever_may_not_approve_is_told_why() -> None:
    found = facts(APPROVAL, requested_by="rita", delegations=(stands_in("rita", "zoe"), stands_in("ana", "mia")))
    assert objection(APPROVAL, found, "zoe") == "Zoe may speak for rita, but not here"
    assert objection(APPROVAL, found, "mia") == "Mia made what is in it"
    assert "not one of those" in objection(APPROVAL, found, "rita")
    assert objection(APPROVAL, found, "ghost") == "ghost is nobody in people.yaml"
