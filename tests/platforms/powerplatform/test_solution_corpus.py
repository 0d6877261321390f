"""Real solutions that people have published: all are read, and every promise holds for each of them."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from lampway.app import open_scanner
from lampway.domain.package import Reversibility, Severity
from lampway.platforms.powerplatform.export import require_one_build
from lampway.platforms.powerplatform.package import SolutionFormat

FOLDER = Path(__file__).parents[4] / "shared" / "data" / "power-platform"
FORMAT = SolutionFormat()
COUNTED = {
    "flows": ("flow", "desktop flow"),
    "canvas_apps": ("canvas app",),
    "env_var_definitions": ("environment variable",),
    "env_var_value_files": ("environment variable value",),
    "connection_references": ("connection reference",),
}
TREES = {
    "KPI": "KPI_1_0_0_0_unmanaged.zip",
    "customHIL": "customHIL_1_0_0_3_unmanaged.zip",
    "PowerAutomateSamples": "PowerAutomateSamples_1_0_1_0_unmanaged.zip",
    "BillingPolicyManagement": "BillingPolicyManagement_1_0_0_3_unmanaged.zip",
}
MISCOUNTED = {"customHIL_1_0_0_3_unmanaged.zip": {"env_var_definitions": 1}}
"""The one entry that was counted by folders, of which this hand-made zip lists one more than there are definitions."""
OLD_CANVAS_SOURCE = "CanvasApps/src/"
"""The platform's tools once wrote a second form of canvas apps here, and read it back only if asked to."""

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason="the collection of published solutions is not on this machine"
)


@pytest.fixture(scope="module")
def listed():
    with (FOLDER / "MANIFEST.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


@pytest.fixture(scope="module")
def published(listed):
    return {row["file"]: (FOLDER / row["file"]).read_bytes() for row in listed}


@pytest.fixture(scope="module")
def inspected(published):
    return {name: FORMAT.inspect(data) for name, data in published.items()}


def test_every_published_solution_is_recognised_and_is_what_its_manifest_says(listed, published, inspected):
    assert len(listed) == 32
    for row in listed:
        inventory = inspected[row["file"]].inventory
        assert FORMAT.recognises(published[row["file"]])
        assert (inventory.solution, inventory.version) == (row["unique_name"], row["version"])
        assert inventory.managed is (row["managed"] == "managed")


def test_every_component_that_was_counted_by_others_is_found(listed, inspected):
    for row in listed:
        kinds = Counter(component.type for component in inspected[row["file"]].inventory.components)
        found = {column: sum(kinds[kind] for kind in types) for column, types in COUNTED.items()}
        told = {column: int(row[column]) for column in COUNTED}
        assert found == {**told, **MISCOUNTED.get(row["file"], {})}, row["file"]


def test_managed_and_unmanaged_forms_are_proven_to_be_one_build(published, inspected):
    pairs = [(name, name.replace("_unmanaged", "_managed")) for name in published if "_unmanaged" in name]
    pairs = [(one, other) for one, other in pairs if other in published]
    assert len(pairs) == 5
    for one, other in pairs:
        assert inspected[one].inventory.components == inspected[other].inventory.components
        assert inspected[one].inventory.fingerprint == inspected[other].inventory.fingerprint
        found = FORMAT.diff(published[one], published[other])
        assert found.is_empty
        assert found.notes == ("unmanaged and managed form, of the same build",)
        assert require_one_build(published[one], published[other], "dev").manifest.managed


def test_versions_of_one_solution_differ(published, inspected):
    by_solution = {}
    for inspection in inspected.values():
        by_solution.setdefault(inspection.inventory.solution, set()).add(
            (inspection.inventory.version, inspection.inventory.fingerprint)
        )
    for builds in by_solution.values():
        assert len({fingerprint for _, fingerprint in builds}) == len(builds)


def test_every_published_solution_survives_the_way_to_source_and_back(published, inspected):
    for name, data in published.items():
        source = FORMAT.unpack(data)
        packed = FORMAT.pack(source)
        assert FORMAT.inspect(packed).inventory == inspected[name].inventory, name
        assert FORMAT.diff(data, packed).is_empty
        assert FORMAT.pack(FORMAT.unpack(packed)) == packed
        assert FORMAT.unpack(packed) == source


def tree(name):
    folder = FOLDER / "source" / name
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", TREES)
def test_source_that_others_unpacked_is_the_same_solution(name, published):
    """Differences that are accepted: the version may have moved on, and is told in a note."""
    found = FORMAT.diff(published[TREES[name]], FORMAT.pack(tree(name)))
    assert found.is_empty
    assert found.unchanged == len(FORMAT.inspect(published[TREES[name]]).inventory.components)
    assert all(note.startswith("the version goes back") for note in found.notes)


@pytest.mark.parametrize("name", TREES)
def test_our_source_lies_where_others_put_it(name, published):
    """The one accepted difference: we lay out the members of canvas apps where others keep the file, under its name."""
    theirs = {path for path in tree(name) if not path.startswith(OLD_CANVAS_SOURCE)}
    ours = set(FORMAT.unpack(published[TREES[name]]))
    laid_out = {path for path in ours if ".msapp/" in path}
    assert {path.partition(".msapp/")[0] + ".msapp" for path in laid_out} == theirs - ours
    assert ours - theirs == laid_out


def test_files_that_are_copied_are_the_same_bytes(published):
    for name, file in TREES.items():
        ours = FORMAT.unpack(published[file])
        copied = ("environmentvariabledefinitions/", "Connectors/")
        for path, data in tree(name).items():
            if path.startswith(copied) and (path.startswith(copied[0]) or not path.endswith(".xml")):
                assert ours[path] == data


SUCCESSIVE = [
    ("ElectronicSignatureDemo_1_0_0_6_unmanaged", "ElectronicSignatureDemo_1_0_0_7_unmanaged"),
    ("FoodSignUpAutomation_1_0_0_2_unmanaged", "FoodSignUpAutomation_1_0_0_4_unmanaged"),
    ("SoftwareAssetManager_1_0_0_0_unmanaged__5c1aabc", "SoftwareAssetManager_1_0_0_0_unmanaged__42494d9"),
    ("SoftwareAssetManager_1_0_0_0_unmanaged__42494d9", "SoftwareAssetManager_1_0_0_0_unmanaged"),
    ("SalesOrderProcessingAutomation_1_0_0_1_managed", "SalesOrderProcessingAutomation_1_0_0_3_managed"),
    ("CopilotStudioDataverseIndexer_1_0_0_10_managed", "CopilotStudioDataverseIndexer_1_0_0_11_managed"),
    ("CopilotStudioDataverseIndexer_1_0_0_11_managed", "CopilotStudioDataverseIndexer_1_0_0_12_managed"),
    ("CopilotStudioDataverseIndexer_1_0_0_12_managed", "CopilotStudioDataverseIndexer_1_0_0_13_managed"),
    ("AgentInventoryUsage_20260312_0_managed", "AgentInventoryUsage_20260603_1_managed"),
]


@pytest.mark.parametrize(("old", "new"), SUCCESSIVE)
def test_every_step_in_the_life_of_a_solution_is_told_in_words(old, new, published):
    found = FORMAT.diff(published[f"{old}.zip"], published[f"{new}.zip"])
    assert not found.is_empty
    for change in found.changed:
        assert change.edits
        assert all(edit.summary and len(edit.summary) < 400 for edit in change.edits)
        assert all("show in no word" not in edit.summary for edit in change.edits)
    back = FORMAT.diff(published[f"{new}.zip"], published[f"{old}.zip"])
    assert {one.component.id for one in back.changed} == {one.component.id for one in found.changed}
    assert (len(back.added), len(back.removed)) == (len(found.removed), len(found.added))


def test_columns_that_came_and_columns_that_go_are_told_apart(published):
    old, new = (published[f"SalesOrderProcessingAutomation_1_0_0_{n}_managed.zip"] for n in (1, 3))
    assert FORMAT.diff(old, new).reversibility is Reversibility.DATA_STEP
    assert FORMAT.diff(new, old).reversibility is Reversibility.FORWARD_ONLY


def test_what_the_platform_writes_by_itself_is_no_secret(inspected):
    scanner = open_scanner()
    for name, inspection in inspected.items():
        faults = inspection.faults(scanner.scan(inspection.literals))
        assert not [f for f in faults if f.severity is Severity.SECRET], name


def test_values_of_the_source_environment_are_found(inspected):
    rules = Counter(f.rule for f in inspected["CopilotStudioDataverseIndexer_1_0_0_11_managed.zip"].findings)
    assert rules["current-value-in-package"] == 6
    assert rules["dev-value-as-default"] == 4
    assert rules["fixed-default"] == 2
