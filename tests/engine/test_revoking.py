"""A lost key and a person who left stop counting at once, whatever the strategy in force still says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from team import APPROVAL, PROD_GATES, Team, key_of, with_gates

from lampway.domain.judgement import GateState
from lampway.domain.keys import PersonKey
from lampway.domain.promotion import PromotionState
from lampway.domain.revocation import Revocation, without_revoked
from lampway.domain.strategy import Person, Strategy
from lampway.engine.audit import Audit, History
from lampway.engine.cases import Resume
from lampway.engine.coverage import WhoCould
from lampway.engine.decide import Decide
from lampway.engine.promote import Rollback
from lampway.engine.revoke import Revoke
from lampway.engine.signed import DraftDecision
from lampway.engine.views import ShowPromotion
from lampway.errors import NotFoundError, RefusedError, UsageError

START = "2026-01-01"


@pytest.fixture
def asked(team: Team) -> tuple[Team, str]:
    """Return a promotion that takes two signed approvals; rita manages releases."""
    gates = (*PROD_GATES[:-1], replace(APPROVAL, signed=True, quorum=2))
    rules = with_gates(team.rules, "prod", gates)
    keys = {name: (PersonKey(key_of(name).public, START),) for name in ("ana", "bob")}
    team.govern(replace(rules, people=tuple(replace(p, keys=keys.get(p.id, ())) for p in rules.people)))
    team.release()
    return team, team.promote()


def sign(team: Team, promotion: str, by: str) -> None:
    draft = team.run(DraftDecision(promotion, approved=True), by)
    team.do(Decide(promotion, approved=True, envelope=key_of(by).sign(draft.statement.encode())), by)


def approval(team: Team, promotion: str) -> tuple[GateState, str]:
    gates = team.run(ShowPromotion(promotion), "ana").gates
    return next((g.state, g.reason) for g in gates if g.gate == "approval")


def test_what_was_signed_since_a_key_was_lost_counts_no_more(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    sign(team, promotion, "ana")
    since = team.engine.now()
    team.do(Revoke("lost", "laptop stolen on the train", since=since), "ana")
    state, reason = approval(team, promotion)
    assert (state, "0 of 2" in reason, "not theirs to use" in reason) == (GateState.PENDING, True, True)
    with pytest.raises(RefusedError, match="does not count"):
        sign(team, promotion, "ana")
    sign(team, promotion, "bob")
    assert team.promotion(promotion).state is PromotionState.WAITING


def test_what_was_signed_before_stands(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    sign(team, promotion, "ana")
    team.clock.move(hours=1)
    team.do(Revoke("rotated", "a new laptop", person="ana"), "rita")
    assert "1 of 2" in approval(team, promotion)[1]
    sign(team, promotion, "bob")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


def test_who_left_decides_nothing_more_and_others_are_named_for_it(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    sign(team, promotion, "bob")
    team.clock.move(hours=1)
    team.do(Revoke("left", "last day was today", person="ana"), "rita")
    with pytest.raises(RefusedError, match="Ana left on 2026-01-05"):
        sign(team, promotion, "ana")
    assert "1 of 2" in approval(team, promotion)[1]
    assert any("ana (left) counts no more" in line.what for line in team.run(History()))


def test_a_new_strategy_does_not_bring_a_revoked_key_back(asked: tuple[Team, str]) -> None:
    team, promotion = asked
    team.do(Revoke("lost", "it is gone"), "ana")
    team.govern(replace(team.rules, team="Another name"))
    with pytest.raises(RefusedError, match="does not count"):
        sign(team, promotion, "ana")
    assert team.run(Audit()).damage == ()


def test_who_left_asks_for_no_rollback(team: Team) -> None:
    for price in ("1.19", "1.29"):
        team.ship(price)
    team.do(Revoke("left", "moved on", person="mia"), "rita")
    with pytest.raises(RefusedError, match="Mia left"):
        team.do(Rollback("orders", "prod", "as it was before"), "mia")
    assert team.running("prod") == "1.0.1"


def test_everybody_revokes_their_own_and_managers_anybodys(asked: tuple[Team, str]) -> None:
    team, _ = asked
    with pytest.raises(RefusedError, match="may not revoke what is Ana's") as told:
        team.do(Revoke("lost", "I saw it in the canteen", person="ana"), "bob")
    assert "rita" in told.value.hint
    team.do(Revoke("lost", "I saw it in the canteen", person="ana"), "rita")
    with pytest.raises(RefusedError, match="revoked already"):
        team.do(Revoke("lost", "again"), "ana")


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (Revoke("stolen", "x"), UsageError, "lost, rotated, left"),
        (Revoke("lost", "  "), UsageError, ""),
        (Revoke("lost", "x", person="nobody"), NotFoundError, "rita"),
        (Revoke("lost", "x", person="mia"), NotFoundError, "people.yaml"),
        (Revoke("lost", "x", person="ana", key="ed25519:AA=="), UsageError, ""),
        (Revoke("left", "x", person="ana", key=key_of("ana").public), UsageError, "leave out --key"),
        (Revoke("lost", "x", person="ana", since="2030-01-01"), UsageError, "until"),
        (Revoke("lost", "x", person="ana", since="yesterday"), UsageError, ""),
    ],
)
def test_what_is_asked_wrongly_is_refused_and_nothing_recorded(
    asked: tuple[Team, str], request_: Revoke, error: type[Exception], words: str
) -> None:
    team, _ = asked
    before = len(team.run(History()))
    with pytest.raises(error) as told:
        team.do(request_, "rita")
    assert words in getattr(told.value, "hint", "")
    assert len(team.run(History())) == before


def test_the_auditor_sees_who_could_no_longer_approve(asked: tuple[Team, str]) -> None:
    team, _ = asked
    team.do(Revoke("left", "moved on", person="ana"), "rita")
    team.clock.move(days=2)
    (then,) = team.run(WhoCould("approve", "prod", "2026-01-07"))
    assert "ana" not in {able.person for able in then.people}
    assert any("Ana left on 2026-01-05" in note for note in then.notes)


def test_days_in_people_yaml_bound_whose_approval_counts(team: Team) -> None:
    days = {"ana": {"until": "2026-01-04"}, "bob": {"since": "2026-01-06"}}
    rules = team.rules
    team.govern(replace(rules, people=tuple(replace(p, **days.get(p.id, {})) for p in rules.people)))
    team.release()
    promotion = team.promote()
    for who, why in (("ana", "Ana left on 2026-01-04"), ("bob", "Bob begins on 2026-01-06")):
        with pytest.raises(RefusedError, match=why):
            team.do(Decide(promotion, approved=True), who)
    team.clock.move(days=1)
    team.do(Resume(), "mia")
    team.approve(promotion, "bob")
    assert team.promotion(promotion).state is PromotionState.SUCCEEDED


MOMENTS = st.integers(0, 9).map(lambda n: f"2026-01-05T09:0{n}:00.000+00:00")


@given(st.lists(st.tuples(st.sampled_from(["ana", "bob"]), st.booleans(), MOMENTS)), MOMENTS)
def test_revocations_only_ever_take_away(told: list[tuple[str, bool, str]], at: str) -> None:
    people = tuple(Person(n, n, (), ("approver",), (PersonKey(key_of(n).public, START),)) for n in ("ana", "bob"))
    before = Strategy("t", "2027-01-01", (), (), (), people, ())
    revoked = [
        Revocation(str(i), who, key_of(who).public if of_key else "", since, "lost", "x", who, since)
        for i, (who, of_key, since) in enumerate(told)
    ]
    after = without_revoked(before, revoked)
    assert without_revoked(after, revoked) == after
    for person in after.people:
        mine = [(of_key, since) for who, of_key, since in told if who == person.id]
        assert person.is_here(at) is not any(since <= at for of_key, since in mine if not of_key)
        assert person.keys[0].is_valid(at) is not any(since <= at for of_key, since in mine if of_key)
