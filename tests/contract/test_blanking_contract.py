"""Formats that say so take values of dev out of their packages as the contract has it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from lampway.app import Platforms
from lampway.domain.capability import Ability, Support
from lampway.engine.abilities import Blankable
from lampway.engine.platform import PackageFormat, Platform
from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.blank_contract import BlankContract
from lampway.testing.memory import MemoryPlatform
from lampway.testing.memory_package import MemoryFormat, Package
from lampway.testing.solutions import Solution, compose, flow, recurrence
from lampway.testing.world import App, Part

VALUES = ("https://contoso.sharepoint.com/sites/dev", "dev-mailbox")


def memory_package(*kept: str) -> bytes:
    site, box = (f":{value}" if value else "" for value in kept)
    parts = (
        Part("p1", "Read", f"get ${{SITE{site}}}/orders in ${{BOX{box}}}", account="ERP"),
        Part("p2", "Price", f"times 1.19 for ${{SITE{site}}}", at=3),
        Part("p3", "Tell", "post ${CHAT}", plugin="chat"),
    )
    return Package("orders", "1.0.0", (App("a1", "Orders", parts),), {"VAT": "0.19"}).to_bytes()


def solution(*kept: str | None) -> bytes:
    site, box = kept
    read = flow({"Store": compose("x")}, variables={"con_Site": site, "con_Box": box}, trigger=recurrence("Hour", 2))
    tell = flow({"Tell": compose("y")}, variables={"con_Site": site})
    made = Solution().flow("Read", read).flow("Tell", tell, on=False).variable("con_Site").variable("con_Box")
    made.reference("con_sp").table("Order", ()).web_resource("con_/x.js", "function f() {}")
    return made.build()


class TestMemory(BlankContract):
    @pytest.fixture
    def form(self) -> PackageFormat:
        return MemoryFormat()

    @pytest.fixture
    def left(self) -> bytes:
        return memory_package(*VALUES)

    @pytest.fixture
    def cleared(self) -> bytes:
        return memory_package("", "")

    @pytest.fixture
    def left_values(self) -> Sequence[str]:
        return VALUES


class TestPowerPlatform(BlankContract):
    @pytest.fixture
    def form(self) -> PackageFormat:
        return SolutionFormat()

    @pytest.fixture
    def left(self) -> bytes:
        return solution(*VALUES)

    @pytest.fixture
    def cleared(self) -> bytes:
        return solution(None, None)

    @pytest.fixture
    def left_values(self) -> Sequence[str]:
        return VALUES


@pytest.mark.parametrize("platform", [*Platforms().values(), MemoryPlatform()], ids=lambda one: one.name)
def test_values_of_dev_are_taken_out_only_where_that_is_declared(platform: Platform) -> None:
    declared = {capability.name: capability.support for capability in platform.capabilities()}
    assert isinstance(platform.format, Blankable) is (declared[Ability.BLANK] in {Support.FULL, Support.PARTIAL})
