"""What every platform must prove about errors; part of the contract suite."""

# ruff: noqa: S101 - a contract suite is made of assertions, and of fixtures
from __future__ import annotations

from lampway.engine.platform import Platform
from lampway.errors import AccessError, UnreachableError
from lampway.testing.looks import leaks_in, refusals, text_of
from lampway.testing.sample import Outside, Sample, Strangers


class RefusingContract:
    """Nobody there, and nobody we know, are two errors in our own words."""

    def test_nobody_there_is_unreachable(
        self, platform: Platform, prod: Outside, strangers: Strangers, sample: Sample, first: bytes
    ) -> None:
        """In our words, worth trying again, with no secret in them, and never taken for a changed environment."""
        for error in refusals(platform, prod, strangers.unreachable, sample, first):
            assert isinstance(error, UnreachableError)
            assert error.retryable
            assert leaks_in([text_of(error)], strangers.unreachable, sample) == []

    def test_wrong_credentials_are_told_as_such(
        self, platform: Platform, prod: Outside, strangers: Strangers, sample: Sample, first: bytes
    ) -> None:
        """Not worth trying again, and nothing was changed."""
        before = prod.contents()
        for error in refusals(platform, prod, strangers.wrong, sample, first):
            assert isinstance(error, AccessError)
            assert not error.retryable
            assert leaks_in([text_of(error)], strangers.wrong, sample) == []
        assert prod.contents() == before
