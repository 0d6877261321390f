"""The contract suite of sandboxes catches adapters that break a promise: each is the in-memory one with one fault."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from memory_places import ORDERS, REFUNDS, SAMPLE

from lampway.domain.capability import Ability
from lampway.engine.abilities import Launched
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import Package
from lampway.testing.sandbox_contract import SandboxContract

Suite = SandboxContract


class LeavesItRunning(MemoryPlatform):
    def remove_sandbox(self, folder: Path) -> None:
        del folder


class LeavesItsFolder(MemoryPlatform):
    def remove_sandbox(self, folder: Path) -> None:
        super().remove_sandbox(folder)
        folder.mkdir(parents=True, exist_ok=True)


class StartsAnotherOne(MemoryPlatform):
    def start_sandbox(self, folder: Path, **more: Any) -> Launched:
        return super().start_sandbox(folder.with_name(f"{folder.name}-{len(self.worlds)}"), **more)


class StartsTheSameForAll(MemoryPlatform):
    def start_sandbox(self, folder: Path, **more: Any) -> Launched:
        return super().start_sandbox(folder.with_name("one"), **more)


class FindsWhatIsNotThere(MemoryPlatform):
    def find_sandbox(self, folder: Path) -> Launched | None:
        self.world(f"memory://sandboxes/{folder.name}")
        return super().find_sandbox(folder)


class SaysNothing(MemoryPlatform):
    def capabilities(self) -> Any:
        return tuple(c for c in super().capabilities() if c.name is not Ability.SANDBOX)


class FailsOnNothing(MemoryPlatform):
    def remove_sandbox(self, folder: Path) -> None:
        self.worlds.pop(f"memory://sandboxes/{folder.name}")


def run(platform: MemoryPlatform, test: Callable[..., None], folder: Path) -> None:
    given = {
        "platform": platform,
        "sample": SAMPLE,
        "package": Package("orders", "1.0.0", (ORDERS, REFUNDS), {}).to_bytes(),
        "folder": folder / "try-1",
        "cache": folder / "cache",
    }
    wanted = list(inspect.signature(test).parameters)[1:]
    test(Suite(), **{name: given[name] for name in wanted})


@pytest.mark.parametrize(
    ("broken", "test"),
    [
        (LeavesItRunning, Suite.test_it_appears_takes_a_solution_and_is_gone),
        (LeavesItsFolder, Suite.test_it_appears_takes_a_solution_and_is_gone),
        (StartsAnotherOne, Suite.test_starting_it_twice_is_starting_it_once),
        (StartsTheSameForAll, Suite.test_each_is_a_place_of_its_own),
        (FindsWhatIsNotThere, Suite.test_removing_what_is_not_there_does_nothing),
        (FailsOnNothing, Suite.test_removing_what_is_not_there_does_nothing),
        (SaysNothing, Suite.test_it_is_declared),
    ],
    ids=lambda value: value.__name__,
)
def test_a_broken_promise_is_caught(broken: type[MemoryPlatform], test: Callable[..., None], tmp_path: Path) -> None:
    run(MemoryPlatform(), test, tmp_path)
    with pytest.raises((AssertionError, KeyError)):
        run(broken(), test, tmp_path)
