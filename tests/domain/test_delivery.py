"""The five measures, worked out by hand for small histories, and what always holds of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lampway.domain.delivery import Shipment, measure
from lampway.domain.exposition import Measure, Sample, to_text
from lampway.domain.promotion import DeploymentKind

FORWARD, ROLLBACK, REDEPLOY = DeploymentKind.FORWARD, DeploymentKind.ROLLBACK, DeploymentKind.REDEPLOY
START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, DAY = 3600.0, 86400.0


def at(days: float) -> str:
    return (START + timedelta(days=days)).isoformat(timespec="milliseconds")


def good(days: float, *sealed: float, by_people: bool = True) -> Shipment:
    return Shipment(at(days), FORWARD, True, sealed_at=tuple(map(at, sealed)), by_people=by_people)


def test_two_good_weeks_and_one_bad_change() -> None:
    history = [
        good(1, 0.5),
        good(4, 2, 3),
        Shipment(at(7), FORWARD, True, failed_at=at(7.25), sealed_at=(at(6),), by_people=True),
        Shipment(at(7.5), ROLLBACK, True),
        good(8, 7.75, by_people=False),
        Shipment(at(10), REDEPLOY, True),
    ]
    told = measure("orders", "prod", history, at(0), at(14))
    assert (told.deployments, told.per_week) == (4, 2.0)
    assert told.lead_time == DAY, "of 0.5, 2, 1, 1 and 0.25 days the one in the middle"
    assert (told.failed, told.changes, told.failure_rate) == (1, 4, 0.25)
    assert (told.time_to_restore, told.unrestored) == (6 * HOUR, 0)
    assert (told.rework, told.rework_rate) == (3, 0.5), "the rollback, the fix after it, the redeployment"
    assert told.by_people == 0.75


def test_what_failed_and_is_not_mended_yet_is_told_as_such() -> None:
    told = measure("orders", "prod", [Shipment(at(1), FORWARD, False, failed_at=at(1))], at(0), at(2))
    assert (told.deployments, told.failed, told.unrestored, told.time_to_restore) == (0, 1, 1, None)
    assert told.lead_time is None


def test_nothing_at_all_is_no_rate_and_no_fault() -> None:
    told = measure("orders", "prod", [], at(0), at(7))
    assert (told.deployments, told.per_week) == (0, 0)
    assert (told.failure_rate, told.rework_rate, told.by_people, told.lead_time) == (None, None, None, None)


def test_only_the_time_asked_about_counts_but_what_was_before_still_makes_rework() -> None:
    history = [Shipment(at(1), FORWARD, False, failed_at=at(1)), good(3, 2)]
    told = measure("orders", "prod", history, at(2), at(4))
    assert (told.changes, told.failed, told.rework) == (1, 0, 1)


shipments = st.lists(
    st.builds(
        lambda day, kind, succeeded, bad: Shipment(
            at(day), kind, succeeded, failed_at=at(day + bad) if kind is FORWARD and (bad or not succeeded) else ""
        ),
        st.floats(0, 50),
        st.sampled_from(DeploymentKind),
        st.booleans(),
        st.sampled_from([0, 0.5]),
    ),
    max_size=20,
)


@given(history=shipments)
def test_rates_are_shares_and_counts_add_up(history: list[Shipment]) -> None:
    history.sort(key=lambda s: s.at)
    told = measure("orders", "prod", history, at(0), at(60))
    assert told.failed <= told.changes
    assert told.unrestored <= told.failed
    for rate in (told.failure_rate, told.rework_rate, told.by_people):
        assert rate is None or 0 <= rate <= 1
    assert told.time_to_restore is None or told.time_to_restore >= 0
    halves = [measure("orders", "prod", history, at(0), at(25)), measure("orders", "prod", history, at(25), at(60))]
    assert sum(half.changes for half in halves) == told.changes


def test_the_text_is_that_of_the_exposition_format() -> None:
    measures = [
        Measure("a_total", "counter", "How\nmany.", (Sample(3), Sample(0.5, {"environment": 'a"b\\c\nd'}))),
        Measure("s", "summary", "Took.", (Sample(1.5, {}, "_sum"), Sample(2, {}, "_count"))),
        Measure("empty", "gauge", "Nothing.", ()),
    ]
    assert to_text(measures) == (
        "# HELP a_total How\\nmany.\n# TYPE a_total counter\na_total 3\n"
        'a_total{environment="a\\"b\\\\c\\nd"} 0.5\n'
        "# HELP s Took.\n# TYPE s summary\ns_sum 1.5\ns_count 2\n"
    )
    with pytest.raises(ValueError, match="no name"):
        to_text([Measure("no name", "gauge", "", ())])
