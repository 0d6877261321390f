"""Health: watching a release for a while after it was verified, and what is done when it does not do well.

Everything here is pure: when a look is due, what a look means, and when a watch has come to its end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from lampway.domain.moments import later

STOP, ROLLBACK = "stop", "rollback"
LOOKS = 500
"""How many looks one watch may take: each is in the ledger."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A request that a healthy release answers as expected."""

    name: str
    http: dict[str, Any] = field(default_factory=dict)
    """As of an HTTP check."""


@dataclass(frozen=True, slots=True)
class WatchRule:
    """What a stage says about the time after a deployment."""

    length: float = 0.0
    """Seconds; 0: only the verification right after the deployment counts."""
    every: float = 30.0
    """Seconds from one look to the next."""
    checks: tuple[str, ...] = ()
    """Names of checks of the solution to be run again."""
    probes: tuple[Probe, ...] = ()
    failed_executions: int | None = None
    """How many executions may fail in all, where the platform tells; None: nobody asks."""
    failures: int = 2
    """How many bad looks in a row mean that it failed."""
    then: str = STOP
    """What is done when verification or watch failed: stop, and ask, or rollback."""

    def concerns(self, checks: Iterable[str]) -> bool:
        """Return whether there is anything to look at for a solution that has these checks."""
        looks = bool(self.probes) or self.failed_executions is not None or bool(set(self.checks) & set(checks))
        return self.length > 0 and looks


class WatchState(StrEnum):
    """Where a watch stands."""

    WATCHING = "watching"
    PASSED = "passed"
    FAILED = "failed"
    ABANDONED = "abandoned"
    """Something else was deployed there before it ended."""


class Seen(StrEnum):
    """What one look told."""

    GOOD = "good"
    BAD = "bad"
    UNKNOWN = "unknown"
    """It could not be judged: neither good nor bad."""


@dataclass(frozen=True, slots=True)
class HealthWatch:
    """A release that is being watched in an environment."""

    id: str
    """That of the deployment."""
    solution: str
    environment: str
    version: str
    release: str
    rule: WatchRule
    since: str
    until: str
    """The first moment at which a good look ends it well."""
    state: WatchState = WatchState.WATCHING
    looks: int = 0
    bad: int = 0
    """Bad looks in a row, up to now."""
    last_at: str = ""
    note: str = ""
    """What the last bad look or the end told, in words."""
    ended_at: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a watch ends."""

    state: WatchState
    note: str
    is_judged: bool = True
    """False where nobody could tell how it does; then nothing is rolled back."""


def begin(rule: WatchRule, place: tuple[str, str], what: tuple[str, str, str], now: str) -> HealthWatch:
    """Return a watch that begins now. `place` is solution and environment, `what` deployment, version and release."""
    (solution, environment), (deployment, version, release) = place, what
    return HealthWatch(deployment, solution, environment, version, release, rule, now, later(now, rule.length))


def next_look(watch: HealthWatch) -> str:
    """Return when to look next: at every step, and once at the end, for no watch ends well unseen."""
    before = watch.last_at or watch.since
    following = later(before, watch.rule.every)
    return min(following, watch.until) if before < watch.until else following


def is_due(watch: HealthWatch, now: str) -> bool:
    """Return whether it is time to look."""
    return watch.state is WatchState.WATCHING and next_look(watch) <= now


def after_look(watch: HealthWatch, seen: Seen, summary: str, now: str) -> HealthWatch:
    """Return the watch after one more look."""
    bad = {Seen.GOOD: 0, Seen.BAD: watch.bad + 1, Seen.UNKNOWN: watch.bad}[seen]
    note = watch.note if seen is Seen.GOOD else summary
    return replace(watch, looks=watch.looks + 1, bad=bad, last_at=now, note=note)


def verdict(watch: HealthWatch, seen: Seen) -> Verdict | None:
    """Return how a watch ends with the look that was just taken, or None while it goes on.

    So many bad looks in a row end it at once. A good one at its end or later ends it well. One that cannot be judged
    is waited for as long again as the watch was to last; then somebody has to say.
    """
    if watch.bad >= watch.rule.failures:
        looks = f"{watch.bad} bad look{'s' if watch.bad != 1 else ''} in a row"
        return Verdict(WatchState.FAILED, f"{looks}; the last one: {watch.note}")
    if watch.last_at >= watch.until and seen is Seen.GOOD:
        return Verdict(WatchState.PASSED, f"did well in {watch.looks} look{'s' if watch.looks != 1 else ''}")
    if watch.last_at >= later(watch.until, watch.rule.length) and seen is Seen.UNKNOWN:
        return Verdict(WatchState.FAILED, f"nobody could tell how it does: {watch.note}", is_judged=False)
    return None


def soonest(watches: Iterable[HealthWatch]) -> str:
    """Return when the next look at any of these is due; empty for never."""
    return min((next_look(w) for w in watches if w.state is WatchState.WATCHING), default="")
