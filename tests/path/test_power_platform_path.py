"""The path, end to end, on Power Platform: through the command line, against three environments of the emulator."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.dataverse import DataverseEmulator, Environment, Faults
from lampway.testing.solutions import Solution, call, column, compose, flow

DATA = Path(__file__).parents[3] / "shared" / "data" / "power-platform"
SHAREPOINT = "shared_sharepointonline"


def orders(version: int = 1) -> Solution:
    """Return what a maker has built: a flow that calls another, a variable, a connection, in version 2 a table."""
    price = flow({"Price": compose(f"times {version}")}, references={SHAREPOINT: "con_sharepoint"})
    take = flow({"Take": call(SHAREPOINT, "GetItems")}, references={SHAREPOINT: "con_sharepoint"})
    made = Solution(name="Orders", version="1.0.0.0")
    made = made.reference("con_sharepoint").variable("con_Site").flow("Price", price).flow("Take", take)
    return made.table("Order", [column("con_number")]) if version == 2 else made


@dataclass
class Company:
    """A team whose environments are Power Platform."""

    team: Any
    emulator: DataverseEmulator

    def place(self, name: str) -> Environment:
        return self.emulator.environment(name)

    def give(self, solution: str, variables: Mapping[str, Any], references: tuple[str, ...]) -> None:
        """Write down what test and prod give to a solution, and make the connections that they name."""
        for name in ("test", "prod"):
            connections = {one: {"connection": f"{name}-{one.lower()}"} for one in references}
            for one in references:
                self.place(name).maker.add_connection(f"{name}-{one.lower()}")
            values = {"variables": dict(variables), "connections": connections}
            with (self.team.root / "environments" / f"{name}.yaml").open("a", encoding="utf-8") as file:
                file.write(f"\nsolutions:\n  {solution}: {json.dumps(values)}\n")

    def promote(self, solution: str) -> Any:
        assert self.team.run("promote", solution, "--to", "prod").code == 4, self.team.said[-1]
        return self.team.ok("approve", solution, user="ben")

    def cell(self, solution: str, environment: str) -> dict[str, Any]:
        listed = self.team.ok("status", "--json").json
        return next(c for c in listed if (c["environment"], c["solution"]) == (environment, solution))

    def change_price(self, name: str, inputs: str) -> None:
        def change(whole: dict[str, Any]) -> None:
            whole["properties"]["definition"]["actions"]["Price"]["inputs"] = inputs

        self.edit(name, "Price", change)

    def price(self, name: str) -> str:
        return str(self.place(name).maker.definition("Price")["properties"]["definition"]["actions"]["Price"]["inputs"])

    def edit_description(self, name: str, flow: str, text: str) -> None:
        def change(whole: dict[str, Any]) -> None:
            whole["properties"]["definition"]["description"] = text

        self.edit(name, flow, change)

    def edit(self, name: str, flow: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Edit a flow; in prod somebody lifts the lock for it."""
        maker = self.place(name).maker
        maker.unlock()
        maker.edit_flow(flow, change)
        if name == "prod":
            maker.lock()

    def imports(self, name: str) -> int:
        """Return how many imports did something there."""
        return sum(1 for job in self.place(name).organisation.state.jobs.values() if job.completed is not None)

    def kill(self, promotion: str, moment: str) -> None:
        """Approve as ben in a process of its own that is killed at a moment."""
        script = Path(__file__).with_name("killed.py")
        environment = {**os.environ, "LAMPWAY_USER": "ben", "LAMPWAY_KEY": str(self.team.key("ben"))}
        words = [sys.executable, str(script), str(self.team.root), promotion, moment]
        ended = subprocess.run(words, env=environment, check=False, capture_output=True, timeout=60)
        assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()

    def has_table(self, name: str) -> bool:
        return "entity:con_order" in self.place(name).organisation.state.components

    def version_in(self, name: str, solution: str) -> str:
        return self.place(name).organisation.state.solutions[solution.lower()].version


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(polls=2) as emulator:
        yield emulator


@pytest.fixture
def found(emulator: DataverseEmulator, gather_team: Callable[[], Any], tmp_path: Path) -> Callable[..., Company]:
    """Return what founds a team around one solution of the platform."""

    def found(name: str, unique_name: str) -> Company:
        team = gather_team()
        people = (
            "ada:Ada Maker:ada@example.org:maker,approver,platform-admin",
            "ben:Ben Approver:ben@example.org:approver,platform-admin",
        )
        team.ok("init", "--platform", "power-platform", *(word for one in people for word in ("--person", one)))
        team.ok("key", "create", "--add", user="ben")
        (tmp_path / "client-secret").write_text(emulator.client_secret)
        (tmp_path / "client-secret").chmod(0o600)
        told = {"tenant": emulator.tenant_id, "client_id": emulator.client_id, "authority": emulator.authority}
        told |= {"poll_seconds": "0.01"}
        words = [word for key, value in told.items() for word in ("--setting", f"{key}={value}")]
        words += ["--access", f"client_secret=file:{tmp_path / 'client-secret'}", "--platform", "power-platform"]
        emulator.environment("prod").maker.lock()
        for place in ("dev", "test", "prod"):
            admin = ["--setting", f"environment_id={emulator.environment(place).id}"]
            admin += ["--setting", f"admin_url={emulator.authority}"]
            team.ok("connect", place, emulator.environment(place).url, *words, *admin)
        folder = team.root / "solutions" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "checks").mkdir()
        (folder / "checks" / "smoke.py").write_text("")
        check = "checks:\n  - {name: smoke, kind: functional, command: [python, checks/smoke.py]}\n"
        text = (
            f"pipeline: standard\nowner: ada\ncontains: [{unique_name}]\nrollback_plan: rows stay or go with tables\n"
        )
        (folder / "solution.yaml").write_text(text + check)
        return Company(team, emulator)

    return found


@pytest.fixture
def company(found: Callable[..., Company]) -> Company:
    """Return a company with an order intake in dev."""
    company = found("orders", "Orders")
    company.place("dev").maker.load(orders().build())
    company.give("orders", {"con_Site": "https://contoso.example.org/sites/orders"}, ("con_sharepoint",))
    company.team.ok("strategy", "apply", "-m", "First strategy")
    return company


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
