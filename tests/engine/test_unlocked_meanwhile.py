"""While production is open and after it was: what is edited is found, what may move, and who reviews it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from glass import CALENDAR, gates, tend, the_one, unlock
from team import APPROVAL, PROD_GATES, Team, key_of, with_gates
from test_evidence import faults, forge
from test_proof_offline import body
from test_signed_decisions import sign

from lampway.domain.deployment import DriftFinding
from lampway.domain.judgement import GateState
from lampway.domain.keys import PersonKey
from lampway.domain.promotion import PromotionState
from lampway.domain.strategy import Strategy
from lampway.domain.unlocking import Unlocking, UnlockState
from lampway.engine.drift import AcceptDrift, RevertDrift, ScanDrift
from lampway.engine.evidence import ExportEvidence
from lampway.engine.locks import LockEnvironment, LookAtLocks
from lampway.engine.promote import Promote, Rollback
from lampway.engine.schedules import fire_due, plan_everywhere
from lampway.engine.unlock import ConfirmUnlock, DraftUnlockWord, ReviewUnlock
from lampway.errors import NotFoundError, RefusedError, UnsignedError, UsageError
from lampway.testing.world import App, Part

# What was edited meanwhile.


def test_what_was_edited_meanwhile_is_found_right_after_and_blocks_until_dealt_with(glass: Team) -> None:
    promotion = _asked(glass)
    unlock(glass)
    assert glass.prod.save("p2", does="times 2")
    glass.clock.move(hours=2)
    glass.settle()
    assert the_one(glass).state is UnlockState.UNREVIEWED
    assert "orders was edited" in the_one(glass).note
    (finding,) = glass.find(DriftFinding, environment="prod")
    assert finding.state == "open"
    assert gates(glass)["drift"][0] is GateState.FAILED
    assert glass.promotion(promotion).state is PromotionState.WAITING
    glass.do(AcceptDrift("orders", "prod", "known"), "rita")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def test_what_was_drawn_anew_in_no_solution_is_named(glass: Team) -> None:
    unlock(glass)
    glass.prod.draw(App("z1", "Private tool", (Part("z2", "Hack"),)))
    glass.clock.move(hours=2)
    assert tend(glass) == [(True, "new, and in no solution: Private tool")]


def _asked(team: Team) -> str:
    """Return a promotion to production that was approved and waits, because of a hole in the lock."""
    team.release("1.10")
    promotion = team.promote()
    team.prod.is_locked = False
    team.run(LookAtLocks(), "rita")
    team.approve(promotion)
    team.prod.is_locked = True
    return promotion


# While it is open.


def test_nothing_goes_forward_while_it_is_open_not_even_with_the_lock_gate_waived(glass: Team) -> None:
    glass.govern(replace(glass.rules, pipelines=_without_lock_gate(glass.rules)))
    glass.release("1.10")
    unlock(glass)
    promotion = glass.promote()
    glass.approve(promotion)
    assert gates(glass)["break-glass"][0] is GateState.PENDING
    assert glass.promotion(promotion).state is PromotionState.WAITING
    assert glass.running("prod") == "1.0.1"
    glass.do(LockEnvironment("prod"), "ana")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def _without_lock_gate(rules: Strategy) -> tuple[Any, ...]:
    (path,) = rules.pipelines
    bare = tuple(replace(s, gates=tuple(g for g in s.gates if g.gate != "lock")) for s in path.stages)
    return (replace(path, stages=bare),)


def test_going_back_goes_on_while_it_is_open(glass: Team) -> None:
    unlock(glass)
    glass.do(Rollback("orders", "prod", "it burns"), "rita")
    assert glass.running("prod") == "1.0.0"


def test_the_record_is_not_deployed_over_what_is_being_edited(glass: Team) -> None:
    unlock(glass)
    glass.prod.edit("p2", does="times 2")
    glass.run(ScanDrift(("prod",)))
    (redeploy,) = glass.do(RevertDrift("orders", "prod"), "rita")
    assert glass.promotion(redeploy).state is PromotionState.WAITING
    glass.clock.move(hours=2)
    glass.settle()
    assert glass.promotion(redeploy).state is PromotionState.SUCCEEDED
    assert glass.price_in(glass.prod) == "1.16"


def test_other_environments_go_on(glass: Team) -> None:
    unlock(glass)
    glass.release("1.10")
    glass.do(Promote("orders", "test"))
    assert glass.running("test") == "1.0.2"


# The review.


def test_what_nobody_else_reviewed_within_a_day_closes_the_gates_until_somebody_does(glass: Team) -> None:
    unlock(glass)
    glass.clock.move(hours=2)
    tend(glass)
    glass.clock.move(hours=22, milliseconds=-1)
    assert "break-glass" not in gates(glass)
    glass.clock.move(milliseconds=1)
    state, reason = gates(glass)["break-glass"]
    assert (state, "nobody has reviewed that prod was unlocked" in reason) == (GateState.FAILED, True)
    with pytest.raises(RefusedError, match="somebody else reviews"):
        glass.run(ReviewUnlock("prod", "looks fine"), "rita")
    with pytest.raises(UsageError):
        glass.run(ReviewUnlock("prod", " "), "ana")
    reviewed = glass.run(ReviewUnlock("prod", "read the diff, nothing was edited"), "ana")
    assert (reviewed.state, reviewed.reviewed_by) == (UnlockState.CLOSED, "ana")
    assert "break-glass" not in gates(glass)
    with pytest.raises(NotFoundError):
        glass.run(ReviewUnlock("prod", "once more"), "bob")


def test_a_review_while_it_is_open_leaves_it_open_and_closes_it_for_good(glass: Team) -> None:
    unlock(glass)
    glass.run(ReviewUnlock("prod", "sat beside her"), "ana")
    assert the_one(glass).is_open
    assert not glass.prod.is_locked
    glass.clock.move(hours=2)
    tend(glass)
    assert the_one(glass).state is UnlockState.CLOSED


def test_a_missing_review_waits_as_a_promotion_and_goes_on_when_it_is_there(glass: Team) -> None:
    unlock(glass)
    glass.do(LockEnvironment("prod"), "rita")
    glass.clock.move(days=2)
    glass.release("1.10")
    promotion = glass.promote()
    glass.approve(promotion)
    assert glass.promotion(promotion).state is PromotionState.WAITING
    glass.do(ReviewUnlock("prod", "fine"), "ana")
    assert glass.promotion(promotion).state is PromotionState.SUCCEEDED


def test_a_review_that_does_not_come_is_told_once(glass: Team) -> None:
    unlock(glass)
    for _ in range(30):
        plan_everywhere(glass.engine, CALENDAR)
        list(fire_due(glass.engine, CALENDAR))
        glass.clock.move(hours=2)
    ended = [r.event.what for r in glass.store.events() if r.event.kind == "ran-out"]
    assert ended == ["unlock-review"]


def test_each_unlocking_is_reviewed_by_itself_the_first_one_first(glass: Team) -> None:
    first = unlock(glass)
    glass.run(LockEnvironment("prod"), "rita")
    second = unlock(glass, "pam")
    assert glass.run(ReviewUnlock("prod", "fine"), "ana").id == first.id
    assert glass.run(ReviewUnlock("prod", "fine"), "rita").id == second.id
    assert not any(one.needs_review for one in glass.find(Unlocking))


# Signed, where the path there asks for signatures.


@pytest.fixture
def signing(glass: Team) -> Team:
    """Return a team whose approvals for production are signed, and in which everybody has a key."""
    gates = (*PROD_GATES[:-1], replace(APPROVAL, signed=True))
    keyed = tuple(replace(p, keys=(PersonKey(key_of(p.id).public, "2026-01-01"),)) for p in glass.rules.people)
    glass.govern(replace(with_gates(glass.rules, "prod", gates), people=keyed))
    return glass


def say(team: Team, request: Any, by: str, key: str = "") -> Any:
    """Give a word with the signature of whoever gives it, or with somebody else's."""
    draft = team.run(DraftUnlockWord(request.environment, getattr(request, "note", "")), by)
    assert key_of(by).public in draft.keys
    return team.run(replace(request, envelope=key_of(key or by).sign(draft.statement.encode())), by)


def test_the_word_of_the_second_person_counts_only_signed_where_approvals_do(signing: Team) -> None:
    unlock(signing, second="ana")
    before = signing.kinds()
    with pytest.raises(UnsignedError, match="only what is signed counts"):
        signing.run(ConfirmUnlock("prod"), "ana")
    with pytest.raises(RefusedError, match="not by a key of"):
        say(signing, ConfirmUnlock("prod"), "ana", key="rita")
    assert (signing.kinds(), signing.prod.is_locked) == (before, True)
    opened = say(signing, ConfirmUnlock("prod"), "ana")
    assert (opened.is_open, opened.key, signing.prod.is_locked) == (True, key_of("ana").public, False)


def test_a_review_is_signed_as_well_and_neither_can_be_changed_afterwards(signing: Team) -> None:
    unlock(signing, second="ana")
    say(signing, ConfirmUnlock("prod"), "ana")
    signing.run(LockEnvironment("prod"), "rita")
    unlock(signing)
    signing.run(LockEnvironment("prod"), "rita")
    with pytest.raises(UnsignedError):
        signing.run(ReviewUnlock("prod", "fine"), "bob")
    say(signing, ReviewUnlock("prod", "read the diff"), "bob")
    signing.release("1.10")
    signing.do(sign(signing, signing.promote(), "ana"), "ana")
    assert signing.running("prod") == "1.0.2"
    data = signing.run(ExportEvidence("orders"), "zoe").content.encode()
    people = signing.rules.people
    assert faults(data, people) == []
    for change in (
        body("unlocked", "unlocking", reason="nothing"),
        body("unlocked", "unlocking", second="bob"),
        lambda row, old: {**old, "note": "looks fine"} if row.kind == "unlock-reviewed" else old,
        lambda row, old: {**old, "attestation": "", "key": ""} if row.kind == "unlock-reviewed" else old,
    ):
        said = "\n".join(c.reason for c in faults(forge(data, change), people))
        assert "is not what they signed" in said or "signed what is not recorded" in said


def test_what_people_sign_about_an_unlocking_is_what_its_schema_says(signing: Team) -> None:
    unlock(signing, second="ana")
    draft = json.loads(signing.run(DraftUnlockWord("prod"), "ana").statement)
    schema = json.loads((Path(__file__).parents[2] / "docs/schemas/unlock.v1.schema.json").read_text())
    assert set(draft["predicate"]) == set(schema["required"]) == set(schema["properties"])
    assert draft["predicate"]["word"] in schema["properties"]["word"]["enum"]
    assert (draft["predicateType"], draft["predicate"]["seconds"]) == (schema["$id"], 7200)
