"""Moments and spans: one way to read them, one way to keep them, and nothing that is none is taken for one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.moments import (
    is_before,
    is_fresh,
    later,
    parse_deadline,
    parse_moment,
    read_moment,
    seconds_between,
)
from lampway.domain.spans import parse_span, span_in_words, write_span
from lampway.errors import UsageError

NOW = "2026-01-05T09:00:00.000+00:00"
PAST = "2026-01-04T00:00:00.000+00:00"


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-13-01", "2026-1-1", "2026-W01-1", "20260101", "2026-01-01T", "٢٠٢٦-01-01", "9999-12-31",
     "0001-01-01T00:00+23:59"],
)  # fmt: skip
def test_what_is_no_date_is_no_moment(text: str) -> None:
    assert read_moment(text, "Europe/Berlin", is_end=True) is None


@given(st.text(max_size=30))
def test_no_text_makes_reading_times_fail(text: str) -> None:
    seconds = parse_span(text)
    assert (seconds is None) is not bool(seconds)
    if read_moment(text) is None:
        for parse in (parse_moment, parse_deadline):
            with pytest.raises(UsageError, match="not a day") as told:
                parse(text.replace("\n", "-"))
            assert told.value.hint


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90m", 5400), ("2h", 7200), ("7 d", 604800), ("1w", 604800), ("30s", 30), ("0d", None), ("2", None), ("h", None),
     ("1.5h", None), ("999999d", None), ("2 fortnights", None)],
)  # fmt: skip
def test_lengths_of_time(text: str, seconds: float | None) -> None:
    assert parse_span(text) == seconds


def test_lengths_of_time_read_well() -> None:
    assert [span_in_words(s) for s in (0, 59, 60, 3660, 90061, -5)] == [
        "0 s",
        "59 s",
        "1 min",
        "1 h 1 min",
        "1 d 1 h",
        "0 s",
    ]


def test_what_has_an_age_counts_until_it_is_too_old_and_never_where_the_time_is_unknown() -> None:
    then, now = "2026-01-05T09:00:00.000+00:00", "2026-01-05T10:00:00.000+00:00"
    assert is_fresh(then, 0, "")
    assert is_fresh(then, 3600, now)
    assert not is_fresh(then, 3599, now)
    assert not is_fresh(then, 3600, "")
    assert not is_fresh("once", 3600, now)
    assert not is_fresh(then, 3600, "some day")


@pytest.mark.parametrize(
    ("text", "end", "moment"),
    [
        ("2026-05-01", False, "2026-05-01T00:00:00.000+00:00"),
        ("2026-05-01", True, "2026-05-01T23:59:59.999+00:00"),
        (" 2026-05-01T18:00+02:00 ", True, "2026-05-01T16:00:00.000+00:00"),
        ("9999-12-31", True, "9999-12-31T23:59:59.999+00:00"),
        ("2026-05-01T18:00", False, None),
        ("2026-02-30", False, None),
        ("tomorrow", False, None),
        ("", False, None),
    ],
)
def test_a_moment_is_a_day_or_a_time_with_its_zone(text: str, end: bool, moment: str | None) -> None:
    read = parse_deadline if end else parse_moment
    if moment is None:
        with pytest.raises(UsageError, match="not a day"):
            read(text)
    else:
        assert read(text) == moment


def test_what_is_no_moment_is_before_nothing() -> None:
    assert not is_before("", NOW)
    assert not is_before(NOW, "")
    assert later("", 5) == ""
    assert (later(NOW, 60), seconds_between(PAST, NOW), seconds_between(NOW, PAST)) == (
        "2026-01-05T09:01:00.000+00:00",
        33 * 3600,
        0,
    )


@given(st.integers(1, 99_999), st.sampled_from("smhdw"))
def test_lengths_of_time_are_written_as_they_are_read(count: int, unit: str) -> None:
    length = parse_span(f"{count}{unit}")
    assert length is not None
    assert parse_span(write_span(length)) == length


@pytest.mark.parametrize(
    ("length", "text"), [(59, "59s"), (5_400, "90m"), (86_400, "1d"), (604_800, "7d"), (90_000, "25h")]
)
def test_lengths_of_time_are_written_in_the_largest_unit_that_is_exact(length: float, text: str) -> None:
    assert write_span(length) == text


@given(st.datetimes(timezones=st.timezones()), st.datetimes(timezones=st.timezones()))
def test_moments_in_any_zone_sort_as_text(one: Any, other: Any) -> None:
    try:
        first, second = parse_moment(one.isoformat()), parse_moment(other.isoformat())
    except UsageError:
        return
    assert (first < second) == (one.timestamp() < other.timestamp()) or abs((one - other).total_seconds()) < 0.001
