"""What every platform must prove. An adapter's tests subclass `PlatformContract` and give it fixtures.

    class TestMyProduct(PlatformContract):
        @pytest.fixture
        def platform(self): ...

The suite chooses its tests by the capabilities that the platform declares; a skip names the capability. It sets up
and looks behind the adapter's back, through `Outside`, and never takes the adapter's word for what happened.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import pytest

from lampway.domain.package import Inventory
from lampway.engine.platform import Platform
from lampway.testing.declared_contract import DeclaredContract
from lampway.testing.deploying_contract import DeployingContract
from lampway.testing.drift_contract import DriftContract
from lampway.testing.lock_contract import LockContract
from lampway.testing.looks import export_of
from lampway.testing.meanwhile_contract import MeanwhileContract
from lampway.testing.package_contract import PackageContract
from lampway.testing.reading_contract import ReadingContract
from lampway.testing.refusing_contract import RefusingContract
from lampway.testing.running_contract import RunningContract
from lampway.testing.sample import Apply, Lacking, Outside, Sample, Strangers
from lampway.testing.switch_contract import SwitchContract
from lampway.testing.values_contract import ValuesContract

PORT_VERSION = 3
"""Of the platform port that this suite proves. It grows when an adapter must do something it did not have to."""


class PlatformContract(
    DeclaredContract,
    PackageContract,
    ReadingContract,
    DeployingContract,
    MeanwhileContract,
    DriftContract,
    ValuesContract,
    RunningContract,
    SwitchContract,
    LockContract,
    RefusingContract,
):
    """What every platform must prove."""

    # Fixtures that must be overridden.

    @pytest.fixture
    def platform(self) -> Platform:
        """Return the adapter."""
        raise NotImplementedError

    @pytest.fixture
    def dev(self) -> Outside:
        """Return a place where makers build."""
        raise NotImplementedError

    @pytest.fixture
    def prod(self) -> Outside:
        """Return an empty place to deploy to."""
        raise NotImplementedError

    @pytest.fixture
    def sample(self) -> Sample:
        """Return a solution that asks for at least one value and, where there are secrets, one secret."""
        raise NotImplementedError

    @pytest.fixture
    def neighbour(self) -> Sample:
        """Return another solution that lives in the same places."""
        raise NotImplementedError

    @pytest.fixture
    def lacking(self) -> Lacking:
        """Return a package that needs something production does not have."""
        raise NotImplementedError

    @pytest.fixture
    def strangers(self) -> Strangers:
        """Return ways in that lead nowhere."""
        raise NotImplementedError

    # Fixtures that may be overridden.

    @pytest.fixture
    def pause(self) -> Callable[[float], None]:
        """Return what waits between two polls."""
        return time.sleep

    @pytest.fixture
    def saves(self) -> Callable[[], bool]:
        """Return what tries to save as a maker in production, past the adapter, and tells whether it was let through.

        Where the lock can be set, it must be overridden; its maker keeps one session from call to call.
        """
        raise NotImplementedError

    @pytest.fixture
    def first(self, platform: Platform, dev: Outside, sample: Sample) -> bytes:
        """Return the sample's package in version 1."""
        dev.build(1)
        return platform.format.stamp(export_of(platform, dev, sample), "1.0.0")

    @pytest.fixture
    def second(self, platform: Platform, dev: Outside, sample: Sample) -> bytes:
        """Return the sample's package in version 2."""
        dev.build(2)
        return platform.format.stamp(export_of(platform, dev, sample), "2.0.0")

    @pytest.fixture
    def apply(self, platform: Platform, prod: Outside, pause: Callable[[float], None]) -> Apply:
        """Return what deploys to production as the engine does."""
        return Apply(platform, prod.access, pause)

    @pytest.fixture
    def beside(self, platform: Platform, dev: Outside, neighbour: Sample, apply: Apply) -> Mapping[str, Inventory]:
        """Put the neighbour into production, and return it as the engine tells of other solutions."""
        dev.build(1)
        package = platform.format.stamp(export_of(platform, dev, neighbour), "1.0.0")
        apply(neighbour.wanted(package))
        return {neighbour.scope.solution: platform.format.inspect(package).inventory}
