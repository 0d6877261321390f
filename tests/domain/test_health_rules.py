"""A watch ends well only with a good look at its end, and badly only after so many bad ones in a row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.health import (
    HealthWatch,
    Probe,
    Seen,
    WatchRule,
    WatchState,
    after_look,
    begin,
    is_due,
    next_look,
    soonest,
    verdict,
)
from lampway.domain.moments import later, seconds_between

rules = st.builds(
    WatchRule,
    length=st.sampled_from([60.0, 600.0, 86400.0]),
    every=st.sampled_from([10.0, 30.0, 60.0]),
    failures=st.integers(1, 4),
)
# Also over the hours in which clocks are changed: the moments are UTC, and so a watch is as long as it says.
starts = st.sampled_from(
    [
        datetime(2026, 3, 29, 0, 59, 50, tzinfo=UTC),
        datetime(2026, 10, 25, 0, 59, tzinfo=UTC),
        datetime(2026, 12, 31, 23, 59, 30, tzinfo=UTC),
    ]
)


def watch(rule: WatchRule, at: datetime) -> HealthWatch:
    now = at.isoformat(timespec="milliseconds")
    return begin(rule, ("orders", "prod"), ("d1", "1.0.0", "sha256:ab"), now)


@given(rule=rules, start=starts, seen=st.lists(st.sampled_from(Seen), min_size=1, max_size=60), slow=st.floats(0, 200))
def test_however_it_goes_a_watch_ends_as_it_should(
    rule: WatchRule, start: datetime, seen: list[Seen], slow: float
) -> None:
    now = watch(rule, start)
    row = 0
    for one in seen:
        at = later(next_look(now), slow)
        assert is_due(now, at)
        assert next_look(now) > (now.last_at or now.since)
        assert seconds_between(now.last_at or now.since, next_look(now)) <= rule.every
        row = row + 1 if one is Seen.BAD else 0 if one is Seen.GOOD else row
        now = after_look(now, one, "why", at)
        ended = verdict(now, one)
        if row >= rule.failures:
            assert ended is not None
            assert ended.state is WatchState.FAILED
            assert ended.is_judged
            return
        if one is Seen.GOOD and at >= now.until:
            assert ended is not None
            assert ended.state is WatchState.PASSED
            return
        if ended is not None:
            assert one is Seen.UNKNOWN
            assert not ended.is_judged
            assert at >= later(now.until, rule.length)
            return


@given(rule=rules, start=starts)
def test_with_nothing_but_good_looks_it_passes_at_its_end_and_not_before(rule: WatchRule, start: datetime) -> None:
    now = watch(rule, start)
    while True:
        at = next_look(now)
        now = after_look(now, Seen.GOOD, "", at)
        ended = verdict(now, Seen.GOOD)
        if ended is not None:
            break
    assert (ended.state, at) == (WatchState.PASSED, now.until)
    assert now.looks <= rule.length / rule.every + 1


def test_what_was_never_looked_at_does_not_pass_though_its_time_is_long_over() -> None:
    late = watch(WatchRule(60.0, 10.0), datetime(2026, 1, 5, tzinfo=UTC))
    assert verdict(late, Seen.GOOD) is None
    assert is_due(late, "2027-01-05T00:00:00.000+00:00")


def test_nothing_is_due_that_has_ended_and_the_soonest_comes_first() -> None:
    one = watch(WatchRule(60.0, 10.0), datetime(2026, 1, 5, tzinfo=UTC))
    two = replace(one, rule=WatchRule(60.0, 5.0))
    assert soonest([one, two]) == next_look(two)
    assert soonest([replace(one, state=WatchState.PASSED)]) == ""
    assert not is_due(replace(one, state=WatchState.FAILED), one.until)


def test_a_watch_concerns_only_what_has_something_to_be_looked_at() -> None:
    assert WatchRule(60.0, checks=("ping",)).concerns(["ping", "other"])
    assert not WatchRule(60.0, checks=("ping",)).concerns(["other"])
    assert WatchRule(60.0, probes=(Probe("p"),)).concerns([])
    assert WatchRule(60.0, failed_executions=0).concerns([])
    assert not WatchRule(0.0, probes=(Probe("p"),)).concerns(["ping"])
