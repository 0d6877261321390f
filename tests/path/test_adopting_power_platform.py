"""What runs in production on Power Platform becomes a release, though the platform lets nothing out of there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from emulated_team import found_team

from conftest import Answer, Team  # type: ignore[import-not-found]
from lampway.testing.dataverse import DataverseEmulator, Environment
from lampway.testing.dataverse.maker import Maker
from lampway.testing.solutions import Solution, call, compose, flow, id_of

SITE, PROXY, REFERENCE = "con_Site", "con_Proxy", "con_sharepoint"


def orders(version: str = "4.2.0.7", *, managed: bool, price: str = "1.19") -> Solution:
    """Return what was built long ago."""
    sharepoint = "shared_sharepointonline"
    made = Solution(name="Orders", version=version, managed=managed).reference(REFERENCE).variable(SITE)
    made.variable(PROXY, default="none")
    take = flow({"Take": call(sharepoint, "GetItems")}, references={sharepoint: REFERENCE})
    return made.flow("Price", flow({"Price": compose(price)})).flow("Take", take)


@dataclass
class Company:
    """A team of one that begins with what it has."""

    team: Team
    emulator: DataverseEmulator

    def place(self, name: str) -> Environment:
        return self.emulator.environment(name)

    def adopt(self, *words: str) -> Answer:
        return self.team.run("adopt", "prod", "orders", "--contains", "Orders", *words)

    def install(self, solution: Solution) -> None:
        """Bring it into production by hand, as was done before."""
        prod = self.place("prod")
        admin = Maker(prod.organisation, "Release application")
        admin.install(solution.build())
        prod.maker.add_connection("sharepoint-of-prod")
        prod.maker.bind(REFERENCE, "sharepoint-of-prod")
        prod.maker.set_value(SITE, "https://orders.prod.test")
        for name in ("Price", "Take"):
            admin.turn_on(name)

    def values(self) -> str:
        return (self.team.root / "environments" / "prod.yaml").read_text()


@pytest.fixture
def company(tmp_path: Path) -> Iterator[Company]:
    with DataverseEmulator(polls=1) as emulator:
        team = found_team(tmp_path, emulator)
        made = Company(team, emulator)
        made.install(orders(managed=True))
        yield made


def asked_to_change(company: Company) -> list[Any]:
    free = ("ExportSolutionAsync", "DownloadSolutionExportData", "GetOrgDbOrgSetting")
    return [
        entry
        for place in ("dev", "prod")
        for entry in company.place(place).requests
        if entry.method != "GET" and not entry.path.endswith(free)
    ]


def test_what_runs_becomes_a_release_with_what_is_given_to_it(company: Company) -> None:
    company.place("dev").maker.load(orders(managed=False).build())
    answer = company.adopt("--built-in", "dev")
    assert answer.code == 0, answer.err
    assert "orders@4.2.0 adopted from prod" in answer.out
    assert "by what flows do" in answer.out
    assert f"{SITE}: https://orders.prod.test" in company.values()
    assert "connection: sharepoint-of-prod" in company.values()
    assert PROXY not in company.values(), "it has its default"
    scan = company.team.ok("drift", "scan", "prod", "--json").json
    assert scan[0]["clean"] == ["orders"]
    assert asked_to_change(company) == []
    source = company.team.root / "solutions" / "orders" / "src" / "Other" / "Solution.xml"
    assert "<Managed>0</Managed>" in source.read_text(), "the source is what makers edit"


def test_the_next_release_is_above_what_was_adopted(company: Company) -> None:
    company.place("dev").maker.load(orders(managed=False).build())
    company.adopt("--built-in", "dev")
    company.place("dev").maker.add_flow("News", flow({"Do": compose("x")}), solution="Orders")
    assert "orders@4.3.0" in company.team.ok("release", "orders").out
    change = company.team.ok("change", "orders", "--to", "prod", "--json").json
    assert [(one["title"], one["mark"]) for one in change["pictures"]] == [("News", "added")]


def test_what_the_platform_sees_in_use_cannot_be_asked_to_go(company: Company) -> None:
    company.place("dev").maker.load(orders(managed=False).build())
    company.adopt("--built-in", "dev")
    call_it = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_of("flow Price")}}}
    reports = Solution(name="Reports", managed=True).flow("Monthly", flow({"Ask": call_it}))
    Maker(company.place("prod").organisation, "Release application").install(reports.build())
    answer = company.team.run("retire", "orders", "--reason", "nobody needs it")
    assert answer.code == 1
    assert "cannot be taken out of prod" in answer.err
    assert "Monthly" in answer.err


def test_what_was_built_on_since_is_refused_with_each_difference_and_the_package_is_taken(
    company: Company, tmp_path: Path
) -> None:
    company.place("dev").maker.load(orders("4.3.0.0", managed=False, price="2.99").build())
    answer = company.adopt("--built-in", "dev")
    assert answer.code == 1
    assert "version 4.2.0.7 is installed, and 4.3.0.0 was given" in answer.err
    assert "changed from `2.99` to `1.19`" in answer.err
    assert not (company.team.root / "solutions" / "orders").exists()
    package = tmp_path / "Orders_4_2_0_7_managed.zip"
    package.write_bytes(orders(managed=True).build())
    answer = company.adopt("--package", str(package))
    assert answer.code == 0, answer.err
    assert "orders@4.2.0 adopted from prod" in answer.out


def test_a_live_edit_keeps_it_from_being_adopted(company: Company) -> None:
    company.place("dev").maker.load(orders(managed=False).build())

    def change(whole: dict[str, Any]) -> None:
        whole["properties"]["definition"]["actions"]["Price"]["inputs"] = "0.01"

    company.place("prod").maker.edit_flow("Price", change)
    answer = company.adopt("--built-in", "dev")
    assert answer.code == 1
    assert "changed from `1.19` to `0.01`" in answer.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where it is built, --built-in ENV"),
        (("--built-in", "prod"), "prod is not where orders is built"),
        (("--built-in", "dev", "--seed", "dev"), "nothing is to be seeded"),
    ],
)
def test_without_a_place_where_it_is_built_nothing_is_adopted(
    company: Company, words: tuple[str, ...], said: str
) -> None:
    answer = company.adopt(*words)
    assert answer.code in {1, 2}
    assert said in answer.err


def test_an_unmanaged_package_is_no_package_of_production(company: Company, tmp_path: Path) -> None:
    package = tmp_path / "Orders.zip"
    package.write_bytes(orders(managed=False).build())
    answer = company.adopt("--package", str(package))
    assert answer.code == 2
    assert "unmanaged package never runs in production" in answer.err


def test_a_value_that_is_a_secret_reaches_no_file(company: Company) -> None:
    company.place("dev").maker.load(orders(managed=False).build())
    token = "ghp_" + "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"
    company.place("prod").maker.set_value(SITE, token)
    answer = company.adopt("--built-in", "dev")
    assert answer.code == 1
    assert "may be secret" in answer.err
    assert token not in answer.err + company.values()


def test_flows_that_are_off_or_somebodys_own_are_told_as_what_will_be_drift(company: Company) -> None:
    company.place("dev").maker.load(orders(managed=False).build())
    company.place("prod").maker.turn_off("Take")
    answer = company.adopt("--built-in", "dev")
    assert answer.code == 0, answer.err
    assert "flow *Take* was turned off, and will be told as drift" in answer.out


def test_what_is_in_no_solution_is_listed_and_put_into_one(company: Company) -> None:
    dev = company.place("dev").maker
    dev.load(orders(managed=False).build())
    dev.add_flow("Remind me", flow({"Do": compose("x")}))
    listed = company.team.ok("loose", "dev").out
    assert "flow Remind me, of Mia Maker, changed" in listed
    assert "lampway gather dev SOLUTION 'Remind me'" in listed
    assert "flow Remind me is in Orders now" in company.team.ok("gather", "dev", "Orders", "Remind me").out
    assert "nothing in dev is outside of solutions" in company.team.ok("loose", "dev").out
    assert "flow *Remind me* put into Orders in dev" in company.team.ok("audit", "search").out
