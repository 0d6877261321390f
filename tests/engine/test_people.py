"""What people do about a promotion besides deciding: waivers, questions, checklist, risk, solo, waiting."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from people_rules import LATER, gate, said, with_approval, with_stage
from team import APPROVAL, PROD_GATES, Team

from lampway.domain.duties import ChecklistItem, Required, RiskClass
from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import GateRule
from lampway.engine.audit import Audit
from lampway.engine.cases import Resume
from lampway.engine.checklist import Checklist
from lampway.engine.decide import Decide
from lampway.engine.delegate import Delegate, Delegations, EndDelegation
from lampway.engine.promote import Rollback
from lampway.engine.talk import Talk
from lampway.engine.views import Inbox, ShowPromotion
from lampway.engine.waiting import ShowWaits
from lampway.engine.waive import Waive
from lampway.errors import NotFoundError, RefusedError, UsageError, VoidedError


@pytest.fixture
def unlocked(team: Team) -> str:
    """Return an approved promotion that only the open lock of production holds back; rita may waive."""
    team.govern(with_stage(team.rules, waiver_roles=("release-manager",)))
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    assert team.prod.applied == []
    return promotion


# Waivers


def test_a_waived_gate_lets_a_promotion_in_and_is_recorded_as_waived(team: Team, unlocked: str) -> None:
    team.do(Waive(unlocked, "lock", "the vendor mends it on Monday", LATER), "rita")
    assert team.running("prod") == "1.0.0"
    (waiver,) = team.promotion(unlocked).waivers
    assert (waiver.gate, waiver.by, waiver.until) == ("lock", "rita", "2026-01-31T23:59:59.999+00:00")
    ready = [e.event for e in team.store.events() if getattr(e.event, "state", "") == PromotionState.READY]
    (lock,) = [g for g in ready[-1].gates if g["gate"] == "lock"]
    assert lock["state"] == "waived"
    assert lock["original"].startswith("failed: ")
    assert any("gate lock waived by rita until 2026-01-31" in line for line in said(team))
    assert team.run(Audit()).damage == ()


def test_a_waiver_that_expired_counts_no_more(team: Team) -> None:
    team.govern(with_stage(team.rules, waiver_roles=("release-manager",)))
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    team.do(Waive(promotion, "lock", "until tomorrow", "2026-01-05"), "rita")
    assert gate(team, promotion, "lock").state == "waived"
    team.clock.move(days=1)
    assert gate(team, promotion, "lock").state == "failed"
    team.approve(promotion)
    assert team.prod.applied == []


@pytest.mark.parametrize(
    ("who", "kind", "why"),
    [
        ("ana", "lock", "not one of those who may waive"),
        ("stranger", "lock", "nobody in people.yaml"),
        ("rita", "approval", "cannot be waived"),
        ("rita", "previous-stage", "cannot be waived"),
        ("rita", "configuration", "cannot be waived"),
        ("rita", "drift", "cannot be waived"),
        ("rita", "soup", "has no gate soup"),
    ],
)
def test_who_may_not_waive_is_refused_and_nothing_is_recorded(
    team: Team, unlocked: str, who: str, kind: str, why: str
) -> None:
    before = len(team.kinds())
    with pytest.raises(RefusedError, match=why) as caught:
        team.do(Waive(unlocked, kind, "because", LATER), who)
    assert caught.value.hint
    assert len(team.kinds()) == before


def test_neither_who_asked_nor_a_maker_waives(team: Team) -> None:
    team.govern(with_stage(team.rules, waiver_roles=("release-manager", "maker")))
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote(by="rita")
    for who, why in (("rita", "asked for it"), ("mia", "made what is in it")):
        with pytest.raises(RefusedError, match=why):
            team.do(Waive(promotion, "lock", "because", LATER), who)


def test_where_the_stage_names_nobody_nobody_waives(team: Team) -> None:
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    with pytest.raises(RefusedError, match="nobody may waive"):
        team.do(Waive(promotion, "lock", "because", LATER), "rita")


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        (("lock", " ", LATER), "reason"),
        (("lock", "because", "2026-01-04"), "has passed"),
        (("lock", "because", "soon"), "not a day"),
        (("findings", "because", LATER), "nothing to waive"),
    ],
)
def test_a_waiver_needs_a_reason_a_time_to_come_and_a_closed_gate(
    team: Team, unlocked: str, request_: tuple[str, str, str], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        team.do(Waive(unlocked, *request_), "rita")
    assert team.promotion(unlocked).waivers == ()


def test_what_is_over_or_goes_back_has_nothing_to_waive(shipped: Team) -> None:
    shipped.do(Rollback("orders", "prod", "wrong"), "rita")
    (back,) = [e.event.promotion for e in shipped.store.events() if e.event.kind == "promotion-requested"][-1:]
    with pytest.raises(RefusedError, match="rollback"):
        shipped.do(Waive(back.id, "lock", "because", LATER), "rita")


def test_new_rules_about_who_may_waive_void_the_promotion(team: Team, unlocked: str) -> None:
    team.govern(with_stage(team.rules, waiver_roles=()))
    with pytest.raises(VoidedError):
        team.approve(unlocked, "bob")


# Questions


def test_a_question_goes_to_whoever_asked_for_it_and_ends_nothing(team: Team) -> None:
    team.release("1.19")
    promotion = team.promote()
    assert team.run(Inbox(), "mia") == ()
    team.do(Talk(promotion, "  which orders does it touch?  ", is_question=True), "ana")
    assert [v.promotion.id for v in team.run(Inbox(), "mia")] == [promotion]
    assert [v.promotion.id for v in team.run(Inbox(), "bob")] == [promotion]
    team.do(Talk("orders", "only those of today", is_question=False), "mia")
    assert team.run(Inbox(), "mia") == ()
    found = team.promotion(promotion)
    assert [(r.by, r.text, r.is_question) for r in found.remarks] == [
        ("ana", "which orders does it touch?", True),
        ("mia", "only those of today", False),
    ]
    assert found.state is PromotionState.WAITING
    team.approve(promotion)
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize(
    ("who", "words", "is_question", "error"),
    [
        ("ana", " ", True, UsageError),
        ("ana", "x" * 4001, True, UsageError),
        ("stranger", "why?", True, RefusedError),
        ("mia", "nobody asked", False, RefusedError),
    ],
)
def test_what_cannot_be_said_is_refused(
    team: Team, who: str, words: str, is_question: bool, error: type[Exception]
) -> None:
    team.release("1.19")
    promotion = team.promote()
    with pytest.raises(error):
        team.do(Talk(promotion, words, is_question=is_question), who)
    assert team.promotion(promotion).remarks == ()


# Required roles


def test_every_required_role_must_be_among_those_who_approve(team: Team) -> None:
    required = (Required("approver"), Required("release-manager"))
    roles = ("approver", "release-manager")
    team.govern(with_approval(team.rules, roles=roles, quorum=2, require=required))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion, "ana")
    team.approve(promotion, "bob")
    assert team.prod.applied == []
    assert "still without release-manager" in gate(team, promotion, "approval").reason
    team.approve(promotion, "rita")
    assert team.running("prod") == "1.0.0"


# Checklist

ITEMS = (
    ChecklistItem("backup-taken", "a backup was taken", "release-manager"),
    ChecklistItem("plan-read", "the rollback plan was read", "approver"),
    ChecklistItem("proven", "the checks passed", "evidence", "checks"),
)


@pytest.fixture
def listed(team: Team) -> str:
    """Return an approved promotion that waits for its checklist."""
    team.govern(with_stage(team.rules, checklist=ITEMS, gates=(*PROD_GATES, GateRule("checklist"))))
    team.release("1.19")
    promotion = team.promote()
    team.approve(promotion)
    assert team.prod.applied == []
    return promotion


def test_the_last_answer_starts_the_deployment_and_the_record_has_them_all(team: Team, listed: str) -> None:
    assert [line.reply for line in team.run(Checklist(listed))] == ["", "", "yes"]
    team.do(Checklist(listed, ("backup-taken=n/a",), "nothing is stored there"), "rita")
    assert team.prod.applied == []
    team.do(Checklist(listed, ("plan-read=yes",)), "ana")
    assert team.running("prod") == "1.0.0"
    assert [(a.item, a.reply, a.by) for a in team.promotion(listed).answers] == [
        ("backup-taken", "n/a", "rita"),
        ("plan-read", "yes", "ana"),
    ]
    assert [line.reply for line in team.run(ShowPromotion(listed)).checklist] == ["n/a", "yes", "yes"]
    assert any("rita answered backup-taken with n/a" in line for line in said(team))


def test_a_no_holds_it_back_until_somebody_answers_again(team: Team, listed: str) -> None:
    team.do(Checklist(listed, ("plan-read=yes",)), "ana")
    team.do(Checklist(listed, ("backup-taken=no",), "disk full"), "rita")
    assert gate(team, listed, "checklist").state == "failed"
    team.do(Checklist(listed, ("backup-taken=yes",)), "rita")
    assert team.running("prod") == "1.0.0"


@pytest.mark.parametrize(
    ("answers", "note", "who", "error"),
    [
        (("backup-taken=yes",), "", "mia", RefusedError),
        (("plan-read=yes",), "", "rita", RefusedError),
        (("plan-read=yes",), "", "mia", RefusedError),
        (("proven=yes",), "", "rita", RefusedError),
        (("backup-taken=yes", "plan-read=yes"), "", "rita", RefusedError),
        (("backup-taken=yes", "backup-taken=no"), "n", "rita", UsageError),
        (("backup-taken=maybe",), "", "rita", UsageError),
        (("backup-taken=no",), " ", "rita", UsageError),
        (("backup-taken",), "", "rita", UsageError),
        (("soup=yes",), "", "rita", NotFoundError),
    ],
)
def test_answers_that_are_not_somebodys_to_give_are_refused_and_none_is_recorded(
    team: Team, listed: str, answers: tuple[str, ...], note: str, who: str, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        team.do(Checklist(listed, answers, note), who)
    assert caught.value.hint  # type: ignore[attr-defined]
    assert team.promotion(listed).answers == ()


# Risk

LOW = RiskClass("low", 0, reversibility=("reversible",), touches_at_most=3, removes_at_most=0, needs_at_most=0)


def test_low_risk_goes_to_production_without_asking_anybody(team: Team) -> None:
    team.govern(with_approval(team.rules, risk=(LOW,)))
    team.ship("1.19")
    team.release("1.16")
    promotion = team.promote()
    assert team.running("prod") == "1.0.1"
    assert team.promotion(promotion).decisions == ()
    ready = [e.event for e in team.store.events() if getattr(e.event, "state", "") == PromotionState.READY]
    assert "risk class low: no approval asked for" in str(ready[-1].gates)


def test_a_first_deployment_is_never_low_risk(team: Team) -> None:
    team.govern(with_approval(team.rules, risk=(replace(LOW, touches_at_most=99),)))
    team.release("1.19")
    team.promote()
    assert team.prod.applied == []


def test_several_small_releases_together_are_judged_together(team: Team) -> None:
    team.govern(with_approval(team.rules, risk=(replace(LOW, touches_at_most=1),)))
    team.ship("1.19")
    one = team.release("1.16")
    two = team.release("1.10")
    assert one.change is not None
    assert one.change.touched == 1
    promotion = team.promote(release=two.name)
    assert team.running("prod") == "1.0.0"
    assert gate(team, promotion, "approval").state == "pending"


# A team of one


def test_a_team_of_one_waits_its_time_and_the_record_says_nobody_independent_approved(team: Team) -> None:
    only = tuple(replace(p, roles=("maker", "approver", "platform-admin")) for p in team.rules.people if p.id == "mia")
    alone = replace(team.rules, people=only, second_person_applies=False)
    team.govern(replace(with_approval(alone, cooling=3600.0), solutions=team.rules.solutions[:1]))
    team.release("1.19")
    promotion = team.promote()
    assert team.prod.applied == []
    assert "cooling" in gate(team, promotion, "approval").reason
    team.clock.move(minutes=59)
    team.do(Resume())
    assert team.prod.applied == []
    team.clock.move(minutes=1)
    team.do(Resume())
    assert team.running("prod") == "1.0.0"
    ready = [e.event for e in team.store.events() if getattr(e.event, "state", "") == PromotionState.READY]
    (approval,) = [g for g in ready[-1].gates if g["gate"] == "approval"]
    assert approval["state"] == "warned"
    assert approval["reason"].startswith("no independent approval")


# Waiting


def test_the_time_that_people_took_is_told_by_gate_and_by_person(team: Team) -> None:
    team.release("1.19")
    first = team.promote()
    team.clock.move(minutes=5)
    team.do(Talk(first, "why?", is_question=True), "ana")
    team.clock.move(minutes=10)
    team.do(Talk(first, "because", is_question=False), "mia")
    team.clock.move(minutes=45)
    team.approve(first)
    team.release("1.16")
    second = team.promote()
    team.clock.move(hours=3)
    team.do(Decide(second, approved=False, reason="no"), "bob")
    team.release("1.10")
    third = team.promote()
    team.clock.move(minutes=1)
    found = team.run(ShowWaits("orders"))
    assert [(w.name, w.times, w.longest, w.total) for w in found.gates] == [("approval", 2, 10800, 14400)]
    assert [(w.name, w.median) for w in found.people] == [("ana", 3600), ("bob", 10800), ("mia", 600)]
    assert [(w.promotion, w.gate, w.seconds) for w in found.now] == [(third, "approval", 60)]
    with pytest.raises(NotFoundError):
        team.run(ShowWaits("soup"))


# Whatever people do, in whatever order

WHO = st.sampled_from(["ana", "bob", "max", "mia", "rita", "zoe", "stranger"])
ACTS = st.one_of(
    st.tuples(st.just("approve"), WHO, st.one_of(st.just(""), WHO)),
    st.tuples(st.just("delegate"), WHO, WHO),
    st.tuples(st.just("waive"), WHO, st.sampled_from(["lock", "approval", "checklist", "previous-stage"])),
    st.tuples(st.just("answer"), WHO, st.sampled_from(["backup-taken", "plan-read", "proven"])),
    st.tuples(st.just("end"), WHO, st.just("")),
    st.tuples(st.just("day"), WHO, st.just("")),
)


def act(team: Team, promotion: str, kind: str, who: str, what: str) -> None:
    match kind:
        case "approve":
            team.approve(promotion, who, on_behalf_of=what)
        case "delegate":
            team.run(Delegate(what, "2026-01-01", "2026-01-07", "away"), who)
        case "waive":
            team.do(Waive(promotion, what, "because", "2026-01-07"), who)
        case "answer":
            team.do(Checklist(promotion, (f"{what}=yes",)), who)
        case "end":
            for given_away in team.run(Delegations()):
                team.run(EndDelegation(given_away.id), who)
        case _:
            team.clock.move(days=1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, max_size=12), st.sampled_from(["ana", "rita", "mia", "zoe"]), st.booleans())
def test_nothing_that_people_do_brings_in_what_too_few_independent_people_approved(
    new_team: Team, acts: list[tuple[str, str, str]], asked: str, is_locked: bool
) -> None:
    team = new_team.copy()
    gates = tuple(replace(g, quorum=2) if g == APPROVAL else g for g in PROD_GATES)
    rules = with_stage(
        team.rules, gates=(*gates, GateRule("checklist")), checklist=ITEMS, waiver_roles=("release-manager",)
    )
    team.govern(rules)
    team.prod.is_locked = is_locked
    team.release("1.19")
    promotion = team.promote(by=asked)
    for one in acts:
        with contextlib.suppress(RefusedError, UsageError):
            act(team, promotion, *one)
    found = team.promotion(promotion)
    out = {asked, "mia"}
    assert not out & {name for d in found.decisions for name in (d.by, d.on_behalf_of)}
    assert not out & {w.by for w in found.waivers}
    if team.running("prod"):
        assert len(found.decisions) >= 2
        people = [name for d in found.decisions for name in (d.by, d.on_behalf_of) if name]
        assert len(people) == len(set(people))
        assert {d.on_behalf_of or d.by for d in found.decisions} <= {"ana", "bob", "max"}
        assert is_locked or any(w.gate == "lock" and w.by == "rita" for w in found.waivers)
    assert team.run(Audit()).damage == ()
    team.store.close()


def test_random_histories_do_reach_production() -> None:
    """The test before would be worth nothing if everything were refused."""
    team = Team()
    team.govern(with_stage(with_approval(team.rules, quorum=2), waiver_roles=("release-manager",)))
    team.prod.is_locked = False
    team.release("1.19")
    promotion = team.promote()
    for one in (("delegate", "ana", "zoe"), ("approve", "zoe", ""), ("waive", "rita", "lock"), ("approve", "bob", "")):
        act(team, promotion, *one)
    assert team.running("prod") == "1.0.0"
