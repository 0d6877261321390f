"""The emulator: what comes over what is there, what goes away with it, and what keeps it out."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from emulated_orders import brought_in, installed, opened, orders, refused, rows, text, until_done
from hypothesis import given
from hypothesis import strategies as st

from lampway.platforms.powerplatform.package import SolutionFormat
from lampway.testing.dataverse import DataverseEmulator, Environment, RefusedError
from lampway.testing.dataverse.exporting import export_solution
from lampway.testing.dataverse.importing import Wish, import_package
from lampway.testing.dataverse.organisation import Organisation, fresh_state
from lampway.testing.dataverse.package import read_package
from lampway.testing.dataverse.removing import promote, uninstall
from lampway.testing.solutions import Solution, column, compose, flow

DATA = Path(os.environ.get("LAMPWAY_SOLUTIONS", Path(__file__).parents[4] / "shared" / "data" / "power-platform"))
UPGRADE = "StageAndUpgradeAsync"


@pytest.fixture
def emulator() -> Iterator[DataverseEmulator]:
    with DataverseEmulator(["prod"], polls=1) as emulator:
        yield emulator


@pytest.fixture
def prod(emulator: DataverseEmulator) -> Environment:
    return emulator.environment("prod")


@pytest.fixture
def client(emulator: DataverseEmulator) -> Iterator[httpx.Client]:
    with opened(emulator, "prod") as client:
        yield client


def version(client: httpx.Client, name: str = "Orders") -> str:
    return str(rows(client, f"solutions?$filter=uniquename eq '{name}'")[0]["version"])


def flows(client: httpx.Client) -> list[str]:
    return sorted(one["name"] for one in rows(client, "workflows"))


def stock(version: str, *columns: str, managed: bool = True, name: str = "Stock") -> Solution:
    return Solution(name=name, version=version, managed=managed).table("Item", [column(one) for one in columns])


@pytest.mark.parametrize("given", ["1.0.0.0", "1.0", "0.9.9.9"])
def test_the_same_or_a_lower_version_of_a_managed_solution_is_refused(
    prod: Environment, client: httpx.Client, given: str
) -> None:
    installed(prod)
    done = brought_in(client, orders(given, managed=True, mark="Other"))
    assert done["statuscode"] == 31
    words = "The import solution must have a higher version than the existing solution it is upgrading."
    assert done["message"] == words
    assert "Other" not in rows(client, "workflows")[0]["clientdata"]


def test_a_higher_version_comes_in_and_keeps_what_the_environment_gave(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    assert brought_in(client, orders("1.0.0.10", managed=True, mark="New"), ComponentParameters=[])["statuscode"] == 30
    assert version(client) == "1.0.0.10"
    assert "New" in rows(client, "workflows")[0]["clientdata"]
    assert rows(client, "connectionreferences")[0]["connectionid"] == "c1"
    assert rows(client, "environmentvariablevalues")[0]["value"] == "https://prod.example.org"
    assert rows(client, "workflows")[0]["statecode"] == 1


def test_an_update_leaves_a_flow_as_it_is_and_turns_new_ones_on(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    prod.maker.turn_off("Notify")
    more = orders("2.0.0.0", managed=True).flow("New", flow({"A": compose(1)}))
    assert brought_in(client, more.flow("Shipped off", flow({"A": compose(1)}), on=False))["statuscode"] == 30
    states = {one["name"]: one["statecode"] for one in rows(client, "workflows")}
    assert states == {"Notify": 0, "New": 1, "Shipped off": 0}
    held = orders("3.0.0.0", managed=True).flow("Held", flow({"A": compose(1)}))
    prod.maker.hold(held.build())
    assert not prod.maker.is_on("Held")
    client.post("DeleteAndPromote", json={"UniqueName": "Orders"})
    assert prod.maker.is_on("Held")


@pytest.mark.parametrize(
    ("there", "code"), [(False, -2147188672), (True, -2147188671)], ids=["over unmanaged", "over managed"]
)
def test_managed_and_unmanaged_do_not_mix(prod: Environment, client: httpx.Client, there: bool, code: int) -> None:
    prod.maker.load(orders(managed=there).build())
    done = brought_in(client, orders("2.0.0.0", managed=not there), ComponentParameters=[])
    assert (done["statuscode"], done["errorcode"]) == (31, code)
    assert "Import can only update solutions when the modes match" in done["message"]


def test_a_managed_component_does_not_come_over_one_that_was_built_here(
    prod: Environment, client: httpx.Client
) -> None:
    prod.maker.load(orders().build())
    other = orders(managed=True)
    other.name = "Twin"
    done = brought_in(client, other, ComponentParameters=[])
    assert "which has an unmanaged base instance" in done["message"]


def test_missing_dependencies_are_told_by_staging_and_keep_the_package_out(client: httpx.Client) -> None:
    needy = orders(managed=True).needs("con_customer", "Customers (1.0.0.0)").needs("con_thing", "Active")
    staged = client.post("StageSolution", json={"CustomizationFile": text(needy)}).json()["StageSolutionResults"]
    assert staged["StageSolutionStatus"] == "Failed"
    told = [(one["RequiredComponentSchemaName"], one["RequiredSolutionName"]) for one in staged["MissingDependencies"]]
    assert told == [("con_customer", "Customers (1.0.0.0)"), ("con_thing", "Active")]
    done = brought_in(client, needy)
    assert done["errorcode"] == -2147188707
    assert done["message"].startswith(
        "The following solution cannot be imported: Orders. Some dependencies are missing."
    )
    assert 'schemaName="con_customer"' in done["message"]
    job = rows(client, "importjobs")[0]
    assert job["data"].count('result="failure"') > 1


def test_an_update_takes_nothing_away_and_an_upgrade_does(prod: Environment, client: httpx.Client) -> None:
    first = orders(managed=True).flow("Old", flow({"A": compose(1)}))
    prod.maker.install(first.build())
    assert brought_in(client, orders("2.0.0.0", managed=True), ComponentParameters=[])["statuscode"] == 30
    assert flows(client) == ["Notify", "Old"]
    assert brought_in(client, orders("3.0.0.0", managed=True), UPGRADE, ComponentParameters=[])["statuscode"] == 30
    assert flows(client) == ["Notify"]


def test_a_held_upgrade_is_there_beside_until_it_is_promoted(prod: Environment, client: httpx.Client) -> None:
    prod.maker.install(orders(managed=True).flow("Old", flow({"A": compose(1)})).build())
    more = {"HoldingSolution": True, "ComponentParameters": []}
    assert brought_in(client, orders("2.0.0.0", managed=True, mark="New"), **more)["statuscode"] == 30
    assert [version(client), version(client, "Orders_Upgrade")] == ["1.0.0.0", "2.0.0.0"]
    assert flows(client) == ["Notify", "Old"]
    started = client.post("DeleteAndPromoteAsync", json={"UniqueName": "Orders"}).json()
    assert until_done(client, started["AsyncOperationId"])["statuscode"] == 30
    assert version(client) == "2.0.0.0"
    assert rows(client, "solutions?$filter=uniquename eq 'Orders_Upgrade'") == []
    assert flows(client) == ["Notify"]
    assert "New" in rows(client, "workflows")[0]["clientdata"]
    assert refused(lambda: client.post("DeleteAndPromote", json={"UniqueName": "Orders"}))[0] == 400


def test_a_leftover_upgrade_is_told_by_staging_and_blocks_the_next_import(
    prod: Environment, client: httpx.Client
) -> None:
    installed(prod)
    prod.maker.hold(orders("2.0.0.0", managed=True).build())
    next_one = orders("3.0.0.0", managed=True)
    staged = client.post("StageSolution", json={"CustomizationFile": text(next_one)}).json()["StageSolutionResults"]
    assert staged["SolutionDetails"]["HasPendingUpgrade"] is True
    assert staged["SolutionDetails"]["PreviousSolutionVersion"] == "1.0.0.0"
    updated, upgraded = (brought_in(client, next_one, action) for action in ("ImportSolutionAsync", UPGRADE))
    assert updated["message"].endswith("Holding solution Orders_Upgrade exists. Cannot update solution.")
    assert upgraded["message"].endswith("Holding solution Orders_Upgrade already exists.")


def test_an_upgrade_that_takes_away_what_others_need_fails_and_stays_held(
    prod: Environment, client: httpx.Client
) -> None:
    child = flow({"A": compose(1)})
    base = Solution(name="Base", managed=True).flow("Child", child).flow("Kept", child)
    prod.maker.install(base.build())
    id_ = rows(client, "workflows?$filter=name eq 'Child'")[0]["workflowid"]
    calls = {"type": "Workflow", "inputs": {"host": {"workflowReferenceName": id_}}}
    prod.maker.install(Solution(name="Above", managed=True).flow("Parent", flow({"Call": calls})).build())
    smaller = Solution(name="Base", version="2.0.0.0", managed=True).flow("Kept", child)
    done = brought_in(client, smaller, UPGRADE, ComponentParameters=[])
    assert done["statuscode"] == 31
    assert "DependencyCount : 1 RequiredComponentObject details: Type: Workflow, ObjectName: Child" in done["message"]
    assert flows(client) == ["Child", "Kept", "Parent"]
    assert version(client, "Base_Upgrade") == "2.0.0.0", "as the platform leaves it"
    assert "DependencyCount : 1" in refused(lambda: client.post("DeleteAndPromote", json={"UniqueName": "Base"}))[2]
    found = client.get("RetrieveDependenciesForUninstall(SolutionUniqueName=@p1)?@p1='Base'").json()["value"]
    assert [one["requiredcomponentobjectid"] for one in found] == [id_]
    solution = rows(client, "solutions?$filter=uniquename eq 'Base'")[0]["solutionid"]
    assert "cannot uninstall" in refused(lambda: client.delete(f"solutions({solution})"))[2]


def test_uninstalling_a_table_destroys_its_rows(prod: Environment, client: httpx.Client) -> None:
    prod.maker.install(stock("1.0.0.0", "con_a").build())
    prod.maker.set_rows("con_item", 420)
    counted = client.get("RetrieveTotalRecordCount(EntityNames=['con_item'])").json()["EntityRecordCountCollection"]
    assert counted == {"Count": 1, "Keys": ["con_item"], "Values": [420]}
    started = client.post("UninstallSolutionAsync", json={"SolutionUniqueName": "Stock"}).json()
    assert until_done(client, started["AsyncOperationId"])["statuscode"] == 30
    assert prod.maker.lost_rows() == {"con_item": 420}
    assert prod.maker.rows("con_item") == 0
    assert rows(client, "msdyn_solutionhistories")[-1]["msdyn_operation"] == 1


def test_upgrading_a_column_away_destroys_what_it_held_and_updating_does_not(
    prod: Environment, client: httpx.Client
) -> None:
    prod.maker.install(stock("1.0.0.0", "con_a", "con_b").build())
    prod.maker.set_rows("con_item", 5)
    assert brought_in(client, stock("2.0.0.0", "con_a", "con_c"), ComponentParameters=[])["statuscode"] == 30
    assert prod.maker.lost_columns() == {}
    done = brought_in(client, stock("3.0.0.0", "con_a", "con_c"), UPGRADE, ComponentParameters=[])
    assert done["statuscode"] == 30
    assert prod.maker.lost_columns() == {"con_item": ["con_b"]}
    assert prod.maker.rows("con_item") == 5


def test_a_table_that_another_solution_brought_too_keeps_its_rows(prod: Environment, client: httpx.Client) -> None:
    prod.maker.install(stock("1.0.0.0", "con_a").build())
    prod.maker.install(stock("1.0.0.0", "con_a", name="More").build())
    prod.maker.set_rows("con_item", 7)
    solution = rows(client, "solutions?$filter=uniquename eq 'More'")[0]["solutionid"]
    assert client.delete(f"solutions({solution})").status_code == 204
    assert prod.maker.rows("con_item") == 7


def test_removing_an_unmanaged_solution_leaves_what_was_in_it(prod: Environment, client: httpx.Client) -> None:
    prod.maker.load(orders().build())
    solution = rows(client, "solutions?$filter=uniquename eq 'Orders'")[0]["solutionid"]
    assert client.delete(f"solutions({solution})").status_code == 204
    assert flows(client) == ["Notify"]


def test_unmanaged_edits_stay_unless_they_are_to_be_overwritten(prod: Environment, client: httpx.Client) -> None:
    installed(prod)
    prod.maker.edit_flow("Notify", lambda whole: whole["properties"].update(templateName="by hand"))
    brought_in(client, orders("2.0.0.0", managed=True))
    assert "by hand" in rows(client, "workflows")[0]["clientdata"]
    brought_in(client, orders("3.0.0.0", managed=True), OverwriteUnmanagedCustomizations=True)
    assert "by hand" not in rows(client, "workflows")[0]["clientdata"]


def test_a_refused_import_changes_nothing(prod: Environment) -> None:
    installed(prod)
    before = str(prod.organisation.state.components)
    with pytest.raises(RefusedError):
        prod.maker.install(orders("0.1", managed=True, mark="Other").build())
    assert str(prod.organisation.state.components) == before


NAMES = st.sets(st.sampled_from(["A", "B", "C", "D"]))
STEPS = st.lists(st.tuples(st.sampled_from(["update", "upgrade", "hold"]), NAMES), max_size=6)


@given(STEPS, NAMES)
def test_any_series_of_updates_and_upgrades_leaves_what_it_should(
    steps: list[tuple[str, set[str]]], others: set[str]
) -> None:
    """An update adds, an upgrade replaces, and another solution keeps what it shares."""
    organisation = Organisation("prod", fresh_state("prod"))
    by = organisation.add_user("Mia", "System Administrator").id

    def bring(name: str, version: int, mode: str, names: set[str]) -> None:
        solution = Solution(name=name, version=f"{version}.0", managed=True)
        for one in sorted(names):
            solution.flow(one, flow({"A": compose(version)}))
        wish = Wish(read_package(solution.build()), upgrade=mode == "upgrade", holding=mode == "hold", by=by)
        import_package(organisation, wish)
        if mode == "hold":
            promote(organisation, name, by)

    bring("Other", 1, "update", others)
    bring("Mine", 1, "update", {"A"})
    mine = {"A"}
    for version, (mode, names) in enumerate(steps, 2):
        bring("Mine", version, mode, names)
        mine = mine | names if mode == "update" else names
        found = {one.part.name for one in organisation.state.of_kind("workflow")}
        held = {organisation.state.components[ref].part.name for ref in organisation.state.solutions["mine"].members}
        assert (found, held) == (mine | others, mine)
    uninstall(organisation, "Mine", by)
    assert {one.part.name for one in organisation.state.of_kind("workflow")} == others
    assert {layer.solution for one in organisation.state.of_kind("workflow") for layer in one.layers} <= {"Other"}


@pytest.mark.skipif(not DATA.is_dir(), reason="the collection of published solutions is not on this machine")
def test_every_published_solution_leaves_as_it_came_in_both_forms() -> None:
    form = SolutionFormat()
    seen = 0
    for file in sorted(DATA.glob("*_unmanaged*.zip")):
        organisation = Organisation("dev", fresh_state("dev"))
        user = organisation.add_user("Mia", "System Administrator")
        package = read_package(file.read_bytes())
        package.needs.clear()
        import_package(organisation, Wish(package, by=user.id))
        theirs = form.inspect(file.read_bytes()).inventory.fingerprint
        for managed in (False, True):
            ours = form.inspect(export_solution(organisation, package.unique_name, managed=managed)).inventory
            assert ours.fingerprint == theirs, file.name
            assert ours.managed is managed
        seen += 1
    assert seen == 21
