"""Windows and freezes are right in every zone and on the days on which clocks are changed, over whole years."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lampway.domain.moments import DAYS, moment_in_words, read_moment
from lampway.domain.windows import Freeze, Window, days_in_words, is_any_open, next_opening

WORKING = Window(DAYS[:5], "08:00", "17:00", "Europe/Berlin")
NIGHT = Window(("fri",), "22:00", "04:00", "Europe/Berlin")
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo",
         "Pacific/Apia", "Africa/Casablanca")  # fmt: skip
clocks = st.times().map(lambda t: f"{t.hour:02}:{t.minute:02}")


@st.composite
def windows(draw: st.DrawFn) -> Window:
    opens, closes = draw(clocks), draw(clocks | st.just("24:00"))
    assume(opens != closes)
    days = draw(st.sets(st.sampled_from(DAYS), min_size=1))
    return Window(tuple(d for d in DAYS if d in days), opens, closes, draw(st.sampled_from(ZONES)))


moments = st.datetimes(datetime(2010, 1, 1), datetime(2037, 12, 31)).map(lambda t: t.replace(tzinfo=UTC))  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("window", "moment", "is_open"),
    [
        (WORKING, "2026-01-05T08:00+01:00", True),
        (WORKING, "2026-01-05T07:59:59+01:00", False),
        (WORKING, "2026-01-05T16:59:59+01:00", True),
        (WORKING, "2026-01-05T17:00+01:00", False),
        (WORKING, "2026-01-10T12:00+01:00", False),
        (WORKING, "2026-07-06T06:00+00:00", True),
        (WORKING, "2026-01-05T06:00+00:00", False),
        (NIGHT, "2026-01-09T23:00+01:00", True),
        (NIGHT, "2026-01-10T03:59+01:00", True),
        (NIGHT, "2026-01-10T04:00+01:00", False),
        (NIGHT, "2026-01-10T23:00+01:00", False),
        (NIGHT, "2026-01-09T03:00+01:00", False),
        (Window(DAYS, "00:00", "24:00"), "2026-01-09T23:59:59+00:00", True),
    ],
)
def test_a_window_is_open_while_the_clock_there_shows_a_time_within(window: Window, moment: str, is_open: bool) -> None:
    assert window.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("window", "moment", "opens"),
    [
        (WORKING, "2026-01-09T18:00+01:00", "2026-01-12T08:00+01:00"),
        (WORKING, "2026-03-27T18:00+01:00", "2026-03-30T08:00+02:00"),
        (WORKING, "2026-10-23T18:00+02:00", "2026-10-26T08:00+01:00"),
        (Window(("sun",), "02:30", "05:00", "Europe/Berlin"), "2026-03-29T01:00+01:00", "2026-03-29T03:00+02:00"),
        (Window(("sun",), "02:15", "02:45", "Europe/Berlin"), "2026-03-29T01:00+01:00", "2026-04-05T02:15+02:00"),
        (Window(("sun",), "01:00", "02:30", "Europe/Berlin"), "2026-10-25T02:45+02:00", "2026-10-25T02:00+01:00"),
    ],
)
def test_the_next_opening_is_right_when_clocks_are_changed(window: Window, moment: str, opens: str) -> None:
    assert window.next_opening(at(moment)) == at(opens)


@settings(max_examples=300, deadline=None)
@given(windows(), moments)
def test_a_window_agrees_with_the_wall_clock(window: Window, now: datetime) -> None:
    local = now.astimezone(ZoneInfo(window.zone))
    shown = local.hour * 60 + local.minute
    opens, closes = (int(text[:2]) * 60 + int(text[3:]) for text in (window.opens, window.closes))
    before = DAYS[(local.weekday() - 1) % 7]
    if opens < closes:
        expected = DAYS[local.weekday()] in window.days and opens <= shown < closes
    else:
        expected = (DAYS[local.weekday()] in window.days and shown >= opens) or (
            before in window.days and shown < closes
        )
    assert window.is_open(now) is expected


@settings(max_examples=150, deadline=None)
@given(windows(), moments, st.lists(st.floats(0, 1, exclude_max=True), max_size=40))
def test_until_the_next_opening_it_stays_closed_and_then_it_is_open(
    window: Window, now: datetime, between: list[float]
) -> None:
    opening = window.next_opening(now)
    assume(opening is not None)
    assert opening is not None
    assert opening >= now
    assert window.is_open(opening)
    if opening > now:
        assert not window.is_open(opening - timedelta(seconds=1)) or opening - timedelta(seconds=1) < now
        closed = (opening - now).total_seconds() - 1
        assert not any(window.is_open(now + timedelta(seconds=max(0.0, closed * share))) for share in between)


@pytest.mark.parametrize("zone", ZONES)
def test_over_a_whole_year_of_minutes_openings_are_told_right(zone: str) -> None:
    """Walk through the two days around every change of the clocks, minute by minute."""
    window = Window(DAYS, "01:30", "02:30", zone)
    start = datetime(2026, 1, 1, tzinfo=UTC)
    offsets = [(start + timedelta(hours=h)).astimezone(ZoneInfo(zone)).utcoffset() for h in range(8760)]
    changes = [h for h in range(1, 8760) if offsets[h] != offsets[h - 1]]
    for hour in changes or [5000]:
        told = None
        for minute in range(-360, 360):
            now = start + timedelta(hours=hour, minutes=minute)
            if told is not None and now < told:
                assert not window.is_open(now)
            elif told is None or now >= told:
                told = window.next_opening(now) if not window.is_open(now) else None


def test_a_week_always_has_an_opening_unless_clocks_leave_it_out() -> None:
    day = datetime(2026, 1, 1, tzinfo=UTC)
    for step in range(0, 365 * 24, 7):
        opening = WORKING.next_opening(day + timedelta(hours=step))
        assert opening is not None
        assert opening - (day + timedelta(hours=step)) < timedelta(days=3)


def test_no_window_is_never_open_and_the_earliest_of_several_opens_first() -> None:
    now = at("2026-01-10T12:00+01:00")
    assert not is_any_open((), now)
    assert next_opening((), now) is None
    opening = next_opening((WORKING, Window(("sun",), "10:00", "11:00", "Asia/Tokyo")), now)
    assert opening == (at("2026-01-11T10:00+09:00"), "Asia/Tokyo")
    assert moment_in_words(*opening, now) == "Sun 10:00 Asia/Tokyo"


def test_windows_and_moments_read_well() -> None:
    assert WORKING.words == "Mon-Fri 08:00-17:00 Europe/Berlin"
    assert days_in_words(("sat", "mon", "tue", "sun")) == "Mon, Tue, Sat, Sun"
    assert moment_in_words(at("2026-01-12T08:00+01:00"), "Europe/Berlin") == "Mon 2026-01-12 08:00 Europe/Berlin"


@given(st.dates(date(2000, 1, 1), date(2037, 12, 30)), st.sampled_from(ZONES), moments)
def test_a_freeze_covers_its_last_day_whole_and_nothing_after(day: date, zone: str, now: datetime) -> None:
    start, end = read_moment(day.isoformat(), zone), read_moment(day.isoformat(), zone, is_end=True)
    assert start is not None
    assert end is not None
    freeze = Freeze(start.isoformat(), end.isoformat(), "year end", ("prod",), zone)
    local = now.astimezone(ZoneInfo(zone)).date()
    if (day, zone) != (date(2011, 12, 30), "Pacific/Apia"):  # a day that never was there
        assert freeze.is_on("prod", now) is (local == day)
    noon = datetime.combine(day, time(12), ZoneInfo(zone)).astimezone(UTC)
    if noon.astimezone(ZoneInfo(zone)).date() == day:
        assert freeze.is_on("prod", noon)
    assert not freeze.is_on("test", noon)
