"""The path, end to end, on Power Platform: through the command line, against three environments of the emulator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from power_platform_company import Company, found_company, orders, with_orders

from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.dataverse import DataverseEmulator, Faults

DATA = Path(__file__).parents[3] / "shared" / "data" / "power-platform"


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(polls=2) as emulator:
        yield emulator


@pytest.fixture
def found(emulator: DataverseEmulator, gather_team: Callable[[], Any], tmp_path: Path) -> Callable[..., Company]:
    """Return what founds a team around one solution of the platform."""
    return lambda name, unique_name: found_company(gather_team(), emulator, tmp_path, name, unique_name)


@pytest.fixture
def company(found: Callable[..., Company]) -> Company:
    return with_orders(found("orders", "Orders"))


def test_a_change_goes_from_dev_to_prod_with_one_command_and_one_decision(company: Company) -> None:
    assert company.team.ok("drift", "scan", "prod").out.splitlines()[-1] == "prod: nothing is installed there yet"
    before = len(company.team.said)
    assert company.team.run("release", "orders", "--promote", "prod").code == 4
    told = company.team.ok("approve", "orders", user="ben")
    assert len(company.team.said) - before == 2
    assert "deployed and verified" in told.out
    held = company.place("prod").organisation.state.solutions["orders"]
    assert (held.managed, held.version) == (True, "1.0.0")
    assert company.place("prod").maker.is_on("Price")
    assert company.place("prod").maker.is_on("Take")


def test_the_managed_form_is_sealed_and_the_unmanaged_one_is_the_source(company: Company) -> None:
    made = company.team.ok("release", "orders", "--json").json
    assert made["release"] == "orders@1.0.0"
    source = (company.team.root / "solutions/orders/src/Other/Solution.xml").read_text()
    assert "<Managed>0</Managed>" in source
    company.promote("orders")
    assert company.cell("orders", "prod")["state"] == "verified"
    assert "nothing changed" in company.team.ok("release", "orders").out


def test_what_dev_calls_its_version_is_no_part_of_a_change(company: Company) -> None:
    company.team.ok("release", "orders")
    company.change_price("dev", "quantity times 1.25")
    made = company.team.ok("release", "orders", "--promote", "test", "--json").json
    assert (made["release"], [p["state"] for p in made["promotions"]]) == ("orders@1.0.1", ["succeeded"])
    made = " ".join([*made["changes"], *made["notes"]])
    assert "action *Price*" in made
    assert "version" not in made


def test_a_live_edit_is_found_and_blocks_until_somebody_goes_back(company: Company) -> None:
    company.team.ok("release", "orders")
    company.promote("orders")
    company.change_price("dev", "times 2")
    company.team.ok("release", "orders")
    company.promote("orders")
    company.change_price("prod", "times 100")
    scan = company.team.run("drift", "scan", "prod")
    assert scan.code == 1
    assert "Price" in scan.out
    company.change_price("dev", "times 3")
    company.team.ok("release", "orders")
    blocked = company.team.run("promote", "orders", "--to", "prod")
    assert blocked.code == 1
    assert "edited live" in blocked.out
    plan = company.team.ok("rollback", "orders", "--in", "prod", "--plan").out
    assert "under version" in plan
    assert "overwrites a live edit" in plan
    company.team.ok("rollback", "orders", "--in", "prod", "--reason", "wrong price")
    assert company.price("prod") == "times 1"
    assert company.cell("orders", "prod")["version"] == "1.0.0"
    held = company.place("prod").organisation.state.solutions["orders"]
    assert held.version.count(".") == 3
    assert "Lampway: Orders 1.0.0 as" in held.description
    assert company.team.run("drift", "scan", "prod").code == 0
    assert company.team.run("promote", "orders", "--to", "prod").code == 4
    company.team.ok("approve", "orders", user="ben")
    assert company.price("prod") == "times 3"


def test_a_live_edit_is_reverted_without_another_version(company: Company) -> None:
    company.team.ok("release", "orders")
    company.promote("orders")
    company.change_price("prod", "times 100")
    company.place("prod").maker.set_value("con_Site", "https://elsewhere.example.org")
    company.place("prod").maker.turn_off("Take")
    assert company.team.run("drift", "scan", "prod").code == 1
    company.team.ok("drift", "revert", "orders", "--in", "prod", user="ben")
    assert company.price("prod") == "times 1"
    assert company.place("prod").maker.is_on("Take")
    assert company.version_in("prod", "orders") == "1.0.0"
    assert company.team.run("drift", "scan", "prod").code == 0


def test_going_back_over_a_table_asks_to_accept_the_loss_and_backs_up_first(company: Company) -> None:
    company.team.ok("release", "orders")
    company.promote("orders")
    company.place("dev").maker.load(orders(2).build())
    company.team.ok("release", "orders")
    company.promote("orders")
    company.place("prod").maker.set_rows("con_order", 12)
    refused = company.team.run("rollback", "orders", "--in", "prod", "--reason", "wrong")
    assert refused.code == 1
    assert "destroys data" in refused.err
    assert "--accept-loss" in refused.err
    assert company.place("prod").maker.rows("con_order") == 12
    company.team.ok("rollback", "orders", "--in", "prod", "--reason", "wrong", "--accept-loss")
    assert company.place("prod").maker.lost_rows()
    backups = company.emulator.administration.backups[company.place("prod").id]
    assert [one["label"].rpartition(" ")[0] for one in backups] == ["lampway orders 1.0.0"]


def test_what_brought_a_table_is_taken_out_only_where_its_loss_is_accepted(company: Company) -> None:
    company.place("dev").maker.load(orders(2).build())
    company.team.ok("release", "orders")
    company.promote("orders")
    words = ("rollback", "orders", "--in", "prod", "--remove", "--reason", "no longer needed")
    refused = company.team.run(*words)
    assert refused.code == 1
    assert "table Order, with its data" in refused.err
    company.team.ok(*words, "--accept-loss")
    assert not company.has_table("prod")


def test_what_is_taken_out_is_uninstalled(company: Company) -> None:
    company.team.ok("release", "orders")
    company.promote("orders")
    company.team.ok("rollback", "orders", "--in", "prod", "--remove", "--reason", "no longer needed")
    assert "orders" not in company.place("prod").organisation.state.solutions


def _lose_the_request(faults: Faults) -> None:
    faults.cut_before("ImportSolutionAsync")


def _lose_the_answer(faults: Faults) -> None:
    faults.cut_after("ImportSolutionAsync")


def _throttle(faults: Faults) -> None:
    faults.throttle("ImportSolutionAsync", retry_after=0)


def _be_unavailable(faults: Faults) -> None:
    faults.unavailable("ImportSolutionAsync")


def _be_slow(faults: Faults) -> None:
    faults.slow_operation(12, message="ImportSolutionAsync")


def _lose_an_answer_about_it(faults: Faults) -> None:
    faults.cut_before("asyncoperations", times=2)


def _lose_the_flows(faults: Faults) -> None:
    faults.cut_after("workflows\\(", method="PATCH")


TROUBLES = (
    _lose_the_request,
    _lose_the_answer,
    _throttle,
    _be_unavailable,
    _be_slow,
    _lose_an_answer_about_it,
    _lose_the_flows,
)


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda one: one.__name__.strip("_"))
def test_whatever_happens_on_the_way_is_resolved_by_looking(
    company: Company, trouble: Callable[[Faults], None]
) -> None:
    company.team.ok("release", "orders")
    assert company.team.run("promote", "orders", "--to", "prod").code == 4
    trouble(company.place("prod").faults)
    company.team.ok("approve", "orders", user="ben")
    assert company.cell("orders", "prod")["state"] == "verified"
    assert company.imports("prod") == 1
    assert not company.place("prod").faults.requests


def test_an_import_that_fails_tells_the_platforms_own_words(company: Company) -> None:
    company.team.ok("release", "orders")
    assert company.team.run("promote", "orders", "--to", "prod").code == 4
    company.place("prod").faults.fail_operation(
        "The flow cannot be saved: quota exceeded.", message="ImportSolutionAsync"
    )
    failed = company.team.run("approve", "orders", user="ben")
    assert failed.code != 0
    assert "quota exceeded" in failed.out + failed.err
    assert company.cell("orders", "prod")["state"] != "verified"


@pytest.mark.parametrize(
    "moment", ["step-started:import", "after-perform", "step-running:import", "step-finished:import"]
)
def test_a_process_that_is_killed_is_taken_up_where_it_stopped(company: Company, moment: str) -> None:
    company.team.ok("release", "orders")
    company.team.run("promote", "orders", "--to", "prod")
    promotion = company.team.ok("inbox", "--json", user="ben").json[0]["id"]
    company.kill(promotion, moment)
    company.team.ok("resume")
    assert company.cell("orders", "prod")["state"] == "verified"
    assert company.imports("prod") == 1


PUBLISHED = {
    "BillingPolicyManagement": ("BillingPolicyManagement_1_0_0_3_unmanaged.zip", ""),
    "FoodSignUpAutomation": (
        "FoodSignUpAutomation_1_0_0_2_unmanaged.zip",
        "FoodSignUpAutomation_1_0_0_4_unmanaged.zip",
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_solution_that_people_have_published_goes_the_whole_way_and_back(
    found: Callable[..., Company], name: str
) -> None:
    files = [DATA / file for file in PUBLISHED[name] if file]
    if not all(file.is_file() for file in files):
        pytest.skip("the collection of published solutions is not on this machine")
    company = found("published", name)
    first = files[0].read_bytes()
    company.place("dev").maker.load(first)
    references = SolutionFormat().inspect(first).inventory.connections
    company.give("published", {}, tuple(one.name for one in references))
    company.team.ok("strategy", "apply", "-m", "First strategy")
    company.team.ok("release", "published")
    company.promote("published")
    flow = next(
        one for one in company.place("prod").organisation.state.of_kind("workflow") if one.live.get("statecode")
    )
    for file in files[1:]:
        company.place("dev").maker.load(file.read_bytes())
        company.team.ok("release", "published")
        company.promote("published")
    if not files[1:]:
        company.edit_description("dev", flow.part.name, "another build")
        company.team.ok("release", "published")
        company.promote("published")
    company.edit_description("prod", flow.part.name, "edited live")
    assert company.team.run("drift", "scan", "prod").code == 1
    company.edit_description("dev", flow.part.name, "yet another build")
    company.team.ok("release", "published")
    assert company.team.run("promote", "published", "--to", "prod").code == 1
    company.team.ok("rollback", "published", "--in", "prod", "--reason", "wrong", "--accept-loss")
    assert company.cell("published", "prod")["version"] == "1.0.0"
    assert company.team.run("drift", "scan", "prod").code == 0


def test_an_upgrade_and_the_way_back_are_rehearsed_below_production(company: Company) -> None:
    company.team.ok("release", "orders")
    company.promote("orders")
    company.change_price("dev", "times 2")
    company.team.ok("release", "orders")
    told = company.team.ok("rehearse", "orders").out
    assert "succeeded" in told
    assert company.version_in("prod", "orders") == "1.0.0"
    assert company.version_in("test", "orders") != "1.0.0"


def test_nothing_that_destroys_data_goes_back_by_itself(company: Company) -> None:
    strategy = company.team.root / "lampway.yaml"
    stage = "      - name: prod\n"
    assert stage in strategy.read_text()
    strategy.write_text(strategy.read_text().replace(stage, stage + "        watch: {then: rollback}\n", 1))
    company.team.settle_strategy("Go back by itself")
    company.team.ok("release", "orders")
    company.promote("orders")
    company.place("dev").maker.load(orders(2).build())
    smoke = company.team.root / "solutions/orders/checks/smoke.py"
    smoke.write_text("import os, sys\nsys.exit(os.environ['LAMPWAY_ENVIRONMENT'] == 'prod')\n")
    company.team.settle_strategy("A check that fails in prod")
    company.team.ok("release", "orders")
    assert company.team.run("promote", "orders", "--to", "prod").code == 4
    failed = company.team.run("approve", "orders", user="ben")
    assert failed.code != 0
    assert "going back would destroy data" in failed.out + failed.err
    assert company.has_table("prod")


def test_what_nobody_needs_is_switched_off_before_it_is_removed(company: Company) -> None:
    company.team.ok("release", "orders")
    company.promote("orders")
    assert company.team.run("retire", "orders", "--reason", "nobody uses it").code == 4
    company.team.ok("retire", "orders", "--approve", user="ben")
    assert not company.place("prod").maker.is_on("Price")
    assert "orders" in company.place("prod").organisation.state.solutions
    company.team.ok("retire", "orders", "--undo", "--reason", "somebody does")
    assert company.place("prod").maker.is_on("Price")
