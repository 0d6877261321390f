"""How long a sandbox lasts, when its owner is told, and what it may be called."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.moments import later, seconds_between
from lampway.domain.sandbox import LONGEST, Sandbox, end_of, require_name
from lampway.errors import UsageError

NOW = "2026-01-05T09:00:00.000+00:00"
SPANS = st.floats(min_value=1, max_value=LONGEST)


def sandbox(lasting: float) -> Sandbox:
    return Sandbox(
        id="s1",
        name="play",
        platform="memory",
        owner="mia",
        host="here",
        created_at=NOW,
        until=later(NOW, lasting),
    )


@given(SPANS, st.floats(min_value=0, max_value=2 * LONGEST))
def test_the_reminder_comes_before_the_end_and_only_once(lasting: float, after: float) -> None:
    one, now = sandbox(lasting), later(NOW, after)
    assert one.created_at <= one.remind_at <= one.until
    assert not (one.is_over(now) and one.is_to_be_reminded(now))
    assert one.is_over(now) == (now >= one.until)
    told = replace(one, reminded_at=now)
    assert not told.is_to_be_reminded(now)
    assert told.next_moment() == one.until


def test_a_long_one_is_told_a_day_before_and_a_short_one_in_its_last_quarter() -> None:
    assert seconds_between(sandbox(7 * 86_400).remind_at, sandbox(7 * 86_400).until) == 86_400
    assert seconds_between(sandbox(8 * 3600).remind_at, sandbox(8 * 3600).until) == 2 * 3600


@pytest.mark.parametrize("lasting", ["", "soon", "0d", "91d", "-1d", "1.5d"])
def test_no_other_time_is_taken(lasting: str) -> None:
    with pytest.raises(UsageError):
        end_of(NOW, lasting)


def test_a_time_begins_now() -> None:
    assert end_of(NOW, "90d") == "2026-04-05T09:00:00.000+00:00"
    assert end_of(NOW, "5s") == "2026-01-05T09:00:05.000+00:00"


@pytest.mark.parametrize("name", ["", "A", "1st", "a b", "a--b", "-a", "a-", "../up", "a/b", "a" * 41, "ä", "a\n"])
def test_no_other_name_is_taken(name: str) -> None:
    with pytest.raises(UsageError, match="not a name for a sandbox"):
        require_name(name)


@pytest.mark.parametrize("name", ["a", "try-orders", "try2", "a" * 40])
def test_plain_names_are(name: str) -> None:
    assert require_name(name) == name
