"""The calendar: what is open and closed when, and what waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from served import Served
from visiting import HOSTILE, Visitor

from lampway.domain.moments import DAYS
from lampway.domain.windows import Freeze, Window
from lampway.engine.calendar import ShowCalendar, _closing
from lampway.engine.stops import PutOnHold
from lampway.errors import UsageError

NIGHT = Window(("fri",), "22:00", "04:00", "Europe/Berlin")


def with_calendar(served: Served, *freezes: Freeze) -> None:
    rules = served.team.rules
    (path,) = rules.pipelines
    test, prod = path.stages
    stages = (test, replace(prod, windows=(NIGHT,)))
    served.team.govern(replace(rules, pipelines=(replace(path, stages=stages),), freezes=freezes))


def test_windows_freezes_and_what_waits_for_them_are_told_day_by_day(served: Served) -> None:
    with_calendar(served, Freeze("2026-01-12T00:00:00+01:00", "2026-01-14T00:00:00+01:00", HOSTILE, ("prod",)))
    served.team.release()
    promotion = served.team.promote()
    served.team.approve(promotion)
    zoe = Visitor(served, "zoe")
    text = zoe.look("/calendar")
    for told in ("2026-01-09", "Fri 22:00-04:00 Europe/Berlin", "2026-01-09 21:00 UTC to 2026-01-10 03:00 UTC"):
        assert told in text
    assert f"nothing may start: {HOSTILE}" in text
    assert f'href="/promotions/{promotion}"' in zoe.last
    waiting = [e for e in served.team.run(ShowCalendar()) if e.kind == "waiting"]
    assert [(e.start, e.promotion) for e in waiting] == [("2026-01-09T21:00:00.000+00:00", promotion)]


def test_a_hold_is_told_and_an_empty_calendar_says_so(served: Served) -> None:
    zoe = Visitor(served, "zoe")
    assert "deployments may start at any time" in zoe.look("/calendar")
    served.team.run(PutOnHold(environment="prod", reason="stock taking"), "rita")
    assert "stock taking" in zoe.look("/calendar")


def test_the_calendar_is_the_same_over_the_network(served: Served) -> None:
    with_calendar(served)
    assert served.remote("zoe").run(ShowCalendar(30)) == served.local("zoe").run(ShowCalendar(30))
    for days in (0, 93):
        with pytest.raises(UsageError, match="days must be"):
            served.team.run(ShowCalendar(days))


CLOCKS = st.integers(0, 24 * 60 - 1).map(lambda m: f"{m // 60:02}:{m % 60:02}")


@given(
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=6, unique=True),
    CLOCKS,
    CLOCKS | st.just("24:00"),
    st.integers(0, 400 * 24 * 60),
)
def test_a_window_that_is_told_is_open_at_its_start_and_closed_at_its_end(
    days: list[str], opens: str, closes: str, minutes: int
) -> None:
    window = Window(tuple(days), opens, closes, "Europe/Berlin")
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    start = window.next_opening(now)
    if start is None:
        return
    assert window.is_open(start)
    end = _closing(window, start)
    assert end > start
    assert not window.is_open(end)
