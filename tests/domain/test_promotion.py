"""Promotions: which moves there are, and what one is bound to."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lampway.domain.promotion import OPEN_STATES, Bound, PromotionState, may_move

S = PromotionState
ENDS = set(S) - set(OPEN_STATES)
BOUND = Bound("r", "c", "i", "b", "g")


def test_an_end_is_an_end() -> None:
    """But that what was deployed, well or badly, may be rolled back."""
    for end in ENDS:
        after = {state for state in S if may_move(end, state)}
        assert after == ({S.ROLLED_BACK} if end in {S.SUCCEEDED, S.FAILED} else set())


@pytest.mark.parametrize("end", [S.SUCCEEDED, S.FAILED, S.ERRORED])
def test_only_what_ran_can_have_ended_by_running(end: PromotionState) -> None:
    assert {state for state in S if may_move(state, end)} <= {S.RUNNING, S.RECONCILE}


def test_success_is_reached_only_from_running() -> None:
    """Never from doubt: after reconciling it runs on, and what is there is read back."""
    assert {state for state in S if may_move(state, S.SUCCEEDED)} == {S.RUNNING}


def test_nothing_runs_that_was_not_ready() -> None:
    assert {state for state in S if may_move(state, S.RUNNING)} == {S.READY, S.RECONCILE}


@pytest.mark.parametrize("end", [S.VOIDED, S.SUPERSEDED, S.ABORTED])
def test_what_runs_is_neither_voided_nor_taken_back(end: PromotionState) -> None:
    assert not may_move(S.RUNNING, end)
    assert not may_move(S.RECONCILE, end)


class Life(RuleBasedStateMachine):
    """Any walk along the moves."""

    def __init__(self) -> None:
        super().__init__()
        self.path = [S.REQUESTED]

    @rule(state=st.sampled_from(list(S)))
    def move(self, state: PromotionState) -> None:
        if may_move(self.path[-1], state):
            self.path.append(state)

    @invariant()
    def it_ran_before_it_succeeded(self) -> None:
        if S.SUCCEEDED in self.path:
            assert self.path.index(S.READY) < self.path.index(S.RUNNING) < self.path.index(S.SUCCEEDED)

    @invariant()
    def it_ends_at_most_once(self) -> None:
        assert len([state for state in self.path if state in ENDS - {S.ROLLED_BACK}]) <= 1


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=30, deadline=None)


@pytest.mark.parametrize("part", [f.name for f in fields(Bound)])
def test_each_part_changes_the_digest_and_is_told_by_its_name(part: str) -> None:
    changed = replace(BOUND, **{part: "x"})
    assert changed.digest != BOUND.digest
    (word,) = changed.changed_since(BOUND)
    assert word.startswith(("the ", "what "))


def test_parts_cannot_be_mistaken_for_one_another() -> None:
    """Moving a character from one part to the next is another promotion."""
    assert Bound("a", "bc", "", "", "").digest != Bound("ab", "c", "", "", "").digest
    assert BOUND.changed_since(BOUND) == ()
