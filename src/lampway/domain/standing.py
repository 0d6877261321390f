"""How each check of a release stands: what its newest evidence is worth now. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lampway.domain.deployment import CheckOutcome, Evidence
from lampway.domain.spans import span_in_words
from lampway.domain.strategy import Check, GateRule, Solution

TESTER = "tester"
"""The role whose holders may attest checks."""
_SKEW = timedelta(minutes=5)
"""How far clocks of different machines may be apart."""


class CheckState(StrEnum):
    """How a check stands."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    """It could not be judged."""
    UNCLEAR = "unclear"
    """Its age cannot be told."""
    EXPIRED = "expired"
    """It passed, too long ago."""
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Standing:
    """How one check stands in one environment."""

    check: Check
    environment: str
    state: CheckState
    reason: str
    evidence: Evidence | None = None
    """The newest; None where there is none."""


def required(solution: Solution, rule: GateRule) -> tuple[Check, ...]:
    """Return the checks that a gate asks for: those of its kinds, or every one."""
    return tuple(c for c in solution.checks if not rule.kinds or c.kind in rule.kinds)


def standings(
    checks: Sequence[Check], evidence: Sequence[Evidence], places: Sequence[str], max_age: float, now: str
) -> tuple[Standing, ...]:
    """Return how each check stands in the last of `places`, then each that went bad in one before it.

    `evidence` is of exactly one release, oldest first: the newest of each check counts. What a person attests and what
    is run do not stand for one another.
    """
    *earlier, last = places
    found = [_standing(check, newest(evidence, check, last), last, max_age, now) for check in checks]
    for place in earlier:
        for check in checks:
            told = newest(evidence, check, place)
            if told is not None and told.outcome is CheckOutcome.FAILED:
                found.append(_standing(check, told, place, max_age, now))
    return tuple(found)


def newest(evidence: Sequence[Evidence], check: Check, environment: str) -> Evidence | None:
    """Return the newest evidence of a check in an environment, or None."""
    return next((e for e in reversed(evidence) if e.environment == environment and is_of(e, check)), None)


def is_of(evidence: Evidence, check: Check) -> bool:
    """Return whether evidence is of this check, and came about as the check asks for.

    Where a signature is asked for, a pass without one does not count; a failure always does.
    """
    said = evidence.attested
    unsigned = check.signed and evidence.outcome is CheckOutcome.PASSED and not (said and said.key)
    return evidence.check == check.name and (said is not None) is check.attested and not unsigned


def turned_bad(before: Sequence[Evidence], found: Evidence) -> bool:
    """Return whether evidence takes back what was proved: it failed, and whatever told something before it passed."""
    if found.outcome is not CheckOutcome.FAILED:
        return False
    place, name = found.environment, found.check
    told = [e for e in before if (e.check, e.environment) == (name, place) and e.release == found.release]
    decided = [e.outcome for e in told if e.outcome is not CheckOutcome.ERRORED]
    return bool(decided) and decided[-1] is CheckOutcome.PASSED


def _standing(check: Check, found: Evidence | None, place: str, max_age: float, now: str) -> Standing:
    state, words = _worth(check, found, place, max_age, now)
    return Standing(check, place, state, f"check *{check.name}* {words}", found)


def _worth(check: Check, found: Evidence | None, place: str, max_age: float, now: str) -> tuple[CheckState, str]:
    if found is None:
        words = f"{'was not attested' if check.attested else 'has not run'} in {place}"
        return CheckState.MISSING, f"{words} with a tester's signature" if check.signed else words
    match found.outcome:
        case CheckOutcome.FAILED:
            return CheckState.FAILED, f"failed in {place}: {found.summary}"
        case CheckOutcome.ERRORED:
            return CheckState.ERRORED, f"could not be judged in {place}: {found.summary}"
        case CheckOutcome.PASSED:
            return _aged(found, min((a for a in (check.max_age, max_age) if a), default=0.0), now)


def _aged(found: Evidence, limit: float, now: str) -> tuple[CheckState, str]:
    passed = f"passed in {found.environment}"
    if not limit:
        return CheckState.PASSED, passed
    try:
        age = datetime.fromisoformat(now) - datetime.fromisoformat(found.at)
    except (ValueError, TypeError):
        return CheckState.UNCLEAR, f"{passed}, but it cannot be told how long ago"
    if age < -_SKEW:
        return CheckState.UNCLEAR, f"{passed} at {found.at}, which is after now: a clock goes wrong"
    if age > timedelta(seconds=limit):
        old = span_in_words(age.total_seconds())
        return CheckState.EXPIRED, f"{passed} {old} ago; it counts for {span_in_words(limit)}"
    return CheckState.PASSED, passed
