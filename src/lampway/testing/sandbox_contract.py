"""What every adapter that declares sandboxes must do: subclass `SandboxContract` beside the other suite."""
# ruff: noqa: S101 - a contract suite is made of assertions

from __future__ import annotations

from pathlib import Path

import pytest

from lampway.domain.capability import Ability, Support
from lampway.engine.abilities import Disposable, Launched
from lampway.engine.platform import Access, Platform
from lampway.errors import UnreachableError
from lampway.testing.sample import Apply, Sample


class SandboxContract:
    """Environments that appear, are used, and are gone without a trace."""

    # Must be given by the adapter's test.

    @pytest.fixture
    def platform(self) -> Platform:
        """Return the adapter."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self) -> Sample:
        """Return a solution, with the values and secrets that a place gives to it."""
        raise NotImplementedError

    @pytest.fixture
    def package(self) -> bytes:
        """Return a package of the sample."""
        raise NotImplementedError

    # May be given.

    @pytest.fixture
    def cache(self, tmp_path: Path) -> Path:
        """Return where the product is installed."""
        return tmp_path / "cache"

    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        """Return a folder that is not there yet."""
        return tmp_path / "grounds" / "try-1"

    # The promises.

    def test_it_is_declared(self, platform: Platform) -> None:
        """What is not said is not known."""
        declared = {c.name: c.support for c in platform.capabilities()}
        assert declared[Ability.SANDBOX] in {Support.FULL, Support.PARTIAL}
        assert isinstance(platform, Disposable)

    def test_it_appears_takes_a_solution_and_is_gone(
        self, platform: Platform, sample: Sample, package: bytes, folder: Path, cache: Path
    ) -> None:
        """From nothing to nothing, with an ordinary deployment in between."""
        assert isinstance(platform, Disposable)
        assert platform.find_sandbox(folder) is None
        launched = platform.start_sandbox(folder, name="try", cache=cache)
        try:
            access = _access(launched)
            assert platform.probe(access).can_deploy
            assert platform.observe(access, {}).unowned == ()
            Apply(platform, access, lambda _: None)(sample.wanted(package))
            assert platform.find_sandbox(folder) == launched
        finally:
            platform.remove_sandbox(folder)
        assert platform.find_sandbox(folder) is None
        assert not folder.exists()
        with pytest.raises(UnreachableError):
            platform.probe(access)

    def test_starting_it_twice_is_starting_it_once(self, platform: Platform, folder: Path, cache: Path) -> None:
        """Whoever goes on after a crash starts it again."""
        assert isinstance(platform, Disposable)
        try:
            first = platform.start_sandbox(folder, name="try", cache=cache)
            assert platform.start_sandbox(folder, name="try", cache=cache) == first
        finally:
            platform.remove_sandbox(folder)

    def test_removing_what_is_not_there_does_nothing(self, platform: Platform, folder: Path) -> None:
        """Whoever goes on after a crash removes it again."""
        assert isinstance(platform, Disposable)
        platform.remove_sandbox(folder)
        platform.remove_sandbox(folder)
        assert platform.find_sandbox(folder) is None

    def test_each_is_a_place_of_its_own(self, platform: Platform, folder: Path, cache: Path) -> None:
        """Removing one leaves the other."""
        assert isinstance(platform, Disposable)
        other = folder.with_name("try-2")
        try:
            first = platform.start_sandbox(folder, name="try", cache=cache)
            second = platform.start_sandbox(other, name="try", cache=cache)
            assert first.url != second.url
            platform.remove_sandbox(folder)
            assert platform.find_sandbox(other) == second
            assert platform.probe(_access(second)).can_read
        finally:
            platform.remove_sandbox(folder)
            platform.remove_sandbox(other)


def _access(launched: Launched) -> Access:
    return Access("try", launched.url, launched.credentials)
