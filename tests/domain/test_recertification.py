"""The arithmetic of campaigns: months by the clock on the wall, against a calendar made by hand."""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.config.duty_rules import DataClass
from lampway.domain.moments import write_moment
from lampway.domain.recertification import (
    DATA_CLASSES,
    Cadence,
    Confirmation,
    Consequence,
    Profile,
    Question,
    QuestionState,
    RecertificationRules,
    Rung,
    with_answer,
    with_review,
)

ZONES = ("Europe/Vienna", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kathmandu")
DAY = 86_400.0


def by_hand(starts: str, at: str, zone: str, months: int, number: int) -> datetime:
    """Return an opening, found day by day on the wall: a second model, which counts instead of dividing."""
    year, month, day = map(int, starts.split("-"))
    for _ in range(months * number):
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    last = calendar.monthrange(year, month)[1]
    wall = datetime(year, month, min(day, last), int(at[:2]), int(at[3:]), tzinfo=UTC).replace(tzinfo=None)
    moment = datetime(year, month, min(day, last), tzinfo=UTC) - timedelta(days=1)
    while moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) < wall:
        moment += timedelta(minutes=1)
    return moment


@given(
    st.dates(date(2020, 1, 1), date(2035, 12, 31)),
    st.times(),
    st.sampled_from(ZONES),
    st.integers(1, 24),
    st.integers(0, 5),
)
def test_openings_are_those_of_a_calendar_made_by_hand(starts, at, zone, months, number) -> None:  # type: ignore[no-untyped-def]
    rules = RecertificationRules(starts.isoformat(), (), at=f"{at:%H:%M}", zone=zone)
    found = rules.opening(Cadence("high", months, DAY), number)
    expected = by_hand(rules.starts, rules.at, zone, months, number)
    is_left_out = expected.astimezone(ZoneInfo(zone)).strftime("%H:%M") != rules.at
    assert found == expected or (is_left_out and abs(found - expected) < timedelta(hours=1))


@given(
    st.dates(date(2020, 1, 1), date(2030, 12, 31)),
    st.sampled_from(ZONES),
    st.integers(1, 24),
    st.integers(0, 20 * 366 * 24 * 60),
)
def test_the_next_opening_is_the_first_after_a_moment(starts, zone, months, minutes) -> None:  # type: ignore[no-untyped-def]
    rules, cadence = RecertificationRules(starts.isoformat(), (), zone=zone), Cadence("high", months, DAY)
    when = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    every = [rules.opening(cadence, number) for number in range(12 * 21 // months + 2)]
    assert rules.next_after(cadence, write_moment(when)) == next(o for o in every if o > when)
    assert rules.next_after(cadence, "") == every[0]
    past = [o for o in every if o <= when]
    if past:
        assert rules.newest_by(cadence, write_moment(every[0]), write_moment(when)) == past[-1]


def test_the_last_day_of_a_month_stays_one() -> None:
    rules = RecertificationRules("2026-01-31", ())
    days = [rules.opening(Cadence("low", 1, DAY), n).date().isoformat() for n in range(4)]
    assert days == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]


def test_data_classes_are_those_that_a_solution_may_declare() -> None:
    assert get_args(DataClass) == DATA_CLASSES


QUESTION = Question(
    "high/2026-01-01/orders",
    "orders",
    "high/2026-01-01",
    "high",
    Profile("mia"),
    "2026-01-01T09:00:00.000+00:00",
    "2026-01-31T09:00:00.000+00:00",
    "2026-01-31T09:00:00.000+00:00",
)
SAID = Confirmation("mia", "owner", "2026-01-11T09:00:00.000+00:00", True, Profile("mia"), "2027-01-01T00:00:00+00:00")


@pytest.mark.parametrize("days", [0, 1, 500])
def test_the_time_a_reviewer_took_is_given_back_to_the_owner(days: int) -> None:
    answered = with_answer(QUESTION, SAID, reviewed=True)
    at = write_moment(datetime.fromisoformat(SAID.at) + timedelta(days=days))
    back = with_review(answered, "pam", at, "why?", accepted=False)
    assert back.state is QuestionState.OPEN
    for before, after in ((QUESTION.due, back.due), (QUESTION.since, back.since)):
        assert datetime.fromisoformat(after) - datetime.fromisoformat(before) == timedelta(days=days)


@pytest.mark.parametrize("state", [s for s in QuestionState if s is not QuestionState.OPEN])
def test_only_an_open_question_has_a_clock(state: QuestionState) -> None:
    from dataclasses import replace

    rules = RecertificationRules("2026-01-01", (), (Rung(Consequence.REMIND, DAY),))
    assert QUESTION.next_at(rules) == "2026-02-01T09:00:00.000+00:00"
    assert replace(QUESTION, state=state, answers=(SAID,)).next_at(rules) == ""
    assert replace(QUESTION, state=state, answers=(SAID,)).words(SAID.at)
