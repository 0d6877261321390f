"""Schedules in the strategy: read as people write them, refused with place and cure where they cannot be meant."""

from __future__ import annotations

import pytest

from lampway.config.loading import load_strategy
from lampway.domain.schedules import DriftSchedule, Schedules
from lampway.domain.strategy_diff import compare

ROLES = "roles: "
TABLE = "write minute, hour, day, month and day of the week, such as 15 6 * * mon-fri"
GOOD = """\
schedules:
  drift:
    - {cron: 15  6 * * mon-fri, zone: Europe/Berlin, environments: [prod]}
    - {cron: 0 3 * * SUN, zone: UTC}
  remind: 24h
"""


def test_schedules_are_read_and_told_as_a_change(files):
    plain = load_strategy(files)
    text = files["lampway.yaml"].decode()
    strategy = load_strategy({**files, "lampway.yaml": (GOOD + text).encode()})
    assert strategy.schedules == Schedules(
        drift=(DriftSchedule("15 6 * * mon-fri", "Europe/Berlin", ("prod",)), DriftSchedule("0 3 * * SUN")),
        remind=86_400.0,
    )
    said = [change.summary for change in compare(plain, strategy)]
    assert len(said) == 3
    assert any("drift scan of prod at 15 6 * * mon-fri Europe/Berlin" in line for line in said)
    stage = strategy.stage("orders", "prod")
    assert plain.governing("orders", stage) == strategy.governing("orders", stage), "no promotion is bound to them"


def test_an_empty_section_means_no_schedule(files):
    text = files["lampway.yaml"].decode()
    assert load_strategy({**files, "lampway.yaml": ("schedules:\n" + text).encode()}).schedules == Schedules()


@pytest.mark.parametrize(
    ("section", "message", "hint"),
    [
        ("{drift: [{cron: 99 6 * * *, zone: UTC}]}", "not a time table: bad minute", TABLE),
        ("{drift: [{cron: 0 6 30 2 *, zone: UTC}]}", "not a time table: bad day-of-month", TABLE),
        ("{drift: [{cron: daily, zone: UTC}]}", "not a time table", TABLE),
        ("{drift: [{cron: 0 0 6 * * *, zone: UTC}]}", "must be five parts", TABLE),
        ("{drift: [{cron: 0 6 * * *, zone: Berlin}]}", "zone must be a time zone", "Europe/Berlin"),
        ("{drift: [{cron: 0 6 * * *}]}", "zone", ""),
        ("{drift: [{cron: 0 6 * * *, zone: UTC, environments: [prd]}]}", "unknown environment: prd", "prod"),
        ("{remind: daily}", "remind must be a length of time", "7d"),
        ("{remindd: 1d}", "unknown key", ""),
    ],
)
def test_a_schedule_that_cannot_be_meant_is_told_with_its_place_and_its_cure(
    files, mistakes_of, section, message, hint
):
    text = f"schedules: {section}\n" + files["lampway.yaml"].decode()
    (told,) = mistakes_of({**files, "lampway.yaml": text.encode()})
    assert message in told.message
    assert hint in told.hint
    assert (told.file, told.line) == ("lampway.yaml", 1)
