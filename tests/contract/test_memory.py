"""The in-memory platform keeps the contract, so that what is proved with it is true."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from memory_places import LACKING, NEIGHBOUR, ORDERS, REFUNDS, SAMPLE, Maker, strangers_to

from lampway.domain.secret import Secret
from lampway.engine.abilities import LockState
from lampway.engine.platform import Access
from lampway.errors import PlatformRefusedError, UnknownOutcomeError
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import Package
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers
from lampway.testing.sandbox_contract import SandboxContract
from lampway.testing.world import CrashError, Fault


class Places:
    """The fixtures that the suite asks for."""

    @pytest.fixture
    def platform(self) -> MemoryPlatform:
        return MemoryPlatform()

    @pytest.fixture
    def dev(self, platform: MemoryPlatform) -> Maker:
        return Maker(platform.world("memory://dev"))

    @pytest.fixture
    def prod(self, platform: MemoryPlatform) -> Maker:
        return Maker(platform.world("memory://prod"))

    @pytest.fixture
    def sample(self) -> Sample:
        return SAMPLE

    @pytest.fixture
    def neighbour(self) -> Sample:
        return NEIGHBOUR

    @pytest.fixture
    def lacking(self) -> Lacking:
        return LACKING

    @pytest.fixture
    def strangers(self, prod: Maker) -> Strangers:
        return strangers_to(prod)

    @pytest.fixture
    def saves(self, prod: Maker) -> Callable[[], bool]:
        return lambda: prod.world.save("p2", does="multiply by 1.21")


class TestMemory(Places, PlatformContract):
    pass


class TestMemorySandboxes(Places, SandboxContract):
    """Environments of it that come and go."""

    @pytest.fixture
    def package(self) -> bytes:
        return Package("orders", "1.0.0", (ORDERS, REFUNDS), {}).to_bytes()


class TestSlowMemory(Places, PlatformContract):
    """The same, where every change takes its time and is polled for."""

    @pytest.fixture
    def prod(self, platform: MemoryPlatform) -> Maker:
        world = platform.world("memory://prod")
        world.slowness = 3
        return Maker(world)

    @pytest.fixture
    def pause(self) -> Callable[[float], None]:
        return lambda seconds: None


class TestFaults(Places):
    """What a world is told to do wrong, it does wrong, so that tests of the engine test what they say."""

    @pytest.fixture
    def step(self, platform, prod, sample):
        wanted = sample.wanted(Package("orders", "1.0.0", (ORDERS, REFUNDS), {}).to_bytes())
        intent = platform.intend(prod.access, wanted, "import")
        return lambda: platform.perform(prod.access, wanted, "import", intent)

    @pytest.mark.parametrize(
        ("fault", "error", "changed"),
        [
            (Fault.REFUSED, PlatformRefusedError, False),
            (Fault.UNSENT, UnknownOutcomeError, False),
            (Fault.LOST, UnknownOutcomeError, True),
            (Fault.HALF, UnknownOutcomeError, True),
            (Fault.CRASH_BEFORE, CrashError, False),
            (Fault.CRASH_AFTER, CrashError, True),
        ],
    )
    def test_a_fault_happens_once_and_does_what_it_says(self, prod, step, fault, error, changed):
        prod.world.fail(fault)
        with pytest.raises(error):
            step()
        assert bool(prod.contents()) is changed

    def test_a_lock_is_told_as_it_is(self, platform, prod):
        maker = Access("prod", prod.access.url, {"token": Secret(prod.world.maker_token)})
        assert platform.observe_lock(prod.access, None).state is LockState.UNKNOWN
        assert platform.observe_lock(prod.access, maker).state is LockState.OPEN
        prod.world.is_locked = True
        assert platform.observe_lock(prod.access, maker).state is LockState.LOCKED

    def test_a_maker_may_look_and_not_deploy(self, platform, prod):
        maker = Access("prod", prod.access.url, {"token": Secret(prod.world.maker_token)})
        rights = platform.probe(maker)
        assert (rights.can_read, rights.can_deploy) == (True, False)
        assert rights.missing
