"""Keys count on their days only; a change of keys or of what must be signed is told before it is applied."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.gates import unsigned
from lampway.domain.keys import PersonKey, key_id, write_key
from lampway.domain.promotion import Decision
from lampway.domain.strategy import GateRule, Person, Pipeline, Stage, Strategy, Tier
from lampway.domain.strategy_diff import compare

KEY = write_key(b"\2" * 32)
RULE = GateRule("approval", roles=("approver",), signed=True)
ANA = Person("ana", "Ana", ("ana@example.test",), ("approver",))
DAYS = st.dates(date(2026, 1, 1), date(2026, 3, 1))


def rules(rule: GateRule = RULE, *keys: PersonKey) -> Strategy:
    return Strategy(
        team="Desk",
        next_review="2027-01-01",
        tiers=(Tier("prod"),),
        environments=(),
        pipelines=(Pipeline("standard", "dev", (Stage("prod", "prod", (rule,)),)),),
        people=(replace(ANA, keys=keys),),
        roles=("approver",),
    )


@given(DAYS, st.none() | DAYS, st.none() | DAYS, DAYS)
def test_a_key_counts_from_its_first_to_its_last_day_unless_revoked(
    since: date, until: date | None, revoked: date | None, day: date
) -> None:
    key = PersonKey(KEY, str(since), str(until or ""), str(revoked or ""))
    expected = since <= day and (until is None or day <= until) and (revoked is None or day < revoked)
    for time in ("T00:00:00.000+00:00", "T23:59:59.999+00:00"):
        assert key.is_valid(f"{day}{time}") is expected


@given(DAYS, st.booleans(), st.sampled_from(["", KEY, write_key(b"\3" * 32)]))
def test_a_decision_counts_only_with_a_key_of_that_person_on_that_day(day: date, proved: bool, key: str) -> None:
    since = date(2026, 2, 1)
    decision = Decision("ana", True, "", f"{day}T09:00:00.000+00:00", "d", authenticated=proved, key=key)
    strategy = rules(RULE, PersonKey(KEY, str(since)))
    counts = proved and key == KEY and day >= since
    assert (unsigned(RULE, strategy, decision) == "") is counts
    assert unsigned(replace(RULE, signed=False), strategy, decision) == ""
    assert unsigned(RULE, strategy, replace(decision, by="bob"))


def test_what_changes_about_keys_and_signing_is_told() -> None:
    first, second = PersonKey(KEY, "2026-01-01"), PersonKey(KEY, "2026-01-01", revoked="2026-02-01")
    old = rules(replace(RULE, signed=False))
    told = {change.summary for change in compare(old, rules(RULE, first))}
    assert told == {"gate approval: must be signed", f"key added: {KEY}, from 2026-01-01"}
    assert any("revoked" in c.summary for c in compare(rules(RULE, first), rules(RULE, second)))
    assert {c.summary for c in compare(rules(RULE, first), old)} == {
        "gate approval: need no longer be signed",
        f"key removed: {KEY}",
    }


def test_the_id_of_a_key_is_derived_from_it_alone() -> None:
    assert key_id(KEY) == hashlib.sha256(b"\2" * 32).hexdigest()
