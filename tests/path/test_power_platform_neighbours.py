"""What other teams and other solutions do in the same environment, met on the whole path through the command line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from power_platform_company import SHAREPOINT, Company, found_company, with_orders

from lampway.testing.dataverse import DataverseEmulator
from lampway.testing.dataverse.rows import rows_of
from lampway.testing.solutions import Solution, call, flow


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(polls=2) as emulator:
        yield emulator


@pytest.fixture
def company(emulator: DataverseEmulator, gather_team: Callable[[], Any], tmp_path: Path) -> Company:
    return with_orders(found_company(gather_team(), emulator, tmp_path, "orders", "Orders"))


def test_an_import_of_others_that_hangs_is_left_to_a_person_and_the_environment_stays_taken(company: Company) -> None:
    """Somebody cancels both there, says that ours did not happen, and then it goes its way."""
    with (company.team.root / "environments" / "prod.yaml").open("a", encoding="utf-8") as file:
        file.write("longest_wait: 1s\n")
    company.team.run("strategy", "apply", "-m", "Wait a second")
    company.team.ok("strategy", "apply", user="ben")
    company.team.ok("release", "orders")
    assert company.team.run("promote", "orders", "--to", "prod").code == 4
    company.place("prod").maker.begin_import()
    left = company.team.run("approve", "orders", user="ben")
    assert left.code == 3
    assert "waits for another import" in left.err
    assert "started by Mia Maker, after 1 s" in left.out + left.err
    assert company.cell("orders", "prod")["state"] == "reconcile"
    assert "waits for another import of Mia" in company.team.ok("audit", "search", "--kind", "step-hindered").out
    company.place("prod").maker.cancel_imports()
    assert company.team.run("resume").code == 3
    assert company.imports("prod") == 0
    said = ("--did-not-happen", "--reason", "cancelled there, both of them")
    company.team.run("reconcile", "orders", "--in", "prod", *said, user="ben")
    assert company.team.run("promote", "orders", "--to", "prod").code == 4
    company.team.ok("approve", "orders", user="ben")
    assert company.cell("orders", "prod")["state"] == "verified"


@pytest.fixture
def neighbours(company: Company) -> Company:
    """Return a company in which billing reads the same site as orders, which runs in prod; prod gives it another."""
    uses = flow({"Bill": call(SHAREPOINT, "GetItems")}, references={SHAREPOINT: "con_sharepoint"})
    bills = Solution(name="Billing", version="1.0.0.0").reference("con_sharepoint").variable("con_Site")
    company.place("dev").maker.load(bills.flow("Bill", uses).build())
    folder = company.team.root / "solutions" / "billing"
    folder.mkdir(parents=True)
    text = "pipeline: standard\nowner: ada\ncontains: [Billing]\nrollback_plan: nothing is lost\n"
    check = "checks:\n  - {name: smoke, kind: functional, command: [python, -c, pass]}\n"
    (folder / "solution.yaml").write_text(text + check)
    for name, site in (("test", "orders"), ("prod", "bills")):
        given = {
            "variables": {"CON_SITE": f"https://contoso.example.org/sites/{site}"},
            "connections": {"con_SharePoint": {"connection": f"{name}-con_sharepoint"}},
        }
        with (company.team.root / "environments" / f"{name}.yaml").open("a", encoding="utf-8") as file:
            file.write(f"  billing: {json.dumps(given)}\n")
    company.team.run("strategy", "apply", "-m", "Billing")
    company.team.ok("strategy", "apply", user="ben")
    company.team.ok("release", "orders")
    company.promote("orders")
    company.team.ok("release", "billing")
    return company


def site_in(company: Company, name: str) -> str:
    (row,) = rows_of(company.place(name).organisation, "environmentvariablevalues")
    return str(row["value"])


def test_two_solutions_that_share_a_value_do_not_overwrite_each_other(neighbours: Company) -> None:
    """In test both are given the same, however it is spelled; in prod they are not, and nothing is changed there."""
    assert neighbours.team.run("promote", "billing", "--to", "prod").code == 4
    assert neighbours.cell("billing", "test")["state"] == "verified"
    told = "variable con_Site is shared with orders"
    assert f"note: {told}, and given the same by" in neighbours.team.run("explain", "billing", "--to", "test").out
    explained = neighbours.team.run("explain", "billing", "--to", "prod").out
    clash = f"{told}, and `solutions: billing: variables` of environments/prod.yaml gives another value than"
    assert f"{clash} `solutions: orders: variables` of environments/prod.yaml" in " ".join(explained.split())
    neighbours.team.run("approve", "billing", user="ben")
    assert neighbours.cell("billing", "prod")["state"] == "absent"
    assert site_in(neighbours, "prod").endswith("/orders")
    mended = neighbours.team.root / "environments" / "prod.yaml"
    mended.write_text(mended.read_text().replace("sites/bills", "sites/orders"))
    neighbours.team.run("strategy", "apply", "-m", "One site")
    neighbours.team.ok("strategy", "apply", user="ben")
    assert neighbours.team.run("promote", "billing", "--to", "prod").code == 4
    neighbours.team.ok("approve", "billing", user="ben")
    assert neighbours.cell("billing", "prod")["state"] == "verified"
    assert site_in(neighbours, "prod").endswith("/orders")


def test_a_value_that_is_taken_out_of_the_file_falls_back_to_its_default_and_comes_back(company: Company) -> None:
    """On the way forward; going back to the configuration of before gives it again."""
    files = [company.team.root / "environments" / f"{name}.yaml" for name in ("test", "prod")]
    company.place("dev").maker.add_variable("con_Rate", default="7", solution="Orders")

    def rewrite(old: str, new: str) -> None:
        for file in files:
            file.write_text(file.read_text().replace(old, new))
        company.team.run("strategy", "apply", "-m", "Another rate")
        company.team.ok("strategy", "apply", user="ben")

    def rate() -> list[str]:
        rows = rows_of(company.place("prod").organisation, "environmentvariablevalues")
        return [row["value"] for row in rows if "Rate" in str(row)]

    rewrite('"con_Site":', '"con_rate": "9", "con_Site":')
    company.team.ok("release", "orders")
    company.promote("orders")
    assert rate() == ["9"]
    rewrite('"con_rate": "9", ', "")
    company.change_price("dev", "times 2")
    company.team.ok("release", "orders")
    plan = company.team.run("explain", "orders", "--to", "prod").out
    assert "take back values: remove values that are no longer given" in plan
    company.promote("orders")
    assert company.cell("orders", "prod")["state"] == "verified"
    assert rate() == []
    company.team.ok("rollback", "orders", "--in", "prod", "--reason", "the old rate was right")
    assert company.cell("orders", "prod")["state"] == "verified"
    assert rate() == ["9"]
