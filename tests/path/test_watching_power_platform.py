"""Before anything is governed: what was edited live on Power Platform since yesterday, in a maker's words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from emulated_team import found_team

from conftest import Team  # type: ignore[import-not-found]
from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.dataverse.layering import edit
from lampway.testing.dataverse.package import Part
from lampway.testing.solutions import Solution, column, compose, flow

SECRET = "q8Zf3vT1xLr7Wm2Kd9Yb5Hc0Nj4Sg6Pa"


def orders(version: str = "1.0.0.0") -> Solution:
    made = Solution(name="Orders", version=version, managed=True).reference("con_sharepoint").variable("con_Site")
    made.flow("Price", flow({"Price": compose("1.19")}, variables={"con_Site": "https://dev.test"}))
    return made.table("Order", [column("con_total", "decimal")])


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[tuple[Team, Environment]]:
    with DataverseEmulator(polls=1) as emulator:
        prod = emulator.environment("prod")
        prod.maker.install(orders().build())
        team = found_team(tmp_path, emulator)
        first = team.ok("watch", "prod", "--once")
        assert "looked at for the first time" in first.out
        yield team, prod


def lines(team: Team) -> list[str]:
    answer = team.run("watch", "prod", "--once")
    assert answer.code == (1 if "live edit" in answer.out else 0), answer
    return [line.strip(" -") for line in answer.out.splitlines() if line.startswith("  - ")]


def edit_price(prod: Environment, inputs: str) -> None:
    def change(whole: dict[str, Any]) -> None:
        whole["properties"]["definition"]["actions"]["Price"]["inputs"] = inputs

    prod.maker.edit_flow("Price", change)


def test_nothing_is_told_where_nothing_was_edited(watched: tuple[Team, Environment]) -> None:
    team, prod = watched
    count = len(prod.requests)
    assert lines(team) == []
    assert {entry.method for entry in prod.requests[count:]} == {"GET"}


def test_every_kind_of_edit_is_told_once(watched: tuple[Team, Environment]) -> None:
    team, prod = watched
    edit_price(prod, "2.99")
    prod.maker.add_flow("Private", flow({"Do": compose("x")}))
    prod.maker.set_value("con_Site", "https://secret.place")
    prod.maker.add_connection("another")
    prod.maker.bind("con_sharepoint", "another")
    table = prod.maker.component("entity", "con_Order").part
    changed = table.header.replace('LocalizedName="Order"', 'LocalizedName="Purchase"')
    part = Part(table.kind, table.key, table.name, table.id, table.section, changed, table.files)
    edit(prod.organisation, part, prod.maker.user.id)
    told = lines(team)
    assert told[:2] == [
        "flow *Private* added",
        "flow *Price*: action *Price*: what it is given changed from `1.19` to `2.99`",
    ]
    assert "connection reference *con_sharepoint*: stands for another; before: stands for no connection" in told
    assert "variable con_site given a value" in told
    assert any(line.startswith("table *") and line.endswith(": edited in place") for line in told)
    assert "secret.place" not in " ".join(told)
    assert lines(team) == []


def test_another_version_and_what_is_gone_are_told(watched: tuple[Team, Environment]) -> None:
    team, prod = watched
    prod.maker.install(orders("1.1.0.0").build(), upgrade=True)
    prod.maker.set_value("con_Site", "https://prod.test")
    prod.maker.turn_on("Price")
    told = lines(team)
    assert "solution *Orders*: version 1.1.0.0, managed; before: version 1.0.0.0, managed" in told
    assert "flow *Price*: turned on" in told
    prod.maker.lose("workflow", "Price")
    assert "flow *Price* removed" in lines(team)


def test_a_secret_that_somebody_typed_in_is_neither_kept_nor_told(
    watched: tuple[Team, Environment], tmp_path: Path
) -> None:
    team, prod = watched
    edit_price(prod, f"https://erp.test/?code={SECRET}&sig={SECRET}")
    told = lines(team)
    assert told
    assert SECRET not in " ".join(told)
    for file in (tmp_path / "home", tmp_path):
        for path in file.rglob("*"):
            assert not (path.is_file() and SECRET.encode() in path.read_bytes()), path
