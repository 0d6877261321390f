"""The counting platform keeps the contract, and its worlds outlive whoever deploys to them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from memory_places import LACKING, NEIGHBOUR, ORDERS, REFUNDS, SAMPLE, Maker, strangers_to

from lampway.engine.platform import Found
from lampway.errors import PlatformRefusedError, UnknownOutcomeError
from lampway.testing.counting import CountingPlatform
from lampway.testing.memory_package import Package
from lampway.testing.platform_contract import PlatformContract
from lampway.testing.sample import Lacking, Sample, Strangers
from lampway.testing.world import Fault, World


class FarMaker:
    """A maker whose world is in a file: each thing they do is one visit."""

    def __init__(self, platform: CountingPlatform, url: str) -> None:
        self.platform, self.url = platform, url
        with platform.at(url) as world:
            maker = Maker(world)
        self.access, self.private = maker.access, maker.private

    def _visit(self, does: Callable[[Maker], object]) -> object:
        with self.platform.at(self.url) as world:
            return does(Maker(world))

    def build(self, version: int) -> None:
        self._visit(lambda maker: maker.build(version))

    def contents(self) -> Mapping[str, object]:
        return self._visit(lambda maker: maker.contents())

    def stored(self) -> Mapping[str, object]:
        return self._visit(lambda maker: maker.stored())

    def edit(self) -> str:
        return self._visit(lambda maker: maker.edit())

    def save(self) -> bool:
        return bool(self._visit(lambda maker: maker.world.save("p2", does="multiply by 1.21")))

    def edit_elsewhere(self) -> None:
        self._visit(lambda maker: maker.edit_elsewhere())

    def move(self) -> bool:
        return self._visit(lambda maker: maker.move())

    def change_value(self) -> str:
        return self._visit(lambda maker: maker.change_value())

    def forget_secret(self) -> None:
        self._visit(lambda maker: maker.forget_secret())

    def runs(self) -> bool:
        return self._visit(lambda maker: maker.runs())

    def switch_live(self, *, on: bool) -> None:
        self._visit(lambda maker: maker.switch_live(on=on))


class Places:
    """The fixtures that the suite asks for."""

    @pytest.fixture
    def platform(self, tmp_path: Path) -> Iterator[CountingPlatform]:
        made = CountingPlatform(tmp_path / "worlds.db")
        yield made
        made.close()

    @pytest.fixture
    def dev(self, platform: CountingPlatform) -> FarMaker:
        return FarMaker(platform, "memory://dev")

    @pytest.fixture
    def prod(self, platform: CountingPlatform) -> FarMaker:
        return FarMaker(platform, "memory://prod")

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
    def saves(self, prod: FarMaker) -> Callable[[], bool]:
        return prod.save

    @pytest.fixture
    def strangers(self, prod: FarMaker) -> Strangers:
        return strangers_to(Maker(World("memory://prod")))


class TestCounting(Places, PlatformContract):
    pass


class TestCountingBlindly(Places, PlatformContract):
    """Without a precondition it declares so, and keeps everything else."""

    @pytest.fixture
    def platform(self, tmp_path: Path) -> Iterator[CountingPlatform]:
        made = CountingPlatform(tmp_path / "worlds.db", has_precondition=False)
        yield made
        made.close()


class TestOutliving(Places):
    @pytest.fixture
    def step(self, platform, prod, sample):
        wanted = sample.wanted(Package("orders", "1.0.0", (ORDERS, REFUNDS), {}).to_bytes())
        intent = platform.intend(prod.access, wanted, "import")
        return lambda: platform.perform(prod.access, wanted, "import", intent)

    @pytest.mark.parametrize(
        ("takes", "applied"), [((30.0, 0.0), []), ((0.0, 30.0), [("import", "orders", "1.0.0")])], ids=str
    )
    def test_a_killed_caller_leaves_a_change_made_or_not_made(self, platform, prod, step, takes, applied):
        with platform.at(prod.url) as world:
            world.takes = takes
        child = multiprocessing.get_context("fork").Process(target=step)
        child.start()
        _until(lambda: _begun(platform, prod.url) and (not applied or _applied(platform, prod.url)))
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        assert _applied(platform, prod.url) == applied

    def test_two_processes_at_once_are_counted(self, platform, prod, step):
        with platform.at(prod.url) as world:
            world.takes = (30.0, 0.0)
        child = multiprocessing.get_context("fork").Process(target=step)
        child.start()
        _until(lambda: _begun(platform, prod.url))
        with platform.at(prod.url) as world:
            world.takes = (0.0, 0.0)
        step()
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        with platform.at(prod.url) as world:
            assert world.interleaved == 1

    @pytest.mark.parametrize(
        ("fault", "error", "applied"),
        [(Fault.FALSE_NO, PlatformRefusedError, 1), (Fault.LOST, UnknownOutcomeError, 1), (Fault.FALSE_YES, None, 0)],
    )
    def test_it_lies_as_it_was_told(self, platform, prod, step, fault, error, applied):
        with platform.at(prod.url) as world:
            world.fail(fault)
        if error:
            with pytest.raises(error):
                step()
        else:
            step()
        assert len(_applied(platform, prod.url)) == applied

    def test_a_late_change_is_seen_under_way_and_then_made(self, platform, prod, sample):
        wanted = sample.wanted(Package("orders", "1.0.0", (ORDERS, REFUNDS), {}).to_bytes())
        intent = platform.intend(prod.access, wanted, "import")
        with platform.at(prod.url) as world:
            world.slowness = 2
            world.fail(Fault.LATE)
        with pytest.raises(UnknownOutcomeError):
            platform.perform(prod.access, wanted, "import", intent)
        seen = [platform.look_up(prod.access, wanted, "import", intent) for _ in range(3)]
        assert seen == [Found.RUNNING, Found.REACHED, Found.REACHED]
        assert len(_applied(platform, prod.url)) == 1


def _until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.01)


def _begun(platform: CountingPlatform, url: str) -> bool:
    with platform.at(url) as world:
        return bool(world.under_way)


def _applied(platform: CountingPlatform, url: str) -> list[tuple[str, str, str]]:
    with platform.at(url) as world:
        return world.applied
