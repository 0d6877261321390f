"""Readiness: a score that only work moves. Evidence before words, words with an end, and always what to do next."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.assessment import ANSWERS, Said, assess
from lampway.domain.readiness import (
    DEFAULT_ITEMS,
    LEVELS,
    NotOurs,
    Proof,
    Readiness,
    ReadinessAnswer,
    ReadinessItem,
    ReadinessRules,
    score,
)

NOW = "2027-01-10T12:00:00.000+00:00"
NAMES = [item.item for item in DEFAULT_ITEMS]
MET = {name: Proof(1.0, "seen") for name in NAMES}
BARE = ReadinessRules()


def answer(item: str, reply: str = "yes", until: str = "2027-06-30T23:59:59.999+00:00") -> ReadinessAnswer:
    return ReadinessAnswer(item=item, reply=reply, note="so it is", by="rita", at=NOW, until=until)


def line(found: Readiness, item: str):
    return next(x for x in found.items if x.item == item)


def test_with_everything_proved_there_is_nothing_left_to_do() -> None:
    found = score(BARE, MET, {}, NOW)
    assert (found.score, found.level, found.proved, found.next) == (100, len(LEVELS) - 1, 100, None)


def test_with_nothing_at_all_the_lowest_level_comes_first() -> None:
    found = score(BARE, {}, {}, NOW)
    assert (found.score, found.level) == (0, 0)
    assert found.next is not None
    assert line(found, found.next.item).level == 1
    assert {x.state for x in found.items} == {"unknown"}


@pytest.mark.parametrize("name", NAMES)
def test_a_level_is_reached_only_with_every_item_of_it(name: str) -> None:
    found = score(BARE, {**MET, name: Proof(0.99, "nearly", next="do it")}, {}, NOW)
    assert found.level == line(found, name).level - 1
    assert found.score < 100
    assert found.next is not None
    assert (found.next.item, found.next.action) == (name, "do it")


def test_what_evidence_says_nobody_can_say_otherwise() -> None:
    proofs = {**MET, "known-good": Proof(0.0, "none", next="release")}
    found = score(BARE, proofs, {"known-good": answer("known-good")}, NOW)
    assert line(found, "known-good").state == "no"


def test_what_a_person_said_counts_until_its_day_and_is_told_apart() -> None:
    proofs = {name: proof for name, proof in MET.items() if name != "rollback-rehearsed"}
    said = {"rollback-rehearsed": answer("rollback-rehearsed")}
    found = score(BARE, proofs, said, NOW)
    assert (found.score, line(found, "rollback-rehearsed").source) == (100, "said")
    assert found.proved < 100
    late = score(BARE, proofs, said, "2027-07-01T00:00:00.000+00:00")
    assert line(late, "rollback-rehearsed").state == "unknown"
    assert "rita said counted until 2027-06-30" in line(late, "rollback-rehearsed").reason


def test_where_evidence_will_come_no_answer_counts() -> None:
    waits = Proof(0.0, "nothing there", is_evidence=False, is_for_people=False, next="adopt")
    found = score(BARE, {**MET, "known-good": waits}, {"known-good": answer("known-good")}, NOW)
    assert line(found, "known-good").state == "unknown"


def test_what_is_not_ours_is_shown_with_its_reason_and_not_counted() -> None:
    rules = ReadinessRules(not_ours=(NotOurs("sandbox-offered", "the vendor has none"),))
    proofs = {name: proof for name, proof in MET.items() if name != "sandbox-offered"}
    found = score(rules, proofs, {}, NOW)
    assert (found.score, found.level) == (100, len(LEVELS) - 1)
    assert (line(found, "sandbox-offered").state, line(found, "sandbox-offered").reason) == (
        "not-ours",
        "the vendor has none",
    )


def test_an_item_of_its_own_counts_like_any_other() -> None:
    rules = ReadinessRules(items=(ReadinessItem("dpo-told", "the data officer knows", "data", 1),))
    assert score(rules, MET, {}, NOW).level == 0
    assert score(rules, MET, {"dpo-told": answer("dpo-told")}, NOW).level == len(LEVELS) - 1
    assert score(rules, MET, {"dpo-told": answer("dpo-told", "n/a")}, NOW).score == 100


@given(st.dictionaries(st.sampled_from(NAMES), st.floats(0, 1)), st.sampled_from(NAMES), st.floats(0, 1))
def test_doing_more_never_lowers_score_or_level(shares: dict[str, float], name: str, more: float) -> None:
    proofs = {item: Proof(share, "seen") for item, share in shares.items()}
    before = score(BARE, proofs, {}, NOW)
    share = max(shares.get(name, 0.0), more)
    after = score(BARE, {**proofs, name: Proof(share, "seen")}, {}, NOW)
    assert (after.score, after.level) >= (before.score, before.level)
    assert after.level >= before.level
    assert all(0 <= area.score <= 100 for area in after.areas)
    assert (after.score == 100) is (after.next is None)


def test_an_assessment_has_the_same_items_and_levels_and_says_that_it_is_one() -> None:
    found = assess({name: Said("yes") for name in NAMES})
    proved = score(BARE, MET, {}, NOW)
    assert (found.score, found.level, found.is_assessment) == (proved.score, proved.level, True)
    assert found.proved == 0
    assert [x.item for x in found.items] == [x.item for x in proved.items]
    half = assess({name: Said("partly", "some") for name in NAMES})
    assert (half.score, half.level) == (50, 0)
    assert set(ANSWERS) >= {x.state for x in assess({}).items}
    assert half.next is not None
    assert half.next.action.startswith("lampway")


def test_names_and_levels_are_sound() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert {item.level for item in DEFAULT_ITEMS} == set(range(1, len(LEVELS)))
