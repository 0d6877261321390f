"""What every platform must prove that runs what is installed, or counts its runs; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from lampway.domain.capability import Ability
from lampway.engine.abilities import ExecutionCounting, SmokeRunnable
from lampway.engine.platform import Platform
from lampway.testing.looks import leaks_in, need, record_of
from lampway.testing.sample import Apply, Outside, Sample


class RunningContract:
    """What the platform's own runs must keep."""

    def test_a_smoke_run_tries_what_is_installed_and_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """It passes on what was deployed whole, and says so in words."""
        need(platform, Ability.SMOKE_RUN)
        assert isinstance(platform, SmokeRunnable)
        apply(sample.wanted(first))
        before = prod.contents()
        told = platform.smoke_run(prod.access, record_of(sample, first), 30.0)
        assert told.passed
        assert told.summary
        assert prod.contents() == before
        assert leaks_in([told], prod.access, sample) == []

    def test_a_smoke_run_fails_on_what_lost_its_secrets(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """A run that always passes proves nothing."""
        need(platform, Ability.SMOKE_RUN)
        assert isinstance(platform, SmokeRunnable)
        apply(sample.wanted(first))
        prod.forget_secret()
        told = platform.smoke_run(prod.access, record_of(sample, first), 30.0)
        assert not told.passed
        assert told.summary

    def test_counting_executions_changes_nothing(
        self, platform: Platform, prod: Outside, sample: Sample, first: bytes, apply: Apply
    ) -> None:
        """What was just deployed ran at most a little, and no more of it failed than ran."""
        need(platform, Ability.EXECUTIONS)
        assert isinstance(platform, ExecutionCounting)
        apply(sample.wanted(first))
        before = prod.contents()
        told = platform.count_executions(prod.access, record_of(sample, first), "2000-01-01T00:00:00.000+00:00")
        assert 0 <= told.failed <= told.total
        assert prod.contents() == before
