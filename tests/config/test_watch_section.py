"""What a stage does in the time after a deployment: read as it is meant, and one mistake per slip."""

from __future__ import annotations

import pytest

from lampway.config import load_strategy
from lampway.domain.health import Probe, WatchRule
from lampway.domain.strategy_diff import compare

FILE, BEFORE = "lampway.yaml", "        environment: prod\n"
GOOD = """\
        watch:
          for: 10m
          every: 30s
          checks: [health]
          probes: [{path: /orders/health, expect: {status: 204}}]
          failures: 3
          then: rollback
"""
HTTP = {"method": "GET", "path": "/orders/health", "expect": {"status": 204}}


def rule(altered, text: str) -> WatchRule | None:
    return load_strategy(altered(FILE, BEFORE, BEFORE + text)).pipeline("standard").stages[-1].watch


def test_what_is_declared_comes_out_as_it_is_meant(files, altered) -> None:
    assert rule(altered, GOOD) == WatchRule(
        600.0, 30.0, ("health",), (Probe("probe GET /orders/health", HTTP),), failures=3, then="rollback"
    )
    assert rule(altered, "        watch: {then: rollback}\n") == WatchRule(then="rollback")
    assert rule(altered, "        watch: {for: 2h, every: 5m, failed_executions: 0}\n") == WatchRule(
        7200.0, 300.0, failed_executions=0
    )
    assert load_strategy(files).pipeline("standard").stages[-1].watch is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "a watch that says nothing"),
        ("{checks: [health]}", "needs to know for how long"),
        ("{for: 10m}", "needs something to look at"),
        ("{for: 10s, checks: [health]}", "over before its first look"),
        ("{for: 7d, checks: [health]}", "takes at most 500 looks"),
        ("{for: 10m, checks: [pulse]}", "no solution on this path runs a check pulse"),
        ("{for: 10m, checks: [health], failures: 0}", "failures must be at least 1"),
        ("{for: 10m, checks: [health], then: pray}", "unknown then: pray"),
        ("{for: soon, checks: [health]}", "for must be a length of time"),
        ("{for: 10m, probes: [{path: health}]}", "path must begin with one slash"),
        ("{for: 10m, probes: [{path: /, headers: {Authorization: Basic abc}}]}", "must be given by reference"),
        ("{for: 10m, failed_executions: -1}", "failed_executions must be at least 0"),
    ],
)
def test_each_slip_is_one_mistake_with_its_place(altered, mistakes_of, text: str, said: str) -> None:
    (mistake,) = mistakes_of(altered(FILE, BEFORE, f"{BEFORE}        watch: {text}\n"))
    assert said in mistake.message
    assert mistake.line


def test_a_change_of_it_is_told_in_words(files, altered) -> None:
    before = load_strategy(files)
    after = load_strategy(altered(FILE, BEFORE, BEFORE + GOOD))
    (change,) = compare(before, after)
    assert change.summary == (
        "after a deployment: nothing → watched for 10 min, every 30 s, by health, probe GET /orders/health; "
        "falls back by itself after 3 bad looks or a failed verification"
    )
    other = load_strategy(altered(FILE, BEFORE, BEFORE + GOOD.replace("204", "200")))
    (change,) = compare(after, other)
    assert change.summary == "after a deployment: what is asked is asked in another way"
