"""Roles that the team's provider gives: what a rule names, to people in people.yaml, for a time, and on the record."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from team import Notary, Team

from lampway.domain.accounts import Account, ClaimRule, after_sign_in, as_declared, roles_in
from lampway.domain.events import RolesClaimed
from lampway.domain.promotion import PromotionState
from lampway.domain.roles import Conflict
from lampway.domain.strategy import Person, Strategy
from lampway.engine.accounts import KnownAccount, admit
from lampway.engine.audit import Audit
from lampway.engine.context import rules_in_force
from lampway.engine.decide import Decide
from lampway.engine.document import WriteDocument
from lampway.engine.evidence import ExportEvidence
from lampway.engine.verify import Tools, Trusted, verify_evidence
from lampway.errors import ForbiddenError, RefusedError, UnauthenticatedError
from lampway.storage.codec import recorded_from

ISSUER = "https://login.example.test"
DAY = timedelta(hours=12)
RULES = (ClaimRule("groups", "prod approvers", "approver"), ClaimRule("realm.roles", "ops", "release-manager"))


def with_claims(rules: Strategy, **more: Any) -> Strategy:
    return replace(rules, claims=RULES, **more)


def sign_in(team: Team, name: str = "zoe", email: str = "", issuer: str = ISSUER, **claims: Any) -> Person:
    account = KnownAccount(issuer, f"sub-{name}", email or f"{name}@example.test", claims)
    return admit(team.engine, account, DAY)


def roles(team: Team, name: str = "zoe") -> tuple[str, ...]:
    with team.store.reading() as reading:
        person = rules_in_force(reading).strategy.person(name)
    assert person is not None
    return person.roles_at(team.clock.now().isoformat())


@pytest.fixture
def ruled(team: Team) -> Team:
    """Return a team whose rules let a group of the provider approve."""
    team.govern(with_claims(team.rules))
    return team


def test_a_group_that_a_rule_names_gives_its_role_and_the_decision_is_verified_offline(ruled: Team) -> None:
    ruled.release("1.19")
    promotion = ruled.promote()
    with pytest.raises(RefusedError, match="not one of those who may approve"):
        ruled.do(Decide(promotion, approved=True), "zoe")
    sign_in(ruled, groups=["everybody", "prod approvers"])
    assert roles(ruled) == ("approver",)
    assert ruled.promotion(promotion).state is PromotionState.WAITING, "who signs in changes no rule"
    ruled.approve(promotion, "zoe")
    assert ruled.running("prod") == "1.0.0"
    ruled.clock.move(days=30)
    data = ruled.run(ExportEvidence("orders@1.0.0"), "zoe").content.encode()
    checks = verify_evidence(data, Trusted(ruled.rules.people), Tools(recorded_from, Notary()))
    assert [c.reason for c in checks if not c.holds] == []
    assert b"https://login.example.test gives zoe: approver, until 2026-01-05" in data
    assert ruled.run(Audit()).damage == ()


@pytest.mark.parametrize(
    "claims",
    [
        {},
        {"groups": []},
        {"groups": ["Prod Approvers"]},
        {"groups": "prod approvers, other"},
        {"groups": {"prod approvers": True}},
        {"groups": [["prod approvers"]]},
        {"group": ["prod approvers"]},
        {"roles": ["approver"]},
        {"realm": "ops"},
        {"realm": {"roles": {"ops": 1}}},
    ],
    ids=str,
)
def test_what_no_rule_names_exactly_gives_nothing(ruled: Team, claims: dict[str, Any]) -> None:
    before = ruled.kinds()
    sign_in(ruled, **claims)
    assert roles(ruled) == ()
    assert ruled.kinds() == before


def test_a_claim_may_lie_inside_an_object_and_be_a_text_alone(ruled: Team) -> None:
    sign_in(ruled, groups="prod approvers", realm={"roles": ["ops"]})
    assert set(roles(ruled)) == {"approver", "release-manager"}


def test_without_rules_claims_give_nothing(team: Team) -> None:
    sign_in(team, groups=["prod approvers"])
    assert roles(team) == ()
    assert "roles-claimed" not in team.kinds()


def test_a_role_ends_with_its_day_and_when_the_group_is_gone(ruled: Team) -> None:
    sign_in(ruled, groups=["prod approvers"])
    ruled.clock.move(days=1)
    assert roles(ruled) == ()
    sign_in(ruled, groups=["prod approvers"])
    assert roles(ruled) == ("approver",)
    sign_in(ruled)
    assert roles(ruled) == ()
    assert [e.event.roles for e in ruled.store.events() if isinstance(e.event, RolesClaimed)] == [
        ("approver",),
        ("approver",),
        (),
    ]


def test_signing_in_again_the_same_day_records_nothing_again(ruled: Team) -> None:
    sign_in(ruled, groups=["prod approvers"])
    before = ruled.kinds()
    sign_in(ruled, groups=["prod approvers"])
    assert ruled.kinds() == before


def test_a_role_that_the_rules_no_longer_give_is_gone_at_once(ruled: Team) -> None:
    sign_in(ruled, groups=["prod approvers"])
    ruled.govern(replace(ruled.rules, claims=()))
    assert roles(ruled) == ()


def test_what_people_yaml_says_of_a_role_goes_before_claims(ruled: Team) -> None:
    sign_in(ruled, "ana", groups=["prod approvers"])
    ruled.clock.move(days=5)
    assert roles(ruled, "ana") == ("approver",), "hers for good, whatever the provider says"


def test_roles_that_must_not_meet_never_meet_by_a_claim(ruled: Team) -> None:
    apart = Conflict(("maker", "approver"), "four eyes")
    ruled.govern(replace(ruled.rules, conflicts=(apart,), people=tuple(p for p in ruled.rules.people if p.id != "max")))
    with pytest.raises(ForbiddenError, match="must not meet: maker and approver"):
        sign_in(ruled, "mia", groups=["prod approvers"])
    assert roles(ruled, "mia") == ("maker",)


def test_whoever_made_it_approves_nothing_by_a_claim(ruled: Team) -> None:
    ruled.release("1.19")
    promotion = ruled.promote()
    sign_in(ruled, "mia", groups=["prod approvers"])
    assert "approver" in roles(ruled, "mia")
    with pytest.raises(RefusedError, match=r"asked for it|made what is in it"):
        ruled.do(Decide(promotion, approved=True), "mia")


def test_a_changed_rule_about_approvers_voids_what_waits_and_signing_in_does_not(ruled: Team) -> None:
    ruled.release("1.19")
    promotion = ruled.promote()
    sign_in(ruled, groups=["prod approvers"])
    ruled.settle()
    assert ruled.promotion(promotion).state is PromotionState.WAITING
    ruled.govern(replace(ruled.rules, claims=(replace(RULES[0], value="everybody"),)))
    ruled.settle()
    assert ruled.promotion(promotion).state is PromotionState.VOIDED


def with_account(rules: Strategy, name: str, subject: str) -> Strategy:
    account = (Account(ISSUER, subject),)
    return replace(rules, people=tuple(replace(p, accounts=account) if p.id == name else p for p in rules.people))


def test_an_account_that_people_yaml_names_is_who_it_says_whatever_its_e_mail(team: Team) -> None:
    team.govern(with_account(team.rules, "zoe", "sub-00u1"))
    assert sign_in(team, "00u1", email="ana@example.test").id == "zoe"
    assert sign_in(team, "00u1", email="ana@example.test", issuer=f"{ISSUER}/").id == "zoe"
    assert sign_in(team, "ana").id == "ana"


def test_an_e_mail_that_was_given_to_somebody_else_signs_nobody_in(team: Team) -> None:
    team.govern(with_account(team.rules, "zoe", "sub-00u1"))
    with pytest.raises(UnauthenticatedError, match="not the account that people"):
        sign_in(team, "other", email="zoe@example.test")
    with pytest.raises(UnauthenticatedError, match="nobody in people"):
        sign_in(team, "00u1", email="stranger@example.test", issuer="https://evil.example")


def test_without_a_verified_e_mail_only_a_named_account_signs_in(team: Team) -> None:
    team.govern(with_account(team.rules, "zoe", "sub-00u1"))
    assert admit(team.engine, KnownAccount(ISSUER, "sub-00u1"), DAY).id == "zoe"
    with pytest.raises(UnauthenticatedError, match="verified an e-mail"):
        admit(team.engine, KnownAccount(ISSUER, "sub-ana"), DAY)


def test_whoever_left_does_not_come_in(team: Team) -> None:
    people = tuple(replace(p, until="2026-01-04") if p.id == "zoe" else p for p in team.rules.people)
    team.govern(with_claims(replace(team.rules, people=people)))
    with pytest.raises(UnauthenticatedError):
        sign_in(team, groups=["prod approvers"])
    assert "roles-claimed" not in team.kinds()


@given(
    st.dictionaries(st.text(max_size=8), st.recursive(st.text() | st.none() | st.integers(), st.lists, max_leaves=5))
)
def test_no_claim_gives_a_role_that_no_rule_names(claims: dict[str, Any]) -> None:
    assert set(roles_in(RULES, claims)) <= {rule.role for rule in RULES}
    assert roles_in((), claims) == ()


@given(st.lists(st.tuples(st.integers(0, 30), st.sets(st.sampled_from(["a", "b"]))), max_size=12))
def test_on_each_day_somebody_holds_what_their_last_sign_in_gave_and_nothing_else(signed: list[Any]) -> None:
    known: list[Any] = []
    days = [f"2026-01-{n + 1:02}" for n in range(31)]
    last: dict[str, set[str]] = {}
    for number, wanted in sorted(signed, key=lambda pair: pair[0]):
        known = after_sign_in(known, "zoe", wanted, (days[number], days[number]))
        last[days[number]] = wanted
    for day in days:
        held = {one.role for one in known if one.since <= day <= one.until}
        assert held <= {"a", "b"} if day in last else held == set()
        if day in last:
            assert held == last[day]


def test_a_person_as_declared_is_without_what_was_claimed(ruled: Team) -> None:
    sign_in(ruled, groups=["prod approvers"])
    with ruled.store.reading() as reading:
        person = rules_in_force(reading).strategy.person("zoe")
    assert person is not None
    assert person.claimed == ("approver",)
    declared = as_declared(person)
    assert (declared.roles, declared.temporary, declared.claimed) == ((), (), ())
    assert as_declared(declared) is declared


def test_the_document_that_people_sign_names_the_rule_and_not_who_signed_in_today(ruled: Team) -> None:
    sign_in(ruled, groups=["prod approvers"])
    told = repr(ruled.run(WriteDocument(), "zoe"))
    assert "approver, where groups is or holds prod approvers" in told
    assert "Zoe (until" not in told
