"""When notices are tried again, and what of them may wait for others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.moments import seconds_between
from lampway.domain.notify import (
    ATTEMPTS,
    ROUTED,
    Channel,
    NoticeKind,
    Notify,
    Route,
    batch_end,
    is_low_risk,
    recipients,
    retry_at,
)
from lampway.domain.notify_diff import notify_changes

NOW = "2026-03-29T00:30:00.000+00:00"
moments = st.integers(1_577_836_800_000, 3_786_912_000_000).map(
    lambda ms: datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")
)


@given(now=moments, attempts=st.integers(1, 100), asked=st.floats(0, 1e9))
def test_every_try_is_later_than_now_and_never_later_than_a_quarter_of_a_day(
    now: str, attempts: int, asked: float
) -> None:
    assert 30 <= seconds_between(now, retry_at(now, attempts, asked=asked)) <= 6 * 3600


def test_waits_double_and_the_receiver_may_ask_for_more() -> None:
    waits = [seconds_between(NOW, retry_at(NOW, n)) for n in range(1, 5)]
    assert waits == [30, 60, 120, 240]
    assert seconds_between(NOW, retry_at(NOW, 1, asked=500)) == 500
    assert sum(seconds_between(NOW, retry_at(NOW, n)) for n in range(1, ATTEMPTS)) > 24 * 3600


@given(now=moments, length=st.sampled_from([60.0, 3600.0, 86400.0, 604800.0]), later=st.floats(0, 1e6))
def test_what_is_collected_goes_out_within_one_span_and_all_of_it_at_one_moment(
    now: str, length: float, later: float
) -> None:
    end = batch_end(now, length)
    assert 0 < seconds_between(now, end) <= length
    other = (datetime.fromisoformat(now) + timedelta(seconds=later)).isoformat(timespec="milliseconds")
    assert batch_end(other, length) == end or other >= end


def test_what_asks_somebody_to_act_never_waits_for_others() -> None:
    urgent = {NoticeKind.APPROVAL_NEEDED, NoticeKind.FAILED, NoticeKind.RECONCILE, NoticeKind.ROLLED_BACK}
    assert not [kind for kind in (*urgent, NoticeKind.LOCK_OPEN) if is_low_risk(kind, "low")]
    assert is_low_risk(NoticeKind.DRIFT, "low")
    assert not [kind for kind in ROUTED if is_low_risk(kind, "medium")]


def test_a_route_is_for_whom_it_names_or_else_for_everybody_concerned() -> None:
    people = (("ana", ("approver",)), ("mia", ("maker",)))
    assert recipients(Route(("chat",)), people) == ("ana", "mia")
    assert recipients(Route(("chat",), roles=("maker",)), people) == ("mia",)
    assert recipients(Route(("chat",), people=("ana", "zoe")), people) == ("ana",)
    assert recipients(Route(("chat",), roles=("owner",)), people) == ()


def test_a_change_of_who_is_told_what_is_told_in_words() -> None:
    old = Notify((Channel("chat", apprise="env:CHAT"),), (Route(("chat",), kinds=("drift",)),))
    new = Notify(
        (Channel("hook", webhook="https://h.example", secret="env:K"),),
        (Route(("hook",), roles=("approver",), digest=86400.0),),
        url="https://lampway.example",
        on_call=("ops",),
    )
    assert [words for _, words in notify_changes(old, new)] == [
        "added: https://h.example, signed by env:K",
        "removed",
        "no longer sent: drift to whoever it is for through chat",
        "sent: everything to approver through hook, low risk collected for 1 d",
        "link to: nothing → https://lampway.example",
        "on call: as usual → ops",
    ]
    assert not list(notify_changes(old, old))
    assert list(notify_changes(None, old))
