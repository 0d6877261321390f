"""Lock, label and break-glass of a tier: read as people write them, refused where they cannot be meant."""

from __future__ import annotations

import pytest

from lampway.config.loading import load_strategy
from lampway.domain.schedules import DriftSchedule
from lampway.domain.strategy_diff import compare
from lampway.domain.unlocking import UnlockRule

LABEL = "PROD, locked: use lampway"


def with_prod(files, more: str):
    text = files["lampway.yaml"].decode()
    line = next(line for line in text.splitlines() if line.startswith("  prod:") and "locked: true" in line)
    changed = line.rstrip("}") + f", {more}}}"
    return {**files, "lampway.yaml": text.replace(line, changed, 1).encode()}


def test_label_and_break_glass_are_read_and_told_as_a_change(files):
    plain = load_strategy(files)
    strategy = load_strategy(with_prod(files, f'label: "{LABEL}", unlock: {{longest: 90m, alone: false}}'))
    tier = strategy.tier("prod")
    assert (tier.label, tier.unlock) == (LABEL, UnlockRule(5400.0, alone=False))
    said = [change.summary for change in compare(plain, strategy)]
    assert "may be unlocked: never → for 1 h 30 min at most, by two people" in said
    assert any(LABEL in line for line in said)
    stage = strategy.stage("orders", "prod")
    assert plain.governing("orders", stage) == strategy.governing("orders", stage), "no promotion is bound to them"


def test_one_person_is_enough_unless_it_is_said_otherwise(files):
    assert load_strategy(with_prod(files, "unlock: {longest: 4h}")).tier("prod").unlock == UnlockRule(4 * 3600.0)


@pytest.mark.parametrize(
    ("more", "message", "hint"),
    [
        ("unlock: {longest: 25h}", "nothing is unlocked for more than a day", "4h"),
        ("unlock: {longest: soon}", "longest must be a length of time", "7d"),
        ("unlock: {alone: true}", "longest", ""),
        ("unlock: {longest: 4h, by: ana}", "unknown key", ""),
        ('label: " "', "label must be one line of 1 to 80 characters", "PROD"),
        (f"label: {'x' * 81}", "label must be one line of 1 to 80 characters", "PROD"),
        ('label: "two\\nlines"', "label must be one line of 1 to 80 characters", "PROD"),
    ],
)
def test_what_cannot_be_meant_is_told_with_its_cure(files, mistakes_of, more, message, hint):
    (told,) = mistakes_of(with_prod(files, more))
    assert message in told.message
    assert hint in told.hint
    assert told.file == "lampway.yaml"


def test_only_what_is_locked_can_be_unlocked(files, mistakes_of):
    text = with_prod(files, "unlock: {longest: 4h}")["lampway.yaml"].decode().replace("locked: true", "locked: false")
    found = mistakes_of({**files, "lampway.yaml": text.encode()})
    assert [told.hint for told in found if "only what is locked" in told.message]


def test_locks_are_looked_at_by_the_clock_where_it_is_said(files, mistakes_of):
    text = files["lampway.yaml"].decode()
    table = "schedules: {lock: [{cron: 0 * * * *, zone: UTC}]}\n"
    strategy = load_strategy({**files, "lampway.yaml": (table + text).encode()})
    assert strategy.schedules.lock == (DriftSchedule("0 * * * *", "UTC"),)
    said = [change.summary for change in compare(load_strategy(files), strategy)]
    assert any("look at the lock of every environment" in line for line in said)
    wrong = "schedules: {lock: [{cron: 0 * * * *, zone: UTC, environments: [prd]}]}\n"
    (told,) = mistakes_of({**files, "lampway.yaml": (wrong + text).encode()})
    assert "unknown environment: prd" in told.message
