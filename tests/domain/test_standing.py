"""How checks stand: the newest evidence counts, old evidence expires, and what turned bad is known as such."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.deployment import Attested, CheckOutcome, Evidence
from lampway.domain.secret import Secret, mask_bytes
from lampway.domain.standing import CheckState, standings, turned_bad
from lampway.domain.strategy import Check

S = CheckState
PASSED, FAILED, ERRORED = CheckOutcome
NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
SMOKE = Check("smoke", "functional")
UAT = Check("uat", "uat", attested=True)
DAY = 86_400.0


def told(outcome: CheckOutcome, place: str = "test", *, hours: float = 0, check: Check = SMOKE) -> Evidence:
    at = (NOW - timedelta(hours=hours)).isoformat(timespec="milliseconds")
    said = Attested("tess", "two orders") if check.attested else None
    return Evidence("e", "orders", "1.0.0", "r", place, check.name, check.kind, outcome, "so", at, 0.1, attested=said)


def state(*evidence: Evidence, check: Check = SMOKE, max_age: float = 0.0, now: str = NOW.isoformat()) -> CheckState:
    (standing,) = standings((check,), evidence, ("test",), max_age, now)
    assert standing.reason.startswith(f"check *{check.name}* ")
    return standing.state


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (state(), S.MISSING),
        (state(told(PASSED)), S.PASSED),
        (state(told(FAILED), told(PASSED)), S.PASSED),
        (state(told(PASSED), told(FAILED)), S.FAILED),
        (state(told(PASSED), told(ERRORED)), S.ERRORED),
        (state(told(PASSED, "dev")), S.MISSING),
        (state(told(PASSED, hours=1000)), S.PASSED),
        (state(told(PASSED, hours=23), max_age=DAY), S.PASSED),
        (state(told(PASSED, hours=25), max_age=DAY), S.EXPIRED),
        (state(told(PASSED, hours=25), check=replace(SMOKE, max_age=DAY)), S.EXPIRED),
        (state(told(PASSED, hours=25), check=replace(SMOKE, max_age=DAY), max_age=7 * DAY), S.EXPIRED),
        (state(told(PASSED, hours=25), check=replace(SMOKE, max_age=7 * DAY), max_age=DAY), S.EXPIRED),
        (state(told(FAILED, hours=25), max_age=DAY), S.FAILED),
        (state(told(PASSED, hours=-0.05), max_age=DAY), S.PASSED),
        (state(told(PASSED, hours=-2), max_age=DAY), S.UNCLEAR),
        (state(told(PASSED), max_age=DAY, now=""), S.UNCLEAR),
        (state(replace(told(PASSED), at="long ago"), max_age=DAY), S.UNCLEAR),
        (state(replace(told(PASSED), at="2026-01-05T09:00:00"), max_age=DAY), S.UNCLEAR),
        (state(told(PASSED, check=UAT), check=UAT), S.PASSED),
        (state(told(PASSED, check=replace(UAT, attested=False)), check=UAT), S.MISSING),
        (state(told(PASSED, check=replace(SMOKE, attested=True))), S.MISSING),
    ],
)
def test_the_newest_evidence_counts_while_it_is_young(found: CheckState, expected: CheckState) -> None:
    assert found is expected


def test_what_went_bad_in_an_earlier_stage_is_told_too() -> None:
    places = ("test", "uat")
    fine = (told(PASSED, "test"), told(PASSED, "uat"))
    assert [s.state for s in standings((SMOKE,), fine, places, 0.0, "")] == [S.PASSED]
    bad = standings((SMOKE,), (*fine, told(FAILED, "test")), places, 0.0, "")
    assert [(s.environment, s.state) for s in bad] == [("uat", S.PASSED), ("test", S.FAILED)]


@pytest.mark.parametrize(
    ("before", "found", "bad"),
    [
        ((), FAILED, False),
        ((FAILED,), FAILED, False),
        ((PASSED,), FAILED, True),
        ((PASSED,), ERRORED, False),
        ((PASSED,), PASSED, False),
        ((PASSED, ERRORED), FAILED, True),
        ((FAILED, PASSED), FAILED, True),
        ((PASSED, FAILED), FAILED, False),
    ],
)
def test_only_a_failure_after_a_pass_turns_bad(
    before: tuple[CheckOutcome, ...], found: CheckOutcome, *, bad: bool
) -> None:
    assert turned_bad([told(outcome) for outcome in before], told(found)) is bad


def test_another_release_place_or_check_takes_nothing_back() -> None:
    for other in ({"release": "x"}, {"environment": "prod"}, {"check": "other"}):
        assert not turned_bad([replace(told(PASSED), **other)], told(FAILED))


OUTCOMES = st.lists(st.sampled_from(list(CheckOutcome)), max_size=8)


@given(OUTCOMES, st.floats(0, 100 * DAY), st.floats(60, 100 * DAY))
def test_a_check_stands_as_passed_only_if_its_newest_evidence_passed_in_time(
    outcomes: list[CheckOutcome], age: float, limit: float
) -> None:
    evidence = [told(outcome, hours=age / 3600) for outcome in outcomes]
    found = state(*evidence, max_age=limit)
    newest_passed = bool(outcomes) and outcomes[-1] is PASSED
    assert (found is S.PASSED) <= newest_passed
    assert (found is S.EXPIRED) <= newest_passed
    if newest_passed and abs(age - limit) > 1:
        assert found is (S.PASSED if age < limit else S.EXPIRED)


@given(OUTCOMES)
def test_each_fall_from_grace_turns_bad_exactly_once(outcomes: list[CheckOutcome]) -> None:
    evidence = [told(outcome) for outcome in outcomes]
    falls = sum(turned_bad(evidence[:n], e) for n, e in enumerate(evidence))
    decided = [o for o in outcomes if o is not ERRORED]
    assert falls == sum(a is PASSED and b is FAILED for a, b in pairwise(decided))


@given(st.text(min_size=4, max_size=30).filter(str.strip), st.binary(max_size=60), st.binary(max_size=60))
def test_a_secret_is_masked_however_it_is_written(value: str, before: bytes, after: bytes) -> None:
    import base64
    import json
    from urllib.parse import quote
    from xml.sax.saxutils import escape

    secret = Secret(value)
    raw = value.encode("utf-8", errors="replace")
    for written in (raw, json.dumps(value)[1:-1].encode(), escape(value).encode("utf-8", errors="replace")):
        masked = mask_bytes(before + b"<" + written + b">" + after, (secret,))
        assert raw in b"********" or raw not in masked
    for written in (base64.b64encode(raw), quote(value, errors="replace").encode()):
        assert b"********" in mask_bytes(before + written + after, (secret,))
